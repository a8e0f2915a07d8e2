package render

import (
	"encoding/json"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

type (
	// jsonItem is one piece of evidence. A field's value is there even when
	// it is empty; a source has none.
	jsonItem      evidence.Evidence
	jsonStatement struct {
		Text     string     `json:"text"`
		Evidence []jsonItem `json:"evidence"`
		Under    string     `json:"under,omitempty"` // the heading in its section
	}
	// jsonStanding has null for new when earlier runs are not known.
	jsonStanding struct {
		New        *bool           `json:"new"`
		Rare       bool            `json:"rare"`
		Statements []jsonStatement `json:"statements"`
	}
	jsonVerdict struct {
		Class      string          `json:"class"`
		Confidence float64         `json:"confidence"`
		Reasons    []jsonStatement `json:"reasons"`
		Unknowns   []jsonStatement `json:"unknowns"`
	}
	jsonAlert struct {
		File string          `json:"file"`
		Line int             `json:"line"`
		UUID *string         `json:"uuid"`
		Rule json.RawMessage `json:"rule"`
		Time *string         `json:"time"`
		Why  json.RawMessage `json:"why"`
		// Repeat is set for an alert that had been delivered before.
		Repeat bool `json:"repeat"`
	}
	jsonReport struct {
		Title    string        `json:"title"`
		Sections []jsonSection `json:"sections"`
	}
	jsonSection struct {
		ID         string          `json:"id"`
		Title      string          `json:"title"`
		Statements []jsonStatement `json:"statements"`
		Table      []jsonRow       `json:"table,omitempty"`
		Timeline   []jsonMoment    `json:"timeline,omitempty"`
		Tree       []jsonBranch    `json:"tree,omitempty"`
		Steps      []jsonStep      `json:"steps,omitempty"`
		References []jsonReference `json:"references,omitempty"`
	}
	jsonRow struct {
		Field    string         `json:"field"`
		Value    *string        `json:"value"`
		Meaning  *jsonStatement `json:"meaning"`
		Evidence []jsonItem     `json:"evidence"`
	}
	jsonMoment struct {
		First   *string        `json:"first"`
		Last    *string        `json:"last"`
		Count   int            `json:"count"`
		What    *jsonStatement `json:"what"`
		Process *jsonStatement `json:"process"`
		User    *jsonStatement `json:"user"`
	}
	jsonBranch struct {
		Depth int            `json:"depth"`
		Say   *jsonStatement `json:"say"`
	}
	jsonStep struct {
		Group     string          `json:"group"`
		Title     string          `json:"title"`
		Control   string          `json:"control"`
		Say       *jsonStatement  `json:"say"`
		Needs     []jsonStatement `json:"needs"`
		Effects   []jsonStatement `json:"effects"`
		Code      []jsonCode      `json:"code"`
		Expect    []jsonStatement `json:"expect"`
		Check     []jsonCode      `json:"check"`
		Undo      []jsonCode      `json:"undo"`
		Fit       string          `json:"fit"`
		FitReason *jsonStatement  `json:"fit_reason"`
	}
	jsonCode struct {
		Language string         `json:"language"`
		Text     string         `json:"text"`
		Note     *jsonStatement `json:"note"`
	}
	jsonReference struct {
		Number   int      `json:"number"`
		Evidence jsonItem `json:"evidence"`
		Title    string   `json:"title,omitempty"`
		URL      string   `json:"url,omitempty"`
	}
)

func jsonReportOf(d *report.Document) jsonReport {
	r := jsonReport{Title: d.Title, Sections: []jsonSection{}}
	for _, s := range d.Sections {
		j := jsonSection{ID: s.ID, Title: s.Title, Statements: []jsonStatement{}}
		under := ""
		for _, b := range s.Blocks {
			if h, ok := b.(report.Heading); ok {
				under = h.Text
				continue
			}
			j.add(b, under)
			under = ""
		}
		r.Sections = append(r.Sections, j)
	}
	return r
}

func (i jsonItem) MarshalJSON() ([]byte, error) {
	if i.Kind == evidence.Source && i.Value == "" {
		return json.Marshal(struct {
			Kind evidence.Kind `json:"kind"`
			Ref  string        `json:"ref"`
		}{i.Kind, i.Ref})
	}
	return evidence.Evidence(i).MarshalJSON()
}

func (j *jsonSection) add(b report.Block, under string) {
	switch b := b.(type) {
	case report.Paragraph:
		j.say(b.Statements, under)
	case report.List:
		j.say(b.Items, under)
	case report.Table:
		for _, r := range b.Rows {
			j.Table = append(j.Table, jsonRowOf(r))
		}
	case report.Timeline:
		for _, m := range b.Rows {
			j.Timeline = append(j.Timeline, jsonMoment{jsonTime(m.First), jsonTime(m.Last), m.Count,
				jsonStatementOf(m.What), jsonStatementOf(m.Process), jsonStatementOf(m.User)})
		}
	case report.Tree:
		for _, x := range b.Items {
			j.Tree = append(j.Tree, jsonBranch{x.Depth, jsonStatementOf(x.Say)})
		}
	case report.Steps:
		for _, s := range b.Items {
			j.Steps = append(j.Steps, jsonStepOf(b.Title, s))
		}
	case report.References:
		for _, r := range b.Items {
			j.References = append(j.References, jsonReference{r.Number, jsonItem(r.Evidence), r.Title, r.URL})
		}
	}
}

func (j *jsonSection) say(list []evidence.Statement, under string) {
	said := jsonStatements(list)
	for i := range said {
		said[i].Under = under
	}
	j.Statements = append(j.Statements, said...)
}

func jsonRowOf(r report.Row) jsonRow {
	row := jsonRow{Field: r.Field, Meaning: jsonStatementOf(r.Meaning), Evidence: []jsonItem{jsonItem(r.Evidence)}}
	if !r.Null {
		row.Value = &r.Value
	}
	return row
}

func jsonStepOf(group string, s report.Step) jsonStep {
	return jsonStep{
		Group: group, Title: s.Title, Control: s.Control, Say: jsonStatementOf(s.Say),
		Needs: jsonStatements(s.Needs), Effects: jsonStatements(s.Effects),
		Code: jsonCodes(s.Code), Expect: jsonStatements(s.Expect), Check: jsonCodes(s.Check), Undo: jsonCodes(s.Undo),
		Fit: s.Fit, FitReason: jsonStatementOf(s.FitReason),
	}
}

func jsonCodes(list []report.Code) []jsonCode {
	all := make([]jsonCode, len(list))
	for i, c := range list {
		all[i] = jsonCode{c.Language, c.Text, jsonStatementOf(c.Note)}
	}
	return all
}
