package live_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/live"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/sqlite"
)

// stack is what serve runs on, in one folder.
type stack struct {
	journal *journal.Journal
	store   store.Store
	live    *live.Live
	stop    context.CancelFunc
	ended   chan error
}

func start(t testing.TB, dir string) *stack {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := &stack{stop: stop, ended: make(chan error, 1)}
	var err error
	if s.journal, err = journal.Open(filepath.Join(dir, "journal"), journal.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.store, err = sqlite.Open(ctx, filepath.Join(dir, "tiercel.db")); err != nil {
		t.Fatal(err)
	}
	s.live, err = live.Open(ctx, live.Options{Journal: s.journal, Store: s.store, Base: builtin.Base(),
		Analyzer: analysis.New(builtin.Base(), analysis.Options{}), Dir: dir, FlushEvery: 5 * time.Millisecond, CheckpointEvery: 40 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.live.Run(ctx) }()
	return s
}

// end stops as serve does.
func (s *stack) end(t testing.TB) {
	t.Helper()
	s.stop()
	if err := <-s.ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.journal.Close()
	s.store.Close()
}

// settle waits until all that is in the journal is in the store.
func (s *stack) settle(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if n, _ := s.live.Lag(); n == 0 {
			return
		}
	}
	n, since := s.live.Lag()
	t.Fatalf("%d records wait since %s", n, since)
}

// corpus is the lines of some recordings, as they are received one by one.
func corpus(t testing.TB) (records [][]byte) {
	t.Helper()
	files, err := filepath.Glob("../testdata/corpus/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, name := range files {
		if filepath.Base(name) == "truth.jsonl" {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			at = at.Add(50 * time.Millisecond)
			records = append(records, envelope.Append(nil, envelope.Envelope{Received: at, Raw: slices.Clone(lines.Bytes())}))
		}
	}
	return records
}

func appendAll(t testing.TB, s *stack, records [][]byte) {
	t.Helper()
	for chunk := range slices.Chunk(records, 7) {
		if _, err := s.journal.Append(context.Background(), chunk...); err != nil {
			t.Fatal(err)
		}
	}
}

// picture says which alerts are in which incident, and what is thought of it.
func picture(t testing.TB, s store.Store) string {
	t.Helper()
	ctx := context.Background()
	kinds := map[uint64][]uint64{}
	q := store.Query{Limit: 1000}
	for {
		page, err := s.Alerts(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Items {
			kinds[a.Kind] = append(kinds[a.Kind], a.Seq)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	var out []string
	q = store.Query{Limit: 1000}
	page, err := s.Incidents(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range page.Items {
		_, of, err := s.Incident(ctx, i.ID)
		if err != nil {
			t.Fatal(err)
		}
		var seqs []uint64
		count := 0
		for _, k := range of {
			seqs = append(seqs, kinds[k.ID]...)
			count += k.Count
		}
		slices.Sort(seqs)
		out = append(out, fmt.Sprint(i.ID, " ", i.Class, " ", i.Severity, " ", i.Count, " ", count, " ", i.Headline, " ", seqs))
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

func TestAlertsBecomeIncidentsInTheStore(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	records := corpus(t)
	changes, cancel := s.live.Subscribe()
	defer cancel()
	appendAll(t, s, records)
	s.settle(t)
	stats, err := s.store.Stats(context.Background())
	if err != nil || stats.Alerts != int64(len(records)) {
		t.Errorf("%d of %d alerts are stored (%v)", stats.Alerts, len(records), err)
	}
	if problems := s.store.Check(context.Background()); len(problems) > 0 {
		t.Error(problems)
	}
	select {
	case <-changes:
	default:
		t.Error("nobody was told of a change")
	}
	page, err := s.store.Incidents(context.Background(), store.Query{Limit: 500})
	if err != nil || len(page.Items) < 10 {
		t.Fatalf("%d incidents, %v", len(page.Items), err)
	}
	if page.Items[0].Class != "attack" || page.Items[0].Headline == "" {
		t.Errorf("the worst is %+v", page.Items[0])
	}
	for _, i := range page.Items {
		d, err := s.live.Document(context.Background(), i.ID)
		switch {
		case err != nil:
			t.Errorf("%s: %v", i.ID, err)
		case d.Verdict.Class != i.Class || d.Severity != i.Severity || d.Alerts.Count != i.Count || len(d.Sections) == 0:
			t.Errorf("%s is %s %s with %d alerts, its report says %s %s with %d", i.ID, i.Class, i.Severity, i.Count, d.Verdict.Class, d.Severity, d.Alerts.Count)
		}
	}
	s.end(t)
}

// TestRestartsChangeNothing stops in the middle, and copies the folder in the
// middle of a run as a crash would leave it.
func TestRestartsChangeNothing(t *testing.T) {
	records := corpus(t)
	once := t.TempDir()
	s := start(t, once)
	appendAll(t, s, records)
	s.settle(t)
	want := picture(t, s.store)
	s.end(t)

	t.Run("stopped", func(t *testing.T) {
		dir := t.TempDir()
		for chunk := range slices.Chunk(records, len(records)/5+1) {
			s := start(t, dir)
			appendAll(t, s, chunk)
			s.end(t)
		}
		s := start(t, dir)
		defer s.end(t)
		s.settle(t)
		if got := picture(t, s.store); got != want {
			t.Error(difference(want, got))
		}
	})
	t.Run("killed", func(t *testing.T) {
		dir := t.TempDir()
		for round := range 6 {
			child := exec.Command(os.Args[0], "-test.run=^TestChild$")
			child.Env = append(os.Environ(), childDir+"="+dir)
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(150+round*37) * time.Millisecond)
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = child.Wait()
		}
		s := start(t, dir)
		defer s.end(t)
		appendAll(t, s, records[int(s.journal.Stats().Next)-1:])
		s.settle(t)
		if got := picture(t, s.store); got != want {
			t.Error(difference(want, got))
		}
		if problems := s.store.Check(context.Background()); len(problems) > 0 {
			t.Error(problems)
		}
	})
}

const childDir = "TIERCEL_LIVE_CHILD"

// TestChild is what TestRestartsChangeNothing kills.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("only runs as a child")
	}
	s := start(t, dir)
	for _, record := range corpus(t)[int(s.journal.Stats().Next)-1:] {
		if _, err := s.journal.Append(context.Background(), record); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Minute)
}

func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out []string
	for _, line := range x {
		if !slices.Contains(y, line) {
			out = append(out, "want "+line)
		}
	}
	for _, line := range y {
		if !slices.Contains(x, line) {
			out = append(out, "got  "+line)
		}
	}
	return strings.Join(out, "\n")
}

// TestDeliveredTwiceOverARestart counts the second delivery as a repeat.
func TestDeliveredTwiceOverARestart(t *testing.T) {
	dir := t.TempDir()
	records := corpus(t)[:20]
	for range 2 {
		s := start(t, dir)
		appendAll(t, s, records)
		s.settle(t)
		s.end(t)
	}
	s := start(t, dir)
	defer s.end(t)
	count, repeats := 0, 0
	page, err := s.store.Incidents(context.Background(), store.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range page.Items {
		count, repeats = count+i.Count, repeats+i.Repeats
	}
	if count != 20 || repeats != 20 {
		t.Errorf("%d alerts and %d repeats", count, repeats)
	}
}

func TestWhatIsNoAlertIsKeptApart(t *testing.T) {
	s := start(t, t.TempDir())
	defer s.end(t)
	good := corpus(t)[0]
	bad := envelope.Append(nil, envelope.Envelope{Received: time.Now(), Raw: []byte(`{"hello":"world"}`)})
	appendAll(t, s, [][]byte{good, bad, []byte("no envelope"), corpus(t)[1]})
	s.settle(t)
	letters, err := s.store.DeadLetters(context.Background(), 0, 10)
	stats, _ := s.store.Stats(context.Background())
	if err != nil || len(letters) != 2 || stats.Alerts != 2 || s.live.Counted().Undecoded != 2 {
		t.Errorf("%d dead letters, %d alerts, %v", len(letters), stats.Alerts, err)
	}
}

// TestSearchFindsWhatWasCountedAgain searches for a kind after a second alert of
// it was written.
func TestSearchFindsWhatWasCountedAgain(t *testing.T) {
	s := start(t, t.TempDir())
	defer s.end(t)
	for n := range 3 {
		raw := fmt.Sprintf(`{"hostname":"web1","rule":"Terminal shell in container","priority":"Notice","source":"syscall","time":"2026-11-24T09:00:0%d.000000001Z","output_fields":{"container.id":"0a1b2c3d4e5f","proc.cmdline":"zebra-shell","user.name":"root"}}`, n)
		appendAll(t, s, [][]byte{envelope.Append(nil, envelope.Envelope{Received: time.Now(), Raw: []byte(raw)})})
		s.settle(t)
		page, err := s.store.Incidents(context.Background(), store.Query{Text: "zebra"})
		if err != nil || len(page.Items) != 1 || page.Items[0].Count != n+1 {
			t.Fatalf("after %d alerts: %+v, %v", n+1, page.Items, err)
		}
	}
	if c := s.live.Counted(); c != (live.Counted{}) {
		t.Errorf("%+v", c)
	}
}
