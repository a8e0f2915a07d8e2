package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tiercel/tiercel/report/render"
	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/store"
)

func incidentPath(id string) string { return "/incidents/" + url.PathEscape(id) }

type incidentView struct {
	store.Incident
	Path       string
	Merged     string // the id that was asked for, if this is the one it went into
	Article    template.HTML
	NoArticle  string
	Kinds      []kindRow
	KindsLeft  int // that are not listed
	KindsCut   bool
	New        int // kinds that are new since it was handled last
	Alerts     []alertRow
	NextAlerts string
	FirstPage  bool
	History    []store.AuditEntry
	Downloads  []choice
	Silenced   *silence
	Findings   [][2]string
}

type choice struct{ Path, Name, About string }

type kindRow struct {
	store.Kind
	New    bool // came after it was handled last
	Alerts string
}

// kindsShown bounds the kinds that are listed below a report.
const kindsShown = 200

var findings = [][2]string{{"attack", "Attack"}, {"test", "Security test"}, {"false alarm", "False alarm"}}

var downloads = []choice{{"report.pdf", "PDF", "to print or send"}, {"report.html", "HTML", "one file, nothing loaded"}, {"report.md", "Markdown", "for a ticket"},
	{"report.json", "JSON", "for programs"}, {"archive.zip", "Archive", "all reports, every alert as it came, checksums"}}

func (p *pages) showIncident(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	in, kinds, err := p.store.Incident(ctx, r.PathValue("id"))
	cut := errors.Is(err, store.ErrCut)
	if err != nil && !cut {
		return err
	}
	v := incidentView{Incident: in, Path: incidentPath(in.ID), KindsCut: cut, Findings: findings}
	if r.PathValue("id") != in.ID {
		v.Merged = r.PathValue("id")
	}
	if v.Article, v.NoArticle, err = p.article(ctx, in); err != nil {
		return err
	}
	for _, k := range kinds[:min(len(kinds), kindsShown)] {
		row := kindRow{Kind: k, Alerts: alertsOf(k.ID)}
		row.New = !in.Handling.At.IsZero() && k.FirstSeq > 0 && k.First.After(in.Handling.At)
		if row.New {
			v.New++
		}
		v.Kinds = append(v.Kinds, row)
	}
	v.KindsLeft = max(0, len(kinds)-kindsShown)
	after := r.URL.Query().Get("after")
	v.FirstPage = after == ""
	page, err := p.store.Alerts(ctx, store.Query{Incident: in.ID, After: after, Limit: incidentAlerts})
	if err != nil {
		return err
	}
	byID := map[uint64]*store.Kind{}
	for i := range kinds {
		byID[kinds[i].ID] = &kinds[i]
	}
	for _, a := range page.Items {
		v.Alerts = append(v.Alerts, rowOfAlert(a, byID[a.Kind]))
	}
	if page.Next != "" {
		v.NextAlerts = v.Path + "?after=" + url.QueryEscape(page.Next) + "#alerts"
	}
	if v.History, err = p.store.History(ctx, in.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for _, d := range downloads {
		if v.NoArticle == "" || d.Path == "archive.zip" {
			v.Downloads = append(v.Downloads, choice{v.Path + "/" + d.Path, d.Name, d.About})
		}
	}
	silences, _ := p.silences.value(ctx, p.log)
	by, err := p.silencedBy(ctx, &in, silences)
	if err != nil {
		return err
	}
	for i := range silences {
		if silences[i].ID == by {
			v.Silenced = &silences[i]
		}
	}
	return p.show(w, r, http.StatusOK, "incident", in.Headline, v)
}

// incidentAlerts is how many alerts an incident's page lists at a time.
const incidentAlerts = 25

type articleKey struct {
	id      string
	changed int64
}

// article is the report on an incident as HTML, or why there is none.
func (p *pages) article(ctx context.Context, in store.Incident) (html template.HTML, none string, err error) {
	if p.opt.Live == nil {
		return "", "This server keeps alerts and does not analyse them, so there is no report.", nil
	}
	key := articleKey{in.ID, in.Changed.UnixNano()}
	if html, ok := p.articles.Get(key); ok {
		return html, "", nil
	}
	d, err := p.opt.Live.Document(ctx, in.ID)
	if errors.Is(err, store.ErrNotFound) {
		return "", "All alerts of this incident were removed by retention, so there is no report any more. What is listed here was kept.", nil
	}
	if err != nil {
		return "", "", err
	}
	var out bytes.Buffer
	if err := render.HTMLArticle(&out, d, alertPage); err != nil {
		return "", "", err
	}
	html = template.HTML(out.String()) //nolint:gosec // made by html/template
	if out.Len() < articleMost {
		p.articles.Add(key, html)
	}
	return html, "", nil
}

// articleMost bounds the reports that are kept in memory, in bytes each.
const articleMost = 1 << 19

// alertPage is the page of an alert that a report refers to as alerts:12.
func alertPage(ref string) string {
	seq, ok := strings.CutPrefix(ref, "alerts:")
	if !ok || seq == "" || strings.Trim(seq, "0123456789") != "" {
		return ""
	}
	return "/alerts/" + seq
}

// handle notes what somebody says of an incident.
func (p *pages) handle(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	if err := needs(r, server.ScopeHandle, "handle incidents"); err != nil {
		return err
	}
	id := r.PathValue("id")
	h := store.Handling{Status: store.Status(r.PostFormValue("status")), Why: strings.TrimSpace(r.PostFormValue("why")),
		By: server.From(r.Context()).By(), At: p.now().UTC()}
	if h.Status == store.Closed {
		h.Finding = r.PostFormValue("finding")
		switch {
		case h.Finding == "":
			return wrong("Choose what it was: an attack, a security test or a false alarm.")
		case h.Why == "":
			return wrong("Say why it is closed: the next one who sees something like it will want to know.")
		}
	}
	if err := server.CheckHandling(h); err != nil {
		return wrong("%s", err)
	}
	if err := p.store.Handle(ctx, id, h); err != nil {
		return err
	}
	p.open.forget()
	http.Redirect(w, r, incidentPath(id), http.StatusSeeOther)
	return nil
}

// Latest is when it was seen last, if that is known, else when it changed.
func (v incidentView) Latest() time.Time {
	if v.Last.IsZero() {
		return v.Changed
	}
	return v.Last
}
