// Package sqlite keeps a store.Store in one SQLite file.
//
// An alert is a small row; what it said is in a compressed block with its
// neighbours. Full text is kept of kinds only, so that a storm of repeats
// costs next to nothing.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/klauspost/compress/zstd"
	"github.com/pressly/goose/v3"
	moderncsqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tiercel/tiercel/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is in the header of every file that is ours.
const applicationID = 0x54726365

const readers = 4

// Store is a store.Store in one SQLite file (with its -wal and -shm beside
// it). Its methods may be called at the same time; writes come one after the
// other.
type Store struct {
	path  string
	write *sql.DB // one connection
	read  *sql.DB
	lock  *flock.Flock
	enc   *zstd.Encoder
	dec   *zstd.Decoder
	stmts statements
	now   func() time.Time
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path, makes it if there is none (readable by its
// owner only, as alerts hold secrets) and brings its schema up to date. The
// error is store.ErrNewer when a newer Tiercel has written it, and
// store.ErrDamaged when SQLite cannot read it.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// open does all but to lay out the schema.
func open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	lock := flock.New(path + ".lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	ok, err := lock.TryRLock()
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, full(err))
	}
	if !ok {
		return nil, fmt.Errorf("store %s: it is being restored", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("store: %w", full(err))
	}
	f.Close()
	s := &Store{path: path, lock: lock, now: time.Now}
	if err := s.connect(); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.setUp(ctx); err != nil {
		s.Close()
		return nil, s.wrap("open", err)
	}
	return s, nil
}

func (s *Store) setUp(ctx context.Context) error {
	// auto_vacuum holds only when it is set before the first table.
	if _, err := s.write.ExecContext(ctx, "PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
		return err
	}
	var mode string
	if err := s.write.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("its file system cannot have a write-ahead log (journal mode %s)", mode)
	}
	return nil
}

// maxBlock bounds what a damaged block can make of memory, in bytes; a block is
// larger than blockSize only when one alert is.
const maxBlock = 256 << 20

// With synchronous=FULL a commit is on disk before it is answered, also when
// the power goes: what a person does (close an incident, revoke a token) is in
// no journal, and the journal may be trimmed up to Position. Measured, it costs
// one fsync a batch. Without it kill -9 would lose nothing either, but power
// loss would lose the last commits, and Position with them.
const (
	writerPragmas = "&_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)" +
		"&_pragma=temp_store(MEMORY)&_pragma=cache_size(-32000)&_pragma=wal_autocheckpoint(4000)&_pragma=journal_size_limit(67108864)"
	readerPragmas = "&_pragma=busy_timeout(10000)&_pragma=query_only(1)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-8000)"
)

func dsn(path, pragmas string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	return u.String() + "?_dqs=0" + pragmas
}

func (s *Store) connect() (err error) {
	if s.write, err = sql.Open("sqlite", dsn(s.path, writerPragmas)); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", dsn(s.path, readerPragmas)); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	// The blocks are small: one encoder for one writer is enough.
	if s.enc, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithLowerEncoderMem(true)); err != nil {
		return err
	}
	s.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(readers), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBlock))
	return err
}

// prepare brings the schema up to date.
func (s *Store) prepare(ctx context.Context) error {
	var id, tables int64
	if err := s.write.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return s.wrap("open", err)
	}
	if err := s.write.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'").Scan(&tables); err != nil {
		return s.wrap("open", err)
	}
	if id != applicationID && tables > 0 {
		return fmt.Errorf("store %s: it is an SQLite file of another program", s.path)
	}
	sources, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, s.write, sources, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return s.wrap("open", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return s.wrap("open", err)
	}
	if have > want {
		return fmt.Errorf("store %s: %w: its schema is version %d and this one knows versions up to %d", s.path, store.ErrNewer, have, want)
	}
	if _, err := provider.Up(ctx); err != nil {
		return s.wrap("migrate", err)
	}
	if err := s.stmts.prepare(ctx, s.write); err != nil {
		return s.wrap("open", err)
	}
	return nil
}

// Close waits for what is under way and closes the file.
func (s *Store) Close() error {
	var errs []error
	// The writer goes last: the last connection folds the log into the file.
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.dec != nil {
		s.dec.Close()
	}
	errs = append(errs, s.lock.Close())
	return errors.Join(errs...)
}

// wrap gives an error of SQLite the name of the file and, where there is one,
// the error of package store that it amounts to.
func (s *Store) wrap(what string, err error) error {
	if err == nil || errors.Is(err, store.ErrDamaged) {
		return err
	}
	var e *moderncsqlite.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("store %s: %s: %w", s.path, what, full(err))
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("store %s: %s: %w (%w)", s.path, what, store.ErrFull, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		// SQLite does not say why it could not write.
		if noRoom(filepath.Dir(s.path)) {
			return fmt.Errorf("store %s: %s: %w (%w)", s.path, what, store.ErrFull, err)
		}
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return s.damaged(what, err)
	}
	return fmt.Errorf("store %s: %s: %w", s.path, what, err)
}

func (s *Store) damaged(what string, err error) error {
	return fmt.Errorf("store %s: %s: %w (%w); `tiercel store check` says what is wrong, `tiercel store restore` puts a backup in its place",
		s.path, what, store.ErrDamaged, err)
}

// full turns the system's error into store.ErrFull.
func full(err error) error {
	if isNoSpace(err) && !errors.Is(err, store.ErrFull) {
		return fmt.Errorf("%w (%w)", store.ErrFull, err)
	}
	return err
}

// begin runs f in one transaction of the writer.
func (s *Store) begin(ctx context.Context, what string, f func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.wrap(what, err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if err := f(tx); err != nil {
		return s.wrap(what, err)
	}
	return s.wrap(what, tx.Commit())
}

// view runs f in one transaction of a reader: what f reads is of one moment.
func (s *Store) view(ctx context.Context, what string, f func(tx *sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return s.wrap(what, err)
	}
	defer func() { _ = tx.Rollback() }()
	return s.wrap(what, f(tx))
}

const none = math.MinInt64

var (
	earliest = time.Unix(0, none+1)
	latest   = time.Unix(0, math.MaxInt64)
)

// nanos is a time as it is kept. What is before 1678 or after 2262 becomes the
// nearest that can be kept; the raw alert still has it.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return none
	case t.Before(earliest):
		return none + 1
	case t.After(latest):
		return math.MaxInt64
	}
	return t.UnixNano()
}

func moment(n int64) time.Time {
	if n == none {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
