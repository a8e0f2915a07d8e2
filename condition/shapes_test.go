package condition

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/tiercel/tiercel/alert"
)

// TestShapes reads a rule file with conditions in the shapes of Falco's own.
func TestShapes(t *testing.T) {
	raw, err := os.ReadFile("testdata/shapes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var items []struct {
		List, Macro, Rule, Condition string
		Items                        []string
		Exceptions                   []struct {
			Name          string
			Fields, Comps any
			Values        []any
		}
	}
	if err := yaml.Unmarshal(raw, &items); err != nil {
		t.Fatal(err)
	}
	defs := &Definitions{Lists: map[string][]string{}, Macros: map[string]string{}}
	for _, it := range items {
		if it.List != "" {
			defs.Lists[it.List] = it.Items
		}
		if it.Macro != "" {
			defs.Macros[it.Macro] = it.Condition
		}
	}
	alerts := []*alert.Alert{sample(), connect(), {}}
	n := 0
	check := func(name string, c *Condition, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		n++
		for _, d := range []*Definitions{nil, defs} {
			again, err := Parse(c.String(), d)
			if err != nil {
				t.Errorf("%s: %s: %v", name, c, err)
				continue
			}
			if again.String() != c.String() {
				t.Errorf("%s\n\tprinted %s\n\tthen    %s", name, c, again)
			}
			for _, a := range alerts {
				if x, y, z := c.Truth(a), again.Truth(a), c.Explain(a).Truth; x != y || x != z {
					t.Errorf("%s: %s, then %s, explained as %s", name, x, y, z)
				}
			}
		}
	}
	for _, it := range items {
		if it.Condition != "" {
			c, err := Parse(it.Condition, defs)
			check(it.Macro+it.Rule, c, err)
		}
		for _, e := range it.Exceptions {
			var rows [][]string
			for _, v := range e.Values {
				rows = append(rows, cells(v))
			}
			c, err := defs.FromException(cells(e.Fields), cells(e.Comps), rows)
			check(it.Rule+", "+e.Name, c, err)
		}
	}
	if n < 25 {
		t.Errorf("only %d conditions", n)
	}
	odd := must(t, "proc.name in (odd_names)", defs).String()
	if want := `proc.name in ("runc:[1:CHILD]", "a+b", "quote \" inside", "back\\slash", "single")`; odd != want {
		t.Errorf("got  %s\nwant %s", odd, want)
	}
	if c := must(t, "not known_writer and always", defs); c.Truth(&alert.Alert{}) != True {
		t.Errorf("%s is not true", c)
	}
}

// cells turns a value, or a list with lists in it, into strings.
func cells(x any) []string {
	list, ok := x.([]any)
	if !ok {
		if x == nil {
			return nil
		}
		return []string{fmt.Sprint(x)}
	}
	var out []string
	for _, e := range list {
		if inner, ok := e.([]any); ok {
			out = append(out, ListValue(cells(inner)))
		} else {
			out = append(out, strings.TrimSpace(fmt.Sprint(e)))
		}
	}
	return out
}
