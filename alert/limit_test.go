package alert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// endless is a line of 100 MB that is never in memory as a whole.
func endless(head, fill, tail string) io.Reader {
	const size = 100 << 20
	return io.MultiReader(strings.NewReader(head),
		io.LimitReader(&repeater{fill: bytes.Repeat([]byte(fill), 1000)}, int64(size/len(fill)*len(fill))), strings.NewReader(tail))
}

type repeater struct {
	fill []byte
	at   int
}

func (r *repeater) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k := copy(p[n:], r.fill[r.at:])
		r.at = (r.at + k) % len(r.fill)
		n += k
	}
	return n, nil
}

// A line of 100 MB is skipped in bounded memory, whatever it is made of.
func TestLinesWithoutEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a gigabyte")
	}
	for _, c := range []struct {
		name, head, fill, tail, want string
	}{
		{"an alert", `{"rule":"r","output":"`, "x", "\"}\n" + good, "alert 2; broken 1: longer than 16 MiB"},
		{"an alert without end", `{"rule":"r","output":"`, "x", "", "broken 1: longer than 16 MiB"},
		{"backslashes", `{"rule":"r","output":"`, `\`, "\"}\n" + good, "alert 2; broken 1: longer than 16 MiB"},
		{"fields", `{"rule":"r","output_fields":{"a":1`, `,"a":1`, "}}\n" + good, "alert 2; broken 1: longer than 16 MiB"},
		{"text", "08:15:02.000000321: Notice ", "x", "\n" + good, "alert 2; broken 1: longer than 16 MiB"},
		{"anything", "", "x", "\n" + good, "alert 2; broken 1: longer than 16 MiB"},
		{"blanks behind an object", good, " ", "\n" + good, "alert 2; broken 1: text behind the object"},
		{"blanks", "", " ", "\n" + good, "alert 2"},
		{"an object in an array", `[` + good + `,{"rule":"r","output":"`, "x", `"},` + good + "]",
			"alert 1; alert 1; broken 1: longer than 16 MiB"},
		{"a string over many lines", "{\"rule\":\"r\",\n\"output\":\"", "x", "\"}\n" + good,
			"alert 3; broken 1: longer than 16 MiB; broken 2: longer than 16 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			res := read(endless(c.head, c.fill, c.tail), testOptions)
			runtime.ReadMemStats(&after)
			if got := outline(res); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			// 64 KiB doubled up to 32 MiB.
			if used := after.TotalAlloc - before.TotalAlloc; used > 80<<20 {
				t.Errorf("%d MiB allocated", used>>20)
			}
		})
	}
}

func TestAnArrayOnOneLineIsStreamed(t *testing.T) {
	r := endless("[", good+",", good+"]")
	s, d := NewScanner(r, Options{}), NewDecoder(Options{})
	var buf []byte
	n := 0
	for {
		rec, grown, err := s.Next(buf[:0])
		if errors.Is(err, io.EOF) {
			break
		}
		buf = grown
		if a, err := d.Decode(rec, ""); a == nil || err != nil || rec.Line != 1 {
			t.Fatal(a, err, rec.Line)
		}
		n++
	}
	if want := 100<<20/(len(good)+1) + 1; n != want || len(s.w.buf) > windowSize {
		t.Errorf("%d alerts, want %d; %d bytes held", n, want, len(s.w.buf))
	}
}

func TestMaxRecord(t *testing.T) {
	opt := Options{MaxRecord: len(good)}
	longer := strings.Replace(good, "sh", "bash", 1)
	for input, want := range map[string]string{
		good: "alert 1", longer + "\n" + good: fmt.Sprintf("alert 2; broken 1: longer than %d bytes", len(good)),
		"[" + longer + "," + good + "]":                      fmt.Sprintf("alert 1; broken 1: longer than %d bytes", len(good)),
		strings.Replace(longer, ",", ",\n", 1) + "\n" + good: fmt.Sprintf("alert 3; broken 1: longer than %d bytes", len(good)),
	} {
		for _, r := range []io.Reader{strings.NewReader(input), iotest.OneByteReader(strings.NewReader(input))} {
			if got := outline(read(r, opt)); got != want {
				t.Errorf("%s\n got %s\nwant %s", input, got, want)
			}
		}
	}
}

func TestPartsAreLimited(t *testing.T) {
	part := "2026-01-09T07:15:02Z stdout P " + strings.Repeat("x", 500) + "\n"
	input := strings.Repeat(part, 10) + "2026-01-09T07:15:02Z stdout F x\n" + good
	if got := outline(read(strings.NewReader(input), Options{MaxRecord: 4096})); got != "alert 12; broken 1: longer than 4096 bytes" {
		t.Error(got)
	}
}

func TestALongCommandLine(t *testing.T) {
	command := strings.Repeat(`sh -c \"é\" `, 20000)
	a := one(t, `{"rule":"r","output_fields":{"proc.cmdline":"`+command+`"}}`)
	if f, _ := a.Get("proc.cmdline"); f.Value.Text != strings.ReplaceAll(command, `\"`, `"`) {
		t.Errorf("%d bytes", len(f.Value.Text))
	}
}

// Whoever can write a log must not be able to stop us: each of these was
// chosen to be slow for a careless reader.
func TestNothingIsQuadratic(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some megabytes")
	}
	var fields, unsorted []string
	for i := range 100000 {
		fields = append(fields, fmt.Sprintf("f%06d", i))
		unsorted = append(unsorted, fmt.Sprintf("f%06d", 99999-i))
	}
	const many = 50000
	for name, input := range map[string]string{
		"100,000 fields":            objectOf(fields),
		"100,000 fields, unsorted":  objectOf(unsorted),
		"100,000 keys":              strings.Replace(objectOf(unsorted), `"output_fields":{`, `"priority":"Notice",`, 1)[:len(objectOf(unsorted))-len(`{`)-1],
		"cut off at every line":     strings.Repeat(`{"rule":"r","priority":"Notice"`+"\n", many),
		"nested at every line":      strings.Repeat(`{"a":[`+"\n", many),
		"begun at every line":       strings.Repeat(`{"a":`+"\n", many),
		"a list over many lines":    `{"rule":[` + "\n" + strings.Repeat("1,\n", many),
		"64 lists over many lines":  strings.Repeat(`{"rule":[`+"\n", 32) + strings.Repeat("1,\n", many),
		"one key in a text line":    "08:15:02.000000321: Notice x | " + strings.Repeat("user=1 ", many),
		"equals signs":              "08:15:02.000000321: Notice x | " + strings.Repeat("=", many),
		"one long key":              "08:15:02.000000321: Notice x | " + strings.Repeat("a", many) + "=" + strings.Repeat("a", many),
		"separators":                "08:15:02.000000321: Notice " + strings.Repeat(" | ", many),
		"brackets":                  strings.Repeat("[", many),
		"brackets on lines":         strings.Repeat("[\n", many),
		"backslashes":               `{"rule":"r","output":"` + strings.Repeat(`\\`, many) + `"}`,
		"lone surrogates":           `{"rule":"r","output":"` + strings.Repeat(`\ud800`, many) + `"}`,
		"Docker parts":              strings.Repeat(`{"log":"`+strings.Repeat("x", dockerSplit)+`","stream":"stdout"}`+"\n", 100),
		"CRI parts":                 strings.Repeat("2026-01-09T07:15:02Z stdout P x\n", many),
		"prefixes":                  strings.Repeat("[pod/a/b] ", many),
		"objects on one line":       strings.Repeat(`{}`, many),
		"structured data":           "<1>1 - - - - - " + strings.Repeat(`["\" `, many),
		"bytes of a journal":        `{"MESSAGE":[` + strings.Repeat("123,", many) + "1]}",
		"wrapped in wrappers":       strings.Repeat(`{"event":`, 30) + good + strings.Repeat("}", 30),
		"an event behind much else": `{"a":[` + strings.Repeat(`"event",`, many) + `1],"event":` + good + "}",
	} {
		start := time.Now()
		read(bytes.NewReader([]byte(input)), testOptions)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: %v", name, took)
		} else if took > 300*time.Millisecond {
			t.Logf("%s: %v for %d bytes", name, took, len(input))
		}
	}
}
