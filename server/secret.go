package server

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/argon2"

	"github.com/tiercel/tiercel/store"
)

// TokenPrefix begins every token, so that scanners for leaked keys know it.
const TokenPrefix = "tcl_"

// The scopes. Each is only what it says: handle does not imply read.
const (
	ScopeIngest = "ingest" // send alerts
	ScopeRead   = "read"   // see everything but the audit trail
	ScopeHandle = "handle" // handle incidents, silence, replay
	ScopeAdmin  = "admin"  // see the audit trail
)

// Scopes are all scopes.
var Scopes = []string{ScopeIngest, ScopeRead, ScopeHandle, ScopeAdmin}

// Sessions and one-time links are kept where tokens are, under a scope that
// no token for programs can have.
const (
	sessionScope = "session:"
	linkScope    = "link:"
)

// newSecret returns 256 random bits behind a prefix.
func newSecret(prefix string) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// HashToken is what is kept of a token.
func HashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

// NewToken makes a token for programs. The token itself is not in the
// store.Token and cannot be found out later.
func NewToken(name string, scopes []string, now time.Time) (token string, t store.Token, err error) {
	if err := checkName("token", name); err != nil {
		return "", t, err
	}
	if scopes, err = CheckScopes(scopes); err != nil {
		return "", t, err
	}
	token = newSecret(TokenPrefix)
	return token, store.Token{Name: name, Hash: HashToken(token), Scopes: scopes, Created: now.UTC()}, nil
}

// NewLink makes a one-time link's token for a user.
func NewLink(user string, now time.Time) (token string, t store.Token) {
	token = newSecret("")
	return token, store.Token{Name: "one-time link", Hash: HashToken(token), Scopes: []string{linkScope + user}, Created: now.UTC()}
}

// ForPrograms reports whether t is a token that was made for programs: neither
// a session nor a link.
func ForPrograms(t store.Token) bool {
	return !slices.ContainsFunc(t.Scopes, func(s string) bool { return !slices.Contains(Scopes, s) })
}

// userOf returns the user of a session or a link.
func userOf(t store.Token, kind string) (string, bool) {
	if len(t.Scopes) != 1 {
		return "", false
	}
	return strings.CutPrefix(t.Scopes[0], kind)
}

// CheckScopes returns the scopes, each once, in the order of Scopes.
func CheckScopes(scopes []string) ([]string, error) {
	if len(scopes) == 0 {
		return nil, fmt.Errorf("no scope given; there are %s", strings.Join(Scopes, ", "))
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes, s) {
			return nil, fmt.Errorf("there is no scope %q; there are %s", s, strings.Join(Scopes, ", "))
		}
	}
	var out []string
	for _, s := range Scopes {
		if slices.Contains(scopes, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

// CheckUser reports whether a user may be called so.
func CheckUser(name string) error { return checkName("user", name) }

func checkName(what, name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("the name of a %s has 1 to 64 bytes", what)
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.@+ ", r) {
			return fmt.Errorf("the name of a %s has letters, digits and - _ . @ + and the space only", what)
		}
	}
	if strings.TrimSpace(name) != name {
		return fmt.Errorf("the name of a %s neither begins nor ends with a space", what)
	}
	return nil
}

// What argon2id costs: the second recommendation of RFC 9106, with one lane
// less than it has, for machines with two cores.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 2
	argonKey     = 32
	minPassword  = 12
	maxPassword  = 1024
)

// HashPassword returns the PHC string of a password.
func HashPassword(password string) (string, error) {
	if len(password) < minPassword || len(password) > maxPassword {
		return "", fmt.Errorf("a password has %d to %d bytes", minPassword, maxPassword)
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

var errPassword = errors.New("not an argon2id PHC string")

// checkPassword reports whether password is the one of the PHC string.
func checkPassword(phc, password string) (bool, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return false, errPassword
	}
	var version int
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errPassword
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false, errPassword
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errPassword
	}
	key, err := base64.RawStdEncoding.DecodeString(parts[5])
	// A store that somebody else wrote must not make us use all the memory.
	if err != nil || len(key) < 16 || len(key) > 64 || memory > 1<<20 || passes == 0 || passes > 16 || threads == 0 {
		return false, errPassword
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1, nil
}
