package render

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var schema *jsonschema.Schema

func validate(t testing.TB, name, out string) {
	t.Helper()
	if err := problem(t, out); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func problem(t testing.TB, out string) error {
	t.Helper()
	if schema == nil {
		var err error
		if schema, err = jsonschema.NewCompiler().Compile("../../docs/schema/audit-v1.schema.json"); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(parsed)
}

func TestJSONKeepsToItsSchema(t *testing.T) {
	validate(t, "sample", show(t, "json", sample(t, same), Options{}))
	validate(t, "hostile", show(t, "json", sample(t, swallow(nasty)), Options{}))
	validate(t, "nothing", show(t, "json", &Audited{}, Options{}))
}

func TestSchemaRefuses(t *testing.T) {
	out := show(t, "json", sample(t, same), Options{})
	for _, c := range [][2]string{
		{`"judgement":"harmful"`, `"judgement":"bad"`},
		{`"kind":"command"`, `"kind":"omission"`},
		{`"kind":"omission"`, `"kind":"fact"`},
		{`"line":3`, `"line":0`},
		{`"missing":1`, `"missing":-1`},
		{`"evidence":[{"kind":"source","ref":"man-chmod"}]`, `"evidence":[]`},
		{`,"value":"web-1"}`, `}`},
		{`"reason":"Falco has no such field."`, `"reason":""`},
		{`"schema":"tiercel/audit/v1"`, `"schema":"tiercel/audit/v2"`},
		{`"quoted":false`, `"quoted":false,"extra":1`},
	} {
		changed := strings.ReplaceAll(out, c[0], c[1])
		if changed == out {
			t.Fatalf("%s is not in the output", c[0])
		}
		if problem(t, changed) == nil {
			t.Errorf("valid with %s", c[1])
		}
	}
}
