package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/live"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/sqlite"
)

// rig is a server with a real store and a real journal.
type rig struct {
	t       *testing.T
	srv     *Server
	handler http.Handler
	store   *sqlite.Store
	journal *journal.Journal
	log     *bytes.Buffer
	tokens  map[string]string // by scope
	cookie  *http.Cookie      // of the session of "anna"
	csrf    string
	headers http.Header // of every request
}

type lockedBuffer struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func newRig(t *testing.T, set func(*Options)) *rig {
	t.Helper()
	dir := t.TempDir()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "tiercel.db"))
	if err != nil {
		t.Fatal(err)
	}
	jr, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, store: st, journal: jr, log: &bytes.Buffer{}, tokens: map[string]string{}, headers: http.Header{}}
	opt := Options{
		Store: st, Journal: jr, DataDir: dir, Version: "test",
		Log: slog.New(slog.NewTextHandler(&lockedBuffer{b: r.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if set != nil {
		set(&opt)
	}
	if r.srv, err = New(opt); err != nil {
		t.Fatal(err)
	}
	r.handler = r.srv.Handler()
	t.Cleanup(func() {
		r.srv.Close()
		if err := errors.Join(jr.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// withPeople makes a token for each scope and a user anna with a session.
func (r *rig) withPeople() *rig {
	r.t.Helper()
	for _, scope := range Scopes {
		token, kept, err := NewToken("for "+scope, []string{scope}, time.Now())
		if err == nil {
			_, err = r.store.PutToken(r.t.Context(), kept)
		}
		if err != nil {
			r.t.Fatal(err)
		}
		r.tokens[scope] = token
	}
	u := store.User{Name: "anna", Scopes: []string{ScopeRead, ScopeHandle}, Created: time.Now().Add(-time.Second).UTC()}
	if err := r.store.PutUser(r.t.Context(), u); err != nil {
		r.t.Fatal(err)
	}
	session, err := r.srv.people.open(r.t.Context(), u)
	if err != nil {
		r.t.Fatal(err)
	}
	r.cookie = &http.Cookie{Name: "tiercel", Value: session}
	r.csrf = csrfOf(session)
	return r
}

type answer struct {
	*http.Response
	body string
}

func (a answer) receipt(t *testing.T) Receipt {
	t.Helper()
	var rec Receipt
	if err := json.Unmarshal([]byte(a.body), &rec); err != nil {
		t.Fatalf("%d %s: %v", a.StatusCode, a.body, err)
	}
	return rec
}

func (a answer) code() string {
	var e struct{ Error APIError }
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Error.Code
}

// do sends a request, and holds the answer against docs/openapi.yaml.
func (r *rig) do(method, target, body string, headers ...string) answer {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, target, strings.NewReader(body))
	if body == "" {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Host = "127.0.0.1:2804"
	for name, values := range r.headers {
		req.Header[name] = values
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.send(req)
}

func (r *rig) send(req *http.Request) answer {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	checkAnswer(r.t, req, res, b)
	return answer{res, string(b)}
}

func (r *rig) get(target string, v any) answer {
	r.t.Helper()
	a := r.do("GET", target, "")
	if a.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s: %d %s", target, a.StatusCode, a.body)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(a.body), v); err != nil {
			r.t.Fatal(err)
		}
	}
	return a
}

// journaled returns the records of the journal.
func (r *rig) journaled() []envelope.Envelope {
	r.t.Helper()
	st := r.journal.Stats()
	rd := r.journal.Reader(st.First)
	defer rd.Close()
	var all []envelope.Envelope
	for p := st.First; p < st.Next; p++ {
		_, rec, err := rd.Next(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		e, err := envelope.Parse(bytes.Clone(rec))
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func (r *rig) deadLetters() []store.DeadLetter {
	r.t.Helper()
	all, err := r.store.DeadLetters(r.t.Context(), 0, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// metric returns the sum of a metric; labels is a part of its line.
func (r *rig) metric(name, labels string) float64 {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.srv.metrics.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	sum, found := 0.0, false
	for line := range strings.SplitSeq(w.Body.String(), "\n") {
		head, v, _ := strings.Cut(line, " ")
		if i := strings.LastIndexByte(line, ' '); i > 0 {
			head, v = line[:i], line[i+1:]
		}
		if head != name && !strings.HasPrefix(head, name+"{") || !strings.Contains(head, labels) {
			continue
		}
		var f float64
		if _, err := fmt.Sscan(v, &f); err != nil {
			r.t.Fatalf("%s: %v", line, err)
		}
		sum += f
		found = true
	}
	if !found && labels == "" {
		r.t.Errorf("there is no metric %s", name)
	}
	return sum
}

var openapi = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join("..", "docs", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

var apiRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi()
	if err != nil {
		return nil, err
	}
	for _, text := range []string{"text/html", "text/markdown", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.FileBodyDecoder)
	}
	return gorillamux.NewRouter(doc)
})

// checkAnswer holds an answer against the documentation, if it has the route.
func checkAnswer(t *testing.T, req *http.Request, res *http.Response, body []byte) {
	t.Helper()
	router, err := apiRouter()
	if err != nil {
		t.Fatal(err)
	}
	// The router would read a form of which nothing is left.
	plain := &http.Request{Method: req.Method, URL: &url.URL{Path: req.URL.Path, RawQuery: req.URL.RawQuery}, Header: http.Header{}, Host: req.Host}
	rt, params, err := router.FindRoute(plain)
	if err != nil {
		if strings.HasPrefix(req.URL.Path, "/api/") && res.StatusCode < 400 {
			t.Errorf("%s %s: %d, and it is not documented", req.Method, req.URL.Path, res.StatusCode)
		}
		return
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: plain, PathParams: params, Route: rt},
		Status:                 res.StatusCode, Header: res.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	in.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(t.Context(), in); err != nil {
		t.Errorf("%s %s, %d, is not as docs/openapi.yaml says: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, body)
	}
}

// fakeLive is the analysis as the server sees it.
type fakeLive struct {
	mu      sync.Mutex
	changes []chan Change
	doc     func(id string) (*report.Document, error)
	lag     int
}

func (f *fakeLive) Subscribe() (<-chan Change, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := make(chan Change, 8)
	f.changes = append(f.changes, c)
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i, x := range f.changes {
			if x == c {
				f.changes = append(f.changes[:i], f.changes[i+1:]...)
				return
			}
		}
	}
}

func (f *fakeLive) listeners() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.changes)
}

func (f *fakeLive) tell(c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range f.changes {
		x <- c
	}
}

func (f *fakeLive) Document(_ context.Context, id string) (*report.Document, error) { return f.doc(id) }
func (f *fakeLive) Counted() live.Counted                                           { return live.Counted{Late: 3} }
func (f *fakeLive) Lag() (int, time.Duration)                                       { return f.lag, time.Duration(f.lag) * time.Second }

// fullJournal takes nothing.
type fullJournal struct{ err error }

func (f fullJournal) Append(context.Context, ...[]byte) (journal.Position, error) { return 0, f.err }
func (f fullJournal) Stats() journal.Stats {
	return journal.Stats{First: 1, Next: 1, Full: errors.Is(f.err, journal.ErrFull)}
}

// quick is a journal that forgets.
type quick struct{}

func (quick) Append(context.Context, ...[]byte) (journal.Position, error) { return 1, nil }
func (quick) Stats() journal.Stats                                        { return journal.Stats{First: 1, Next: 1} }

// noStore is for what needs none.
type noStore struct{ store.Store }

func (noStore) Stats(context.Context) (store.Stats, error) { return store.Stats{}, nil }

// memory is a journal and a store of dead letters, for fuzzing.
type memory struct {
	store.Store
	records [][]byte
	letters []store.DeadLetter
}

func (m *memory) Append(_ context.Context, records ...[]byte) (journal.Position, error) {
	for _, rec := range records {
		m.records = append(m.records, bytes.Clone(rec))
	}
	return 1, nil
}
func (m *memory) Stats() journal.Stats { return journal.Stats{First: 1, Next: 1} }

// letterStore is the store's side of it.
type letterStore struct{ *memory }

func (l letterStore) Stats(context.Context) (store.Stats, error) { return store.Stats{}, nil }
func (l letterStore) PutDeadLetter(_ context.Context, d store.DeadLetter) (int64, error) {
	l.letters = append(l.letters, d)
	return int64(len(l.letters)), nil
}
