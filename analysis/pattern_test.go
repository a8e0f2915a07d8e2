package analysis

import "testing"

func TestCommandShape(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"cat /etc/shadow", "cat /etc/shadow"},
		{"sleep 10", "sleep #"},
		{"worker --id 1234 --node node-17", "worker --id # --node node-#"},
		{"run 0353a69d0ac2 deadbeef", "run # deadbeef"},
		{"x 6f1e2c3d-aaaa-4bbb-8ccc-0123456789ab", "x #-aaaa-#bbb-#ccc-#"},
		{"h264enc a1", "h#enc a#"},
	} {
		if got := CommandShape(c.line); got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

func FuzzCommandShape(f *testing.F) {
	f.Add("worker --id 1234 0353a69d0ac2")
	f.Fuzz(func(t *testing.T, line string) {
		shape := CommandShape(line)
		if len(shape) > len(line) || CommandShape(shape) != shape {
			t.Errorf("%q: %q", line, shape)
		}
	})
}
