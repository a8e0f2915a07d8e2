package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/store"
)

// filter is what a reader asks of a list, as it stands in the address.
type filter struct {
	Text, Class, Severity, Status, Rule, Host, Container string
	Incident, Kind                                       string
	Since, Until, Where                                  string
	Silenced                                             bool // show what silences hide too

	path  string
	query store.Query
	cond  *condition.Condition
	// Wrong says for a field what cannot be read in it.
	Wrong map[string]string
}

var (
	classes    = []string{"attack", "suspicious", "unknown", "test", "benign"}
	severities = []string{"critical", "high", "medium", "low", "info"}
)

// maxParam bounds the length of one field of a filter, in bytes.
const maxParam = 8192

// pageLimit is how many entries a list has.
const pageLimit = 50

// readFilter reads a list's address. What cannot be read is noted in Wrong, and
// limits nothing.
func (p *pages) readFilter(r *http.Request) (*filter, error) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wrong("The address cannot be read.")
	}
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	f := &filter{path: r.URL.Path, Text: get("text"), Class: get("class"), Severity: get("severity"), Status: get("status"), Rule: get("rule"), Host: get("host"),
		Container: get("container"), Incident: get("incident"), Kind: get("kind"), Since: get("since"), Until: get("until"), Where: get("where"),
		Silenced: get("silenced") == "show", Wrong: map[string]string{}}
	for name := range v {
		if len(v.Get(name)) > maxParam {
			return nil, wrong("%s is too long: at most %d bytes.", name, maxParam)
		}
	}
	f.query = store.Query{Text: f.Text, Rule: f.Rule, Host: f.Host, Container: f.Container, Incident: f.Incident, After: v.Get("after"), Limit: pageLimit}
	f.query.Classes = f.words("class", f.Class, classes)
	f.query.Severities = f.words("severity", f.Severity, severities)
	f.query.Since = f.time("since", f.Since, p.now())
	f.query.Until = f.time("until", f.Until, p.now())
	if f.Kind != "" {
		if f.query.Kind, err = strconv.ParseUint(f.Kind, 10, 64); err != nil {
			f.Wrong["kind"] = "It is a whole number."
		}
	}
	if f.Where != "" {
		if f.cond, err = condition.Parse(f.Where, p.opt.Definitions); err != nil {
			f.Wrong["where"] = "This is no condition: " + err.Error() + "."
		} else {
			pushDown(f.cond, &f.query)
		}
	}
	return f, nil
}

// words reads one word of a list, or several with commas.
func (f *filter) words(name, text string, known []string) (out []string) {
	for w := range strings.SplitSeq(text, ",") {
		switch {
		case w == "":
		case slices.Contains(known, w):
			out = append(out, w)
		default:
			f.Wrong[name] = "There are " + strings.Join(known, ", ") + "."
		}
	}
	return out
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// time reads a time in UTC, or how long ago.
func (f *filter) time(name, text string, now time.Time) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	if n, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil && strings.HasSuffix(text, "d") && n > 0 && n < 36500 {
		return now.Add(-time.Duration(n) * 24 * time.Hour)
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d)
	}
	f.Wrong[name] = "Write 2026-11-24 16:00 (UTC), or how long ago: 30m, 24h, 7d."
	return time.Time{}
}

// More reports whether one of the less common filters is set.
func (f *filter) More() bool {
	return f.Rule+f.Host+f.Container+f.Since+f.Until+f.Where+f.Kind+f.Incident != ""
}

// Any reports whether anything is asked.
func (f *filter) Any() bool { return f.More() || f.Text+f.Class+f.Severity+f.Status != "" }

func (f *filter) values() url.Values {
	v := url.Values{}
	for _, x := range [][2]string{{"text", f.Text}, {"class", f.Class}, {"severity", f.Severity}, {"status", f.Status}, {"rule", f.Rule}, {"host", f.Host},
		{"container", f.Container}, {"incident", f.Incident}, {"kind", f.Kind}, {"since", f.Since}, {"until", f.Until}, {"where", f.Where}} {
		if x[1] != "" {
			v.Set(x[0], x[1])
		}
	}
	if f.Silenced {
		v.Set("silenced", "show")
	}
	return v
}

// With returns the address of the list with one parameter changed, at its first
// page.
func (f *filter) With(name, value string) string {
	v := f.values()
	v.Del(name)
	if value != "" {
		v.Set(name, value)
	}
	if len(v) == 0 {
		return f.path
	}
	return f.path + "?" + v.Encode()
}

// Page returns the address of the page after a cursor.
func (f *filter) Page(cursor string) string { return f.With("after", cursor) }

// First reports whether this is the first page.
func (f *filter) First() bool { return f.query.After == "" }

// pushDown narrows q by those parts of a condition that the store can look up.
// What it narrows to is never less than what the condition asks for.
func pushDown(c *condition.Condition, q *store.Query) {
	for _, part := range conjuncts(c.String()) {
		for name, to := range map[string]*string{"rule": &q.Rule, "hostname": &q.Host, "container.id": &q.Container} {
			if value, ok := equals(part, name); ok && *to == "" && value != "" {
				*to = value
			}
		}
	}
}

// conjuncts splits a condition in its canonical form at the "and"s of its top,
// if it has no "or" there.
func conjuncts(text string) (parts []string) {
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && strings.HasPrefix(text[i:], " or "):
			return nil
		case depth == 0 && strings.HasPrefix(text[i:], " and "):
			parts = append(parts, text[from:i])
			from = i + len(" and ")
		}
	}
	return append(parts, text[from:])
}

// equals reads name = "value". A value with escapes is left to the condition.
func equals(part, name string) (string, bool) {
	value, ok := strings.CutPrefix(part, name+" = \"")
	if !ok {
		return "", false
	}
	value, ok = strings.CutSuffix(value, "\"")
	return value, ok && !strings.ContainsAny(value, "\"\\")
}

// quoteCondition writes a value as a string of Falco's language.
func quoteCondition(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
