package report

import (
	"fmt"
	"math"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

// Group says how often a kind of alert occurred; see package incident.
type Group struct {
	ID          string
	Count       int
	Repeats     int
	First, Last time.Time
	Each        []AlertRef
	// Volatile names the fields that may differ between the alerts of the kind.
	Volatile []string
	// Targets are fields with several values among the alerts of the kind.
	Targets []Target
	// Standing is how the alerts stand among all others.
	Standing Standing
	// Drops are messages of Falco that it lost events near these alerts.
	Drops []Drop
}

// Target is a field that names the object of the event, with its values.
type Target struct {
	Field  string
	Values []string
	More   int // further ones
}

// Drop is a message of Falco that it lost events.
type Drop struct {
	File string
	Line int
	Rule string
}

// Builder turns analyses into documents.
type Builder struct {
	base *knowledge.Base
}

// NewBuilder returns a Builder that names sources from base.
func NewBuilder(base *knowledge.Base) *Builder { return &Builder{base: base} }

// Build makes the report of one kind of alert from the analysis of its first.
func (b *Builder) Build(n *analysis.Analysis, g Group) *Document {
	v := n.Verdict
	d := &Document{ID: g.ID, Title: title(n), Headline: n.Headline, Severity: v.Severity.String(),
		Verdict:  Verdict{Class: v.Class.String(), Confidence: confidence(v.Confidence, g), Reasons: v.Reasons, Unknowns: unknowns(v, g)},
		Alerts:   Alerts{Count: g.Count, Repeats: g.Repeats, First: g.First, Last: g.Last, Each: g.Each, Rule: n.Rule, Why: why(n, g)},
		Standing: g.Standing}
	d.Sections = []Section{
		b.summary(n, g), b.details(n, g), b.misuse(n), b.mitigation(n),
		b.unknown(n, d.Verdict.Unknowns), b.conclusion(n), b.recommendations(n),
	}
	for i := len(d.Sections) - 1; i >= 0; i-- {
		if len(d.Sections[i].Blocks) == 0 {
			d.Sections = append(d.Sections[:i], d.Sections[i+1:]...)
		}
	}
	d.Sections = append(d.Sections, b.references(d))
	return d
}

// Brief makes a document without sections: what is listed of a kind that gets
// no report of its own.
func (b *Builder) Brief(rule string, j analysis.Judgement, g Group, headline, why evidence.Statement) *Document {
	return &Document{ID: g.ID, Title: rule, Headline: headline, Severity: j.Severity.String(),
		Verdict:  Verdict{Class: j.Class.String(), Confidence: confidence(j.Confidence, g)},
		Alerts:   Alerts{Count: g.Count, Repeats: g.Repeats, First: g.First, Last: g.Last, Each: g.Each, Rule: rule, Why: why},
		Standing: g.Standing}
}

// dropPenalty is what lost events near an alert take from the confidence.
const dropPenalty = 0.2

func confidence(c32 float32, g Group) float64 {
	c := math.Round(float64(c32)*100) / 100
	if len(g.Drops) > 0 {
		return math.Round(max(0.1, c-dropPenalty)*100) / 100
	}
	return c
}

func unknowns(v analysis.Verdict, g Group) []evidence.Statement {
	out := append([]evidence.Statement(nil), v.Unknowns...)
	if len(g.Drops) > 0 {
		st := say("Falco lost events on this host near these alerts, so what is not in the log may still have happened; the confidence is lowered for it.")
		for _, d := range g.Drops {
			st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", d.File, d.Line), Value: d.Rule})
		}
		out = append(out, st)
	}
	return out
}

func title(n *analysis.Analysis) string {
	if n.Rule != "" {
		return n.Rule
	}
	return "Alert without a rule name"
}

func why(n *analysis.Analysis, g Group) evidence.Statement {
	st := say("Same rule, host, container, process and verdict; they differ at most in times, process ids, client ports and the object of the event.")
	if g.Count == 1 {
		st = say("The only alert of its kind.")
	}
	st.Evidence = n.Headline.Evidence
	return st
}

func say(text string, ev ...evidence.Evidence) evidence.Statement {
	return evidence.Statement{Spans: []evidence.Span{{Text: text}}, Evidence: ev}
}

func value(st *evidence.Statement, f alert.Field) {
	st.Spans = append(st.Spans, evidence.Span{Text: f.Value.Text, Value: true})
	st.Evidence = append(st.Evidence, fieldOf(f))
}

func text(st *evidence.Statement, t string) {
	st.Spans = append(st.Spans, evidence.Span{Text: t})
}

func fieldOf(f alert.Field) evidence.Evidence { return analysis.FieldEvidence(f) }

func source(ref string) evidence.Evidence {
	return evidence.Evidence{Kind: evidence.Source, Ref: ref}
}

// known returns the first of the fields that is there and tells something.
func known(a *alert.Alert, names ...string) (alert.Field, bool) {
	for _, name := range names {
		if f, ok := a.Get(name); ok && f.Value.Known() && f.Value.Text != "" {
			return f, true
		}
	}
	return alert.Field{}, false
}

// unknown: what the alert cannot tell.
func (b *Builder) unknown(n *analysis.Analysis, more []evidence.Statement) Section {
	s := Section{ID: Unknown, Title: "What this alert cannot tell"}
	items := append([]evidence.Statement(nil), n.Unknown...)
	for _, st := range more {
		double := false
		for _, old := range items {
			double = double || old.Text() == st.Text()
		}
		if !double {
			items = append(items, st)
		}
	}
	items = append(items, n.Limits...)
	if len(items) > 0 {
		s.Blocks = append(s.Blocks, List{Items: items})
	}
	return s
}
