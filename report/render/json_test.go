package render

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tiercel/tiercel/report"
)

func schemaFile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	const path = "../../docs/schema/analysis-v1.schema.json"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("analysis", parsed); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("analysis")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJSONKeepsToItsSchema(t *testing.T) {
	s := schemaFile(t)
	for name, out := range map[string]string{
		"rich":    shape{same, same}.show(t, "json", Options{}),
		"hostile": shape{swallow(nasty), same}.show(t, "json", Options{}),
		"nothing": show(t, "json", Options{}, report.Input{}),
	} {
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
		if err != nil {
			t.Fatal(name, err)
		}
		if err := s.Validate(parsed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := schemaFile(t)
	out := shape{same, same}.show(t, "json", Options{})
	for _, c := range [][2]string{
		{`"class":"test"`, `"class":"false alarm"`},
		{`"kind":"field"`, `"kind":"guess"`},
		{`"severity":"info"`, `"severity":"informational"`},
		{`"input":{`, `"input":{"extra":1,`},
		{`"text":"Prints 1.","evidence":[{"kind":"source","ref":"falco-rules#Fileless execution via memfd_create"}]`, `"text":"Prints 1.","evidence":[]`},
		{`,"value":"memfd:program"}`, `}`},
		{`"first":"2024-10-05T13:00:46.937782756Z"`, `"first":"yesterday"`},
	} {
		changed := strings.ReplaceAll(out, c[0], c[1])
		if changed == out {
			t.Fatalf("%s is not in the output", c[0])
		}
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(parsed) == nil {
			t.Errorf("valid with %s", c[1])
		}
	}
}

// texts lists all strings of a JSON value that are not keys, in a fixed order.
func texts(t *testing.T, source string) (all []string) {
	var whole any
	if err := json.Unmarshal([]byte(source), &whole); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k])
			}
		}
	}
	walk(whole)
	return all
}

// mark stands where a value would.
const mark = "VALUE"

func checkJSONValue(t *testing.T, v string) {
	out := shape{swallow(v), same}.show(t, "json", Options{})
	if strings.ContainsAny(out, "<>&\u2028\u2029") || strings.IndexFunc(out, func(r rune) bool { return r != '\n' && hidden(r) }) >= 0 {
		t.Errorf("value %q: unescaped characters", v)
	}
	got, want := texts(t, out), texts(t, calm(t, mark, "json", 0))
	valid := string([]rune(v)) // each byte that is no UTF-8 becomes U+FFFD
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], mark, valid)
	}
	if valid == "" {
		return // an empty uuid is null
	}
	if d := firstDifference(got, want); d != "" {
		t.Errorf("value %q: %s", v, d)
	}
}

func TestJSONValuesAreExact(t *testing.T) { mixed(t, checkJSONValue) }
func FuzzJSON(f *testing.F)               { fuzzHostile(f, checkJSONValue) }

func TestJSONStreams(t *testing.T) {
	var b bytes.Buffer
	r, _ := New("json", &b, Options{})
	d := shape{same, same}.small()
	const many = 20000
	if err := r.Begin(report.Input{}); err != nil {
		t.Fatal(err)
	}
	for range many {
		if err := r.Document(d); err != nil {
			t.Fatal(err)
		}
	}
	if b.Len() == 0 {
		t.Error("nothing was written before the end")
	}
	if err := r.End(report.Input{Alerts: many}); err != nil {
		t.Fatal(err)
	}
	var found struct{ Incidents []struct{ ID string } }
	if err := json.Unmarshal(b.Bytes(), &found); err != nil || len(found.Incidents) != many {
		t.Errorf("%d incidents, %v", len(found.Incidents), err)
	}
}
