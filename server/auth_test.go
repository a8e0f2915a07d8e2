package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/store"
)

// target is a request that fits a route.
func target(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	path = strings.NewReplacer("{$}", "", "{id}", "1", "{seq}", "1", "{token}", "tcl_x", "{link}", "x").Replace(path)
	return method, path
}

// TestWhoMay goes through every route with every scope.
func TestWhoMay(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Auth = true
		o.Limits.Heartbeat = time.Hour
		o.Pages = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("page")) })
	}).withPeople()
	routes := append(slices.Clone(r.srv.routes), route{"GET /incidents/1", ScopeRead, pageRoute, nil}, route{"POST /incidents/1/handling", ScopeRead, pageRoute, nil})
	for _, rt := range routes {
		if rt.kind == streamRoute {
			continue // TestEvents
		}
		method, path := target(rt.pattern)
		hook := strings.HasPrefix(rt.pattern, "POST /hook/")
		for _, who := range append([]string{"", "wrong", "revoked", "anna", "anna without CSRF"}, Scopes...) {
			path, headers := path, []string{}
			allowed := slices.Contains(Scopes, who) && who == rt.scope
			token := r.tokens[who]
			switch who {
			case "wrong":
				token = newSecret(TokenPrefix)
			case "revoked":
				token = revoked(r)
			case "anna", "anna without CSRF":
				headers = append(headers, "Cookie", r.cookie.String())
				if who == "anna" {
					headers = append(headers, "X-CSRF-Token", r.csrf)
				}
				allowed = (rt.scope == ScopeRead || rt.scope == ScopeHandle) && (who == "anna" || method == "GET") && !hook
			}
			if hook {
				if token == "" {
					token = "none"
				}
				path = "/hook/" + token
			} else if token != "" {
				headers = append(headers, "Authorization", "Bearer "+token)
			}
			if rt.kind == pageRoute && method == "POST" && who != "anna" {
				allowed = false // forms are for people
			}
			if strings.HasSuffix(path, "/sign-out") && who == "anna" {
				continue // TestSession
			}
			a := r.do(method, path, bodyFor(method), headers...)
			in := a.StatusCode != http.StatusUnauthorized && a.StatusCode != http.StatusForbidden && a.StatusCode != http.StatusSeeOther
			if rt.scope == "" {
				// Everybody gets there; nobody gets through a sign-in without what it needs.
				if signIn := strings.HasPrefix(rt.pattern, "POST /sign-in"); signIn != (a.StatusCode >= 400) || signIn && len(a.Cookies()) > 0 {
					t.Errorf("%s as %q: %d", rt.pattern, who, a.StatusCode)
				}
				continue
			}
			if in != allowed {
				t.Errorf("%s as %q: %d %s, allowed is %t", rt.pattern, who, a.StatusCode, a.body, allowed)
			}
		}
	}
	if strings.Contains(r.log.String(), TokenPrefix) {
		t.Error("a token is in the log")
	}
}

func bodyFor(method string) string {
	if method == "GET" {
		return ""
	}
	return `{"hello":1}`
}

func revoked(r *rig) string {
	r.t.Helper()
	token, kept, err := NewToken("old", Scopes, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	id, err := r.store.PutToken(r.t.Context(), kept)
	if err == nil {
		err = r.store.RevokeToken(r.t.Context(), id, time.Now())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

func TestTokens(t *testing.T) {
	now := time.Now()
	r := newRig(t, func(o *Options) {
		o.Auth = true
		o.Now = func() time.Time { return now }
	}).withPeople()
	token := r.tokens[ScopeIngest]
	for name, headers := range map[string][]string{
		"bearer": {"Authorization", "Bearer " + token}, "lower case": {"Authorization", "bearer " + token},
		"header": {"X-Tiercel-Token", token},
	} {
		if a := r.do("POST", "/", falco, headers...); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if a := r.do("POST", "/hook/"+token, falco); a.StatusCode != http.StatusOK {
		t.Errorf("hook: %d %s", a.StatusCode, a.body)
	}
	for _, e := range r.journaled() {
		if e.Token == 0 {
			t.Error("the journal does not tell whose token it was")
		}
	}
	for name, headers := range map[string][]string{
		"basic": {"Authorization", "Basic " + token}, "empty": {"Authorization", "Bearer "}, "long": {"Authorization", "Bearer " + strings.Repeat("x", 5000)},
		"session as token": {"Authorization", "Bearer " + r.cookie.Value}, "token as session": {"Cookie", "tiercel=" + token}, "nothing": {},
	} {
		if a := r.do("POST", "/", falco, headers...); a.StatusCode != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	if n := r.metric("tiercel_alerts_dropped_total", "refused"); n != 6 {
		t.Errorf("%v are counted as refused", n)
	}
	// Revoked by the command line: known within Recheck.
	all, err := r.store.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if ForPrograms(x) && x.Name == "for ingest" {
			if err := r.store.RevokeToken(t.Context(), x.ID, now); err != nil {
				t.Fatal(err)
			}
			if string(x.Hash) != string(HashToken(token)) || strings.Contains(fmt.Sprint(x), token) {
				t.Error("the store keeps more than a hash")
			}
		}
	}
	now = now.Add(r.srv.limits.Recheck + time.Second)
	if a := r.do("POST", "/hook/"+token, falco); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("revoked: %d", a.StatusCode)
	}
}

func TestNewToken(t *testing.T) {
	a, kept, err := NewToken("a", []string{"read", "ingest", "read"}, time.Now())
	if err != nil || !strings.HasPrefix(a, TokenPrefix) || len(a) != len(TokenPrefix)+43 || fmt.Sprint(kept.Scopes) != "[ingest read]" {
		t.Errorf("%s %+v %v", a, kept, err)
	}
	if b, _, _ := NewToken("a", []string{"read"}, time.Now()); a == b {
		t.Error("twice the same")
	}
	for _, c := range []struct {
		name   string
		scopes []string
	}{{"", []string{"read"}}, {"a", nil}, {"a", []string{"root"}}, {"a", []string{"session:anna"}}, {"a\n", []string{"read"}}, {strings.Repeat("a", 65), []string{"read"}}, {" a", []string{"read"}}, {"<b>", []string{"read"}}} {
		if _, _, err := NewToken(c.name, c.scopes, time.Now()); err == nil {
			t.Errorf("%q %v is taken", c.name, c.scopes)
		}
	}
}

func TestPassword(t *testing.T) {
	phc, err := HashPassword("correct horse")
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=65536,t=3,p=2$") {
		t.Fatal(phc, err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		if ok, err := checkPassword(phc, password); ok != want || err != nil {
			t.Errorf("%q: %v %v", password, ok, err)
		}
	}
	for _, bad := range []string{"", "x", "$argon2i$v=19$m=65536,t=3,p=2$AAAA$AAAA", strings.Replace(phc, "m=65536", "m=99999999", 1),
		strings.Replace(phc, "t=3", "t=0", 1), strings.Replace(phc, "v=19", "v=16", 1), phc[:len(phc)-30]} {
		if ok, err := checkPassword(bad, "correct horse"); ok || err == nil {
			t.Errorf("%q: %v %v", bad, ok, err)
		}
	}
	for _, bad := range []string{"short", strings.Repeat("x", 1025)} {
		if _, err := HashPassword(bad); err == nil {
			t.Errorf("%d bytes are taken", len(bad))
		}
	}
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

const formType = "application/x-www-form-urlencoded"

func addUser(r *rig, name, password string, scopes ...string) {
	r.t.Helper()
	u := store.User{Name: name, Scopes: scopes, Created: r.srv.now().Add(-time.Second).UTC()}
	if password != "" {
		var err error
		if u.Password, err = HashPassword(password); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.store.PutUser(r.t.Context(), u); err != nil {
		r.t.Fatal(err)
	}
}

func sessionOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	for _, c := range a.Cookies() {
		if strings.Contains(c.Name, "tiercel") && c.Value != "" {
			return c
		}
	}
	t.Fatalf("no session: %d %v %s", a.StatusCode, a.Header, a.body)
	return nil
}

func TestSession(t *testing.T) {
	now := time.Now()
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "page for %s", From(r.Context()).Name)
	})
	r := newRig(t, func(o *Options) {
		o.Auth, o.Pages = true, pages
		o.Now = func() time.Time { return now }
	})
	addUser(r, "anna", "correct horse", ScopeRead, ScopeHandle)
	a := r.do("GET", "/incidents?x=1&y=2", "")
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/sign-in?next=%2Fincidents%3Fx%3D1%26y%3D2" {
		t.Fatalf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
	a = r.do("GET", a.Header.Get("Location"), "")
	if !strings.Contains(a.body, `value="/incidents?x=1&amp;y=2"`) {
		t.Error(a.body)
	}
	a = r.do("POST", "/sign-in", form("name", "anna", "password", "correct horse", "next", "/incidents?x=1"), "Content-Type", formType)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/incidents?x=1" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	c := sessionOf(t, a)
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || c.MaxAge <= 0 {
		t.Errorf("cookie %v", c)
	}
	with := func() answer { return r.do("GET", "/", "", "Cookie", c.Name+"="+c.Value) }
	if a := with(); a.body != "page for anna" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	// It outlives a restart.
	again, err := New(r.srv.opt)
	if err != nil {
		t.Fatal(err)
	}
	old := r.handler
	r.handler = again.Handler()
	if a := with(); a.body != "page for anna" {
		t.Errorf("after a restart: %d", a.StatusCode)
	}
	again.Close()
	r.handler = old
	// Used now and then, it lasts; unused, it ends.
	for range 3 {
		now = now.Add(r.srv.limits.SessionIdle - time.Minute)
		if a := with(); a.StatusCode != http.StatusOK {
			t.Fatalf("used: %d", a.StatusCode)
		}
	}
	now = now.Add(r.srv.limits.SessionIdle + time.Minute)
	if a := with(); a.StatusCode != http.StatusSeeOther {
		t.Errorf("too long unused: %d", a.StatusCode)
	}
	// It ends for good some time.
	c = sessionOf(t, r.do("POST", "/sign-in", form("name", "anna", "password", "correct horse"), "Content-Type", formType))
	for begun := now; now.Sub(begun) < r.srv.limits.SessionAge; now = now.Add(time.Hour) {
		if a := with(); a.StatusCode != http.StatusOK {
			t.Fatalf("after %v: %d", now.Sub(begun), a.StatusCode)
		}
	}
	now = now.Add(time.Minute)
	if a := with(); a.StatusCode != http.StatusSeeOther {
		t.Errorf("too old: %d", a.StatusCode)
	}
	// Sign-out ends it on the server.
	c = sessionOf(t, r.do("POST", "/sign-in", form("name", "anna", "password", "correct horse"), "Content-Type", formType))
	if a := r.do("POST", "/sign-out", form("csrf", "wrong"), "Content-Type", formType, "Cookie", c.Name+"="+c.Value); a.StatusCode != http.StatusForbidden {
		t.Errorf("sign-out without CSRF: %d", a.StatusCode)
	}
	if a := r.do("POST", "/sign-out", form("csrf", csrfOf(c.Value)), "Content-Type", formType, "Cookie", c.Name+"="+c.Value); a.StatusCode != http.StatusSeeOther {
		t.Errorf("sign-out: %d %s", a.StatusCode, a.body)
	}
	if a := with(); a.StatusCode != http.StatusSeeOther {
		t.Errorf("after sign-out: %d", a.StatusCode)
	}
	// Who is removed is out.
	c = sessionOf(t, r.do("POST", "/sign-in", form("name", "anna", "password", "correct horse"), "Content-Type", formType))
	if a := with(); a.StatusCode != http.StatusOK {
		t.Fatal(a.StatusCode)
	}
	if err := r.store.DeleteUser(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(r.srv.limits.Recheck + time.Second)
	if a := with(); a.StatusCode != http.StatusSeeOther {
		t.Errorf("removed: %d", a.StatusCode)
	}
	now = now.Add(2 * time.Second)
	addUser(r, "anna", "another horse", ScopeAdmin)
	if a := with(); a.StatusCode != http.StatusSeeOther {
		t.Errorf("a session of somebody who had the name before: %d", a.StatusCode)
	}
	trail, err := r.store.AuditTrail(t.Context(), 0, 100)
	if err != nil || len(trail) != 5 || trail[0].What != "sign-in" || trail[0].Who != "anna" || !strings.Contains(trail[0].Detail, "192.0.2.1") || trail[3].What != "sign-out" {
		t.Errorf("audit trail %+v, %v", trail, err)
	}
}

func TestWrongPassword(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Auth = true })
	addUser(r, "anna", "correct horse", ScopeRead)
	addUser(r, "ben", "", ScopeRead)
	try := func(name, password string) answer {
		return r.do("POST", "/sign-in", form("name", name, "password", password), "Content-Type", formType)
	}
	var bodies []string
	for _, x := range [][2]string{{"anna", "wrong"}, {"nobody", "wrong"}, {"ben", ""}} {
		a := try(x[0], x[1])
		if a.StatusCode != http.StatusUnauthorized || len(a.Cookies()) > 0 {
			t.Errorf("%v: %d", x, a.StatusCode)
		}
		bodies = append(bodies, a.body)
	}
	if bodies[0] != bodies[1] || bodies[0] != bodies[2] {
		t.Error("the answers tell which names there are")
	}
	for range triesBurst {
		try("anna", "wrong")
	}
	a := try("anna", "correct horse")
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("after too many attempts: %d", a.StatusCode)
	}
	if a := r.do("POST", "/sign-in", form("name", "anna", "password", "correct horse"), "Content-Type", formType, "Sec-Fetch-Site", "cross-site"); a.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", a.StatusCode)
	}
	if strings.Contains(r.log.String(), "correct horse") || strings.Contains(r.log.String(), "anna") {
		t.Error("the log has what was typed")
	}
}

// TestAttempts counts by name and by address, and gives back what succeeded.
func TestAttempts(t *testing.T) {
	p := newRig(t, nil).srv.people
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	for range 3 * triesBurst {
		undo, ok := p.attempt("good", addr(1))
		if !ok {
			t.Fatal("who succeeds has to wait")
		}
		undo()
	}
	n := 0
	for i := range 100 {
		if _, ok := p.attempt("one", addr(100+i)); ok {
			n++
		}
	}
	if n != triesBurst {
		t.Errorf("%d attempts at one name", n)
	}
	n = 0
	for i := range 100 {
		if _, ok := p.attempt(fmt.Sprint("name", i), addr(2)); ok {
			n++
		}
	}
	if n != 2*triesBurst {
		t.Errorf("%d attempts from one address", n)
	}
	for i := range 2 * limiters {
		p.attempt(fmt.Sprint("flood", i), addr(3+i))
	}
	if p.byName.Len() > limiters || p.byAddr.Len() > limiters {
		t.Errorf("%d names and %d addresses are held", p.byName.Len(), p.byAddr.Len())
	}
	six := netip.MustParseAddr("2001:db8::1")
	n = 0
	for i := range 100 {
		if _, ok := p.attempt(fmt.Sprint("six", i), six); ok {
			n++
		}
		six = six.Next()
	}
	if n != 2*triesBurst {
		t.Errorf("%d attempts from one network", n)
	}
}

func TestLink(t *testing.T) {
	now := time.Now()
	r := newRig(t, func(o *Options) {
		o.Auth = true
		o.Now = func() time.Time { return now }
	})
	addUser(r, "anna", "", ScopeRead)
	link := func() string {
		token, kept := NewLink("anna", now)
		if _, err := r.store.PutToken(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		return "/sign-in/" + token
	}
	l := link()
	for range 2 { // looking at it does not use it
		if a := r.do("GET", l, ""); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `action="`+l+`"`) || len(a.Cookies()) > 0 {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	}
	if a := r.do("POST", l, "", "Origin", "http://evil.example"); a.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %d", a.StatusCode)
	}
	c := sessionOf(t, r.do("POST", l, ""))
	if a := r.do("GET", "/api/v1/me", "", "Cookie", c.Name+"="+c.Value); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"anna"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := r.do("POST", l, ""); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the second time: %d", a.StatusCode)
	}
	old := link()
	if a := r.do("GET", "/api/v1/me", "", "Authorization", "Bearer "+strings.TrimPrefix(old, "/sign-in/")); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("as a token: %d", a.StatusCode)
	}
	now = now.Add(LinkAge + time.Second)
	if a := r.do("POST", old, ""); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("too old: %d", a.StatusCode)
	}
	if a := r.do("POST", "/sign-in/%3Cscript%3E", ""); a.StatusCode != http.StatusUnauthorized || strings.Contains(a.body, "<script") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := r.do("GET", "/sign-in/%22%3E%3Cscript%3E", ""); strings.Contains(a.body, "<script") {
		t.Error(a.body)
	}
	if strings.Contains(r.log.String(), strings.TrimPrefix(l, "/sign-in/")) {
		t.Error("a link is in the log")
	}
}

func TestNext(t *testing.T) {
	for next, want := range map[string]string{
		"/incidents?a=b": "/incidents?a=b", "/": "/", "": "/", "//evil.example/x": "/", "https://evil.example": "/", "/\\evil.example": "/",
		"/\tx": "/", "javascript:alert(1)": "/", "/sign-out": "/", "/sign-in/x": "/", "\n/": "/", "/%0a": "/%0a", "evil": "/",
	} {
		if got := here(next); got != want {
			t.Errorf("%q: %q, want %q", next, got, want)
		}
	}
}

// TestLocal is a server without auth: who is on this machine may do all, what
// a web site or a proxy brings may do nothing.
func TestLocal(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, From(r.Context()).CSRF) })
	r := newRig(t, func(o *Options) { o.Pages = pages })
	csrf := r.do("GET", "/", "").body
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		want               int
	}{
		"localhost":                {"GET", "/api/v1/stats", "", []string{"Host", "localhost:2804"}, 200},
		"localhost, port of ssh":   {"GET", "/api/v1/stats", "", []string{"Host", "localhost:9999"}, 200},
		"ipv6":                     {"GET", "/api/v1/stats", "", []string{"Host", "[::1]:2804"}, 200},
		"ipv6 without port":        {"GET", "/api/v1/stats", "", []string{"Host", "[::1]"}, 200},
		"rebinding":                {"GET", "/api/v1/stats", "", []string{"Host", "evil.example:2804"}, 421},
		"rebinding, a page":        {"GET", "/", "", []string{"Host", "evil.example"}, 421},
		"rebinding, alerts":        {"POST", "/", falco, []string{"Host", "evil.example"}, 421},
		"localhost.evil":           {"GET", "/api/v1/stats", "", []string{"Host", "localhost.evil.example"}, 421},
		"other address":            {"GET", "/api/v1/stats", "", []string{"Host", "192.168.1.1:2804"}, 421},
		"proxy":                    {"GET", "/api/v1/stats", "", []string{"X-Forwarded-For", "10.0.0.1"}, 403},
		"proxy, the standard":      {"GET", "/api/v1/stats", "", []string{"Forwarded", "for=10.0.0.1"}, 403},
		"alert of a web site":      {"POST", "/", falco, []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"}, 403},
		"alert of an old browser":  {"POST", "/", falco, []string{"Origin", "http://evil.example", "Content-Type", "text/plain"}, 403},
		"alert of Falco":           {"POST", "/", falco, nil, 200},
		"alert of a page of ours":  {"POST", "/", falco, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"silence of a web site":    {"POST", "/api/v1/silences", `{}`, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another port":             {"POST", "/api/v1/silences", `{}`, []string{"Sec-Fetch-Site", "same-site"}, 403},
		"silence of curl":          {"POST", "/api/v1/silences", `{}`, nil, 400},
		"form without CSRF":        {"POST", "/silences", "a=b", []string{"Content-Type", formType, "Sec-Fetch-Site", "same-origin"}, 403},
		"form with another's CSRF": {"POST", "/silences", "csrf=" + newSecret(""), []string{"Content-Type", formType}, 403},
		"form of ours":             {"POST", "/silences", "csrf=" + csrf, []string{"Content-Type", formType, "Sec-Fetch-Site", "same-origin"}, 200},
		"wrong token":              {"GET", "/api/v1/stats", "", []string{"Authorization", "Bearer x"}, 401},
		"sign-in":                  {"GET", "/sign-in", "", nil, 303},
	} {
		if a := r.do(c.method, c.path, c.body, c.headers...); a.StatusCode != c.want {
			t.Errorf("%s: %d %s, want %d", name, a.StatusCode, a.body, c.want)
		}
	}
	if n := len(r.journaled()); n != 2 {
		t.Errorf("%d alerts were taken in", n)
	}
}

func TestHeaders(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("<script>")
		}
		if r.URL.Path == "/big" {
			_ = r.ParseForm()
		}
	})
	r := newRig(t, func(o *Options) { o.Pages, o.PublicURL, o.Auth = pages, "https://tiercel.example.org", true })
	r.withPeople()
	for _, path := range []string{"/", "/sign-in", "/api/v1/stats", "/nothing", "/metrics", "/panic"} {
		a := r.do("GET", path, "", "Authorization", "Bearer "+r.tokens[ScopeRead])
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: CSP %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s %q", path, name, got)
			}
		}
		if !strings.HasPrefix(a.Header.Get("Strict-Transport-Security"), "max-age=") {
			t.Errorf("%s: no HSTS behind TLS", path)
		}
	}
	a := r.do("GET", "/panic", "", "Authorization", "Bearer "+r.tokens[ScopeRead])
	if a.StatusCode != http.StatusInternalServerError || strings.Contains(a.body, "script") || !strings.Contains(r.log.String(), "made the server panic") {
		t.Errorf("panic: %d %s", a.StatusCode, a.body)
	}
	if n := r.metric("tiercel_panics_total", ""); n != 2 {
		t.Errorf("%v panics are counted", n)
	}
	addUser(r, "carl", "correct horse", ScopeRead)
	c := sessionOf(t, r.do("POST", "/sign-in", form("name", "carl", "password", "correct horse"), "Content-Type", formType, "Origin", "https://tiercel.example.org"))
	if c.Name != "__Host-tiercel" || !c.Secure {
		t.Errorf("cookie %v", c)
	}
}

func TestNewRefuses(t *testing.T) {
	r := newRig(t, nil)
	for name, opt := range map[string]Options{
		"nothing":    {},
		"no journal": {Store: r.store},
		"URL":        {Store: r.store, Journal: r.journal, PublicURL: "tiercel.example.org"},
		"scope":      {Store: r.store, Journal: r.journal, CertificateScopes: []string{"root"}},
	} {
		if s, err := New(opt); err == nil {
			s.Close()
			t.Errorf("%s is taken", name)
		}
	}
	for addr, want := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "127.5.5.5:1": true, ":2804": false,
		"0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "example.org:1": false, "127.0.0.1": false, "[::ffff:127.0.0.1]:1": true} {
		if got := IsLoopback(addr); got != want {
			t.Errorf("%s: %t", addr, got)
		}
	}
}

// TestStoreFails answers 503 when it cannot be known who it is.
func TestStoreFails(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Auth = true }).withPeople()
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	a := r.do("POST", "/", falco, "Authorization", "Bearer "+r.tokens[ScopeIngest])
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := r.do("GET", "/readyz", ""); a.StatusCode != http.StatusServiceUnavailable || strings.Contains(a.body, "sql") {
		t.Errorf("readyz: %d %s", a.StatusCode, a.body)
	}
	if a := r.do("GET", "/healthz", ""); a.StatusCode != http.StatusOK {
		t.Errorf("healthz: %d", a.StatusCode)
	}
}
