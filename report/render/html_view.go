package render

import (
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// The types below are what the template sees: everything looked up, nothing
// escaped.
type (
	htmlList struct {
		Title string
		Index bool
	}
	// htmlEntry is one row of a list; Anchor is "" if it leads nowhere.
	htmlEntry struct {
		Anchor   string
		Severity htmlSeverity
		Verdict  string
		Count    int
		Headline []evidence.Span
	}
	htmlSeverity struct {
		Class string // one of ours, never text of a document
		Label string
	}
	htmlDocument struct {
		Anchor                        string
		Title                         []evidence.Span
		Headline, Why                 htmlText
		Verdict, Confidence, OurWords string
		Severity                      htmlSeverity
		Alerts                        []evidence.Span
		Sections                      []htmlSection
	}
	htmlSection struct {
		Anchor, Title string
		Blocks        []htmlBlock
	}
	// htmlBlock has one of its parts set.
	htmlBlock struct {
		Heading    string
		Paragraph  []htmlText
		List       []htmlText
		Ordered    bool
		Table      []htmlRow
		Timeline   []htmlMoment
		Chart      *svgTimeline // of Timeline, nil without
		Tree       []htmlBranch
		Drawing    *svgTree // of Tree, nil without
		Steps      *htmlSteps
		References []htmlReference
	}
	htmlText struct {
		Spans []evidence.Span
		Cites []htmlCite
	}
	htmlCite struct {
		Number int
		Anchor string
	}
	htmlRow struct {
		Field, Value string
		Null         bool
		Meaning      htmlText
	}
	htmlMoment struct {
		Number              int
		When                string
		What, Process, User htmlText
	}
	htmlBranch struct {
		Depth int
		Say   htmlText
	}
	htmlSteps struct {
		Title string
		Items []htmlStep
	}
	htmlStep struct {
		Number                 int
		Title, Control         string
		Fit                    string
		Say, FitReason         htmlText
		Needs, Effects, Expect []htmlText
		Code, Check, Undo      []htmlCode
		HasFacts               bool
	}
	htmlCode struct {
		Language, Text string
		Warning        string
		Note           htmlText
	}
	htmlReference struct {
		Number int
		Anchor string
		Spans  []evidence.Span
		URL    string
	}
)

var severityClasses = map[string]string{
	"critical": "critical", "high": "high", "medium": "medium", "low": "low", "info": "info",
}

func htmlSeverityOf(s string) htmlSeverity {
	return htmlSeverity{severityClasses[s], wordOf(report.SeverityWords, s)}
}

// htmlBuilder turns one document into its view.
type htmlBuilder struct {
	anchor string
	n      numbers
	step   int
	drawn  int
}

func htmlDocumentOf(d *report.Document, n numbers) htmlDocument {
	h := htmlBuilder{anchor: anchorWord(d.ID), n: n}
	view := htmlDocument{
		Anchor: h.anchor, Title: titleSpans(d), Headline: h.text(d.Headline),
		Severity: htmlSeverityOf(d.Severity), Alerts: merged(alertsLine(d.Alerts)),
	}
	view.Verdict, view.Confidence, view.OurWords = verdictParts(d)
	if d.Alerts.Count > 1 {
		view.Why = h.text(d.Alerts.Why)
	}
	for _, s := range d.Sections {
		section := htmlSection{Anchor: h.anchor + "-" + anchorWord(s.ID), Title: s.Title}
		for _, b := range s.Blocks {
			section.Blocks = append(section.Blocks, h.block(b))
		}
		view.Sections = append(view.Sections, section)
	}
	return view
}

func (h *htmlBuilder) block(b report.Block) htmlBlock {
	switch b := b.(type) {
	case report.Heading:
		return htmlBlock{Heading: b.Text}
	case report.Paragraph:
		return htmlBlock{Paragraph: h.texts(b.Statements)}
	case report.List:
		return htmlBlock{List: h.texts(b.Items), Ordered: b.Ordered}
	case report.Table:
		return htmlBlock{Table: h.rows(b)}
	case report.Timeline:
		return htmlBlock{Timeline: h.timeline(b), Chart: drawTimeline(b, h.drawing())}
	case report.Tree:
		return htmlBlock{Tree: h.tree(b), Drawing: drawTree(b, h.drawing())}
	case report.Steps:
		return htmlBlock{Steps: h.steps(b)}
	case report.References:
		return htmlBlock{References: h.references(b)}
	}
	return htmlBlock{}
}

func (h *htmlBuilder) text(s evidence.Statement) htmlText {
	t := htmlText{Spans: merged(s.Spans)}
	for _, n := range h.n.of(s) {
		t.Cites = append(t.Cites, htmlCite{n, h.referenceAnchor(n)})
	}
	return t
}

func (h *htmlBuilder) texts(list []evidence.Statement) []htmlText {
	var all []htmlText
	for _, s := range list {
		if !s.Empty() {
			all = append(all, h.text(s))
		}
	}
	return all
}

func (h *htmlBuilder) rows(b report.Table) []htmlRow {
	rows := make([]htmlRow, len(b.Rows))
	for i, r := range b.Rows {
		rows[i] = htmlRow{r.Field, r.Value, r.Null, h.text(r.Meaning)}
	}
	return rows
}

func (h *htmlBuilder) timeline(b report.Timeline) []htmlMoment {
	rows := make([]htmlMoment, len(b.Rows))
	for i, r := range b.Rows {
		cells := momentCells(r)
		rows[i] = htmlMoment{i + 1, momentWhen(r), h.text(cells[0]), htmlText{Spans: merged(cells[1].Spans)}, htmlText{Spans: merged(cells[2].Spans)}}
	}
	return rows
}

func (h *htmlBuilder) tree(b report.Tree) []htmlBranch {
	rows := make([]htmlBranch, len(b.Items))
	for i, x := range b.Items {
		rows[i] = htmlBranch{min(x.Depth, treeDepth), htmlText{Spans: merged(x.Say.Spans)}}
	}
	return rows
}

func (h *htmlBuilder) steps(b report.Steps) *htmlSteps {
	if len(b.Items) == 0 {
		return nil
	}
	view := htmlSteps{Title: b.Title}
	for _, s := range b.Items {
		h.step++
		step := htmlStep{
			Number: h.step, Title: s.Title, Control: s.Control, Say: h.text(s.Say),
			Needs: h.texts(s.Needs), Effects: h.texts(s.Effects), Expect: h.texts(s.Expect), FitReason: h.text(s.FitReason),
			Code: h.codes(s.Code), Check: h.codes(s.Check), Undo: h.codes(s.Undo),
		}
		if s.Fit != "" {
			step.Fit = wordOf(fitWords, s.Fit)
		}
		step.HasFacts = len(step.Needs)+len(step.Effects)+len(step.Fit)+len(step.Control) > 0
		view.Items = append(view.Items, step)
	}
	return &view
}

func (h *htmlBuilder) codes(list []report.Code) []htmlCode {
	all := make([]htmlCode, len(list))
	for i, c := range list {
		text, changed := code(c.Text)
		all[i] = htmlCode{Language: infoWord(c.Language), Text: strings.TrimSuffix(text, "\n"), Note: h.text(c.Note)}
		if changed {
			all[i].Warning = codeNote
		}
	}
	return all
}

func (h *htmlBuilder) references(b report.References) []htmlReference {
	all := make([]htmlReference, len(b.Items))
	for i, r := range b.Items {
		all[i] = htmlReference{r.Number, h.referenceAnchor(r.Number), merged(refersTo(r)), webAddress(r)}
	}
	return all
}

// drawing is the id of the next drawing.
func (h *htmlBuilder) drawing() string {
	h.drawn++
	return h.anchor + "-d" + strconv.Itoa(h.drawn)
}

func (h *htmlBuilder) referenceAnchor(n int) string { return h.anchor + "-e" + strconv.Itoa(n) }

// anchorWord makes of an id of ours what may stand in an id attribute.
func anchorWord(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, id)
}
