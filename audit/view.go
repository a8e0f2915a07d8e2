package audit

import (
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/audit/finding"
)

// view is what the conditions of claims are evaluated over: an alert, what
// Tiercel thinks of it, and what was found in the report. Of several alerts a
// value is told only if it is the same in all of them.
type view struct {
	alert   *alert.Alert
	all     []*alert.Alert
	made    map[string]string
	profile bool
}

func newView(r *run) *view {
	v := &view{made: map[string]string{}}
	if len(r.alerts) == 0 {
		return v
	}
	v.alert, v.all = r.alerts[0], r.alerts[:min(len(r.alerts), analysed)]
	v.made["alerts"] = strconv.Itoa(len(r.alerts))
	class, same := r.analyses[0].Verdict.Class, true
	var techniques []string
	memory, network := true, false
	for _, n := range r.analyses {
		same = same && n.Verdict.Class == class
		techniques = append(techniques, n.Alert.Tags...)
		if n.Profile != nil {
			for _, a := range n.Profile.Attack {
				techniques = append(techniques, a.ID)
			}
			v.profile = true
			v.made["rule.success"] = n.Profile.Success
			v.made["rule.maturity"] = n.Profile.Maturity
		}
		memory = memory && inMemory(n)
	}
	for _, a := range v.all {
		f, ok := a.Get("fd.name")
		network = network || ok && (strings.Contains(f.Value.Text, "->") || strings.Contains(f.Value.Text, ":"))
	}
	if same {
		v.made["verdict"] = class.String()
	}
	v.made["rule.techniques"] = strings.Join(techniques, " ")
	v.made["rule.is_memory"] = strconv.FormatBool(memory)
	if m := maturity(v.all); m != "" {
		v.made["alert.maturity"] = m
	}
	v.made["rule.is_network"] = strconv.FormatBool(network)
	if f, ok := v.Get("container.id"); ok && f.Value.Known() && f.Value.Text != "" {
		v.made["alert.in_container"] = strconv.FormatBool(f.Value.Text != "host")
	}
	return v
}

// maturity is what the tags say of the rule, "" if they differ or say nothing.
func maturity(alerts []*alert.Alert) string {
	found := ""
	for _, a := range alerts {
		for _, tag := range a.Tags {
			if m, ok := strings.CutPrefix(tag, "maturity_"); ok {
				if found != "" && found != m {
					return ""
				}
				found = m
			}
		}
	}
	return found
}

// inMemory reports whether an alert is about a program that no file holds.
func inMemory(n *analysis.Analysis) bool {
	f, ok := n.Alert.Get("proc.exepath")
	if ok && strings.Contains(f.Value.Text, "memfd:") {
		return true
	}
	return strings.Contains(strings.ToLower(n.Rule), "memfd")
}

// count notes how many of the report's commands are faulty.
func (v *view) count(found []finding.Finding, blocks []*block) {
	var code strings.Builder
	for _, b := range blocks {
		if b.form == codeBlock {
			code.WriteString(b.text)
		}
	}
	v.made["report.code"] = code.String()
	commands, faulty := 0, 0
	for _, f := range found {
		if f.Kind != finding.Command && f.Kind != finding.Config {
			continue
		}
		commands++
		if f.Judgement.Rank() >= finding.Broken.Rank() {
			faulty++
		}
	}
	v.made["report.commands"] = strconv.Itoa(commands)
	if commands > 0 {
		v.made["report.faulty"] = strconv.Itoa(100 * faulty / commands)
	}
}

// Get implements condition.Values.
func (v *view) Get(name string) (alert.Field, bool) {
	if text, ok := v.made[name]; ok {
		kind := alert.String
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			kind = alert.Int
		}
		return alert.Field{Name: name, Value: alert.Value{Kind: kind, Text: text}}, true
	}
	if v.alert == nil {
		return alert.Field{}, false
	}
	f, ok := v.alert.Get(name)
	if !ok {
		return f, false
	}
	for _, a := range v.all[1:] {
		if g, ok := a.Get(name); !ok || g.Value.Text != f.Value.Text {
			return alert.Field{}, false
		}
	}
	return f, true
}
