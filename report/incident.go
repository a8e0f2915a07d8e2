package report

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
)

// Case is an incident with what is needed to speak of its alerts.
type Case struct {
	*incident.Incident
	Names   []string // of the input files
	Rule    func(*incident.Kind) string
	Analyze func(*alert.Alert, analysis.Class) *analysis.Analysis
	// Refs bounds how many alerts are named; 0 is all.
	Refs int
}

// Plain reports whether an incident is one kind of alert and nothing more.
func (c *Case) Plain() bool { return c.Single() && c.Aside == incident.NotAside }

// Group is what is known of the telling kind alone.
func (c *Case) Group(z *analysis.Analyzer) Group {
	k := c.Telling
	g := Group{ID: c.ID, Count: k.Count, Repeats: k.Repeats, First: k.First(), Last: k.Last()}
	if d := k.Detail(); d != nil {
		for _, t := range d.Targets {
			g.Targets = append(g.Targets, Target(t))
		}
	}
	if a := k.Alert(); a != nil {
		g.Volatile = z.Volatile(a)
		if g.ID == "" {
			g.ID = z.KindID(a, k.Judgement).String()
		}
	}
	for _, r := range k.Each() {
		g.Each = append(g.Each, AlertRef{File: c.Names[r.File], Line: r.Line, UUID: r.UUID, Time: r.Time, Repeat: r.Repeat})
	}
	return g
}

// Of makes the report of an incident. When no alert of it is there, it is only
// listed.
func (b *Builder) Of(z *analysis.Analyzer, c *Case, g Group) *Document {
	a := c.Telling.Alert()
	switch {
	case a == nil:
		return b.Listed(z, c, g)
	case c.Plain():
		return b.Build(z.Analyze(a), g)
	}
	return b.BuildIncident(z.AnalyzeAs(a, c.Judgement.Class), c, g)
}

// Listed makes a document without sections.
func (b *Builder) Listed(z *analysis.Analyzer, c *Case, g Group) *Document {
	a := c.Telling.Alert()
	if !c.Plain() {
		var telling evidence.Statement
		if a != nil {
			telling = z.Headline(a)
		}
		return b.BriefIncident(c, g, telling)
	}
	at := c.at(c.Telling)
	headline := evidence.Statement{Spans: []evidence.Span{{Text: at.Value, Value: true}, {Text: ", first at "}, {Text: at.Ref, Value: true}}, Evidence: []evidence.Evidence{at}}
	if a != nil {
		headline = z.Headline(a)
	}
	return b.Brief(at.Value, c.Judgement, g, headline, say("Same rule, host, container, process and verdict.", at))
}

// at is the evidence that a kind of alert is there: its earliest alert.
func (c *Case) at(k *incident.Kind) evidence.Evidence {
	file, line := k.Origin()
	return evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", c.Names[file], line), Value: c.Rule(k)}
}

// cited bounds how many alerts one sentence refers to.
const cited = 5

func (c *Case) cite(kinds []*incident.Kind) []evidence.Evidence {
	var out []evidence.Evidence
	for _, k := range kinds[:min(len(kinds), cited)] {
		out = append(out, c.at(k))
	}
	return out
}

// BuildIncident makes the report of an incident from the analysis of its
// telling alert, made for the verdict on the whole. g holds the lost events.
func (b *Builder) BuildIncident(n *analysis.Analysis, c *Case, g Group) *Document {
	g.Count, g.First, g.Last, g.ID = c.Count, c.First, c.Last, c.ID
	n.Verdict.Judgement = c.Judgement
	n.Verdict.Reasons = append(c.reasons(), n.Verdict.Reasons...)
	n.Verdict.Unknowns = append(n.Verdict.Unknowns, c.basis())
	b.widen(n, c)
	own := Group{Count: 1, First: c.Telling.First(), Last: c.Telling.Last(), Drops: g.Drops, Volatile: g.Volatile, Targets: g.Targets}
	d := b.BriefIncident(c, g, n.Headline)
	d.Verdict.Reasons, d.Verdict.Unknowns = n.Verdict.Reasons, unknowns(n.Verdict, g)
	summary, details := b.summary(n, own), b.details(n, own)
	summary.Blocks = append([]Block{Paragraph{append(append(c.sequence(), c.podExecs()...), g.Standing.Statements...)}}, summary.Blocks...)
	details.Blocks = append(c.pictures(), details.Blocks...)
	d.Sections = []Section{summary, details, b.misuse(n), b.mitigation(n),
		b.unknown(n, d.Verdict.Unknowns), b.conclusion(n), b.recommendations(n)}
	d.Sections = append(d.Sections, b.references(d))
	return d
}

// BriefIncident lists an incident. telling is the headline of its telling
// alert, Empty when that was not kept.
func (b *Builder) BriefIncident(c *Case, g Group, telling evidence.Statement) *Document {
	return &Document{ID: c.ID, Title: c.title(), Headline: c.headline(telling), Severity: c.Judgement.Severity.String(),
		Verdict: Verdict{Class: c.Judgement.Class.String(), Confidence: confidence(c.Judgement.Confidence, g), Reasons: c.reasons()},
		Alerts: Alerts{Count: c.Count, Repeats: c.Repeats, Kinds: len(c.Kinds), First: c.First, Last: c.Last,
			Each: c.each(), Why: c.belongs()},
		Standing: g.Standing}
}

var titles = map[analysis.Class]string{analysis.Attack: "Attack", analysis.Suspicious: "Suspicious activity",
	analysis.Test: "Security test", analysis.Benign: "Ordinary work", analysis.Unknown: "Undecided activity"}

func (c *Case) title() string {
	t := titles[c.Judgement.Class]
	if len(c.Stages) > 1 && c.Judgement.Class >= analysis.Unknown {
		t += fmt.Sprintf(" in %d stages", len(c.Stages))
	}
	return t + ", " + strings.ToLower(counted(len(c.Kinds), "kind of alert", "kinds of alert"))
}

// headline is what the telling alert says, and how far it went.
func (c *Case) headline(telling evidence.Statement) evidence.Statement {
	st := telling
	if st.Empty() {
		st = evidence.Statement{Spans: []evidence.Span{{Text: c.Rule(c.Telling), Value: true}}, Evidence: []evidence.Evidence{c.at(c.Telling)}}
	}
	st.Spans, st.Evidence = append([]evidence.Span(nil), st.Spans...), append([]evidence.Evidence(nil), st.Evidence...)
	words := fmt.Sprintf(", with %d other kinds of alert", len(c.Kinds)-1)
	switch len(c.Kinds) {
	case 1:
		words = ""
	case 2:
		words = ", with one other kind of alert"
	}
	if !c.First.IsZero() && c.Last.Sub(c.First) >= time.Second {
		words += " within " + duration(c.Last.Sub(c.First))
	}
	if len(c.Stages) > 1 && c.Judgement.Class >= analysis.Suspicious {
		words += ", as far as " + c.Stages[len(c.Stages)-1].Tactic.String()
		st.Evidence = merge(st.Evidence, []evidence.Evidence{c.at(c.Stages[len(c.Stages)-1].Kind)})
	}
	text(&st, words)
	return st
}

// duration is a time span as people say it.
func duration(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// reasons are the grounds of the verdict on the whole.
func (c *Case) reasons() []evidence.Statement {
	var out []evidence.Statement
	for _, g := range c.Grounds {
		var words string
		switch g.Kind {
		case incident.AttackAlerts:
			words = counted(g.N, "kind of alert is an attack by itself", "kinds of alert are attacks by themselves")
		case incident.SuspiciousAlerts:
			words = counted(g.N, "kind of alert is suspicious by itself", "kinds of alert are suspicious by themselves")
		case incident.SignsOfAttack:
			words = fmt.Sprintf("Signs of attack of %d independent kinds stand in these alerts", g.N)
		case incident.StagesInOrder:
			words = "Stages of an intrusion follow one another: " + stageNames(c.Stages)
		case incident.Destruction:
			words = "The same destructive action was taken on one object after the other"
		case incident.TestTool:
			words = counted(g.N, "kind of alert carries the marks of a test tool", "kinds of alert carry the marks of a test tool") +
				", and the others came from the same place at the same time"
		case incident.OrdinaryWork:
			words = counted(g.N, "kind of alert is explained by ordinary work", "kinds of alert are explained by ordinary work") +
				", and nothing in the same place speaks against it"
		case incident.Undecided:
			words = counted(g.N, "kind of alert does not decide the matter", "kinds of alert do not decide the matter") + ", nor do they together"
		}
		out = append(out, say(words+".", append(c.cite(g.Kinds), source("triage#incidents"))...))
	}
	if words := asides[c.Aside]; words != "" {
		out = append(out, say(words, c.at(c.Telling), source("triage#incidents")))
	}
	return out
}

var asides = map[incident.Aside]string{
	incident.BesideATest: "A test tool ran in the same place, but this is none of its actions: it is judged by itself.",
	incident.Routine:     "It had been going on before anything worrying happened in the same place, and is told apart from that.",
	incident.OddOne:      "Everything else in the same place and time is ordinary work; this is not explained by it, and one kind of evidence alone speaks against it.",
}

// asideWords say the same in short.
var asideWords = map[incident.Aside]string{
	incident.NotAside: "nothing else belongs to it", incident.BesideATest: "told apart from the test beside it",
	incident.Routine: "told apart from what happened beside it", incident.OddOne: "told apart from the ordinary work beside it",
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "One " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func stageNames(list []incident.Stage) string {
	var names []string
	for _, s := range list {
		names = append(names, s.Tactic.String())
	}
	return strings.Join(names, ", ")
}

// sequence tells what happened in which order.
func (c *Case) sequence() []evidence.Statement {
	words := fmt.Sprintf("%d alerts of %d kinds belong together", c.Count, len(c.Kinds))
	switch {
	case c.Count == 1:
		words = "One alert stands for itself"
	case len(c.Kinds) == 1:
		words = fmt.Sprintf("%d alerts are of one kind", c.Count)
	}
	switch from, to := clockOf(c.First), clockOf(c.Last); {
	case c.First.IsZero():
	case from == to:
		words += ", at " + from + " UTC"
	default:
		words += ", from " + from + " to " + to + " UTC"
	}
	out := []evidence.Statement{say(words+".", c.cite(c.Kinds)...)}
	if c.Times > 1 {
		out = append(out, say(fmt.Sprintf("The same came together %d times; the times are of the first and the last.", c.Times), c.cite(c.Kinds)...))
	}
	if c.Repeats > 0 {
		out = append(out, say(fmt.Sprintf("%d more were delivered again: same host, rule, time and fields.", c.Repeats), c.at(c.Telling)))
	}
	if len(c.Stages) > 1 {
		var st evidence.Statement
		text(&st, "In order: ")
		for i, s := range c.Stages {
			if i > 0 {
				text(&st, ", then ")
			}
			text(&st, s.Tactic.String()+" (")
			st.Spans = append(st.Spans, evidence.Span{Text: c.Rule(s.Kind), Value: true})
			text(&st, ")")
			st.Evidence = append(st.Evidence, c.at(s.Kind))
		}
		text(&st, ".")
		out = append(out, st)
	}
	return out
}

func clockOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// linkWords say what a link is.
var linkWords = map[incident.LinkKind]string{
	incident.LinkProcess: "the process or its parent", incident.LinkSession: "the session of processes",
	incident.LinkTerminal: "login and terminal", incident.LinkContainer: "the container", incident.LinkPod: "the pod",
	incident.LinkTest: "the place where a test tool ran", incident.LinkFile: "a file in a directory that everybody may write to",
	incident.LinkRemote: "a public address", incident.LinkLogin: "the login", incident.LinkService: "the service that it runs below",
	incident.LinkAccount: "the account", incident.LinkParent: "the parent process, at the same time and without a login",
}

// shared counts for each link how many kinds of the incident have it.
func (c *Case) shared() map[uint64]int {
	n := map[uint64]int{}
	for _, k := range c.Kinds {
		if d := k.Detail(); d != nil {
			for _, l := range d.Links {
				n[l.Key]++
			}
		}
	}
	return n
}

// belongs says what holds the incident together.
func (c *Case) belongs() evidence.Statement {
	n := c.shared()
	by := map[incident.LinkKind]bool{}
	for _, k := range c.Kinds {
		if d := k.Detail(); d != nil {
			for _, l := range d.Links {
				if n[l.Key] > 1 {
					by[l.Kind] = true
				}
			}
		}
	}
	var words []string
	for kind := incident.LinkProcess; kind <= incident.LinkParent; kind++ {
		if by[kind] {
			words = append(words, linkWords[kind])
		}
	}
	st := say("They belong together by what they share: "+strings.Join(words, "; ")+"; and they are close in time.", c.cite(c.Kinds)...)
	if len(words) == 0 {
		st.Spans[0].Text = "They belong together by what their alerts share; the alerts were not kept to show it."
	}
	if len(c.Kinds) == 1 {
		st.Spans[0].Text = "The alerts are of one kind."
	}
	st.Evidence = append(st.Evidence, source("triage#incidents"))
	return st
}

// why says for one kind what puts it into the incident.
func (c *Case) why(k *incident.Kind, shared map[uint64]int) evidence.Statement {
	d := k.Detail()
	if len(c.Kinds) == 1 {
		return say("Same rule, host, container, process and verdict as the others; "+asideWords[c.Aside]+".", c.at(k))
	}
	if d == nil || d.Alert == nil {
		return say("Connected by what it shares with others of this incident.", c.at(k))
	}
	links := append([]incident.Link(nil), d.Links...)
	sort.SliceStable(links, func(x, y int) bool { return links[x].Kind < links[y].Kind })
	for _, l := range links {
		if shared[l.Key] < 2 {
			continue
		}
		st := say("Shares " + linkWords[l.Kind] + " with others of this incident: ")
		for i, name := range l.Fields {
			f, ok := d.Alert.Get(name)
			if !ok {
				continue
			}
			if i > 0 {
				text(&st, ", ")
			}
			text(&st, name+" ")
			value(&st, f)
		}
		text(&st, ".")
		if len(st.Evidence) > 0 {
			return st
		}
	}
	return say("Connected through other alerts of the same kind.", c.at(k))
}

// each names the alerts, each with its rule and why it is here.
func (c *Case) each() []AlertRef {
	var out []AlertRef
	shared := c.shared()
	for _, k := range c.Kinds {
		refs := k.Each()
		if len(refs) == 0 {
			continue
		}
		why := c.why(k, shared)
		for _, r := range refs {
			out = append(out, AlertRef{File: c.Names[r.File], Line: r.Line, UUID: r.UUID, Time: r.Time, Repeat: r.Repeat,
				Rule: c.Rule(k), Why: &why, file: r.File})
		}
	}
	sort.Slice(out, func(x, y int) bool {
		return out[x].file < out[y].file || out[x].file == out[y].file && out[x].Line < out[y].Line
	})
	if c.Refs > 0 && len(out) > c.Refs {
		out = out[:c.Refs]
	}
	return out
}

// basis says how much the correlation had to go by.
func (c *Case) basis() evidence.Statement {
	with, kept := 0, 0
	for _, k := range c.Kinds {
		if a := k.Alert(); a != nil {
			kept++
			if _, ok := known(a, "proc.pid", "proc.sid"); ok {
				with++
			}
		}
	}
	words := fmt.Sprintf("%d of %d kinds of alert carry the ids of process or session; the others were put together by login, container, account, file or address, so that two people behind one of these would be one incident.", with, kept)
	if with == kept {
		words = "All kinds of alert carry the ids of process or session, so the incident is as exact as Falco's process table."
	}
	return say(words, append(c.cite(c.Kinds), source("triage#incidents"))...)
}

// widen adds what the other alerts of the incident call for: commands to look
// closer and counter-measures, each once.
func (b *Builder) widen(n *analysis.Analysis, c *Case) {
	looks, controls := map[string]bool{}, map[string]bool{}
	key := func(s analysis.Step) string {
		out := ""
		for _, r := range s.Run {
			out += r.Text + "\x00"
		}
		return out
	}
	for _, s := range n.Looks {
		looks[key(s)] = true
	}
	for _, s := range n.Controls {
		controls[s.Control.ID] = true
	}
	rules := map[string]bool{n.Rule: true}
	more := 0
	for _, k := range c.Kinds {
		rule := c.Rule(k)
		if k.Alert() == nil || rules[rule] || k.Judgement.Class < analysis.Unknown && c.Judgement.Class >= analysis.Suspicious {
			continue
		}
		rules[rule] = true
		o := c.Analyze(k.Alert(), c.Judgement.Class)
		for _, s := range o.Looks {
			if looks[key(s)] {
				continue
			}
			looks[key(s)] = true
			s = c.from(k, s)
			if len(n.Looks) < looksMost {
				n.Looks = append(n.Looks, s)
			} else {
				more++
			}
		}
		for _, s := range o.Controls {
			if !controls[s.Control.ID] {
				controls[s.Control.ID] = true
				s = c.from(k, s)
				n.Controls = append(n.Controls, s)
			}
		}
	}
	if more > 0 {
		n.Limits = append(n.Limits, say(fmt.Sprintf("%d further commands to look closer belong to the other rules of this incident; tiercel knowledge show names them.", more), c.cite(c.Kinds)...))
	}
}

// from adds to a step of another alert than the telling one which alert its
// fields are of.
func (c *Case) from(k *incident.Kind, s analysis.Step) analysis.Step {
	say := make([]evidence.Statement, len(s.Say))
	for i, st := range s.Say {
		st.Evidence = append(append([]evidence.Evidence(nil), st.Evidence...), c.at(k))
		say[i] = st
	}
	s.Say = say
	return s
}

// looksMost bounds the commands to look closer of one report.
const looksMost = 10
