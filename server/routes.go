package server

import (
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// route is one thing that is served.
type route struct {
	pattern string // of http.ServeMux
	scope   string // that is needed; "": none, and nobody is asked who he is
	kind    routeKind
	serve   http.HandlerFunc
}

type routeKind uint8

const (
	openRoute   routeKind = iota // health, sign-in
	ingestRoute                  // alerts in
	apiRoute                     // JSON, bounded in number and time
	streamRoute                  // stays open
	pageRoute                    // for people
)

const (
	apiBody  = 64 << 10 // bytes of a request to the API
	pageBody = 20 << 20 // of a form: a report and alerts can be pasted
)

func (s *Server) mount() {
	s.routes = []route{
		{"GET /healthz", "", openRoute, s.handleHealth},
		{"GET /readyz", "", openRoute, s.handleReady},
		{"GET /ping", "", openRoute, handlePing},
		{"POST /ping", "", openRoute, handlePing},
		{"GET /sign-in", "", openRoute, s.handleSignInForm},
		{"POST /sign-in", "", openRoute, s.handleSignIn},
		{"GET /sign-in/{link}", "", openRoute, s.handleLinkForm},
		{"POST /sign-in/{link}", "", openRoute, s.handleLink},
		{"POST /sign-out", ScopeRead, pageRoute, s.handleSignOut},

		{"POST /{$}", ScopeIngest, ingestRoute, s.handleAlerts},
		{"PUT /{$}", ScopeIngest, ingestRoute, s.handleAlerts},
		{"POST /api/v1/alerts", ScopeIngest, ingestRoute, s.handleAlerts},
		{"PUT /api/v1/alerts", ScopeIngest, ingestRoute, s.handleAlerts},
		{"POST /hook/{token}", ScopeIngest, ingestRoute, s.handleAlerts},
		{"POST /test", ScopeIngest, ingestRoute, s.handleTest},

		{"GET /metrics", ScopeRead, apiRoute, s.metrics.handler.ServeHTTP},
		{"GET /api/v1/me", ScopeRead, apiRoute, s.getMe},
		{"GET /api/v1/incidents", ScopeRead, apiRoute, s.listIncidents},
		{"GET /api/v1/incidents/{id}", ScopeRead, apiRoute, s.getIncident},
		{"GET /api/v1/incidents/{id}/report", ScopeRead, apiRoute, s.getReport},
		{"POST /api/v1/incidents/{id}/handling", ScopeHandle, apiRoute, s.postHandling},
		{"GET /api/v1/alerts", ScopeRead, apiRoute, s.listAlerts},
		{"GET /api/v1/alerts/{seq}", ScopeRead, apiRoute, s.getAlert},
		{"GET /api/v1/alerts/{seq}/raw", ScopeRead, apiRoute, s.getRaw},
		{"GET /api/v1/noise", ScopeRead, apiRoute, s.listNoise},
		{"GET /api/v1/silences", ScopeRead, apiRoute, s.listSilences},
		{"POST /api/v1/silences", ScopeHandle, apiRoute, s.postSilence},
		{"POST /api/v1/silences/{id}/end", ScopeHandle, apiRoute, s.endSilence},
		{"GET /api/v1/dead-letters", ScopeRead, apiRoute, s.listDeadLetters},
		{"POST /api/v1/dead-letters/{id}/replay", ScopeHandle, apiRoute, s.replayDeadLetter},
		{"GET /api/v1/audit", ScopeAdmin, apiRoute, s.listAudit},
		{"GET /api/v1/stats", ScopeRead, apiRoute, s.getStats},
		{"GET /api/v1/events", ScopeRead, streamRoute, s.handleEvents},
	}
	s.mux = http.NewServeMux()
	for _, rt := range s.routes {
		s.mux.Handle(rt.pattern, s.guard(rt))
	}
	s.mux.HandleFunc("/api/", s.apiMissing)
	if s.opt.Pages != nil {
		// What a page is made of holds nothing that is anybody's.
		s.mux.Handle("GET /static/", s.guard(route{"GET /static/", "", openRoute, s.opt.Pages.ServeHTTP}))
		s.mux.Handle("/", s.guard(route{"/", ScopeRead, pageRoute, s.opt.Pages.ServeHTTP}))
		return
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			writeError(w, http.StatusNotFound, "not_found", "nothing is here")
			return
		}
		// 400 is what Falcosidekick answers, and its users' checks expect.
		writeError(w, http.StatusBadRequest, "method", "alerts are sent here by POST")
	})
}

// apiMissing answers for paths and methods that the API does not have.
func (s *Server) apiMissing(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT"} {
		probe := *r
		probe.Method = method
		if _, pattern := s.mux.Handler(&probe); pattern != "/api/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeError(w, http.StatusMethodNotAllowed, "method", r.Method+" is not for this path; "+strings.Join(allowed, " and ")+" is")
		return
	}
	writeError(w, http.StatusNotFound, "not_found", "nothing is here")
}

// guard asks who it is, whether he may, and whether there is room.
func (s *Server) guard(rt route) http.Handler {
	timer := s.metrics.timer(rt.pattern)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		sw := &statusWriter{ResponseWriter: w}
		defer func() {
			if rt.kind != streamRoute {
				timer(sw.status, time.Since(begun))
			}
		}()
		s.admit(rt, sw, r)
	})
}

func (s *Server) admit(rt route, w http.ResponseWriter, r *http.Request) {
	if rt.kind == pageRoute || rt.kind == openRoute {
		w.Header().Set("Cache-Control", "no-store")
	}
	if rt.scope == "" {
		r.Body = http.MaxBytesReader(w, r.Body, apiBody)
		rt.serve(w, r)
		return
	}
	id, err := s.people.identify(r)
	if err != nil && !errors.Is(err, errSession) {
		s.refuse(w, r, rt, err)
		return
	}
	if id.Kind == Nobody {
		s.ask(w, r, rt)
		return
	}
	if !isSafe(r.Method) && id.Kind != Token {
		// A browser would send a cookie or a certificate for anybody's page.
		if err := s.origins.Check(r); err != nil {
			s.refuse(w, r, rt, errOrigin)
			return
		}
	}
	if !id.May(rt.scope) {
		s.metrics.refused("scope")
		s.error(w, r, rt, http.StatusForbidden, "scope", id.Who()+" has not the scope "+rt.scope)
		return
	}
	r = r.WithContext(withIdentity(r.Context(), &id))
	switch rt.kind {
	case ingestRoute:
		rt.serve(w, r)
		return
	case pageRoute:
		r.Body = http.MaxBytesReader(w, r.Body, pageBody)
		if !isSafe(r.Method) && !s.formIsOurs(r, id) {
			s.refuse(w, r, rt, errNoCSRF)
			return
		}
	case apiRoute, streamRoute:
		r.Body = http.MaxBytesReader(w, r.Body, apiBody)
		if !isSafe(r.Method) && id.Kind == User && !sameSecret(r.Header.Get("X-CSRF-Token"), id.CSRF) {
			s.refuse(w, r, rt, errNoCSRF)
			return
		}
	}
	if rt.kind == streamRoute {
		rt.serve(w, r)
		return
	}
	if !s.api.enter(r.Context()) {
		w.Header().Set("Retry-After", "2")
		s.error(w, r, rt, http.StatusServiceUnavailable, "busy", "too many requests wait")
		return
	}
	defer s.api.leave()
	rt.serve(w, r)
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// refuse answers a request that cannot be let in.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, rt route, err error) {
	status, code := http.StatusForbidden, "refused"
	switch {
	case errors.Is(err, errNoToken), errors.Is(err, errScheme):
		status, code = http.StatusUnauthorized, "token"
		w.Header().Set("WWW-Authenticate", "Bearer")
	case errors.Is(err, errNoStore):
		status, code = http.StatusServiceUnavailable, "store"
		w.Header().Set("Retry-After", "5")
	case errors.Is(err, errBadHost):
		status, code = http.StatusMisdirectedRequest, "host"
	case errors.Is(err, errOrigin):
		code = "origin"
	case errors.Is(err, errNoCSRF):
		code = "csrf"
	}
	s.metrics.refused(code)
	if rt.kind == ingestRoute {
		s.metrics.dropped("refused", 1)
		if s.metrics.sometimes.Allow() {
			s.log.Warn("alerts are refused", "from", remoteAddr(r).String(), "reason", err)
		}
	}
	s.error(w, r, rt, status, code, err.Error())
}

// ask answers a request of nobody.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, rt route) {
	if rt.kind == pageRoute && isSafe(r.Method) {
		http.Redirect(w, r, "/sign-in?next="+escapeQuery(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	s.metrics.refused("nobody")
	if rt.kind == ingestRoute {
		s.metrics.dropped("refused", 1)
		if s.metrics.sometimes.Allow() {
			s.log.Warn("alerts without a token are refused: tiercel tokens create --scope ingest", "from", remoteAddr(r).String())
		}
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	s.error(w, r, rt, http.StatusUnauthorized, "nobody", "a token is needed: Authorization: Bearer TOKEN, or POST /hook/TOKEN for alerts")
}

func (s *Server) error(w http.ResponseWriter, _ *http.Request, rt route, status int, code, message string) {
	if rt.kind == pageRoute {
		http.Error(w, message, status)
		return
	}
	writeError(w, status, code, message)
}

// formIsOurs reports whether a form has the CSRF token of who sends it.
func (s *Server) formIsOurs(r *http.Request, id Identity) bool {
	given := r.Header.Get("X-CSRF-Token")
	if given == "" {
		given = r.PostFormValue("csrf")
	}
	return id.CSRF != "" && sameSecret(given, id.CSRF)
}

// checkLocal refuses what a web site or a proxy may have brought to a server
// that trusts everybody on this machine.
func (s *Server) checkLocal(r *http.Request) error {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"} {
		if len(r.Header[h]) > 0 {
			return errProxied
		}
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") || strings.EqualFold(host, s.publicHost()) && host != "" {
		return nil
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil && ip.IsLoopback() {
		return nil
	}
	return errBadHost
}

func (s *Server) publicHost() string {
	if s.public == nil {
		return ""
	}
	return s.public.Hostname()
}

// contentPolicy lets a page use nothing but its own files.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

var securityHeaders = map[string][]string{
	"Content-Security-Policy":      {contentPolicy},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"camera=(), geolocation=(), microphone=()"},
}

// outer is around everything.
func (s *Server) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // it is compared by net/http in this way
				panic(v)
			}
			s.metrics.panicked()
			s.log.Error("a request made the server panic", "route", r.Pattern, "panic", v, "stack", string(debug.Stack()))
			writeError(w, http.StatusInternalServerError, "panic", "this is a bug in Tiercel; its log says more")
		}()
		if isSafe(r.Method) {
			h := w.Header()
			for name, value := range securityHeaders {
				h[name] = value
			}
			if s.secure(r) {
				h["Strict-Transport-Security"] = transportSecurity
			}
		} else {
			w.Header()["X-Content-Type-Options"] = securityHeaders["X-Content-Type-Options"]
		}
		next.ServeHTTP(w, r)
	})
}

var transportSecurity = []string{"max-age=31536000"}

// secure reports whether the browser speaks TLS, to us or to a proxy before us.
func (s *Server) secure(r *http.Request) bool {
	return r.TLS != nil || s.public != nil && s.public.Scheme == "https"
}

// statusWriter notes the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func statusText(status int) string {
	switch status {
	case 0, http.StatusOK:
		return "200"
	case http.StatusServiceUnavailable:
		return "503"
	}
	return strconv.Itoa(status)
}
