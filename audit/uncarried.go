package audit

import (
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/claims"
)

// wording are the lists of knowledge/data/claims/uncarried.yaml.
type wording struct {
	effect    *expr.Expr      // who did something and what came of it, over stems
	courtesy  *expr.Expr      // sentences that assert nothing
	asserting *expr.Expr      // comments that say what is so, beside their command
	told      *expr.Expr      // what happened once: a general statement has none
	further   *expr.Expr      // effects that make another statement of a general one
	leadIn    map[string]bool // stems by which a sentence announces what comes
	plumbing  map[string]bool // stems by which any alert is told
	short     map[string]bool // acronyms of that kind
	tellers   []teller
}

// teller says which field or which log would tell a thing.
type teller struct {
	claimed *expr.Expr
	where   string
}

func newWording(c *claims.Claims) *wording {
	list := func(name string) string { return strings.Join(c.Words[name], "|") }
	plain := func(name string) string { return strings.Join(c.Words[name], " ") }
	w := &wording{
		effect:    expr.New(`^(?:` + list("effect") + `)`),
		courtesy:  expr.New(`^\W*(?:` + list("courtesy") + `)`),
		asserting: expr.New(`\b(?:` + list("asserting") + `)\b`),
		told:      expr.New(`\b(?:` + list("told") + `)\b`),
		further:   expr.New(`\b(?:` + list("further") + `)`),
		leadIn:    stems(plain("lead_in")),
		plumbing:  stems(plain("plumbing")),
		short:     map[string]bool{},
	}
	for _, s := range c.Words["plumbing_short"] {
		w.short[s] = true
	}
	for _, t := range c.Tells {
		w.tellers = append(w.tellers, teller{expr.New(t.Claimed), t.Tells})
	}
	return w
}

// carriedWords are the words of the rules, their profiles and the alerts'
// texts, without those for effects.
func (r *run) carriedWords(terms []term) map[string]bool {
	out := map[string]bool{}
	note := func(words map[string]bool) {
		for w := range words {
			if !r.wording.effect.MatchString(w) {
				out[w] = true
			}
		}
	}
	for i := range terms {
		note(terms[i].words)
	}
	note(r.wording.plumbing)
	for i, a := range r.alerts {
		if i == analysed {
			break
		}
		for w := range stems(a.Rule) {
			out[w] = true // what the rule itself says was done
		}
	}
	return out
}

// unjudged is a run of a sentence's text with what has been judged as a value
// blanked out, and the names of fields.
func (r *run) unjudged(s *sentence, start, end int) string {
	text := []byte(s.in.text[start:end])
	blank := func(from, to int) {
		for i := max(from, start); i < min(to, end); i++ {
			text[i-start] = ' '
		}
	}
	if list := r.judged[s.in]; list != nil {
		for i := start; i < end; i++ {
			if list[i] {
				text[i-start] = ' '
			}
		}
	}
	if m := s.pair(); m != nil && r.words.key(s.text()[m[2]:m[3]]) != nil {
		blank(s.start+m[2], s.start+m[3])
	}
	return string(text)
}

var clauseEnd = expr.New(`;\s|,\s(?:and|but|which|so|while|whereas|therefore|thus|hence|since|because|as|where|who|or|then|allowing|making|causing|giving|enabling|meaning|indicating|suggesting)\b|\s-\s|\s(?:because|so that|which means|indicating that|suggesting that|meaning that)\b`)

// clauses are the runs of a sentence's plain text that each say something.
func (s *sentence) clauses() [][2]int {
	var out [][2]int
	at := 0
	for _, m := range clauseEnd.FindAllStringIndex(s.plain, -1) {
		if m[0]-at < 12 || len(s.plain)-m[0] < 12 {
			continue
		}
		out = append(out, [2]int{at, m[0]})
		at = m[0] + 1
	}
	return append(out, [2]int{at, len(s.plain)})
}

// announces reports whether a sentence only leads to what comes: it ends with
// a colon and has hardly a word of its own.
func (r *run) announces(s *sentence) bool {
	if !strings.HasSuffix(s.plain, ":") {
		return false
	}
	n := 0
	for w := range stems(s.plain) {
		if !r.wording.leadIn[w] {
			n++
		}
	}
	return n < 3
}

// uncarried notes what a sentence says beyond the values of the alert, and that
// nothing known carries; parts are what known claims carry of it.
func (r *run) uncarried(s *sentence, parts [][2]int) {
	b := s.in
	if !r.held() || strings.HasSuffix(s.plain, "?") || b.form == cell && (b.row == 0 || b.col == 0 && len(s.plain) < 40) || r.wording.courtesy.MatchString(s.plain) {
		return
	}
	if b.form == comment && !r.wording.asserting.MatchString(s.plain) {
		return
	}
	if len(parts) == 0 && r.announces(s) {
		return
	}
	clauses := s.clauses()
	var open [][2]int
	for _, c := range clauses {
		if r.saysMore(s, c) && !r.covered(s, c, parts) {
			open = append(open, c)
		}
	}
	text := s.text()
	if len(open) == len(clauses) && strings.Count(text, "\n") < 3 {
		open = [][2]int{{0, len(s.plain)}}
	}
	for _, c := range open {
		from, to := s.place(c[0], c[1])
		if len(open) == 1 && c[1]-c[0] == len(s.plain) {
			from, to = s.start, s.end
		}
		r.add(b, from, to, finding.Inference, finding.Unsupported, say("Nothing in the alert, and nothing that Tiercel knows, carries this."+r.telling(s.plain[c[0]:c[1]])), "")
	}
}

// restWords is how many telling words a clause has beyond the values in it
// before it is taken to say more than these.
const restWords = 1

// covered reports whether known claims carry a clause: they have words of it,
// and beside these it tells no further effect.
func (r *run) covered(s *sentence, c [2]int, parts [][2]int) bool {
	rest := []byte(s.plain[c[0]:c[1]])
	any := false
	for _, p := range parts {
		if p[0] < c[1] && p[1] > c[0] {
			any = true
			for i := max(p[0], c[0]); i < min(p[1], c[1]); i++ {
				rest[i-c[0]] = ' '
			}
		}
	}
	return any && !r.wording.further.Match(rest)
}

// saysMore reports whether a clause says more than values of the alert.
func (r *run) saysMore(s *sentence, c [2]int) bool {
	from, to := s.place(c[0], c[1])
	text := r.unjudged(s, from, to)
	words := stems(text)
	n, strong := 0, false
	for w := range words {
		if !r.carried[w] {
			n, strong = n+1, strong || r.wording.effect.MatchString(w)
		}
	}
	if ownNumber.MatchString(text) {
		n++
	}
	for _, w := range acronym.FindAllString(text, -1) {
		if !r.wording.short[w] {
			n++
		}
	}
	switch {
	case strong, n >= restWords:
		return true
	case (s.in.form == cell || s.in.form == listItem) && n > 0 && len(strings.Fields(text)) > 1:
		return true
	}
	// What has no value of the alert in it restates none.
	return len(words) > 2 && !r.hasJudged(s)
}

// ownNumber is a number that is no value of the alert, and no number of a list.
var ownNumber = expr.New(`[^\s\d.)][^\n]*\b\d`)

// acronym is a word that stems are too long for.
var acronym = expr.New(`\b[A-Z]{2,3}\b`)

// hasJudged reports whether a value in a sentence has been judged.
func (r *run) hasJudged(s *sentence) bool {
	list := r.judged[s.in]
	return list != nil && slices.Contains(list[s.start:s.end], true)
}

// telling says where what is claimed could be seen.
func (r *run) telling(plain string) string {
	for _, t := range r.wording.tellers {
		if t.claimed.MatchString(plain) {
			return " " + t.where
		}
	}
	return ""
}
