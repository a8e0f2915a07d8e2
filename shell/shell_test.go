package shell_test

import (
	"strings"
	"testing"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/tiercel/tiercel/shell"
)

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		name string
		argv []string
		want string
	}{
		{"plain words stay plain", []string{"docker", "inspect", "-f", "c61b4b13ae44"}, "docker inspect -f c61b4b13ae44"},
		{"a command substitution is text", []string{"docker", "top", "$(reboot)"}, "docker top '$(reboot)'"},
		{"a second command is text", []string{"echo", "x; rm -rf ~"}, "echo 'x; rm -rf ~'"},
		{"a quote in a word", []string{"echo", "it's"}, `echo 'it'\''s'`},
		{"an empty word", []string{"echo", ""}, "echo ''"},
		{"a home directory is not expanded", []string{"ls", "~root"}, "ls '~root'"},
		{"a glob is not expanded", []string{"ls", "/proc/*"}, "ls '/proc/*'"},
	} {
		got, err := shell.Join(c.argv)
		if err != nil || got != c.want {
			t.Errorf("%s: Join(%q) = %q, %v; want %q", c.name, c.argv, got, err, c.want)
		}
	}
}

func TestQuoteRefusesWhatCannotBeSeen(t *testing.T) {
	for _, s := range []string{"a\x00b", "a\x1b[2J", "a\x7f", "a\xff"} {
		if got, err := shell.Quote(s); err == nil {
			t.Errorf("Quote(%q) = %q, want an error", s, got)
		}
	}
}

func TestWriteFileEndsItsText(t *testing.T) {
	got, err := shell.WriteFile("/etc/x.conf", "0644", "a\nEOF\nb\n")
	want := "sudo tee /etc/x.conf >/dev/null <<'EOF_'\na\nEOF\nb\nEOF_\nsudo chmod 0644 /etc/x.conf"
	if err != nil || got != want {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

// FuzzQuote reads each quoted word back with a shell parser: it must be one
// word with the same text.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "$(x)", "`x`", "a b", "'", `\`, "\n", "!x", "{a,b}", "~", "#", "=x", "a\tb", "ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := shell.Quote(s)
		if err != nil {
			return
		}
		file, err := syntax.NewParser().Parse(strings.NewReader("echo "+quoted), "")
		if err != nil {
			t.Fatalf("Quote(%q) = %q does not parse: %v", s, quoted, err)
		}
		call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
		if !ok || len(file.Stmts) != 1 || len(call.Args) != 2 {
			t.Fatalf("Quote(%q) = %q is not one word", s, quoted)
		}
		fields, err := expand.Fields(&expand.Config{}, call.Args[1])
		if err != nil || len(fields) != 1 || fields[0] != s {
			t.Fatalf("Quote(%q) = %q reads as %q (%v)", s, quoted, fields, err)
		}
	})
}
