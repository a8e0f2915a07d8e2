package render

import (
	"fmt"
	"io"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
)

// Schema names the machine output; docs/schema/audit-v1.schema.json describes
// it.
const Schema = "tiercel/audit/v1"

type (
	jsonInput struct {
		Report string          `json:"report"`
		Alerts int             `json:"alerts"`
		Quoted bool            `json:"quoted"`
		Broken []report.Broken `json:"broken"`
	}
	jsonSummary struct {
		Claims       int `json:"claims"`
		Supported    int `json:"supported"`
		Contradicted int `json:"contradicted"`
		Unsupported  int `json:"unsupported"`
		Broken       int `json:"broken"`
		Harmful      int `json:"harmful"`
		Unchecked    int `json:"unchecked"`
		Missing      int `json:"missing"`
	}
	// jsonJudged is what claims and omissions have in common.
	jsonJudged struct {
		Kind       finding.Kind      `json:"kind"`
		Judgement  finding.Judgement `json:"judgement"`
		Reason     string            `json:"reason"`
		Evidence   any               `json:"evidence"`
		Suggestion string            `json:"suggestion"`
	}
	jsonFinding struct {
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		EndLine   int    `json:"end_line"`
		EndColumn int    `json:"end_column"`
		Text      string `json:"text"`
		jsonJudged
	}
)

// jsonWriter keeps the first error.
type jsonWriter struct {
	w   io.Writer
	err error
}

func (j *jsonWriter) put(text string) {
	if j.err == nil {
		_, j.err = io.WriteString(j.w, text)
	}
}

func (j *jsonWriter) value(v any) {
	text, err := render.JSON(v)
	if err != nil && j.err == nil {
		j.err = fmt.Errorf("audit: %w", err)
	}
	j.put(string(text))
}

// writeJSON writes one finding a line.
func writeJSON(w io.Writer, v *view, _ Options) error {
	j := &jsonWriter{w: w}
	j.put(`{"schema":`)
	j.value(Schema)
	j.put(`,"headline":`)
	j.value(v.headline())
	j.put(`,"input":`)
	j.value(jsonInput{v.Name, v.Alerts, v.Quoted, append([]report.Broken{}, v.Broken...)})
	j.put(`,"summary":`)
	j.value(jsonSummary{
		Claims: len(v.found), Supported: v.count[finding.Supported], Contradicted: v.count[finding.Contradicted],
		Unsupported: v.count[finding.Unsupported], Broken: v.count[finding.Broken], Harmful: v.count[finding.Harmful],
		Unchecked: v.count[finding.Unchecked], Missing: len(v.missing),
	})
	j.list("findings", v.found, func(f *found) any {
		p := f.place
		return jsonFinding{p.line, p.column, p.endLine, p.endColumn, v.words(f), judged(f)}
	})
	j.list("missing", v.missing, func(f *found) any { return judged(f) })
	j.put("}\n")
	return j.err
}

func (j *jsonWriter) list(name string, list []found, of func(*found) any) {
	j.put(`,"` + name + `":[`)
	for i := range list {
		if i > 0 {
			j.put(",")
		}
		j.put("\n")
		j.value(of(&list[i]))
	}
	j.put("\n]")
}

func judged(f *found) jsonJudged {
	return jsonJudged{f.Kind, f.Judgement, f.Reason.Text(), render.JSONEvidence(f.Reason.Evidence), f.Suggestion}
}
