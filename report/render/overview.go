package render

import (
	"strconv"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// filesNamed is up to how many input files are named; more are counted.
const filesNamed = 4

// overview says what was read, for people.
type overview struct {
	Lines       [][]evidence.Span
	Broken      []report.Broken
	BrokenTotal int
}

// notable reports whether there is more to say of the input than the one
// document says itself.
func notable(in report.Input) bool {
	return in.Kinds > 1 || in.Repeated > 0 || in.Forgotten > 0 || in.Late > 0 || in.BrokenTotal > 0 || len(in.Broken) > 0 || in.Passed > 0 ||
		in.Unreported > 0 || in.Overflow > 0 || in.Matched != in.Alerts
}

func overviewOf(in report.Input) *overview {
	o := &overview{Broken: in.Broken, BrokenTotal: max(in.BrokenTotal, len(in.Broken))}
	say := func(spans ...evidence.Span) { o.Lines = append(o.Lines, spans) }
	say(readLine(in)...)
	if in.Matched != in.Alerts {
		say(own(count(in.Matched, "of them matches", "of them match") + " the filters."))
	}
	if in.Passed > 0 {
		say(own(count(in.Passed, "line is no alert and was", "lines are no alerts and were") + " passed over."))
	}
	if o.BrokenTotal > 0 {
		say(own(count(o.BrokenTotal, "record", "records") + " could not be read."))
	}
	if in.Repeated > 0 {
		say(own(count(in.Repeated, "alert was", "alerts were") + " delivered more than once and are counted once."))
	}
	if in.Forgotten > 0 {
		say(own(count(in.Forgotten, "time", "times") + " something that alerts share was forgotten for want of room: an incident may be split there."))
	}
	if in.Late > 0 {
		say(own(count(in.Late, "alert", "alerts") + " came more than ten minutes after later ones of the same file: an incident may be split there."))
	}
	if in.Unreported > 0 {
		say(own("At most " + count(in.Limit, "incident gets", "incidents get") + " a report; " +
			count(in.Unreported, "more is", "more are") + " only listed."))
	}
	if in.Overflow > 0 {
		say(own(count(in.Overflow, "alert is of a kind", "alerts are of kinds") +
			" beyond the number that is kept apart: counted, not analysed one by one."))
	}
	return o
}

func readLine(in report.Input) []evidence.Span {
	text := count(in.Alerts, "alert", "alerts")
	if in.Alerts == 0 {
		text = "No alert"
	}
	if in.Kinds > 0 {
		text += " of " + count(in.Kinds, "kind", "kinds")
	}
	spans := []evidence.Span{own(text)}
	if in.Incidents > 0 && in.Incidents != in.Kinds {
		text += ", put together to " + count(in.Incidents, "incident", "incidents")
		spans = []evidence.Span{own(text)}
	}
	if in.Alerts == 0 {
		spans[0].Text += " found"
	}
	return append(append(spans, filesRead(in.Files)...), own("."))
}

func filesRead(files []string) []evidence.Span {
	if len(files) == 0 {
		return nil
	}
	if len(files) > filesNamed {
		return []evidence.Span{own(" in " + strconv.Itoa(len(files)) + " files")}
	}
	var spans []evidence.Span
	for i, f := range files {
		joint := ", "
		switch {
		case i == 0:
			joint = " in "
		case i == len(files)-1:
			joint = " and "
		}
		spans = append(spans, own(joint), value(f))
	}
	return spans
}

// BrokenLine introduces the table of broken records.
func (o *overview) BrokenLine() string {
	if len(o.Broken) < o.BrokenTotal {
		return "Records that could not be read, the first " + strconv.Itoa(len(o.Broken)) + " of " + strconv.Itoa(o.BrokenTotal) + ":"
	}
	return "Records that could not be read:"
}
