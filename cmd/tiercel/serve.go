package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/live"
	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/server/web"
	"github.com/tiercel/tiercel/store"
)

type serveCmd struct {
	Config configFile `placeholder:"FILE" help:"YAML file with any of these options, by their long names. Flags and the environment win."`
	Listen string     `default:"127.0.0.1:2804" placeholder:"ADDR" help:"Address to listen on. Any but loopback needs auth: see tiercel tokens and tiercel users."`

	dataFlags

	Auth      bool   `help:"Demand a token or a sign-in on loopback too. It is demanded anyway once there is a token or a user."`
	PublicURL string `name:"public-url" placeholder:"URL" help:"Where people reach it, when a proxy is in front."`

	TLSCert     string   `name:"tls-cert" placeholder:"FILE" help:"Certificate chain, PEM. SIGHUP reads it again."`
	TLSKey      string   `name:"tls-key" placeholder:"FILE" help:"Its key, PEM."`
	TLSClientCA string   `name:"tls-client-ca" placeholder:"FILE" help:"CA whose client certificates are let in, PEM (Falco: mtls)."`
	TLSRequire  bool     `name:"tls-require-client" help:"Refuse everybody without a client certificate."`
	ClientScope []string `name:"client-scope" default:"ingest" placeholder:"SCOPE" help:"What a client certificate may do: ingest, read, handle, admin."`

	Follow []string `sep:"none" placeholder:"FILE" help:"Read alerts from this file as it grows, over rotation and restarts; may be given several times."`

	KeepFor   time.Duration `default:"2160h" placeholder:"DURATION" help:"Remove alerts older than this, the oldest first; those of incidents that are not closed after twice as long. 0 keeps all."`
	KeepBytes int64         `placeholder:"N" help:"Remove the oldest alerts when the store has more bytes than this; 0 is no limit."`

	JournalMax     int64  `name:"journal-max-bytes" placeholder:"N" help:"Take no more alerts when the journal has so many bytes; 0 is when the disk is full."`
	JournalSalvage bool   `name:"journal-salvage" help:"Go on over damage of the journal: what is good is kept, the damaged file stays beside it."`
	Pprof          string `placeholder:"ADDR" help:"Serve Go's profiler there; loopback only."`
	LogFormat      string `enum:"text,json" default:"text" help:"text or json."`
	LogLevel       string `enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
	AllowRoot      bool   `help:"Run as root, though nothing in it needs root."`
}

// Help shows examples.
func (serveCmd) Help() string {
	return `Examples:
  tiercel serve                                  on 127.0.0.1:2804, for this machine only
  tiercel serve --listen 0.0.0.0:2804 --tls-cert server.crt --tls-key server.key
  tiercel serve --config /etc/tiercel.yaml
  tiercel serve --follow /var/log/falco/falco.log

Falco (falco.yaml):
  json_output: true
  http_output: {enabled: true, url: "http://127.0.0.1:2804/"}   or .../hook/TOKEN
Falcosidekick: webhook.address: http://127.0.0.1:2804/`
}

// connections bounds how many there are at a time.
const connections = 4096

// shutdownTime is how long requests may still take when it ends.
const shutdownTime = 20 * time.Second

// serving is what the parts of a running server have in common.
type serving struct {
	dir      string
	listen   string
	store    store.Store
	journal  *journal.Journal
	base     *knowledge.Base
	analyzer *analysis.Analyzer
	log      *slog.Logger
}

// newLive makes what analyses the journal, and run, which does it until ctx
// ends. A nil Live says that nothing is analysed.
var newLive = func(ctx context.Context, s serving) (l server.Live, run func(context.Context) error, err error) {
	made, err := live.Open(ctx, live.Options{
		Journal: s.journal, Store: s.store, Base: s.base, Analyzer: s.analyzer, Dir: s.dir, Log: s.log,
	})
	if err != nil {
		return nil, nil, err
	}
	return made, made.Run, nil
}

// newPages makes the pages for people; nil: there are none.
var newPages = func(s serving, l server.Live) (http.Handler, error) {
	return web.New(web.Options{
		Store: s.store, Live: l, Base: s.base, Log: s.log, Version: versionText(), Listen: s.listen,
		Journal: s.journal.Stats, DiskFree: func() (uint64, error) { return server.DiskFree(s.dir) },
	})
}

// Run serves until it is told to end.
func (c *serveCmd) Run(ctx context.Context, t terminal) error {
	log := c.logger(t)
	if os.Geteuid() == 0 && !c.AllowRoot {
		return usageError{errors.New("serve needs no root and does not run as root: use a user of its own (packaging/systemd/tiercel.service does), or give --allow-root")}
	}
	if err := c.checkFlags(); err != nil {
		return usageError{err}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()

	var certs *server.TLS
	if c.TLSCert != "" {
		var err error
		if certs, err = server.NewTLS(server.TLSFiles{Cert: c.TLSCert, Key: c.TLSKey, ClientCA: c.TLSClientCA, Require: c.TLSRequire}); err != nil {
			return usageError{err}
		}
	}
	dir, err := c.dir()
	if err != nil {
		return usageError{err}
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closing(log, "the store", st.Close)
	auth, err := c.needsAuth(ctx, st)
	if err != nil {
		return err
	}
	next, err := st.Position(ctx)
	if err != nil {
		return err
	}
	jr, err := journal.Open(filepath.Join(dir, "journal"), journal.Options{
		MaxBytes: c.JournalMax, NextAtLeast: journal.Position(next), Salvage: c.JournalSalvage, Log: log,
	})
	if err != nil {
		return err
	}
	defer closing(log, "the journal", jr.Close)

	base := builtin.Base()
	parts := serving{dir, c.Listen, st, jr, base, analysis.New(base, analysis.Options{}), log}
	l, run, err := newLive(ctx, parts)
	if err != nil {
		return err
	}
	pages, err := newPages(parts, l)
	if err != nil {
		return err
	}
	srv, err := server.New(server.Options{
		Store: st, Journal: jr, Live: l, Pages: pages, Log: log, Version: versionText(), DataDir: dir,
		Definitions: base.Definitions(), TextFields: base.TextKeys(),
		Auth: auth, PublicURL: c.PublicURL, CertificateScopes: c.ClientScope,
	})
	if err != nil {
		return usageError{err}
	}
	defer srv.Close()
	if l == nil {
		log.Warn("analysis is not wired: alerts are kept, and not analysed")
		return c.listen(ctx, log, srv, certs, auth)
	}
	follow, err := c.follow(dir, srv, log)
	if err != nil {
		return err
	}
	return alongside(ctx, run, func(ctx context.Context) error {
		defer follow(ctx)()
		defer c.retain(ctx, st, log)()
		return c.listen(ctx, log, srv, certs, auth)
	})
}

// alongside serves until ctx ends or the analysis cannot go on, and then ends
// the analysis: what was received by then stays in the journal.
func alongside(ctx context.Context, analyse, serve func(context.Context) error) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	analysing, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	failed := make(chan error, 1)
	go func() {
		err := analyse(analysing)
		if analysing.Err() == nil && err == nil {
			err = errors.New("the analysis ended by itself")
		}
		stop()
		failed <- err
	}()
	err := serve(serving)
	end()
	if aerr := <-failed; aerr != nil && !errors.Is(aerr, context.Canceled) {
		err = errors.Join(err, fmt.Errorf("analysis: %w", aerr))
	}
	return err
}

// retainEvery is how often old alerts are removed.
const retainEvery = time.Hour

// retain removes what is too old or too much, now and then. It returns what
// waits for its end after the context.
func (c *serveCmd) retain(ctx context.Context, st store.Store, log *slog.Logger) func() {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(retainEvery); ; {
			if c.KeepFor > 0 || c.KeepBytes > 0 {
				removed, err := st.Retain(ctx, time.Now(), c.KeepFor, c.KeepBytes)
				switch {
				case ctx.Err() != nil:
				case err != nil:
					log.Error("old alerts could not be removed", "reason", err)
				case removed > 0:
					log.Info("old alerts were removed", "alerts", removed)
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	}()
	return func() {
		stop()
		<-done
	}
}

func closing(log *slog.Logger, what string, f func() error) {
	if err := f(); err != nil {
		log.Error(what+" could not be closed well", "reason", err)
	}
}

func (c *serveCmd) logger(t terminal) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // kong has checked it
	opt := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(t.err, opt))
	}
	return slog.New(slog.NewTextHandler(t.err, opt))
}

func (c *serveCmd) checkFlags() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("--listen: %w; it is of the form 127.0.0.1:2804", err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key need each other")
	}
	if c.TLSClientCA != "" && c.TLSCert == "" {
		return errors.New("--tls-client-ca needs --tls-cert and --tls-key")
	}
	if c.TLSRequire && c.TLSClientCA == "" {
		return errors.New("--tls-require-client needs --tls-client-ca")
	}
	if c.Pprof != "" && !server.IsLoopback(c.Pprof) {
		return errors.New("--pprof: the profiler shows memory, so it is for loopback only")
	}
	return nil
}

// needsAuth reports whether everybody has to say who he is, and refuses what
// would let in everybody.
func (c *serveCmd) needsAuth(ctx context.Context, st store.Store) (bool, error) {
	users, err := st.Users(ctx)
	if err != nil {
		return false, err
	}
	all, err := st.Tokens(ctx)
	if err != nil {
		return false, err
	}
	tokens := slices.ContainsFunc(all, func(t store.Token) bool { return t.Revoked.IsZero() && server.ForPrograms(t) })
	setUp := len(users) > 0 || tokens || c.TLSClientCA != ""
	public := false
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		public = err != nil || !server.IsLoopback(net.JoinHostPort(u.Hostname(), "0"))
	}
	if setUp || c.Auth || server.IsLoopback(c.Listen) && !public {
		return setUp || c.Auth, nil
	}
	return false, usageError{fmt.Errorf(`others than this machine could reach %s, and no auth is set up. Do one of:
  tiercel tokens create --scope ingest falco      a token for Falco
  tiercel users add NAME                          a person who may look
  --tls-client-ca FILE                            client certificates
or listen on 127.0.0.1`, cmp.Or(c.PublicURL, c.Listen))}
}

// listen serves until ctx ends.
func (c *serveCmd) listen(ctx context.Context, log *slog.Logger, srv *server.Server, certs *server.TLS, auth bool) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	h := srv.HTTP()
	ln = netutil.LimitListener(ln, connections)
	failed := make(chan error, 2)
	scheme := "http"
	if certs != nil {
		scheme = "https"
		h.TLSConfig = certs.Config()
		defer c.reloads(log, certs)()
		go func() { failed <- h.ServeTLS(ln, "", "") }()
	} else {
		if !server.IsLoopback(c.Listen) {
			log.Warn("without TLS, tokens and passwords go over the network as they are: --tls-cert, or a proxy with TLS in front")
		}
		go func() { failed <- h.Serve(ln) }()
	}
	if c.Pprof != "" {
		p := c.profiler()
		defer p.Close()
		go func() { failed <- p.ListenAndServe() }()
		log.Info("the profiler listens", "url", "http://"+c.Pprof+"/debug/pprof/")
	}
	log.Info("listening", "url", scheme+"://"+ln.Addr().String()+"/", "auth", auth, "data", c.Data, "version", versionText())
	select {
	case err := <-failed:
		h.Close()
		return err
	case <-ctx.Done():
	}
	log.Info("ending: requests are finished first")
	end, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := h.Shutdown(end); err != nil {
		h.Close()
		return fmt.Errorf("requests were cut off after %s: %w", shutdownTime, err)
	}
	return nil
}

// reloads reads the certificates again at SIGHUP.
func (c *serveCmd) reloads(log *slog.Logger, certs *server.TLS) (stop func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-hup:
			}
			if err := certs.Reload(); err != nil {
				log.Error("the certificates are as before: they cannot be read", "reason", err)
				continue
			}
			log.Info("the certificates were read again")
		}
	}()
	return func() {
		signal.Stop(hup)
		close(done)
	}
}

func (c *serveCmd) profiler() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return &http.Server{Addr: c.Pprof, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
