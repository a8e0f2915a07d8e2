package audit

import (
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

// prose judges the values that a block's sentences give.
func (r *run) prose(b *block) {
	for _, s := range r.sentencesOf(b) {
		r.times(s)
		r.durations(s)
		if r.held() && b.form != comment {
			r.spoken(s)
			r.mentioned(s)
			r.inventions(s)
			r.sameVersion(s)
		}
		r.identities(s)
	}
}

var toVersion = expr.New(`\b(?:updat|upgrad|mov|switch|bump|patch)\w*\b[^.;:]{0,60}?\bto (?:the )?(?:image |version |tag |release )*["']?v?(\d+\.\d[\w.-]*\w)`)

// sameVersion judges an update to the version of the image that ran.
func (r *run) sameVersion(s *sentence) {
	m := toVersion.FindStringSubmatchIndex(s.plain)
	if m == nil || s.negates(m[0]) {
		return
	}
	for _, f := range r.known.values("container.image.tag") {
		if strings.TrimPrefix(strings.ToLower(f.Value.Text), "v") == s.plain[m[2]:m[3]] && len(r.alerts) == 1 {
			from, to := s.place(m[0], m[3])
			r.add(s.in, from, to, finding.Fact, finding.Contradicted, say("That version ran already: container.image.tag is ", f, "."), "")
		}
	}
}

// maybe are the words by which a sentence speaks of what could be, not of what was.
var maybe = expr.New(`\b(?:if|could|would|should|ensure|consider|e\.g|for example|for instance|such as|example|whether|unless|other|any|each|every|similar|instead of|rather than|typically|usually|often|commonly|generally|replace|set|use|using|like|can be)\b`)

func (s *sentence) hypothetical() bool {
	if s.maybe == 0 {
		s.maybe = 1
		if maybe.MatchString(s.plain) {
			s.maybe = 2
		}
	}
	return s.maybe == 2
}

// pair returns where a sentence's own key and value stand, as pairStart finds
// them, nil if it has none.
func (s *sentence) pair() []int {
	if !s.paired {
		s.paired = true
		if text := s.text(); strings.ContainsAny(text[:min(len(text), 80)], ":=|-–—") {
			s.start2 = pairStart.FindStringSubmatchIndex(text)
		}
	}
	return s.start2
}

var link = expr.New(`^(?:\s*(?:[:=("'-]|is|was|as|named|called|with|the|a|name|id|identifier|value|set to|identified as|labell?ed|itself|,)(?:\s+|$|[("':=]))*\s*[("']?`)

// spoken judges "the parent process X", "run by user X", "the X container".
func (r *run) spoken(s *sentence) {
	for _, m := range slices.Concat(r.words.mentions(s), r.words.exactMentions(s)) {
		r.behindName(s, &m)
		if m.entry == nil {
			continue
		}
		r.isTheName(s, &m)
		if m.entry.Behind {
			r.beforeName(s, &m)
		}
	}
}

// behindName judges the value that follows a name.
func (r *run) behindName(s *sentence, m *mention) {
	rest := s.plain[m.end:]
	if rest == "" || isAlnum(rest[0]) {
		return
	}
	l := link.FindStringIndex(rest[:min(len(rest), 60)])
	gap := rest[:l[1]]
	if len(gap) > 36 || gap == "" || strings.TrimSpace(gap) == "," {
		return
	}
	at := m.end + l[1]
	if at >= len(s.places) {
		return
	}
	b, pos := s.in, s.places[at]
	if mk, ok := markAt(b, pos); ok {
		r.spokenValue(s, m, mk.start, mk.end, true, naming.MatchString(gap))
		return
	}
	token := bareToken.FindString(s.plain[at:])
	if token == "" {
		return
	}
	start, end := s.place(at, at+len(token))
	r.spokenValue(s, m, start, end, false, naming.MatchString(gap))
}

var (
	bareToken = expr.New(`^[^\s,;()"']+`)
	naming    = expr.New(`\b(?:named|called|name|id)\b|[:=("']`)
)

func markAt(b *block, pos int) (mark, bool) {
	for _, m := range b.marksFrom(pos-1, pos) {
		if (m.kind == codeMark || m.kind == strongMark) && pos < m.end {
			return m, true
		}
	}
	if pos > 0 && strings.IndexByte("\"'", b.text[pos-1]) >= 0 {
		if i := strings.IndexByte(b.text[pos:min(len(b.text), pos+200)], b.text[pos-1]); i > 0 {
			return mark{codeMark, pos, pos + i}, true
		}
	}
	return mark{}, false
}

var isThe = expr.New(`\b(?:is|was) (?:the|its) (?:direct |immediate )?$`)

// isTheName judges "X is the parent process".
func (r *run) isTheName(s *sentence, m *mention) {
	if !m.entry.Strict || m.start < 4 || m.end < len(s.plain) && strings.HasPrefix(s.plain[m.end:], " of ") && !strings.HasPrefix(s.plain[m.end:], " of the") {
		return
	}
	l := isThe.FindStringIndex(s.plain[max(0, m.start-28):m.start])
	if l == nil {
		return
	}
	b := s.in
	at, _ := s.place(max(0, m.start-28)+l[0], m.end)
	at = len(strings.TrimRight(b.text[:at], " \n'\""))
	if mk, ok := b.codeEnding(at); ok && mk.start >= s.start {
		r.spokenValue(s, m, mk.start, mk.end, true, true)
	}
}

// beforeName judges the value that stands before a name.
func (r *run) beforeName(s *sentence, m *mention) {
	if m.start < 2 {
		return
	}
	b := s.in
	start, _ := s.place(m.start, m.end)
	before := strings.TrimRight(b.text[s.start:start], " \n'\"")
	at := s.start + len(before)
	if mk, ok := b.codeEnding(at); ok {
		if !r.own.hasValue(b.text[mk.start:mk.end]) {
			r.spokenValue(s, m, mk.start, mk.end, true, false)
		}
		return
	}
	i := strings.LastIndexAny(before, " \n(")
	token := before[i+1:]
	if token == "" {
		return
	}
	for _, f := range r.known.among(m.fields) {
		if compare(token, f) == equal && len(clean(token)) > 1 {
			r.spokenValue(s, m, s.start+i+1, at, false, false)
			return
		}
	}
}

// ofTheEvent: the sentence speaks of the system call of this event.
var ofTheEvent = expr.New(`\b(?:recorded|event type|event was|event is|alert was|logged|captured|monitored system call|evt\.type)\b`)

// spokenValue judges a value that a sentence gives to a name.
func (r *run) spokenValue(s *sentence, m *mention, start, end int, marked, called bool) {
	b := s.in
	text := clean(b.text[start:end])
	if text == "" || isID(text) || timeField(m.fields[0]) || m.entry != nil && !m.entry.Takes(text) || r.references(b, start) {
		return
	}
	if !marked {
		start, end = trimBare(b.text, start, end)
		text = clean(b.text[start:end])
	}
	for _, f := range r.known.among(m.fields) {
		like := compare(text, f)
		if like == different || like == partOf && !marked {
			continue
		}
		if r.taken(b, start, end) {
			return
		}
		if like == partOf {
			r.partly(b, candidate{start: start, end: end, marked: true}, &m.named, f)
			return
		}
		r.add(b, start, end, finding.Fact, finding.Supported, say(f.Name+" is ", f, "."), "")
		return
	}
	numeric := m.entry != nil && m.entry.Only != "" && m.entry.Strict
	firm := marked && valueLike(text) || numeric && text != "1" || identifier(text) && called && m.strict()
	strict := m.strict() || marked && m.fields[0] == "evt.type" && ofTheEvent.MatchString(s.plain) && !r.known.within(text)
	if _, other := r.known.elsewhere(text); !strict && (!marked || !other || !numeral.MatchString(text)) {
		return
	}
	if !firm || b.advice || s.hypothetical() || s.negates(m.start) || r.own.says(s) {
		return
	}
	if _, isName := r.words.names[strings.ToLower(text)]; isName && strings.Contains(text, " ") || fieldName.MatchString(text) {
		return // `proc.pname` names the field, it is no value
	}
	if _, elsewhere := r.known.elsewhere(text); !elsewhere && r.known.within(text) && (text[0] != '/' || !m.strict()) {
		return
	}
	m.firm = strict
	r.mismatch(b, []candidate{{start: start, end: end, marked: true}}, &m.named, r.known.among(m.fields), inProse)
}

func trimBare(text string, start, end int) (int, int) {
	for end > start && strings.IndexByte(".,;:!?)\"'", text[end-1]) >= 0 {
		end--
	}
	return start, end
}

var noWord = expr.New(`\b(?:no|not|never|cannot|can't|without|none|nothing|neither|nor|isn't|wasn't|doesn't|didn't|don't|won't|lacks?|absence|rule[sd]? out|false positive)\b`)

// negates reports whether a word of denial stands shortly before a place.
func (s *sentence) negates(at int) bool {
	before := s.plain[max(0, at-48):at]
	if i := strings.LastIndexAny(before, ":;,("); i >= 0 {
		before = before[i:]
	}
	return noWord.MatchString(before)
}

// mentioned confirms values that stand in a sentence without a name: hosts,
// ids, paths, the rule, the priority.
func (r *run) mentioned(s *sentence) {
	b := s.in
	for _, m := range b.marksFrom(s.start, s.end) {
		if m.kind == linkMark || m.end > s.end {
			continue
		}
		text := b.text[m.start:m.end]
		f, ok := r.known.elsewhere(text)
		if !ok {
			f, ok = r.sameElsewhere(text)
		}
		if !ok || len(text) < 2 && f.Name != "proc.name" || r.taken(b, m.start, m.end) {
			continue
		}
		r.add(b, m.start, m.end, finding.Fact, finding.Supported, say("It is "+f.Name+": ", f, "."), "")
	}
	for _, w := range wordsOf(b.text, s.start, s.end) {
		text := b.text[w.start:w.end]
		if !identifierLong(text) {
			continue
		}
		if f, ok := r.known.elsewhere(text); ok && !r.taken(b, w.start, w.end) {
			r.add(b, w.start, w.end, finding.Fact, finding.Supported, say("It is "+f.Name+": ", f, "."), "")
		}
	}
	r.flags(s)
	r.ruleName(s)
	r.priorities(s)
}

var flagWord = expr.New(`\bEXE_[A-Z_]{4,}\b`)

// flags judges the flags of an execution that a sentence names one by one.
func (r *run) flags(s *sentence) {
	b := s.in
	fields := r.known.among([]string{"evt.arg.flags"})
	if len(fields) == 0 {
		return
	}
	denied := -1
	for _, m := range flagWord.FindAllStringIndex(b.text[s.start:s.end], -1) {
		start, end := s.start+m[0], s.start+m[1]
		has := -1
		for i, f := range fields {
			if slices.Contains(strings.Split(f.Value.Text, "|"), b.text[start:end]) {
				has = i
			}
		}
		if denied < 0 {
			denied = 0
			if b.advice || s.hypothetical() || noWord.MatchString(s.plain) {
				denied = 1
			}
		}
		switch {
		case has < 0 && denied == 1 || r.taken(b, start, end):
		case has >= 0:
			r.add(b, start, end, finding.Fact, finding.Supported, say("evt.arg.flags is ", fields[has], "."), "")
		default:
			r.add(b, start, end, finding.Fact, finding.Contradicted, say("evt.arg.flags is ", fields[0], "."), fields[0].Value.Text)
		}
	}
}

// sameElsewhere finds a value in another spelling: flags, an id cut or whole,
// a command with an ellipsis.
func (r *run) sameElsewhere(text string) (alert.Field, bool) {
	t := clean(text)
	if len(t) < 4 {
		return alert.Field{}, false
	}
	for i, a := range r.alerts {
		if i == 50 {
			break
		}
		for _, name := range [...]string{"evt.arg.flags", "container.id", "proc.cmdline", "proc.pcmdline", "tags", "fd.name", "proc.args"} {
			if f, ok := get(a, name); ok {
				if l := compare(t, f); l == equal || l == partOf && (strings.Contains(t, " ") || f.Name == "evt.arg.flags" || f.Name == "tags" || strings.ContainsAny(t, "/_.")) {
					return f, true
				}
			}
		}
	}
	return alert.Field{}, false
}

func identifierLong(text string) bool {
	return len(text) >= 6 && strings.ContainsAny(text, "-_/:.0123456789|") && strings.Trim(text, "0123456789.:-/") != "" || len(text) >= 7 && strings.Trim(text, "0123456789.:") == ""
}

// wordsOf splits a run of text at blanks, brackets and quotes.
func wordsOf(text string, start, end int) []mark {
	var out []mark
	at := -1
	flush := func(i int) {
		if at >= 0 {
			from, to := trimBare(text, at, i)
			if to > from {
				out = append(out, mark{start: from, end: to})
			}
			at = -1
		}
	}
	for i := start; i < end; i++ {
		if strings.IndexByte(" \n\t\r,;()[]{}<>\"'`*", text[i]) >= 0 {
			flush(i)
		} else if at < 0 {
			at = i
		}
	}
	flush(end)
	return out
}

// ruleName confirms the rule's name wherever it stands.
func (r *run) ruleName(s *sentence) {
	done := map[string]bool{}
	for _, a := range r.alerts {
		name := r.analyzer.RuleName(a)
		if len(name) < 8 || done[name] || len(done) > 200 {
			continue
		}
		done[name] = true
		low := strings.ToLower(name)
		if i := strings.Index(s.plain, low); i >= 0 {
			start, end := s.place(i, i+len(low))
			if f, ok := a.Get("rule"); ok && !r.taken(s.in, start, end) {
				r.add(s.in, start, end, finding.Fact, finding.Supported, say("It is the rule: ", f, "."), "")
			}
		}
	}
}

var priorityWords = expr.New(`\b(?:(debug|informational|notice|warning|error|critical|emergency)[- ]?(?:(priority|severity|level)|(?:security |falco |runtime )?(alert|event|falco))|(priority|severity)(?: level)?(?: (?:is|was|of|as|set to|rated|marked as|marked|classified as))* (?:the )?["']?(debug|informational|notice|warning|error|critical|emergency)\b)`)

// priorities judges "a Critical alert", "priority Warning".
func (r *run) priorities(s *sentence) {
	for _, m := range priorityWords.FindAllStringSubmatchIndex(s.plain, -1) {
		g := 2
		if m[2] < 0 {
			g = 10
		}
		text := s.plain[m[g]:m[g+1]]
		start, end := s.place(m[g], m[g+1])
		fields := r.known.among([]string{"priority"})
		if len(fields) == 0 || r.taken(s.in, start, end) {
			continue
		}
		if i := indexEqual(text, fields); i >= 0 {
			r.add(s.in, start, end, finding.Fact, finding.Supported, say("priority is ", fields[i], "."), "")
			continue
		}
		named := m[4] >= 0 || m[8] >= 0
		c := candidate{start: start, end: end}
		if indefinite.MatchString(s.plain[:m[0]]) {
			continue // of such a priority, not of the alert's
		}
		r.addIf(named && !s.in.advice && !s.hypothetical() && !s.negates(m[0]), s.in, c, say("The alert's priority is ", fields[0], "."), fields[0].Value.Text)
	}
}

var indefinite = expr.New(`\b(?:an?|any|each|every|other)(?: (?:falco|higher|lower))* $`)

func indexEqual(text string, fields []alert.Field) int {
	for i, f := range fields {
		if compare(text, f) == equal {
			return i
		}
	}
	return -1
}

var (
	ipText     = expr.New(`^(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?$`)
	hashText   = expr.New(`^(?:sha256:)?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$`)
	hexText    = expr.New(`^[0-9a-f]{10,64}$`)
	everywhere = expr.New(`^(?:127\.|0\.0\.0\.0|169\.254\.169\.254|255\.|10\.0\.0\.0|172\.16\.0\.0|192\.168\.0\.0|8\.8\.8\.8|1\.1\.1\.1|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.)`)
)

// inventions finds addresses, hashes and container ids that a report tells as
// facts and that no alert has.
func (r *run) inventions(s *sentence) {
	b := s.in
	if b.advice || s.hypothetical() || b.form == heading {
		return
	}
	for _, w := range wordsOf(b.text, s.start, s.end) {
		text := strings.ToLower(b.text[w.start:w.end])
		var what string
		var fields []string
		switch {
		case ipText.MatchString(text) && !everywhere.MatchString(text) && !strings.HasPrefix(b.text[w.end:], "/"):
			what, fields = "address", []string{"fd.name", "fd.sip", "ka.sourceips", "ct.srcip"}
		case hashText.MatchString(text):
			what, fields = "hash", []string{"container.image.digest"}
		case hexText.MatchString(text) && strings.ContainsAny(text, "abcdef") && strings.ContainsAny(text, "0123456789"):
			what, fields = "id", []string{"container.id"}
		default:
			continue
		}
		if r.inIDs(text) || r.known.within(text) || s.negates(w.start-s.start) || r.taken(b, w.start, w.end) {
			continue
		}
		j := finding.Unsupported
		if r.known.has(fields) && r.aboutValue(s, what, text) {
			j = finding.Contradicted
		}
		r.add(b, w.start, w.end, finding.Fact, j, say("No alert has this "+what+"."), "")
	}
}

// aboutValue reports whether a sentence certainly tells a value of the event: an
// address of the Internet, the digest of an image, the id of a container.
func (r *run) aboutValue(s *sentence, what, text string) bool {
	switch what {
	case "address":
		host, _, _ := strings.Cut(text, ":")
		a, err := netip.ParseAddr(host)
		return err == nil && !a.IsPrivate() && !a.IsLinkLocalUnicast() && !a.IsMulticast() && !strings.HasPrefix(host, "100.")
	case "hash":
		return strings.Contains(s.plain, "image") || strings.Contains(s.plain, "digest")
	}
	return strings.Contains(s.plain, "container")
}

// inIDs reports whether an id is a cut or whole form of one in an alert.
func (r *run) inIDs(id string) bool {
	for _, f := range r.known.among([]string{"container.id", "container.full_id", "k8s.pod.uid", "container.image.digest", "container.image.id"}) {
		v := f.Value.Text
		if len(id) >= 12 && strings.Contains(v, id) || len(v) >= 12 && strings.HasPrefix(id, v) {
			return true
		}
	}
	return false
}

// times judges the points of time of a sentence.
func (r *run) times(s *sentence) { r.timesIn(s, r.headSaysUTC(s.in)) }

// timesIn judges points of time; utc says that those without a zone are in UTC.
func (r *run) timesIn(s *sentence, utc bool) {
	if !r.held() {
		return
	}
	b := s.in
	for _, st := range stamps(b.text[s.start:s.end]) {
		r.clocks = r.clocks || st.hasClock
		st.start, st.end = st.start+s.start, st.end+s.start
		if st.zone == "" && utc {
			st.zone, st.hasZone = "utc", true
		}
		r.stamp(s, &st)
	}
}

// headSaysUTC reports whether the row's or column's title names the zone.
func (r *run) headSaysUTC(b *block) bool {
	for _, t := range []string{b.key, b.head} {
		if strings.Contains(strings.ToLower(t), "utc") {
			return true
		}
	}
	return false
}

func (r *run) stamp(s *sentence, st *stamp) {
	b := s.in
	if f, note, ok := r.rightTime(st); ok {
		if !r.taken(b, st.start, st.end) {
			reason := say(f.Name+" is ", f, ".")
			if note != "" {
				reason = say(note+" ", f, ".")
			}
			r.add(b, st.start, st.end, finding.Fact, finding.Supported, reason, "")
		}
		return
	}
	if !st.hasClock && !st.hasDate || r.taken(b, st.start, st.end) {
		return
	}
	f, at, ok := r.firstTime()
	if !ok {
		r.add(b, st.start, st.end, finding.Fact, finding.Unsupported, say("The alert has no time of its own to hold it against."), "")
		return
	}
	written := at.Format("2006-01-02 15:04:05") + " UTC"
	switch {
	case b.advice || s.hypothetical() || !st.hasClock && publication.MatchString(s.plain) || !r.ofTheAlert(s) || r.otherZone(st):
		r.add(b, st.start, st.end, finding.Fact, finding.Unsupported, say("No alert has this time; the event was at ", f, "."), "")
	case r.localAsUTC(st):
		r.add(b, st.start, st.end, finding.Fact, finding.Contradicted, say("That is the local time of the host, from the alert's text; in UTC it was ", f, "."), written)
	default:
		r.add(b, st.start, st.end, finding.Fact, finding.Contradicted, say("No alert has this time; the event was at ", f, "."), written)
	}
}

// happening are the words by which a sentence tells when the event was.
var happening = expr.New(`\b(?:event|alert\w*|occur\w*|happen\w*|detect\w*|trigger\w*|fired|raised|generated|observed|recorded|logged|executed|ran|spawned|started|opened|connected|read|created|launched|captured|reported|took place|deleted|modified|written|cleared|timestamp|time)\b`)

// ofTheAlert reports whether the times of a sentence are told of the event, and
// not of versions, certificates or what else has a date.
func (r *run) ofTheAlert(s *sentence) bool {
	if s.in.form == cell || s.in.form == codeBlock {
		return true
	}
	if m := s.pair(); m != nil && r.words.key(s.text()[m[2]:m[3]]) != nil {
		return true
	}
	return happening.MatchString(s.plain) && !elsewhen.MatchString(s.plain)
}

var elsewhen = expr.New(`\b(?:rules? (?:was|were|is)|last (?:changed|updated|modified)|valid|expir\w+|certificate|end of life|support\w*|introduced|deprecated|removed in|kubernetes|kernel|disclosed|patched|fixed in|is not|was not|would have)\b`)

// otherZone reports whether a clock without a zone is the event's by minute and
// second: it may be told in a zone that stands elsewhere or nowhere.
func (r *run) otherZone(st *stamp) bool {
	if st.zone != "" || !st.hasClock || st.digits < 3 {
		return false
	}
	for _, a := range r.alerts {
		for _, i := range instants(a) {
			d := (st.clock - sinceMidnight(i.at)).Abs() % (30 * time.Minute)
			if min(d, 30*time.Minute-d) <= st.unit() {
				return true
			}
		}
	}
	return false
}

// publication: dates of a report itself, of versions and of news are no claim
// about the event.
var publication = expr.New(`\b(?:report|prepared|published|released|version|generated|created by|written|author|reviewed|updated|since|cve)\b`)

// rightTime finds the field whose time the stamp is.
func (r *run) rightTime(st *stamp) (alert.Field, string, bool) {
	for _, a := range r.alerts {
		for _, i := range instants(a) {
			if (st.hasZone || st.zone == "") && st.is(i.at) {
				return i.field, "", true
			}
		}
	}
	if st.zone != "" {
		return alert.Field{}, "", false
	}
	for _, a := range r.alerts {
		clock := localClock(a)
		if clock == "" || !st.hasClock {
			continue
		}
		s := stamps("at " + clock)
		if len(s) == 1 && near(s[0].clock, st.clock, st.unit()) && (!st.hasDate || a.Time.IsZero() || abs(st.date.Sub(a.Time)) < 48*time.Hour) {
			f, _ := a.Get("output")
			return alert.Field{Name: "output", Value: alert.Value{Kind: alert.String, Text: f.Value.Text[:min(len(f.Value.Text), len(clock))]}},
				"It is the time in the alert's text, in the host's own zone:", true
		}
	}
	return alert.Field{}, "", false
}

// localAsUTC reports whether a stamp in UTC is the clock of the alert's text,
// which is in the host's zone.
func (r *run) localAsUTC(st *stamp) bool {
	bare := *st
	bare.zone, bare.hasZone = "", false
	_, note, ok := r.rightTime(&bare)
	return ok && note != "" && st.zone != ""
}

func (r *run) firstTime() (alert.Field, time.Time, bool) {
	for _, a := range r.alerts {
		if !a.Time.IsZero() {
			f, ok := a.Get("time")
			if !ok {
				f, _ = a.Get("output")
			}
			return f, a.Time, true
		}
	}
	return alert.Field{}, time.Time{}, false
}

// quotedAlerts reads the alerts that the report itself quotes.
func (r *run) quotedAlerts() []*alert.Alert {
	var out []*alert.Alert
	dec := alert.NewDecoder(alert.Options{TextFields: r.base.TextKeys()})
	take := func(text string) {
		s := alert.NewScanner(strings.NewReader(text), alert.Options{})
		for len(out) < analysed {
			rec, _, err := s.Next(nil)
			if err != nil {
				return
			}
			if a, err := dec.Decode(rec, "report"); err == nil && a != nil {
				out = append(out, a.Clone())
			}
		}
	}
	for _, b := range r.blocks {
		if b.form == codeBlock || textLine.MatchString(b.text) || strings.Contains(b.text, `"output_fields"`) {
			if r.isAlertText(b) || b.form != codeBlock {
				take(b.text)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return len(out[i].Fields) > len(out[j].Fields) && out[j].Form == alert.FormText })
	return out
}

var textLine = expr.New(`(?m)^\s*(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d\.\d{9}\S*: [A-Z][a-z]+ `)
