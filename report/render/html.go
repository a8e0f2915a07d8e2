package render

import (
	_ "embed"
	"html/template"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

//go:embed html.tmpl
var htmlSource string

//go:embed html.css
var htmlStyle string

// htmlParts are the pieces that are written one after another; each ends where
// text may stand, so the escaping of the next is right.
var htmlParts = template.Must(template.New("html").Funcs(template.FuncMap{
	"shown": Visible,
	"prose": prose,
	"lower": strings.ToLower,
}).Parse(htmlSource))

// page writes one self-contained HTML file: no script, nothing loaded.
type page struct {
	out      out
	index    []htmlEntry
	promised bool // the overview links to the index
	err      error
}

// htmlEntry is one line of the index at the end of the page.
type htmlEntry struct {
	Anchor   string
	Severity htmlSeverity
	Verdict  string
	Count    int
	Headline []evidence.Span
}

func (p *page) part(name string, data any) {
	if p.err == nil {
		p.err = htmlParts.ExecuteTemplate(p.out, name, data)
	}
}

func (p *page) begin(about *overview) {
	p.part("head", template.CSS(htmlStyle)) // our own embedded file
	if about != nil {
		p.promised = about.Reports > 1
		p.part("overview", htmlOverview{overview: about, Index: p.promised})
	}
}

func (p *page) document(d *report.Document, n numbers) error {
	view := htmlDocumentOf(d, n)
	p.index = append(p.index, entryOf(d, view.Anchor))
	p.part("document", view)
	return p.err
}

func entryOf(d *report.Document, anchor string) htmlEntry {
	return htmlEntry{anchor, htmlSeverityOf(d.Severity), wordOf(verdictWords, d.Verdict.Class), d.Alerts.Count, merged(d.Headline.Spans)}
}

func (p *page) openList() { p.part("open-list", alsoSeen) }

func (p *page) listed(d *report.Document) error {
	p.part("listed", entryOf(d, ""))
	return p.err
}

func (p *page) closeList() { p.part("close-list", nil) }

func (p *page) end(about *overview) {
	if about != nil {
		p.part("overview", htmlOverview{overview: about})
	}
	if p.promised || len(p.index) > 1 {
		p.part("index", p.index)
	}
	p.part("foot", nil)
}
