package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Place is how far a file has been read. The zero Place is its beginning.
type Place struct {
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	Offset int64  `json:"offset"`
}

// Follower reads a file as it grows, over rotation (by renaming, and by copying
// and truncating) and over its own restarts.
type Follower struct {
	Name  string
	From  Place
	Every time.Duration // how often it looks; 0 is 200 ms
	Log   *slog.Logger
	// Take is given whole lines, at most about chunk bytes of them, and the place
	// behind them. It is called again with the same ones until it succeeds, and
	// must not keep them.
	Take func(ctx context.Context, lines []byte, at Place) error

	f     *os.File
	place Place
	rest  []byte // the line that is not yet whole
	told  bool   // that the file is not there
}

const (
	chunk    = 1 << 20
	longLine = 32 << 20 // a longer line is handed over in parts: no alert is so long
)

// Run reads until ctx ends.
func (w *Follower) Run(ctx context.Context) error {
	if w.Every <= 0 {
		w.Every = 200 * time.Millisecond
	}
	if w.Log == nil {
		w.Log = slog.Default()
	}
	w.place = w.From
	if w.place.Inode != 0 {
		w.resume()
	}
	defer func() {
		if w.f != nil {
			w.f.Close()
		}
	}()
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// resume opens the file that was read last, under whatever name it has now.
func (w *Follower) resume() {
	dir, base := filepath.Dir(w.Name), filepath.Base(w.Name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.Log.Warn("a followed file's folder cannot be read", "file", w.Name, "reason", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), base) {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		if p, err := placeOf(f); err == nil && p.Device == w.From.Device && p.Inode == w.From.Inode {
			w.f = f
			return
		}
		f.Close()
	}
	w.Log.Warn("the file that was read last is gone: what was written to it since is not read", "file", w.Name)
	w.place = Place{}
}

// look reads what is new.
func (w *Follower) look(ctx context.Context) error {
	for {
		if w.f == nil && !w.open() {
			return nil
		}
		if err := w.read(ctx); err != nil {
			return err
		}
		changed, err := w.changed()
		if err != nil || !changed {
			return nil
		}
		// What was written between the last read and the rename is read first.
		if err := w.read(ctx); err != nil {
			return err
		}
		if err := w.end(ctx); err != nil {
			return err
		}
	}
}

func (w *Follower) open() bool {
	f, err := os.Open(w.Name)
	if err != nil {
		if !w.told {
			w.Log.Warn("a followed file cannot be read; it is tried again", "file", w.Name, "reason", describe(w.Name, err))
			w.told = true
		}
		return false
	}
	p, err := placeOf(f)
	if err != nil {
		f.Close()
		return false
	}
	w.told = false
	w.f, w.place = f, p
	return true
}

func placeOf(f *os.File) (Place, error) {
	info, err := f.Stat()
	if err != nil {
		return Place{}, err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return Place{}, fmt.Errorf("%s: is no regular file", f.Name())
	}
	return Place{Device: uint64(sys.Dev), Inode: sys.Ino}, nil //nolint:unconvert // of 32 bits on other systems
}

// read hands over all whole lines to the present end.
func (w *Follower) read(ctx context.Context) error {
	if info, err := w.f.Stat(); err == nil && info.Size() < w.place.Offset {
		w.Log.Info("a followed file was truncated", "file", w.Name)
		w.place.Offset, w.rest = 0, nil
	}
	for {
		held := len(w.rest)
		w.rest = slices.Grow(w.rest, chunk)[:held+chunk]
		n, err := w.f.ReadAt(w.rest[held:], w.place.Offset+int64(held))
		w.rest = w.rest[:held+n]
		if last := bytes.LastIndexByte(w.rest, '\n'); last >= 0 || len(w.rest) > longLine {
			if last < 0 {
				last = len(w.rest) - 1
			}
			if err := w.take(ctx, last+1); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			w.Log.Error("a followed file cannot be read on", "file", w.Name, "reason", err)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// take hands over the first n bytes of the rest.
func (w *Follower) take(ctx context.Context, n int) error {
	at := w.place
	at.Offset += int64(n)
	for wait := w.Every; ; wait = min(2*wait, 5*time.Second) {
		err := w.Take(ctx, w.rest[:n], at)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.Log.Error("what was read from a file cannot be kept; it is tried again", "file", w.Name, "reason", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.place = at
	w.rest = append(w.rest[:0], w.rest[n:]...)
	return nil
}

// changed reports whether the name stands for another file now.
func (w *Follower) changed() (bool, error) {
	now, err := os.Stat(w.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // being rotated: the new one is not there yet
	}
	if err != nil {
		return false, err
	}
	old, err := w.f.Stat()
	if err != nil {
		return false, err
	}
	return !os.SameFile(now, old), nil
}

// end leaves a file for good. A last line without an end is taken as it is.
func (w *Follower) end(ctx context.Context) error {
	if len(w.rest) > 0 {
		if err := w.take(ctx, len(w.rest)); err != nil {
			return err
		}
	}
	w.f.Close()
	w.f, w.place, w.rest = nil, Place{}, nil
	return nil
}
