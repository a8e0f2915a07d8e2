package alert

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// textFields is a part of the table that the knowledge package has.
var textFields = map[string]string{
	"user": "user.name", "user_uid": "user.uid", "user_loginuid": "user.loginuid", "process": "proc.name",
	"proc_exepath": "proc.exepath", "parent": "proc.pname", "command": "proc.cmdline", "terminal": "proc.tty",
	"exe_flags": "evt.arg.flags", "container_id": "container.id", "container_name": "container.name",
	"evt_type": "evt.type", "evt_res": "evt.res", "gparent": "proc.aname[2]", "file": "fd.name", "fd_proto": "fd.l4proto",
	"container_start_ts": "container.start_ts", "proc_cwd": "proc.cwd", "proc_sname": "proc.sname",
	"pcmdline": "proc.pcmdline", "evt_args": "evt.args",
}

var testOptions = Options{TextFields: textFields}

// result is all that comes of an input.
type result struct {
	alerts []*Alert
	broken []BrokenError
	lines  []int // of all records, in the order in which they came
	passed int
	err    error
}

func read(r io.Reader, opt Options) result {
	var res result
	s, d := NewScanner(r, opt), NewDecoder(opt)
	for {
		rec, _, err := s.Next(nil)
		if err != nil {
			res.passed += s.Passed()
			if !errors.Is(err, io.EOF) {
				res.err = err
			}
			return res
		}
		res.lines = append(res.lines, rec.Line)
		a, err := d.Decode(rec, "falco.log")
		var broken *BrokenError
		switch {
		case errors.As(err, &broken):
			res.broken = append(res.broken, *broken)
		case a == nil:
			res.passed++
		default:
			res.alerts = append(res.alerts, a.Clone())
		}
	}
}

func readString(s string) result { return read(strings.NewReader(s), testOptions) }

// one reads an input of exactly one alert.
func one(t *testing.T, input string) *Alert {
	t.Helper()
	res := readString(input)
	if len(res.alerts) != 1 || len(res.broken) > 0 || res.err != nil {
		t.Fatalf("%d alerts, broken %v, error %v: one alert wanted", len(res.alerts), res.broken, res.err)
	}
	return res.alerts[0]
}

func file(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fieldValue gives a field as kind and text, "missing" when it is not there.
func fieldValue(a *Alert, name string) string {
	f, ok := a.Get(name)
	if !ok {
		return "missing"
	}
	kind := [...]string{"null", "string", "int", "float", "bool", "list", "object"}[f.Value.Kind]
	return kind + " " + f.Value.Text
}

func wantFields(t *testing.T, a *Alert, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := fieldValue(a, name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
}

func TestAll(t *testing.T) {
	input := file(t, "lines.jsonl") + "{\"rule\": \"cut off\n" + file(t, "seed.json")
	var got []string
	for a, err := range All(strings.NewReader(input), "falco.log", Options{}) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, strings.Clone(a.Rule))
	}
	want := "Terminal shell in container, Terminal shell in container, line 3: the line ends inside a string, Fileless execution via memfd_create"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got %s", s)
	}
	for a, err := range All(strings.NewReader(input), "falco.log", Options{}) {
		if a == nil || err != nil {
			t.Error(a, err)
		}
		break
	}
}

func TestAllStopsAtAnUnreadableInput(t *testing.T) {
	var errs int
	for _, err := range All(iotest.ErrReader(errors.New("is a directory")), "x", Options{}) {
		if err == nil || errors.As(err, new(*BrokenError)) {
			t.Errorf("got %v", err)
		}
		errs++
	}
	if errs != 1 {
		t.Errorf("%d errors", errs)
	}
}

// BenchmarkRead reads a thousand alerts on one core.
func BenchmarkRead(b *testing.B) {
	line := strings.TrimSpace(file(b, "seed.json")) + "\n"
	docker := strings.SplitAfter(file(b, "docker.log"), "\n")[1]
	text := file(b, "text-new.log")
	for name, line := range map[string]string{"lines": line, "docker": docker, "text": text} {
		b.Run(name, func(b *testing.B) { benchmarkRead(b, line) })
	}
}

func benchmarkRead(b *testing.B, line string) {
	const lines = 1000
	input := bytes.Repeat([]byte(line), lines)
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	d := NewDecoder(testOptions)
	var buf []byte
	for b.Loop() {
		n := 0
		s := NewScanner(bytes.NewReader(input), testOptions)
		for {
			rec, grown, err := s.Next(buf[:0])
			if buf = grown; err != nil {
				break
			}
			if a, err := d.Decode(rec, "x"); a == nil || err != nil {
				b.Fatal(a, err)
			}
			n++
		}
		if n != lines {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.N*lines)/b.Elapsed().Seconds(), "alerts/s")
}
