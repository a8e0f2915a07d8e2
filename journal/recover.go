package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// recover reads all segments, cuts what a crash left, and makes the last one
// active.
func (j *Journal) recover() error {
	firsts, err := j.list()
	if err != nil {
		return err
	}
	if len(firsts) == 0 {
		f, s, err := createSegment(j.dir, max(1, j.opt.NextAtLeast), j.fsync)
		if err != nil {
			return err
		}
		j.active, j.segments = f, []segment{s}
	}
	for i, first := range firsts {
		var limit Position
		if i+1 < len(firsts) {
			limit = firsts[i+1]
		}
		s, cut, err := j.check(first, limit)
		var damage *DamageError
		if errors.As(err, &damage) && j.opt.Salvage {
			j.opt.Log.Error("journal: going on over damage", "file", damage.File, "offset", damage.Offset, "reason", damage.Reason)
			if err = j.salvage(first, limit); err == nil {
				s, cut, err = j.check(first, limit)
			}
		}
		if err != nil {
			return err
		}
		j.segments = append(j.segments, s)
		j.stats.Torn += cut
	}
	for _, s := range j.segments {
		j.stats.Bytes += s.size
		j.stats.Next = s.next
	}
	if j.active == nil {
		s := j.last()
		if j.active, err = os.OpenFile(j.path(s.first), os.O_RDWR, 0o600); err != nil {
			return err
		}
		// What was read may have been in the page cache only.
		if err := j.fsync(j.active); err != nil {
			return fmt.Errorf("fsync: %w", err)
		}
	}
	if next, least := j.stats.Next, j.opt.NextAtLeast; next < least {
		j.opt.Log.Error("journal: its end is missing", "next", next, "expected", least)
		s := j.last()
		gap := appendFrame(nil, s.seed, least, s.size, nil)
		if err := j.writeActive(s.size, gap); err != nil {
			return err
		}
		j.advance(least, int64(len(gap)))
		j.stats.Lost += uint64(least - next)
	}
	j.stats.Fsyncs = 0
	return nil
}

func (j *Journal) path(first Position) string { return filepath.Join(j.dir, segmentName(first)) }

// list returns the first positions of the segments, in order, and removes
// what was never finished.
func (j *Journal) list() ([]Position, error) {
	entries, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, err
	}
	var firsts []Position
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), tmpSuffix) {
			if err := os.Remove(filepath.Join(j.dir, e.Name())); err != nil {
				return nil, err
			}
		} else if first, ok := parseSegmentName(e.Name()); ok {
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	return firsts, nil
}

// check reads the segment from its first position to limit, where the next
// segment begins, or to its end if limit is 0. It cuts off, and returns the
// number of bytes of, what is behind that and was never acknowledged.
func (j *Journal) check(first, limit Position) (s segment, cut int64, err error) {
	path := j.path(first)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return s, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, 0, err
	}
	size := info.Size()
	s, err = scan(f, size, first, limit)
	if err != nil {
		var bad badFrame
		if errors.As(err, &bad) {
			return s, 0, &DamageError{File: path, Offset: s.size, Reason: bad.Error()}
		}
		return s, 0, fmt.Errorf("%s: at byte %d: %w", path, s.size, err)
	}
	if cut = size - s.size; cut > 0 {
		if err := f.Truncate(s.size); err != nil {
			return s, 0, err
		}
		if err := j.fsync(f); err != nil {
			return s, 0, fmt.Errorf("%s: fsync: %w", path, err)
		}
		j.opt.Log.Warn("journal: cut off what was not written whole", "file", path, "offset", s.size, "bytes", cut)
	}
	return s, cut, nil
}

// scan reads frames as far as they were acknowledged. After an error s.size
// is where the damage is; a badFrame says what it is.
func scan(f io.ReaderAt, size int64, first, limit Position) (s segment, err error) {
	s = segment{first: first, next: first}
	at, seed, err := readHeader(f)
	if err != nil {
		return s, err
	}
	if at != first {
		return s, badFrame(fmt.Sprintf("the header says it begins at %d", at))
	}
	if size < headerSize {
		return s, badFrame("the header is cut off")
	}
	s.seed, s.size = seed, headerSize
	sc := scanner{f: f, seed: seed}
	for s.size != size && (limit == 0 || s.next < limit) {
		fr, err := sc.frame(s.size, size)
		if err == nil && !fr.follows(s.next, limit) {
			err = badFrame(fmt.Sprintf("positions from %d where %d is due", fr.first, s.next))
		}
		if err == nil {
			s.next, s.size = fr.next(), fr.end
			continue
		}
		var bad badFrame
		if !errors.As(err, &bad) || limit != 0 {
			return s, err
		}
		switch torn, ioErr := sc.torn(s.size, size); {
		case ioErr != nil:
			return s, ioErr
		case !torn:
			return s, err
		}
		return s, nil
	}
	if s.next < limit {
		return s, badFrame(fmt.Sprintf("ends before position %d, the next file begins at %d", s.next, limit))
	}
	return s, nil
}

// torn reports whether nothing behind off knows that off was on disk.
func (s *scanner) torn(off, limit int64) (bool, error) {
	for at := off + 1; at+frameHeader <= limit; at++ {
		fr, _, _, err := s.header(at, limit)
		var bad badFrame
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			return false, err
		}
		if fr.synced > off && fr.synced <= at {
			return false, nil
		}
	}
	return true, nil
}

// salvage replaces a damaged segment by one with the frames that are good, and
// gaps for the others. The damaged file is kept under another name. A crash
// leaves the one or the other under the segment's name.
func (j *Journal) salvage(first, limit Position) error {
	path := j.path(first)
	old, err := os.Open(path)
	if err != nil {
		return err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return err
	}
	if err := keep(path); err != nil {
		return err
	}
	to, err := os.OpenFile(path+tmpSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(path + tmpSuffix)
	defer to.Close()
	lost, err := copyGood(to, old, info.Size(), first, limit)
	if err != nil {
		return err
	}
	if err := j.fsync(to); err != nil {
		return err
	}
	if err := os.Rename(path+tmpSuffix, path); err != nil {
		return err
	}
	j.stats.Lost += lost
	j.opt.Log.Error("journal: lost to damage", "file", path, "positions", lost)
	return syncDir(j.dir)
}

// keep gives the file a second name that stays.
func keep(path string) error {
	for n := 1; ; n++ {
		if err := os.Link(path, fmt.Sprintf("%s.damaged-%d", path, n)); !errors.Is(err, os.ErrExist) {
			return err
		}
	}
}

// copyGood writes a segment with the good frames of old. It returns how many
// positions are lost, at the most: behind the last good frame as many as
// could have been there, since none of them may be used again.
func copyGood(to io.Writer, old io.ReaderAt, size int64, first, limit Position) (lost uint64, err error) {
	var bad badFrame
	off, good := int64(headerSize), int64(headerSize)
	at, seed, err := readHeader(old)
	if errors.As(err, &bad) || err == nil && at != first {
		seed, off, good = newSeed(), size, 0 // no frame can be told from noise
	} else if err != nil {
		return 0, err
	}
	if _, err := to.Write(encodeHeader(first, seed)); err != nil {
		return 0, err
	}
	written, pos := int64(headerSize), first
	put := func(first Position, records [][]byte) error {
		b := appendFrame(nil, seed, first, written, records)
		written += int64(len(b))
		_, err := to.Write(b)
		return err
	}
	gap := func(next Position) error {
		lost += uint64(next - pos)
		pos = next
		return put(next, nil)
	}
	sc := scanner{f: old, seed: seed}
	for off < size && (limit == 0 || pos < limit) {
		fr, err := sc.frame(off, size)
		if errors.As(err, &bad) {
			off++
			continue
		}
		if err != nil {
			return 0, err
		}
		if fr.first < pos || !fr.follows(fr.first, limit) && !fr.follows(pos, limit) {
			off++
			continue
		}
		known := len(fr.records) == 0 && off == good // a gap of before
		if fr.first > pos && !known {
			if err := gap(fr.first); err != nil {
				return 0, err
			}
		}
		if len(fr.records) > 0 || known {
			if err := put(fr.first, fr.records); err != nil {
				return 0, err
			}
		}
		pos, off, good = fr.next(), fr.end, fr.end
	}
	next := limit
	if limit == 0 {
		next = pos + Position(max(0, size-good)/lengthSize)
	}
	if next > pos {
		if err := gap(next); err != nil {
			return 0, err
		}
	}
	return lost, nil
}
