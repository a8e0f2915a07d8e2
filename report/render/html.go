package render

import (
	_ "embed"
	"html/template"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/report"
)

//go:embed html.tmpl
var htmlSource string

//go:embed svg.tmpl
var svgSource string

//go:embed html.css
var htmlStyle string

// htmlParts are the pieces that are written one after another; each ends where
// text may stand, so the escaping of the next is right.
var htmlParts = sync.OnceValue(func() *template.Template { return HTML("") })

// HTML returns the templates of reports, such as head, foot, spans and value,
// and those that more defines.
func HTML(more string) *template.Template {
	return template.Must(template.New("html").Funcs(template.FuncMap{
		"shown": Visible,
		"prose": prose,
		"lower": strings.ToLower,
	}).Parse(htmlSource + svgSource + more))
}

// Head is what the template head needs.
type Head struct {
	Title string
	Style template.CSS
}

// HeadOf returns the head of a page with our style and, below it, more, which
// must be our own.
func HeadOf(title, more string) Head { return Head{title, template.CSS(htmlStyle + more)} }

// page writes one self-contained HTML file: no script, nothing loaded.
type page struct {
	out   out
	links bool // the rows of the open list lead to reports
	err   error
}

func (p *page) part(name string, data any) {
	if p.err == nil {
		p.err = htmlParts().ExecuteTemplate(p.out, name, data)
	}
}

func (p *page) begin(about *overview) {
	p.part("head", HeadOf("Alert Analysis Report", ""))
	if about != nil {
		p.part("overview", about)
	}
}

func (p *page) document(d *report.Document, n numbers) error {
	p.part("document", htmlDocumentOf(d, n))
	return p.err
}

func (p *page) openList(title string) {
	p.links = title == allReports
	p.part("open-list", htmlList{title, p.links})
}

func (p *page) listed(d *report.Document) error {
	e := htmlEntry{Severity: htmlSeverityOf(d.Severity), Verdict: wordOf(report.VerdictWords, d.Verdict.Class),
		Count: d.Alerts.Count, Headline: merged(listedLine(d))}
	if p.links {
		e.Anchor = anchorWord(d.ID)
	}
	p.part("listed", e)
	return p.err
}

func (p *page) closeList() { p.part("close-list", nil) }

func (p *page) end(about *overview) {
	if about != nil {
		p.part("overview", about)
	}
	p.part("foot", nil)
}
