package report

import (
	"fmt"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
)

// details: the table of fields, then how to read the event.
func (b *Builder) details(n *analysis.Analysis, g Group) Section {
	s := Section{ID: EventDetails, Title: "Event Details"}
	var t Table
	for _, f := range n.Facts {
		t.Rows = append(t.Rows, Row{Field: f.Field.Name, Value: f.Field.Value.Text, Null: f.Field.Value.Kind == alert.Null,
			Meaning: f.Meaning, Evidence: fieldOf(f.Field)})
	}
	s.Blocks = append(s.Blocks, t)
	if g.Count > 1 && len(g.Volatile) > 0 {
		st := say("The table shows the first alert; the others may differ from it in " + join(g.Volatile) + " and in the client's port of a connection.")
		st.Evidence = n.Headline.Evidence
		s.Blocks = append(s.Blocks, Paragraph{[]evidence.Statement{st}})
	}
	for _, t := range g.Targets {
		if len(t.Values)+t.More > 1 {
			s.Blocks = append(s.Blocks, Paragraph{[]evidence.Statement{targetValues(n, t)}})
		}
	}
	if len(n.Means) > 0 {
		s.Blocks = append(s.Blocks, Paragraph{n.Means})
	}
	if len(n.Attack) > 0 {
		s.Blocks = append(s.Blocks, List{Items: n.Attack})
	}
	return s
}

func targetValues(n *analysis.Analysis, t Target) evidence.Statement {
	st := say("Values of " + t.Field + " among these alerts: ")
	for i, v := range t.Values {
		if i > 0 {
			text(&st, ", ")
		}
		st.Spans = append(st.Spans, evidence.Span{Text: v, Value: true})
	}
	if t.More > 0 {
		text(&st, fmt.Sprintf(" and up to %d more", t.More))
	}
	text(&st, ".")
	if f, ok := n.Alert.Get(t.Field); ok {
		st.Evidence = append(st.Evidence, fieldOf(f))
	}
	return st
}

func join(names []string) string {
	out := ""
	for i, name := range names {
		if i > 0 {
			out += ", "
		}
		out += name
	}
	return out
}

// misuse: how attackers use it, what ordinary work looks the same, what
// speaks for which.
func (b *Builder) misuse(n *analysis.Analysis) Section {
	s := Section{ID: PossibleMisuse, Title: "Possible Misuse"}
	v := n.Verdict
	add := func(title string, list []evidence.Statement) {
		if len(list) > 0 {
			s.Blocks = append(s.Blocks, Heading{title}, List{Items: list})
		}
	}
	if n.Profile == nil && n.Alert.Source != "internal" {
		s.Blocks = append(s.Blocks, Paragraph{[]evidence.Statement{noProfile(n)}})
	}
	add("How attackers use it", n.Misuse)
	add("What ordinary work looks the same", n.Ordinary)
	add("What speaks for the verdict", v.Reasons)
	add("What speaks against it", v.Against)
	var other []evidence.Statement
	for _, st := range []evidence.Statement{v.Otherwise, v.Change} {
		if !st.Empty() {
			other = append(other, st)
		}
	}
	add("The strongest other explanation, and what would change our mind", other)
	return s
}

func noProfile(n *analysis.Analysis) evidence.Statement {
	st := say("Tiercel has no reviewed profile for this rule: what follows comes from the alert's fields and tags alone.")
	st.Evidence = n.Headline.Evidence
	return st
}
