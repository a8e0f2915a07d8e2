package render

import (
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

const (
	defaultWidth = 80
	leastWidth   = 40
	indent       = 2
)

// terminal writes text for a screen. All but headings and code is indented;
// code starts in the first column and is never wrapped, so that it can be
// copied as it is.
type terminal struct {
	out   out
	color bool
	width int
	any   bool
	n     numbers
	step  int
}

func newTerminal(o out, opt Options) *terminal {
	width := opt.Width
	if width == 0 {
		width = defaultWidth
	}
	return &terminal{out: o, color: opt.Color, width: max(width, leastWidth)}
}

func (t *terminal) begin(about *overview) {
	if about != nil {
		t.part([]evidence.Span{own(inputHead)})
		t.lines(about)
	}
}

func (t *terminal) end(about *overview) {
	if about == nil {
		return
	}
	t.part([]evidence.Span{own(inputHead)})
	t.lines(about)
	if len(about.Broken) == 0 {
		return
	}
	t.paragraph([]piece{{about.BrokenLine(), plain}})
	for _, b := range about.Broken {
		where := append(pieces([]evidence.Span{value(b.File)}, plain), piece{", line " + strconv.Itoa(b.Line) + ": ", plain})
		t.hang("- ", append(where, valuePiece(b.Reason)))
	}
	t.out.put("\n")
}

func (t *terminal) lines(about *overview) {
	for _, l := range about.Lines {
		t.wrapped(indent, pieces(l, plain))
	}
	if len(about.Lines) > 0 {
		t.out.put("\n")
	}
}

func (t *terminal) part(title []evidence.Span) {
	if t.any {
		t.out.put(strings.Repeat("=", t.width), "\n\n")
	}
	t.any = true
	t.heading(title, "=")
}

// heading underlines a title; only its first line starts in the first column,
// where a value could pass for another heading.
func (t *terminal) heading(title []evidence.Span, rule string) {
	widest := 0
	for i, l := range wrap(pieces(title, bold), t.width-indent) {
		if i > 0 {
			t.out.put(blanks(indent))
			l.width += indent
		}
		t.paint(l)
		t.out.put("\n")
		widest = max(widest, l.width)
	}
	t.out.put(strings.Repeat(rule, widest), "\n\n")
}

func (t *terminal) document(d *report.Document, n numbers) error {
	t.n, t.step = n, 0
	t.part(titleSpans(d))
	if !d.Headline.Empty() {
		t.paragraph(t.statement(d.Headline, bold))
	}
	verdict, confidence, severity := verdictParts(d)
	t.wrapped(indent, []piece{{verdict + " " + confidence + " ", bold}, {severity, severityStyle(d.Severity)}})
	t.wrapped(indent, pieces(alertsLine(d.Alerts), plain))
	if d.Alerts.Count > 1 && !d.Alerts.Why.Empty() {
		t.wrapped(indent, t.statement(d.Alerts.Why, plain))
	}
	t.out.put("\n")
	for _, s := range d.Sections {
		t.heading([]evidence.Span{own(s.Title)}, "-")
		for _, b := range s.Blocks {
			t.block(b)
		}
	}
	return t.out.err()
}

func (t *terminal) block(b report.Block) {
	switch b := b.(type) {
	case report.Heading:
		t.paragraph([]piece{{strings.ToUpper(prose(b.Text)), bold}})
	case report.Paragraph:
		t.paragraph(t.sentences(b.Statements))
	case report.List:
		t.list(b)
	case report.Table:
		t.table(b)
	case report.Timeline:
		t.chart(b)
		t.timeline(b)
	case report.Tree:
		t.tree(b)
	case report.Steps:
		t.steps(b)
	case report.References:
		t.references(b)
	}
}

func (t *terminal) statement(s evidence.Statement, base style) []piece {
	all := pieces(s.Spans, base)
	if found := t.n.of(s); len(found) > 0 {
		all = append(all, piece{glue + "[" + joinNumbers(found) + "]", dim})
	}
	return all
}

func (t *terminal) sentences(list []evidence.Statement) []piece {
	var all []piece
	for _, s := range list {
		if s.Empty() {
			continue
		}
		if len(all) > 0 {
			all = append(all, piece{" ", plain})
		}
		all = append(all, t.statement(s, plain)...)
	}
	return all
}

func (t *terminal) list(b report.List) {
	number := 0
	for _, s := range b.Items {
		if s.Empty() {
			continue
		}
		number++
		marker := "- "
		if b.Ordered {
			marker = strconv.Itoa(number) + ". "
		}
		t.hang(marker, t.statement(s, plain))
	}
	if number > 0 {
		t.out.put("\n")
	}
}

func (t *terminal) references(b report.References) {
	last := 0
	for _, r := range b.Items {
		last = max(last, r.Number)
	}
	for _, r := range b.Items {
		mark := "[" + strconv.Itoa(r.Number) + "] "
		text := pieces(refersTo(r), plain)
		if url := webAddress(r); url != "" {
			text = append(text, piece{" ", plain}, piece{url, link})
		}
		t.hang(blanks(len("[] ")+len(strconv.Itoa(last))-len(mark))+mark, text)
	}
	if len(b.Items) > 0 {
		t.out.put("\n")
	}
}

func (t *terminal) openList(title string) {
	t.part([]evidence.Span{own(title)})
	if t.width >= threeFrom {
		t.cells(listColumns(t.width), [][]piece{{{"Severity", bold}}, {{"Verdict", bold}}, {{"Alerts", bold}}, {{"What", bold}}})
	}
}

// listColumns is fixed, as the rows stream.
func listColumns(width int) []int {
	const severity, verdict, alerts = 13, 13, 7
	return []int{severity, verdict, alerts, width - severity - verdict - alerts - indent - 3*gap}
}

func (t *terminal) listed(d *report.Document) error {
	severity := piece{wordOf(report.SeverityWords, d.Severity), severityStyle(d.Severity)}
	verdict := wordOf(report.VerdictWords, d.Verdict.Class)
	what := pieces(listedLine(d), plain)
	if t.width < threeFrom {
		line := []piece{severity, {", " + verdict + ", " + count(d.Alerts.Count, "alert", "alerts") + ": ", plain}}
		t.hang("- ", append(line, what...))
	} else {
		t.cells(listColumns(t.width), [][]piece{{severity}, {{verdict, plain}}, {{strconv.Itoa(d.Alerts.Count), plain}}, what})
	}
	return nil
}

func (t *terminal) closeList() { t.out.put("\n") }
