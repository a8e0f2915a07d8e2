package render

import (
	"io"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// HTMLStyle is the style sheet of HTML reports, for pages that hold one; see
// HTMLArticle.
func HTMLStyle() string { return htmlStyle }

// HTMLArticle writes a report as one HTML article without script or style of
// its own, for a page that has HTMLStyle. alertPage returns the address of the
// page of an alert that the report refers to, "" when it has none.
func HTMLArticle(w io.Writer, d *report.Document, alertPage func(ref string) string) error {
	if err := checkEvidence(d); err != nil {
		return err
	}
	view := htmlDocumentOf(d, numbersOf(d))
	for i, s := range d.Sections {
		for j, b := range s.Blocks {
			refs, ok := b.(report.References)
			if !ok {
				continue
			}
			for k, r := range refs.Items {
				if r.Evidence.Kind == evidence.Alert {
					view.Sections[i].Blocks[j].References[k].URL = alertPage(r.Evidence.Ref)
				}
			}
		}
	}
	return htmlParts().ExecuteTemplate(w, "document", view)
}

// VisibleText is Visible for text of several lines: lines, tabs and backslashes
// stay. changed reports whether something had to be escaped, so that what is
// shown is not the exact text.
func VisibleText(s string) (shown string, changed bool) { return code(s) }
