package render

import (
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// markdown writes GitHub-flavoured markdown without any raw HTML.
type markdown struct {
	out  out
	any  bool // something stands above
	n    numbers
	step int
}

func (m *markdown) begin(about *overview) {
	if about != nil {
		m.part([]evidence.Span{own(inputHead)})
		m.lines(about)
	}
}

func (m *markdown) end(about *overview) {
	if about == nil {
		return
	}
	m.part([]evidence.Span{own(inputHead)})
	m.lines(about)
	if len(about.Broken) == 0 {
		return
	}
	m.paragraph(about.BrokenLine())
	m.out.put("| File | Line | Reason |\n| --- | ---: | --- |\n")
	for _, b := range about.Broken {
		m.row(mdValue(b.File, true), strconv.Itoa(b.Line), mdValue(b.Reason, true))
	}
	m.out.put("\n")
}

func (m *markdown) lines(about *overview) {
	var all []evidence.Span
	for _, line := range about.Lines {
		all = append(append(all, line...), own(" "))
	}
	m.paragraph(mdText(all, mdBlock))
}

// part starts a top heading, ruled off from what stands above.
func (m *markdown) part(title []evidence.Span) {
	if m.any {
		m.out.put("---\n\n")
	}
	m.any = true
	m.out.put("# ", mdText(title, mdInline), "\n\n")
}

func (m *markdown) document(d *report.Document, n numbers) error {
	m.n, m.step = n, 0
	m.part(titleSpans(d))
	if !d.Headline.Empty() {
		m.paragraph("**" + mdText(d.Headline.Spans, mdInline) + "**" + m.cite(d.Headline))
	}
	verdict, confidence, severity := verdictParts(d)
	m.paragraph("**" + mdText([]evidence.Span{own(verdict + " " + confidence + " " + severity)}, mdInline) + "**")
	m.paragraph(mdText(alertsLine(d.Alerts), mdBlock))
	if d.Alerts.Count > 1 && !d.Alerts.Why.Empty() {
		m.paragraph(m.statement(d.Alerts.Why, mdBlock))
	}
	for _, s := range d.Sections {
		m.heading(2, s.Title)
		for _, b := range s.Blocks {
			m.block(b)
		}
	}
	return m.out.err()
}

func (m *markdown) block(b report.Block) {
	switch b := b.(type) {
	case report.Heading:
		m.heading(3, b.Text)
	case report.Paragraph:
		m.paragraph(m.sentences(b.Statements, mdBlock))
	case report.List:
		m.list(b)
	case report.Table:
		m.table(b)
	case report.Timeline:
		m.timeline(b)
	case report.Tree:
		m.tree(b)
	case report.Steps:
		m.steps(b)
	case report.References:
		m.references(b)
	}
}

func (m *markdown) heading(level int, title string) {
	m.out.put(strings.Repeat("#", level), " ", mdText([]evidence.Span{own(title)}, mdInline), "\n\n")
}

func (m *markdown) paragraph(text string) {
	if text != "" {
		m.out.put(text, "\n\n")
	}
}

func (m *markdown) statement(s evidence.Statement, where mdPlace) string {
	return mdText(s.Spans, where) + m.cite(s)
}

func (m *markdown) sentences(list []evidence.Statement, where mdPlace) string {
	var parts []string
	for _, s := range list {
		if !s.Empty() {
			parts = append(parts, m.statement(s, where))
			where &^= mdBlock
		}
	}
	return strings.Join(parts, " ")
}

func (m *markdown) cite(s evidence.Statement) string {
	if found := m.n.of(s); len(found) > 0 {
		return " [" + joinNumbers(found) + "]"
	}
	return ""
}

func (m *markdown) list(b report.List) {
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
		m.out.put(marker, m.statement(s, mdBlock), "\n")
	}
	if number > 0 {
		m.out.put("\n")
	}
}

func (m *markdown) row(cells ...string) {
	m.out.put("| ", strings.Join(cells, " | "), " |\n")
}

func (m *markdown) table(b report.Table) {
	if len(b.Rows) == 0 {
		return
	}
	m.out.put("| Field | Value | Meaning |\n| --- | --- | --- |\n")
	for _, r := range b.Rows {
		shown := mdValue(r.Value, true)
		if r.Null {
			shown = "*" + nullValue + "*"
		}
		m.row(mdValue(r.Field, true), shown, m.statement(r.Meaning, mdCell))
	}
	m.out.put("\n")
}

func (m *markdown) timeline(b report.Timeline) {
	if len(b.Rows) == 0 {
		return
	}
	m.row(momentColumns...)
	m.out.put("| --- | --- | --- | --- |\n")
	for _, r := range b.Rows {
		cells := []string{momentWhen(r)}
		for i, s := range momentCells(r) {
			if i == 0 {
				cells = append(cells, m.statement(s, mdCell))
			} else {
				cells = append(cells, mdText(s.Spans, mdCell))
			}
		}
		m.row(cells...)
	}
	m.out.put("\n")
}

func (m *markdown) tree(b report.Tree) {
	for _, x := range b.Items {
		m.out.put(strings.Repeat("  ", min(x.Depth, treeDepth)), "- ", mdText(x.Say.Spans, mdBlock), "\n")
	}
	if len(b.Items) > 0 {
		m.out.put("\n")
	}
}

func (m *markdown) references(b report.References) {
	for _, r := range b.Items {
		m.out.put("- [", strconv.Itoa(r.Number), "] ", mdText(refersTo(r), mdInline))
		if url := webAddress(r); url != "" {
			m.out.put(" <", url, ">")
		}
		m.out.put("\n")
	}
	if len(b.Items) > 0 {
		m.out.put("\n")
	}
}

func (m *markdown) openList(title string) {
	m.part([]evidence.Span{own(title)})
	m.out.put("| Severity | Verdict | Alerts | What |\n| --- | --- | ---: | --- |\n")
}

func (m *markdown) listed(d *report.Document) error {
	m.row(mdText([]evidence.Span{own(wordOf(report.SeverityWords, d.Severity))}, mdCell),
		mdText([]evidence.Span{own(wordOf(report.VerdictWords, d.Verdict.Class))}, mdCell),
		strconv.Itoa(d.Alerts.Count), mdText(listedLine(d), mdCell))
	return nil
}

func (m *markdown) closeList() { m.out.put("\n") }
