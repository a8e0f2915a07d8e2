package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestValues(t *testing.T) {
	a := one(t, `{"rule":"r","output_fields":{
		"evt.time":1767942902000000321, "ino":18446744073709551615, "big":340282366920938463463374607431768211456,
		"neg":-1, "float":1.767942902000000321e18, "zero":0.0, "minus":-0, "yes":true, "no":false,
		"null":null, "na":"<NA>", "old":"N/A", "empty":"", "text":"a\tb\u0007\"\\\/é\ud83d\ude00",
		"list":["a","b, c"], "none":[], "mixed":[1,"a"], "deep":{"k\n":["\u001b[2J",1.50,null,{"é":true}]},
		"lone":"\ud800x", "low":"\udc00", "high twice":"\ud800\ud83d\ude00", "escaped":"\\ud800", "high, text":"\ud83d\u0041"}}`)
	wantFields(t, a, map[string]string{
		"evt.time": "int 1767942902000000321", "ino": "int 18446744073709551615",
		"big": "int 340282366920938463463374607431768211456", "neg": "int -1", "float": "float 1.767942902000000321e18",
		"zero": "float 0.0", "minus": "int -0", "yes": "bool true", "no": "bool false", "null": "null ",
		"na": "string <NA>", "old": "string N/A", "empty": "string ", "absent": "missing",
		"text": "string a\tb\a\"\\/é😀", "list": "list a, b, c", "none": "list ", "mixed": `object [1,"a"]`,
		"deep": `object {"k\u000a":["\u001b[2J",1.50,null,{"é":true}]}`,
		"lone": "string \ufffdx", "low": "string \ufffd", "high twice": "string \ufffd😀", "escaped": `string \ud800`,
		"high, text": "string \ufffdA",
	})
	list, _ := a.Get("list")
	if fmt.Sprintf("%q", list.Value.Items) != `["a" "b, c"]` {
		t.Errorf("items %q", list.Value.Items)
	}
	for name, known := range map[string]bool{"null": false, "na": false, "old": false, "empty": true, "neg": true} {
		if f, _ := a.Get(name); f.Value.Known() != known {
			t.Errorf("%s: known %v", name, !known)
		}
	}
	if !strings.Contains(string(a.Raw), `\ud800x`) {
		t.Error("the raw bytes were changed")
	}
}

func TestPriority(t *testing.T) {
	for text, want := range map[string]Priority{
		"Emergency": Emergency, "ALERT": Alarm, "critical": Critical, "Error": Error, "Warning": Warning, "NOTICE": Notice,
		"Informational": Informational, "Info": Informational, "INFO": Informational, "debug": Debug, "Fatal": NoPriority,
	} {
		a := one(t, `{"rule":"r","priority":"`+text+`"}`)
		extra, kept := a.Extra.Get("priority")
		if a.Priority != want || kept != (want == NoPriority) || kept && extra.Value.Text != text {
			t.Errorf("%s: %v, extra %v", text, a.Priority, a.Extra)
		}
	}
}

func TestTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-09T07:15:02.000000321Z": "2026-01-09T07:15:02.000000321Z", "2026-01-09T07:15:02Z": "2026-01-09T07:15:02Z",
		"2026-01-09T09:15:02.5+02:00": "2026-01-09T07:15:02.5Z", "2999-01-09T07:15:02Z": "2999-01-09T07:15:02Z",
		"2026-02-30T07:15:02Z": "0001-01-01T00:00:00Z", "yesterday": "0001-01-01T00:00:00Z", "": "0001-01-01T00:00:00Z",
	} {
		a := one(t, `{"rule":"r","output":"x","time":"`+text+`"}`)
		if got := a.Time.Format("2006-01-02T15:04:05.999999999Z07:00"); got != want || a.TimeText != text {
			t.Errorf("%q: %s, text %q", text, got, a.TimeText)
		}
	}
}

// Output, fields, tags and more can each be switched off.
func TestOnlyRuleIsRequired(t *testing.T) {
	for _, input := range []string{
		`{"rule":"r","output":"x"}`, `{"rule":"r","output_fields":{}}`, `{"rule":"r","priority":"Notice"}`,
		`{"rule":"r","time":"2026-01-09T07:15:02Z"}`,
		`{"rule":"r","priority":null,"time":null,"source":null,"hostname":null,"tags":null,"output":null,"output_fields":null,"uuid":null}`,
	} {
		a := one(t, input)
		if a.Rule != "r" || a.Source != "" || a.Hostname != "" || len(a.Fields)+len(a.Tags)+len(a.Extra) != 0 {
			t.Errorf("%s: %+v", input, a)
		}
	}
}

func TestUnknownKeysAreKept(t *testing.T) {
	a := one(t, `{"rule":"r","output":"x","cluster":"east","n":7,"log":{"a":[1]},"event":null}`)
	got := ""
	for _, f := range a.Extra {
		got += f.Name + "=" + f.Value.Text + " "
	}
	if got != `cluster=east n=7 log={"a":[1]} event= ` {
		t.Errorf("extra %s", got)
	}
}

func TestRepeatedAndDisorderedAlertsAreAllGiven(t *testing.T) {
	lines := strings.SplitAfter(file(t, "lines.jsonl"), "\n")
	res := readString(lines[1] + lines[0] + lines[1] + file(t, "sidekick.json") + "\n" + file(t, "sidekick.json"))
	if outline(res) != "alert 1; alert 2; alert 3; alert 4; alert 5" {
		t.Error(outline(res))
	}
}

func TestClone(t *testing.T) {
	d := NewDecoder(testOptions)
	a, err := d.Decode(Record{Bytes: []byte(file(t, "sidekick.json")), Line: 1}, "a")
	if err != nil || a == nil {
		t.Fatal(a, err)
	}
	before, c := fmt.Sprintf("%+v", *a), a.Clone()
	if _, err := d.Decode(Record{Bytes: []byte(strings.Repeat(" ", 20) + file(t, "seed.json")), Line: 2}, "b"); err != nil {
		t.Fatal(err)
	}
	if after := fmt.Sprintf("%+v", *c); after != before {
		t.Errorf("the clone changed:\n%s\n%s", before, after)
	}
}

// A field's name that comes twice is found in sets of every size and order.
func TestNamesTwice(t *testing.T) {
	for _, n := range []int{2, 31, 32, 33, 34, 500} {
		for _, sorted := range []bool{true, false} {
			var names []string
			for i := range n {
				k := i
				if !sorted {
					k = i * 7919 % 1000
				}
				names = append(names, fmt.Sprintf("f%04d", k))
			}
			if a := one(t, objectOf(names)); len(a.Fields) != n {
				t.Errorf("%d names: %d fields", n, len(a.Fields))
			}
			for _, twice := range []int{0, n / 2, n - 1} {
				if res := readString(objectOf(append(names, names[twice]))); len(res.broken) != 1 {
					t.Errorf("%d names and %s: %s", n, names[twice], outline(res))
				}
			}
		}
	}
}

func objectOf(names []string) string {
	var b strings.Builder
	b.WriteString(`{"rule":"r","output_fields":{`)
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%d", name, i)
	}
	return b.String() + "}}"
}

func TestRawIsTheObject(t *testing.T) {
	for _, c := range twoAlerts {
		for _, a := range readString(file(t, c.file)).alerts {
			if !json.Valid(a.Raw) || a.Raw[0] != '{' || a.Raw[len(a.Raw)-1] != '}' {
				t.Errorf("%s: raw %s", c.file, a.Raw)
			}
		}
	}
}
