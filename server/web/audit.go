package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit"
	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/render"
	"github.com/tiercel/tiercel/knowledge/catalogue"
	"github.com/tiercel/tiercel/report"
)

// Bounds of what is audited on a page, in bytes and alerts.
const (
	auditReport = 1 << 20
	auditAlerts = 4 << 20
	auditMany   = 1000
)

type auditView struct {
	Report, Alerts string
	Wrong          map[string]string
	Headline       string
	Counts         []auditCount
	Found          []render.Row
	Missing        []render.Row
	Holding        int
	Quoted         bool
	Held           int // alerts that the report was held against
}

type auditCount struct {
	Label string
	N     int
}

func (p *pages) showAudit(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, http.StatusOK, "audit", "Audit", &auditView{})
}

// runAudit holds a report against its alerts. Nothing of it is kept.
func (p *pages) runAudit(w http.ResponseWriter, r *http.Request) error {
	v := &auditView{Report: r.PostFormValue("report"), Alerts: r.PostFormValue("alerts"), Wrong: map[string]string{}}
	switch {
	case strings.TrimSpace(v.Report) == "":
		v.Wrong["report"] = "Paste the report."
	case len(v.Report) > auditReport:
		v.Wrong["report"] = fmt.Sprintf("It is too long for a page: at most %d bytes. tiercel audit takes longer ones.", auditReport)
		v.Report = ""
	}
	if len(v.Alerts) > auditAlerts {
		v.Wrong["alerts"], v.Alerts = fmt.Sprintf("Too much: at most %d bytes.", auditAlerts), ""
	}
	alerts, why := p.auditAlerts(v.Alerts)
	if why != "" {
		v.Wrong["alerts"] = why
	}
	if len(v.Wrong) > 0 {
		return p.show(w, r, http.StatusBadRequest, "audit", "Audit", v)
	}
	auditor, err := p.auditor()
	if err != nil {
		return err
	}
	res := auditor.Audit([]byte(v.Report), alerts)
	found := &render.Audited{Name: "report", Report: res.Report, Findings: res.Findings, Missing: res.Missing, Alerts: len(alerts), Quoted: res.Quoted}
	opt := render.Options{Source: report.NewBuilder(p.base).SourceTitle}
	if r.PostFormValue("marked") != "" {
		return p.markedReport(w, found, opt)
	}
	v.Headline, v.Found, v.Missing, err = render.Rows(found, opt)
	if err != nil {
		return err
	}
	v.Quoted, v.Held = res.Quoted, len(alerts)
	for _, f := range v.Found {
		if n := len(v.Counts); n > 0 && v.Counts[n-1].Label == f.Label {
			v.Counts[n-1].N++
		} else {
			v.Counts = append(v.Counts, auditCount{f.Label, 1})
		}
	}
	return p.show(w, r, http.StatusOK, "audit", "Audit", v)
}

// markedReport shows the report itself with its claims marked: a page of its
// own, that has its style in it and no script.
func (p *pages) markedReport(w http.ResponseWriter, found *render.Audited, opt render.Options) error {
	var out bytes.Buffer
	if err := render.Write(&out, "html", found, opt); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // only the reader can be gone
	return nil
}

// auditAlerts reads pasted alerts; why says what is wrong with them.
func (p *pages) auditAlerts(text string) (alerts []*alert.Alert, why string) {
	if strings.TrimSpace(text) == "" {
		return nil, ""
	}
	for a, err := range alert.All(strings.NewReader(text), "alerts", alert.Options{TextFields: p.base.TextKeys()}) {
		var bad *alert.BrokenError
		switch {
		case errors.As(err, &bad):
			return nil, fmt.Sprintf("Line %d: %s.", bad.Line, bad.Reason)
		case err != nil:
			return nil, err.Error()
		}
		if alerts = append(alerts, a.Clone()); len(alerts) > auditMany {
			return nil, fmt.Sprintf("More than %d alerts: give those that the report is about.", auditMany)
		}
	}
	if len(alerts) == 0 {
		return nil, "No Falco alert is in it."
	}
	return alerts, ""
}

func (p *pages) newAuditor() (*audit.Auditor, error) {
	return audit.New(p.base, code.Open(catalogue.Builtin()))
}
