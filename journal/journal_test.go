package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// record makes a record that tells whose it is; garbled finds out.
func record(id uint64, size int) []byte {
	b := make([]byte, max(size, 8))
	binary.BigEndian.PutUint64(b, id)
	for i := 8; i < len(b); i++ {
		b[i] = byte(id*31 + uint64(i)*7)
	}
	return b
}

func garbled(b []byte) bool {
	return len(b) < 8 || !bytes.Equal(b, record(binary.BigEndian.Uint64(b), len(b)))
}

func mustOpen(t testing.TB, dir string, opt Options) *Journal {
	t.Helper()
	j, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func mustAppend(t testing.TB, j *Journal, records ...[]byte) Position {
	t.Helper()
	p, err := j.Append(t.Context(), records...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// readAll returns what is durable from a position on, by position.
func readAll(t testing.TB, j *Journal, from Position) map[Position][]byte {
	t.Helper()
	r := j.Reader(from)
	defer r.Close()
	got := map[Position][]byte{}
	end := j.Stats().Next
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for last := from; last+1 < end; {
		p, records, err := r.NextBatch(ctx, 100, 1<<20)
		if errors.Is(err, context.DeadlineExceeded) {
			break // the end is a gap, or a slow machine: ask again without haste
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range records {
			got[p+Position(i)] = b
		}
		last = p + Position(len(records)) - 1
		ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
	}
	return got
}

func fill(t testing.TB, j *Journal, batches, size, recordSize int) {
	t.Helper()
	for range batches {
		next := uint64(j.Stats().Next)
		var records [][]byte
		for i := range size {
			records = append(records, record(next+uint64(i), recordSize))
		}
		if p := mustAppend(t, j, records...); p != Position(next) {
			t.Fatalf("position %d, want %d", p, next)
		}
	}
}

// checkIDs fails unless exactly the positions want are there, ungarbled, each
// with its own number in it.
func checkIDs(t testing.TB, got map[Position][]byte, want ...Position) {
	t.Helper()
	for p, b := range got {
		if garbled(b) || binary.BigEndian.Uint64(b) != uint64(p) {
			t.Fatalf("record %d is garbled", p)
		}
		if !slices.Contains(want, p) {
			t.Errorf("record %d should not be there", p)
		}
	}
	for _, p := range want {
		if got[p] == nil {
			t.Errorf("record %d is missing", p)
		}
	}
}

func span(from, to Position) (ps []Position) {
	for p := from; p <= to; p++ {
		ps = append(ps, p)
	}
	return ps
}

func logs(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAppendReadReopen(t *testing.T) {
	for _, tc := range []struct {
		name                   string
		opt                    Options
		batches, size, recSize int
	}{
		{"one segment", Options{}, 20, 1, 100},
		{"many segments", Options{SegmentBytes: 4096}, 50, 3, 500},
		{"batches larger than a segment", Options{SegmentBytes: 4096}, 5, 20, 1300},
		{"frames larger than the window", Options{}, 3, 400, 1300},
		{"with delay", Options{CommitDelay: time.Millisecond}, 5, 2, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "j")
			j := mustOpen(t, dir, tc.opt)
			fill(t, j, tc.batches, tc.size, tc.recSize)
			last := Position(tc.batches * tc.size)
			checkIDs(t, readAll(t, j, 0), span(1, last)...)
			before := j.Stats()
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = mustOpen(t, dir, tc.opt)
			after := j.Stats()
			before.Fsyncs = 0
			if before != after {
				t.Errorf("stats changed from %+v to %+v", before, after)
			}
			fill(t, j, 1, 1, 50)
			checkIDs(t, readAll(t, j, last), last, last+1)
			var onDisk int64
			for _, f := range logs(t, dir) {
				info, _ := os.Stat(f)
				onDisk += info.Size()
				if info.Mode().Perm() != 0o600 {
					t.Errorf("%s has mode %v", f, info.Mode())
				}
			}
			if s := j.Stats(); s.Bytes != onDisk || s.Segments != len(logs(t, dir)) {
				t.Errorf("stats say %+v, %d bytes are on disk", s, onDisk)
			}
			if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
				t.Errorf("directory has mode %v", info.Mode())
			}
		})
	}
}

func TestEmptyAndHugeRecords(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{})
	if p := mustAppend(t, j); p != 0 {
		t.Errorf("no records have position %d", p)
	}
	mustAppend(t, j, nil, []byte{}, []byte("x"))
	if _, err := j.Append(t.Context(), make([]byte, MaxAppend)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	mustAppend(t, j, make([]byte, MaxAppend-frameHeader-lengthSize))
	r := j.Reader(0)
	defer r.Close()
	for i, want := range []int{0, 0, 1, MaxAppend - frameHeader - lengthSize} {
		if p, b, err := r.Next(t.Context()); err != nil || len(b) != want || p != Position(i+1) {
			t.Fatalf("record %d: position %d, %d bytes, %v", i, p, len(b), err)
		}
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Fatalf("opened twice: %v", err)
	}
	j.Close()
	mustOpen(t, dir, Options{})
}

func TestClose(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{CommitDelay: time.Hour})
	r := j.Reader(0)
	defer r.Close()
	queued := make(chan error)
	go func() {
		_, err := j.Append(context.Background(), []byte("a"))
		queued <- err
	}()
	for {
		j.mu.Lock()
		n := len(j.queue)
		j.mu.Unlock()
		if n > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	j.Close()
	if err := <-queued; err != nil {
		t.Errorf("what was queued before Close: %v", err)
	}
	if _, err := j.Append(t.Context(), []byte("b")); !errors.Is(err, ErrClosed) {
		t.Errorf("append after Close: %v", err)
	}
	if err := j.Trim(1); !errors.Is(err, ErrClosed) {
		t.Errorf("trim after Close: %v", err)
	}
	if _, b, err := r.Next(t.Context()); err != nil || string(b) != "a" {
		t.Errorf("read after Close: %q %v", b, err)
	}
	if _, _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("end after Close: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestContext(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{CommitDelay: 300 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := j.Append(ctx, []byte("dropped")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("append: %v", err)
	}
	r := j.Reader(0)
	defer r.Close()
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("next: %v", err)
	}
	if p := mustAppend(t, j, []byte("kept")); p != 1 {
		t.Errorf("position %d", p)
	}
	if _, b, _ := r.Next(t.Context()); string(b) != "kept" {
		t.Errorf("read %q", b)
	}
	beyond := j.Reader(7)
	if _, _, err := beyond.Next(t.Context()); err == nil {
		t.Error("a reader beyond the end waits in silence")
	}
}

func TestTrim(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{SegmentBytes: 4096})
	fill(t, j, 40, 1, 1000)
	r := j.Reader(0)
	defer r.Close()
	if err := j.Trim(20); err != nil {
		t.Fatal(err)
	}
	s := j.Stats()
	if s.First > 20 || s.First < 15 || len(logs(t, dir)) != s.Segments {
		t.Errorf("after Trim(20): %+v, %d files", s, len(logs(t, dir)))
	}
	if p, _, err := r.Next(t.Context()); err != nil || p != s.First {
		t.Errorf("reader of what is gone: %d, %v", p, err)
	}
	checkIDs(t, readAll(t, j, 0), span(s.First, 40)...)
	if err := j.Trim(1000); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Segments != 1 || s.Next != 41 {
		t.Errorf("after Trim of all: %+v", s)
	}
	j.Close()
	j = mustOpen(t, dir, Options{})
	if s := j.Stats(); s.Next != 41 {
		t.Errorf("positions begin again: %+v", s)
	}
}

func TestMaxBytes(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{MaxBytes: 64 << 10})
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = j.Append(t.Context(), record(uint64(n+1), 1000))
	}
	s := j.Stats()
	if !errors.Is(err, ErrFull) || !s.Full || s.Bytes > 64<<10 || n < 50 {
		t.Fatalf("after %d: %v, %+v", n, err, s)
	}
	if _, err := j.Append(t.Context(), make([]byte, 64<<10)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("what never fits: %v", err)
	}
	if err := j.Trim(s.Next); err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Full {
		t.Errorf("full after Trim: %+v", s)
	}
	fill(t, j, 30, 1, 1000)
}

func TestNextAtLeast(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	fill(t, j, 3, 1, 10)
	j.Close()
	j = mustOpen(t, dir, Options{NextAtLeast: 10})
	if s := j.Stats(); s.Next != 10 || s.Lost != 6 {
		t.Errorf("%+v", s)
	}
	fill(t, j, 2, 1, 10)
	checkIDs(t, readAll(t, j, 0), 1, 2, 3, 10, 11)
	j.Close()
	j = mustOpen(t, dir, Options{NextAtLeast: 10, SegmentBytes: 1})
	fill(t, j, 1, 1, 10)
	checkIDs(t, readAll(t, j, 0), 1, 2, 3, 10, 11, 12)
	r := j.Reader(5)
	defer r.Close()
	if p, _, err := r.Next(t.Context()); p != 10 || err != nil {
		t.Errorf("from within a gap: %d, %v", p, err)
	}
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	fill(t, j, 3, 1, 40)
	whole := j.Stats().Bytes
	fill(t, j, 1, 5, 40)
	end := j.Stats().Bytes
	j.Close()
	for at := whole; at < end; at++ {
		cut := copyDir(t, dir)
		if err := os.Truncate(logs(t, cut)[0], at); err != nil {
			t.Fatal(err)
		}
		j := mustOpen(t, cut, Options{})
		if s := j.Stats(); s.Next != 4 || s.Torn != at-whole || s.Bytes != whole {
			t.Fatalf("cut at %d: %+v", at, s)
		}
		fill(t, j, 1, 2, 40)
		checkIDs(t, readAll(t, j, 0), span(1, 5)...)
		j.Close()
	}
}

// A machine that loses power may have written any of a group's sectors.
func TestTornSectors(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{CommitDelay: time.Minute})
	first := make(chan error, 1)
	go func() {
		_, err := j.Append(context.Background(), record(1, 700))
		first <- err
	}()
	for n := 2; n <= 6; n++ {
		wait(t, func() bool { j.mu.Lock(); defer j.mu.Unlock(); return len(j.queue) == n-1 })
		go func() { _, _ = j.Append(context.Background(), record(uint64(n), 700)) }()
	}
	wait(t, func() bool { j.mu.Lock(); defer j.mu.Unlock(); return len(j.queue) == 6 })
	j.Close()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Fsyncs != 1 {
		t.Fatalf("six appends are not one group: %+v", s)
	}
	info, _ := os.Stat(logs(t, dir)[0])
	for off := int64(headerSize); off < info.Size(); off += sectorSize {
		torn := copyDir(t, dir)
		writeAt(t, logs(t, torn)[0], make([]byte, min(sectorSize, info.Size()-off)), off)
		j := mustOpen(t, torn, Options{})
		s := j.Stats()
		if want := Position((off-headerSize)/(frameHeader+lengthSize+700)) + 1; s.Next != want || s.Torn == 0 {
			t.Fatalf("sector at %d is lost: %+v, want next %d", off, s, want)
		}
		checkIDs(t, readAll(t, j, 0), span(1, s.Next-1)...)
		j.Close()
	}
}

func wait(t testing.TB, cond func() bool) {
	t.Helper()
	for range 5000 {
		if cond() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("waited in vain")
}

func writeAt(t testing.TB, file string, b []byte, off int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

func truncate(t testing.TB, file string, size int64) {
	t.Helper()
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func flip(t testing.TB, file string, off int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

func TestDamage(t *testing.T) {
	// Ten records of 1000 bytes: 1-3, 4-6, 7-9 and 10 in a file each.
	const frame = frameHeader + lengthSize + 1000
	for _, tc := range []struct {
		name   string
		break_ func(t *testing.T, files []string)
		file   int
		offset int64
		keep   []Position
		next   Position
	}{
		{"a record", func(t *testing.T, f []string) { flip(t, f[1], headerSize+frame+500) }, 1, headerSize + frame, []Position{1, 2, 3, 4, 6, 7, 8, 9, 10}, 11},
		{"a frame header", func(t *testing.T, f []string) { flip(t, f[0], headerSize+3) }, 0, headerSize, []Position{2, 3, 4, 5, 6, 7, 8, 9, 10}, 11},
		{"the last of a file", func(t *testing.T, f []string) { flip(t, f[0], headerSize+2*frame+1) }, 0, headerSize + 2*frame, []Position{1, 2, 4, 5, 6, 7, 8, 9, 10}, 11},
		{"both headers", func(t *testing.T, f []string) { flip(t, f[1], 1); flip(t, f[1], sectorSize+20) }, 1, 0, []Position{1, 2, 3, 7, 8, 9, 10}, 11},
		{"a file is missing", func(t *testing.T, f []string) { os.Remove(f[1]) }, 0, headerSize + 3*frame, []Position{1, 2, 3, 7, 8, 9, 10}, 11},
		{"a file is cut", func(t *testing.T, f []string) { truncate(t, f[2], headerSize+2*frame) }, 2, headerSize + 2*frame, []Position{1, 2, 3, 4, 5, 6, 7, 8, 10}, 11},
		{"a file is empty", func(t *testing.T, f []string) { truncate(t, f[2], 0) }, 2, 0, []Position{1, 2, 3, 4, 5, 6, 10}, 11},
		{"the wrong file", func(t *testing.T, f []string) {
			b, _ := os.ReadFile(f[0])
			writeFile(t, f[1], b)
		}, 1, 0, []Position{1, 2, 3, 7, 8, 9, 10}, 11},
		{"headers of the last", func(t *testing.T, f []string) { flip(t, f[3], 1); flip(t, f[3], sectorSize) }, 3, 0, span(1, 9), 10 + (headerSize+frame)/lengthSize},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			opt := Options{SegmentBytes: headerSize + 3*frame}
			j := mustOpen(t, dir, opt)
			fill(t, j, 10, 1, 1000)
			j.Close()
			files := logs(t, dir)
			if len(files) != 4 {
				t.Fatalf("%d files", len(files))
			}
			tc.break_(t, files)
			for range 2 {
				var damage *DamageError
				if _, err := Open(dir, opt); !errors.As(err, &damage) || damage.File != files[tc.file] || damage.Offset != tc.offset {
					t.Fatalf("got %v, want %s at %d", err, files[tc.file], tc.offset)
				}
			}
			opt.Salvage = true
			j = mustOpen(t, dir, opt)
			s := j.Stats()
			if s.Next != tc.next || s.Lost != uint64(tc.next)-1-uint64(len(tc.keep)) {
				t.Errorf("%+v, want next %d", s, tc.next)
			}
			checkIDs(t, readAll(t, j, 0), tc.keep...)
			fill(t, j, 1, 1, 10)
			j.Close()
			if kept, _ := filepath.Glob(filepath.Join(dir, "*.damaged-1")); len(kept) != 1 {
				t.Errorf("the damaged file is not kept: %v", kept)
			}
			opt.Salvage = false
			j = mustOpen(t, dir, opt)
			checkIDs(t, readAll(t, j, 0), append(tc.keep, tc.next)...)
		})
	}
}

// In the last file, what a later group knows to have been on disk is no torn
// tail.
func TestDamageInLastSegment(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	fill(t, j, 5, 2, 100)
	size := j.Stats().Bytes
	j.Close()
	frame := (size - headerSize) / 5
	for n := range int64(4) {
		broken := copyDir(t, dir)
		flip(t, logs(t, broken)[0], headerSize+n*frame+50)
		var damage *DamageError
		if _, err := Open(broken, Options{}); !errors.As(err, &damage) || damage.Offset != headerSize+n*frame {
			t.Fatalf("frame %d: %v", n, err)
		}
		j := mustOpen(t, broken, Options{Salvage: true})
		first := Position(1 + 2*n)
		checkIDs(t, readAll(t, j, 0), append(span(1, first-1), span(first+2, 10)...)...)
		j.Close()
	}
}

func TestOneHeaderIsEnough(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	fill(t, j, 2, 1, 10)
	j.Close()
	flip(t, logs(t, dir)[0], 9)
	j = mustOpen(t, dir, Options{})
	checkIDs(t, readAll(t, j, 0), 1, 2)
}

func TestNewerFormat(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	fill(t, j, 2, 1, 10)
	j.Close()
	name := logs(t, dir)[0]
	b, _ := os.ReadFile(name)
	h := encodeHeader(1, 0)
	for _, off := range []int{0, sectorSize} {
		binary.LittleEndian.PutUint32(h[off+8:], version+1)
		binary.LittleEndian.PutUint32(h[off+24:], crc32.Checksum(h[off:off+24], castagnoli))
	}
	copy(b, h)
	writeFile(t, name, b)
	_, err := Open(dir, Options{Salvage: true})
	var damage *DamageError
	if err == nil || errors.As(err, &damage) || !strings.Contains(err.Error(), "format 2") {
		t.Fatalf("%v", err)
	}
	if after, _ := os.ReadFile(name); !bytes.Equal(b, after) {
		t.Error("the newer file was changed")
	}
}

func TestReaderSeesDamage(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{})
	fill(t, j, 3, 1, 1000)
	flip(t, logs(t, dir)[0], headerSize+frameHeader+lengthSize+1000+100)
	r := j.Reader(0)
	defer r.Close()
	if _, _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var damage *DamageError
		if _, _, err := r.Next(t.Context()); !errors.As(err, &damage) {
			t.Fatalf("got %v", err)
		}
	}
}

// failing is a disk that fails when told.
type failing struct {
	fsync, write atomic.Pointer[error]
}

func (d *failing) open(t *testing.T, dir string, opt Options) *Journal {
	t.Helper()
	j, err := open(dir, opt, func(f *os.File) error {
		if err := d.fsync.Load(); err != nil {
			return *err
		}
		return f.Sync()
	}, func(f *os.File, b []byte, off int64) (int, error) {
		if err := d.write.Load(); err != nil {
			n, _ := f.WriteAt(b[:len(b)/2], off)
			return n, *err
		}
		return f.WriteAt(b, off)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func TestFailingDisk(t *testing.T) {
	eio, enospc := error(syscall.EIO), error(syscall.ENOSPC)
	for _, tc := range []struct {
		name      string
		op        func(*failing) *atomic.Pointer[error]
		err       *error
		want      error
		abandoned bool
	}{
		{"fsync", func(d *failing) *atomic.Pointer[error] { return &d.fsync }, &eio, eio, true},
		{"fsync without space", func(d *failing) *atomic.Pointer[error] { return &d.fsync }, &enospc, ErrFull, true},
		{"write", func(d *failing) *atomic.Pointer[error] { return &d.write }, &eio, eio, false},
		{"write without space", func(d *failing) *atomic.Pointer[error] { return &d.write }, &enospc, ErrFull, false},
	} {
		for _, before := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s after %d", tc.name, before), func(t *testing.T) {
				var d failing
				dir := t.TempDir()
				j := d.open(t, dir, Options{})
				fill(t, j, before, 1, 100)
				r := j.Reader(0)
				defer r.Close()
				old := j.active
				tc.op(&d).Store(tc.err)
				for range 3 {
					if _, err := j.Append(t.Context(), record(1, 100)); !errors.Is(err, tc.want) {
						t.Fatalf("got %v", err)
					}
				}
				if full := j.Stats().Full; full != errors.Is(tc.want, ErrFull) {
					t.Errorf("full: %v", full)
				}
				tc.op(&d).Store(nil)
				fill(t, j, 2, 1, 100)
				if (j.active != old) != tc.abandoned {
					t.Errorf("the segment was abandoned: %v", j.active != old)
				}
				want := span(1, Position(before)+2)
				for range want {
					if _, b, err := r.Next(t.Context()); err != nil || garbled(b) {
						t.Fatalf("reader: %v", err)
					}
				}
				s := j.Stats()
				j.Close()
				j = mustOpen(t, dir, Options{})
				if after := j.Stats(); after.Next != s.Next || after.Bytes != s.Bytes || after.Torn != 0 {
					t.Errorf("stats changed from %+v to %+v", s, after)
				}
				checkIDs(t, readAll(t, j, 0), want...)
			})
		}
	}
}

// The cut after a failed fsync need not reach the disk.
func TestLeftoverOfFailedFsync(t *testing.T) {
	var d failing
	eio := error(syscall.EIO)
	dir := t.TempDir()
	j := d.open(t, dir, Options{})
	fill(t, j, 2, 1, 100)
	s := j.last()
	d.fsync.Store(&eio)
	if _, err := j.Append(t.Context(), record(99, 100)); err == nil {
		t.Fatal("no error")
	}
	d.fsync.Store(nil)
	fill(t, j, 2, 1, 100)
	j.Close()
	writeAt(t, logs(t, dir)[0], appendFrame(nil, s.seed, 3, s.size, [][]byte{record(99, 100)}), s.size)
	j = mustOpen(t, dir, Options{})
	if s := j.Stats(); s.Torn == 0 {
		t.Errorf("%+v", s)
	}
	checkIDs(t, readAll(t, j, 0), 1, 2, 3, 4)
}

func TestReadWhileWriting(t *testing.T) {
	const writers, each = 20, 200
	j := mustOpen(t, t.TempDir(), Options{SegmentBytes: 64 << 10})
	var wg sync.WaitGroup
	var acked sync.Map
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				var batch [][]byte
				for k := range 1 + i%3 {
					batch = append(batch, record(uint64(w)<<32|uint64(i)<<8|uint64(k), 20+i))
				}
				p, err := j.Append(t.Context(), batch...)
				if err != nil {
					t.Error(err)
					return
				}
				for k, b := range batch {
					acked.Store(p+Position(k), b)
				}
			}
		})
	}
	total := Position(0)
	for i := range each {
		total += Position(writers * (1 + i%3))
	}
	seen := make([]map[Position][]byte, 3)
	for n := range seen {
		seen[n] = map[Position][]byte{}
		wg.Go(func() {
			r := j.Reader(0)
			defer r.Close()
			for want := Position(1); want <= total; {
				p, records, err := r.NextBatch(t.Context(), 1+n*40, 4096)
				if err != nil || p != want {
					t.Errorf("position %d, want %d: %v", p, want, err)
					return
				}
				if next := j.Stats().Next; p+Position(len(records)) > next {
					t.Errorf("%d was read and %d is not durable", p, next)
				}
				for i, b := range records {
					seen[n][p+Position(i)] = b
				}
				want += Position(len(records))
				if n == 2 && rand.N(20) == 0 { // begin again in the middle
					r.Close()
					r = j.Reader(want)
				}
			}
		})
	}
	wg.Wait()
	for n := range seen {
		acked.Range(func(p, b any) bool {
			if !bytes.Equal(seen[n][p.(Position)], b.([]byte)) {
				t.Errorf("reader %d: record %d is another", n, p)
				return false
			}
			return true
		})
	}
	if s := j.Stats(); s.Fsyncs >= writers*each {
		t.Errorf("no fsync was shared: %+v", s)
	}
}

func TestTrimWhileReading(t *testing.T) {
	j := mustOpen(t, t.TempDir(), Options{SegmentBytes: 4 << 10})
	var wg sync.WaitGroup
	const n = 500
	wg.Go(func() { fill(t, j, n, 1, 500) })
	wg.Go(func() {
		r := j.Reader(0)
		defer r.Close()
		for want := Position(1); want <= n; want++ {
			p, b, err := r.Next(t.Context())
			if err != nil || p != want || garbled(b) {
				t.Errorf("position %d, want %d: %v", p, want, err)
				return
			}
			if err := j.Trim(p); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if s := j.Stats(); s.Segments > 3 {
		t.Errorf("%+v", s)
	}
}

// A disk that is really full, and has room again.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := mountTmpfs(dir, "size=2m"); err != nil {
		t.Skipf("needs a small file system of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 512<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	jdir := filepath.Join(dir, "j")
	j := mustOpen(t, jdir, Options{SegmentBytes: 256 << 10})
	r := j.Reader(0)
	defer r.Close()
	var wg sync.WaitGroup
	var full, others atomic.Int64
	acked := make([]map[Position]uint64, 20)
	for w := range acked {
		acked[w] = map[Position]uint64{}
		wg.Go(func() {
			for i := range 1000 {
				id := uint64(w)<<32 | uint64(i)
				p, err := j.Append(t.Context(), record(id, 1300))
				switch {
				case err == nil:
					acked[w][p] = id
				case errors.Is(err, ErrFull):
					full.Add(1)
					return
				default:
					others.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if full.Load() != 20 || others.Load() != 0 || !j.Stats().Full {
		t.Fatalf("%d full, %d other errors, %+v", full.Load(), others.Load(), j.Stats())
	}
	s := j.Stats()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		id := uint64(99)<<32 | uint64(i)
		acked[0][mustAppend(t, j, record(id, 1300))] = id
	}
	if after := j.Stats(); after.Full || after.Next != s.Next+100 {
		t.Errorf("with room: %+v, before %+v", after, s)
	}
	// Full again; now it is the consumer who makes room.
	var err error
	for err == nil {
		var p Position
		if p, err = j.Append(t.Context(), record(7, 1300)); err == nil {
			acked[0][p] = 7
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	check := func(j *Journal) {
		got := readAll(t, j, 0)
		n := 0
		for _, m := range acked {
			n += len(m)
			for p, id := range m {
				if garbled(got[p]) || binary.BigEndian.Uint64(got[p]) != id {
					t.Fatalf("acknowledged record %d is missing", p)
				}
			}
		}
		if n != len(got) {
			t.Errorf("%d acknowledged, %d there", n, len(got))
		}
	}
	check(j)
	j.Close()
	j = mustOpen(t, jdir, Options{SegmentBytes: 256 << 10})
	if s := j.Stats(); s.Torn != 0 {
		t.Errorf("something half-written stayed: %+v", s)
	}
	check(j)
	if err := j.Trim(j.Stats().Next); err != nil {
		t.Fatal(err)
	}
	fill(t, j, 300, 1, 1300)
}

// sound is a segment of five records, from position 1.
func sound() []byte {
	b := encodeHeader(1, 7)
	for p := Position(1); p < 6; p++ {
		b = appendFrame(b, 7, p, int64(len(b)), [][]byte{record(uint64(p), 60)})
	}
	return b
}

// sumUp makes all checksums right, so that what they protect is reached too.
func sumUp(b []byte) {
	if len(b) < headerSize {
		return
	}
	copy(b, encodeHeader(1, 7)[:headerBytes])
	for b = b[headerSize:]; len(b) >= frameHeader; {
		n := min(int(binary.LittleEndian.Uint32(b)), len(b)-frameHeader)
		binary.LittleEndian.PutUint32(b, uint32(n))
		binary.LittleEndian.PutUint32(b[20:], crc32.Update(7, castagnoli, b[frameHeader:][:n]))
		binary.LittleEndian.PutUint32(b[24:], crc32.Update(7, castagnoli, b[:24]))
		b = b[frameHeader+n:]
	}
}

// FuzzRecover takes any bytes for a segment, the last one or one before
// position 6. They are sound, torn or damaged; what was cut or salvaged is
// sound and can be appended to.
func FuzzRecover(f *testing.F) {
	good := sound()
	f.Add(good, true, true)
	f.Add(good[:len(good)-9], false, false)
	f.Add(appendFrame(bytes.Clone(good), 7, 90, int64(len(good)), nil), false, true)
	f.Add([]byte{}, false, false)
	f.Add(make([]byte, 3000), true, true)
	broken := bytes.Clone(good)
	broken[headerSize+100] ^= 1
	f.Add(broken, true, false)
	f.Fuzz(func(t *testing.T, b []byte, more, sums bool) {
		b = bytes.Clone(b)
		if sums {
			sumUp(b)
		}
		var limit Position
		if more {
			limit = 6
		}
		s, err := scan(bytes.NewReader(b), int64(len(b)), 1, limit)
		var bad badFrame
		if s.size > int64(len(b)) {
			t.Fatalf("%+v of %d bytes: %v", s, len(b), err)
		}
		if err != nil {
			if !errors.As(err, &bad) {
				return // another format
			}
			var to bytes.Buffer
			lost, err := copyGood(&to, bytes.NewReader(b), int64(len(b)), 1, limit)
			if err != nil {
				t.Fatal(err)
			}
			b = to.Bytes()
			after, err := scan(bytes.NewReader(b), int64(len(b)), 1, limit)
			if err != nil || after.next < s.next || after.size != int64(len(b)) {
				t.Fatalf("salvaged, %d lost: %+v, before %+v: %v", lost, after, s, err)
			}
			s = after
		}
		if more {
			if s.next != limit {
				t.Fatalf("ends at %d", s.next)
			}
			return
		}
		b = appendFrame(b[:s.size], s.seed, s.next, s.size, [][]byte{[]byte("new")})
		again, err := scan(bytes.NewReader(b), int64(len(b)), 1, 0)
		if err != nil || again.next != s.next+1 || again.size != int64(len(b)) {
			t.Fatalf("appended to: %+v, before %+v: %v", again, s, err)
		}
	})
}

// The same with files: bytes anywhere in a journal of three segments change.
func TestRecoverAnything(t *testing.T) {
	nosync := func(*os.File) error { return nil }
	dir := t.TempDir()
	j := mustOpen(t, dir, Options{SegmentBytes: 3000})
	fill(t, j, 12, 2, 250)
	j.Close()
	for round := range 100 {
		broken := copyDir(t, dir)
		files := logs(t, broken)
		file := files[rand.N(len(files))]
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		off := rand.N(info.Size())
		writeAt(t, file, make([]byte, 1+rand.N(900)), off)
		if rand.N(3) == 0 {
			truncate(t, file, rand.N(info.Size()))
		}
		j, err := open(broken, Options{}, nosync, (*os.File).WriteAt)
		if err != nil {
			var damage *DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("round %d: %v", round, err)
			}
			if j, err = open(broken, Options{Salvage: true}, nosync, (*os.File).WriteAt); err != nil {
				t.Fatalf("round %d: not salvaged: %v", round, err)
			}
		}
		p := mustAppend(t, j, []byte("new"))
		r := j.Reader(0)
		for last := Position(0); last < p; {
			at, b, err := r.Next(t.Context())
			if err != nil || at <= last || at < p && (garbled(b) || binary.BigEndian.Uint64(b) != uint64(at)) {
				t.Fatalf("round %d: read %d after %d: %v", round, at, last, err)
			}
			last = at
		}
		r.Close()
		j.Close()
	}
}

func TestScanReadsInPieces(t *testing.T) {
	b := encodeHeader(1, 3)
	for p := range Position(2000) {
		b = appendFrame(b, 3, p+1, int64(len(b)), [][]byte{record(uint64(p), 900)})
	}
	s, err := scan(bytes.NewReader(b), int64(len(b)), 1, 0)
	if err != nil || s.next != 2001 || s.size != int64(len(b)) {
		t.Fatalf("%+v %v", s, err)
	}
	_, err = scan(errReader{bytes.NewReader(b)}, int64(len(b)), 1, 0)
	var bad badFrame
	if err == nil || errors.As(err, &bad) {
		t.Fatalf("an error of reading is no damage: %v", err)
	}
}

type errReader struct{ io.ReaderAt }

func (r errReader) ReadAt(b []byte, off int64) (int, error) {
	if off > 1<<20 {
		return 0, syscall.EIO
	}
	return r.ReaderAt.ReadAt(b, off)
}
