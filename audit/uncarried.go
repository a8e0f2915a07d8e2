package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
)

// effect matches words for who did something and what came of it: a sentence
// that has them says more than the values in it.
var effect = regexp.MustCompile(`^(?:delet|remov|eras|stole|steal|theft|exfil|leak|compromi|breach|hack|infect|gain|escalat|encrypt|decrypt|block|prevent|stop|disabl|inject|exploit|attack|adversar|intrude|insider|malware|backdoor|rootkit|persist|spread|destroy|crash|wipe|overwr|overwri|download|upload|send|sent|transfe|hide|hidden|conceal|bypass|evad|evas|disguis|kill|termina|restor|recover|guarant|danger|critica|severe|seriou|harmles|vulnera|unautho|anonym|default|always|never|imposs|succeed|fail|patched|outdate|experie|control|take|taken|modif|tamper|manipul|corrupt|forg|spoof|inbound|incomin|public|interne|remote|physica|trojan|virus|ransom|botnet|miner|crypto|botched|prove|proof|proven|confirm|certain|definit|must)`)

// courtesies are sentences that assert nothing: greetings, references, what the
// report is.
var courtesies = regexp.MustCompile(`^\W*(?:see(?: also)?|refer to|for (?:more|further|additional) (?:information|details|reading)|(?:sources?|references?|links?|further reading)\W|https?://|dear|hi\b|hello|(?:best|kind|warm) regards|regards|sincerely|thanks?(?: you)?|cheers|prepared (?:by|for)|authors?\W|written by|(?:this )?report (?:was )?(?:generated|prepared|created|written)|this (?:report|document|section|analysis|table) (?:describes|summari[sz]es|provides|contains|presents|analy[sz]es|covers|lists|outlines|shows)|end of report|table of contents|please (?:let|feel|contact|reach)|i hope|let me know|feel free|tl;?dr|note\W*$|n/?a\W*$|page \d|version \d|classification\W|distribution\W|confidential)`)

// leadIn are the words by which a sentence announces what comes.
var leadIn = stems(`here are is the following follow below above command commands run running execute executing step steps use using example examples
	next then first second third finally also add create apply check verify review perform take note notes list table shows given show details detail
	summary based information config configuration file script code snippet output look like additionally recommended recommend recommendations actions
	measures possible mitigate mitigation strategies threat risk order help improve enhance consider`)

// plumbing are the words by which any alert is told.
var plumbing = stems(`process processes program command line executable execution executed execute path user container containers image host node machine
	server pod namespace parent child grandparent file files opened open opening read reading reads ran running spawned spawn started starting start launched
	invoked called name named identifier number type time timestamp date local address port connection network terminal shell session login arguments argument
	flags result success syscall system call kernel kubernetes docker runtime registry deployment cluster hostname priority severity level notice warning
	critical error informational tags mitre technique tactic output message source field fields value values utc took place occurred happened observed
	recorded reported reports shows shown described contains contained inside within located`)

// carriedWords are the words of the rules, their profiles and the alerts'
// texts, without those for effects.
func (r *run) carriedWords(terms []term) map[string]bool {
	out := map[string]bool{}
	note := func(words map[string]bool) {
		for w := range words {
			if !effect.MatchString(w) {
				out[w] = true
			}
		}
	}
	for i, a := range r.alerts {
		if i == analysed {
			break
		}
		note(stems(a.Rule))
	}
	for i := range terms {
		note(terms[i].words)
	}
	note(plumbing)
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

var clauseEnd = regexp.MustCompile(`;\s|,\s(?:and|but|which|so|while|whereas|therefore|thus|hence|since|because|as|where|who|or|then|allowing|making|causing|giving|enabling|meaning|indicating|suggesting)\b|\s-\s|\s(?:because|so that|which means|indicating that|suggesting that|meaning that)\b`)

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
func (s *sentence) announces(rest map[string]bool) bool {
	if !strings.HasSuffix(s.plain, ":") {
		return false
	}
	n := 0
	for w := range rest {
		if !leadIn[w] {
			n++
		}
	}
	return n < 3
}

// asserting are the words of a comment in code that say what is so, beside the
// command that they stand over.
var asserting = regexp.MustCompile(`\b(?:this|it|they|will|is|are|was|were|has|because|so that|prevents?|blocks?|ensures?|guarantees?|disables?|stops?|protects?|only|never|always|cannot|must|no longer)\b`)

// uncarried notes what a sentence says beyond the values of the alert, and that
// nothing known carries; parts are what known claims carry of it.
func (r *run) uncarried(s *sentence, parts [][2]int) {
	b := s.in
	if !r.held() || strings.HasSuffix(s.plain, "?") || b.form == cell && (b.row == 0 || b.col == 0 && len(s.plain) < 40) || courtesies.MatchString(s.plain) {
		return
	}
	if b.form == comment && !asserting.MatchString(s.plain) {
		return
	}
	if len(parts) == 0 && s.announces(stems(s.plain)) {
		return
	}
	clauses := s.clauses()
	var open [][2]int
	for _, c := range clauses {
		if !slices.ContainsFunc(parts, func(p [2]int) bool { return p[0] < c[1] && p[1] > c[0] }) && r.saysMore(s, c) {
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

// saysMore reports whether a clause says more than values of the alert.
func (r *run) saysMore(s *sentence, c [2]int) bool {
	from, to := s.place(c[0], c[1])
	text := r.unjudged(s, from, to)
	words := stems(text)
	n, strong := 0, false
	for w := range words {
		if effect.MatchString(w) {
			n, strong = n+1, true
		} else if !r.carried[w] {
			n++
		}
	}
	switch {
	case strong, n >= 2:
		return true
	case s.in.form == cell || s.in.form == listItem:
		return n > 0 && len(strings.Fields(text)) > 1
	}
	// What has no value of the alert in it restates none.
	return len(words) > 2 && !r.hasJudged(s)
}

// hasJudged reports whether a value in a sentence has been judged.
func (r *run) hasJudged(s *sentence) bool {
	list := r.judged[s.in]
	return list != nil && slices.Contains(list[s.start:s.end], true)
}

// telling says where what is claimed could be seen.
func (r *run) telling(plain string) string {
	for _, t := range tellers {
		if t.of.MatchString(plain) {
			return " " + t.where
		}
	}
	return ""
}

// tellers say which field or which log would tell a thing.
var tellers = []struct {
	of    *regexp.Regexp
	where string
}{
	{regexp.MustCompile(`\b(?:exfiltrat\w*|stolen|stole|uploaded|leaked|transferred|sent to)\b`), "Data that leaves would be seen in connections: fd.name of network events, logs of the network."},
	{regexp.MustCompile(`\b(?:ssh|sshd|logged in|remote login|brute[- ]?force)\b`), "sshd among the ancestors (proc.aname) or the log of logins would tell."},
	{regexp.MustCompile(`\b(?:located in|country|geolocation|tor exit|reputation|blocklist\w*|known malicious)\b`), "Where an address is and what it is known for no field tells."},
	{regexp.MustCompile(`\b(?:persist\w*|cron ?job|backdoor|start at boot)\b`), "Writes to units, cron tables or keys would be alerts of their own."},
	{regexp.MustCompile(`\b(?:escalat\w*|gained root|became root)\b`), "user.uid beside user.loginuid, and setuid events, would tell."},
	{regexp.MustCompile(`\b(?:deleted?|removed|unlinked)\b`), "evt.type unlink or unlinkat would tell."},
	{regexp.MustCompile(`\b(?:vulnerab\w*|exploit\w*|cve)\b`), "Which version runs the alert does not tell."},
}
