package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzRead feeds whole inputs.
func FuzzRead(f *testing.F) {
	for _, name := range testFiles(f) {
		f.Add([]byte(file(f, name)))
	}
	for _, c := range outlines {
		f.Add([]byte(c.input))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		res := checkedRead(t, input, testOptions)
		small := Options{TextFields: textFields, MaxRecord: 64}
		checkedRead(t, input, small)
		for _, a := range res.alerts {
			checkAlert(t, a)
		}
	})
}

// FuzzCompressed feeds what claims to be compressed.
func FuzzCompressed(f *testing.F) {
	for _, s := range []string{good, good + "\n" + good} {
		f.Add(packGzip(s), true)
		f.Add(packZstd(s), false)
		f.Add(append(packGzip(s), packGzip(s)...), true)
		f.Add(packGzip(s)[:40], true)
		f.Add(packZstd(s)[:40], false)
	}
	f.Fuzz(func(t *testing.T, input []byte, gz bool) {
		magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
		if gz {
			magic = []byte{0x1f, 0x8b, 0x08}
		}
		s := NewScanner(bytes.NewReader(append(magic, input...)), Options{})
		for range 10000 {
			if _, _, err := s.Next(nil); err != nil {
				return
			}
		}
	})
}

// FuzzObject feeds one JSON record to the decoder and asks encoding/json what
// it should have found.
func FuzzObject(f *testing.F) {
	for _, s := range []string{good, file(f, "seed.json"), file(f, "sidekick.json"), file(f, "webui.json"),
		`{"rule":"r","output_fields":{"a":[1,"\ud800",{"b":null}],"c":-1.5e+9,"d":["x","y"],"\u0061b":true}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		d := NewDecoder(testOptions)
		a, err := d.Decode(Record{Bytes: input, Line: 1}, "")
		if a == nil || err != nil {
			checkReason(t, err)
			return
		}
		checkAlert(t, a)
	})
}

// FuzzText feeds the fields of a text line.
func FuzzText(f *testing.F) {
	for _, s := range []string{"x | user=root command=sh", "x (user=root command=sh) container_id=a", "x user=a user=b", "=", "x | =", "x (a=)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := NewDecoder(testOptions)
		line := "08:15:02.000000321: Notice " + text
		a, err := d.Decode(Record{Bytes: []byte(line), Line: 1, Kind: LineRecord}, "")
		if a == nil || err != nil {
			checkReason(t, err)
			return
		}
		checkAlert(t, a)
		for i, field := range a.Fields {
			if slices.ContainsFunc(a.Fields[:i], func(g Field) bool { return g.Name == field.Name }) {
				t.Errorf("%s is given twice", field.Name)
			}
			if slices.Contains(a.Ambiguous, field.Name) || slices.Contains(a.Uncertain, field.Name) {
				t.Errorf("%s is ambiguous", field.Name)
			}
			if !strings.Contains(line, field.Value.Text) {
				t.Errorf("%s=%q is not in the line", field.Name, field.Value.Text)
			}
		}
	})
}

// FuzzWrapped puts a record in each wrapper: what comes out must be what comes
// out without the wrapper.
func FuzzWrapped(f *testing.F) {
	for _, s := range []string{good, file(f, "seed.json"), "08:15:02.000000321: Notice x | user=root", `{"rule":"cut`, "[" + good + "]", "other text"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.ContainsAny(body, "\n\r\x00") || !json.Valid(appendString(nil, body)) || strings.ToValidUTF8(body, "") != body {
			return
		}
		plain, _ := NewDecoder(testOptions).Decode(Record{Bytes: []byte(body), Kind: LineRecord}, "")
		want := show(plain)
		for name, input := range wrapped(body) {
			res := readString(input)
			got := ""
			if len(res.alerts) > 0 {
				got = show(res.alerts[0])
			}
			if got != want && !nestedWrapper(body) {
				t.Errorf("%s: %q\n got %s\nwant %s\n%s", name, input, got, want, outline(res))
			}
		}
	})
}

func wrapped(body string) map[string]string {
	quoted := string(appendString(nil, body))
	var codes []string
	for _, c := range []byte(body) {
		codes = append(codes, strconv.Itoa(int(c)))
	}
	half := len(body) / 2
	return map[string]string{
		"docker":         `{"log":` + strings.TrimSuffix(quoted, `"`) + `\n","stream":"stdout","time":"t"}` + "\n",
		"journal":        `{"MESSAGE":` + quoted + "}\n",
		"journal, bytes": `{"MESSAGE":[` + strings.Join(codes, ",") + "]}\n",
		"cri":            "2026-01-09T07:15:02Z stdout F " + body + "\n",
		"cri, parts":     "2026-01-09T07:15:02Z stdout P " + body[:half] + "\n2026-01-09T07:15:02Z stdout F " + body[half:] + "\n",
		"kubectl":        "[pod/a/b] " + body + "\n",
		"RFC 3164":       "Jan  9 08:15:02 node-7 falco[8]: " + body + "\n",
		"RFC 5424":       "<13>1 - - - - - - " + body + "\n",
	}
}

// nestedWrapper: the limits of nesting count the wrapper in, and a whole
// object ends a part that never ended.
func nestedWrapper(body string) bool {
	b := unwrapLine([]byte(body))
	return string(b) != body || bytes.Contains(b, []byte(`"event"`)) || bytes.Contains(b, []byte(`"log"`)) ||
		bytes.Contains(b, []byte(`"MESSAGE"`)) || bytes.Contains(b, []byte(`\u`)) || wholeObject(b[len(b)/2:])
}

func show(a *Alert) string {
	if a == nil {
		return ""
	}
	c := *a
	c.Origin, c.Raw = Origin{}, nil
	return fmt.Sprintf("%+v %s", c, a.Raw)
}

func testFiles(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && filepath.Ext(e.Name()) != "" {
			names = append(names, e.Name())
		}
	}
	return names
}

// checkedRead reads the input at once and byte by byte, and checks what must
// hold for every input.
func checkedRead(t *testing.T, input []byte, opt Options) result {
	t.Helper()
	res := read(bytes.NewReader(input), opt)
	slow := read(iotest.OneByteReader(bytes.NewReader(input)), opt)
	if a, b := outline(res), outline(slow); a != b {
		t.Errorf("at once:      %s\nbyte by byte: %s", a, b)
	}
	lines := bytes.Count(input, []byte("\n")) + 1
	compressed := decompressor(input) != nil
	for _, n := range res.lines {
		if n < 1 || n > lines && !compressed {
			t.Errorf("line %d of %d", n, lines)
		}
	}
	joins := bytes.Contains(input, []byte(" P")) || bytes.Contains(input, []byte(`"log"`))
	if !slices.IsSorted(res.lines) && !joins && !compressed {
		t.Errorf("lines %v", res.lines)
	}
	for i := range res.broken {
		checkReason(t, &res.broken[i])
	}
	return res
}

func checkReason(t *testing.T, err error) {
	t.Helper()
	var broken *BrokenError
	if err == nil {
		return
	}
	if !errors.As(err, &broken) || broken.Reason == "" {
		t.Errorf("error %v", err)
		return
	}
	for _, r := range broken.Reason {
		if r < ' ' || r > '~' {
			t.Errorf("reason %q", broken.Reason)
		}
	}
}

// checkAlert: the alert's own bytes give the same alert, and encoding/json
// agrees with it.
func checkAlert(t *testing.T, a *Alert) {
	t.Helper()
	a = a.Clone()
	again := read(io.MultiReader(bytes.NewReader(a.Raw), strings.NewReader("\n")), testOptions)
	if len(again.alerts) != 1 || show(again.alerts[0]) != show(a) {
		t.Fatalf("raw %q\n  was %s\nagain %s", a.Raw, show(a), outline(again))
	}
	if a.Form == FormText {
		return
	}
	if !json.Valid(a.Raw) {
		t.Fatalf("not JSON: %q", a.Raw)
	}
	// Maps, because names in structs match in any case.
	var top, want map[string]json.RawMessage
	if err := json.Unmarshal(a.Raw, &top); err != nil {
		t.Fatalf("%q: %v", a.Raw, err)
	}
	if fields := top["output_fields"]; fields != nil {
		if err := json.Unmarshal(fields, &want); err != nil {
			t.Fatalf("%q: %v", a.Raw, err)
		}
	}
	if rule := canonical(Value{Kind: String, Text: a.Rule}); rule != canonicalJSON(top["rule"]) {
		t.Errorf("rule %s: %q", rule, a.Raw)
	}
	if a.FromText {
		if top["output_fields"] != nil {
			t.Errorf("fields from the text beside output_fields: %q", a.Raw)
		}
		return
	}
	if len(want) != len(a.Fields) {
		t.Fatalf("%d fields, want %d: %q", len(a.Fields), len(want), a.Raw)
	}
	for _, f := range a.Fields {
		if got, want := canonical(f.Value), canonicalJSON(want[f.Name]); got != want {
			t.Errorf("%q is %s, want %s", f.Name, got, want)
		}
	}
}

func canonical(v Value) string {
	switch v.Kind {
	case Null:
		return "null"
	case String:
		return canonicalJSON(appendString(nil, v.Text))
	case List:
		items, _ := json.Marshal(append([]string{}, v.Items...))
		return canonicalJSON(items)
	}
	return canonicalJSON([]byte(v.Text))
}

// canonicalJSON keeps the literals of numbers.
func canonicalJSON(b []byte) string {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	out, _ := json.Marshal(v)
	return string(out)
}
