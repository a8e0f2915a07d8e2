package alert

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// prefix is what Falco puts before a rule's output.
type prefix struct {
	time     string
	iso      bool
	priority Priority
	length   int // of time, priority and the blanks behind them
}

const clockLength = len("09:42:36.123456789")

// cutTextPrefix reads "HH:MM:SS.nnnnnnnnn: Priority " or the same with an ISO
// time. It is strict: Falco's own log lines must not pass.
func cutTextPrefix(s string) (p prefix, ok bool) {
	n := clockLength
	if len(s) > 10 && s[4] == '-' && s[10] == 'T' {
		p.iso = true
		n = isoLength(s)
	}
	if n == 0 || len(s) < n+len(": Alert x") || s[n] != ':' || s[n+1] != ' ' {
		return p, false
	}
	p.time = s[:n]
	clock := s[:clockLength]
	if p.iso {
		clock = s[11 : 11+clockLength]
	}
	if !isClock(clock) {
		return p, false
	}
	word, _, ok := strings.Cut(s[n+2:], " ")
	if p.priority = exactPriority(word); p.priority == NoPriority || !ok {
		return p, false
	}
	p.length = n + 2 + len(word) + 1
	return p, len(s) > p.length
}

// isoLength returns the length of the ISO time with 9 decimals and zone that s
// begins with, 0 if there is none.
func isoLength(s string) int {
	n := 11 + clockLength
	if len(s) <= n || !isDate(s[:10]) {
		return 0
	}
	zone, _, _ := strings.Cut(s[n:], ": ")
	switch {
	case zone == "Z":
		return n + 1
	case len(zone) == 5 && (zone[0] == '+' || zone[0] == '-') && digits(zone, 1) == 5:
		return n + 5
	case len(zone) == 6 && (zone[0] == '+' || zone[0] == '-') && digits(zone, 1) == 3 && zone[3] == ':' && digits(zone, 4) == 6:
		return n + 6
	}
	return 0
}

func exactPriority(word string) Priority {
	for i, name := range priorityNames {
		if i > 0 && name == word {
			return Priority(i)
		}
	}
	return NoPriority
}

func beginsText(b []byte) bool {
	if b[0] < '0' || b[0] > '9' {
		return false
	}
	// The longest prefix is an ISO time with the longest priority.
	_, ok := cutTextPrefix(view(b[:min(len(b), 64)]))
	return ok
}

// text reads Falco's plain text line.
func (d *Decoder) text(b []byte) (*Alert, string) {
	s := d.keep(b)
	p, ok := cutTextPrefix(s)
	if !ok {
		return nil, ""
	}
	if reason := unfitText(b); reason != "" {
		return nil, reason
	}
	a := &d.alert
	a.Form, a.Raw, a.Output, a.Priority = FormText, b, s, p.priority
	if p.iso {
		a.TimeText = p.time
		a.Time = parseTime(p.time)
	}
	message, fields := d.splitOutput(s[p.length:])
	if a.Message = message; strings.TrimSpace(message) == "" {
		return nil, ""
	}
	d.pairs(fields)
	return a, ""
}

// unfitText says why b cannot be a line of text.
func unfitText(b []byte) string {
	switch {
	case bytes.IndexByte(b, 0) >= 0:
		return nulByte
	case bytes.IndexByte(b, '\n') >= 0:
		return "a line break inside the line"
	case !utf8.Valid(b):
		return invalidUTF8
	}
	return ""
}

// parseTime reads RFC 3339, also with a zone without colon as Falco writes it
// in text; the zero time if s is something else.
func parseTime(s string) time.Time {
	layout := time.RFC3339Nano
	if n := len(s); n > 5 && (s[n-5] == '+' || s[n-5] == '-') {
		layout = "2006-01-02T15:04:05.999999999Z0700"
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// messageOf splits a rendered output, without time and priority if they are
// there, into its message and its fields.
func (d *Decoder) messageOf(output string) (message string, fields fieldText) {
	if p, ok := cutTextPrefix(output); ok {
		output = output[p.length:]
	}
	return d.splitOutput(output)
}

// fieldText is the part of an output with the fields.
type fieldText struct {
	text    string
	bracket bool // it began with "(", so a ")" closes it
	certain bool // a separator stood before it: whatever its first key is, it is one
}

// splitOutput finds where the fields begin: behind " | " since Falco 0.41,
// behind " (" before, and in rules of one's own also without either.
func (d *Decoder) splitOutput(s string) (message string, fields fieldText) {
	for i := 0; i < len(s); {
		n := strings.IndexByte(s[i:], '=')
		if n < 0 {
			break
		}
		key := keyBefore(s[:i+n])
		at := i + n - len(key)
		i += n + 1
		if key == "" {
			continue
		}
		head := s[:at]
		switch {
		case strings.HasSuffix(head, " | "):
			return head[:len(head)-3], fieldText{text: s[at:], certain: true}
		case strings.HasSuffix(head, " ("):
			return head[:len(head)-2], fieldText{text: s[at:], bracket: true, certain: true}
		case strings.HasSuffix(head, " ") && d.keys[key] != "":
			return head[:len(head)-1], fieldText{text: s[at:]}
		}
	}
	return s, fieldText{}
}

// keyBefore returns the key that s ends with.
func keyBefore(s string) string {
	i := len(s)
	for i > 0 && keyByte(s[i-1]) {
		i--
	}
	if i < len(s) && s[i] >= '0' && s[i] <= '9' {
		return ""
	}
	return s[i:]
}

func keyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '.' || c == '[' || c == ']'
}

// pairs reads k=v pairs. Values hold blanks and are the attacker's: what looks
// like a known key in one is one. What cannot be known is left out.
func (d *Decoder) pairs(f fieldText) {
	if len(d.keys) == 0 {
		return
	}
	d.findPairs(f)
	if f.bracket {
		d.closeBracket()
	}
	d.dropDoubtful()
}

func (d *Decoder) findPairs(f fieldText) {
	s, from := f.text, 0
	for i := 0; ; {
		n := strings.IndexByte(s[i:], '=')
		if n < 0 {
			break
		}
		key := keyBefore(s[:i+n])
		at := i + n - len(key)
		i += n + 1
		name := d.keys[key]
		first := at == 0 && f.certain
		if key == "" || at > 0 && s[at-1] != ' ' || name == "" && !first {
			continue
		}
		if name == "" {
			name = key
		}
		if k := len(d.fields); k > 0 {
			d.fields[k-1].Value.Text = s[from : at-1]
		}
		d.fields = append(d.fields, Field{Name: name, Value: Value{Kind: String}})
		from = i
	}
	if k := len(d.fields); k > 0 {
		d.fields[k-1].Value.Text = s[from:]
	}
}

// closeBracket removes the ")" behind the last field of the rule: at the end
// of the line, or before the fields that Falco itself has added behind it.
func (d *Decoder) closeBracket() {
	for i := len(d.fields) - 1; i >= 0; i-- {
		if text, ok := strings.CutSuffix(d.fields[i].Value.Text, ")"); ok {
			d.fields[i].Value.Text = text
			return
		}
	}
}

func (d *Decoder) dropDoubtful() {
	a := &d.alert
	twice, endless := d.doubtful()
	a.Ambiguous, a.Uncertain = slices.Sorted(maps.Keys(twice)), slices.Sorted(maps.Keys(endless))
	d.fields = slices.DeleteFunc(d.fields, func(f Field) bool {
		return twice[f.Name] || endless[f.Name] || isLiteralKey(f)
	})
	if len(d.fields) > 0 {
		a.Fields = d.fields
	}
}

// doubtful returns the names that come twice, and those of whose value nobody
// can say where it ends.
func (d *Decoder) doubtful() (twice, endless map[string]bool) {
	twice, endless = map[string]bool{}, map[string]bool{}
	count := make(map[string]int, len(d.fields))
	for _, f := range d.fields {
		if count[f.Name]++; count[f.Name] == 2 {
			twice[f.Name] = true
		}
	}
	for i, f := range d.fields {
		beforeDoubt := i+1 < len(d.fields) && twice[d.fields[i+1].Name]
		if !twice[f.Name] && (beforeDoubt || mayHoldField(f)) {
			endless[f.Name] = true
		}
	}
	return twice, endless
}

// mayHoldField reports a value with an unknown key in it, and evt.args, which
// is made of such. In a command line if=/dev/zero is ordinary.
func mayHoldField(f Field) bool {
	if f.Name == "proc.args" || f.Name == "proc.env" || strings.Contains(f.Name, "cmdline") {
		return false
	}
	s := f.Value.Text
	for i := strings.IndexByte(s, '='); i >= 0; {
		key := keyBefore(s[:i])
		if at := i - len(key); key != "" && at > 0 && s[at-1] == ' ' {
			return true
		}
		n := strings.IndexByte(s[i+1:], '=')
		if n < 0 {
			break
		}
		i += 1 + n
	}
	return f.Name == "evt.args"
}

// isLiteralKey knows the words fd_proto=fd.l4proto that rules 2.0.0 to 3.1.0
// print for want of a "%": no value.
func isLiteralKey(f Field) bool { return f.Name == "fd.l4proto" && f.Value.Text == "fd.l4proto" }

// textKeys are the keys of text lines with the fields behind them.
func textKeys(table map[string]string) map[string]string {
	keys := make(map[string]string, 3*len(table))
	for _, field := range slices.Sorted(maps.Values(table)) {
		keys[strings.ReplaceAll(field, ".", "_")] = field
		keys[field] = field
	}
	for key, field := range table {
		keys[key] = field
	}
	return keys
}
