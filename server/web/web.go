// Package web is the pages for people: incidents, alerts, noise, silences,
// knowledge and the state of the server, made on the server and readable
// without JavaScript. Who looks, and what he may do, package server says.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/tiercel/tiercel/audit"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/store"
)

// Live is what knows the reports; *live.Live is one.
type Live interface {
	// Document is the report on an incident. The error wraps
	// store.ErrNotFound when there is nothing to make it of.
	Document(ctx context.Context, incident string) (*report.Document, error)
	// Lag is how many received records are still to be analysed, and how long
	// ago the oldest of them was received.
	Lag() (records int, since time.Duration)
}

// Options say what the pages show. Store and Base are required.
type Options struct {
	Store       store.Store
	Live        Live // nil: nothing is analysed, and there are no reports
	Base        *knowledge.Base
	Definitions *condition.Definitions // for conditions; nil: those of Base
	Log         *slog.Logger           // nil: slog.Default

	Version  string
	Listen   string                 // the address of the server, for the hint how to send alerts; "": 127.0.0.1:2804
	Journal  func() journal.Stats   // nil: not shown
	DiskFree func() (uint64, error) // free bytes where the data is; nil: not shown
	Now      func() time.Time       // nil: time.Now
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// pages is the handler.
type pages struct {
	opt    Options
	log    *slog.Logger
	now    func() time.Time
	store  store.Store
	base   *knowledge.Base
	parts  map[string]*template.Template
	assets map[string]asset
	mux    *http.ServeMux
	// auditor is made when it is first needed: it reads much that nothing else does.
	auditor func() (*audit.Auditor, error)

	open     held[openCount]
	noise    held[*noiseView]
	silences held[[]silence]
	articles *lru.Cache[articleKey, template.HTML]
	hidden   *lru.Cache[hiddenKey, int64]
}

type asset struct {
	contentType, tag string
	body             []byte
}

// New returns the handler of the pages. It is to be given to server.Options,
// which says who sends a request.
func New(opt Options) (http.Handler, error) {
	if opt.Store == nil || opt.Base == nil {
		return nil, errors.New("web: a store and knowledge are needed")
	}
	p := &pages{opt: opt, log: opt.Log, now: opt.Now, store: opt.Store, base: opt.Base}
	if p.log == nil {
		p.log = slog.Default()
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.opt.Definitions == nil {
		p.opt.Definitions = opt.Base.Definitions()
	}
	if p.opt.Listen == "" {
		p.opt.Listen = "127.0.0.1:2804"
	}
	p.articles, _ = lru.New[articleKey, template.HTML](32) // fails for a size below 1 only
	p.hidden, _ = lru.New[hiddenKey, int64](20_000)
	p.open = held[openCount]{age: 500 * time.Millisecond, wait: true, get: p.countOpen}
	p.noise = held[*noiseView]{age: 30 * time.Second, get: p.readNoise}
	p.silences = held[[]silence]{age: time.Second, wait: true, get: p.readSilences}
	p.auditor = sync.OnceValues(p.newAuditor)
	if err := p.parse(); err != nil {
		return nil, err
	}
	if err := p.readAssets(); err != nil {
		return nil, err
	}
	p.mount()
	return p, nil
}

func (p *pages) mount() {
	p.mux = http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":                      p.listIncidents,
		"GET /incidents":                p.listIncidents,
		"GET /incidents/{id}":           p.showIncident,
		"POST /incidents/{id}/handling": p.handle,
		"GET /incidents/{id}/{file}":    p.download,
		"GET /alerts":                   p.listAlerts,
		"GET /alerts/{seq}":             p.showAlert,
		"GET /alerts/{seq}/raw":         p.rawAlert,
		"GET /noise":                    p.showNoise,
		"GET /silences":                 p.listSilences,
		"POST /silences":                p.addSilence,
		"POST /silences/{id}/end":       p.endSilence,
		"GET /audit":                    p.showAudit,
		"POST /audit":                   p.runAudit,
		"GET /knowledge":                p.listKnowledge,
		"GET /knowledge/rules/{rule}":   p.showRule,
		"GET /knowledge/controls/{id}":  p.showControl,
		"GET /status":                   p.showStatus,
		"GET /static/{file}":            p.static,
		"/":                             func(http.ResponseWriter, *http.Request) error { return store.ErrNotFound },
	} {
		p.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				p.fail(w, r, err)
			}
		})
	}
}

// contentPolicy lets a page use nothing but its own files.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// pageTime bounds how long a page may take.
const pageTime = 20 * time.Second

// ServeHTTP implements http.Handler.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	p.mux.ServeHTTP(w, r)
}

// bounded is the request's context with an end.
func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), pageTime)
}

// problem is what a reader can mend.
type problem struct {
	status int
	text   string
}

func (e problem) Error() string { return e.text }

func wrong(format string, a ...any) error {
	return problem{http.StatusBadRequest, fmt.Sprintf(format, a...)}
}

// needs refuses who has not the scope.
func needs(r *http.Request, scope, what string) error {
	if server.From(r.Context()).May(scope) {
		return nil
	}
	return problem{http.StatusForbidden, "You may not " + what + ": your account lacks the scope “" + scope + "”. Whoever runs this server gives it with: tiercel users add --scope " + scope + " NAME"}
}

func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	var bad problem
	v := errorView{Status: http.StatusInternalServerError, Title: "It did not work", Text: "The server's log says why.", Do: "Try again; if it stays so, look at Status and into the log of tiercel serve."}
	switch {
	case r.Context().Err() != nil:
		return
	case errors.As(err, &bad):
		v.Status, v.Text, v.Do = bad.status, bad.text, "Go back and change it."
		if bad.status == http.StatusForbidden {
			v.Title, v.Do = "Not allowed", ""
		} else {
			v.Title = "That cannot be done"
		}
	case errors.Is(err, store.ErrCursor):
		v.Status, v.Title, v.Text, v.Do = http.StatusBadRequest, "No such page", "The link is not one of this list.", "Begin at the first page of the list."
	case errors.Is(err, store.ErrNotFound):
		v.Status, v.Title, v.Text, v.Do = http.StatusNotFound, "Nothing is here", "There is no such thing, or it was removed by retention.", "Search for it, or begin with the incidents."
	case errors.Is(err, store.ErrFull):
		v.Status, v.Title, v.Text, v.Do = http.StatusServiceUnavailable, "No space left", "The disk is full, so nothing was written.", "Make room on the disk of the data folder, or lower the retention; then try again."
	case errors.Is(err, context.DeadlineExceeded):
		v.Status, v.Title, v.Text, v.Do = http.StatusServiceUnavailable, "It took too long", "The server is busy.", "Ask for less: a shorter time or a simpler search."
	default:
		p.log.Error("a page failed", "path", r.URL.Path, "reason", err)
	}
	if err := p.show(w, r, v.Status, "error", v.Title, v); err != nil {
		p.log.Error("a page failed", "path", r.URL.Path, "reason", err)
	}
}

type errorView struct {
	Status          int
	Title, Text, Do string
}

// frame is what every page has around it.
type frame struct {
	Title   string
	Section string // the path of the entry of the navigation that we are in
	Nav     []navEntry
	Me      server.Identity
	Handle  bool // may handle
	Admin   bool
	Style   string // address of the style sheet
	Script  string
	Version string
	Lag     int
	Behind  time.Duration
	Body    any
	now     time.Time
}

type navEntry struct {
	Path, Name string
	Here       bool
	Count      string // "" for none
	CountTitle string
}

var navigation = [][2]string{{"/", "Incidents"}, {"/alerts", "Alerts"}, {"/noise", "Noise"}, {"/silences", "Silences"},
	{"/audit", "Audit"}, {"/knowledge", "Knowledge"}, {"/status", "Status"}}

// Rel returns how long before the page was made t was.
func (f frame) Rel(t time.Time) string { return ago(f.now, t) }

// show writes a page.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, name, title string, body any) error {
	me := server.From(r.Context())
	f := frame{Title: title, Me: me, Handle: me.May(server.ScopeHandle), Admin: me.May(server.ScopeAdmin), Version: p.opt.Version,
		Style: p.address("tiercel.css"), Script: p.address("tiercel.js"), Body: body, now: p.now()}
	if p.opt.Live != nil {
		f.Lag, f.Behind = p.opt.Live.Lag()
	}
	for _, n := range navigation {
		e := navEntry{Path: n[0], Name: n[1], Here: strings.HasPrefix(r.URL.Path, n[0]) && n[0] != "/"}
		if n[0] == "/" {
			e.Here = r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/incidents")
			if open, ok := p.open.value(r.Context(), p.log); ok {
				e.Count, e.CountTitle = open.text(), open.text()+" open incidents are an attack or suspicious"
			}
		}
		f.Nav = append(f.Nav, e)
	}
	var out bytes.Buffer
	if err := p.parts[name].ExecuteTemplate(&out, "page", f); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(out.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // only the reader can be gone
	return nil
}

func (p *pages) parse() error {
	base, err := template.New("").Funcs(functions).ParseFS(templateFiles, "templates/page.html", "templates/parts.html")
	if err != nil {
		return err
	}
	p.parts = map[string]*template.Template{}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return err
	}
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
		if name == "page" || name == "parts" {
			continue
		}
		t, err := base.Clone()
		if err != nil {
			return err
		}
		if p.parts[name], err = t.ParseFS(templateFiles, file); err != nil {
			return err
		}
	}
	return nil
}

var assetTypes = map[string]string{"tiercel.css": "text/css; charset=utf-8", "tiercel.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}

func (p *pages) readAssets() error {
	p.assets = map[string]asset{}
	for name, contentType := range assetTypes {
		body, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			return err
		}
		if name == "tiercel.css" {
			body = append([]byte(render.HTMLStyle()+"\n"), body...)
		}
		sum := sha256.Sum256(body)
		p.assets[name] = asset{contentType, hex.EncodeToString(sum[:8]), body}
	}
	return nil
}

// address is that of an asset; it changes with its content.
func (p *pages) address(name string) string { return "/static/" + name + "?" + p.assets[name].tag }

func (p *pages) static(w http.ResponseWriter, r *http.Request) error {
	a, ok := p.assets[r.PathValue("file")]
	if !ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Etag", `"`+a.tag+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == a.tag {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
	return nil
}

// held keeps what is dear to find out. What is too old is shown while it is
// found out again.
type held[T any] struct {
	age  time.Duration
	wait bool // a page waits a moment rather than show what is too old
	get  func(context.Context) (T, error)

	mu    sync.Mutex
	ready chan struct{} // closed when the value that is being found out is there
	at    time.Time
	val   T
	ok    bool
}

// holdWait is how long a page waits for a value.
const holdWait = 60 * time.Millisecond

// value returns the value, and whether there is one yet.
func (h *held[T]) value(ctx context.Context, log *slog.Logger) (T, bool) {
	h.mu.Lock()
	old := !h.ok || time.Since(h.at) > h.age
	if old && h.ready == nil {
		h.ready = make(chan struct{})
		go h.find(log, h.ready)
	}
	v, ok, ready := h.val, h.ok, h.ready
	h.mu.Unlock()
	if ok && (!old || !h.wait) {
		return v, true
	}
	t := time.NewTimer(holdWait)
	defer t.Stop()
	select {
	case <-ready:
	case <-t.C:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.val, h.ok
}

func (h *held[T]) find(log *slog.Logger, ready chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	v, err := h.get(ctx)
	if err != nil {
		log.Error("what pages show could not be found out", "reason", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	close(ready)
	if h.ready == ready {
		h.ready = nil
		if err == nil {
			h.val, h.ok, h.at = v, true, time.Now()
		}
	}
}

// forget makes the next page find it out anew, and wait for it.
func (h *held[T]) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ok, h.ready, h.at = false, nil, time.Time{}
}
