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
	First, Last time.Time
	Each        []AlertRef
	// Volatile names the fields that may differ between the alerts of the kind.
	Volatile []string
	// Targets are fields with several values among the alerts of the kind.
	Targets []Target
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
		Verdict: Verdict{Class: v.Class.String(), Confidence: confidence(v.Confidence, g), Reasons: v.Reasons, Unknowns: unknowns(v, g)},
		Alerts:  Alerts{Count: g.Count, First: g.First, Last: g.Last, Each: g.Each, Rule: n.Rule, Why: why(n, g)}}
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
		Verdict: Verdict{Class: j.Class.String(), Confidence: confidence(j.Confidence, g)},
		Alerts:  Alerts{Count: g.Count, First: g.First, Last: g.Last, Each: g.Each, Rule: rule, Why: why}}
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

// summary: when and where, what the rule saw, what we think and why.
func (b *Builder) summary(n *analysis.Analysis, g Group) Section {
	first := []evidence.Statement{whenAndWhere(n)}
	first = append(first, n.Saw...)
	if g.Count > 1 {
		first = append(first, repeats(n, g))
	}
	second := []evidence.Statement{verdictStatement(n, confidence(n.Verdict.Confidence, g))}
	second = append(second, firstOf(n.Verdict.Reasons, 4)...)
	second = append(second, n.Verdict.Assets...)
	if st, ok := priorityStatement(n); ok {
		second = append(second, st)
	}
	s := Section{ID: Summary, Title: "Summary", Blocks: []Block{Paragraph{first}, Paragraph{second}}}
	return s
}

func firstOf(list []evidence.Statement, n int) []evidence.Statement {
	return list[:min(n, len(list))]
}

func whenAndWhere(n *analysis.Analysis) evidence.Statement {
	a := n.Alert
	var st evidence.Statement
	if !a.Time.IsZero() {
		text(&st, "On "+a.Time.Format("2006-01-02")+" at "+a.Time.Format("15:04:05")+" UTC")
		st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Field, Ref: timeRef(a), Value: timeValue(a)})
	} else {
		text(&st, "At a time that the alert does not tell")
	}
	container, inContainer := known(a, "container.id")
	if inContainer && container.Value.Text != "host" {
		text(&st, ", in container ")
		if name, ok := known(a, "container.name"); ok {
			value(&st, name)
			text(&st, " (")
			value(&st, container)
			text(&st, ")")
		} else {
			value(&st, container)
		}
		if image, ok := known(a, "container.image.repository"); ok {
			text(&st, " of image ")
			value(&st, image)
		}
	}
	if pod, ok := known(a, "k8s.pod.name", "ka.target.pod.name"); ok {
		text(&st, ", pod ")
		value(&st, pod)
	}
	if host, ok := known(a, "hostname"); ok {
		if ofHost(a) {
			text(&st, ", on host ")
		} else {
			text(&st, ", reported by Falco on ")
		}
		value(&st, host)
	}
	text(&st, ", ")
	if n.Rule == "" {
		text(&st, "Falco wrote a line whose rule cannot be told from its text.")
		st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: a.Output})
		return st
	}
	if rule, ok := known(a, "rule"); ok {
		text(&st, "Falco's rule ")
		value(&st, rule)
		text(&st, " fired.")
		return st
	}
	text(&st, "Falco wrote the message of its rule "+n.Rule+".")
	st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: a.Output}, source("falco-rules#"+n.Rule))
	return st
}

// ofHost reports whether the event took place on the host that the alert names:
// so for system calls, not for audit logs that Falco reads from elsewhere.
func ofHost(a *alert.Alert) bool {
	return a.Source == "" || a.Source == "syscall" || a.Source == "syscalls" || a.Source == "internal"
}

// timeRef is the key that carried the alert's time.
func timeRef(a *alert.Alert) string {
	if a.TimeText == "" {
		return "output"
	}
	return "time"
}

func timeValue(a *alert.Alert) string {
	if a.TimeText == "" {
		return a.Output
	}
	return a.TimeText
}

func repeats(n *analysis.Analysis, g Group) evidence.Statement {
	st := say(fmt.Sprintf("There are %d such alerts; this report shows the first one.", g.Count))
	for i, r := range g.Each {
		if i == 3 {
			break
		}
		st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", r.File, r.Line), Value: n.Rule})
	}
	if len(st.Evidence) == 0 {
		st.Evidence = whenAndWhere(n).Evidence
	}
	return st
}

// ClassWords are the verdicts as a reader knows them.
var ClassWords = map[string]string{
	"attack": "attack", "suspicious": "suspicious", "test": "security test", "benign": "ordinary work", "unknown": "unknown",
}

// SeverityWords are the severities as they read in a sentence.
var SeverityWords = map[string]string{
	"critical": "critical", "high": "high", "medium": "medium", "low": "low", "info": "informational",
}

// ConfidenceWord is a confidence in words.
func ConfidenceWord(c float64) string {
	switch {
	case c >= 0.8:
		return "high"
	case c >= 0.5:
		return "medium"
	}
	return "low"
}

func verdictStatement(n *analysis.Analysis, confidence float64) evidence.Statement {
	v := n.Verdict
	st := say("We take it for " + classPhrase(v.Class) + ", with " + ConfidenceWord(confidence) + " confidence.")
	for _, r := range firstOf(v.Reasons, 3) {
		st.Evidence = merge(st.Evidence, r.Evidence)
	}
	return st
}

func classPhrase(c analysis.Class) string {
	switch c {
	case analysis.Attack:
		return "an attack"
	case analysis.Suspicious:
		return "suspicious"
	case analysis.Test:
		return "a security test"
	case analysis.Benign:
		return "ordinary work"
	}
	return "something that this alert alone does not decide"
}

func merge(to []evidence.Evidence, add []evidence.Evidence) []evidence.Evidence {
	for _, e := range add {
		known := false
		for _, old := range to {
			known = known || old == e
		}
		if !known {
			to = append(to, e)
		}
	}
	return to
}

func priorityStatement(n *analysis.Analysis) (evidence.Statement, bool) {
	f, ok := known(n.Alert, "priority")
	if !ok || n.Alert.Priority == alert.NoPriority {
		return evidence.Statement{}, false
	}
	st := say("Falco's priority is ")
	value(&st, f)
	text(&st, "; that is a constant of the rule, not a measure of this event. Ours is "+SeverityWords[n.Verdict.Severity.String()]+".")
	st.Evidence = append(st.Evidence, source("falco-docs#priority"))
	return st, true
}

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
	case c == analysis.Benign && goal != "collect":
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
