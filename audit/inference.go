package audit

import (
	"slices"
	"strings"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/claims"
)

// patternIndex finds the claims that a sentence may make by texts that they need.
type patternIndex struct {
	patterns []*claims.Pattern
	literals []string
	grams    []uint32 // of the beginning of each literal
	exprs    []expression
	first    []int32 // of each pattern the number of its first expression
}

// expression is an expression of a claim, with the sets of literals that it needs.
type expression struct{ needs [][]int32 }

func newPatternIndex(list []*claims.Pattern) *patternIndex {
	x := &patternIndex{patterns: list}
	at := map[string]int32{}
	for _, p := range list {
		x.first = append(x.first, int32(len(x.exprs)))
		for k := range p.Wordings() {
			var e expression
			if k < len(p.Needs) {
				for _, set := range p.Needs[k] {
					var ids []int32
					for _, lit := range set {
						j, ok := at[lit]
						if !ok {
							j = int32(len(x.literals))
							at[lit] = j
							x.literals = append(x.literals, lit)
						}
						ids = append(ids, j)
					}
					e.needs = append(e.needs, ids)
				}
			}
			x.exprs = append(x.exprs, e)
		}
	}
	for _, lit := range x.literals {
		x.grams = append(x.grams, gram(lit)) // at least three bytes, see claims.Needs
	}
	return x
}

// filter is the memory of allowed.
type filter struct {
	present, allowed []bool
	grams            [gramBits / 64]uint64 // hashes of the sentence's runs of three bytes
}

const gramBits = 1 << 13

func gram(s string) uint32 {
	return (uint32(s[0])*31*31 + uint32(s[1])*31 + uint32(s[2])) * 2654435761 >> (32 - 13)
}

// allowed marks the expressions that may match a sentence.
func (x *patternIndex) allowed(plain string, f *filter) []bool {
	if f.present == nil {
		f.present, f.allowed = make([]bool, len(x.literals)), make([]bool, len(x.exprs))
	}
	f.grams = [gramBits / 64]uint64{}
	for i := 2; i < len(plain); i++ {
		g := gram(plain[i-2:])
		f.grams[g/64] |= 1 << (g % 64)
	}
	for j, lit := range x.literals {
		g := x.grams[j]
		f.present[j] = f.grams[g/64]&(1<<(g%64)) != 0 && strings.Contains(plain, lit)
	}
	for i := range x.exprs {
		f.allowed[i] = x.exprs[i].may(f.present)
	}
	return f.allowed
}

func (e *expression) may(present []bool) bool {
	for _, set := range e.needs {
		if !slices.ContainsFunc(set, func(id int32) bool { return present[id] }) {
			return false
		}
	}
	return true
}

// inferences judges what the sentences conclude and what they tell of the
// world. It comes last: claims about the report's own commands are among them.
func (r *run) inferences() {
	r.view.count(r.found, r.blocks)
	terms := r.profileTerms()
	r.carried = r.carriedWords(terms)
	var f filter
	for _, b := range r.blocks {
		if b.form == codeBlock {
			continue
		}
		for _, s := range r.sentencesOf(b) {
			if len(s.plain) < 4 || r.own.judged(s) {
				continue
			}
			r.productClaims(s)
			said := r.patternClaims(s, r.patterns.allowed(s.plain, &f))
			if b.form != heading && !said.whole && (len(said.parts) > 0 || !r.profileClaim(s, terms)) {
				r.uncarried(s, said.parts)
			}
		}
	}
}

// judgedParts is what known claims say of a sentence.
type judgedParts struct {
	whole bool     // it is faulted as a whole
	parts [][2]int // runs of its plain text that are carried
}

// patternClaims judges the known claims in a sentence.
func (r *run) patternClaims(s *sentence, allowed []bool) (said judgedParts) {
	x := r.patterns
	for i, p := range x.patterns {
		first := x.first[i]
		may := false
		for k := range p.Wordings() {
			may = may || allowed[int(first)+k]
		}
		if !may || !fitsPlace(p, s.in) {
			continue
		}
		start, end, ok := p.Find(s.plain, func(k int) bool { return !allowed[int(first)+k] })
		if !ok || len(p.Of) > 0 && !r.speaksOf(s, p.Of, p.In == "meaning") || !p.Negated && s.denies(p, start, end) {
			continue
		}
		c, ex := r.claims.Decide(p, r.view)
		if c == nil || len(p.All) > 0 && c.Judge == string(finding.Supported) && r.particular(s, p, start, end) {
			continue
		}
		if len(p.All) > 0 && said.whole && finding.Judgement(c.Judge).Bad() {
			continue // one general error is enough of a sentence
		}
		reason := r.template(c.Because)
		for _, f := range ex.Read {
			if _, made := r.view.made[f.Name]; !made {
				cite(&reason, analysis.FieldEvidence(f))
			}
		}
		for _, ref := range c.Sources {
			cite(&reason, source(ref))
		}
		if verdictRead(c.When) {
			for _, n := range r.analyses[:min(1, len(r.analyses))] {
				for _, st := range n.Verdict.Reasons {
					cite(&reason, st.Evidence...)
				}
			}
		}
		kind := finding.Inference
		if p.Kind != "" {
			kind = finding.Kind(p.Kind)
		}
		from, to := s.start, s.end
		if p.Words {
			from, to = s.place(start, end)
		}
		from, to = r.clip(s, from, to, start, end)
		j := finding.Judgement(c.Judge)
		if s.in.form == heading && p.In != "heading" && j.Bad() {
			j = finding.Unsupported // a heading only announces
		}
		r.add(s.in, from, to, kind, j, reason, c.Instead)
		if j == finding.Supported || p.Words {
			said.parts = append(said.parts, [2]int{start, end})
		} else {
			said.whole = true
		}
	}
	return said
}

// denies reports whether a sentence says no of the words of a claim.
func (s *sentence) denies(p *claims.Pattern, start, end int) bool {
	if len(p.All) > 0 {
		behind := s.plain[end:min(len(s.plain), end+20)]
		if i := strings.IndexAny(behind, ".;:"); i >= 0 {
			behind = behind[:i]
		}
		end += len(behind)
	}
	return s.negates(start) || noWord.MatchString(s.plain[start:end])
}

// particular reports whether the words around those of a general statement
// make another statement of it: one about this event, or with another effect.
func (r *run) particular(s *sentence, p *claims.Pattern, start, end int) bool {
	rest := []byte(s.plain)
	for _, at := range p.Pieces(s.plain) {
		for i := at[0]; i < at[1]; i++ {
			rest[i] = ' '
		}
	}
	from, to := start, end
	for _, c := range s.clauses() {
		if c[0] < end && c[1] > start {
			from, to = min(from, c[0]), max(to, c[1])
		}
	}
	return r.wording.told.MatchString(s.plain[from:to]) || r.wording.further.Match(rest[from:to])
}

// speaksOf reports whether a sentence names one of the fields, or stands in
// the row of one.
func (r *run) speaksOf(s *sentence, fields []string, row bool) bool {
	if s.in.form == cell && s.in.col > 0 {
		if n := r.words.key(s.in.key); n != nil {
			return slices.Contains(fields, n.fields[0])
		}
	}
	if m := s.pair(); m != nil {
		if n := r.words.key(s.text()[m[2]:m[3]]); n != nil && n.strict() && slices.Contains(fields, n.fields[0]) {
			return true
		}
	}
	if row {
		return false
	}
	for _, f := range fields {
		if strings.Contains(s.plain, f) {
			return true
		}
	}
	for _, m := range r.words.mentions(s) {
		if m.entry.Strict && slices.Contains(fields, m.fields[0]) {
			return true
		}
	}
	if slices.Contains(fields, "evt.arg.flags") {
		return flagWord.MatchString(s.text())
	}
	return slices.Contains(fields, "user.loginuid") && strings.Contains(s.plain, "loginuid")
}

// clip keeps a finding to the lines on which its words stand, if its sentence
// goes over many.
func (r *run) clip(s *sentence, from, to, start, end int) (int, int) {
	text := s.in.text
	if strings.Count(text[from:to], "\n") < 2 {
		return from, to
	}
	a, b := s.place(start, end)
	if i := strings.LastIndexByte(text[from:a], '\n'); i >= 0 {
		from += i + 1
	}
	if i := strings.IndexByte(text[b:to], '\n'); i >= 0 {
		to = b + i
	}
	return from, to
}

func fitsPlace(p *claims.Pattern, b *block) bool {
	switch p.In {
	case "advice":
		return b.advice && b.form != heading
	case "account":
		return !b.advice && b.form != heading && b.form != comment
	case "heading":
		return b.form == heading
	}
	return b.form != heading || p.Judge == string(finding.Contradicted)
}

func verdictRead(when string) bool { return strings.Contains(when, "verdict") }

// template says a reason, with the values of the alert in it.
func (r *run) template(text string) evidence.Statement {
	t, err := knowledge.ParseTemplate(text)
	if err != nil {
		return say(text)
	}
	var st evidence.Statement
	for _, p := range t {
		if p.Field == "" {
			st.Spans = append(st.Spans, evidence.Span{Text: p.Text})
			continue
		}
		f, ok := r.view.Get(p.Field)
		if !ok {
			st.Spans = append(st.Spans, evidence.Span{Text: p.Field})
			continue
		}
		st.Spans = append(st.Spans, evidence.Span{Text: f.Value.Text, Value: true})
		if _, made := r.view.made[p.Field]; !made {
			cite(&st, analysis.FieldEvidence(f))
		}
	}
	return st
}

// term is a sentence of a profile by its telling words.
type term struct {
	words  map[string]bool
	denied bool // it says no
	st     evidence.Statement
}

// profileTerms are the sentences that the rules' profiles say of the alerts.
func (r *run) profileTerms() []term {
	var out []term
	for _, n := range r.analyses[:min(len(r.analyses), 20)] {
		for _, list := range [][]evidence.Statement{n.Saw, n.Means, n.Misuse, n.Ordinary, n.Limits, n.Verdict.Reasons, n.Attack} {
			for _, st := range list {
				out = newTerm(out, st)
			}
		}
		for _, f := range n.Facts {
			out = newTerm(out, f.Meaning)
		}
	}
	return out
}

// ownWords is a statement without the values in it.
func ownWords(st evidence.Statement) string {
	var b strings.Builder
	for _, span := range st.Spans {
		if !span.Value {
			b.WriteString(span.Text)
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func newTerm(list []term, st evidence.Statement) []term {
	text := ownWords(st)
	if w := stems(text); len(w) >= 4 {
		list = append(list, term{w, noWord.MatchString(strings.ToLower(text)), st})
	}
	return list
}

// sameWords is the share of a sentence's telling words that a statement of a
// profile has when both say the same.
const sameWords = 0.6

// profileClaim confirms a general sentence that says in other words what a
// profile says: most of its telling words are there, it says no where that
// does, and it names no other actor and no other effect.
func (r *run) profileClaim(s *sentence, terms []term) bool {
	if len(terms) == 0 || s.in.advice && !s.hypothetical() || strings.HasSuffix(s.plain, ":") {
		return false
	}
	mine := stems(r.unjudged(s, s.start, s.end))
	if len(mine) < 4 {
		return false
	}
	denied := noWord.MatchString(s.plain)
	best, at := 0.0, -1
	for i, t := range terms {
		if t.denied != denied {
			continue
		}
		common, other := 0, false
		for w := range mine {
			if t.words[w] {
				common++
			} else {
				other = other || r.wording.effect.MatchString(w)
			}
		}
		if share := float64(common) / float64(len(mine)); common >= 3 && !other && share > best {
			best, at = share, i
		}
	}
	if at < 0 || best < sameWords {
		return false
	}
	reason := say("Tiercel's profile of the rule says the same: ")
	reason.Spans = append(reason.Spans, terms[at].st.Spans...)
	cite(&reason, terms[at].st.Evidence...)
	r.add(s.in, s.start, s.end, finding.Inference, finding.Supported, reason, "")
	return true
}

// stems are the telling words of a text, without their endings.
func stems(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_'
	}) {
		if len(w) < 4 || common[w] {
			continue
		}
		for _, end := range []string{"ing", "ions", "ion", "ed", "es", "s", "ly"} {
			if t, ok := strings.CutSuffix(w, end); ok && len(t) >= 4 {
				w = t
				break
			}
		}
		if len(w) > 7 {
			w = w[:7]
		}
		out[w] = true
	}
	return out
}

var common = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`this that with from which have been were will would could should they their there these those than then
		into such also more most some other when where while what does only both each very about after before because being
		used using uses user allow allows allowing without indicates indicate event alert behavior behaviour activity suggests
		potential potentially malicious security system falco rule detected triggered`) {
		m[w] = true
	}
	return m
}()
