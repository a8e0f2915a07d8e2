package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
)

type silencesView struct {
	Holding []silenceRow
	Over    []silenceRow
	Latest  int // alerts that the conditions were held against
	Form    silenceForm
	Ends    [][2]string
	All     bool
}

type silenceRow struct {
	store.Silence
	Over   bool
	Hides  int      // of the latest alerts
	Rules  []string // of these
	Search string   // address of what it hides
	Broken string   // why it hides nothing
}

// silenceForm is what was typed, to be shown again.
type silenceForm struct {
	Where, Why, End string
	Wrong           map[string]string
	Preview         *silenceRow
}

var ends = [][2]string{{"4h", "in 4 hours"}, {"24h", "in a day"}, {"168h", "in a week"}, {"720h", "in 30 days"}, {"2160h", "in 90 days"}}

func (p *pages) listSilences(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	form := silenceForm{Where: strings.TrimSpace(q.Get("where")), Why: q.Get("why"), End: q.Get("end")}
	if len(form.Where) > maxParam || len(form.Why) > maxParam {
		return wrong("The condition is too long: at most %d bytes.", maxParam)
	}
	return p.silencesPage(w, r, http.StatusOK, form)
}

func (p *pages) silencesPage(w http.ResponseWriter, r *http.Request, status int, form silenceForm) error {
	ctx, cancel := bounded(r)
	defer cancel()
	all, err := p.store.Silences(ctx, true)
	if err != nil {
		return err
	}
	if form.End == "" {
		form.End = "24h"
	}
	v := silencesView{Ends: ends, All: r.URL.Query().Get("ended") == "all"}
	latest, err := p.latest(ctx)
	if err != nil {
		return err
	}
	v.Latest = len(latest)
	for _, s := range all {
		row := silenceRow{Silence: s, Over: !s.Ended.IsZero() || !s.Until.After(p.now()), Search: "/alerts?" + encode("where", s.Condition)}
		if row.Over {
			v.Over = append(v.Over, row)
			continue
		}
		p.count(&row, latest)
		v.Holding = append(v.Holding, row)
	}
	if form.Where != "" && form.Wrong == nil {
		form.Preview = &silenceRow{Silence: store.Silence{Condition: form.Where}, Search: "/alerts?" + encode("where", form.Where)}
		p.count(form.Preview, latest)
	}
	v.Form = form
	return p.show(w, r, status, "silences", "Silences", v)
}

// latestAlerts is how many of the latest alerts say what a silence hides.
const latestAlerts = 500

func (p *pages) latest(ctx context.Context) ([]*alert.Alert, error) {
	page, err := p.store.Alerts(ctx, store.Query{Limit: latestAlerts})
	if err != nil {
		return nil, err
	}
	dec := alert.NewDecoder(alert.Options{TextFields: p.base.TextKeys()})
	var out []*alert.Alert
	for _, a := range page.Items {
		d, err := dec.Decode(envelope.Envelope{Raw: a.Raw}.Record(), "alerts")
		if err == nil && d != nil {
			out = append(out, d.Clone())
		}
	}
	return out, nil
}

const silenceRules = 4

// count notes what a silence hides of the latest alerts.
func (p *pages) count(row *silenceRow, latest []*alert.Alert) {
	c, err := condition.Parse(row.Condition, p.opt.Definitions)
	if err != nil {
		row.Broken = err.Error()
		return
	}
	rules := map[string]bool{}
	for _, a := range latest {
		if c.Truth(a) == condition.True {
			row.Hides++
			if !rules[a.Rule] && len(row.Rules) < silenceRules {
				row.Rules = append(row.Rules, a.Rule)
			}
			rules[a.Rule] = true
		}
	}
}

func (p *pages) addSilence(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	if err := needs(r, server.ScopeHandle, "add silences"); err != nil {
		return err
	}
	form := silenceForm{Where: strings.TrimSpace(r.PostFormValue("where")), Why: strings.TrimSpace(r.PostFormValue("why")), End: r.PostFormValue("end"), Wrong: map[string]string{}}
	now := p.now().UTC()
	d, err := time.ParseDuration(form.End)
	if err != nil || d <= 0 || d > 366*24*time.Hour {
		form.Wrong["end"] = "Say when it ends."
	}
	switch _, err := condition.Parse(form.Where, p.opt.Definitions); {
	case form.Where == "":
		form.Wrong["where"] = "Write what it hides, for example: rule = \"Terminal shell in container\" and user.name = \"ops\""
	case len(form.Where) > maxParam:
		form.Wrong["where"] = fmt.Sprintf("It is too long: at most %d bytes.", maxParam)
	case err != nil:
		form.Wrong["where"] = "This is no condition: " + err.Error() + "."
	}
	switch {
	case form.Why == "":
		form.Wrong["why"] = "Say why: in a month nobody will know."
	case len(form.Why) > 4096:
		form.Wrong["why"] = "It is too long: at most 4096 bytes."
	}
	if r.PostFormValue("preview") != "" {
		form.Wrong = nil
		return p.silencesPage(w, r, http.StatusOK, form)
	}
	if len(form.Wrong) > 0 {
		return p.silencesPage(w, r, http.StatusBadRequest, form)
	}
	by := server.From(r.Context()).By()
	s := store.Silence{Condition: form.Where, Why: strings.ToValidUTF8(form.Why, "\ufffd"), By: by, Created: now, Until: now.Add(d)}
	id, err := p.store.PutSilence(ctx, s)
	if err != nil {
		return err
	}
	e := store.AuditEntry{At: now, Who: by, What: "silence", Object: fmt.Sprintf("silence %d", id), Detail: s.Condition + " until " + s.Until.Format(time.RFC3339) + ": " + s.Why}
	if err := p.store.Audit(ctx, e); err != nil {
		p.log.Error("the audit trail cannot be written", "who", by, "what", "silence", "reason", err)
	}
	p.silences.forget()
	p.open.forget()
	http.Redirect(w, r, "/silences", http.StatusSeeOther)
	return nil
}

func (p *pages) endSilence(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	if err := needs(r, server.ScopeHandle, "end silences"); err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	if err := p.store.EndSilence(ctx, id, server.From(r.Context()).By(), p.now().UTC()); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	p.silences.forget()
	p.open.forget()
	http.Redirect(w, r, "/silences", http.StatusSeeOther)
	return nil
}
