package audit

import (
	"bytes"
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/redact"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
)

// ownText is what Tiercel itself says of the alerts, sentence by sentence: a
// sentence of a report that is one of these has its evidence.
type ownText struct {
	said   map[string][]evidence.Evidence // by plain sentence
	shapes map[string][][]string          // the values of the sentences of a shape
	values map[string]bool                // all that stands in a code span
	blocks map[string][]evidence.Evidence // of commands and files
	done   map[*sentence]bool             // sentences that are judged
	whole  bool                           // the report is one of Tiercel's, most of its sentences are
}

func (o *ownText) hasValue(text string) bool { return o != nil && o.values[text] }

func (o *ownText) says(s *sentence) bool {
	if o == nil {
		return false
	}
	_, ok := o.said[s.plain]
	return ok
}

// ownAt reports whether the sentence at a place of a block is one that Tiercel
// itself writes of the alerts.
func (r *run) ownAt(b *block, at int) bool {
	if r.own == nil {
		return false
	}
	for _, s := range r.sentencesOf(b) {
		if s.start <= at && at < s.end {
			return r.own.says(s)
		}
	}
	return false
}

// ownReport writes Tiercel's own report of the alerts and reads it back, so
// that both are read by the same eyes. Only a report that has sentences of it
// is held against it.
func (r *run) ownReport() *ownText {
	if len(r.alerts) == 0 || !bytes.Contains(r.src, []byte(ownMark)) {
		return nil
	}
	docs := r.ownDocuments()
	o := &ownText{said: map[string][]evidence.Evidence{}, shapes: map[string][][]string{}, values: map[string]bool{}, blocks: map[string][]evidence.Evidence{}, done: map[*sentence]bool{}}
	for _, d := range docs {
		var out bytes.Buffer
		w, err := render.New("markdown", &out, render.Options{})
		if err != nil {
			return nil
		}
		if w.Begin(report.Input{}) != nil || w.Document(d) != nil || w.End(report.Input{}) != nil {
			continue
		}
		o.take(out.Bytes(), r.advice, d, r.anyEvidence())
	}
	o.overview(docs, r)
	all, said := 0, 0
	for _, b := range r.blocks {
		if b.form == codeBlock {
			continue
		}
		for _, s := range r.sentencesOf(b) {
			all++
			if o.says(s) {
				said++
			}
		}
	}
	o.whole = 2*said > all
	return o
}

// ownMark is in each report that Tiercel writes of an alert, whatever it says.
const ownMark = "tiercel"

// overview takes the lists of several documents.
func (o *ownText) overview(docs []*report.Document, r *run) {
	var out bytes.Buffer
	w, err := render.New("markdown", &out, render.Options{})
	if err != nil || len(docs) < 2 {
		return
	}
	in := report.Input{Files: r.files(), Alerts: len(r.alerts), Matched: len(r.alerts), Kinds: len(docs), Incidents: len(docs), Reports: docs}
	if w.Begin(in) != nil {
		return
	}
	for _, d := range docs {
		brief := *d
		brief.Sections = nil
		if w.Document(&brief) != nil {
			return
		}
	}
	if w.End(in) == nil {
		o.take(out.Bytes(), r.advice, nil, r.anyEvidence())
	}
}

func (r *run) files() []string {
	var out []string
	seen := map[string]bool{}
	for _, a := range r.alerts {
		if !seen[a.Origin.File] {
			seen[a.Origin.File] = true
			out = append(out, a.Origin.File)
		}
	}
	return out
}

func (o *ownText) take(text []byte, advice *expr.Expr, d *report.Document, fallback []evidence.Evidence) {
	cited := map[int]evidence.Evidence{}
	if d != nil {
		for _, s := range d.Sections {
			for _, b := range s.Blocks {
				if list, ok := b.(report.References); ok {
					for _, ref := range list.Items {
						cited[ref.Number] = ref.Evidence
					}
				}
			}
		}
	}
	blocks := read(text, advice)
	last := fallback
	for i := len(blocks) - 1; i >= 0; i-- {
		b := blocks[i]
		if b.form == codeBlock {
			o.blocks[strings.TrimSpace(b.text)] = last
			continue
		}
		for _, m := range b.code() {
			o.values[b.text[m.start:m.end]] = true
		}
		list := sentences(b)
		for k := len(list) - 1; k >= 0; k-- {
			s := list[k]
			if ev := evidenceOf(s.text(), cited); len(ev) > 0 {
				last = ev
			}
			o.said[s.plain] = last
			shape, values := s.shape()
			o.shapes[shape] = append(o.shapes[shape], values)
		}
	}
}

// evidenceOf reads the numbers of a sentence's references.
func evidenceOf(text string, cited map[int]evidence.Evidence) []evidence.Evidence {
	var out []evidence.Evidence
	for i := strings.IndexByte(text, '['); i >= 0; {
		m := references.FindString(text[i:min(len(text), i+2000)])
		for _, n := range strings.FieldsFunc(m, func(c rune) bool { return c < '0' || c > '9' }) {
			k, _ := strconv.Atoi(n)
			if e, ok := cited[k]; ok {
				out = append(out, e)
			}
		}
		next := strings.IndexByte(text[i+1:], '[')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return out
}

// shape is a sentence with its values taken out, and the values.
func (s *sentence) shape() (string, []string) {
	var b strings.Builder
	var values []string
	for i := 0; i < len(s.plain); {
		at := s.places[i]
		found := false
		for _, m := range s.in.codeIn(at, at+1) {
			from := i
			for i < len(s.plain) && s.places[i] < m.end {
				i++
			}
			values = append(values, s.plain[from:i])
			b.WriteByte(0)
			found = true
		}
		if !found {
			b.WriteByte(s.plain[i])
			i++
		}
	}
	return b.String(), values
}

// ownSentences judges what Tiercel itself would write, before anything else.
func (r *run) ownSentences() {
	if r.own == nil {
		return
	}
	for _, b := range r.blocks {
		if b.form == codeBlock {
			continue
		}
		for _, s := range r.sentencesOf(b) {
			if len(s.plain) > 1 && r.ownSentence(s) {
				r.own.done[s] = true
			}
		}
	}
}

func (o *ownText) judged(s *sentence) bool { return o != nil && o.done[s] }

// ownSentence judges a sentence that Tiercel itself would write, or would
// write with other values. ok is false when it is none.
func (r *run) ownSentence(s *sentence) bool {
	if ev, ok := r.own.said[s.plain]; ok {
		reason := say("Tiercel says the same of this alert, on this evidence.")
		cite(&reason, ev...)
		r.add(s.in, s.start, s.end, finding.Inference, finding.Supported, reason, "")
		return true
	}
	shape, values := s.shape()
	known, ok := r.own.shapes[shape]
	if !ok || len(values) == 0 || !r.own.whole && len(strings.Fields(strings.ReplaceAll(shape, "\x00", ""))) < 2 {
		return false
	}
	for i, v := range values {
		right := ""
		for _, k := range known {
			if i >= len(k) || k[i] == v {
				right = ""
				break
			}
			right = k[i]
		}
		if right == "" {
			continue
		}
		for _, m := range s.in.codeIn(s.start, s.end) {
			if m.start < s.start || m.end > s.end || !strings.EqualFold(squeeze(s.in.text[m.start:m.end]), v) {
				continue
			}
			if !r.taken(s.in, m.start, m.end) {
				reason := say("In this place the alert has ", quoted(right), ".")
				if f, ok := r.known.elsewhere(right); ok {
					reason = say("In this place the alert has ", f, ".")
				}
				r.add(s.in, m.start, m.end, finding.Fact, finding.Contradicted, reason, right)
			}
			break
		}
	}
	return true
}

// ownDocuments are the reports that Tiercel makes of the alerts.
func (r *run) ownDocuments() []*report.Document {
	builder := report.NewBuilder(r.base)
	kinds := r.kinds()
	names := r.files()
	var out []*report.Document
	for _, f := range kinds.Folds(kinds.Incidents()) {
		a := f.Kind.Alert()
		if a == nil {
			continue
		}
		c, g := report.CaseOf(f, kinds, names, r.analyzer, nil)
		for _, d := range kinds.DropsNear(c.Incident, a.Hostname) {
			g.Drops = append(g.Drops, report.Drop{File: names[d.File], Line: d.Line, Rule: d.Rule})
		}
		d := builder.Of(r.analyzer, c, g)
		d.Redact(redact.Text)
		out = append(out, d)
	}
	return out
}

// kinds puts the alerts together as package pipeline does.
func (r *run) kinds() *incident.Kinds {
	kinds := incident.NewKinds(incident.Limits{Kinds: 10_000, Kept: 10_000})
	kinder := r.analyzer.NewKinder(maphash.MakeSeed())
	judge := r.analyzer.NewJudge()
	linker := incident.NewLinker(r.analyzer.Definitions())
	file := map[string]int{}
	for i, name := range r.files() {
		file[name] = i
	}
	type shape struct {
		kind  uint64
		judge analysis.Judgement
		links []incident.Link
		p     analysis.Pattern
	}
	known := map[uint64]*shape{}
	for _, a := range r.alerts {
		s := incident.Seen{File: file[a.Origin.File], Line: a.Origin.Line, Time: a.Time, Drop: r.analyzer.IsDrop(a), Rule: r.analyzer.RuleName(a)}
		if s.Drop {
			s.Host = a.Hostname
		}
		key := kinder.Shape(a)
		k, ok := known[key]
		if !ok {
			j := judge.Judge(a)
			k = &shape{kinder.Kind(a, j), j, linker.Links(a, j.Class), kinder.Pattern(a, j.Class, false)}
			known[key] = k
			s.NewShape, s.First, s.Targets = true, a, r.analyzer.Targets(a)
		}
		s.Key, s.Judgement, s.Pattern = k.kind, k.judge, &k.p
		s.Links = linker.Processes(a, k.links)
		s.Print = kinder.Print(a, key)
		kinds.Add(&s)
	}
	return kinds
}
