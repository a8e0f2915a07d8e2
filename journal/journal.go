// Package journal keeps what was acknowledged: an append-only file of records,
// cut into segments, with one consumer's Reader following behind.
//
// Append returns when its records are on disk; calls that wait at the same
// time share one fsync. A record has a position for life, and a call's records
// are recovered after a crash all or none. README.md says what was measured,
// and why this is not a library.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Position numbers a record, from 1, and the next one is one more. A position
// is never used again; where records were lost there is a gap.
type Position uint64

// MaxAppend is how many bytes one Append takes, with 4 for each record and 28
// more. It bounds what a reader has to hold.
const MaxAppend = 32 << 20

const (
	defaultSegmentBytes = 64 << 20
	maxSegmentBytes     = 1 << 30 // offsets have 32 bits
	groupBytes          = 4 << 20 // one fsync is for about so much at the most
)

var (
	// ErrFull says that nothing of the Append was kept, for want of space on
	// the disk or within MaxBytes. A later one succeeds once there is room.
	ErrFull = errors.New("journal is full")
	// ErrClosed says that the journal was closed.
	ErrClosed = errors.New("journal is closed")
	// ErrTooLarge says that one Append was given more than MaxAppend or MaxBytes.
	ErrTooLarge = errors.New("too large for the journal")
	// ErrLocked says that another process has the directory open.
	ErrLocked = errors.New("journal is in use by another process")
)

// DamageError says that bytes which were on disk have changed or are missing.
// Open with Salvage keeps the records around them.
type DamageError struct {
	File   string
	Offset int64 // in bytes
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s", e.File, e.Offset, e.Reason)
}

// Options of a journal; the zero value is fine.
type Options struct {
	// SegmentBytes is when a new file is begun; 0 for 64 MiB. It is at most a
	// quarter of MaxBytes, so that Trim has something to remove.
	SegmentBytes int64
	// MaxBytes is when Append fails with ErrFull; 0 for no limit.
	MaxBytes int64
	// CommitDelay is how long the first record waits for others to share its
	// fsync. With 0 those share one that came during the fsync before.
	CommitDelay time.Duration
	// NextAtLeast is the position after the last one that the consumer knows.
	// New records get this or a higher one, even if the journal lost its end.
	NextAtLeast Position
	// Salvage lets Open go on over damage: what is good is kept, the damaged
	// file stays beside it with the ending .damaged.
	Salvage bool
	// Log is told of what was cut, lost or failed; nil for silence.
	Log *slog.Logger
}

// Stats is the state of a journal.
type Stats struct {
	First    Position // oldest one kept; equals Next when none is
	Next     Position // of the next record
	Bytes    int64    // on disk
	Segments int
	Fsyncs   uint64 // of records, since Open
	Torn     int64  // bytes that Open cut, left by a crash and never acknowledged
	Lost     uint64 // positions that Open gave up with Salvage or NextAtLeast, at the most
	Full     bool   // the last Append failed with ErrFull, and no Trim made room since
}

// Journal is an open journal. Its methods may be called at the same time.
type Journal struct {
	dir  string
	opt  Options
	lock *os.File
	done chan struct{} // the writer has ended

	// fsync and write are replaced by tests of failing disks.
	fsync func(*os.File) error
	write func(f *os.File, b []byte, off int64) (int, error)

	files  sync.Mutex // held while files change; before mu
	active *os.File   // the last segment; nil after a failure that it cannot be trusted after
	buf    []byte
	unused Position // all before this was given to Trim

	mu       sync.Mutex
	work     sync.Cond
	queue    []*request
	waiting  int64 // bytes in queue
	hurry    chan struct{}
	closed   bool
	grown    chan struct{} // closed when more is durable; nil if nobody waits
	segments []segment
	stats    Stats
}

type request struct {
	records [][]byte
	size    int64
	first   Position
	err     error
	taken   bool
	dropped bool
	done    chan struct{}
}

// Open opens the journal in dir and makes it if there is none. What a crash
// left half-written at the end is cut off; any other damage is a *DamageError.
func Open(dir string, opt Options) (*Journal, error) {
	return open(dir, opt, (*os.File).Sync, (*os.File).WriteAt)
}

func open(dir string, opt Options, fsync func(*os.File) error, write func(*os.File, []byte, int64) (int, error)) (*Journal, error) {
	if opt.SegmentBytes <= 0 {
		opt.SegmentBytes = defaultSegmentBytes
	}
	opt.SegmentBytes = min(opt.SegmentBytes, maxSegmentBytes)
	if opt.MaxBytes > 0 {
		opt.SegmentBytes = min(opt.SegmentBytes, opt.MaxBytes/4)
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	j := &Journal{dir: dir, opt: opt, fsync: fsync, write: write, done: make(chan struct{}), hurry: make(chan struct{}, 1)}
	j.work.L = &j.mu
	if err := j.start(); err != nil {
		if j.active != nil {
			j.active.Close()
		}
		if j.lock != nil {
			j.lock.Close()
		}
		return nil, fmt.Errorf("journal: %w", classify(err))
	}
	go j.run()
	return j, nil
}

func (j *Journal) start() error {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(j.dir)); err != nil {
		return err
	}
	var err error
	if j.lock, err = lockDir(j.dir); err != nil {
		return err
	}
	return j.recover()
}

// classify makes an error for want of space an ErrFull.
func classify(err error) error {
	if noSpace(err) && !errors.Is(err, ErrFull) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Append writes the records and returns the position of the first when all
// are on disk. After an error none is kept; only if the disk failed, and then
// the machine before it could cut them off, may they be there at the next Open.
// When ctx ends before the writing begins, nothing is written; after that
// Append waits for the outcome. The records must not be changed until it
// returns. Without records it does nothing.
func (j *Journal) Append(ctx context.Context, records ...[]byte) (Position, error) {
	if len(records) == 0 {
		return 0, nil
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	size := frameSize(records)
	if size > MaxAppend || j.opt.MaxBytes > 0 && size > j.opt.MaxBytes-2*headerSize {
		return 0, fmt.Errorf("%d records of %d bytes: %w", len(records), size, ErrTooLarge)
	}
	r := &request{records: records, size: size, done: make(chan struct{})}
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return 0, ErrClosed
	}
	j.queue = append(j.queue, r)
	j.waiting += size
	if len(j.queue) == 1 {
		j.work.Signal()
	}
	if j.waiting >= groupBytes {
		j.hurryUp()
	}
	j.mu.Unlock()

	select {
	case <-r.done:
		return r.first, r.err
	case <-ctx.Done():
	}
	j.mu.Lock()
	if !r.taken {
		r.dropped, r.records = true, nil
		j.mu.Unlock()
		return 0, ctx.Err()
	}
	j.mu.Unlock()
	<-r.done
	return r.first, r.err
}

func (j *Journal) hurryUp() {
	select {
	case j.hurry <- struct{}{}:
	default:
	}
}

// run is the one writer: it takes what is queued, a group at a time.
func (j *Journal) run() {
	defer close(j.done)
	for {
		group := j.take()
		if group == nil {
			return
		}
		j.commit(group)
		for _, r := range group {
			close(r.done)
		}
	}
}

// take waits for requests and returns a group of them; nil after Close.
func (j *Journal) take() []*request {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		for len(j.queue) == 0 && !j.closed {
			j.work.Wait()
		}
		if len(j.queue) == 0 {
			return nil
		}
		if j.opt.CommitDelay > 0 && j.waiting < groupBytes && !j.closed {
			j.mu.Unlock()
			t := time.NewTimer(j.opt.CommitDelay)
			select {
			case <-t.C:
			case <-j.hurry:
				t.Stop()
			}
			j.mu.Lock()
		}
		select {
		case <-j.hurry:
		default:
		}
		var group []*request
		var size int64
		n := 0
		for _, r := range j.queue {
			if len(group) > 0 && size+r.size > groupBytes {
				break
			}
			n++
			j.waiting -= r.size
			if !r.dropped {
				r.taken = true
				group = append(group, r)
				size += r.size
			}
		}
		j.queue = append(j.queue[:0:0], j.queue[n:]...)
		if len(group) > 0 {
			return group
		}
	}
}

// commit writes a group and sets each request's outcome.
func (j *Journal) commit(group []*request) {
	j.files.Lock()
	defer j.files.Unlock()
	var size int64
	for _, r := range group {
		size += r.size
	}
	j.mu.Lock()
	bytes, next := j.stats.Bytes, j.stats.Next
	j.mu.Unlock()
	fits := group[:0:0]
	if j.opt.MaxBytes > 0 {
		size = 0
		for _, r := range group {
			if bytes+size+r.size+headerSize > j.opt.MaxBytes { // with a new segment's header
				r.err = ErrFull
				continue
			}
			fits = append(fits, r)
			size += r.size
		}
	} else {
		fits = group
	}
	var err error
	if len(fits) > 0 {
		err = j.writeGroup(fits, size, next)
	}
	if err != nil {
		err = classify(fmt.Errorf("journal: %w", err))
		j.opt.Log.Error("journal: records were not written", "appends", len(fits), "bytes", size, "error", err)
		for _, r := range fits {
			r.first, r.err = 0, err
		}
	}
	full := len(fits) < len(group) || errors.Is(err, ErrFull)
	j.mu.Lock()
	j.stats.Full = full
	j.mu.Unlock()
	if full {
		// The consumer may have had its last word: nothing new comes in.
		if err := j.trim(); err != nil {
			j.opt.Log.Warn("journal: no room was made", "error", err)
		}
	}
}

// writeGroup makes the requests durable, or leaves nothing of them.
func (j *Journal) writeGroup(group []*request, size int64, next Position) error {
	if last := j.last(); j.active == nil || last.next > last.first && last.size+size > j.opt.SegmentBytes {
		if err := j.roll(); err != nil {
			return err
		}
	}
	s := j.last()
	j.buf = j.buf[:0]
	for _, r := range group {
		r.first = next
		j.buf = appendFrame(j.buf, s.seed, next, s.size, r.records)
		next += Position(len(r.records))
	}
	err := j.writeActive(s.size, j.buf)
	size = int64(len(j.buf))
	if cap(j.buf) > 2*groupBytes {
		j.buf = nil
	}
	if err != nil {
		return err
	}
	j.advance(next, size)
	return nil
}

// writeActive writes b at the end of the active segment, off, and syncs it.
//
// When fsync fails, the kernel may have dropped the pages and call them clean:
// a second fsync would succeed and mean nothing. So this file is never written
// nor synced again. It is cut back to what an earlier fsync vouched for, and
// the next group begins a new segment, of which recovery learns where this one
// ends, even if the cut did not reach the disk.
func (j *Journal) writeActive(off int64, b []byte) error {
	_, err := j.write(j.active, b, off)
	if err == nil {
		if err = j.fsync(j.active); err == nil {
			return nil
		}
		err = fmt.Errorf("fsync: %w", err)
	} else if cut := j.active.Truncate(off); cut == nil {
		return err
	}
	if cut := j.active.Truncate(off); cut != nil {
		j.opt.Log.Warn("journal: what was half-written could not be cut off", "file", j.active.Name(), "error", cut)
	}
	j.active.Close()
	j.active = nil
	return err
}

// advance tells everybody that the last segment is durable up to next.
func (j *Journal) advance(next Position, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &j.segments[len(j.segments)-1]
	s.next = next
	s.size += size
	j.stats.Next = next
	j.stats.Bytes += size
	j.stats.Fsyncs++
	if j.grown != nil {
		close(j.grown)
		j.grown = nil
	}
}

func (j *Journal) last() segment {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.segments[len(j.segments)-1]
}

// roll makes a new segment the active one. An empty one is replaced.
func (j *Journal) roll() error {
	last := j.last()
	f, s, err := createSegment(j.dir, last.next, j.fsync)
	if err != nil {
		return err
	}
	if j.active != nil {
		j.active.Close()
	}
	j.active = f
	j.mu.Lock()
	defer j.mu.Unlock()
	if last.first == s.first {
		j.segments[len(j.segments)-1] = s
		return nil
	}
	j.segments = append(j.segments, s)
	j.stats.Bytes += s.size
	return nil
}

// Trim removes the segments in which all records are before the position. The
// last one stays, unless the journal is full and all of it is before.
func (j *Journal) Trim(before Position) error {
	j.files.Lock()
	defer j.files.Unlock()
	j.mu.Lock()
	closed := j.closed
	j.mu.Unlock()
	if closed {
		return ErrClosed
	}
	j.unused = max(j.unused, before)
	if err := j.trim(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func (j *Journal) trim() error {
	j.mu.Lock()
	full, last := j.stats.Full, j.segments[len(j.segments)-1]
	j.mu.Unlock()
	if full && j.unused >= last.next && last.next > last.first {
		if err := j.roll(); err != nil && !noSpace(err) {
			return err
		}
	}
	for {
		j.mu.Lock()
		s, more := j.segments[0], len(j.segments) > 1
		j.mu.Unlock()
		if !more || s.next > j.unused {
			return nil
		}
		// One after the other: a crash must not leave a hole.
		if err := os.Remove(filepath.Join(j.dir, segmentName(s.first))); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := syncDir(j.dir); err != nil {
			return err
		}
		j.mu.Lock()
		j.segments = append(j.segments[:0:0], j.segments[1:]...)
		j.stats.Bytes -= s.size
		j.stats.Full = false
		j.mu.Unlock()
	}
}

// Stats returns the present state.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.First, s.Segments = j.segments[0].first, len(j.segments)
	return s
}

// Close writes what is queued and gives the directory free. Readers get
// ErrClosed once they have read all.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		<-j.done
		return nil
	}
	j.closed = true
	j.work.Broadcast()
	j.hurryUp()
	j.mu.Unlock()
	<-j.done
	j.mu.Lock()
	if j.grown != nil {
		close(j.grown)
		j.grown = nil
	}
	j.mu.Unlock()
	j.files.Lock()
	defer j.files.Unlock()
	var err error
	if j.active != nil {
		err = j.active.Close()
	}
	return errors.Join(err, j.lock.Close())
}
