package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/report/render"
)

var paint = map[finding.Judgement]render.Style{
	finding.Harmful: render.Red, finding.Broken: render.Red, finding.Contradicted: render.Red,
	finding.Unsupported: render.Yellow, finding.Unchecked: render.Dim, finding.Supported: render.Green,
}

const margin = 2 // blanks in front of a marker

// screen writes findings for a terminal.
type screen struct {
	*render.Screen
	v      *view
	column int // where the text beside a place starts
}

func writeTerminal(w io.Writer, v *view, opt Options) error {
	s := screen{Screen: render.NewScreen(w, render.Options{Color: opt.Color, Width: opt.Width}), v: v}
	s.column = margin + len("1:1") + 2
	for i := range v.found {
		s.column = max(s.column, margin+len(where(&v.found[i]))+2)
	}
	s.At(0, render.Text{}.Own(v.headline(), render.Bold))
	s.Blank()
	s.At(margin, render.Text{}.Spans(v.basis(), render.Plain))
	if rest := v.rest(); rest != "" {
		s.At(margin, render.Text{}.Own(rest, render.Plain))
	}
	s.Blank()
	for _, j := range told {
		s.group(j, v.judged(j))
	}
	s.missing()
	for _, j := range folded {
		if n := v.count[j]; n > 0 && !opt.All {
			s.At(margin, render.Text{}.Own(foldedLine(j, n)+"; --all lists them.", render.Plain))
		} else {
			s.group(j, v.judged(j))
		}
	}
	return s.Flush()
}

func where(f *found) string { return fmt.Sprintf("%d:%d", f.place.line, f.place.column) }

func (s screen) group(j finding.Judgement, list []*found) {
	if len(list) == 0 {
		return
	}
	s.Heading(render.Text{}.Own(title(j, len(list))+": ", paint[j]).Own(explained[j], render.Plain), "-")
	for _, f := range list {
		s.Quote(pad(where(f), s.column-margin), s.v.lines(f))
		s.reasons(f)
	}
}

func (s screen) missing() {
	if len(s.v.missing) == 0 {
		return
	}
	s.Heading(render.Text{}.Own(leftOut+" ("+strconv.Itoa(len(s.v.missing))+"): ", render.Yellow).Own("what a reader needs and does not get", render.Plain), "-")
	for i := range s.v.missing {
		f := &s.v.missing[i]
		s.Hang(pad("-", s.column-margin), render.Text{}.Spans(f.Reason.Spans, render.Plain))
		s.evidence(f)
	}
}

func (s screen) reasons(f *found) {
	s.At(s.column, render.Text{}.Spans(f.Reason.Spans, render.Plain))
	s.evidence(f)
}

// evidence writes what a reason rests on, and what would be right.
func (s screen) evidence(f *found) {
	text := render.Text{}.Own("Evidence: ", render.Dim)
	for i, r := range f.refs {
		if i > 0 {
			text = text.Own(" ", render.Dim)
		}
		spans, url := because(r)
		text = text.Spans(spans, render.Dim)
		if url != "" {
			text = text.Own(" ", render.Dim).Link(url)
		}
	}
	s.At(s.column, text)
	for i, l := range strings.Split(strings.Trim(f.Suggestion, "\n"), "\n") {
		switch {
		case l == "":
		case i == 0:
			s.At(s.column, render.Text{}.Own(suggests(f)+" ", render.Bold).Own(l, render.Plain))
		default:
			s.At(s.column, render.Text{}.Own(l, render.Plain))
		}
	}
	s.Blank()
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(1, n-len(s))) }
