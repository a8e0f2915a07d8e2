package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/tiercel/tiercel/store"
)

// Kind says how somebody made known who he is.
type Kind string

// The kinds of identities.
const (
	Nobody      Kind = ""
	Local       Kind = "local" // on loopback without auth
	User        Kind = "user"  // signed in
	Token       Kind = "token"
	Certificate Kind = "certificate"
)

// Identity is who sent a request.
type Identity struct {
	Kind    Kind
	Name    string
	Scopes  []string
	TokenID int64  // of a token; 0 otherwise
	CSRF    string // what a form has to send back as "csrf"; "" for programs
}

// May reports whether the identity has the scope.
func (id Identity) May(scope string) bool { return scope == "" || slices.Contains(id.Scopes, scope) }

// Who names the identity in the audit trail.
func (id Identity) Who() string {
	if id.Kind == Local {
		return "local"
	}
	return string(id.Kind) + " " + id.Name
}

type identityKey struct{}

// From returns who sent the request of which ctx is the context.
func From(ctx context.Context) Identity {
	if id, ok := ctx.Value(identityKey{}).(*Identity); ok {
		return *id
	}
	return Identity{}
}

// people knows who may do what.
type people struct {
	s     *Server
	known *lru.Cache[[sha256.Size]byte, *known]
	hash  gate // one argon2 at a time: it takes 64 MiB

	mu      sync.Mutex
	byName  *lru.Cache[string, *rate.Limiter]
	byAddr  *lru.Cache[netip.Prefix, *rate.Limiter]
	links   sync.Mutex // a link is used once
	used    chan usedToken
	done    chan struct{}
	stopped sync.Once
	wg      sync.WaitGroup
}

// known is a token or a session that was found in the store.
type known struct {
	mu      sync.Mutex
	id      Identity
	tokenID int64
	session bool
	created time.Time
	seen    time.Time // when it was used last
	told    time.Time // what the store knows of seen
	checked time.Time // when the store was asked last
}

type usedToken struct {
	id int64
	at time.Time
}

const (
	knownTokens = 4096 // sessions and tokens that are held in memory
	limiters    = 4096 // names and addresses of which sign-ins are counted
	tellUsed    = time.Minute
)

func newPeople(s *Server) *people {
	p := &people{s: s, hash: newGate(1, 8, 5*time.Second), used: make(chan usedToken, 256), done: make(chan struct{})}
	p.known, _ = lru.New[[sha256.Size]byte, *known](knownTokens) // fails for a size below 1 only
	p.byName, _ = lru.New[string, *rate.Limiter](limiters)
	p.byAddr, _ = lru.New[netip.Prefix, *rate.Limiter](limiters)
	p.wg.Go(p.tell)
	return p
}

func (p *people) close() {
	p.stopped.Do(func() { close(p.done) })
	p.wg.Wait()
}

// tell writes when tokens were used, apart from the requests.
func (p *people) tell() {
	for {
		select {
		case u := <-p.used:
			if err := p.s.store.TokenUsed(context.Background(), u.id, u.at); err != nil {
				p.s.log.Warn("the last use of a token cannot be written", "reason", err)
			}
		case <-p.done:
			return
		}
	}
}

var (
	errNoToken = errors.New("no such token, or it was revoked")
	errSession = errors.New("signed out, or too long unused")
	errNoStore = errors.New("the store cannot be read")
	errScheme  = errors.New("the header has to be Authorization: Bearer TOKEN")
	errProxied = errors.New("a proxy in front of a server without auth would let in everybody: set up auth (tiercel users add)")
	errBadHost = errors.New("this name is not that of a server on loopback: set --public-url and auth to be reached by it")
	errOrigin  = errors.New("the request comes from another site")
	errNoCSRF  = errors.New("the form is too old, or from another site: load the page again")
	errManyTry = errors.New("too many attempts: wait a minute")
	errSignIn  = errors.New("name or password is wrong")
)

// identify finds out who sent the request. The error says what is wrong with
// what was presented; without anything presented it is Nobody.
func (p *people) identify(r *http.Request) (Identity, error) {
	token, presented, err := presentedToken(r)
	if err != nil {
		return Identity{}, err
	}
	if presented {
		return p.byToken(r.Context(), token, false)
	}
	if !p.s.opt.Auth {
		if err := p.s.checkLocal(r); err != nil {
			return Identity{}, err
		}
		return Identity{Kind: Local, Name: "local", Scopes: Scopes, CSRF: p.s.localKey}, nil
	}
	if c, err := r.Cookie(p.s.cookieName(r)); err == nil && c.Value != "" {
		id, err := p.byToken(r.Context(), c.Value, true)
		if err == nil || errors.Is(err, errNoStore) {
			return id, err
		}
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		leaf := r.TLS.VerifiedChains[0][0]
		return Identity{Kind: Certificate, Name: leaf.Subject.CommonName, Scopes: p.s.opt.CertificateScopes}, nil
	}
	return Identity{}, nil
}

// presentedToken returns the token of a program.
func presentedToken(r *http.Request) (token string, ok bool, err error) {
	if t := r.PathValue("token"); t != "" && strings.HasPrefix(r.Pattern, "POST /hook/") {
		return t, true, nil
	}
	if t := r.Header.Get("X-Tiercel-Token"); t != "" {
		return t, true, nil
	}
	h := r.Header.Get("Authorization")
	if h == "" {
		return "", false, nil
	}
	scheme, t, _ := strings.Cut(h, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(t) == "" {
		return "", false, errScheme
	}
	return strings.TrimSpace(t), true, nil
}

// byToken returns whose token or session it is.
func (p *people) byToken(ctx context.Context, token string, session bool) (Identity, error) {
	wrong := errNoToken
	if session {
		wrong = errSession
	}
	if len(token) > 256 {
		return Identity{}, wrong
	}
	key := sha256.Sum256([]byte(token))
	now := p.s.now()
	k, ok := p.known.Get(key)
	if !ok {
		k = &known{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.checked.IsZero() || now.Sub(k.checked) >= p.s.limits.Recheck {
		if err := p.load(ctx, k, key, token); err != nil {
			p.known.Remove(key)
			if errors.Is(err, store.ErrNotFound) {
				return Identity{}, wrong
			}
			return Identity{}, err
		}
		k.checked = now
		p.known.Add(key, k)
	}
	if k.session != session {
		return Identity{}, wrong
	}
	if session && (now.Sub(k.created) > p.s.limits.SessionAge || now.Sub(k.seen) > p.s.limits.SessionIdle) {
		p.known.Remove(key)
		return Identity{}, wrong
	}
	k.seen = now
	if now.Sub(k.told) >= tellUsed {
		select {
		case p.used <- usedToken{k.tokenID, now.UTC()}:
			k.told = now
		default: // it is told the next time
		}
	}
	return k.id, nil
}

// load asks the store. The error is store.ErrNotFound or errNoStore.
func (p *people) load(ctx context.Context, k *known, key [sha256.Size]byte, token string) error {
	t, err := p.s.store.TokenByHash(ctx, key[:])
	if errors.Is(err, store.ErrNotFound) || err == nil && !t.Revoked.IsZero() {
		return store.ErrNotFound
	}
	if err != nil {
		p.s.log.Error("a token cannot be looked up", "reason", err)
		return errNoStore
	}
	k.tokenID, k.created = t.ID, t.Created
	if k.seen.IsZero() {
		k.seen, k.told = t.Created, t.Used
		if t.Used.After(t.Created) {
			k.seen = t.Used
		}
	}
	if ForPrograms(t) {
		k.id = Identity{Kind: Token, Name: t.Name, Scopes: t.Scopes, TokenID: t.ID}
		return nil
	}
	name, ok := userOf(t, sessionScope)
	if !ok {
		return store.ErrNotFound
	}
	u, err := p.s.store.User(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil {
		p.s.log.Error("a user cannot be looked up", "reason", err)
		return errNoStore
	}
	if t.Created.Before(u.Created) {
		return store.ErrNotFound // of somebody who had the name before
	}
	k.session = true
	k.id = Identity{Kind: User, Name: u.Name, Scopes: u.Scopes, CSRF: csrfOf(token)}
	return nil
}

// csrfOf derives a session's CSRF token: who does not know the session cannot
// know it, and it outlives a restart.
func csrfOf(session string) string {
	h := sha256.Sum256([]byte("csrf of " + session))
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// Who tries too often has to wait: per name and per address.
const (
	triesEvery = 12 * time.Second
	triesBurst = 5
)

// attempt counts a sign-in. undo takes it back, for one that succeeded.
func (p *people) attempt(name string, addr netip.Addr) (undo func(), ok bool) {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var held []*rate.Reservation
	undo = func() {
		for _, r := range held {
			r.CancelAt(now)
		}
	}
	for _, l := range []*rate.Limiter{limiter(p.byName, name, triesBurst), limiter(p.byAddr, prefix, 2*triesBurst)} {
		r := l.ReserveN(now, 1)
		held = append(held, r)
		if r.DelayFrom(now) > 0 {
			undo()
			return nil, false
		}
	}
	return undo, true
}

func limiter[K comparable](c *lru.Cache[K, *rate.Limiter], key K, burst int) *rate.Limiter {
	l, ok := c.Get(key)
	if !ok {
		l = rate.NewLimiter(rate.Every(triesEvery), burst)
		c.Add(key, l)
	}
	return l
}

// nobodysPassword is checked for a name that is not there, so that its answer
// takes as long.
var nobodysPassword = sync.OnceValue(func() string {
	h, _ := HashPassword(newSecret("")) // fails for its length only
	return h
})

// signIn checks name and password and returns the user.
func (p *people) signIn(ctx context.Context, name, password string, addr netip.Addr) (store.User, error) {
	if len(name) > 64 || len(password) > maxPassword {
		return store.User{}, errSignIn
	}
	undo, ok := p.attempt(name, addr)
	if !ok {
		return store.User{}, errManyTry
	}
	u, err := p.s.store.User(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		undo()
		return u, errNoStore
	}
	phc := u.Password
	if err != nil || phc == "" {
		phc = nobodysPassword()
	}
	if !p.hash.enter(ctx) {
		undo()
		return u, errManyTry
	}
	right, perr := checkPassword(phc, password)
	p.hash.leave()
	if perr != nil {
		p.s.log.Error("the password of a user cannot be read", "user", u.Name, "reason", perr)
	}
	if err != nil || u.Password == "" || !right {
		return store.User{}, errSignIn
	}
	undo()
	return u, nil
}

// useLink ends a one-time link and returns its user.
func (p *people) useLink(ctx context.Context, token string) (store.User, error) {
	p.links.Lock()
	defer p.links.Unlock()
	t, err := p.s.store.TokenByHash(ctx, HashToken(token))
	if err != nil {
		return store.User{}, err
	}
	name, ok := userOf(t, linkScope)
	now := p.s.now().UTC()
	if !ok || !t.Revoked.IsZero() || now.Sub(t.Created) > p.s.limits.LinkAge {
		return store.User{}, store.ErrNotFound
	}
	u, err := p.s.store.User(ctx, name)
	if err != nil {
		return store.User{}, err
	}
	if t.Created.Before(u.Created) {
		return store.User{}, store.ErrNotFound // of somebody who had the name before
	}
	return u, p.s.store.RevokeToken(ctx, t.ID, now)
}

// open begins a session.
func (p *people) open(ctx context.Context, u store.User) (session string, err error) {
	session = newSecret("")
	now := p.s.now().UTC()
	_, err = p.s.store.PutToken(ctx, store.Token{
		Name: "session", Hash: HashToken(session), Scopes: []string{sessionScope + u.Name}, Created: now,
	})
	return session, err
}

// end ends a session.
func (p *people) end(ctx context.Context, session string) error {
	key := sha256.Sum256([]byte(session))
	p.known.Remove(key)
	t, err := p.s.store.TokenByHash(ctx, key[:])
	if err != nil {
		return err
	}
	if _, ok := userOf(t, sessionScope); !ok {
		return store.ErrNotFound
	}
	return p.s.store.RevokeToken(ctx, t.ID, p.s.now().UTC())
}
