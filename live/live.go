// Package live follows the journal: it decodes and judges alerts in parallel,
// puts them together as they come, and keeps what came of it in the store. It
// goes on after a restart where it was.
package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/renameio/v2"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/store"
)

// Options say what a Live works with. All but the last three are required.
type Options struct {
	Journal  *journal.Journal
	Store    store.Store
	Base     *knowledge.Base
	Analyzer *analysis.Analyzer
	Dir      string // for the checkpoint and the key of duplicates

	Log             *slog.Logger  // nil: slog.Default
	FlushEvery      time.Duration // how long an analysed alert waits for the store; 0 is 250 ms
	CheckpointEvery time.Duration // 0 is 30 s
}

// limits bound what is open at a time.
var limits = incident.Limits{Kinds: 200_000, Kept: 20_000}

// flushAlerts is how many alerts are written to the store at once, at most.
const flushAlerts = 5000

// Live follows the journal; see Run.
type Live struct {
	opt     Options
	log     *slog.Logger
	builder *report.Builder
	key     [16]byte
	l       *incident.Live
	info    map[uint64]*info // of the kinds that are open, by id
	rest    pending
	next    uint64 // the position that comes next
	saved   uint64 // that of the last checkpoint

	analysed atomic.Uint64 // positions before this are in the store
	waiting  atomic.Int64  // when the oldest record that is not in the store was received, nanoseconds since 1970; 0: none
	counted  atomic.Pointer[Counted]
	count    Counted // of Run alone; counted is a copy

	mu   sync.Mutex
	subs map[chan Change]bool
}

// Change says that an incident is not what it was.
type Change struct {
	Incident string
	Seq      uint64 // of the alerts before the next
}

// Counted is what does not show in the incidents.
type Counted struct {
	Undecoded int64 // records that turned out to be no alert
	Repeats   int64 // alerts that had been delivered before
	Beyond    int64 // alerts of kinds beyond the limit: stored, and in no incident
	Forgotten int64 // links that were given up for want of room: an incident may be split there
	Late      int64 // alerts that came so late that what they belong to may have been forgotten
}

// Counted returns the counts; Forgotten and Late outlive a restart.
func (l *Live) Counted() Counted { return *l.counted.Load() }

// pending is what waits for the store.
type pending struct {
	alerts []store.Alert
	since  time.Time // when the first of them came here
}

// Open makes a Live that goes on from its last checkpoint.
func Open(ctx context.Context, opt Options) (*Live, error) {
	l := &Live{opt: opt, log: opt.Log, builder: report.NewBuilder(opt.Base), info: map[uint64]*info{}, subs: map[chan Change]bool{}}
	if l.log == nil {
		l.log = slog.Default()
	}
	if l.opt.FlushEvery <= 0 {
		l.opt.FlushEvery = 250 * time.Millisecond
	}
	if l.opt.CheckpointEvery <= 0 {
		l.opt.CheckpointEvery = 30 * time.Second
	}
	if err := l.readKey(); err != nil {
		return nil, err
	}
	if err := l.restore(ctx); err != nil {
		return nil, err
	}
	l.analysed.Store(l.next)
	l.publish()
	return l, nil
}

// publish makes the counts known to other goroutines.
func (l *Live) publish() {
	l.count.Forgotten, l.count.Late = int64(l.l.Kinds().Forgotten()), int64(l.l.Kinds().Late())
	c := l.count
	l.counted.Store(&c)
}

// readKey reads the key with which duplicates are recognised, and makes it if
// there is none.
func (l *Live) readKey() error {
	file := filepath.Join(l.opt.Dir, "duplicates.key")
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := rand.Read(l.key[:]); err != nil {
			return err
		}
		return renameio.WriteFile(file, l.key[:], 0o600)
	case err != nil:
		return err
	case len(text) != len(l.key):
		return fmt.Errorf("%s: has %d bytes, not %d", file, len(text), len(l.key))
	}
	copy(l.key[:], text)
	return nil
}

// Subscribe returns changes, coalesced and lossy: a reader reads again what it
// shows.
func (l *Live) Subscribe() (changes <-chan Change, cancel func()) {
	ch := make(chan Change, 256)
	l.mu.Lock()
	l.subs[ch] = true
	l.mu.Unlock()
	return ch, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.subs[ch] {
			delete(l.subs, ch)
			close(ch)
		}
	}
}

func (l *Live) tell(list []Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ch := range l.subs {
		for _, c := range list {
			select {
			case ch <- c:
			default:
			}
		}
	}
}

// Lag is how many records of the journal are still to be analysed, and how long
// ago the oldest of them was received.
func (l *Live) Lag() (records int, since time.Duration) {
	next := uint64(l.opt.Journal.Stats().Next)
	records = int(next - min(next, l.analysed.Load()))
	if at := l.waiting.Load(); records > 0 && at != 0 {
		since = time.Since(time.Unix(0, at))
	}
	return records, since
}

// batch is a run of records on its way through.
type batch struct {
	first   uint64
	records [][]byte
	seen    []item
	done    chan struct{}
}

// item is a record that was decoded, or could not be.
type item struct {
	seen     incident.Seen
	received time.Time
	raw      []byte
	reason   string // why it is no alert
}

const (
	batchRecords = 1000
	batchBytes   = 4 << 20
)

// Run follows the journal until ctx ends or something cannot be gone on with.
// What was analysed by then is in the store.
func (l *Live) Run(ctx context.Context) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	workers := runtime.GOMAXPROCS(0)
	work, order := make(chan *batch, workers), make(chan *batch, 2*workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			w := l.newWorker()
			for b := range work {
				w.decode(b)
				close(b.done)
			}
		})
	}
	wg.Go(func() {
		defer close(order)
		defer close(work)
		if err := l.read(inner, work, order); err != nil {
			stop(err)
		}
	})
	err := l.take(inner, order)
	stop(err)
	for b := range order { // let the reader end
		<-b.done
	}
	wg.Wait()
	if cause := context.Cause(inner); err == nil && ctx.Err() == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

func (l *Live) read(ctx context.Context, work, order chan<- *batch) error {
	r := l.opt.Journal.Reader(journal.Position(l.next))
	defer r.Close()
	for {
		first, records, err := r.NextBatch(ctx, batchRecords, batchBytes)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, journal.ErrClosed) {
				return nil
			}
			return err
		}
		b := &batch{first: uint64(first), records: records, done: make(chan struct{})}
		select {
		case work <- b:
			order <- b
		case <-ctx.Done():
			return nil
		}
	}
}

// take puts the batches together in their order, and writes to the store from
// time to time.
func (l *Live) take(ctx context.Context, order <-chan *batch) error {
	flush := time.NewTicker(l.opt.FlushEvery)
	defer flush.Stop()
	checkpoint := time.NewTicker(l.opt.CheckpointEvery)
	defer checkpoint.Stop()
	for {
		select {
		case b, ok := <-order:
			if !ok {
				return l.end()
			}
			<-b.done
			if err := l.add(ctx, b); err != nil {
				return err
			}
			if len(l.rest.alerts) >= flushAlerts || !l.rest.since.IsZero() && time.Since(l.rest.since) >= l.opt.FlushEvery {
				if err := l.flush(ctx); err != nil {
					return err
				}
			}
		case <-flush.C:
			if err := l.flush(ctx); err != nil {
				return err
			}
		case <-checkpoint.C:
			if err := l.checkpoint(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return l.end()
		}
	}
}

// end writes what is there, also when the context is over.
func (l *Live) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return l.checkpoint(ctx)
}

// add puts the alerts of a batch where they belong.
func (l *Live) add(ctx context.Context, b *batch) error {
	for i := range b.seen {
		it := &b.seen[i]
		if it.reason != "" {
			l.count.Undecoded++
			l.log.Error("a record of the journal is no alert", "position", b.first+uint64(i), "reason", it.reason)
			if _, err := l.opt.Store.PutDeadLetter(ctx, store.DeadLetter{Received: it.received, Reason: it.reason, Raw: it.raw}); err != nil {
				l.log.Error("no dead letter", "error", err)
			}
			continue
		}
		if l.rest.since.IsZero() {
			l.rest.since = time.Now()
			l.waiting.Store(it.received.UnixNano())
		}
		id, fresh, repeat := l.l.Add(&it.seen)
		switch {
		case id == 0:
			l.count.Beyond++
		case fresh:
			l.info[id] = l.learn(it)
		}
		if repeat {
			l.count.Repeats++
		}
		l.rest.alerts = append(l.rest.alerts, store.Alert{Seq: uint64(it.seen.Line), Time: it.seen.Time, Received: it.received, Kind: id, Repeat: repeat, Raw: it.raw})
	}
	l.next = b.first + uint64(len(b.records))
	return nil
}

// flush writes what has changed. While the store is full it tries again: the
// journal holds what comes meanwhile.
func (l *Live) flush(ctx context.Context) error {
	if len(l.rest.alerts) == 0 && l.next == l.analysed.Load() {
		return nil
	}
	changes := l.l.Changes()
	b := l.batch(changes)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := l.opt.Store.Write(context.WithoutCancel(ctx), b)
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrFull) {
			return fmt.Errorf("store: %w", err)
		}
		l.log.Error("the store is full: what is received stays in the journal", "waiting", len(l.rest.alerts))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("store: %w", err)
		}
	}
	l.publish()
	l.rest = pending{alerts: l.rest.alerts[:0]}
	l.analysed.Store(l.next)
	l.waiting.Store(0)
	list := make([]Change, 0, len(b.Incidents))
	for _, i := range b.Incidents {
		list = append(list, Change{i.ID, l.next})
	}
	l.tell(list)
	if l.l.Close() > 0 {
		l.forget()
	}
	return nil
}

// worker decodes and judges; one a goroutine.
type worker struct {
	l      *Live
	dec    *alert.Decoder
	kinder *analysis.Kinder
	judge  *analysis.Judge
	linker *incident.Linker
	known  map[uint64]*shape
}

// shape is what is found out once for all alerts of a shape.
type shape struct {
	id        analysis.ID
	judgement analysis.Judgement
	links     []incident.Link
}

// shapesKnown bounds how many shapes a worker keeps in mind.
const shapesKnown = 30_000

func (l *Live) newWorker() *worker {
	z := l.opt.Analyzer
	return &worker{l: l, dec: alert.NewDecoder(alert.Options{TextFields: l.opt.Base.TextKeys()}), kinder: z.NewKeyedKinder(l.key), judge: z.NewJudge(),
		linker: incident.NewLinker(z.Definitions()), known: map[uint64]*shape{}}
}
