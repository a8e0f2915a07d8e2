package server

import (
	"context"
	"crypto/sha256"
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

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
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

// The formats of a report.
var reportTypes = map[string]string{
	"json": "application/json", "markdown": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8",
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

// noiseSince is how far back noise is looked for.
const noiseSince = 30 * 24 * time.Hour

const maxCondition = 8192

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, store.ErrNotFound
	}
	return id, nil
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
