package render

import (
	"encoding/json"

	"github.com/tiercel/tiercel/report"
)

// assignments writes a line for each alert: which incident it is in, and why.
// docs/schema/assignment-v1.schema.json describes a line; the last one counts.
type assignments struct{ machine }

type jsonAssignment struct {
	jsonAlert
	Incident string          `json:"incident"`
	Class    string          `json:"class"`
	Severity string          `json:"severity"`
	Headline json.RawMessage `json:"headline"`
}

func (a *assignments) Begin(report.Input) error { return nil }

func (a *assignments) Document(d *report.Document) error {
	if err := checkEvidence(d); err != nil {
		return err
	}
	why, rule, headline := a.marshal(jsonStatementOf(d.Alerts.Why)), a.marshal(d.Alerts.Rule), a.marshal(d.Headline.Text())
	for _, e := range d.Alerts.Each {
		a.write(jsonAssignment{a.alert(e, rule, why), d.ID, d.Verdict.Class, d.Severity, headline})
		a.out.put("\n")
	}
	return a.done()
}

func (a *assignments) End(in report.Input) error {
	in.Files = append([]string{}, in.Files...)
	in.Broken = append([]report.Broken{}, in.Broken...)
	a.out.put("{")
	a.member("input", in, "")
	a.out.put("}\n")
	if err := a.done(); err != nil {
		return err
	}
	return a.out.Flush()
}
