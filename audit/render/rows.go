package render

import (
	"slices"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
)

// Row is a finding for a page that shows them in its own way.
type Row struct {
	Line, Column int    // 0 for what is left out
	Words        string // of the report; hostile
	Judgement    finding.Judgement
	Label        string // of the judgement
	Reason       evidence.Statement
	Suggestion   string
}

// Rows returns the headline, the findings with the worst first, and what is left
// out. The error is that of Write.
func Rows(a *Audited, opt Options) (headline string, found, missing []Row, err error) {
	v, err := viewOf(a, opt)
	if err != nil {
		return "", nil, nil, err
	}
	for i := range v.found {
		f := &v.found[i]
		found = append(found, Row{f.place.line, f.place.column, v.words(f), f.Judgement, label[f.Judgement], f.Reason, f.Suggestion})
	}
	slices.SortStableFunc(found, func(x, y Row) int { return y.Judgement.Rank() - x.Judgement.Rank() })
	for i := range v.missing {
		f := &v.missing[i]
		missing = append(missing, Row{Judgement: f.Judgement, Label: leftOut, Reason: f.Reason, Suggestion: f.Suggestion})
	}
	return v.headline(), found, missing, nil
}
