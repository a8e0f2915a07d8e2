package alert

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const good = `{"rule":"r","priority":"Notice","output_fields":{"proc.name":"sh"}}`

// outline gives a result as one line: alerts by line, broken by line and
// reason, and how many lines were passed over.
func outline(res result) string {
	var parts []string
	for _, a := range res.alerts {
		parts = append(parts, fmt.Sprintf("alert %d", a.Origin.Line))
	}
	for _, b := range res.broken {
		parts = append(parts, fmt.Sprintf("broken %d: %s", b.Line, b.Reason))
	}
	if res.passed > 0 {
		parts = append(parts, fmt.Sprintf("passed %d", res.passed))
	}
	return strings.Join(parts, "; ")
}

var outlines = []struct {
	name, input, want string
}{
	{"a pasted session", "$ kubectl logs falco\nnot json\n" + good + "\n{\"rule\": \"cut off\n",
		"alert 3; broken 4: the line ends inside a string; passed 2"},
	{"cut off at the end of the input", good + "\n{\"rule\": \"cut off", "alert 1; broken 2: cut off inside a string"},
	{"cut off between two keys", `{"rule":"r","priority":"Notice"` + "\n" + good,
		`alert 2; broken 1: not JSON: "," or the end of the object expected at column 1, 1 lines on`},
	{"cut off behind a comma", `{"rule":"r",` + "\n" + good,
		"alert 2; broken 1: not JSON: a key expected at column 1, 1 lines on"},
	{"cut off where an object may follow", `{"rule":"r","output_fields":` + "\n" + good + "\n" + good,
		`alert 2; alert 3; broken 1: not JSON: "," or the end of the object expected at column 1, 2 lines on`},
	{"cut off pretty-printed", "{\n  \"rule\": \"r\",\n  \"priority\": \"Not", "broken 1: cut off inside a string"},
	{"an empty line and blanks", "\n \t\r\n" + good + "\n\n", "alert 3"},
	{"no newline at the end", good, "alert 1"},
	{"nothing", "", ""},
	{"only a byte order mark", "\xef\xbb\xbf", ""},
	{"byte order mark of a joined file", good + "\n\xef\xbb\xbf" + good, "alert 1; alert 2"},
	{"two objects on a line", good + good + " " + good + "\n" + good, "alert 1; alert 1; alert 1; alert 2"},
	{"text behind the object", good + " <- look\n" + good, "alert 2; broken 1: text behind the object"},
	{"a brace too many", `{"rule":"r","priority":"Notice"}},"output_fields":{}}` + "\n" + good,
		"alert 2; broken 1: text behind the object"},
	{"text between objects", good + ",5," + good + "\n" + good, "alert 1; alert 2; broken 1: text between the objects of a line"},
	{"an empty array", "[]\n", ""},
	{"an array without end", "[" + good + ",\n" + good, "alert 1; alert 2; broken 2: the JSON array has no end: the input is cut off"},
	{"an array, cut off in an object", "[" + good + ",\n{\"rule\":\"r", "alert 1; broken 2: cut off inside a string"},
	{"a broken object in an array", "[\n  " + good + ",\n  {\"rule\": \"r\", \"priority\": Notice},\n  " + good + "\n]\n",
		"alert 2; alert 4; broken 3: not JSON: a value expected at column 27"},
	{"two arrays", "[" + good + "]\n[" + good + "]\n", "alert 1; alert 2"},
	{"a list of numbers", "[1,2,3]\n" + good, "alert 2; passed 1"},
	{"another program's JSON", `{"level":"info","msg":"started"}` + "\n" + good, "alert 2; passed 1"},
	{"another program's JSON, cut off", `{"level":"info","msg":"sta` + "\n" + good, "alert 2; passed 1"},
	{"a log of another tool with a rule", `{"rule":{"level":3,"id":"5501"},"full_log":"x"}`, "passed 1"},
	{"a rule file", "- rule: Terminal shell\n  condition: x\n  output: y\n  priority: NOTICE\n", "passed 4"},
	{"a rule file as JSON", `{"rule":"Terminal shell","condition":"x","desc":"y"}`, "passed 1"},
	{"a program's source", "int main(void)\n{\n  return 0;\n}\n", "passed 4"},
	{"Falco's first lines", "Fri Jan  9 07:14:58 2026: Falco version: 0.43.0 (x86_64)\n" +
		"2026-01-09T07:14:58+0000: Loading rules from:\n2026-01-09T07:14:58+0000: Error opening file\n", "passed 3"},
	{"an alert inside a command", `$ curl -d '` + good + `' http://192.0.2.7:2801/` + "\n", "passed 1"},
	{"an alert behind other text", "see this: " + good + "\n", "passed 1"},

	{"rule is a number", `{"rule":7,"priority":"Notice"}`, "broken 1: rule is a number, not a string"},
	{"rule is empty", `{"rule":"","priority":"Notice"}`, "broken 1: rule is empty"},
	{"fields without a rule", `{"output_fields":{"a":1},"priority":"Notice"}`, "broken 1: output_fields without a rule"},
	{"output_fields is a list", `{"rule":"r","output_fields":[1]}`, "broken 1: output_fields is a list, not an object"},
	{"priority is a number", `{"rule":"r","priority":5}`, "broken 1: priority is a number, not a string"},
	{"time is a number", `{"rule":"r","output":"x","time":5}`, "broken 1: time is a number, not a string"},
	{"tags is a string", `{"rule":"r","output":"x","tags":"a"}`, "broken 1: tags is a string, not a list"},
	{"a tag is a number", `{"rule":"r","output":"x","tags":["a",1]}`, "broken 1: a tag is a number, not a string"},
	{"hostname is an object", `{"rule":"r","output":"x","hostname":{}}`, "broken 1: hostname is an object, not a string"},
	{"uuid is true", `{"rule":"r","output":"x","uuid":true}`, "broken 1: uuid is true or false, not a string"},

	{"a key twice", `{"rule":"r","rule":"s","output":"x"}`, "broken 1: the key rule is given twice"},
	{"an unknown key twice", `{"rule":"r","output":"x","k":1,"k":1}`, "broken 1: the key k is given twice"},
	{"a field twice", `{"rule":"r","output_fields":{"a":1,"b":2,"a":1}}`, "broken 1: in output_fields: the key a is given twice"},
	{"a field twice, once escaped", `{"rule":"r","output_fields":{"a":1,"\u0061":1}}`,
		"broken 1: in output_fields: the key a is given twice"},
	{"a hostile key twice", `{"rule":"r","output_fields":{"\u001b[2J\u202e":1,"\u001b[2J\u202e":1}}`,
		"broken 1: in output_fields: the key ?[2J? is given twice"},
	{"a bad escape", `{"rule":"r","output":"\x41"}`, "broken 1: a bad escape at column 23"},
	{"a bad \\u escape", `{"rule":"r","output":"\u00g1"}`, "broken 1: a bad escape at column 23"},
	{"a raw control byte", "{\"rule\":\"r\",\"output\":\"\x1b[2J\"}\n" + good,
		"alert 2; broken 1: raw control byte 0x1b in a string"},
	{"a raw tab in a string", "{\"rule\":\"r\",\"output\":\"a\tb\"}", "broken 1: raw control byte 0x09 in a string"},
	{"a tab between two keys", "{\"rule\":\"r\",\t\"output\":\"a\"}", "alert 1"},
	{"a NUL byte in a string", "{\"rule\":\"r\",\"output\":\"a\x00b\"}\n" + good, "alert 2; broken 1: NUL byte"},
	{"NUL bytes of a truncated file", "\x00\x00\x00" + good + "\n" + good, "alert 2; broken 1: NUL byte"},
	{"invalid UTF-8", "{\"rule\":\"r\",\"output\":\"\xff\"}\n" + good, "alert 2; broken 1: invalid UTF-8"},
	{"a number with a zero before it", `{"rule":"r","output_fields":{"a":01}}`, "broken 1: not JSON: a bad number"},
	{"NaN", `{"rule":"r","output_fields":{"a":NaN}}`, "broken 1: not JSON: a bad number"},
	{"a bad number deep inside", `{"rule":"r","output_fields":{"a":[{"b":1.}]}}`, "broken 1: not JSON: a bad number"},
	{"a comma too many", `{"rule":"r","output":"x",}`, "broken 1: not JSON: a key expected at column 26"},
	{"nested 64 deep", nestedAlert(64), "alert 1"},
	{"nested 65 deep", nestedAlert(65), "broken 1: nested deeper than 64"},
	{"nested 400 deep", nestedAlert(400), "broken 1: nested deeper than 64"},
	{"nested 65 deep, pretty-printed", strings.ReplaceAll(nestedAlert(65), "[", "[\n") + "\n" + good,
		"alert 65; broken 1: nested deeper than 64; passed 1"},

	{"pretty-printed: a wrong bracket", "{\n\"rule\": \"r\",\n\"tags\": [1}\n}\n" + good,
		"alert 5; broken 1: not JSON: the wrong bracket at column 11, 2 lines on; passed 2"},
	{"pretty-printed: a line break in a string", "{\n\"rule\": \"r\",\n\"output\": \"a\nb\"\n}\n" + good,
		"alert 6; broken 1: not JSON: a line break in a string at column 13, 2 lines on; passed 3"},
	{"pretty-printed: a control byte", "{\n\"rule\": \"r\",\n\"output\": \"\x1b\"\n}\n" + good,
		"alert 5; broken 1: not JSON: raw control byte 0x1b in a string at column 12, 2 lines on; passed 2"},
	{"pretty-printed: a NUL byte", "{\n\"rule\": \"r\",\n\"output\": \"\x00\"\n}\n" + good,
		"alert 5; broken 1: NUL byte; broken 3: NUL byte; passed 1"},
	{"pretty-printed: a bad escape", "{\n\"rule\": \"r\",\n\"output\": \"\\x\"\n}\n" + good,
		"alert 5; broken 1: not JSON: a bad escape at column 13, 2 lines on; passed 2"},
	{"pretty-printed: a bad \\u escape", "{\n\"rule\": \"r\",\n\"output\": \"\\u12\"\n}\n" + good,
		"alert 5; broken 1: not JSON: a bad escape at column 16, 2 lines on; passed 2"},
	{"pretty-printed: no value", "{\n\"rule\": \"r\",\n\"priority\": Notice\n}\n" + good,
		"alert 5; broken 1: not JSON: a value expected at column 13, 2 lines on; passed 2"},
	{"pretty-printed: a bad number", "{\n\"rule\": \"r\",\n\"output_fields\": {\"a\": 1.\n}}\n" + good,
		"alert 5; broken 1: not JSON: no JSON value at column 26, 2 lines on; passed 2"},
	{"pretty-printed: no colon", "{\n\"rule\" \"r\"\n}\n" + good,
		"alert 4; broken 1: not JSON: \":\" expected at column 8, 1 lines on; passed 2"},
	{"a NUL byte in what is cut off", "{\"rule\":\"r\x00", "broken 1: NUL byte"},
	{"Docker: cut off inside", `{"log":"{\"rule\": \"cut off\n","stream":"stdout","time":"x"}` + "\n", "broken 1: cut off inside a string"},
	{"Docker: cut off itself", `{"log":"{\"rule\": \"r\",\"outp` + "\n" + good, "alert 2; broken 1: the line ends inside a string"},
	{"Docker: other text", `{"log":"ready\n","stream":"stdout","time":"x"}` + "\n", "passed 1"},
	{"kubectl: cut off", "[pod/a/falco] {\"rule\": \"cut\n" + good, "alert 2; broken 1: cut off inside a string"},
	{"kubectl: text behind", "[pod/a/falco] " + good + "x\n", "broken 1: text behind the object"},
	{"CRI: a part without its end", "2026-01-09T07:15:02Z stdout P {\"rule\":\"r\n2026-01-09T07:15:03Z stdout F " + good + "\n",
		"alert 2; broken 1: cut off inside a string"},
	{"CRI: the input ends in a part", "2026-01-09T07:15:02Z stdout P {\"rule\":\"r\n", "broken 1: cut off inside a string"},
	{"CRI: the end of a part that was never begun", "2026-01-09T07:15:02Z stdout F :\"r\"}\n", "passed 1"},
	{"syslog: another program", "Jan  9 08:15:02 node-7 sshd[7]: Failed password for " + good + "\n", "passed 1"},
	{"invalid UTF-8 in a text line", "08:15:02.000000321: Notice a\xffb (user=root)\n", "broken 1: invalid UTF-8"},
	{"a line break in a text line", `{"log":"08:15:02.000000321: Notice a\nb\n","stream":"stdout"}`,
		"broken 1: a line break inside the line"},
}

func nestedAlert(depth int) string {
	n := depth - 2
	return `{"rule":"r","output_fields":{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
}

func TestBrokenRecordsCostOnlyThemselves(t *testing.T) {
	for _, c := range outlines {
		t.Run(c.name, func(t *testing.T) {
			if got := outline(readString(c.input)); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestHowTheInputArrivesDoesNotMatter(t *testing.T) {
	for _, c := range outlines {
		whole := outline(readString(c.input))
		if got := outline(read(iotest.OneByteReader(strings.NewReader(c.input)), testOptions)); got != whole {
			t.Errorf("%s, byte by byte:\n got %s\nwant %s", c.name, got, whole)
		}
	}
	for _, c := range twoAlerts {
		res := read(iotest.OneByteReader(strings.NewReader(file(t, c.file))), testOptions)
		if len(res.alerts) != 2 || res.passed != c.passed {
			t.Errorf("%s, byte by byte: %s", c.file, outline(res))
		}
	}
}

func TestReadErrorComesBehindWhatWasGood(t *testing.T) {
	res := read(io.MultiReader(strings.NewReader(good+"\n"+good), iotest.ErrReader(io.ErrClosedPipe)), testOptions)
	if outline(res) != "alert 1; alert 2" || !errors.Is(res.err, io.ErrClosedPipe) {
		t.Errorf("%s, error %v", outline(res), res.err)
	}
}

func TestEmptyInput(t *testing.T) {
	for input, want := range map[string]bool{"": true, "\n": false, good: false} {
		s := NewScanner(strings.NewReader(input), Options{})
		for err := error(nil); err == nil; _, _, err = s.Next(nil) {
		}
		if s.Empty() != want {
			t.Errorf("%q: empty %v", input, !want)
		}
	}
}

func TestLinesComeInOrder(t *testing.T) {
	for _, c := range outlines {
		if res := readString(c.input); !slices.IsSorted(res.lines) && !strings.Contains(c.name, "CRI") {
			t.Errorf("%s: %v", c.name, res.lines)
		}
	}
}

// An input that is still being written gives each line when it has ended.
func TestLinesAreGivenAsTheyCome(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	given, s := make(chan int), NewScanner(r, Options{})
	go func() {
		for {
			rec, _, err := s.Next(nil)
			if err != nil {
				return
			}
			given <- rec.Line
		}
	}()
	for i, line := range []string{good, "Jan  9 08:15:02 node-7 falco: " + good, "{\n\"rule\":\"r\",\n\"output\":\"x\"\n}", good} {
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if got, want := <-given, []int{1, 2, 3, 7}[i]; got != want {
			t.Errorf("line %d, want %d", got, want)
		}
	}
}
