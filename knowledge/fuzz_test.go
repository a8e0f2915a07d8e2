package knowledge_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

func FuzzParseTemplate(f *testing.F) {
	for _, s := range []string{"", "{proc.name}", "{{x}}", "{time-5m|utc}", "{time}", "{", "}", "{a b}", "{proc.aname[2]} ran"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, err := knowledge.ParseTemplate(s)
		if err != nil {
			return
		}
		var back strings.Builder
		for _, p := range parts {
			if p.Field == "" {
				back.WriteString(strings.NewReplacer("{", "{{", "}", "}}").Replace(p.Text))
			} else if !p.Timed {
				back.WriteString("{" + p.Field + "}")
			} else {
				return // several spellings of one duration
			}
		}
		if again, err := knowledge.ParseTemplate(back.String()); err != nil || len(again) != len(parts) {
			t.Errorf("%q came back as %q: %v", s, back.String(), err)
		}
	})
}

// FuzzReadSet feeds files of every folder to the reader and the linter: they
// may refuse, with a file name, but not panic.
func FuzzReadSet(f *testing.F) {
	f.Add("rules", goodProfile)
	f.Add("controls", goodControl)
	f.Add("signs", "- sign: x\n  when: proc.name = a\n- list: l\n  items: [a]\n- macro: m\n  condition: l\n")
	f.Add("fields", "- field: a.b\n  type: string\n  means: x\n  read:\n    - {when: a.b = 1, say: y}\n")
	f.Add("attack", "- {id: T1, name: x}")
	f.Add("sources", "- {id: x, title: y, url: z}")
	f.Add("rules", "a: &a [*a]")
	base := builtin.Base()
	f.Fuzz(func(t *testing.T, folder, text string) {
		if !fs.ValidPath(folder) || folder == "." {
			return
		}
		set, problems := knowledge.ReadSet(fstest.MapFS{folder + "/x.yaml": {Data: []byte(text)}})
		for _, p := range append(problems, set.Lint(base)...) {
			if p.File == "" || p.Reason == "" {
				t.Errorf("a problem without file or reason: %+v", p)
			}
		}
	})
}

func FuzzReadRuleFile(f *testing.F) {
	f.Add("- rule: a\n  desc: b\n  output: c\n")
	f.Add("- required_engine_version: 0.50.0\n- list: x\n  items: [a]\n- rule: a\n  override: {condition: append}\n  condition: and x\n")
	f.Add("x")
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := knowledge.ReadRuleFile("rules.yaml", []byte(text))
		for _, r := range rules {
			if err == nil && (r.Name == "" || r.Line < 1) {
				t.Errorf("%+v", r)
			}
		}
	})
}
