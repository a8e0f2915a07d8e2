package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// holds reports whether the alert is known to meet a condition.
func (k *check) holds(text string) bool {
	return text == "" || k.b.Alert != nil && k.cat.Truth(text, k.b.Alert) == condition.True
}

// layers are where a command acts, and the alerts that it cannot reach.
var layers = map[string]struct{ not, reason string }{
	"container":   {"on_host", "It acts on containers; the alert is of the host."},
	"pod-network": {"on_host", "It acts on the network of containers; the alert is of the host."},
	"kubernetes":  {"not_kubernetes", "It acts on Kubernetes; the alert is of none."},
	"package":     {"in_container", "It changes the packages of the host; the alert is of a container, whose programs come from its image."},
}

// misses says why what acts on a layer cannot reach the alert, "" if it may.
func (k *check) misses(layer string) string {
	l, ok := layers[layer]
	if ok && k.cat.Truth(l.not, k.b.Alert) == condition.True {
		return l.reason
	}
	return ""
}

// answer says what is missing for a command, or a line, to be an answer to the
// alert; nil if nothing is.
func (k *check) answer(list []*catalogue.Purpose) *issue {
	var no *issue
	for _, p := range list {
		reason, sources := k.misses(p.Layer), p.Sources
		switch {
		case p.After != "" && !p.Follows(k.context()):
			reason = "Nothing before it in the report saves what is lost with it."
		case reason != "":
		case k.cat.Truth(p.For, k.b.Alert) == condition.True:
			return nil
		case p.Not != "":
			reason = p.Not
		default:
			reason = "It " + p.Does + "; nothing shows that this answers what the alert shows."
		}
		if no == nil {
			judgement := finding.Unsupported
			if p.Judgement != "" && k.cat.Truth(p.For, k.b.Alert) == condition.False {
				judgement = finding.Judgement(p.Judgement)
			}
			no = &issue{judgement, []evidence.Span{{Text: reason}}, orOwn(sources), ""}
		}
	}
	if no == nil {
		return &issue{finding.Unsupported, say("Nothing shows that it has an effect on what the alert shows."), own, ""}
	}
	return no
}

// effect holds what a command is good for against the alert.
func (v *viewer) effect(c *command) {
	if v.b.Alert == nil || len(c.words) == 0 {
		return
	}
	plain := c.plain()
	if v.b.Own != nil && v.b.Own(plain) {
		return
	}
	var list []*catalogue.Purpose
	var files []string
	for _, r := range c.redirs {
		if r.writes() && strings.HasPrefix(r.target.text, "/") {
			files = append(files, r.target.text)
		}
	}
	if t := teeTarget(c); strings.HasPrefix(t, "/") {
		files = append(files, t)
	}
	for _, f := range files {
		for _, p := range v.cat.PurposesOfFiles() {
			if p.Writes(f) {
				list = append(list, p)
			}
		}
		if len(list) == 0 {
			v.say(*v.answer(nil)) // a file of the system
			return
		}
	}
	if len(list) == 0 {
		name := c.name()
		if v.session.functions[name] || builtins[name] && v.cat.PurposesOf(name) == nil {
			return
		}
		for _, p := range v.cat.PurposesOf(name) {
			if p.Matches(plain) {
				list = append(list, p)
			}
		}
	}
	if i := v.answer(list); i != nil {
		v.say(*i)
	}
}

// effects takes back that a line of configuration is supported when nothing
// shows that it answers the alert.
func (k *check) effects(form string, found []finding.Finding) {
	all := k.cat.PurposesIn(form)
	if k.b.Alert == nil || len(all) == 0 {
		return
	}
	for i := range found {
		f := &found[i]
		if f.Judgement != finding.Supported || f.Kind != finding.Config {
			continue
		}
		line := strings.TrimSpace(k.b.Text[f.Start:f.End])
		var list []*catalogue.Purpose
		for _, p := range all {
			if p.MatchLine(line) {
				list = append(list, p)
			}
		}
		if len(list) == 0 {
			continue
		}
		if no := k.answer(list); no != nil {
			f.Judgement, f.Reason.Spans = no.judgement, no.spans
		}
	}
}

// unknown says of each line that nothing is known of its format.
func (c *config) unknown(reason string) {
	judgement := finding.Unchecked
	if c.b.Alert != nil {
		judgement, reason = finding.Unsupported, reason+" Nothing shows that it has an effect on what the alert shows."
	}
	c.each(func(line int, text string) {
		if !elided(text) && strings.Trim(text, "{}[](),-\"'") != "" {
			c.at(line, issue{judgement, say(reason), own, ""})
		}
	})
}
