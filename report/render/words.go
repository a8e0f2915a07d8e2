package render

import (
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// timeLayout is how people see times: UTC, to the second.
const timeLayout = "2006-01-02 15:04:05 UTC"

const (
	alsoSeen   = "Also seen"
	allReports = "The reports, worst first"
	inputHead  = "What was read"
	noValue    = "(empty)"
	nullValue  = "null"
	codeNote   = `Some characters here cannot be seen and stand as escapes such as \x1b. This is not the exact text: do not paste it.`
)

var fitWords = map[string]string{
	"fits": "Fits this host.", "does not fit": "Does not fit this host.", "in force": "Already in force on this host.",
}

func wordOf(words map[string]string, s string) string {
	if w, ok := words[s]; ok {
		return w
	}
	return prose(s)
}

// verdictParts are the three short sentences of the verdict line.
func verdictParts(d *report.Document) (verdict, confidence, severity string) {
	return "Verdict: " + wordOf(report.VerdictWords, d.Verdict.Class) + ".",
		"Confidence: " + report.ConfidenceWord(d.Verdict.Confidence) + ".",
		"Our severity: " + wordOf(report.SeverityWords, d.Severity) + "."
}

func own(text string) evidence.Span   { return evidence.Span{Text: text} }
func value(text string) evidence.Span { return evidence.Span{Text: text, Value: true} }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func clock(t time.Time) string { return t.UTC().Format(timeLayout) }

// alertsLine says how many alerts the document speaks of, and when they came.
func alertsLine(a report.Alerts) []evidence.Span {
	spans := []evidence.Span{own(count(a.Count, "alert", "alerts"))}
	if a.Kinds > 1 {
		spans[0].Text += " of " + strconv.Itoa(a.Kinds) + " kinds"
	}
	if a.Repeats > 0 {
		spans[0].Text += ", and " + count(a.Repeats, "repeated delivery", "repeated deliveries")
	}
	if a.Rule != "" {
		spans = append(spans, own(" of the rule "), value(a.Rule))
	}
	return append(spans, own(alertsWhen(a)))
}

// listedLine is a document in a list: its headline, how it stands among the
// others, and when.
func listedLine(d *report.Document) []evidence.Span {
	spans := append([]evidence.Span(nil), d.Headline.Spans...)
	add := func(words string) { spans = append(spans, own("; "+words)) }
	if d.Standing.New != nil && *d.Standing.New {
		add("new")
	}
	if d.Standing.Rare {
		add("rare")
	}
	if n := d.Standing.Further; n > 0 {
		add(count(n, "more like it", "more like it"))
	}
	if first, last := d.Alerts.First, d.Alerts.Last; !first.IsZero() {
		const short = "01-02 15:04"
		words := first.UTC().Format(short)
		if to := last.UTC().Format(short); to != words {
			words += " to " + to
		}
		if rate := report.RateWords(d.Alerts.Count, first, last); rate != "" {
			words += ", " + rate
		}
		add(words)
	}
	return spans
}

func alertsWhen(a report.Alerts) string {
	first, last := clock(a.First), clock(a.Last)
	switch {
	case a.First.IsZero():
		return ", without a time."
	case a.Count == 1:
		return ", at " + first + "."
	case first == last:
		return ", all at " + first + "."
	}
	return ", first at " + first + ", last at " + last + "."
}

// momentWhen is the time of a row of a timeline.
func momentWhen(m report.Moment) string {
	switch {
	case m.First.IsZero():
		return "no time"
	case m.Last.Sub(m.First) < time.Second:
		return m.First.UTC().Format(momentLayout)
	case m.Last.YearDay() == m.First.YearDay() && m.Last.Year() == m.First.Year():
		return m.First.UTC().Format(momentLayout) + " to " + m.Last.UTC().Format("15:04:05")
	}
	return m.First.UTC().Format(momentLayout) + " to " + m.Last.UTC().Format(momentLayout)
}

// momentLayout leaves the year out: it stands above.
const momentLayout = "01-02 15:04:05"

// treeDepth is the deepest that a tree is drawn.
const treeDepth = 12

// momentColumns are the heads of a timeline.
var momentColumns = []string{"Time (UTC)", "What", "Process", "User"}

// momentCells are the cells of a row of a timeline but for the time.
func momentCells(m report.Moment) []evidence.Statement {
	what := m.What
	if m.Count > 1 {
		what.Spans = append(append([]evidence.Span(nil), what.Spans...), own(", "+strconv.Itoa(m.Count)+" times"))
	}
	return []evidence.Statement{what, m.Process, m.User}
}

// titleSpans returns the title; one that is the alert's rule is a value.
func titleSpans(d *report.Document) []evidence.Span {
	return []evidence.Span{{Text: d.Title, Value: d.Title != "" && d.Title == d.Alerts.Rule}}
}

// refersTo describes a piece of evidence, without its number and URL.
func refersTo(r report.Reference) []evidence.Span {
	e := r.Evidence
	switch e.Kind {
	case evidence.Source:
		return sourceSpans(r)
	case evidence.Field:
		return []evidence.Span{own("Alert field "), value(e.Ref), own(" = "), {Text: e.Value, Value: !e.Literal}}
	case evidence.Observation:
		return []evidence.Span{own("Seen on the host by "), value(e.Ref), own(": "), value(e.Value)}
	case evidence.Alert:
		return []evidence.Span{own("Alert "), value(e.Ref), own(" of the rule "), value(e.Value)}
	}
	return []evidence.Span{value(string(e.Kind)), own(" "), value(e.Ref), own(": "), value(e.Value)}
}

func sourceSpans(r report.Reference) []evidence.Span {
	id, place, _ := strings.Cut(r.Evidence.Ref, "#")
	spans := []evidence.Span{own(r.Title)}
	if r.Title == "" {
		spans[0] = value(id)
	}
	if place != "" {
		spans = append(spans, own(", "), value(place))
	}
	return append(spans, own("."))
}

// webAddress returns the URL of a source if it is a plain web address, else "".
func webAddress(r report.Reference) string {
	if !strings.HasPrefix(r.URL, "https://") && !strings.HasPrefix(r.URL, "http://") {
		return ""
	}
	for _, c := range r.URL {
		if c <= ' ' || c > '~' || strings.ContainsRune("<>\\`\"{}|^", c) {
			return ""
		}
	}
	return r.URL
}

// merged joins neighbours of one kind, so that a format's markers never touch.
func merged(spans []evidence.Span) []evidence.Span {
	var all []evidence.Span
	for _, s := range spans {
		if !s.Value && s.Text == "" {
			continue
		}
		if n := len(all) - 1; n >= 0 && all[n].Value == s.Value {
			all[n].Text += s.Text
			continue
		}
		all = append(all, s)
	}
	return all
}

func joinNumbers(found []int) string {
	parts := make([]string, len(found))
	for i, n := range found {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ", ")
}
