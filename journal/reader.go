package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
)

// Reader reads what is durable, in order, and waits at the end for more. It
// is for one goroutine.
type Reader struct {
	j       *Journal
	err     error
	next    Position // of what is not yet in records
	pos     Position // of records[0]
	records [][]byte // of the present frame, in the scanner's window
	f       *os.File
	seg     segment
	sc      scanner
	off     int64
}

// Reader returns a reader that begins at from, or at the oldest record if
// from is no longer there. A gap shows in the positions it returns. Close it.
func (j *Journal) Reader(from Position) *Reader {
	r := &Reader{j: j, next: from}
	if next := j.Stats().Next; from > next {
		r.err = fmt.Errorf("journal: position %d is beyond its end, %d", from, next)
	}
	return r
}

// Close frees the reader's file.
func (r *Reader) Close() error {
	if r.f == nil {
		return nil
	}
	err := r.f.Close()
	r.f, r.err = nil, ErrClosed
	return err
}

// Next returns the next record and its position. It waits until there is one,
// ctx ends, or the journal is closed (ErrClosed). Bytes that have changed on
// disk are a *DamageError, again at each call.
func (r *Reader) Next(ctx context.Context) (Position, []byte, error) {
	if err := r.wait(ctx); err != nil {
		return 0, nil, err
	}
	pos, record := r.pop()
	return pos, bytes.Clone(record), nil
}

// NextBatch returns the records from first on: at least one, and then as many
// as are there without waiting, up to maxRecords and maxBytes, and up to a
// gap. The errors are those of Next.
func (r *Reader) NextBatch(ctx context.Context, maxRecords, maxBytes int) (first Position, records [][]byte, err error) {
	if err := r.wait(ctx); err != nil {
		return 0, nil, err
	}
	first = r.pos
	var all []byte
	for {
		if n := len(all) + len(r.records[0]); len(records) > 0 && n > maxBytes {
			break
		}
		_, record := r.pop()
		start := len(all)
		all = append(all, record...)
		records = append(records, all[start:len(all):len(all)])
		if len(records) >= maxRecords {
			break
		}
		if len(r.records) == 0 {
			// An error comes again at the next call.
			if more, err := r.frame(ctx); err != nil || more != nil {
				break
			}
		}
		if r.pos != first+Position(len(records)) {
			break
		}
	}
	return first, records, nil
}

func (r *Reader) pop() (Position, []byte) {
	pos, record := r.pos, r.records[0]
	r.pos++
	r.records = r.records[1:]
	return pos, record
}

// wait returns when there are records.
func (r *Reader) wait(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	for len(r.records) == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := r.frame(ctx)
		if err != nil {
			return err
		}
		if more == nil {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// frame reads the next frame with records. At the end of what is durable it
// returns a channel that is closed when there is more.
func (r *Reader) frame(ctx context.Context) (more <-chan struct{}, err error) {
	for {
		if r.f == nil || r.off >= r.seg.size {
			if more, err := r.advance(); more != nil || err != nil {
				return more, err
			}
			continue
		}
		fr, err := r.sc.frame(r.off, r.seg.size)
		if err != nil {
			var bad badFrame
			if errors.As(err, &bad) {
				err = &DamageError{File: r.f.Name(), Offset: r.off, Reason: bad.Error()}
			}
			return nil, fmt.Errorf("journal: %w", err)
		}
		r.off = fr.end
		if fr.next() <= r.next && len(fr.records) > 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			continue
		}
		r.pos = max(r.next, fr.first)
		r.next = max(r.next, fr.next())
		if len(fr.records) > 0 {
			r.records = fr.records[r.pos-fr.first:]
			return nil, nil
		}
	}
}

// advance takes note of what is durable by now and opens the file in which
// the next record is.
func (r *Reader) advance() (more <-chan struct{}, err error) {
	j := r.j
	j.mu.Lock()
	r.next = max(r.next, j.segments[0].first)
	var s segment
	for _, s = range j.segments {
		if s.next > r.next {
			break
		}
	}
	if s.next <= r.next {
		defer j.mu.Unlock()
		if j.closed {
			select {
			case <-j.done:
				return nil, ErrClosed
			default: // what is queued is still written
			}
		}
		if j.grown == nil {
			j.grown = make(chan struct{})
		}
		return j.grown, nil
	}
	j.mu.Unlock()
	if r.f != nil && r.seg.first == s.first && r.seg.seed == s.seed {
		r.seg = s
		return nil, nil
	}
	f, err := os.Open(j.path(s.first))
	if errors.Is(err, os.ErrNotExist) {
		j.files.Lock() // Trim may be at it
		j.mu.Lock()
		trimmed := j.segments[0].first > s.first
		j.mu.Unlock()
		j.files.Unlock()
		if trimmed {
			return nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if r.f != nil {
		r.f.Close()
	}
	r.f, r.seg, r.off = f, s, headerSize
	r.sc = scanner{f: f, seed: s.seed, window: r.sc.window[:0]}
	return nil, nil
}
