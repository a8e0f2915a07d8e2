package alert

import (
	"bytes"
	"io"
)

const (
	windowSize = 64 << 10
	maxEmpty   = 100 // reads in a row that bring nothing, before we give up
)

// window is the part of the input that is in memory.
type window struct {
	r        io.Reader
	buf      []byte
	pos, end int   // buf[pos:end] is not consumed yet
	err      error // why there will be no more bytes, io.EOF included
	eol      int   // index of the first newline behind pos; searched if eol >= pos
	searched int   // there is no newline in buf[pos:searched] but at eol
}

func (w *window) bytes() []byte { return w.buf[w.pos:w.end] }

func (w *window) skip(n int) { w.pos += n }

// more reads more bytes behind those in memory. False: there are none.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	w.makeRoom()
	for range maxEmpty {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		w.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

func (w *window) makeRoom() {
	held := w.end - w.pos
	if w.buf == nil {
		w.buf = make([]byte, windowSize)
	}
	if held > 0 && len(w.buf)-w.end >= windowSize/4 {
		return
	}
	to := w.buf
	if held > len(w.buf)/2 {
		to = make([]byte, 2*len(w.buf))
	}
	copy(to, w.buf[w.pos:w.end])
	w.eol -= w.pos
	w.searched -= w.pos
	w.buf, w.pos, w.end = to, 0, held
}

// line returns how many bytes in memory belong to the current line, without
// its newline; whole is false when its end is not in memory yet.
func (w *window) line() (n int, whole bool) {
	if w.eol >= w.pos && w.eol < w.searched {
		return w.eol - w.pos, true
	}
	from := max(w.pos, w.searched)
	w.searched = w.end
	if i := bytes.IndexByte(w.buf[from:w.end], '\n'); i >= 0 {
		w.eol = from + i
		w.searched = w.eol + 1
		return w.eol - w.pos, true
	}
	w.eol = -1
	return w.end - w.pos, w.err != nil
}

// skipLine consumes the rest of the line and its newline. False: the input
// ended before one.
func (w *window) skipLine() bool {
	for {
		n, whole := w.line()
		w.skip(n)
		if w.pos < w.end {
			w.skip(1)
			return true
		}
		if whole || !w.more() {
			return false
		}
	}
}

// need makes sure that n bytes are in memory, if the input has them.
func (w *window) need(n int) []byte {
	for w.end-w.pos < n && w.more() {
	}
	return w.bytes()
}
