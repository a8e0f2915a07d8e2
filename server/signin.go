package server

import (
	"context"
	"crypto/subtle"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/tiercel/tiercel/store"
)

func withIdentity(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func escapeQuery(s string) string { return url.QueryEscape(s) }

// cookieName has a prefix that makes browsers hold it to TLS and this host.
func (s *Server) cookieName(r *http.Request) string {
	if s.secure(r) {
		return "__Host-tiercel"
	}
	return "tiercel"
}

// SignIn is what a page for signing in shows.
type SignIn struct {
	Next  string // where to go then: a path of this server
	Link  string // the one-time link's token, if it is used; then only a button is needed
	Wrong string // why the last attempt failed
}

var signInPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - Tiercel</title><link rel="stylesheet" href="/static/tiercel.css"></head>
<body class="sign-in"><main><h1>Tiercel</h1>
{{with .Wrong}}<p role="alert">{{.}}</p>{{end}}
{{if .Link}}<form method="post" action="/sign-in/{{.Link}}"><p>This link signs you in once.</p><button>Sign in</button></form>
{{else}}<form method="post" action="/sign-in"><input type="hidden" name="next" value="{{.Next}}">
<p><label>Name <input name="name" autocomplete="username" required autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<button>Sign in</button></form>
<p>No password? <code>tiercel users link NAME</code> on the server prints a link that works once.</p>{{end}}
</main></body></html>
`))

func (s *Server) showSignIn(w http.ResponseWriter, status int, page SignIn) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", contentPolicy)
	w.WriteHeader(status)
	_ = signInPage.Execute(w, page) // only the client can be gone
}

// here returns path if it is one of this server, "/" if not.
func here(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") || strings.HasPrefix(u.Path, "/sign-") {
		return "/"
	}
	return path
}

func (s *Server) handleSignInForm(w http.ResponseWriter, r *http.Request) {
	if !s.opt.Auth {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	s.showSignIn(w, http.StatusOK, SignIn{Next: here(r.URL.Query().Get("next"))})
}

func (s *Server) handleSignIn(w http.ResponseWriter, r *http.Request) {
	next := here(r.PostFormValue("next"))
	if err := s.origins.Check(r); err != nil {
		s.showSignIn(w, http.StatusForbidden, SignIn{Next: next, Wrong: errOrigin.Error()})
		return
	}
	name := r.PostFormValue("name")
	u, err := s.people.signIn(r.Context(), name, r.PostFormValue("password"), remoteAddr(r))
	if err != nil {
		status := http.StatusUnauthorized
		switch {
		case errors.Is(err, errManyTry):
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", "60")
		case errors.Is(err, errNoStore):
			status = http.StatusServiceUnavailable
		}
		s.metrics.refused("sign_in")
		if s.metrics.sometimes.Allow() {
			s.log.Warn("a sign-in failed", "from", remoteAddr(r).String(), "reason", err)
		}
		s.showSignIn(w, status, SignIn{Next: next, Wrong: err.Error()})
		return
	}
	s.enter(w, r, u, "password", next)
}

// handleLinkForm shows a button: what looks at links before people do must not
// use them up.
func (s *Server) handleLinkForm(w http.ResponseWriter, r *http.Request) {
	s.showSignIn(w, http.StatusOK, SignIn{Link: r.PathValue("link")})
}

func (s *Server) handleLink(w http.ResponseWriter, r *http.Request) {
	if err := s.origins.Check(r); err != nil {
		s.showSignIn(w, http.StatusForbidden, SignIn{Wrong: errOrigin.Error()})
		return
	}
	u, err := s.people.useLink(r.Context(), r.PathValue("link"))
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			s.log.Error("a one-time link cannot be used", "reason", err)
		}
		s.metrics.refused("sign_in")
		s.showSignIn(w, http.StatusUnauthorized, SignIn{Next: "/", Wrong: "this link was used, or it is too old: tiercel users link NAME makes another"})
		return
	}
	s.enter(w, r, u, "one-time link", "/")
}

// enter begins a session and goes on to next.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, u store.User, how, next string) {
	session, err := s.people.open(r.Context(), u)
	if err != nil {
		s.log.Error("a session cannot be kept", "reason", err)
		s.showSignIn(w, http.StatusServiceUnavailable, SignIn{Next: next, Wrong: errNoStore.Error()})
		return
	}
	s.audit(r.Context(), u.Name, "sign-in", u.Name, how+", from "+remoteAddr(r).String())
	http.SetCookie(w, s.cookie(r, session, int(s.limits.SessionAge.Seconds())))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(r), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteLaxMode,
	}
}

func (s *Server) handleSignOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(s.cookieName(r)); err == nil {
		if err := s.people.end(r.Context(), c.Value); err != nil && !errors.Is(err, store.ErrNotFound) {
			s.fail(w, r, err)
			return
		}
		id := From(r.Context())
		s.audit(r.Context(), id.Name, "sign-out", id.Name, "")
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
