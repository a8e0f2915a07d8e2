package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
)

// label is how a judgement is called.
var label = map[finding.Judgement]string{
	finding.Harmful: "Harmful", finding.Broken: "Does not work", finding.Contradicted: "Contradicted",
	finding.Unsupported: "Unsupported", finding.Unchecked: "Not checked", finding.Supported: "Holds",
}

// explained says what a judgement means.
var explained = map[finding.Judgement]string{
	finding.Harmful:      "would damage the host or weaken it",
	finding.Broken:       "fails, or does nothing, as it is written",
	finding.Contradicted: "the evidence says otherwise",
	finding.Unsupported:  "may be true, but no evidence carries it",
	finding.Unchecked:    "could not be checked",
	finding.Supported:    "the evidence carries it",
}

const leftOut = "Left out"

// headline is the first line, for somebody who reads no further.
func (v *view) headline() string {
	claims, hold := len(v.found), v.count[finding.Supported]
	var parts []string
	switch {
	case claims == 0:
		return "No claim and no command was found that could be checked"
	case v.count[finding.Unchecked] == claims && claims == 1:
		return "The only claim could not be checked"
	case v.count[finding.Unchecked] == claims:
		return fmt.Sprintf("None of %d claims could be checked", claims)
	case claims == 1 && hold == 1:
		return "The only claim holds"
	case hold == claims:
		return fmt.Sprintf("All %d claims hold", claims)
	case claims == 1:
		parts = append(parts, "The only claim does not hold")
	case hold == 0:
		parts = append(parts, fmt.Sprintf("None of %d claims holds", claims))
	case hold == 1:
		parts = append(parts, fmt.Sprintf("1 of %d claims holds", claims))
	default:
		parts = append(parts, fmt.Sprintf("%d of %d claims hold", hold, claims))
	}
	broken := v.brokenWords()
	for _, p := range []struct {
		n         int
		one, many string
	}{
		{v.count[finding.Contradicted], "is wrong", "are wrong"},
		{v.count[finding.Broken], broken[0], broken[1]},
		{v.count[finding.Harmful], "would do harm", "would do harm"},
	} {
		if p.n > 0 {
			parts = append(parts, count(p.n, p.one, p.many))
		}
	}
	if len(parts) == 1 && claims > 1 {
		parts = append(parts, "none is wrong")
	}
	return strings.Join(parts, "; ")
}

// brokenWords call what does not work by its kind.
func (v *view) brokenWords() [2]string {
	commands, other := 0, 0
	for _, f := range v.judged(finding.Broken) {
		if f.Kind == finding.Command {
			commands++
		} else {
			other++
		}
	}
	switch {
	case other == 0:
		return [2]string{"command does not work", "commands do not work"}
	case commands == 0:
		return [2]string{"configuration does not work", "configurations do not work"}
	}
	return [2]string{"", "commands and configurations do not work"}
}

// rest is what the headline does not count.
func (v *view) rest() string {
	var parts []string
	if n := v.count[finding.Unsupported]; n > 0 {
		parts = append(parts, count(n, "claim has no evidence that carries it", "claims have no evidence that carries them"))
	}
	if n := v.count[finding.Unchecked]; n > 0 && n < len(v.found) {
		parts = append(parts, count(n, "could not be checked", "could not be checked"))
	}
	if n := len(v.missing); n > 0 {
		parts = append(parts, count(n, "thing that a reader needs is left out", "things that a reader needs are left out"))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// basis says what the report was held against.
func (v *view) basis() []evidence.Span {
	spans := []evidence.Span{value(v.Name)}
	switch {
	case v.Quoted:
		spans = append(spans, own(" was held against the alert that it quotes itself, as none was given."))
	case v.Alerts == 0:
		spans = append(spans, own(" was held against no alert: none was given, and it quotes none. What it says of the event could not be checked."))
	default:
		spans = append(spans, own(" was held against "+count(v.Alerts, "alert", "alerts")+"."))
	}
	if n := len(v.Broken); n > 0 {
		spans = append(spans, own(" "+count(n, "record of the alerts", "records of the alerts")+" could not be read:"))
		for i, b := range v.Broken {
			if i > 0 {
				spans = append(spans, own(";"))
			}
			spans = append(spans, own(" "), value(b.File), own(", line "+strconv.Itoa(b.Line)+": "), value(b.Reason))
		}
		spans = append(spans, own("."))
	}
	return spans
}

// because describes a piece of evidence, as a sentence.
func because(r report.Reference) (spans []evidence.Span, url string) {
	spans, url = render.Refers(r)
	if r.Evidence.Kind != evidence.Source {
		spans = append(spans, own("."))
	}
	return spans, url
}

// suggests leads to the correct thing.
func suggests(f *found) string {
	if f.Kind == finding.Omission {
		return "Add:"
	}
	return "Instead:"
}

// foldedLine counts what is not listed one by one.
func foldedLine(j finding.Judgement, n int) string {
	if j == finding.Supported {
		return count(n, "claim holds", "claims hold")
	}
	return count(n, "claim could not be checked", "claims could not be checked")
}

func title(j finding.Judgement, n int) string { return label[j] + " (" + strconv.Itoa(n) + ")" }

func own(text string) evidence.Span   { return evidence.Span{Text: text} }
func value(text string) evidence.Span { return evidence.Span{Text: text, Value: true} }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
