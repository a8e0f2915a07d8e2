package main

import (
	"fmt"
	"iter"
	"slices"
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
	run     *analyzeRun
	builder *report.Builder
	names   []string
	kinds   *incident.Kinds
	folds   []*incident.Fold         // for people
	each    iter.Seq[*incident.Fold] // for machines: nothing is folded
	masked  int                      // values with a secret that was masked
	reports int
	alarm   bool // something is suspicious or worse
	worst   analysis.Severity
}

func (r *analyzeRun) newMaker(names []string, kinds *incident.Kinds) (m *maker, incidents int) {
	m = &maker{run: r, builder: report.NewBuilder(r.base), names: names, kinds: kinds}
	list, rest := kinds.Incidents()
	for _, i := range list {
		m.alarm = m.alarm || i.Judgement.Class >= analysis.Suspicious
	}
	if r.machine() {
		m.each = kinds.Unfolded(list, rest)
	} else {
		m.folds = kinds.Folds(list, rest)
		m.each = slices.Values(m.folds)
	}
	return m, len(list) + len(rest)
}

// noise reports whether something is only listed for people, while something
// else is suspicious: ordinary work, and what is unknown, of little weight and
// connected to nothing. What is rare is no noise.
func (m *maker) noise(f *incident.Fold) bool {
	if !m.alarm || m.run.machine() || f.Rare != nil {
		return false
	}
	j := f.Judgement()
	return j.Class == analysis.Benign || plain(f) && j.Class == analysis.Unknown && j.Severity <= analysis.Low
}

// coming are the reports to come, for a list of them at the beginning.
func (m *maker) coming() []*report.Document {
	var out []*report.Document
	for _, f := range m.folds {
		if m.run.MaxReports > 0 && len(out) == m.run.MaxReports {
			break
		}
		if f.Kind.Alert() != nil && !m.noise(f) {
			out = append(out, m.listed(f))
		}
	}
	return out
}

// unreported is how many of what is no noise gets no report, for want of room.
func (m *maker) unreported() int {
	n := 0
	for _, f := range m.folds {
		if !m.noise(f) {
			n++
		}
	}
	if m.run.MaxReports == 0 {
		return 0
	}
	return max(0, n-m.run.MaxReports)
}

// documents hands over the documents of all incidents, the worst first.
func (m *maker) documents(use func(*report.Document) error) error {
	var rest rest
	var noise []*incident.Fold
	n := 0
	for f := range m.each {
		m.worst = max(m.worst, f.Judgement().Severity)
		if !m.run.machine() && plain(f) && (f.Kind.Alert() == nil || m.run.MaxReports > 0 && n >= m.run.MaxReports+listedKinds) {
			rest.add(m, f)
			continue
		}
		n++
		if m.noise(f) {
			noise = append(noise, f)
			continue
		}
		if err := use(m.document(f)); err != nil {
			return err
		}
	}
	for _, f := range noise {
		if err := use(m.listed(f)); err != nil {
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

func (m *maker) document(f *incident.Fold) *report.Document {
	a := f.Kind.Alert()
	if a == nil || m.run.format == "jsonl" || m.run.MaxReports > 0 && m.reports >= m.run.MaxReports {
		return m.listed(f)
	}
	m.reports++
	c, g := m.of(f)
	for _, d := range m.kinds.DropsNear(c.Incident, a.Hostname) {
		g.Drops = append(g.Drops, report.Drop{File: m.names[d.File], Line: d.Line, Rule: d.Rule})
	}
	return m.clean(m.builder.Of(m.run.analyzer, c, g))
}

// listed is a document without sections.
func (m *maker) listed(f *incident.Fold) *report.Document {
	c, g := m.of(f)
	return m.clean(m.builder.Listed(m.run.analyzer, c, g))
}

// plain reports whether something is one kind of alert and nothing more.
func plain(f *incident.Fold) bool {
	return f.Incident == nil || f.Incident.Single() && f.Incident.Aside == incident.NotAside
}

// of gives the report what it needs to speak of a fold.
func (m *maker) of(f *incident.Fold) (*report.Case, report.Group) {
	c, g := report.CaseOf(f, m.kinds, m.names, m.run.analyzer, m.run.memory)
	c.Refs = m.run.refs()
	return c, g
}

// clean masks the secrets of a document.
func (m *maker) clean(d *report.Document) *report.Document {
	if !m.run.ShowSecrets {
		m.masked += d.Redact(redact.Text)
	}
	return d
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

func (r *rest) add(m *maker, f *incident.Fold) {
	j := f.Judgement()
	key := foldKey{m.kinds.Rule(f.Kind), j.Class, j.Severity}
	to := r.at[key]
	if to == nil {
		file, line := f.Kind.Origin()
		to = &fold{foldKey: key, judgement: j,
			origin: evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", m.names[file], line), Value: key.rule}}
		if r.at == nil {
			r.at = map[foldKey]*fold{}
		}
		r.at[key] = to
		r.folds = append(r.folds, to)
	}
	to.kinds += 1 + len(f.Further)
	to.alerts += f.Count
	if !f.First.IsZero() && (to.first.IsZero() || f.First.Before(to.first)) {
		to.first = f.First
	}
	if f.Last.After(to.last) {
		to.last = f.Last
	}
}

func (m *maker) folded(f *fold) *report.Document {
	st := evidence.Statement{Spans: []evidence.Span{{Text: f.rule, Value: true}, {Text: fmt.Sprintf(": %d further kinds", f.kinds)}},
		Evidence: []evidence.Evidence{f.origin}}
	return m.builder.Brief(f.rule, f.judgement, report.Group{ID: "further", Count: f.alerts, First: f.first, Last: f.last}, st, st)
}
