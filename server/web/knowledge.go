package web

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/store"
)

type knowledgeView struct {
	Text     string
	Rules    []ruleRow
	Controls []*knowledge.Control
	AllRules int
	AllCtrls int
}

type ruleRow struct {
	knowledge.RuleInfo
	Path string
}

func rulePath(rule string) string { return "/knowledge/rules/" + knowledge.Slug(rule) }

func (p *pages) listKnowledge(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(r.URL.Query().Get("text"))
	v := knowledgeView{Text: text, AllRules: len(p.base.Rules()), AllCtrls: len(p.base.Controls())}
	has := func(s ...string) bool {
		for word := range strings.FieldsSeq(strings.ToLower(text)) {
			if !strings.Contains(strings.ToLower(strings.Join(s, "\n")), word) {
				return false
			}
		}
		return true
	}
	for _, rule := range p.base.Rules() {
		if has(rule.Rule, rule.Maturity, rule.Message) {
			v.Rules = append(v.Rules, ruleRow{rule, rulePath(rule.Rule)})
		}
	}
	for _, id := range p.base.Controls() {
		if c := p.base.Control(id); c != nil && has(c.ID, c.Title, c.Goal, c.Scope) {
			v.Controls = append(v.Controls, c)
		}
	}
	return p.show(w, r, http.StatusOK, "knowledge", "Knowledge", v)
}

// said is a list of sentences of knowledge under a heading.
type said struct {
	Title string
	List  []knowledge.Sentence
}

type ruleView struct {
	*knowledge.Profile
	Techniques []*knowledge.Technique
	Parts      []said
	Controls   []*knowledge.Control
	Sources    []*knowledge.Source
	Alerts     string
}

func (p *pages) showRule(w http.ResponseWriter, r *http.Request) error {
	i := slices.IndexFunc(p.base.Rules(), func(x knowledge.RuleInfo) bool { return knowledge.Slug(x.Rule) == r.PathValue("rule") })
	if i < 0 {
		return store.ErrNotFound
	}
	x := p.base.Profile(p.base.Rules()[i].Rule)
	v := ruleView{Profile: x, Alerts: "/alerts?" + encode("rule", x.Rule), Sources: p.sources(x.Sources)}
	for _, a := range x.Attack {
		if t := p.base.Technique(a.ID); t != nil {
			v.Techniques = append(v.Techniques, t)
		}
	}
	v.Parts = parts(said{"What the rule saw", x.Saw}, said{"What it means", x.Means}, said{"How attackers use it", x.Misuse},
		said{"Ordinary work that looks the same", x.Ordinary}, said{"What the alert does not show", x.Limits})
	for _, id := range x.Controls {
		if c := p.base.Control(id); c != nil {
			v.Controls = append(v.Controls, c)
		}
	}
	return p.show(w, r, http.StatusOK, "rule", x.Rule, v)
}

func parts(all ...said) []said {
	return slices.DeleteFunc(all, func(s said) bool { return len(s.List) == 0 })
}

func (p *pages) sources(ids []string) (out []*knowledge.Source) {
	for _, id := range ids {
		if s := p.base.Source(id); s != nil && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

type controlView struct {
	*knowledge.Control
	Parts      []said
	Groups     []stepGroup
	Techniques []*knowledge.Technique
	Sources    []*knowledge.Source
	Filled     bool // some of it is filled in from the alert
}

type stepGroup struct {
	Title string
	Steps []step
}

type step struct{ Say, Text string }

var placeholder = regexp.MustCompile(`\{[a-z_]+(\.[a-z_\[\]0-9]+)+\}`)

func (p *pages) showControl(w http.ResponseWriter, r *http.Request) error {
	if !slices.Contains(p.base.Controls(), r.PathValue("id")) {
		return store.ErrNotFound
	}
	c := p.base.Control(r.PathValue("id"))
	v := controlView{Control: c, Sources: p.sources(c.Sources),
		Parts: parts(said{"What it does", c.Say}, said{"Side effects", c.Effects}, said{"What it does not stop", c.Gaps})}
	for _, id := range c.Stops.Techniques {
		if t := p.base.Technique(id); t != nil {
			v.Techniques = append(v.Techniques, t)
		}
	}
	for _, g := range []struct {
		title string
		list  []knowledge.Action
	}{{"Steps", c.Steps}, {"Check", c.Check}, {"Undo", c.Undo}} {
		if len(g.list) == 0 {
			continue
		}
		group := stepGroup{Title: g.title}
		for i := range g.list {
			text, err := g.list[i].Shell()
			if err != nil {
				return err
			}
			group.Steps = append(group.Steps, step{g.list[i].Say, text})
			v.Filled = v.Filled || placeholder.MatchString(text)
		}
		v.Groups = append(v.Groups, group)
	}
	return p.show(w, r, http.StatusOK, "control", c.Title, v)
}
