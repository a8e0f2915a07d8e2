package claims

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

// What the binary starts from is what the files say.
func TestCompiledIsFresh(t *testing.T) {
	c, problems := Read(os.DirFS("../data/claims"), builtin.Base())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	text, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, compiled) {
		t.Error("compiled.json is old: run go generate ./knowledge/claims")
	}
	if len(c.Patterns) < 120 || len(c.Names) < 40 {
		t.Errorf("%d claims, %d names", len(c.Patterns), len(c.Names))
	}
}

func TestLint(t *testing.T) {
	for text, want := range map[string]string{
		"- claim: a\n  match: ['(']\n  judge: supported\n  because: x\n  sources: [attack]\n":                "a.yaml:1: error parsing regexp",
		"- claim: a\n  match: ['x']\n  judge: perhaps\n  because: x\n  sources: [attack]\n":                  "judge: \"perhaps\"",
		"- claim: a\n  match: ['x']\n  judge: supported\n  because: x\n":                                     "no evidence",
		"- claim: a\n  match: ['x']\n  judge: supported\n  because: x\n  sources: [nowhere]\n":               "source \"nowhere\"",
		"- claim: a\n  match: ['{none}']\n  judge: supported\n  because: x\n  sources: [attack]\n":           "no words {none}",
		"- claim: a\n  match: ['x']\n  judge: supported\n  because: '{proc.nom}'\n":                          "unknown field proc.nom",
		"- claim: a\n  match: ['x']\n  cases: [{when: proc.name =, judge: supported, because: x}]\n":         "a.yaml:1:",
		"- claim: a\n  match: ['x']\n  in: nowhere\n  judge: supported\n  because: x\n  sources: [attack]\n": "in: \"nowhere\"",
		"- names: [Parent]\n  fields: [proc.pname]\n":                                                        "lower case",
		"- names: [a]\n  fields: [proc.nom]\n":                                                               "unknown field",
		"- names: [a]\n  fields: [proc.name]\n- names: [a]\n  fields: [proc.name]\n":                         "a.yaml:3: name \"a\" is already",
		"- what: 1\n":    "a.yaml:1",
		"- items: [a]\n": "an entry is one of",
	} {
		_, problems := Read(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, builtin.Base())
		if !strings.Contains(problems.Error(), want) {
			t.Errorf("%q\n  want %q, got %q", text, want, problems.Error())
		}
	}
}

// A sentence that an expression matches has what the expression needs.
func TestLiterals(t *testing.T) {
	for expr, want := range map[string][][]string{
		`\bfalco (?:blocks|stops)\b`: {{"falco "}, {"blocks", "stops"}},
		`(?:a|bcd)`:                  nil,
		`x*`:                         nil,
		`(?:abc){2}`:                 {{"abc"}, {"abc"}},
		`abcd?`:                      {{"abc"}},
		`(?i)abc`:                    nil,
	} {
		got := literals(expr)
		if len(got) != len(want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
			continue
		}
		for i := range want {
			if strings.Join(got[i], "|") != strings.Join(want[i], "|") {
				t.Errorf("%s: %q, want %q", expr, got, want)
			}
		}
	}
}

type fields map[string]string

func (f fields) Get(name string) (alert.Field, bool) {
	v, ok := f[name]
	return alert.Field{Name: name, Value: alert.Value{Kind: alert.String, Text: v}}, ok
}

func TestDecide(t *testing.T) {
	c, problems := Read(fstest.MapFS{"a.yaml": {Data: []byte("- claim: a\n  match: ['x']\n  cases:\n  - {when: proc.name = cat, judge: contradicted, because: 'it is {proc.name}'}\n  - {when: proc.name exists, judge: supported, because: y, sources: [attack]}\n")}}, builtin.Base())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, want := range map[string]string{"cat": "contradicted", "dog": "supported"} {
		got, ex := c.Decide(c.Patterns[0], fields{"proc.name": name})
		if got == nil || got.Judge != want || ex.Truth != condition.True {
			t.Errorf("%s: %v %v", name, got, ex)
		}
	}
	if got, _ := c.Decide(c.Patterns[0], fields{}); got != nil {
		t.Errorf("decided without the field: %v", got)
	}
}
