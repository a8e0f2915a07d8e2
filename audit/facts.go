package audit

import (
	"strings"
	"unicode/utf8"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
)

// place says how a value stands in a report: that decides how sure we are that
// it is meant as one.
type place uint8

const (
	inPair  place = iota // a table's cell, "key: value", "key=value"
	inProse              // in a sentence
)

// values judges what a block gives as pairs: a cell of a table, "Key: value",
// key=value, JSON.
func (r *run) values(b *block) {
	switch b.form {
	case cell:
		r.cellValue(b)
		r.pairs(b)
	case codeBlock:
		r.excerpt(b)
	default:
		r.pairs(b)
	}
}

// cellValue judges a cell of a table by its row's title or its column's.
func (r *run) cellValue(b *block) {
	if b.row == 0 {
		return
	}
	row, head := r.words.key(b.key), r.words.key(b.head)
	switch {
	case b.col == 1 && row != nil && (head == nil || valueHead(b.head)):
		r.value(b, 0, len(b.text), row)
	case head != nil && !valueHead(b.head) && r.isWideTable(b):
		r.value(b, 0, len(b.text), head)
	}
}

var valueHeads = expr.New(`(?i)^(?:value|values|details?|data|content|description|information|info|result|finding|observed|actual)s?\b`)

func valueHead(head string) bool { return valueHeads.MatchString(head) }

// isWideTable reports whether a table's columns are titled by names of fields:
// then its first column holds values too.
func (r *run) isWideTable(b *block) bool {
	n := 0
	for _, c := range r.tables[b.table] {
		if c.row == 0 && r.words.key(c.text) != nil && !valueHead(c.text) {
			n++
		}
	}
	return n > 1
}

var (
	pairStart = expr.New("^(?:[-*•–] |\\d{1,2}[.)] |[^\\pL\\pN\\s]{1,4}\\s+)?\\s*([\\pL][^:=|\n]{0,60}?)\\s*(:|=|\\|| [-–—] )\\s*")
	equation  = expr.New(`([A-Za-z][A-Za-z0-9_.]{0,60}(?:\[\d{1,2}\])?)\s?=\s?`)
	colonPair = expr.New(`(?:^|[\s(,;])([a-z][a-z0-9_]*\.[a-z][a-z0-9_.]*(?:\[\d+\])?):\s`)
)

// pairs judges "Key: value" at the beginning of a sentence, and key=value
// anywhere.
func (r *run) pairs(b *block) {
	for _, s := range r.sentencesOf(b) {
		text := s.text()
		if m := s.pair(); m != nil {
			key := text[m[2]:m[3]]
			if n := r.words.key(key); n != nil && (text[m[4]:m[5]] != " - " || len(b.marks) > 0) {
				r.value(b, s.start+m[1], s.end, n)
			}
		}
		last := 0
		for _, m := range equation.FindAllStringSubmatchIndex(text, -1) {
			if m[0] < last {
				continue // inside of a value
			}
			n := r.words.exactly(text[m[2]:m[3]])
			if n == nil || m[1] >= len(text) || text[m[1]] == '=' || m[2] > 0 && (isAlnum(text[m[2]-1]) || text[m[2]-1] == '-' || text[m[2]-1] == '.') || s.hypothetical() && b.advice {
				continue
			}
			start := s.start + m[1]
			end := valueEnd(b, start, s.end)
			last = end - s.start
			r.value(b, start, end, n)
		}
		for _, m := range colonPair.FindAllStringSubmatchIndex(text, -1) {
			if n := r.words.exactly(text[m[2]:m[3]]); n != nil && m[1] < len(text) && !b.advice {
				start := s.start + m[1]
				r.value(b, start, valueEnd(b, start, s.end), n)
			}
		}
	}
}

// valueEnd finds where a value ends that begins at start: with its mark or
// quotes, before the next key, else with its word.
func valueEnd(b *block, start, end int) int {
	for _, m := range b.codeIn(start, start+1) {
		{
			if next := equation.FindStringIndex(b.text[start:m.end]); next != nil && next[0] > 0 {
				return start + len(strings.TrimRight(b.text[start:start+next[0]], " ,;"))
			}
			return m.end
		}
	}
	text := b.text[start:end]
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		if i := strings.IndexByte(text[1:], text[0]); i >= 0 {
			return start + i + 2
		}
	}
	i := strings.IndexAny(text, " ,;)\n\t")
	if i < 0 {
		i = len(text)
	}
	return start + len(strings.TrimRight(text[:i], ".:"))
}

// candidate is a part of a text that may be the value which is meant.
type candidate struct {
	start, end int
	marked     bool // set off as code or in quotes
	rest       bool // something stands behind it
}

// candidates are the ways to read a value: all of it, what is set off, what
// stands before a remark.
func candidates(b *block, start, end int) []candidate {
	start, end = trimmed(b.text, start, end)
	if start >= end {
		return nil
	}
	var out []candidate
	for _, m := range b.codeIn(start, end) {
		out = append(out, candidate{max(m.start, start), min(m.end, end), true, m.end < end})
		if len(out) == 8 {
			break
		}
	}
	text := b.text[start:end]
	if len(out) > 0 && out[0].start <= start+3 {
		if len(out) > 1 {
			out = append(out, candidate{start, end, false, false})
		}
		return out
	}
	coded := out
	out = nil
	if m := quotation.FindStringIndex(text); m != nil && m[0] == 0 {
		out = append(out, candidate{start, start + m[1], true, m[1] < len(text)})
	}
	out = append(out, candidate{start, end, false, false})
	for _, sep := range []string{" (", " - ", " – ", " — ", "; ", ", ", " | "} {
		if i := strings.Index(text, sep); i > 0 {
			out = append(out, candidate{start, start + i, false, true})
		}
	}
	if i := strings.IndexAny(text, " \n"); i > 0 {
		out = append(out, candidate{start, start + i, false, true})
	}
	if i := strings.Index(text, "("); i > 0 && strings.HasSuffix(text, ")") {
		out = append(out, candidate{start + i + 1, end - 1, false, false})
	}
	return append(out, coded...)
}

var quotation = expr.New(`"[^"\n]{1,300}"|“[^”\n]{1,300}”|'[^'\n]{1,300}'`)

func trimmed(text string, start, end int) (int, int) {
	for start < end && (isSpace(text[start]) || text[start] == '*') {
		start++
	}
	for end > start && isSpace(text[end-1]) {
		end--
	}
	return start, end
}

// vague words beside a name tell of it and are no value.
var vague = expr.New(`(?i)^(?:yes|no|true|false|docker|kubernetes|linux|unix|present|detected|suspicious|malicious|affected|see (?:above|below)|multiple|various|several|production|running|active|critical|high|medium|low|container|host|pod|process|user|system|custom|default|compromised|running container|containerd|runtime)$`)

var numeral = expr.New(`^\d+$`)

var absent = expr.New(`(?i)^\W*(?:n/?a\b|<na>|not (?:available|specified|provided|given|recorded|known|present|set|included|applicable|in the alert|captured|reported|stated|shown|disclosed)|unknown|none\b|null|empty|unspecified|undefined|missing|-+$|—$|–$|unavailable|not explicitly)`)

// value judges what a report gives as the value of a name.
func (r *run) value(b *block, start, end int, n *named) {
	if end > start && r.references(b, start) {
		return
	}
	list := candidates(b, start, end)
	if len(list) == 0 {
		return
	}
	if !n.exact() && n.fields[0] == "evt.arg.flags" && flagWord.MatchString(b.text[start:end]) {
		return // flags judges them one by one
	}
	if timeField(n.fields[0]) {
		if t := clean(b.text[start:end]); len(t) < 10 || !numeral.MatchString(t) {
			return // stamps says more of times than their spelling
		}
	}
	if !r.held() {
		if r.taken(b, list[0].start, list[0].end) {
			return
		}
		r.add(b, list[0].start, list[0].end, finding.Fact, finding.Unchecked, say("No alert was given to hold it against.", source("falco-fields")), "")
		return
	}
	fields := r.known.among(n.fields)
	if c := list[0]; absent.MatchString(b.text[c.start:c.end]) && indexEqual(b.text[c.start:list[min(1, len(list)-1)].end], fields) < 0 && indexEqual(b.text[c.start:c.end], fields) < 0 {
		r.absent(b, c, n, fields)
		return
	}
	best, hit, part := candidate{}, -1, -1
	for _, c := range list {
		text := b.text[c.start:c.end]
		if n.entry != nil && !n.entry.Takes(clean(text)) {
			continue
		}
		for i, f := range fields {
			switch compare(text, f) {
			case equal:
				if hit < 0 {
					best, hit = c, i
				}
			case partOf:
				if part < 0 && hit < 0 {
					best, part = c, i
				}
			}
		}
		if hit >= 0 {
			break
		}
	}
	switch {
	case hit >= 0:
		if !r.taken(b, best.start, best.end) {
			r.add(b, best.start, best.end, finding.Fact, finding.Supported, say(fields[hit].Name+" is ", fields[hit], "."), "")
		}
		return
	case part >= 0:
		if !r.taken(b, best.start, best.end) {
			r.partly(b, best, n, fields[part])
		}
		return
	}
	r.mismatch(b, list, n, fields, inPair)
}

// references reports whether a value is a placeholder for the reader to fill in.
func (r *run) references(b *block, start int) bool {
	rest := b.text[start:min(len(b.text), start+3)]
	return strings.HasPrefix(strings.TrimSpace(rest), "<") || strings.HasPrefix(rest, "${") || strings.HasPrefix(rest, "{{")
}

func (r *run) held() bool { return len(r.alerts) > 0 }

// launchers run what their arguments name, so that arguments are a command.
var launchers = expr.New(`^(?:\S*/)?(?:sudo|su|sh|bash|dash|zsh|ash|ksh|env|nohup|setsid|timeout|xargs|nice|ionice|chroot|nsenter|unshare|busybox|docker|kubectl|crictl|nerdctl|podman|runc|exec|time|strace|watch|find|ssh|python[0-9.]*|perl|ruby|node|php|java|lua|tini|dumb-init|stdbuf|doas|runuser|setpriv|systemd-run)\b`)

// partly judges a value that is a part of a field's.
func (r *run) partly(b *block, c candidate, n *named, f alert.Field) {
	text := clean(b.text[c.start:c.end])
	if r.ownAt(b, c.start) {
		r.add(b, c.start, c.end, finding.Fact, finding.Supported, say("It stands in "+f.Name+": ", f, "."), "")
		return
	}
	args := argumentsOf(f)
	if f.Name == "proc.cmdline" && squeeze(text) == args && n.fields[0] == "proc.cmdline" && n.name != "arguments" && !argumentNames.MatchString(n.name) && !launchers.MatchString(f.Value.Text) {
		first, _, _ := strings.Cut(f.Value.Text, " ")
		reason := say("These are the arguments; the command line is ", f, " and the program is called ", quoted(first), ".")
		r.add(b, c.start, c.end, finding.Fact, finding.Contradicted, reason, f.Value.Text)
		return
	}
	if c.marked && !c.rest && n.strict() && strings.HasPrefix(f.Name, "container.image") {
		r.add(b, c.start, c.end, finding.Fact, finding.Contradicted, say("The alert says otherwise: "+f.Name+" is ", f, "."), f.Value.Text)
		return
	}
	if n.exact() && !c.rest && len(text)*2 < len(f.Value.Text) && f.Value.Kind != alert.List {
		r.add(b, c.start, c.end, finding.Fact, finding.Unsupported, say("This is only a part of "+f.Name+": ", f, "."), f.Value.Text)
		return
	}
	r.add(b, c.start, c.end, finding.Fact, finding.Supported, say("It stands in "+f.Name+": ", f, "."), "")
}

var argumentNames = expr.New(`argument|args`)

func argumentsOf(f alert.Field) string {
	_, args, _ := strings.Cut(f.Value.Text, " ")
	return squeeze(args)
}

// mismatch judges a value that is none of the fields'.
func (r *run) mismatch(b *block, list []candidate, n *named, fields []alert.Field, at place) {
	c := list[0]
	for _, other := range list[1:] {
		if !c.marked && other.rest && !valueLike(clean(b.text[c.start:c.end])) && other.start == c.start && valueLike(clean(b.text[other.start:other.end])) {
			c = other
		}
	}
	if r.ownAt(b, c.start) {
		return
	}
	text := clean(b.text[c.start:c.end])
	if absent.MatchString(b.text[c.start:list[len(list)-1].end]) || absent.MatchString(text) {
		r.absent(b, c, n, fields)
		return
	}
	if isID(text) && n.fields[0] != "tags" {
		return // what identity judges
	}
	if r.taken(b, c.start, c.end) {
		return
	}
	if n.entry != nil && !n.entry.Takes(text) {
		r.unfit(b, c, n, fields, text)
		return
	}
	other, isOther := r.known.elsewhere(text)
	firm := c.marked || valueLike(text) && (at == inPair || identifier(text)) && !article.MatchString(text)
	if at == inProse && !n.strict() {
		firm = firm && isOther && numeral.MatchString(text)
	}
	certain := firm && (n.fields[0] == "priority" || !vague.MatchString(text) || r.plainlyOther(n, fields, text, at)) && (n.strict() || at == inPair && (c.marked || identifier(text)) && len(fields) > 0 || at == inProse || r.plainlyOther(n, fields, text, at)) && (!b.advice || n.exact() && at == inPair)
	switch {
	case len(fields) > 0 && isOther:
		reason := say("That is "+other.Name+"; ", quoted(n.fieldWords(fields)), " is ", fields[0], ".")
		r.addIf(certain, b, c, reason, fields[0].Value.Text)
	case len(fields) > 0 && r.known.within(text) && (!certain || !n.strict() || n.entry != nil && n.entry.Only == "" && text[0] != '/' && !numeral.MatchString(text)):
		r.add(b, c.start, c.end, finding.Fact, finding.Unsupported, say("The alert has these words, but "+n.fieldWords(fields)+" is ", fields[0], "."), fields[0].Value.Text)
	case len(fields) > 0:
		reason := say("The alert says otherwise: "+fields[0].Name+" is ", fields[0], ".")
		r.addIf(certain, b, c, reason, fields[0].Value.Text)
	case isOther:
		reason := say("The alert has no "+n.fields[0]+"; ", other, " is "+other.Name+".")
		r.addIf(certain && !sameFamily(other.Name, n.fields), b, c, reason, "")
	case r.known.within(text):
		reason := say("The alert has no " + n.fields[0] + "; the words stand in it for something else.")
		r.addIf(certain && at == inPair && n.strict() && numeral.MatchString(text), b, c, reason, "")
	default:
		r.add(b, c.start, c.end, finding.Fact, finding.Unsupported, say("The alert has no "+n.fields[0]+", and this value is nowhere in it."), "")
	}
}

// plainlyOther reports whether a word that may be no value is one here: the
// namespace "default", the user "root".
func (r *run) plainlyOther(n *named, fields []alert.Field, text string, at place) bool {
	if at != inPair || len(fields) == 0 {
		return false
	}
	switch n.fields[0] {
	case "k8s.ns.name":
		return text == "default"
	case "user.name":
		uid := r.known.values("user.uid")
		return strings.EqualFold(text, "root") && len(uid) == 1 && uid[0].Value.Text != "0" && uid[0].Value.Known()
	case "fd.l4proto":
		return true
	}
	return false
}

// article begins words about a value.
var article = expr.New(`(?i)^(?:an?|the|its?|this|that|some|any|one|no|not|probably|possibly|likely|presumably|same|as|see|via|by|from|in|on)\b`)

// sameFamily reports whether a field tells of the same thing as the names.
func sameFamily(name string, fields []string) bool {
	family, _, _ := strings.Cut(name, ".")
	for _, f := range fields {
		other, _, _ := strings.Cut(f, ".")
		if family == other && !strings.HasSuffix(f, "pid") && !strings.HasSuffix(f, "uid") {
			return true
		}
	}
	return false
}

func (n *named) fieldWords(fields []alert.Field) string {
	if len(fields) > 0 {
		return fields[0].Name
	}
	return n.fields[0]
}

// addIf notes a contradiction when it is certain, else that nothing carries it.
func (r *run) addIf(certain bool, b *block, c candidate, reason evidence.Statement, suggestion string) {
	j := finding.Unsupported
	if certain {
		j = finding.Contradicted
	}
	r.add(b, c.start, c.end, finding.Fact, j, reason, suggestion)
}

// unfit judges a value that the name does not take: a severity that Falco
// does not have, a PID that is a word.
func (r *run) unfit(b *block, c candidate, n *named, fields []alert.Field, text string) {
	switch {
	case len(fields) == 0, len(text) > 60:
		return
	case n.fields[0] == "priority" && strings.Contains(n.name, "priority") && !c.rest && len(strings.Fields(text)) == 1:
		r.add(b, c.start, c.end, finding.Fact, finding.Contradicted, say("Falco has no such priority; the alert's is ", fields[0], "."), fields[0].Value.Text)
	case n.fields[0] == "priority":
		r.add(b, c.start, c.end, finding.Fact, finding.Unsupported, say("The alert carries Falco's priority, ", fields[0], ", a constant of the rule; a severity of its own it does not.", source("falco-docs#priority")), "")
	}
}

// absent judges that a report says a field is not there.
func (r *run) absent(b *block, c candidate, n *named, fields []alert.Field) {
	if r.taken(b, c.start, c.end) {
		return
	}
	if len(fields) == 0 || r.known.lacking(n.fields) {
		r.add(b, c.start, c.end, finding.Fact, finding.Supported, say("The alert has no "+n.fields[0]+"."), "")
		return
	}
	if !n.strict() {
		return
	}
	r.add(b, c.start, c.end, finding.Fact, finding.Contradicted, say("The alert has it: "+fields[0].Name+" is ", fields[0], "."), fields[0].Value.Text)
}

// valueLike reports whether a text reads as a value and not as words about one.
func valueLike(text string) bool {
	words := strings.Fields(text)
	switch {
	case len(words) == 0 || len(text) > 300:
		return false
	case len(words) == 1:
		return true
	case len(words) > 5:
		return false
	}
	return strings.ContainsAny(text, "/_=|0123456789") && utf8.ValidString(text)
}

var identifierText = expr.New(`^[A-Za-z0-9_./:@|-]+$`)

// identifier reports whether a word is no word of English: it has a digit, a
// slash, an underscore.
func identifier(text string) bool {
	return identifierText.MatchString(text) && strings.ContainsAny(text, "0123456789_/:|@") && strings.Trim(text, "./:-") != ""
}

func timeField(name string) bool {
	return name == "time" || name == "container.start_ts" || strings.HasPrefix(name, "evt.time")
}

// excerpt judges the pairs of a quoted alert or of a part of one.
func (r *run) excerpt(b *block) {
	if r.quoted {
		return // it is what the report is held against
	}
	at := 0
	for at < len(b.text) {
		end := strings.IndexByte(b.text[at:], '\n')
		if end < 0 {
			end = len(b.text) - at
		}
		r.excerptLine(b, at, at+end)
		at += end + 1
	}
}

// excerptTimes judges the times in a quotation, line by line.
func (r *run) excerptTimes(b *block) {
	if r.quoted {
		return
	}
	at := 0
	for line := range strings.Lines(b.text) {
		if s := newSentence(b, at, at+len(line)); s != nil {
			key := strings.ToLower(line[:min(len(line), 40)])
			r.timesIn(s, strings.Contains(key, "utc"))
		}
		at += len(line)
	}
}

var (
	jsonPair = expr.New(`"([A-Za-z_][\w.\[\]]*)"\s*:\s*("(?:[^"\\]|\\.)*"|\[[^\[\]]*\]|[^,{}\[\]\s]+)`)
	yamlPair = expr.New(`^\s*(?:- )?([A-Za-z_][\w.\[\]]*)\s*:\s+(\S.*)$`)
)

func (r *run) excerptLine(b *block, start, end int) {
	line := b.text[start:end]
	pair := func(m []int) {
		if n := r.words.key(line[m[2]:m[3]]); n != nil && n.fields[0] != "output" {
			r.value(b, start+m[4], start+m[5], n)
		}
	}
	if found := jsonPair.FindAllStringSubmatchIndex(line, -1); found != nil {
		for _, m := range found {
			pair(m)
		}
		return
	}
	if m := yamlPair.FindStringSubmatchIndex(line); m != nil {
		pair(m)
		return
	}
	for _, m := range equation.FindAllStringSubmatchIndex(line, -1) {
		if n := r.words.exactly(line[m[2]:m[3]]); n != nil && m[1] < len(line) {
			to := len(line)
			if next := equation.FindStringIndex(line[m[1]:]); next != nil {
				to = m[1] + next[0]
			}
			r.value(b, start+m[1], start+len(strings.TrimRight(line[:to], " ,;)")), n)
		}
	}
}

// alertText is how the quotation of an alert begins or what stands in it.
var alertText = expr.New(`(?m)"output_fields"|"(?:proc|container|evt|user|fd|k8s|ka)\.[a-z_.]+(?:\[\d+\])?"\s*:|^\s*\d\d:\d\d:\d\d\.\d+: (?:Emergency|Alert|Critical|Error|Warning|Notice|Informational|Debug) |(?:evt_type|proc_exepath|user_uid|container_id|container_name)=\S|^(?:proc|container|evt|user)\.[a-z_.]+(?:\[\d+\])?\s*[:=] `)

// isAlertText reports whether a code block quotes an alert instead of showing
// something to run or to configure.
func (r *run) isAlertText(b *block) bool {
	switch b.language {
	case "bash", "sh", "shell", "console", "python", "rego", "c", "go":
		return false
	}
	return (alertText.MatchString(b.text) || r.isFieldList(b)) && !ruleText.MatchString(b.text)
}

// isFieldList reports whether most lines of a block give fields of an alert
// their values, by whatever names.
func (r *run) isFieldList(b *block) bool {
	if strings.Contains(b.text, "apiVersion") {
		return false
	}
	lines, fields := 0, 0
	for line := range strings.Lines(b.text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		lines++
		if m := yamlPair.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil && r.words.key(m[1]) != nil {
			fields++
		} else if m := jsonPair.FindStringSubmatch(line); m != nil && r.words.key(m[1]) != nil {
			fields++
		}
		if lines > 200 {
			break
		}
	}
	return fields >= 3 && 2*fields >= lines
}

var ruleText = expr.New(`(?m)^\s*-?\s*(?:condition|macro|list|append|exceptions|customRules|append_output):`)
