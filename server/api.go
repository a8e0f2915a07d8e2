package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
)

// APIError is what the API says when it cannot do what it was asked.
type APIError struct {
	Code    string `json:"code"` // for programs; stable
	Message string `json:"message"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"the answer cannot be written"}}`)
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // only the client can be gone
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, map[string]APIError{"error": {code, message}})
}

// badRequest is the client's to mend.
type badRequest struct{ error }

func badf(format string, a ...any) error { return badRequest{fmt.Errorf(format, a...)} }

// fail answers that it went wrong.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var bad badRequest
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		writeError(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("a request to the API has at most %d bytes", tooLong.Limit))
	case errors.As(err, &bad):
		writeError(w, http.StatusBadRequest, "bad_request", bad.Error())
	case errors.Is(err, store.ErrCursor):
		writeError(w, http.StatusBadRequest, "bad_request", "after: not a cursor of this list")
	case errors.Is(err, store.ErrNotFound):
		writeError(w, http.StatusNotFound, "not_found", "there is none of that name, or it was removed")
	case errors.Is(err, store.ErrFull):
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusServiceUnavailable, "full", "no space left")
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		writeError(w, 499, "gone", "the client went away")
	case errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusServiceUnavailable, "slow", "it took too long")
	default:
		s.log.Error("a request failed", "route", r.Pattern, "reason", err)
		writeError(w, http.StatusInternalServerError, "internal", "it could not be done; the server's log says why")
	}
}

// reply answers with v, or with 304 when the client has it.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.send(w, r, "application/json", append(b, '\n'))
}

func (s *Server) send(w http.ResponseWriter, r *http.Request, contentType string, b []byte) {
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Etag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b) // only the client can be gone
}

func matches(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		t = strings.TrimPrefix(strings.TrimSpace(t), "W/")
		if t == tag || t == "*" {
			return true
		}
	}
	return false
}

const apiTime = 30 * time.Second

// bounded is the request's context with an end.
func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), apiTime)
}

// list is one page.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // "after" of the next page
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

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

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
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

type alertJSON struct {
	Seq      string          `json:"seq"`
	Time     *time.Time      `json:"time"`
	Received *time.Time      `json:"received"`
	Kind     string          `json:"kind"`
	Repeat   bool            `json:"repeat"`
	Raw      json.RawMessage `json:"raw,omitempty"`        // the alert, its numbers exact
	Base64   string          `json:"raw_base64,omitempty"` // instead, for what is no JSON
}

func toAlert(a store.Alert) alertJSON {
	out := alertJSON{
		Seq: strconv.FormatUint(a.Seq, 10), Time: timeOrNull(a.Time), Received: timeOrNull(a.Received),
		Kind: strconv.FormatUint(a.Kind, 10), Repeat: a.Repeat,
	}
	if json.Valid(a.Raw) && utf8.Valid(a.Raw) {
		out.Raw = a.Raw
	} else {
		out.Base64 = base64.StdEncoding.EncodeToString(a.Raw)
	}
	return out
}

func mapAll[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}

const maxPage = 500

// params reads a query string; unknown parameters are refused.
type params struct {
	v   url.Values
	err error
}

func query(r *http.Request, known ...string) *params {
	v, err := url.ParseQuery(r.URL.RawQuery)
	p := &params{v: v}
	if err != nil {
		p.err = badf("the query string cannot be read")
	}
	for name := range v {
		if !slices.Contains(known, name) {
			slices.Sort(known)
			p.err = badf("there is no parameter %q; there are %s", cut(name, 40), strings.Join(known, ", "))
		}
	}
	return p
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

func (p *params) bad(name, want string) {
	if p.err == nil {
		p.err = badf("%s: %q is not %s", name, cut(p.v.Get(name), 40), want)
	}
}

func (p *params) text(name string) string { return p.v.Get(name) }

func (p *params) time(name string) time.Time {
	if p.v.Get(name) == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, p.v.Get(name))
	if err != nil {
		p.bad(name, "a time of the form 2026-11-24T16:00:00Z")
	}
	return t
}

func (p *params) uint(name string) uint64 {
	if p.v.Get(name) == "" {
		return 0
	}
	n, err := strconv.ParseUint(p.v.Get(name), 10, 64)
	if err != nil {
		p.bad(name, "a whole number")
	}
	return n
}

func (p *params) limit() int {
	if p.v.Get("limit") == "" {
		return 50
	}
	n, err := strconv.Atoi(p.v.Get("limit"))
	if err != nil || n < 1 || n > maxPage {
		p.bad("limit", fmt.Sprintf("between 1 and %d", maxPage))
	}
	return n
}

func (p *params) bool(name string) bool {
	switch p.v.Get(name) {
	case "", "false":
		return false
	case "true":
		return true
	}
	p.bad(name, "true or false")
	return false
}

// list reads a parameter that can be given several times, or with commas.
func (p *params) list(name string, known []string) []string {
	var out []string
	for _, v := range p.v[name] {
		for one := range strings.SplitSeq(v, ",") {
			if !slices.Contains(known, one) {
				p.bad(name, "one of "+strings.Join(known, ", "))
			}
			out = append(out, one)
		}
	}
	return out
}

var (
	classes    = []string{"attack", "suspicious", "test", "benign", "unknown"}
	severities = []string{"critical", "high", "medium", "low", "info"}
	statuses   = []string{string(store.Open), string(store.Handled), string(store.Closed)}
	findings   = []string{"attack", "test", "false alarm"}
	queryNames = []string{"text", "rule", "host", "container", "class", "severity", "status", "incident", "kind",
		"since", "until", "order", "after", "limit"}
)

func storeQuery(r *http.Request) (store.Query, error) {
	p := query(r, slices.Clone(queryNames)...)
	q := store.Query{
		Text: p.text("text"), Rule: p.text("rule"), Host: p.text("host"), Container: p.text("container"),
		Classes: p.list("class", classes), Severities: p.list("severity", severities),
		Incident: p.text("incident"), Kind: p.uint("kind"), Since: p.time("since"), Until: p.time("until"),
		After: p.text("after"), Limit: p.limit(),
	}
	for _, st := range p.list("status", statuses) {
		q.Statuses = append(q.Statuses, store.Status(st))
	}
	switch p.text("order") {
	case "", "newest":
	case "oldest":
		q.OldestFirst = true
	default:
		p.bad("order", "newest or oldest")
	}
	return q, p.err
}

func (s *Server) getMe(w http.ResponseWriter, r *http.Request) {
	id := From(r.Context())
	s.reply(w, r, map[string]any{"kind": id.Kind, "name": id.Name, "scopes": nonNil(id.Scopes), "csrf": id.CSRF})
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

type auditJSON struct {
	ID     string     `json:"id"`
	At     *time.Time `json:"at"`
	Who    string     `json:"who"`
	What   string     `json:"what"`
	Object string     `json:"object"`
	Detail string     `json:"detail"`
}

func toAudit(e store.AuditEntry) auditJSON {
	return auditJSON{strconv.FormatInt(e.ID, 10), timeOrNull(e.At), e.Who, e.What, e.Object, e.Detail}
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

// The formats of a report.
var reportTypes = map[string]string{
	"json": "application/json", "markdown": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8",
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

// readJSON reads the body, of which every key has to be known.
func readJSON(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return err
		}
		return badf("the body cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badf("there is something behind the JSON of the body")
	}
	return nil
}

const maxWhy = 4096

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

func (s *Server) listAlerts(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	q, err := storeQuery(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page, err := s.store.Alerts(ctx, q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, list[alertJSON]{mapAll(page.Items, toAlert), page.Next})
}

func (s *Server) oneAlert(r *http.Request) (store.Alert, error) {
	ctx, cancel := bounded(r)
	defer cancel()
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		return store.Alert{}, store.ErrNotFound
	}
	return s.store.Alert(ctx, seq)
}

func (s *Server) getAlert(w http.ResponseWriter, r *http.Request) {
	a, err := s.oneAlert(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, toAlert(a))
}

// getRaw gives the alert's bytes as they came.
func (s *Server) getRaw(w http.ResponseWriter, r *http.Request) {
	a, err := s.oneAlert(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="alert-%d.json"`, a.Seq))
	s.send(w, r, "application/octet-stream", a.Raw)
}

// noiseSince is how far back noise is looked for.
const noiseSince = 30 * 24 * time.Hour

func (s *Server) readKinds(ctx context.Context) ([]store.Kind, error) {
	_, kinds, err := s.store.Live(ctx, s.now().Add(-noiseSince))
	s.kindsCut.Store(errors.Is(err, store.ErrCut))
	if err != nil && !errors.Is(err, store.ErrCut) {
		return nil, err
	}
	slices.SortFunc(kinds, func(a, b store.Kind) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Key, b.Key)
	})
	return kinds, nil
}

func (s *Server) listNoise(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	p := query(r, "limit")
	limit := p.limit()
	if p.err != nil {
		s.fail(w, r, p.err)
		return
	}
	kinds, err := s.kinds.value(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, map[string]any{
		"items": mapAll(kinds[:min(limit, len(kinds))], toKind), "kinds": len(kinds), "cut": s.kindsCut.Load(),
		"since": s.now().Add(-noiseSince).UTC().Truncate(time.Hour),
	})
}

type silenceJSON struct {
	ID        string     `json:"id"`
	Condition string     `json:"condition"`
	Why       string     `json:"why"`
	By        string     `json:"by"`
	Created   *time.Time `json:"created"`
	Until     *time.Time `json:"until"`
	Ended     *time.Time `json:"ended"`
	Hidden    int        `json:"hidden"`
}

func toSilence(x store.Silence) silenceJSON {
	return silenceJSON{strconv.FormatInt(x.ID, 10), x.Condition, x.Why, x.By, timeOrNull(x.Created), timeOrNull(x.Until), timeOrNull(x.Ended), x.Hidden}
}

func (s *Server) listSilences(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	p := query(r, "ended")
	ended := p.bool("ended")
	if p.err != nil {
		s.fail(w, r, p.err)
		return
	}
	all, err := s.store.Silences(ctx, ended)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, r, list[silenceJSON]{Items: mapAll(all, toSilence)})
}

const maxCondition = 8192

func (s *Server) postSilence(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	var in struct {
		Condition string    `json:"condition"`
		Why       string    `json:"why"`
		Until     time.Time `json:"until"`
	}
	if err := readJSON(r, &in); err != nil {
		s.fail(w, r, err)
		return
	}
	now := s.now().UTC()
	x := store.Silence{Condition: strings.TrimSpace(in.Condition), Why: strings.TrimSpace(in.Why), Until: in.Until.UTC(),
		By: From(r.Context()).By(), Created: now}
	if err := s.checkSilence(x); err != nil {
		s.fail(w, r, err)
		return
	}
	id, err := s.store.PutSilence(ctx, x)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	x.ID = id
	s.audit(ctx, x.By, "silence", fmt.Sprintf("silence %d", id), x.Condition+" until "+x.Until.Format(time.RFC3339)+": "+x.Why)
	writeJSON(w, http.StatusCreated, toSilence(x))
}

func (s *Server) checkSilence(x store.Silence) error {
	if x.Condition == "" || len(x.Condition) > maxCondition {
		return badf("condition: 1 to %d bytes", maxCondition)
	}
	if _, err := condition.Parse(x.Condition, s.opt.Definitions); err != nil {
		return badf("condition: %w", err)
	}
	if x.Why == "" {
		return badf("why: say why it is silenced")
	}
	if !x.Until.After(x.Created) {
		return badf("until: a time in the future is needed; a silence ends")
	}
	return checkWhy(x.Why)
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, store.ErrNotFound
	}
	return id, nil
}

func (s *Server) endSilence(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	id, err := pathID(r)
	if err == nil {
		err = s.store.EndSilence(ctx, id, From(r.Context()).By(), s.now().UTC())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

type deadLetterJSON struct {
	ID       string     `json:"id"`
	Received *time.Time `json:"received"`
	From     string     `json:"from"`
	Reason   string     `json:"reason"`
	Bytes    int        `json:"bytes"`
	Text     string     `json:"text"` // what is no UTF-8 is replaced; raw_base64 is exact
	Base64   string     `json:"raw_base64"`
	Replayed *time.Time `json:"replayed"`
}

func toDeadLetter(d store.DeadLetter) deadLetterJSON {
	return deadLetterJSON{
		ID: strconv.FormatInt(d.ID, 10), Received: timeOrNull(d.Received), From: d.From, Reason: d.Reason, Bytes: len(d.Raw),
		Text: strings.ToValidUTF8(string(d.Raw), "\ufffd"), Base64: base64.StdEncoding.EncodeToString(d.Raw), Replayed: timeOrNull(d.Replayed),
	}
}

// pageAfter reads the cursor of a list that is paged by id.
func pageAfter(r *http.Request) (after int64, limit int, err error) {
	p := query(r, "after", "limit")
	n := p.uint("after")
	if n > 1<<63-1 {
		p.bad("after", "a cursor")
	}
	limit = p.limit()
	return int64(n), limit, p.err
}

func nextAfter[T any](items []T, limit int, id func(T) int64) string {
	if len(items) < limit || len(items) == 0 {
		return ""
	}
	return strconv.FormatInt(id(items[len(items)-1]), 10)
}

func (s *Server) listDeadLetters(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	after, limit, err := pageAfter(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all, err := s.store.DeadLetters(ctx, after, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := nextAfter(all, limit, func(d store.DeadLetter) int64 { return d.ID })
	s.reply(w, r, list[deadLetterJSON]{mapAll(all, toDeadLetter), next})
}

// replayDeadLetter tries again whether it is an alert.
func (s *Server) replayDeadLetter(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	id, err := pathID(r)
	var found []store.DeadLetter
	if err == nil {
		found, err = s.store.DeadLetters(ctx, id-1, 1)
	}
	if err == nil && (len(found) == 0 || found[0].ID != id) {
		err = store.ErrNotFound
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	who := From(r.Context())
	t := s.newTaking(envelope.Envelope{Received: found[0].Received, Way: envelope.Replay, Token: who.TokenID, From: remoteAddr(r)})
	if err := t.all(ctx, &once{r: &limited{r: bytes.NewReader(found[0].Raw), left: s.limits.Body}}); err != nil {
		s.answer(w, r, t, err)
		return
	}
	if t.receipt.Accepted == 0 {
		writeError(w, http.StatusConflict, "no_alert", "it is no alert still: "+firstReason(t.receipt))
		return
	}
	if err := s.store.MarkReplayed(ctx, id, s.now().UTC()); err != nil {
		s.fail(w, r, err)
		return
	}
	s.audit(ctx, who.By(), "replay", fmt.Sprintf("dead letter %d", id), fmt.Sprintf("%d accepted", t.receipt.Accepted))
	s.writeReceipt(w, http.StatusOK, &t.receipt)
}

func firstReason(rec Receipt) string {
	if len(rec.Rejected) == 0 {
		return "it is empty"
	}
	return rec.Rejected[0].Reason
}

func (s *Server) listAudit(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	after, limit, err := pageAfter(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	all, err := s.store.AuditTrail(ctx, after, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := nextAfter(all, limit, func(e store.AuditEntry) int64 { return e.ID })
	s.reply(w, r, list[auditJSON]{mapAll(all, toAudit), next})
}

func (s *Server) getStats(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := bounded(r)
	defer cancel()
	st, err := s.store.Stats(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	js := s.opt.Journal.Stats()
	lag, since := s.lag()
	out := map[string]any{
		"version": s.opt.Version, "analysis": s.opt.Live != nil,
		"store": map[string]any{
			"alerts": st.Alerts, "kinds": st.Kinds, "incidents": st.Incidents, "removed": st.Removed, "oldest": timeOrNull(st.Oldest),
			"bytes": st.Bytes, "dead_letters": st.DeadLetters, "dead_letters_removed": st.DeadLettersRemoved,
		},
		"journal": map[string]any{"records": s.records(), "bytes": js.Bytes, "full": js.Full, "lag_records": lag, "lag_seconds": since.Seconds()},
	}
	if free, err := DiskFree(s.opt.DataDir); err == nil {
		out["disk_free_bytes"] = free
	}
	s.reply(w, r, out)
}

// audit writes down who did what. What was done stays done when that fails.
func (s *Server) audit(ctx context.Context, who, what, object, detail string) {
	e := store.AuditEntry{At: s.now().UTC(), Who: who, What: what, Object: object, Detail: detail}
	if err := s.store.Audit(ctx, e); err != nil {
		s.log.Error("the audit trail cannot be written", "who", who, "what", what, "object", object, "reason", err)
	}
}
