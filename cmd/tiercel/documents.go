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

// maker makes the documents of the kinds: a report for the worst, a line for
// the next, and for people one line per rule and verdict for the rest.
type maker struct {
	run     *analyzeRun
	builder *report.Builder
	names   []string
	kinds   *incident.Kinds
	sorted  []*incident.Kind
	masked  int // values with a secret that was masked
	reports int
	worst   analysis.Severity
}

// coming are the reports to come, for a list of them at the beginning.
func (m *maker) coming() []*report.Document {
	var out []*report.Document
	for _, k := range m.sorted {
		if k.Alert() == nil || m.run.MaxReports > 0 && len(out) == m.run.MaxReports {
			break
		}
		d := m.brief(k, report.Group{Count: k.Count, First: k.First(), Last: k.Last()})
		out = append(out, d)
	}
	return out
}

// each hands over the documents of all kinds, the worst first.
func (m *maker) each(use func(*report.Document) error) error {
	var rest rest
	for _, k := range m.sorted {
		m.worst = max(m.worst, k.Judgement.Severity)
		if k.Alert() == nil && m.run.format != "json" {
			rest.add(m, k)
			continue
		}
		if err := use(m.document(k)); err != nil {
			return err
		}
	}
	for _, f := range rest.folds {
		if err := use(m.folded(f)); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) document(k *incident.Kind) *report.Document {
	g := report.Group{Count: k.Count, First: k.First(), Last: k.Last()}
	if detail := k.Detail(); detail != nil {
		g.ID = detail.ID
		for _, r := range detail.Each {
			g.Each = append(g.Each, report.AlertRef{File: m.names[r.File], Line: r.Line, UUID: r.UUID, Time: r.Time})
		}
		for _, t := range detail.Targets {
			g.Targets = append(g.Targets, report.Target(t))
		}
	}
	a := k.Alert()
	if a == nil || m.run.MaxReports > 0 && m.reports >= m.run.MaxReports {
		return m.brief(k, g)
	}
	m.reports++
	if g.ID == "" {
		g.ID = m.run.analyzer.KindID(a, k.Judgement)
	}
	g.Volatile = m.run.analyzer.Volatile(a)
	for _, d := range m.kinds.DropsNear(k, a.Hostname) {
		g.Drops = append(g.Drops, report.Drop{File: m.names[d.File], Line: d.Line, Rule: d.Rule})
	}
	n := m.run.analyzer.Analyze(a)
	return m.clean(m.builder.Build(n, g))
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
		if g.ID == "" {
			g.ID = m.run.analyzer.KindID(a, k.Judgement)
		}
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
