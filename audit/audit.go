// Package audit holds a report, by whomever it was written, against the alert
// that it speaks of, and says of each claim and of each command whether it
// holds. It is pure: a report, alerts and what is known go in; findings come
// out.
package audit

import (
	"bytes"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/catalogue"
	"github.com/tiercel/tiercel/knowledge/claims"
)

// CodeChecker judges commands and configuration; *code.Checker is one.
type CodeChecker interface {
	Check(code.Block) []finding.Finding
	Looks(span string) bool
}

// Auditor audits reports. It may be used by several goroutines.
type Auditor struct {
	base     *knowledge.Base
	claims   *claims.Claims
	code     CodeChecker
	analyzer *analysis.Analyzer
	words    *vocabulary
	patterns *patternIndex
	products *products
	wording  *wording
	advice   *expr.Expr // headings below which a report says what to do

	naming sync.Once
	byName map[string]string // techniques by name, see techniqueNamed
}

// New returns an Auditor. check may be nil: then commands and configuration
// are not looked at. It fails if the built-in claims cannot be read.
func New(base *knowledge.Base, check CodeChecker) (*Auditor, error) {
	c, err := claims.Open(base)
	if err != nil {
		return nil, err
	}
	z := &Auditor{base: base, claims: c, code: check, analyzer: analysis.New(base, analysis.Options{})}
	z.words = newVocabulary(c, base)
	z.patterns = newPatternIndex(c.Patterns)
	z.wording = newWording(c)
	z.advice = expr.New(strings.Join(c.Advice, "|"))
	z.products = newProducts(c, catalogue.Builtin().Products)
	return z, nil
}

// Result is what an audit found.
type Result struct {
	Report   []byte // as it was given
	Findings []finding.Finding
	// Missing are what a reader needed and did not get; they have no place in
	// the report.
	Missing []finding.Finding
	// Quoted is set when no alert was given and the report's own quotation of
	// it was used.
	Quoted bool
}

// run is one audit.
type run struct {
	*Auditor
	src      []byte
	alerts   []*alert.Alert
	quoted   bool
	blocks   []*block
	texts    map[*block][]*sentence
	analyses []*analysis.Analysis
	found    []finding.Finding
	judged   map[*block][]bool // for each byte whether it has been judged as a value
	tables   map[int][]*block  // the cells of each table
	clocks   bool              // the report gives a time of day
	view     *view
	known    *knownValues
	own      *ownText
	typed    string                       // the code of the report so far
	commands func() map[string][][]string // of Tiercel's own report, by program
	carried  map[string]bool              // words by which the alerts and the rules' profiles speak
}

// Audit holds a report against the alerts that it speaks of; without any, it
// uses the alert that the report quotes, if it does.
func (z *Auditor) Audit(report []byte, alerts []*alert.Alert) *Result {
	r := &run{Auditor: z, src: report, alerts: alerts, judged: map[*block][]bool{}, tables: map[int][]*block{}, texts: map[*block][]*sentence{}}
	r.blocks = read(report, z.advice)
	for _, b := range r.blocks {
		if b.table > 0 {
			r.tables[b.table] = append(r.tables[b.table], b)
		}
	}
	if len(r.alerts) == 0 {
		r.alerts = r.quotedAlerts()
		r.quoted = len(r.alerts) > 0
	}
	r.prepare()
	r.ownSentences()
	for _, b := range r.blocks {
		if b.form == codeBlock && !r.isAlertText(b) {
			continue
		}
		r.values(b)
		if b.form == codeBlock {
			r.excerptTimes(b)
		}
	}
	r.codeBlocks()
	for _, b := range r.blocks {
		if b.form != codeBlock {
			r.prose(b)
		}
	}
	r.inferences()
	out := &Result{Report: report, Quoted: r.quoted, Missing: r.missing()}
	out.Findings = tidy(r.found)
	return out
}

// prepare analyses the alerts, one of each kind.
func (r *run) prepare() {
	seen := map[string]bool{}
	for _, a := range r.alerts {
		key := a.Rule + "\x00" + a.Message + "\x00" + a.Hostname
		for _, name := range []string{"container.id", "proc.name", "proc.pname", "proc.cmdline", "proc.exepath"} {
			f, _ := a.Get(name)
			key += "\x00" + f.Value.Text
		}
		if seen[key] || len(r.analyses) >= analysed {
			continue
		}
		seen[key] = true
		r.analyses = append(r.analyses, r.analyzer.Analyze(a))
	}
	r.known = newKnownValues(r.alerts)
	r.view = newView(r)
	r.own = r.ownReport()
}

// analysed bounds how many different alerts are analysed for what Tiercel
// itself would say; facts are held against all of them.
const analysed = 200

// add notes a finding on a run of a block's text.
func (r *run) add(b *block, start, end int, kind finding.Kind, j finding.Judgement, reason evidence.Statement, suggestion string) {
	from, to := b.source(start, end)
	r.addSource(from, to, kind, j, reason, suggestion)
}

func (r *run) addSource(from, to int, kind finding.Kind, j finding.Judgement, reason evidence.Statement, suggestion string) {
	from, to = max(0, min(from, len(r.src))), max(0, min(to, len(r.src)))
	for from < to && isSpace(r.src[from]) {
		from++
	}
	for to > from && isSpace(r.src[to-1]) {
		to--
	}
	if from >= to {
		return
	}
	if bytes.Count(r.src[from:to], []byte("`"))%2 == 1 { // half of a code span
		switch {
		case from > 0 && r.src[from-1] == '`':
			from--
		case to < len(r.src) && r.src[to] == '`':
			to++
		}
	}
	if len(reason.Evidence) == 0 {
		reason.Evidence = r.anyEvidence()
	}
	r.found = append(r.found, finding.Finding{Start: from, End: to, Kind: kind, Judgement: j, Reason: reason, Suggestion: suggestion})
}

// anyEvidence is what a reason rests on that only says that the alert is
// silent: the alert itself.
func (r *run) anyEvidence() []evidence.Evidence {
	for _, a := range r.alerts {
		for _, name := range []string{"rule", "output"} {
			if f, ok := a.Get(name); ok {
				return []evidence.Evidence{analysis.FieldEvidence(f)}
			}
		}
	}
	return []evidence.Evidence{{Kind: evidence.Source, Ref: "falco-docs"}}
}

// sentencesOf splits a block once.
func (r *run) sentencesOf(b *block) []*sentence {
	s, ok := r.texts[b]
	if !ok {
		s = sentences(b)
		r.texts[b] = s
	}
	return s
}

// taken reports whether a run of text has been judged, and claims it if not.
func (r *run) taken(b *block, start, end int) bool {
	list := r.judged[b]
	if list == nil {
		list = make([]bool, len(b.text))
		r.judged[b] = list
	}
	for i := start; i < end; i++ {
		if list[i] {
			return true
		}
	}
	for i := start; i < end; i++ {
		list[i] = true
	}
	return false
}

// tidy sorts the findings and drops those that say the same of the same place,
// and what is confirmed where the same words are also faulted.
func tidy(list []finding.Finding) []finding.Finding {
	finding.Sort(list)
	out := list[:0]
	for _, f := range list {
		double := false
		for k := len(out) - 1; k >= 0 && out[k].Start == f.Start; k-- {
			same := out[k].End == f.End && out[k].Kind == f.Kind
			double = double || same && (!f.Judgement.Bad() || out[k].Judgement == f.Judgement)
		}
		if !double {
			out = append(out, f)
		}
	}
	return out
}

// say builds a reason of words, fields and sources.
func say(parts ...any) evidence.Statement {
	var st evidence.Statement
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			st.Spans = append(st.Spans, evidence.Span{Text: p})
		case quoted:
			st.Spans = append(st.Spans, evidence.Span{Text: string(p), Value: true})
		case alert.Field:
			st.Spans = append(st.Spans, evidence.Span{Text: p.Value.Text, Value: true})
			cite(&st, analysis.FieldEvidence(p))
		case evidence.Evidence:
			cite(&st, p)
		}
	}
	return st
}

// quoted is text of the report or the alert within a reason: hostile.
type quoted string

func cite(st *evidence.Statement, add ...evidence.Evidence) {
	for _, e := range add {
		known := false
		for _, old := range st.Evidence {
			known = known || old == e
		}
		if !known {
			st.Evidence = append(st.Evidence, e)
		}
	}
}

func source(ref string) evidence.Evidence { return evidence.Evidence{Kind: evidence.Source, Ref: ref} }
