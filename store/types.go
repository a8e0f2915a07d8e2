// Package store keeps what was acknowledged: alerts, the kinds and incidents
// that they belong to, and what people said of them.
package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// Alert is one alert as it was received. Seq is its position in the journal:
// it never changes and is never used twice.
type Alert struct {
	Seq      uint64
	Time     time.Time // of the event; zero when the alert tells none
	Received time.Time
	Kind     uint64 // Kind.ID; 0: none of the kinds that are kept apart
	Repeat   bool   // had been delivered before
	Raw      []byte // exactly as it came
}

// Kind is alerts that differ only in times, process ids, client ports and the
// object of the event, in one incident. Count and Last may be behind those of
// the alerts by what is not yet written.
type Kind struct {
	ID        uint64
	Incident  string // Incident.ID
	Key       string // names the kind in every run and on every machine
	Rule      string
	Source    string
	Priority  string
	Host      string
	Container string
	Class     string
	Severity  string
	Count     int // without Repeats
	Repeats   int
	First     time.Time
	Last      time.Time
	FirstSeq  uint64 // of its first alert
	State     []byte // what package incident needs to go on with it; opaque here
	// Searchable is text of its alerts that differs between kinds: rule, output,
	// values. "" leaves what is there, so that it need not be held.
	Searchable string
}

// Incident is what belongs together.
type Incident struct {
	ID       string
	Headline string
	Class    string // attack, suspicious, test, benign, unknown
	Severity string // critical, high, medium, low, info
	Rank     int    // by which the worst come first; the higher, the worse
	Kinds    int
	Count    int
	Repeats  int
	First    time.Time
	Last     time.Time
	Hosts    []string
	Rules    []string
	Stages   []string
	Changed  time.Time // when it was written last
	Handling Handling
}

// Status is what people make of an incident.
type Status string

// The states. Closed needs a Finding.
const (
	Open    Status = "open"
	Handled Status = "handled" // somebody is on it
	Closed  Status = "closed"
)

// Handling is what people said of an incident.
type Handling struct {
	Status  Status
	Finding string // attack, test, false alarm; "" unless closed
	By      string
	Why     string
	At      time.Time
	// Since counts the alerts that came after it was closed; what is worse than
	// what was closed opens it again.
	Since int
}

// Gone is an incident that is no more.
type Gone struct {
	ID   string
	Into string // the one that it was merged into; "" when it was split
}

// Batch is what is written at once: all of it or nothing.
type Batch struct {
	Alerts    []Alert
	Kinds     []Kind     // new, or replacing those with the same id
	Incidents []Incident // new, or replacing; Handling is left as it is in the store
	Gone      []Gone
	Next      uint64 // position in the journal from which to go on
}

// Query says which incidents or alerts are wanted. Zero values do not limit.
//
// Text, Rule, Host, Container and Kind are of kinds: an incident is wanted when
// one of its kinds has them all, an alert when its kind has. Classes and
// Severities are of the incident, or of the alert's kind. Since and Until are
// of the event (when it tells no time: when it was received); an incident is
// wanted when any of its time is not before Since and before Until.
//
// Alerts come in the order of arrival, the latest first. Incidents come by Rank,
// then the last seen first: one that changes may move between two pages. With
// OldestFirst they come in the order in which they were first written, which
// never changes: to see every one, walk so.
type Query struct {
	Text         string // all of its words, in one kind; a word that ends in * may go on
	Rule         string
	Host         string
	Container    string
	Classes      []string
	Severities   []string
	Statuses     []Status
	Incident     string
	Kind         uint64
	Since, Until time.Time
	OldestFirst  bool
	After        string // cursor of the page before, of the same query
	Limit        int    // at most; 0 is DefaultPage, and never more than MaxPage
}

// Page is one page of results.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page, "" at the end
}

// Silence hides what matches, and drops nothing.
type Silence struct {
	ID        int64
	Condition string // in Falco's condition language
	Why       string
	By        string
	Created   time.Time
	Until     time.Time
	Ended     time.Time // zero while it holds
}

// DeadLetter is something that was received and can never be an alert.
type DeadLetter struct {
	ID       int64
	Received time.Time
	From     string // remote address
	Reason   string
	Raw      []byte
	Replayed time.Time // zero: never
}

// Token is a key for programs. Only its hash is kept.
type Token struct {
	ID      int64
	Name    string
	Hash    []byte   // SHA-256
	Scopes  []string // ingest, read, handle, admin
	Created time.Time
	Used    time.Time
	Revoked time.Time
}

// User is a person who signs in.
type User struct {
	Name     string
	Password string // argon2id, PHC string; "" when only a one-time link works
	Scopes   []string
	Created  time.Time
}

// AuditEntry is who did what.
type AuditEntry struct {
	ID     int64
	At     time.Time
	Who    string
	What   string // close, reopen, silence, token, sign-in, ...
	Object string
	Detail string
}

// Stats is how much is held.
type Stats struct {
	Alerts, Kinds, Incidents int64
	Removed                  int64 // alerts removed by retention, ever
	Oldest                   time.Time
	Bytes                    int64
	Next                     uint64
	DeadLetters              int64
	DeadLettersRemoved       int64 // by retention, ever
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("not found")
	ErrFull     = errors.New("no space left")
	ErrNewer    = errors.New("written by a newer Tiercel")
	ErrDamaged  = errors.New("damaged")
	ErrCursor   = errors.New("malformed cursor")
	// ErrCut comes together with results: there are more than can be given at
	// once, and the message says how many.
	ErrCut = errors.New("more than can be given at once")
)

// Bounds of what is given at once.
const (
	DefaultPage  = 50
	MaxPage      = 1000     // items on a page, whatever Query.Limit says
	MaxPageBytes = 16 << 20 // of Alert.Raw on a page, save for a single larger one
	MaxKinds     = 10_000   // kinds that Incident returns
	MaxLive      = 20_000   // kinds that Live returns
)

// Store keeps everything. SQLite is the one there is; PostgreSQL is to come, so
// one suite of tests (package storetest) is for both.
//
// What a method returned from without an error stays, also when the process is
// killed or the power goes. Strings may hold any valid UTF-8.
type Store interface {
	// Write is harmless when repeated: an alert that is there stays as it is,
	// save for its kind. Every kind that is named has to be in the batch or the
	// store, and every incident of a kind too. A closed incident that comes with
	// a higher Rank than when it was closed is opened again, with an entry in
	// the audit trail; else Since counts the alerts (without Repeats) that came.
	// Kinds of a merged incident go to the surviving one, and its handling into
	// the history of that one.
	Write(ctx context.Context, b *Batch) error
	Position(ctx context.Context) (uint64, error) // Batch.Next of the last write; 0 at first
	// Rewind forgets the alerts from seq on and the kinds that began with them:
	// they will be written again. Incidents stay, with what people said of them.
	Rewind(ctx context.Context, seq uint64) error

	Incidents(ctx context.Context, q Query) (Page[Incident], error)
	// Incident follows merges: the ID may be another one. The kinds are in the
	// order of their FirstSeq, MaxKinds at most (then with ErrCut).
	Incident(ctx context.Context, id string) (Incident, []Kind, error)
	Kinds(ctx context.Context, ids []uint64) ([]Kind, error)
	Alerts(ctx context.Context, q Query) (Page[Alert], error)
	Alert(ctx context.Context, seq uint64) (Alert, error)
	// Live returns the kinds of incidents whose last alert is not before since,
	// to go on with after a restart: whole incidents, the last seen first,
	// MaxLive kinds at most (then with ErrCut).
	Live(ctx context.Context, since time.Time) ([]Incident, []Kind, error)

	// Handle follows merges, writes the entry of the audit trail (What is the
	// status, or "reopen") and sets Since to 0.
	Handle(ctx context.Context, incident string, h Handling) error
	// History is what was done to an incident and to those merged into it, the
	// oldest first.
	History(ctx context.Context, incident string) ([]AuditEntry, error)

	// PutSilence adds one (ID 0), or replaces all but By, Created and Ended.
	PutSilence(ctx context.Context, s Silence) (int64, error)
	// EndSilence writes an entry of the audit trail; the first end stays.
	EndSilence(ctx context.Context, id int64, by string, at time.Time) error
	// Silences are those not ended, or all; Until is for the caller to look at.
	Silences(ctx context.Context, ended bool) ([]Silence, error)

	PutDeadLetter(ctx context.Context, d DeadLetter) (int64, error)
	DeadLetters(ctx context.Context, after int64, limit int) ([]DeadLetter, error)
	MarkReplayed(ctx context.Context, id int64, at time.Time) error

	PutToken(ctx context.Context, t Token) (int64, error)
	// TokenByHash is ErrNotFound for a token that was revoked.
	TokenByHash(ctx context.Context, hash []byte) (Token, error)
	Tokens(ctx context.Context) ([]Token, error)
	RevokeToken(ctx context.Context, id int64, at time.Time) error
	// TokenUsed is kept to the minute.
	TokenUsed(ctx context.Context, id int64, at time.Time) error

	PutUser(ctx context.Context, u User) error // replaces the one of that name
	User(ctx context.Context, name string) (User, error)
	Users(ctx context.Context) ([]User, error)
	DeleteUser(ctx context.Context, name string) error

	Audit(ctx context.Context, e AuditEntry) error
	AuditTrail(ctx context.Context, after int64, limit int) ([]AuditEntry, error)

	// Retain removes alerts older than maxAge and beyond maxBytes, the oldest
	// first, with the kinds and incidents of which none is left, and says how
	// many. Incidents that are not closed keep theirs until maxAge twice over;
	// maxBytes knows no such exception. Age is since an alert was received; 0
	// is no limit. Counts stay as they were. Kinds seen within the last day (or
	// within maxAge, when that is less) stay even when none of their alerts is
	// left, as Live goes on with them. Dead letters go as alerts do, and are
	// counted in Stats only.
	Retain(ctx context.Context, now time.Time, maxAge time.Duration, maxBytes int64) (removed int64, err error)
	Check(ctx context.Context) []error // everything that is wrong, in words
	// Backup writes a copy of one moment while writing goes on.
	Backup(ctx context.Context, w io.Writer) error
	Stats(ctx context.Context) (Stats, error)
	Close() error
}
