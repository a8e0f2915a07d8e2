// Package server is Tiercel's HTTP door: alerts in, the API, sign-in, live
// updates, metrics. It analyses nothing.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/live"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/store"
)

// Journal is where received records are kept before anything else happens:
// a *journal.Journal.
type Journal interface {
	// Append returns when the records are on disk, all or none.
	Append(ctx context.Context, records ...[]byte) (journal.Position, error)
	Stats() journal.Stats
}

// Change says that an incident is not what it was.
type Change = live.Change

// Live is what analyses the journal.
type Live interface {
	// Subscribe returns changes, coalesced and lossy: a reader reads again
	// what it shows. The channel is closed when there will be no more.
	Subscribe() (changes <-chan Change, cancel func())
	// Document is the report on an incident. The error wraps
	// store.ErrNotFound when there is no such incident.
	Document(ctx context.Context, incident string) (*report.Document, error)
	// Lag is how many records of the journal are still to be analysed, and how
	// long ago the oldest of them was received.
	Lag() (records int, since time.Duration)
	// Counted is what does not show in the incidents.
	Counted() live.Counted
}

// Options say what a Server works with. Store and Journal are required.
type Options struct {
	Store   store.Store
	Journal Journal
	Live    Live         // nil: what is received is kept, and not analysed
	Pages   http.Handler // the pages for people; nil: none
	Log     *slog.Logger // nil: slog.Default

	Version string
	DataDir string // whose free space is told; "": none is told

	Definitions *condition.Definitions // for the conditions of silences
	TextFields  map[string]string      // alert.Options.TextFields

	// Auth demands a token, a session or a client certificate. Without it
	// everybody who can reach the server is "local" and may do everything,
	// so it must be loopback that is listened on.
	Auth bool
	// PublicURL is where people reach the server, if not by its address; "" if so.
	PublicURL string
	// CertificateScopes is what a verified client certificate may do.
	CertificateScopes []string

	Limits Limits
	Now    func() time.Time // nil: time.Now
}

// Limits bound what one client, or all of them, can take. Zero values are the
// defaults, which DefaultLimits returns.
type Limits struct {
	Record      int64 // bytes of one alert
	Body        int64 // bytes of one request, decompressed
	Chunk       int   // bytes of records that are appended to the journal at once
	Ingest      int   // requests with alerts that are served at the same time
	Bulk        int   // of these, with more than one alert
	Waiting     int   // requests with alerts that wait for their turn
	Wait        time.Duration
	API         int // other requests that are served at the same time
	Subscribers int // clients of /api/v1/events
	Heartbeat   time.Duration
	DeadLetter  int   // bytes that are kept of a dead letter
	DeadLetters int64 // how many are kept
	SessionIdle time.Duration
	SessionAge  time.Duration
	LinkAge     time.Duration
	Recheck     time.Duration // how long a revoked token may still work
}

// DefaultLimits returns the limits that hold where none is given.
func DefaultLimits() Limits {
	return Limits{
		Record: 10 << 20, Body: 100 << 20, Chunk: 4 << 20,
		Ingest: 512, Bulk: 8, Waiting: 4096, Wait: 5 * time.Second,
		API: 32, Subscribers: 100, Heartbeat: 15 * time.Second,
		DeadLetter: 64 << 10, DeadLetters: 10_000,
		SessionIdle: 2 * time.Hour, SessionAge: 12 * time.Hour, LinkAge: LinkAge,
		Recheck: 5 * time.Second,
	}
}

// LinkAge is how long a one-time link works.
const LinkAge = 15 * time.Minute

func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	l.Record = cmp.Or(l.Record, d.Record)
	l.Body = cmp.Or(l.Body, d.Body)
	l.Chunk = cmp.Or(l.Chunk, d.Chunk)
	l.Ingest = cmp.Or(l.Ingest, d.Ingest)
	l.Bulk = cmp.Or(l.Bulk, d.Bulk)
	l.Waiting = cmp.Or(l.Waiting, d.Waiting)
	l.Wait = cmp.Or(l.Wait, d.Wait)
	l.API = cmp.Or(l.API, d.API)
	l.Subscribers = cmp.Or(l.Subscribers, d.Subscribers)
	l.Heartbeat = cmp.Or(l.Heartbeat, d.Heartbeat)
	l.DeadLetter = cmp.Or(l.DeadLetter, d.DeadLetter)
	l.DeadLetters = cmp.Or(l.DeadLetters, d.DeadLetters)
	l.SessionIdle = cmp.Or(l.SessionIdle, d.SessionIdle)
	l.SessionAge = cmp.Or(l.SessionAge, d.SessionAge)
	l.LinkAge = cmp.Or(l.LinkAge, d.LinkAge)
	l.Recheck = cmp.Or(l.Recheck, d.Recheck)
	return l
}

// Server answers requests.
type Server struct {
	opt      Options
	limits   Limits
	log      *slog.Logger
	now      func() time.Time
	store    store.Store
	mux      *http.ServeMux
	routes   []route
	metrics  *metrics
	people   *people
	origins  *http.CrossOriginProtection
	public   *url.URL
	localKey string // the CSRF token of "local"

	decoders sync.Pool
	buffers  sync.Pool
	ingest   gate
	bulk     gate
	api      gate
	letters  gate
	streams  atomic.Int64

	stats    cached[store.Stats]
	kinds    cached[[]store.Kind]
	kindsCut atomic.Bool   // the store had more than it gave
	closing  chan struct{} // closed when Shutdown begins: streams end
	once     sync.Once
}

// New returns a Server. Close it when it is no longer used.
func New(opt Options) (*Server, error) {
	if opt.Store == nil || opt.Journal == nil {
		return nil, errors.New("server: a store and a journal are needed")
	}
	s := &Server{
		opt: opt, limits: opt.Limits.orDefaults(), log: opt.Log, now: opt.Now, store: opt.Store,
		closing: make(chan struct{}), origins: http.NewCrossOriginProtection(),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if opt.PublicURL != "" {
		u, err := url.Parse(opt.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("public URL %q is not of the form https://host", opt.PublicURL)
		}
		s.public = u
		if err := s.origins.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("public URL: %w", err)
		}
	}
	for _, scope := range opt.CertificateScopes {
		if !slices.Contains(Scopes, scope) {
			return nil, fmt.Errorf("there is no scope %q; there are %s", scope, strings.Join(Scopes, ", "))
		}
	}
	s.localKey = newSecret("")
	s.ingest = newGate(s.limits.Ingest, s.limits.Waiting, s.limits.Wait)
	s.bulk = newGate(s.limits.Bulk, s.limits.Waiting, s.limits.Wait)
	s.api = newGate(s.limits.API, s.limits.Waiting, s.limits.Wait)
	s.letters = newGate(1, 16, s.limits.Wait)
	s.stats = cached[store.Stats]{age: time.Second, get: s.store.Stats}
	s.kinds = cached[[]store.Kind]{age: 10 * time.Second, get: s.readKinds}
	s.decoders.New = func() any { return alert.NewDecoder(alert.Options{TextFields: opt.TextFields}) }
	s.buffers.New = func() any { return new([]byte) }
	s.people = newPeople(s)
	s.metrics = newMetrics(s)
	s.mount()
	return s, nil
}

// Handler returns the handler of all that is served.
func (s *Server) Handler() http.Handler { return s.outer(s.mux) }

// Close ends the streams and the work in the background.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.closing)
		s.people.close()
	})
}

// HTTP returns an http.Server with the timeouts and limits that suit s.
func (s *Server) HTTP() *http.Server {
	h := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	h.RegisterOnShutdown(s.Close)
	return h
}

// IsLoopback reports whether only this machine can reach addr, host:port.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func remoteAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// cached holds what is dear to find out for a moment.
type cached[T any] struct {
	age time.Duration
	get func(context.Context) (T, error)

	mu   sync.Mutex
	at   time.Time
	held T
}

func (c *cached[T]) value(ctx context.Context) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() && time.Since(c.at) < c.age {
		return c.held, nil
	}
	v, err := c.get(ctx)
	if err != nil {
		return v, err
	}
	c.held, c.at = v, time.Now()
	return v, nil
}

// gate lets so many in at a time, and so many more wait.
type gate struct {
	slots   chan struct{}
	waiting *atomic.Int64
	max     int64
	wait    time.Duration
}

func newGate(slots, waiting int, wait time.Duration) gate {
	return gate{slots: make(chan struct{}, slots), waiting: new(atomic.Int64), max: int64(waiting), wait: wait}
}

// enter reports whether there was room in time. If so, leave has to be called.
func (g *gate) enter(ctx context.Context) bool {
	select {
	case g.slots <- struct{}{}:
		return true
	default:
	}
	defer g.waiting.Add(-1)
	if g.waiting.Add(1) > g.max {
		return false
	}
	t := time.NewTimer(g.wait)
	defer t.Stop()
	select {
	case g.slots <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (g *gate) leave() { <-g.slots }
