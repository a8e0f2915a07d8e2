package code_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/knowledge/catalogue"
	"github.com/tiercel/tiercel/shell"
)

// values stand in our templates for fields of an alert.
var values = map[string]string{"container.id": "c61b4b13ae44", "container.name": "peaceful_mestorf", "proc.pid": "4711", "proc.ppid": "4700",
	"k8s.pod.name": "web-5d8c7b9f4-x2x2x", "k8s.ns.name": "shop", "fd.name": "/var/log/app.log", "proc.exepath": "/usr/bin/curl", "user.name": "deploy",
	"user.uid": "1000", "fd.rip": "198.51.100.7", "fd.sip": "198.51.100.7", "proc.name": "curl", "hostname": "web-1", "fd.rport": "443", "fd.sport": "443",
	"user.loginuid": "1000", "group.gid": "1000", "container.image.repository": "nginx", "container.image.tag": "1.27"}

var hole = regexp.MustCompile(`\{([a-z0-9_.\[\]]+|time[^}]*)\}`)

func filled(s string) string {
	s = strings.ReplaceAll(s, "{{", "\x01")
	s = strings.ReplaceAll(s, "}}", "\x02")
	s = hole.ReplaceAllStringFunc(s, func(m string) string {
		name := strings.Trim(m, "{}")
		if strings.HasPrefix(name, "time") {
			return "2024-10-05 12:55:46 UTC"
		}
		if v, ok := values[name]; ok {
			return v
		}
		return "value"
	})
	return strings.NewReplacer("\x01", "{", "\x02", "}").Replace(s)
}

func filledAll(argv []string) []string {
	out := make([]string, len(argv))
	for i, a := range argv {
		out[i] = filled(a)
	}
	return out
}

// TestOwnAdvice holds the commands and files that Tiercel itself gives against
// the catalogue: nothing of them may be alarmed, and hardly anything unknown.
func TestOwnAdvice(t *testing.T) {
	base := builtin.Base()
	c := code.Open(catalogue.Builtin())
	total, unknown := 0, 0
	hold := func(where string, b code.Block) {
		for _, f := range c.Check(b) {
			total++
			switch f.Judgement {
			case finding.Supported:
			case finding.Unchecked:
				unknown++
				t.Logf("%s: %q: %s", where, b.Text[f.Start:f.End], f.Reason.Text())
			default:
				t.Errorf("%s: %q: %s: %s", where, b.Text[f.Start:f.End], f.Judgement, f.Reason.Text())
			}
		}
	}
	actions := func(where, intro string, list []knowledge.Action) {
		var script []string
		for _, a := range list {
			var text string
			var err error
			switch {
			case a.Run != nil:
				text, err = shell.Join(filledAll(a.Run))
			case a.Pipe != nil:
				var all [][]string
				for _, argv := range a.Pipe {
					all = append(all, filledAll(argv))
				}
				text, err = shell.Pipe(all)
			case a.File != nil:
				content := filled(a.File.Content)
				text, err = shell.WriteFile(a.File.Path, a.File.Mode, content)
				hold(where, code.Block{Text: content, Intro: "Write " + a.File.Path})
			}
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			script = append(script, text)
		}
		if text := strings.TrimSpace(strings.Join(script, "\n")); text != "" {
			hold(where, code.Block{Language: "sh", Text: text + "\n", Intro: intro})
		}
	}
	for _, id := range base.Controls() {
		x := base.Control(id)
		intro := x.Title
		for _, s := range append(append(knowledge.Sentences{}, x.Say...), x.Effects...) {
			intro += "\n" + s.Say
		}
		actions(id, intro, x.Steps)
		actions(id, "Check", x.Check)
		actions(id, "Undo", x.Undo)
		for _, n := range x.Needs {
			if n.Check != nil {
				text, err := shell.Join(filledAll(n.Check))
				if err != nil {
					t.Fatal(err)
				}
				hold(id, code.Block{Text: text, Language: "sh"})
			}
		}
	}
	for _, r := range base.Rules() {
		actions(r.Rule, "", base.Profile(r.Rule).Look)
	}
	if total < 500 {
		t.Errorf("only %d commands and lines were looked at", total)
	}
	if unknown*20 > total {
		t.Errorf("%d of %d are unchecked, want at most one in twenty", unknown, total)
	}
}
