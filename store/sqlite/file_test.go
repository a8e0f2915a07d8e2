package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/storetest"
)

var update = flag.Bool("update", false, "write the fixture of the newest schema")

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// small is a batch of n alerts from seq on, of one kind.
func small(seq uint64, n int) *store.Batch {
	b := &store.Batch{
		Incidents: []store.Incident{{ID: "i", Headline: "h", Rank: 3, Hosts: []string{"web"}, Last: storetest.Start}},
		Kinds:     []store.Kind{{ID: 1, Incident: "i", Key: "k", Rule: "r", Host: "web", Searchable: "some text"}},
		Next:      seq + uint64(n),
	}
	for i := range n {
		x := seq + uint64(i)
		b.Alerts = append(b.Alerts, store.Alert{Seq: x, Time: storetest.Start, Received: storetest.Start, Kind: 1, Raw: fmt.Appendf(nil, `{"n":%d}`, x)})
	}
	return b
}

func count(t testing.TB, s *Store) int64 {
	t.Helper()
	st, err := s.Stats(t.Context())
	fatal(t, err)
	return st.Alerts
}

func clean(t testing.TB, s *Store) {
	t.Helper()
	for _, err := range s.Check(t.Context()) {
		t.Errorf("Check: %v", err)
	}
}

func TestOpenPaths(t *testing.T) {
	for _, name := range []string{"a b", "q?mode=memory", "h#x", "p%20%zz", "ünï", "a&_pragma=journal_mode(OFF)", "deep/er/x", `"'`, ":memory:"} {
		path := filepath.Join(t.TempDir(), name)
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		fatal(t, s.Write(t.Context(), small(1, 1)))
		fatal(t, s.Close())
		info, err := os.Stat(path)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q: others may read it: %v", name, info.Mode())
		}
		s, err = Open(t.Context(), path)
		fatal(t, err)
		if count(t, s) != 1 {
			t.Errorf("%q: not there again", name)
		}
		fatal(t, s.Close())
	}
	if _, err := Open(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

func TestPragmas(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	for _, p := range []struct {
		db         *sql.DB
		name, want string
	}{
		{s.write, "journal_mode", "wal"}, {s.write, "synchronous", "2"}, {s.write, "auto_vacuum", "2"},
		{s.read, "query_only", "1"}, {s.read, "journal_mode", "wal"},
	} {
		var got string
		fatal(t, p.db.QueryRow("PRAGMA "+p.name).Scan(&got))
		if got != p.want {
			t.Errorf("%s is %s, not %s", p.name, got, p.want)
		}
	}
}

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(t.Context(), path)
	fatal(t, err)
	_, err = s.write.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	fatal(t, err)
	fatal(t, s.Close())
	_, err = Open(t.Context(), path)
	if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "999") {
		t.Errorf("error: %v", err)
	}
}

func TestFileOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", path)
	fatal(t, err)
	_, err = db.Exec("CREATE TABLE theirs (x)")
	fatal(t, err)
	fatal(t, db.Close())
	if _, err = Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("error: %v", err)
	}
}

// TestSchemaVersions opens a file that each version of the schema has made.
func TestSchemaVersions(t *testing.T) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	fatal(t, err)
	for i, name := range names {
		fixture := filepath.Join("testdata", fmt.Sprintf("v%d.db", i+1))
		if *update && i == len(names)-1 {
			writeFixture(t, fixture)
		}
		data, err := os.ReadFile(fixture)
		if err != nil {
			t.Errorf("%s: %v (run the test with -update before the schema is released)", name, err)
			continue
		}
		path := filepath.Join(t.TempDir(), "x.db")
		fatal(t, os.WriteFile(path, data, 0o600))
		s := openAt(t, path)
		clean(t, s)
		in, kinds, err := s.Incident(t.Context(), "i")
		fatal(t, err)
		if in.Handling.By != "ann" || len(kinds) != 1 || kinds[0].Searchable != "some text" {
			t.Errorf("%s: %+v, %+v", fixture, in, kinds)
		}
		page, err := s.Alerts(t.Context(), store.Query{Text: "some text", OldestFirst: true})
		fatal(t, err)
		if len(page.Items) != 20 || string(page.Items[19].Raw) != `{"n":20}` {
			t.Errorf("%s: %d alerts", fixture, len(page.Items))
		}
		// All statements of today fit it.
		fatal(t, s.Write(t.Context(), small(21, 10)))
		clean(t, s)
	}
}

func writeFixture(t *testing.T, name string) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(t.Context(), path)
	fatal(t, err)
	fatal(t, s.Write(t.Context(), small(1, 20)))
	fatal(t, s.Handle(t.Context(), "i", store.Handling{Status: store.Closed, Finding: "test", By: "ann", Why: "w", At: storetest.Start}))
	_, err = s.PutToken(t.Context(), store.Token{Name: "t", Hash: []byte("hash"), Scopes: []string{"read"}, Created: storetest.Start})
	fatal(t, err)
	fatal(t, s.PutUser(t.Context(), store.User{Name: "ann", Scopes: []string{"admin"}, Created: storetest.Start}))
	_, err = s.PutSilence(t.Context(), store.Silence{Condition: "always", By: "ann", Until: storetest.Start})
	fatal(t, err)
	_, err = s.PutDeadLetter(t.Context(), store.DeadLetter{Received: storetest.Start, Reason: "r", Raw: []byte("{")})
	fatal(t, err)
	fatal(t, s.Close())
	data, err := os.ReadFile(path)
	fatal(t, err)
	fatal(t, os.MkdirAll("testdata", 0o755))
	fatal(t, os.WriteFile(name, data, 0o644))
}

// TestCheckNamesFaults damages a store in many ways.
func TestCheckNamesFaults(t *testing.T) {
	for _, test := range []struct{ name, query, want string }{
		{"kind gone", "DELETE FROM kind WHERE id = 1", "are of kind 1, which is not there"},
		{"wrong count", "UPDATE kind SET held = held + 1", "kind 1 says that it has 31 alerts here, and has 30"},
		{"incident gone", "DELETE FROM incident", "kind 1 is of an incident that is not there"},
		{"incident merged", "UPDATE incident SET into_id = ''", "kind 1 is of incident i, which is gone"},
		{"body gone", "DELETE FROM body", "kind 1 has no text"},
		{"text of none", "UPDATE body SET kind = 9", "text of kind 9, which is not there"},
		{"full text gone", "DELETE FROM kind_text", "the full text of kind 1 is missing"},
		{"full text of none", "UPDATE body SET searchable = ''", "full text of kind 1, which has none"},
		{"merged into none", "INSERT INTO incident SELECT 9, 'x', 'zz', headline, class, severity, rank, kinds, count, repeats, first, last, hosts, rules, stages, changed, status, finding, by, why, at, since, closed_rank FROM incident", "incident x was merged into zz, which is not there"},
		{"block gone", "DELETE FROM block", "are in block 1, which is not there"},
		{"alert gone", "DELETE FROM alert WHERE seq = 7", "block 1 says that it has 30 alerts, and has 29"},
		{"alert outside", "UPDATE alert SET start = 100000 WHERE seq = 7", "alert 7 lies outside its block 1"},
		{"meta", "UPDATE meta SET alerts = 3", "3 alerts are counted, and 30 are there"},
		{"block damaged", "UPDATE block SET data = CAST(substr(data, 1, length(data) - 5) || x'0102030405' AS BLOB)", "block 1 cannot be unpacked"},
		{"block cut", "UPDATE block SET size = size + 1", "block 1 cannot be unpacked: it has"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
			fatal(t, s.Write(t.Context(), small(1, 30)))
			clean(t, s)
			_, err := s.write.Exec(test.query)
			fatal(t, err)
			var all []string
			for _, err := range s.Check(t.Context()) {
				all = append(all, err.Error())
				if !strings.Contains(err.Error(), s.path) {
					t.Errorf("it does not name the file: %v", err)
				}
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, test.want) {
				t.Errorf("got %q, not %q", got, test.want)
			}
		})
	}
}

// TestMergedInACircle: only a damaged file has one.
func TestMergedInACircle(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	b := small(1, 1)
	b.Incidents = append(b.Incidents, store.Incident{ID: "j"})
	fatal(t, s.Write(t.Context(), b))
	_, err := s.write.Exec("UPDATE incident SET into_id = iif(id = 'i', 'j', 'i')")
	fatal(t, err)
	if _, _, err := s.Incident(t.Context(), "i"); !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "circle") {
		t.Errorf("error: %v", err)
	}
}

func TestDamagedFile(t *testing.T) {
	make := func(t *testing.T) (string, []byte) {
		path := filepath.Join(t.TempDir(), "x.db")
		s, err := Open(t.Context(), path)
		fatal(t, err)
		for i := range 20 {
			fatal(t, s.Write(t.Context(), small(uint64(1000*i), 1000)))
		}
		fatal(t, s.Close())
		data, err := os.ReadFile(path)
		fatal(t, err)
		return path, data
	}
	told := func(t *testing.T, path string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "tiercel store restore") {
			t.Errorf("error: %v", err)
		}
	}
	t.Run("header", func(t *testing.T) {
		path, data := make(t)
		copy(data, "this was a database")
		fatal(t, os.WriteFile(path, data, 0o600))
		_, err := Open(t.Context(), path)
		told(t, path, err)
	})
	t.Run("schema", func(t *testing.T) {
		path, data := make(t)
		copy(data[100:4096], bytes.Repeat([]byte{0xA5}, 3996))
		fatal(t, os.WriteFile(path, data, 0o600))
		_, err := Open(t.Context(), path)
		told(t, path, err)
	})
	t.Run("cut", func(t *testing.T) {
		path, data := make(t)
		fatal(t, os.WriteFile(path, data[:len(data)/2], 0o600))
		s, err := Open(t.Context(), path)
		if err != nil {
			told(t, path, err)
			return
		}
		defer s.Close()
		faults := s.Check(t.Context())
		if len(faults) == 0 {
			t.Fatal("nothing found")
		}
	})
	t.Run("pages", func(t *testing.T) {
		path, data := make(t)
		for at := 10 * 4096; at < len(data); at += 4096 {
			copy(data[at:], bytes.Repeat([]byte{0x5A}, 2000))
		}
		fatal(t, os.WriteFile(path, data, 0o600))
		s, err := Open(t.Context(), path)
		if err != nil {
			told(t, path, err)
			return
		}
		defer s.Close()
		if faults := s.Check(t.Context()); len(faults) == 0 {
			t.Error("nothing found")
		}
		_, err = s.Alerts(t.Context(), store.Query{Limit: 1000, OldestFirst: true})
		told(t, path, err)
	})
}

func TestRestore(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(ctx, path)
	fatal(t, err)
	fatal(t, s.Write(ctx, small(1, 10)))
	var backup bytes.Buffer
	fatal(t, s.Backup(ctx, &backup))
	fatal(t, s.Write(ctx, small(11, 10)))

	if _, err := Restore(ctx, path, bytes.NewReader(backup.Bytes())); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("restored under a store that is open: %v", err)
	}
	fatal(t, s.Close())

	damaged := bytes.Clone(backup.Bytes())
	copy(damaged[len(damaged)-2000:], bytes.Repeat([]byte{0x5A}, 2000))
	for name, data := range map[string][]byte{"empty": nil, "text": []byte("no database at all, really"), "cut": backup.Bytes()[:backup.Len()/2], "damaged": damaged} {
		if _, err := Restore(ctx, path, bytes.NewReader(data)); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	s, err = Open(ctx, path)
	fatal(t, err)
	if n := count(t, s); n != 20 {
		t.Errorf("%d alerts after restores that failed", n)
	}
	fatal(t, s.Close())

	// What lies in the log of the old one must not get into the new one.
	crashed := crashCopy(t, path)
	kept, err := Restore(ctx, crashed, bytes.NewReader(backup.Bytes()))
	fatal(t, err)
	s = openAt(t, crashed)
	clean(t, s)
	if n := count(t, s); n != 10 {
		t.Errorf("%d alerts after the restore", n)
	}
	p, err := s.Position(ctx)
	fatal(t, err)
	if p != 11 {
		t.Errorf("position %d", p)
	}
	old := openAt(t, kept)
	if n := count(t, old); n != 25 {
		t.Errorf("%d alerts in what was kept", n)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(crashed), ".restore-*"))
	fatal(t, err)
	if len(left) > 0 {
		t.Errorf("left over: %v", left)
	}

	// Where there was none.
	fresh := filepath.Join(t.TempDir(), "new", "x.db")
	kept, err = Restore(ctx, fresh, bytes.NewReader(backup.Bytes()))
	fatal(t, err)
	if s := openAt(t, fresh); kept != "" || count(t, s) != 10 {
		t.Errorf("kept %q", kept)
	}
}

// crashCopy writes five alerts more and copies the files as a crash would
// leave them, with the log.
func crashCopy(t *testing.T, path string) string {
	s, err := Open(t.Context(), path)
	fatal(t, err)
	defer s.Close()
	fatal(t, s.Write(t.Context(), small(21, 5)))
	to := filepath.Join(t.TempDir(), "crashed.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		fatal(t, err)
		if len(data) == 0 {
			t.Fatalf("%s is empty", suffix)
		}
		fatal(t, os.WriteFile(to+suffix, data, 0o600))
	}
	return to
}

func TestBackupIsWhole(t *testing.T) {
	ctx := t.Context()
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	fatal(t, s.Write(ctx, small(0, 100)))
	ctx2, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() {
		for i := 1; ; i++ {
			if err := s.Write(ctx2, small(uint64(100*i), 100)); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 5 {
		var b bytes.Buffer
		fatal(t, s.Backup(ctx, &b))
		path := filepath.Join(t.TempDir(), "copy.db")
		_, err := Restore(ctx, path, &b)
		fatal(t, err)
		copied := openAt(t, path)
		p, err := copied.Position(ctx)
		fatal(t, err)
		if n := count(t, copied); n%100 != 0 || uint64(n) != p {
			t.Errorf("%d alerts at position %d", n, p)
		}
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(s.path), ".backup-*"))
	fatal(t, err)
	if len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestRetainShrinksTheFile(t *testing.T) {
	ctx := t.Context()
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	noise := rand.NewChaCha8([32]byte{})
	for i := range 40 {
		b := small(uint64(1000*i), 1000)
		for j := range b.Alerts {
			b.Alerts[j].Raw = make([]byte, 300)
			_, _ = noise.Read(b.Alerts[j].Raw)
		}
		fatal(t, s.Write(ctx, b))
	}
	checkpoint := func() int64 {
		_, err := s.write.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		fatal(t, err)
		st, err := s.Stats(ctx)
		fatal(t, err)
		return st.Bytes
	}
	before := checkpoint()
	n, err := s.Retain(ctx, storetest.Start.Add(48*time.Hour), 2*time.Hour, 0)
	fatal(t, err)
	after := checkpoint()
	if n != 40_000 || after > step*4096+1<<20 || before < 10<<20 {
		t.Errorf("%d removed; %d bytes before, %d after", n, before, after)
	}
	clean(t, s)
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor(byRank, 1, -2, 3))
	f.Add("")
	f.Add("AXI")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseCursor(text, byRank, 3)
		if err != nil {
			if !errors.Is(err, store.ErrCursor) {
				t.Errorf("error %v", err)
			}
			return
		}
		again, err := parseCursor(cursor(byRank, keys...), byRank, 3)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(keys) {
			t.Errorf("%q: %v, then %v, %v", text, keys, again, err)
		}
	})
}

// FuzzText: no text is a syntax error, and a text finds the kind that has it.
func FuzzText(f *testing.F) {
	for _, text := range storetest.Hostile {
		f.Add(text)
	}
	db, err := sql.Open("sqlite", ":memory:")
	fatal(f, err)
	f.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE VIRTUAL TABLE x USING fts5 (t, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2")`)
	fatal(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		e := match(text)
		if e == "" {
			return
		}
		_, err := db.Exec("INSERT OR REPLACE INTO x (rowid, t) VALUES (1, ?)", strings.ReplaceAll(text, "\x00", " "))
		fatal(t, err)
		var n int
		if err := db.QueryRow("SELECT count(*) FROM x WHERE x MATCH ?", e).Scan(&n); err != nil {
			t.Errorf("%q became %q: %v", text, e, err)
		}
	})
}

// TestRetainPacks: alerts that stay do not keep the room of those that went.
func TestRetainPacks(t *testing.T) {
	ctx := t.Context()
	s := openAt(t, filepath.Join(t.TempDir(), "x.db"))
	b := small(1, 5000)
	b.Incidents = append(b.Incidents, store.Incident{ID: "closed"})
	b.Kinds = append(b.Kinds, store.Kind{ID: 2, Incident: "closed"})
	kept := 0
	for i := range b.Alerts {
		b.Alerts[i].Raw = bytes.Repeat([]byte{byte(i)}, 100)
		if i%10 != 0 {
			b.Alerts[i].Kind = 2
			continue
		}
		kept += 100
	}
	fatal(t, s.Write(ctx, b))
	fatal(t, s.Handle(ctx, "closed", store.Handling{Status: store.Closed, Finding: "test"}))
	n, err := s.Retain(ctx, storetest.Start.Add(90*time.Minute), time.Hour, 0)
	fatal(t, err)
	var size int
	fatal(t, s.read.QueryRow("SELECT sum(size) FROM block").Scan(&size))
	if n != 4500 || size != kept {
		t.Errorf("%d removed, %d bytes in blocks, %d in alerts", n, size, kept)
	}
	page, err := s.Alerts(ctx, store.Query{Limit: 1000})
	fatal(t, err)
	for _, a := range page.Items {
		if !bytes.Equal(a.Raw, bytes.Repeat([]byte{byte(a.Seq - 1)}, 100)) {
			t.Errorf("alert %d is not what it was", a.Seq)
		}
	}
	clean(t, s)
}
