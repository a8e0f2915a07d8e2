package knowledge_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

const goodProfile = `rule: My rule
status: reviewed
maturity: other
source: syscall
priority: Warning
message: Something happened
base: 4
success: implied
attack:
  - {id: T1059, tagged: true}
headline: "{proc.name} did it"
saw:
  - say: "{proc.name} ran."
means:
  - say: "That it ran."
    sources: [falco-rules]
misuse:
  - say: "By attackers."
    attack: T1059
    sources: [attack]
ordinary:
  - say: "By others."
    sources: [triage]
look:
  - say: "Look."
    run: [ls, -l, "{proc.exepath}"]
controls: []
sources: [falco-rules]
`

const goodControl = `control: my-control
title: Do something
goal: prevent
scope: host
say: "It does something."
effects: "Something breaks."
steps:
  - say: "Do it."
    run: [sudo, sysctl, -w, a.b=1]
undo:
  - say: "Take it back."
    run: [sudo, sysctl, -w, a.b=0]
verified: "syntax only"
sources: [man-proc-5]
`

func TestLintAcceptsGoodFiles(t *testing.T) {
	set, problems := knowledge.ReadSet(fstest.MapFS{
		"rules/other/my-rule.yaml": {Data: []byte(goodProfile)},
		"controls/my-control.yaml": {Data: []byte(goodControl)},
	})
	problems = append(problems, set.Lint(builtin.Base())...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
}

// TestLintNamesFileAndLine breaks one thing at a time.
func TestLintNamesFileAndLine(t *testing.T) {
	for _, c := range []struct {
		name, file, text, old, new, want string
	}{
		{"unknown field in a sentence", "rules/other/my-rule.yaml", goodProfile, `"{proc.name} ran."`, `"{proc.nmae} ran."`,
			"rules/other/my-rule.yaml:13: unknown field {proc.nmae}"},
		{"unknown field in a condition", "rules/other/my-rule.yaml", goodProfile, `    sources: [triage]`, `    when: proc.nmae = x`,
			"rules/other/my-rule.yaml:23: unknown field proc.nmae"},
		{"ATT&CK id that does not exist", "rules/other/my-rule.yaml", goodProfile, `{id: T1059, tagged: true}`, `{id: T9999}`,
			`rules/other/my-rule.yaml:10: ATT&CK id "T9999" is not listed in attack/`},
		{"source that is not listed", "rules/other/my-rule.yaml", goodProfile, `sources: [triage]`, `sources: [hearsay]`,
			`rules/other/my-rule.yaml:23: source "hearsay" is not listed in sources/`},
		{"sentence without evidence", "rules/other/my-rule.yaml", goodProfile, "    sources: [triage]\n", "",
			"rules/other/my-rule.yaml:22: no evidence: a sentence without {field} and when: needs sources:"},
		{"misspelt key", "rules/other/my-rule.yaml", goodProfile, "headline:", "headlin:",
			`rules/other/my-rule.yaml:11: unknown field "headlin"`},
		{"field without a shape in a command", "rules/other/my-rule.yaml", goodProfile, `"{proc.exepath}"`, `"{proc.cmdline}"`,
			"rules/other/my-rule.yaml:25: {proc.cmdline} has no shape in fields/, so it cannot stand in a command"},
		{"field inside a script", "rules/other/my-rule.yaml", goodProfile, `[ls, -l, "{proc.exepath}"]`, `[sh, -c, "ls {proc.exepath}"]`,
			`rules/other/my-rule.yaml:25: a {field} inside a script for sh -c: pass it as an argument and use "$1"`},
		{"script that is no shell", "rules/other/my-rule.yaml", goodProfile, `[ls, -l, "{proc.exepath}"]`, `[sh, -c, "if then"]`,
			"rules/other/my-rule.yaml:25: not a shell script: "},
		{"control without undo", "controls/my-control.yaml", goodControl, "undo:\n  - say: \"Take it back.\"\n    run: [sudo, sysctl, -w, a.b=0]\n", "",
			"controls/my-control.yaml:1: no undo, and not read_only"},
		{"wrong goal", "controls/my-control.yaml", goodControl, "goal: prevent", "goal: hope",
			`controls/my-control.yaml:3: "hope" is not one of contain, collect, prevent, detect`},
		{"kernel that cannot be compared", "controls/my-control.yaml", goodControl, "effects:", "needs:\n  - say: \"A new kernel.\"\n    kernel: 6.3+\neffects:",
			`controls/my-control.yaml:8: "6.3+" is not of the form ">= 6.3"`},
		{"condition that does not parse", "controls/my-control.yaml", goodControl, "scope: host", "scope: host\nwhen: proc.name =",
			"controls/my-control.yaml:5: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := strings.Replace(c.text, c.old, c.new, 1)
			if broken == c.text {
				t.Fatal("nothing was broken")
			}
			set, problems := knowledge.ReadSet(fstest.MapFS{c.file: {Data: []byte(broken)}})
			problems = append(problems, set.Lint(builtin.Base())...)
			if !strings.HasPrefix(problems.Error(), c.want) {
				t.Errorf("got\n%v\nwant\n%s", problems, c.want)
			}
		})
	}
}

func TestSignMayNotReadVolatileFields(t *testing.T) {
	set, problems := knowledge.ReadSet(fstest.MapFS{"signs/mine.yaml": {Data: []byte(`- sign: mine
  towards: attack
  group: time
  weight: 3
  when: evt.time > 5
  say: "At {evt.time}."
  sources: [triage]
`)}})
	problems = append(problems, set.Lint(builtin.Base())...)
	want := "signs/mine.yaml:5: evt.time differs between alerts of one kind, so a sign may not read it"
	if problems.Error() != want {
		t.Errorf("got %v\nwant %s", problems, want)
	}
}

// TestCompiledIsCurrent fails when data/ was changed without make generate.
func TestCompiledIsCurrent(t *testing.T) {
	set, problems := knowledge.ReadSet(os.DirFS("data"))
	problems = append(problems, set.Lint(nil)...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	fresh, err := knowledge.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("builtin/compiled.zip")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := knowledge.SameContent(fresh, committed); err != nil || !same {
		t.Errorf("builtin/compiled.zip is not what data/ gives (%v): run make generate", err)
	}
}

// TestAllUpstreamRulesAreReviewed holds the list of Falco's rules against the
// profiles: none is missing, none is a draft.
func TestAllUpstreamRulesAreReviewed(t *testing.T) {
	names, err := os.ReadFile("testdata/upstream-rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	base := builtin.Base()
	rules := strings.Split(strings.TrimSpace(string(names)), "\n")
	if len(rules) != 93 {
		t.Fatalf("%d rules listed, want 93", len(rules))
	}
	for _, rule := range rules {
		if p := base.Profile(rule); !p.Reviewed() {
			t.Errorf("no reviewed profile: %s", rule)
		}
	}
}

func TestOverlayReplacesByName(t *testing.T) {
	base, err := builtin.Open()
	if err != nil {
		t.Fatal(err)
	}
	own := strings.ReplaceAll(goodProfile, "My rule", "Terminal shell in container")
	own = strings.ReplaceAll(own, "maturity: other", "maturity: stable")
	if err := base.Overlay(fstest.MapFS{"rules/stable/terminal-shell-in-container.yaml": {Data: []byte(own)}}); err != nil {
		t.Fatal(err)
	}
	if p := base.Profile("Terminal shell in container"); p.Base != 4 || p.Headline != "{proc.name} did it" {
		t.Errorf("the user's profile was not taken: %+v", p)
	}
	if p := base.Profile("Find AWS Credentials"); p == nil {
		t.Error("the other profiles are gone")
	}
}

func TestOverlayRefusesAndChangesNothing(t *testing.T) {
	base, err := builtin.Open()
	if err != nil {
		t.Fatal(err)
	}
	before := base.Profile("Terminal shell in container").Headline
	bad := strings.ReplaceAll(goodProfile, "My rule", "Terminal shell in container")
	if err := base.Overlay(fstest.MapFS{"rules/stable/terminal-shell-in-container.yaml": {Data: []byte(strings.Replace(bad, "T1059", "T0", 1))}}); err == nil {
		t.Fatal("a wrong folder was accepted")
	}
	if after := base.Profile("Terminal shell in container").Headline; after != before {
		t.Errorf("the base changed: %q", after)
	}
}
