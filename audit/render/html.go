package render

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report/render"
)

//go:embed html.tmpl
var htmlSource string

//go:embed html.css
var htmlStyle string

var htmlParts = sync.OnceValue(func() *template.Template { return render.HTML(htmlSource) })

// signs stand beside the colour of a judgement.
var signs = map[finding.Judgement]string{
	finding.Harmful: "!!", finding.Broken: "\u2717", finding.Contradicted: "\u2260",
	finding.Unsupported: "?", finding.Unchecked: "\u2013", finding.Supported: "\u2713",
}

// What the templates see: everything looked up, nothing escaped.
type (
	htmlPage struct {
		Name           string
		Headline, Rest string
		Basis          []evidence.Span
		Judgements     []htmlJudgement
		Missing        []htmlNote
		Escaped        string // a note, when characters of the report cannot be seen
	}
	// htmlJudgement is a row of the legend, and how the rest names a judgement.
	htmlJudgement struct {
		Class, Sign, Label, Means string // Class is one of ours
		Count                     int
		At                        []htmlAt
	}
	htmlAt   struct{ Number, Line int }
	htmlNote struct {
		htmlJudgement
		Number     int
		Reason     []evidence.Span
		Evidence   []htmlEvidence
		Suggests   string   // what leads to the suggestion
		Suggestion []string // lines
	}
	htmlEvidence struct {
		Spans []evidence.Span
		URL   string
	}
	htmlLine struct {
		Number            int
		Parts             []htmlPart
		Notes             []htmlNote
		Unchecked, Holds  []htmlNote
		UncheckedN, HoldN string // how many, in words
	}
	// htmlPart is a run of the line, and the notes on claims that end there.
	htmlPart struct {
		Text   string
		Marked bool
		Hint   string
		htmlJudgement
		Refs []htmlRef
	}
	htmlRef struct {
		htmlJudgement
		Number int
	}
)

func judgement(j finding.Judgement) htmlJudgement {
	return htmlJudgement{Class: string(j), Sign: signs[j], Label: label[j], Means: explained[j]}
}

// writeHTML writes one self-contained page: no script, nothing loaded.
func writeHTML(w io.Writer, v *view, _ Options) error {
	p := htmlPage{Name: v.Name, Headline: v.headline(), Rest: v.rest(), Basis: v.basis()}
	for _, j := range worstFirst {
		row := judgement(j)
		row.Count = v.count[j]
		if j != finding.Supported && j != finding.Unchecked {
			for _, f := range v.judged(j) {
				row.At = append(row.At, htmlAt{f.number, f.place.line})
			}
		}
		p.Judgements = append(p.Judgements, row)
	}
	for i := range v.missing {
		p.Missing = append(p.Missing, note(&v.missing[i]))
	}
	if _, changed := render.Code(string(bytes.ReplaceAll(v.Report, []byte("\r\n"), []byte("\n")))); changed {
		p.Escaped = hiddenNote
	}
	run := func(name string, data any) error { return htmlParts().ExecuteTemplate(w, name, data) }
	if err := run("head", render.HeadOf("Audit of a report", htmlStyle)); err != nil {
		return err
	}
	if err := run("audit", p); err != nil {
		return err
	}
	if err := v.eachLine(func(l htmlLine) error { return run("line", l) }); err != nil {
		return err
	}
	if err := run("audit-end", p); err != nil {
		return err
	}
	return run("foot", nil)
}

func note(f *found) htmlNote {
	n := htmlNote{htmlJudgement: judgement(f.Judgement), Number: f.number, Reason: f.Reason.Spans, Suggests: suggests(f)}
	for _, r := range f.refs {
		spans, url := because(r)
		n.Evidence = append(n.Evidence, htmlEvidence{spans, url})
	}
	if s := strings.Trim(f.Suggestion, "\n"); s != "" {
		n.Suggestion = strings.Split(s, "\n")
	}
	return n
}

// eachLine cuts the report into lines, and those where claims begin and end.
func (v *view) eachLine(do func(htmlLine) error) error {
	active, next := []*found(nil), 0
	for number, start := 1, 0; start < len(v.Report); number++ {
		end, following := len(v.Report), len(v.Report)
		if i := bytes.IndexByte(v.Report[start:], '\n'); i >= 0 {
			end, following = start+i, start+i+1
		}
		if end > start && v.Report[end-1] == '\r' {
			end--
		}
		l := htmlLine{Number: number}
		first := next
		for next < len(v.found) && v.found[next].place.line <= number {
			next++
		}
		here := slices.Clone(active)
		for i := first; i < next; i++ {
			here = append(here, &v.found[i])
		}
		l.Parts = v.parts(start, end, number, here)
		active = active[:0]
		for _, f := range here {
			if f.place.endLine > number {
				active = append(active, f)
			} else {
				l.add(note(f), f.Judgement)
			}
		}
		l.UncheckedN, l.HoldN = foldedLine(finding.Unchecked, len(l.Unchecked)), foldedLine(finding.Supported, len(l.Holds))
		if err := do(l); err != nil {
			return err
		}
		start = following
	}
	return nil
}

func (l *htmlLine) add(n htmlNote, j finding.Judgement) {
	switch j {
	case finding.Supported:
		l.Holds = append(l.Holds, n)
	case finding.Unchecked:
		l.Unchecked = append(l.Unchecked, n)
	default:
		l.Notes = append(l.Notes, n)
	}
}

// parts cuts a line where claims begin and end. Where claims overlap, the
// shortest is shown: the others go on around it.
func (v *view) parts(start, end, number int, here []*found) []htmlPart {
	cuts := []int{start, end}
	from := func(f *found) int { return min(max(f.Start, start), end) }
	to := func(f *found) int { return min(max(f.End, start), end) }
	for _, f := range here {
		cuts = append(cuts, from(f), to(f))
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	byStart := slices.Clone(here)
	slices.SortStableFunc(byStart, func(a, b *found) int { return from(a) - from(b) })
	var parts []htmlPart
	var open []*found
	for i, at := range cuts {
		var refs []htmlRef
		for len(byStart) > 0 && from(byStart[0]) <= at {
			open, byStart = append(open, byStart[0]), byStart[1:]
		}
		open = slices.DeleteFunc(open, func(f *found) bool {
			if to(f) > at {
				return false
			}
			if f.place.endLine == number {
				refs = append(refs, htmlRef{judgement(f.Judgement), f.number})
			}
			return true
		})
		if len(parts) > 0 {
			parts[len(parts)-1].Refs = refs
		} else if len(refs) > 0 {
			parts = append(parts, htmlPart{Refs: refs})
		}
		if i+1 == len(cuts) {
			break
		}
		shown, _ := render.Code(string(v.Report[at:cuts[i+1]]))
		part := htmlPart{Text: shown}
		if f := innermost(open); f != nil {
			part.Marked, part.htmlJudgement = true, judgement(f.Judgement)
			part.Hint = render.Visible(label[f.Judgement] + ": " + f.Reason.Text())
		}
		parts = append(parts, part)
	}
	return parts
}

func innermost(open []*found) *found {
	var best *found
	for _, f := range open {
		if best == nil || f.End-f.Start < best.End-best.Start ||
			f.End-f.Start == best.End-best.Start && f.Judgement.Rank() > best.Judgement.Rank() {
			best = f
		}
	}
	return best
}
