package main

import (
	"fmt"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/redact"
	"github.com/tiercel/tiercel/report"
)

// maker makes the documents of the incidents: a report for the worst, a line for
// the next, and for people one line per rule and verdict for the rest.
type maker struct {
	run       *analyzeRun
	builder   *report.Builder
	names     []string
	kinds     *incident.Kinds
	incidents []*incident.Incident
	further   []*incident.Kind // only counted, by rule and verdict
	masked    int              // values with a secret that was masked
	reports   int
	alarm     bool // something is suspicious or worse
	worst     analysis.Severity
}

// noise reports whether an incident is only listed for people, while something
// else is suspicious: ordinary work, and what is unknown, of little weight and
// connected to nothing.
func (m *maker) noise(i *incident.Incident) bool {
	if !m.alarm || m.run.machine() {
		return false
	}
	return i.Judgement.Class == analysis.Benign || plain(i) && i.Judgement.Class == analysis.Unknown && i.Judgement.Severity <= analysis.Low
}

// coming are the reports to come, for a list of them at the beginning.
func (m *maker) coming() []*report.Document {
	var out []*report.Document
	for _, i := range m.incidents {
		if m.run.MaxReports > 0 && len(out) == m.run.MaxReports {
			break
		}
		if i.Telling.Alert() != nil && !m.noise(i) {
			out = append(out, m.listed(i))
		}
	}
	return out
}

// each hands over the documents of all incidents, the worst first.
func (m *maker) each(use func(*report.Document) error) error {
	var rest rest
	var noise []*incident.Incident
	for n, i := range m.incidents {
		m.worst = max(m.worst, i.Judgement.Severity)
		if !m.run.machine() && i.Single() && (i.Telling.Alert() == nil || n >= m.run.MaxReports+listedKinds && m.run.MaxReports > 0) {
			rest.add(m, i.Telling)
			continue
		}
		if m.noise(i) {
			noise = append(noise, i)
			continue
		}
		if err := use(m.document(i)); err != nil {
			return err
		}
	}
	for _, i := range noise {
		if err := use(m.listed(i)); err != nil {
			return err
		}
	}
	for _, k := range m.further {
		m.worst = max(m.worst, k.Judgement.Severity)
		rest.add(m, k)
	}
	for _, f := range rest.folds {
		if err := use(m.folded(f)); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) document(i *incident.Incident) *report.Document {
	a := i.Telling.Alert()
	if a == nil || m.run.format == "jsonl" || m.run.MaxReports > 0 && m.reports >= m.run.MaxReports {
		return m.listed(i)
	}
	m.reports++
	g := m.group(i)
	for _, d := range m.kinds.DropsNear(i, a.Hostname) {
		g.Drops = append(g.Drops, report.Drop{File: m.names[d.File], Line: d.Line, Rule: d.Rule})
	}
	if plain(i) {
		return m.clean(m.builder.Build(m.run.analyzer.Analyze(a), g))
	}
	return m.clean(m.builder.BuildIncident(m.run.analyzer.AnalyzeAs(a, i.Judgement.Class), m.of(i), g))
}

// plain reports whether an incident is one kind of alert and nothing more.
func plain(i *incident.Incident) bool { return i.Single() && i.Aside == incident.NotAside }

// of gives the report what it needs to speak of an incident.
func (m *maker) of(i *incident.Incident) *report.Case {
	return &report.Case{Incident: i, Names: m.names, Rule: m.kinds.Rule, Analyze: m.run.analyzer.AnalyzeAs, Refs: m.run.refs()}
}

// group is what is known of the telling kind of an incident.
func (m *maker) group(i *incident.Incident) report.Group {
	k := i.Telling
	g := report.Group{Count: k.Count, Repeats: k.Repeats, First: k.First(), Last: k.Last()}
	if detail := k.Detail(); detail != nil {
		g.ID = detail.ID
		for _, r := range detail.Each {
			g.Each = append(g.Each, report.AlertRef{File: m.names[r.File], Line: r.Line, UUID: r.UUID, Time: r.Time, Repeat: r.Repeat})
		}
		for _, t := range detail.Targets {
			g.Targets = append(g.Targets, report.Target(t))
		}
	}
	if a := k.Alert(); a != nil {
		if g.ID == "" {
			g.ID = m.run.analyzer.KindID(a, k.Judgement)
		}
		g.Volatile = m.run.analyzer.Volatile(a)
	}
	return g
}

// listed is an incident without sections.
func (m *maker) listed(i *incident.Incident) *report.Document {
	if plain(i) {
		return m.brief(i.Telling, m.group(i))
	}
	var telling evidence.Statement
	if a := i.Telling.Alert(); a != nil {
		telling = m.run.analyzer.Headline(a)
	}
	return m.clean(m.builder.BriefIncident(m.of(i), report.Group{}, telling))
}

// clean masks the secrets of a document.
func (m *maker) clean(d *report.Document) *report.Document {
	if !m.run.ShowSecrets {
		m.masked += d.Redact(redact.Text)
	}
	return d
}

// brief lists a kind: by its headline if its first alert was kept, else by
// where that alert stands.
func (m *maker) brief(k *incident.Kind, g report.Group) *report.Document {
	rule := m.kinds.Rule(k)
	file, line := k.Origin()
	at := evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", m.names[file], line), Value: rule}
	headline := evidence.Statement{Spans: []evidence.Span{{Text: rule, Value: true}, {Text: fmt.Sprintf(", first in line %d of ", line)},
		{Text: m.names[file], Value: true}}, Evidence: []evidence.Evidence{at}}
	if a := k.Alert(); a != nil {
		headline = m.run.analyzer.Headline(a)
	}
	why := evidence.Statement{Spans: []evidence.Span{{Text: "Same rule, host, container, process and verdict."}}, Evidence: []evidence.Evidence{at}}
	return m.clean(m.builder.Brief(rule, k.Judgement, g, headline, why))
}

// rest folds the kinds that are not listed one by one.
type rest struct {
	folds []*fold
	at    map[foldKey]*fold
}

type foldKey struct {
	rule     string
	class    analysis.Class
	severity analysis.Severity
}

type fold struct {
	foldKey
	judgement   analysis.Judgement
	kinds       int
	alerts      int
	first, last time.Time
	origin      evidence.Evidence
}

func (r *rest) add(m *maker, k *incident.Kind) {
	key := foldKey{m.kinds.Rule(k), k.Judgement.Class, k.Judgement.Severity}
	f := r.at[key]
	if f == nil {
		file, line := k.Origin()
		f = &fold{foldKey: key, judgement: k.Judgement,
			origin: evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", m.names[file], line), Value: key.rule}}
		if r.at == nil {
			r.at = map[foldKey]*fold{}
		}
		r.at[key] = f
		r.folds = append(r.folds, f)
	}
	f.kinds++
	f.alerts += k.Count
	if t := k.First(); !t.IsZero() && (f.first.IsZero() || t.Before(f.first)) {
		f.first = t
	}
	if t := k.Last(); t.After(f.last) {
		f.last = t
	}
}

func (m *maker) folded(f *fold) *report.Document {
	st := evidence.Statement{Spans: []evidence.Span{{Text: f.rule, Value: true}, {Text: fmt.Sprintf(": %d further kinds", f.kinds)}},
		Evidence: []evidence.Evidence{f.origin}}
	return m.builder.Brief(f.rule, f.judgement, report.Group{ID: "further", Count: f.alerts, First: f.first, Last: f.last}, st, st)
}
