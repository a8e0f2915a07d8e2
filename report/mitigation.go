package report

import (
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

// mitigation: look, contain, collect, prevent, detect.
func (b *Builder) mitigation(n *analysis.Analysis) Section {
	s := Section{ID: Mitigation, Title: "Mitigation Strategies"}
	add := func(title string, items []Step) {
		if len(items) > 0 {
			s.Blocks = append(s.Blocks, Steps{Title: title, Items: items})
		}
	}
	var looks []Step
	for _, x := range n.Looks {
		looks = append(looks, lookStep(x))
	}
	calm := n.Verdict.Class <= analysis.Test
	if calm && n.Alert.Source != "internal" {
		st := say("No containment is advised on this alert alone. What follows is for looking closer, and for a host that should not allow such a thing at all.")
		st.Evidence = n.Verdict.Change.Evidence
		s.Blocks = append(s.Blocks, Paragraph{[]evidence.Statement{st}})
	}
	add("Look closer", looks)
	for _, goal := range goals {
		if calm && goal.id == "contain" {
			continue
		}
		full, named := b.split(n, goal.id, fullSteps(n.Verdict.Class, goal.id))
		add(goal.title, full)
		if len(named) > 0 {
			s.Blocks = append(s.Blocks, Paragraph{[]evidence.Statement{alsoFits(goal.title, named, len(full) == 0)}})
		}
	}
	if len(n.Looks) == 0 && len(n.Controls) == 0 {
		st := say("No counter-measure is known for this rule; the recommendations below say how to go on.")
		st.Evidence = n.Headline.Evidence
		s.Blocks = append(s.Blocks, Paragraph{[]evidence.Statement{st}})
	}
	return s
}

// goals in the order of a good response: evidence before containment.
var goals = []struct{ id, title string }{
	{"collect", "Collect evidence"}, {"contain", "Contain"}, {"prevent", "Prevent"}, {"detect", "Detect"}}

// fullSteps is how many counter-measures of a goal are written out; the others
// are named, so that a simple alert has a short report and nothing is lost.
func fullSteps(c analysis.Class, goal string) int {
	switch {
	case c >= analysis.Suspicious && (goal == "collect" || goal == "contain"):
		return 3
	case c >= analysis.Suspicious:
		return 2
	case c <= analysis.Test && goal != "collect", c == analysis.Unknown && goal == "contain":
		return 0
	}
	return 1
}

// split writes out the first controls of a goal and names the others.
func (b *Builder) split(n *analysis.Analysis, goal string, most int) (full []Step, named []*knowledge.Control) {
	for _, x := range n.Controls {
		switch {
		case x.Control.Goal != goal:
		case len(full) < most:
			full = append(full, controlStep(x))
		default:
			named = append(named, x.Control)
		}
	}
	return full, named
}

// alsoFits names controls that are not written out.
func alsoFits(goal string, list []*knowledge.Control, only bool) evidence.Statement {
	words := goal + ", further: "
	if only {
		words = goal + ": "
	}
	st := say(words)
	for i, c := range list {
		if i > 0 {
			text(&st, "; ")
		}
		text(&st, c.Title+" ("+c.ID+")")
		for _, ref := range c.Sources {
			st.Evidence = merge(st.Evidence, []evidence.Evidence{source(ref)})
		}
	}
	text(&st, ". Each is written out by tiercel knowledge show and its name in brackets.")
	return st
}

func lookStep(x analysis.Step) Step {
	st := Step{}
	if len(x.Say) > 0 {
		st.Say = x.Say[0]
	}
	for _, c := range x.Run {
		if c.Withheld != "" {
			text(&st.Say, " No command is given: "+c.Withheld+".")
			continue
		}
		st.Code = append(st.Code, Code{Language: c.Language, Text: c.Text})
		if !c.Expect.Empty() {
			st.Expect = append(st.Expect, c.Expect)
		}
	}
	return st
}

func controlStep(x analysis.Step) Step {
	st := Step{Title: x.Title, Control: x.Control.ID, Needs: x.Needs, Effects: append(x.Effects, x.Gaps...)}
	for _, s := range x.Say {
		if !st.Say.Empty() {
			st.Say.Spans = append(st.Say.Spans, evidence.Span{Text: " "})
		}
		st.Say.Spans = append(st.Say.Spans, s.Spans...)
		st.Say.Evidence = merge(st.Say.Evidence, s.Evidence)
	}
	st.Fit, st.FitReason = x.Fit, x.FitReason
	st.Code, st.Check, st.Undo = codes(x.Run), codes(x.Check), codes(x.Undo)
	return st
}

func codes(list []analysis.Command) []Code {
	var out []Code
	for _, c := range list {
		if c.Withheld == "" {
			out = append(out, Code{Language: c.Language, Text: c.Text, Note: c.Note})
		}
	}
	return out
}
