package server

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
	"github.com/tiercel/tiercel/store"
)

type handlingJSON struct {
	Status  store.Status `json:"status"`
	Finding string       `json:"finding,omitempty"`
	By      string       `json:"by,omitempty"`
	Why     string       `json:"why,omitempty"`
	At      *time.Time   `json:"at,omitempty"`
	Since   int          `json:"alerts_since"`
}

type incidentJSON struct {
	ID       string       `json:"id"`
	Headline string       `json:"headline"`
	Class    string       `json:"class"`
	Severity string       `json:"severity"`
	Rank     int          `json:"rank"`
	Kinds    int          `json:"kinds"`
	Count    int          `json:"count"`
	Repeats  int          `json:"repeats"`
	First    *time.Time   `json:"first"`
	Last     *time.Time   `json:"last"`
	Hosts    []string     `json:"hosts"`
	Rules    []string     `json:"rules"`
	Stages   []string     `json:"stages"`
	Changed  *time.Time   `json:"changed"`
	Handling handlingJSON `json:"handling"`
}

func toIncident(i store.Incident) incidentJSON {
	h := i.Handling
	if h.Status == "" {
		h.Status = store.Open
	}
	return incidentJSON{
		ID: i.ID, Headline: i.Headline, Class: i.Class, Severity: i.Severity, Rank: i.Rank,
		Kinds: i.Kinds, Count: i.Count, Repeats: i.Repeats, First: timeOrNull(i.First), Last: timeOrNull(i.Last),
		Hosts: nonNil(i.Hosts), Rules: nonNil(i.Rules), Stages: nonNil(i.Stages), Changed: timeOrNull(i.Changed),
		Handling: handlingJSON{Status: h.Status, Finding: h.Finding, By: h.By, Why: h.Why, At: timeOrNull(h.At), Since: h.Since},
	}
}

// Ids and positions are strings: they do not fit the numbers of JavaScript.
type kindJSON struct {
	ID        string     `json:"id"`
	Incident  string     `json:"incident"`
	Rule      string     `json:"rule"`
	Source    string     `json:"source"`
	Priority  string     `json:"priority"`
	Host      string     `json:"host"`
	Container string     `json:"container"`
	Class     string     `json:"class"`
	Severity  string     `json:"severity"`
	Count     int        `json:"count"`
	Repeats   int        `json:"repeats"`
	First     *time.Time `json:"first"`
	Last      *time.Time `json:"last"`
	FirstSeq  string     `json:"first_seq"`
}

func toKind(k store.Kind) kindJSON {
	return kindJSON{
		ID: strconv.FormatUint(k.ID, 10), Incident: k.Incident, Rule: k.Rule, Source: k.Source, Priority: k.Priority,
		Host: k.Host, Container: k.Container, Class: k.Class, Severity: k.Severity, Count: k.Count, Repeats: k.Repeats,
		First: timeOrNull(k.First), Last: timeOrNull(k.Last), FirstSeq: strconv.FormatUint(k.FirstSeq, 10),
	}
}

func (s *Server) listIncidents(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	q, err := storeQuery(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page, err := s.store.Incidents(ctx, q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, list[incidentJSON]{mapAll(page.Items, toIncident), page.Next})
}

type incidentDetail struct {
	incidentJSON
	KindsList []kindJSON  `json:"kinds_list"`
	KindsCut  bool        `json:"kinds_cut"` // there are more than kinds_list can name
	History   []auditJSON `json:"history"`
}

func (s *Server) getIncident(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	inc, kinds, err := s.store.Incident(ctx, r.PathValue("id"))
	wasCut := errors.Is(err, store.ErrCut)
	if err != nil && !wasCut {
		s.fail(w, r, err)
		return
	}
	history, err := s.store.History(ctx, inc.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, incidentDetail{toIncident(inc), mapAll(kinds, toKind), wasCut, mapAll(history, toAudit)})
}

func (s *Server) getReport(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	p := query(r, "format")
	format := p.text("format")
	if format == "" {
		format = "json"
	}
	if reportTypes[format] == "" {
		p.bad("format", "json, markdown or html")
	}
	if p.err != nil {
		s.fail(w, r, p.err)
		return
	}
	if s.opt.Live == nil {
		writeError(w, http.StatusServiceUnavailable, "no_analysis", "this server keeps alerts and does not analyse them")
		return
	}
	doc, err := s.opt.Live.Document(ctx, r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	b, err := renderDocument(doc, format)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if format == "html" {
		// It is one file with its style in it, and needs nothing else.
		w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	}
	s.send(w, r, reportTypes[format], b)
}

func renderDocument(doc *report.Document, format string) ([]byte, error) {
	var out bytes.Buffer
	rd, err := render.New(format, &out, render.Options{})
	if err != nil {
		return nil, err
	}
	in := report.Input{Alerts: doc.Alerts.Count}
	if err := errors.Join(rd.Begin(in), rd.Document(doc), rd.End(in)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func checkWhy(why string) error {
	if len(why) > maxWhy {
		return badf("why: at most %d bytes", maxWhy)
	}
	if !utf8.ValidString(why) {
		return badf("why: not UTF-8")
	}
	return nil
}

// CheckHandling reports what is wrong with what somebody says of an incident.
func CheckHandling(h store.Handling) error {
	switch h.Status {
	case store.Open, store.Handled:
		if h.Finding != "" {
			return badf("finding: only for a closed incident")
		}
	case store.Closed:
		if !slices.Contains(findings, h.Finding) {
			return badf("finding: a closed incident needs one of %s", strings.Join(findings, ", "))
		}
		if strings.TrimSpace(h.Why) == "" {
			return badf("why: say why it is closed")
		}
	default:
		return badf("status: there are %s", strings.Join(statuses, ", "))
	}
	return checkWhy(h.Why)
}

// By is how the identity is named where it says something.
func (id Identity) By() string {
	if id.Kind == User || id.Kind == Local {
		return id.Name
	}
	return id.Who()
}

func (s *Server) postHandling(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	var in struct {
		Status  store.Status `json:"status"`
		Finding string       `json:"finding"`
		Why     string       `json:"why"`
	}
	if err := readJSON(r, &in); err != nil {
		s.fail(w, r, err)
		return
	}
	h := store.Handling{Status: in.Status, Finding: in.Finding, Why: in.Why, By: From(r.Context()).By(), At: s.now().UTC()}
	if err := CheckHandling(h); err != nil {
		s.fail(w, r, err)
		return
	}
	var inc store.Incident
	err := s.store.Handle(ctx, r.PathValue("id"), h)
	if err == nil {
		inc, _, err = s.store.Incident(ctx, r.PathValue("id"))
	}
	if err != nil && !errors.Is(err, store.ErrCut) {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, toIncident(inc))
}
