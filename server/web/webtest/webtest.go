// Package webtest makes whole servers with pages, for tests.
package webtest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/live"
	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/server/web"
	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/sqlite"
)

// Stack is a server with pages over a real store.
type Stack struct {
	Dir     string
	Journal *journal.Journal
	Store   store.Store
	Live    *live.Live
	Handler http.Handler
	URL     string // of a listening server
}

// changes makes of live's changes those that the server takes.
type changes struct{ *live.Live }

func (c changes) Subscribe() (<-chan server.Change, func()) {
	in, cancel := c.Live.Subscribe()
	out := make(chan server.Change)
	done := make(chan struct{})
	go func() {
		defer close(out)
		for x := range in {
			select {
			case out <- x:
			case <-done:
				return
			}
		}
	}()
	return out, func() { close(done); cancel() }
}

// Start begins one without alerts; with auth everybody has to say who he is.
func Start(t testing.TB, auth bool) *Stack {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &Stack{Dir: t.TempDir()}
	var err error
	if s.Journal, err = journal.Open(filepath.Join(s.Dir, "journal"), journal.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.Store, err = sqlite.Open(ctx, filepath.Join(s.Dir, "tiercel.db")); err != nil {
		t.Fatal(err)
	}
	base := builtin.Base()
	s.Live, err = live.Open(ctx, live.Options{Journal: s.Journal, Store: s.Store, Base: base, Analyzer: analysis.New(base, analysis.Options{}),
		Dir: s.Dir, FlushEvery: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Live.Run(ctx) }()
	srv := s.Serve(t, changes{s.Live}, s.Live, auth)
	t.Cleanup(func() {
		srv.Close()
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.Journal.Close()
		s.Store.Close()
	})
	return s
}

// Serve listens with pages over the store.
func (s *Stack) Serve(t testing.TB, of server.Live, reports web.Live, auth bool) *server.Server {
	t.Helper()
	base := builtin.Base()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.Default()
	}
	pages, err := web.New(web.Options{Store: s.Store, Live: reports, Base: base, Version: "test", Log: log, Journal: s.Journal.Stats,
		DiskFree: func() (uint64, error) { return 50 << 30, nil }})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.New(server.Options{Store: s.Store, Journal: s.Journal, Live: of, Pages: pages, Auth: auth, Version: "test", Log: log,
		Definitions: base.Definitions(), TextFields: base.TextKeys()})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = srv.Handler()
	h := httptest.NewServer(s.Handler)
	t.Cleanup(h.Close)
	s.URL = h.URL
	return srv
}

// Settle waits until all that was received is analysed.
func (s *Stack) Settle(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if n, _ := s.Live.Lag(); n == 0 {
			return
		}
	}
	t.Fatal("the journal is not analysed in time")
}

// Receive puts alerts into the journal, and waits until they are analysed.
func (s *Stack) Receive(t testing.TB, at time.Time, lines ...[]byte) {
	t.Helper()
	var records [][]byte
	for i, line := range lines {
		records = append(records, envelope.Append(nil, envelope.Envelope{Received: at.Add(time.Duration(i) * 500 * time.Millisecond), Raw: line}))
	}
	for chunk := range slices.Chunk(records, 100) {
		if _, err := s.Journal.Append(context.Background(), chunk...); err != nil {
			t.Fatal(err)
		}
	}
	s.Settle(t)
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above", dir)
	return ""
}

// Corpus is the lines of the recordings.
func Corpus(t testing.TB) (lines [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), "testdata", "corpus", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, name := range files {
		if filepath.Base(name) == "truth.jsonl" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			lines = append(lines, bytes.TrimSpace(line))
		}
	}
	return lines
}

// Filled is Start with the recordings in it.
func Filled(t testing.TB, auth bool) *Stack {
	t.Helper()
	s := Start(t, auth)
	s.Receive(t, time.Now().Add(-10*time.Minute).UTC(), Corpus(t)...)
	return s
}
