package web

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
)

// functions are what templates can call. What comes from outside goes through
// shown, which makes visible what hides, and then through html/template.
var functions = template.FuncMap{
	"shown":    render.Visible,
	"short":    func(s string) shortText { return shorten(s, shortMost) },
	"short2":   func(s string) shortText { return shorten(s, headlineMost) },
	"verdict":  func(s string) string { return wordOf(report.VerdictWords, s) },
	"severity": func(s string) string { return wordOf(report.SeverityWords, s) },
	"class":    ourClass,
	"stamp":    stamp,
	"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"num":      func(n any) string { return number(toInt(n)) },
	"path":     url.PathEscape,
	"bytes":    func(n any) string { return size(toInt(n)) },
	"plural":   plural,
	"lower":    strings.ToLower,
	"judged":   func(j finding.Judgement) string { return judgedClass[j] },
	"span":     span,
	"when":     func(f frame, t time.Time) moment { return moment{t, ago(f.now, t)} },
}

// judgedClass is the colour of a judgement; its label says the same in words.
var judgedClass = map[finding.Judgement]string{finding.Harmful: "attack", finding.Broken: "suspicious", finding.Contradicted: "suspicious",
	finding.Unsupported: "test", finding.Unchecked: "unknown", finding.Supported: "benign"}

// moment is a time with how long ago it was.
type moment struct {
	At  time.Time
	Rel string
}

const (
	shortMost    = 160 // characters of a value in a list
	headlineMost = 280 // of a headline in a list
)

// shortText is a text that may be cut: then Left says how much is left out.
type shortText struct {
	Text string
	Left int
}

func shorten(s string, most int) shortText {
	n := utf8.RuneCountInString(s)
	if n <= most {
		return shortText{render.Visible(s), 0}
	}
	end, seen := 0, 0
	for end = range s {
		if seen == most {
			break
		}
		seen++
	}
	return shortText{render.Visible(s[:end]), n - most}
}

func wordOf(words map[string]string, s string) string {
	if w, ok := words[s]; ok {
		return w
	}
	return render.Visible(s)
}

// ourClass returns s if it is one of our words, to be a class of the style
// sheet, and "other" if not.
func ourClass(s string) string {
	switch s {
	case "attack", "suspicious", "test", "benign", "unknown", "critical", "high", "medium", "low", "info", "open", "handled", "closed":
		return s
	}
	return "other"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "no time"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func ago(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := now.Sub(t)
	if d < 0 {
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

// span is a time span in one unit.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return plural(int(d.Seconds()), "second", "seconds")
	case d < 2*time.Hour:
		return plural(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour", "hours")
	}
	return plural(int(d.Hours()/24), "day", "days")
}

func plural(count any, one, many string) string {
	n := toInt(count)
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

func toInt(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case uint64:
		return int64(n)
	}
	return 0
}

// number groups digits by narrow blanks.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return sign + s
}

func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f, i := float64(n)/1000, 0
	for f >= 999.5 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	if f < 10 {
		return fmt.Sprintf("%.1f %cB", f, units[i])
	}
	return fmt.Sprintf("%.0f %cB", f, units[i])
}
