package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

var (
	techniqueID = expr.New(`\b(TA?\d{4}(?:\.\d{3})?)\b`)
	badID       = expr.New(`\bT\d{5,}\b|\bT\d{4}\.\d{4,}\b`)
	cveID       = expr.New(`(?i)\bCVE-([0-9X]+)-([0-9X]+)\b`)
	// nameBehind and nameBefore are how a report puts a name to an id.
	nameBehind = expr.New(`^["'\x60*)\]]*(?:\([^()\s]{8,80}\))?\s*(?:[-:–—]+\s*|\(\s*|,\s*|,?\s*(?:is |was )?(?:which is |is |that is |which )?(?:stands for|refers to|corresponds to|denotes|represents|called|named|means|known as|titled)\s+(?:the (?:tactic|technique)\s+)?|is\s+(?:the (?:tactic|technique)\s+)?)["'\x60*\[]*([A-Z][A-Za-z/&' -]{2,60}(?::\s[A-Z][A-Za-z/&' -]{2,60})?)`)
	// bareName is a name that nothing but a blank sets off; it ends the sentence.
	bareName   = expr.New(`^["'\x60*)\]]*\s+([A-Z][A-Za-z/&'-]*(?: (?:[A-Z][A-Za-z/&'-]*|and|of|or|via|the|for|to|from)){0,7})(?:\s*\(|\.?\s*$)`)
	nameBefore = expr.New(`((?:[A-Z][A-Za-z/&'-]*|[Aa]nd|of|or|via|the|[Ff]or|to)(?:[ :]+(?:[A-Z][A-Za-z/&'-]*|and|of|or|via|the|for|to)){0,7})["'\x60*\]]*\s*[\[(–-]+\s*(?:(?:MITRE\s)?(?:ATT&CK\s)?(?:[Tt]echnique\s|[Tt]actic\s|ID:?\s)?)["'\x60*\[]*$`)
)

// identities judges names and ids that exist outside of the alert.
func (r *run) identities(s *sentence) {
	text := s.text()
	for _, m := range techniqueID.FindAllStringSubmatchIndex(text, -1) {
		r.technique(s, text, m[2], m[3])
	}
	for _, m := range badID.FindAllStringIndex(text, -1) {
		if !r.taken(s.in, s.start+m[0], s.start+m[1]) && !r.known.within(text[m[0]:m[1]]) {
			r.add(s.in, s.start+m[0], s.start+m[1], finding.Identity, finding.Contradicted, say("Not the form of an ATT&CK id: T and four digits, a sub-technique has a dot and three more.", source("attack")), "")
		}
	}
	for _, m := range cveID.FindAllStringSubmatchIndex(text, -1) {
		r.cve(s, m[0], m[1], text[m[2]:m[3]], text[m[4]:m[5]])
	}
	r.tactics(s)
	r.tacticOfTechnique(s, text)
}

var belongs = expr.New(`\b(?:tactics?|belongs to|falls under|under)\b`)

// tacticOfTechnique judges "T1610 belongs to the tactic Exfiltration".
func (r *run) tacticOfTechnique(s *sentence, text string) {
	ids := techniqueID.FindAllStringSubmatch(text, -1)
	if len(ids) != 1 || !belongs.MatchString(s.plain) || noWord.MatchString(s.plain) {
		return
	}
	t := r.base.Technique(ids[0][1])
	if t == nil || len(t.Tactics) == 0 {
		return
	}
	at, end := -1, 0
	for _, name := range tacticNames {
		words := strings.ReplaceAll(name, "-", " ")
		i := strings.Index(s.plain, words)
		if i < 0 || !onWords(s.plain, words) || name == "execution" && !strings.Contains(s.plain, "tactic") {
			continue
		}
		if slices.Contains(t.Tactics, name) {
			return
		}
		if at < 0 {
			at, end = i, i+len(words)
		}
	}
	if at < 0 || strings.Contains(strings.ToLower(r.fullName(t)), s.plain[at:end]) {
		return
	}
	from, to := s.place(at, end)
	if r.known.within("mitre_" + strings.ReplaceAll(s.plain[at:end], " ", "_")) {
		return // the rule's own tactic stands beside it
	}
	r.taken(s.in, from, to)
	r.add(s.in, from, to, finding.Identity, finding.Contradicted, say(t.ID+" belongs to "+strings.Join(t.Tactics, ", ")+".", source("attack#"+t.ID)), strings.Join(t.Tactics, ", "))
}

// technique judges an ATT&CK id and the name that a report gives it.
func (r *run) technique(s *sentence, text string, start, end int) {
	id := text[start:end]
	t := r.base.Technique(id)
	from, to := s.start+start, s.start+end
	if n, _ := strconv.Atoi(strings.TrimLeft(id[:min(5, len(id))], "TA")); t == nil && n >= lastTechnique {
		if !r.taken(s.in, from, to) {
			r.add(s.in, from, to, finding.Identity, finding.Contradicted, say("ATT&CK has no technique of that number (version 18).", source("attack")), "")
		}
		return
	}
	if t == nil {
		if !r.taken(s.in, from, to) {
			r.add(s.in, from, to, finding.Identity, finding.Unchecked, say("The id is not in Tiercel's table of ATT&CK.", source("attack")), "")
		}
		return
	}
	name, nameAt, defined := givenName(text, start, end)
	if name != "" && r.wrongName(t, name, defined) {
		a, b := from, to
		if nameAt >= 0 {
			a, b = min(from, s.start+nameAt), max(to, s.start+nameAt+len(name))
		}
		r.taken(s.in, a, b)
		r.add(s.in, a, b, finding.Identity, finding.Contradicted, say(id+" is "+r.fullName(t)+".", source("attack#"+id)), id+" "+r.fullName(t))
		return
	}
	r.rowName(s, t)
	if r.taken(s.in, from, to) {
		return
	}
	switch {
	case !r.held():
		r.add(s.in, from, to, finding.Identity, finding.Supported, say(id+" is "+r.fullName(t)+".", source("attack#"+id)), "")
	case r.carries(t):
		reason := say(id+" is "+r.fullName(t)+".", source("attack#"+id))
		for _, a := range r.alerts {
			if slices.Contains(a.Tags, id) {
				f, _ := a.Get("tags")
				reason = say(id+" is "+r.fullName(t)+", a tag of the rule: ", f, ".", source("attack#"+id))
				break
			}
		}
		r.add(s.in, from, to, finding.Identity, finding.Supported, reason, "")
	default:
		r.add(s.in, from, to, finding.Identity, finding.Unsupported, say(id+" is "+r.fullName(t)+"; neither the rule's tags nor its profile name it.", source("attack#"+id)), "")
	}
}

// isID reports whether a text is an id of a technique or of a vulnerability.
func isID(text string) bool {
	return techniqueID.FindString(text) == text || cveID.FindString(text) == text
}

// givenName finds the name next to an id; nameAt is its place in the text.
func givenName(text string, start, end int) (name string, at int, defined bool) {
	from := max(0, start-120)
	// "Name (T1234): what follows is no name".
	if closed := strings.TrimLeft(text[end:], "\"'`*"); strings.HasPrefix(closed, ")") && strings.HasSuffix(strings.TrimRight(text[from:start], "\"'`*"), "(") {
		if m := nameBefore.FindStringSubmatchIndex(text[from:start]); m != nil {
			return text[from+m[2] : from+m[3]], from + m[2], false
		}
		return "", -1, false
	}
	if m := nameBehind.FindStringSubmatchIndex(text[end:]); m != nil {
		return strings.TrimRight(text[end+m[2]:end+m[3]], " -"), end + m[2], defining.MatchString(text[end : end+m[2]])
	}
	if m := bareName.FindStringSubmatchIndex(text[end:]); m != nil {
		return strings.TrimRight(text[end+m[2]:end+m[3]], " -"), end + m[2], false
	}
	if before := strings.TrimRight(text[from:start], " \"'`*["); before == "" || !strings.ContainsAny(text[max(from, start-24):start], "([-–") {
		return "", -1, false
	}
	if m := nameBefore.FindStringSubmatchIndex(text[from:start]); m != nil {
		return text[from+m[2] : from+m[3]], from + m[2], false
	}
	return "", -1, false
}

var defining = expr.New(`\b(?:is|called|named|titled|known as|stands for|denotes|means)\b`)

// rowName judges the name and the tactic of an id in other cells of its row.
func (r *run) rowName(s *sentence, t *knowledge.Technique) {
	if s.in.form != cell || strings.TrimSpace(s.in.text) != t.ID {
		return
	}
	for _, b := range r.tables[s.in.table] {
		if b.row != s.in.row || b == s.in {
			continue
		}
		head := strings.ToLower(b.head)
		name := clean(b.text)
		switch {
		case strings.Contains(head, "tactic") && len(t.Tactics) > 0:
			r.rowTactic(b, t, name)
		case (strings.Contains(head, "name") || strings.Contains(head, "technique")) && properName.MatchString(name) && r.wrongName(t, name, true):
			a, z := trimmed(b.text, 0, len(b.text))
			if !r.taken(b, a, z) {
				r.add(b, a, z, finding.Identity, finding.Contradicted, say(t.ID+" is "+r.fullName(t)+".", source("attack#"+t.ID)), t.ID+" "+r.fullName(t))
			}
		}
	}
}

var properName = expr.New(`^[A-Z][A-Za-z/&':() -]{3,70}$`)

func (r *run) rowTactic(b *block, t *knowledge.Technique, name string) {
	if tactic := r.tacticOf(name); tactic != "" && !slices.Contains(t.Tactics, tactic) {
		a, z := trimmed(b.text, 0, len(b.text))
		if !r.taken(b, a, z) {
			r.add(b, a, z, finding.Identity, finding.Contradicted, say(t.ID+" belongs to the tactic "+strings.Join(t.Tactics, ", ")+".", source("attack#"+t.ID)), strings.Join(t.Tactics, ", "))
		}
	}
}

var tacticNames = []string{"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation",
	"defense-evasion", "credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact"}

// tacticOf reads the name of a tactic, "" if it is none.
func (r *run) tacticOf(name string) string {
	n := strings.ToLower(strings.TrimSpace(name))
	n, _, _ = strings.Cut(n, "(")
	n = strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(n), " ", "-"), "defence", "defense")
	if slices.Contains(tacticNames, n) {
		return n
	}
	return ""
}

// fullName is a sub-technique's name with its parent's.
func (r *run) fullName(t *knowledge.Technique) string {
	id, _, sub := strings.Cut(t.ID, ".")
	if p := r.base.Technique(id); sub && p != nil {
		return p.Name + ": " + t.Name
	}
	return t.Name
}

// wrongName reports whether a name is certainly none of the technique's: no
// telling word of it is one of the technique's, its parent's or its tactics'.
// Of a name that is given by way of definition more than half has to be right.
func (r *run) wrongName(t *knowledge.Technique, name string, defined bool) bool {
	if strings.EqualFold(name, t.Name) || strings.EqualFold(name, r.fullName(t)) {
		return false
	}
	id, _, _ := strings.Cut(t.ID, ".")
	if other := r.techniqueNamed(name); other != "" {
		return other != t.ID && other != id
	}
	right := nameWords(r.fullName(t))
	if head, sub, ok := strings.Cut(name, ":"); ok && id != t.ID {
		if p := r.base.Technique(id); p != nil && strings.EqualFold(strings.TrimSpace(head), p.Name) {
			right, name = nameWords(t.Name), sub
		}
	}
	for _, tactic := range t.Tactics {
		for w := range nameWords(strings.ReplaceAll(tactic, "-", " ")) {
			right[w] = true
		}
	}
	given := nameWords(name)
	if len(given) == 0 {
		return false
	}
	shared := 0
	for w := range given {
		if right[w] {
			shared++
		}
	}
	if own := nameWords(t.Name); defined && len(given) > 1 && len(own) > 1 {
		hit := 0
		for w := range own {
			if given[w] {
				hit++
			}
		}
		return 2*shared <= len(given) && 2*hit <= len(own)
	}
	return shared == 0
}

// techniqueNamed returns the id of the technique or tactic that has this very
// name, "" if none or several have.
func (z *Auditor) techniqueNamed(name string) string {
	z.naming.Do(func() {
		z.byName = map[string]string{}
		note := func(id string) bool {
			t := z.base.Technique(id)
			if t == nil {
				return false
			}
			low := strings.ToLower(t.Name)
			if _, ok := z.byName[low]; ok {
				z.byName[low] = ""
			} else {
				z.byName[low] = t.ID
			}
			return true
		}
		for n := 1; n < 130; n++ {
			note(fmt.Sprintf("TA%04d", n))
		}
		for n := 1001; n < lastTechnique; n++ {
			id := fmt.Sprintf("T%04d", n)
			if note(id) {
				for k := 1; k < 40; k++ {
					note(fmt.Sprintf("%s.%03d", id, k))
				}
			}
		}
	})
	return z.byName[strings.ToLower(strings.TrimSpace(name))]
}

// lastTechnique is above every number that ATT&CK has given so far (version 18).
const lastTechnique = 1700

func nameWords(name string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c < 'a' || c > 'z' }) {
		switch w {
		case "and", "or", "the", "of", "for", "via", "to", "in", "mitre", "att", "ck", "technique", "tactic", "techniques", "id", "this", "sub":
			continue
		}
		if len(w) > 6 {
			w = w[:6]
		}
		out[strings.TrimSuffix(w, "s")] = true
	}
	return out
}

// carries reports whether the alert's tags or the rule's profile name a
// technique, its parent, a sub-technique of it, or its tactic.
func (r *run) carries(t *knowledge.Technique) bool {
	tactic := "mitre_" + strings.ReplaceAll(strings.ToLower(t.Name), " ", "_")
	var ids []string
	for _, n := range r.analyses {
		ids = append(ids, n.Alert.Tags...)
		if n.Profile != nil {
			for _, a := range n.Profile.Attack {
				ids = append(ids, a.ID)
			}
			for _, m := range n.Profile.Misuse {
				ids = append(ids, m.Attack)
			}
		}
	}
	parent, _, _ := strings.Cut(t.ID, ".")
	for _, id := range ids {
		if id == t.ID || id == parent || strings.HasPrefix(id, t.ID+".") || id == tactic {
			return true
		}
		if strings.HasPrefix(t.ID, "TA") {
			if x := r.base.Technique(id); x != nil && slices.Contains(x.Tactics, strings.ReplaceAll(strings.ToLower(t.Name), " ", "-")) {
				return true
			}
		}
	}
	return false
}

// tactics confirms the rule's tactic when a sentence names it.
func (r *run) tactics(s *sentence) {
	if !strings.Contains(s.plain, "tactic") || !r.held() {
		return
	}
	for _, name := range tacticNames {
		words := strings.ReplaceAll(name, "-", " ")
		i := strings.Index(s.plain, words)
		if i < 0 || !onWords(s.plain, words) {
			continue
		}
		start, end := s.place(i, i+len(words))
		for _, a := range r.alerts {
			if slices.Contains(a.Tags, "mitre_"+strings.ReplaceAll(name, "-", "_")) {
				if f, ok := a.Get("tags"); ok && !r.taken(s.in, start, end) {
					r.add(s.in, start, end, finding.Identity, finding.Supported, say("The rule's tags name it: ", f, "."), "")
				}
				break
			}
		}
	}
}

// cve judges the id of a vulnerability.
func (r *run) cve(s *sentence, start, end int, year, number string) {
	if r.taken(s.in, s.start+start, s.start+end) {
		return
	}
	id := strings.ToUpper(s.text()[start:end])
	var j finding.Judgement
	var reason evidence.Statement
	switch {
	case strings.Contains(id, "XX"):
		return // a placeholder
	case len(year) != 4 || year < "1999" || year > "2099" || len(number) < 4:
		j, reason = finding.Contradicted, say("Not the form of a CVE id: a year and four digits or more.")
	case !r.held():
		j, reason = finding.Unchecked, say("No alert was given to hold it against.")
	case r.known.within(id):
		j, reason = finding.Supported, say("The alert names it.")
	case r.profileNames(id):
		j, reason = finding.Supported, say("Tiercel's profile of the rule names it.", source("falco-rules"))
	default:
		j, reason = finding.Unsupported, say("Nothing in the alert speaks of this vulnerability.")
	}
	r.add(s.in, s.start+start, s.start+end, finding.Identity, j, reason, "")
}

func (r *run) profileNames(id string) bool {
	for _, n := range r.analyses {
		if strings.Contains(strings.ToUpper(n.Rule), id) {
			return true
		}
		if n.Profile == nil {
			continue
		}
		for _, list := range [][]knowledge.Sentence{n.Profile.Saw, n.Profile.Means, n.Profile.Misuse, n.Profile.Limits} {
			for _, x := range list {
				if strings.Contains(x.Say, id) || slices.ContainsFunc(x.Sources, func(ref string) bool { return strings.EqualFold(ref, id) }) {
					return true
				}
			}
		}
	}
	return false
}
