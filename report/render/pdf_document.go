package render

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// newNowhere takes what stream writes of its own: nothing.
func newNowhere() *bufio.Writer { return bufio.NewWriterSize(io.Discard, 16) }

func (p *pdf) begin(about *overview) { p.about(about) }

func (p *pdf) end(about *overview) { p.about(about) }

func (p *pdf) about(about *overview) {
	if about == nil {
		return
	}
	p.start()
	p.heading(inputHead, 1)
	for _, line := range about.Lines {
		p.flow(p.runs(line, pdfBody), 1)
	}
	if len(about.Broken) == 0 {
		return
	}
	p.flow([]pdfRun{p.own(about.BrokenLine(), pdfBody)}, 1)
	var rows []pdfRow
	for _, b := range about.Broken {
		rows = append(rows, pdfRow{p.runs([]evidence.Span{value(b.File)}, pdfSmall), {p.own(strconv.Itoa(b.Line), pdfSmall)}, p.runs([]evidence.Span{value(b.Reason)}, pdfSmall)})
	}
	p.table([]string{"File", "Line", "Reason"}, []float64{2, 0.6, 4}, rows)
}

// heading writes a heading of a level from 0, for a document, and puts it into
// the outline.
func (p *pdf) heading(title string, level int) {
	style, before, after, keep := pdfBold, 4.0, 1.6, 22.0
	switch level {
	case 0:
		style.size, style.colour, before, after = 11, pdfSoft, 0, 1.2
	case 1:
		style.size, before, after = 14, 7, 2
	case 2:
		style.size = 11
	default:
		style.size, before, after, keep = 9.5, 3, 1, 15
	}
	p.gap(before)
	p.room(keep)
	if level < 3 {
		p.use(style)
		p.f.Bookmark(p.fits(prose(title), pdfSans), level, p.y)
	}
	p.flow([]pdfRun{p.own(title, style)}, after)
	if level == 1 {
		p.y -= 1
		p.rule(pdfLine)
		p.y += 2.2
	}
}

func (p *pdf) document(d *report.Document, n numbers) error {
	first := p.f == nil
	p.start()
	if !first && p.y > pdfTop {
		p.page()
	}
	p.n, p.step, p.links = n, 0, map[int]int{}
	for _, number := range n {
		p.links[number] = p.f.AddLink()
	}
	if p.title == "" {
		p.title = p.fits(plainWords(d.Headline.Spans, 300), pdfSans)
		if d.Headline.Empty() {
			p.title = p.fits(Visible(d.Title), pdfSans)
		}
	}
	if d.Alerts.Last.After(p.last) {
		p.last = d.Alerts.Last
	}
	p.heading(Visible(d.Title), 0)
	if !d.Headline.Empty() {
		style := pdfBold
		style.size = 17
		p.flow(p.statement(d.Headline, style), 2.5)
	}
	verdict, confidence, severity := verdictParts(d)
	toned := pdfBold
	if c, ok := severityColours[d.Severity]; ok {
		toned.colour = c
	}
	p.flow([]pdfRun{p.own(verdict+"   "+confidence+"   ", pdfBold), p.own(severity, toned)}, 2)
	p.flow(append(append(p.runs(alertsLine(d.Alerts), pdfBody), pdfRun{text: " ", style: pdfBody}), p.why(d)...), 2)
	for _, s := range d.Sections {
		p.heading(s.Title, 1)
		for _, b := range s.Blocks {
			p.block(b)
		}
	}
	return p.f.Error()
}

func (p *pdf) why(d *report.Document) []pdfRun {
	if d.Alerts.Count < 2 || d.Alerts.Why.Empty() {
		return nil
	}
	return p.statement(d.Alerts.Why, pdfBody)
}

func (p *pdf) block(b report.Block) {
	switch b := b.(type) {
	case report.Heading:
		p.heading(b.Text, 2)
	case report.Paragraph:
		p.flow(p.statements(b.Statements, pdfBody), 2.5)
	case report.List:
		p.items(b)
	case report.Table:
		var rows []pdfRow
		for _, r := range b.Rows {
			v := p.runs([]evidence.Span{value(r.Value)}, pdfSmall)
			if r.Null {
				v = []pdfRun{p.own(nullValue, pdfSmall)}
			}
			rows = append(rows, pdfRow{{pdfRun{text: p.fits(Visible(r.Field), pdfMono), style: pdfCode}}, v, p.statement(r.Meaning, pdfSmallInk())})
		}
		p.table([]string{"Field", "Value", "Meaning"}, []float64{2.3, 3.2, 3.6}, rows)
	case report.Timeline:
		p.timeline(b)
	case report.Tree:
		p.tree(b)
	case report.Steps:
		p.steps(b)
	case report.References:
		p.references(b)
	}
}

func pdfSmallInk() pdfStyle {
	s := pdfSmall
	s.colour = pdfInk
	return s
}

func (p *pdf) items(b report.List) {
	number := 0
	for _, s := range b.Items {
		if s.Empty() {
			continue
		}
		number++
		marker := "•"
		if b.Ordered {
			marker = strconv.Itoa(number) + "."
		}
		p.marked(marker, 5, p.statement(s, pdfBody))
	}
	p.y += 1.5
}

// marked writes runs with a mark to their left.
func (p *pdf) marked(marker string, by float64, runs []pdfRun) {
	p.room(lineHeight(pdfBody.size) * 2)
	mark := p.wrap([]pdfRun{p.own(marker, pdfBody)}, by)
	p.draw(mark[0], p.x, p.y)
	p.indented(by, func() { p.flow(runs, 1) })
}

func (p *pdf) timeline(b report.Timeline) {
	if t := drawTimeline(b, "pdf"); t != nil {
		p.chart(t)
	}
	var rows []pdfRow
	for i, r := range b.Rows {
		cells := momentCells(r)
		rows = append(rows, pdfRow{{p.own(strconv.Itoa(i+1), pdfSmall)}, {p.own(momentWhen(r), pdfSmallInk())},
			p.statement(cells[0], pdfSmallInk()), p.runs(cells[1].Spans, pdfSmallInk()), p.runs(cells[2].Spans, pdfSmallInk())})
	}
	p.table(append([]string{"Row"}, momentColumns...), []float64{0.5, 1.6, 3, 3.4, 1.4}, rows)
}

func (p *pdf) tree(b report.Tree) {
	for _, x := range b.Items {
		p.indented(4*float64(min(x.Depth, treeDepth)), func() { p.marked("–", 3.5, p.runs(x.Say.Spans, pdfBody)) })
	}
	p.y += 1.5
}

func (p *pdf) steps(b report.Steps) {
	if len(b.Items) == 0 {
		return
	}
	p.heading(b.Title, 2)
	for _, s := range b.Items {
		p.step++
		number := strconv.Itoa(p.step) + ". "
		if s.Title == "" {
			p.gap(1.5)
			p.flow(append([]pdfRun{p.own(number, pdfBold)}, p.statements([]evidence.Statement{s.Say}, pdfBody)...), 1.5)
		} else {
			p.heading(number+s.Title, 3)
			p.flow(p.statements([]evidence.Statement{s.Say}, pdfBody), 1.5)
		}
		p.indented(5, func() {
			p.facts(s)
			p.codes("", s.Code)
			p.flow(p.statements(s.Expect, pdfBody), 1.5)
			p.codes("Check", s.Check)
			p.codes("Undo", s.Undo)
		})
	}
}

func (p *pdf) facts(s report.Step) {
	fact := func(name string, runs []pdfRun) {
		if len(runs) > 0 {
			p.flow(append([]pdfRun{p.own(name+": ", pdfBold)}, runs...), 0.8)
		}
	}
	if s.Fit != "" {
		fact("Here", append([]pdfRun{p.own(wordOf(fitWords, s.Fit)+" ", pdfBody)}, p.statements([]evidence.Statement{s.FitReason}, pdfBody)...))
	}
	fact("Needs", p.statements(s.Needs, pdfBody))
	fact("Side effects", p.statements(s.Effects, pdfBody))
	if s.Control != "" {
		fact("Control", p.runs([]evidence.Span{value(s.Control)}, pdfBody))
	}
}

func (p *pdf) codes(title string, list []report.Code) {
	for i, c := range list {
		lead := p.statements([]evidence.Statement{c.Note}, pdfBody)
		if i == 0 && title != "" {
			lead = append([]pdfRun{p.own(title+": ", pdfBold)}, lead...)
		}
		p.flow(lead, 0.8)
		text, changed := code(c.Text)
		fitted := p.fits(text, pdfMono)
		if changed || fitted != text {
			p.flow([]pdfRun{p.own(codeNote, pdfBold)}, 0.8)
		}
		p.code(strings.TrimSuffix(strings.ReplaceAll(fitted, "\t", "    "), "\n"))
	}
}

// code writes lines on a tinted ground; one that is too long goes on in the next
// with a mark at its edge.
func (p *pdf) code(text string) {
	p.y += 0.5
	height := lineHeight(pdfCode.size)
	for l := range strings.SplitSeq(text, "\n") {
		for i, part := range p.wrap([]pdfRun{{text: l, style: pdfCode}}, p.wide-7) {
			p.room(height + 1)
			p.f.SetFillColor(243, 245, 247)
			p.f.Rect(p.x, p.y, p.wide, height+0.1, "F")
			if i > 0 {
				p.draw(p.wrap([]pdfRun{{text: "»", style: pdfSmall}}, 5)[0], p.x+0.8, p.y)
			}
			p.draw(part, p.x+3, p.y)
			p.y += height
		}
	}
	p.y += 2.5
}

func (p *pdf) references(b report.References) {
	for _, r := range b.Items {
		p.room(lineHeight(pdfSmall.size))
		if link := p.links[r.Number]; link != 0 {
			p.f.SetLink(link, p.y, p.f.PageNo())
		}
		runs := p.runs(refersTo(r), pdfSmallInk())
		if url := webAddress(r); url != "" {
			style := pdfSmall
			style.colour = [3]int{11, 87, 176}
			runs = append(runs, pdfRun{text: " ", style: pdfSmall}, pdfRun{text: url, style: style, url: url})
		}
		mark := p.wrap([]pdfRun{p.own("["+strconv.Itoa(r.Number)+"]", pdfSmall)}, 9)
		p.draw(mark[0], p.x, p.y)
		p.indented(9, func() { p.flow(runs, 0.8) })
	}
	p.y += 2
}

func (p *pdf) openList(title string) {
	p.start()
	p.heading(title, 1)
	p.list = nil
}

func (p *pdf) listed(d *report.Document) error {
	p.list = append(p.list, pdfRow{{p.own(wordOf(report.SeverityWords, d.Severity), pdfSmallInk())}, {p.own(wordOf(report.VerdictWords, d.Verdict.Class), pdfSmallInk())},
		{p.own(strconv.Itoa(d.Alerts.Count), pdfSmallInk())}, p.runs(listedLine(d), pdfSmallInk())})
	if p.title == "" {
		p.title = allReports
	}
	return nil
}

func (p *pdf) closeList() {
	p.table([]string{"Severity", "Verdict", "Alerts", "What"}, []float64{1, 1.1, 0.6, 5}, p.list)
	p.list = nil
}
