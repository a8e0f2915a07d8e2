package alert

import (
	"bytes"
	"fmt"
	"io"
)

// Scanner finds the records of an input: the objects and lines that may be
// alerts. It looks at brackets and beginnings only, and needs no more memory
// than the longest record may have. It is not for concurrent use.
type Scanner struct {
	w       window
	max     int
	line    int  // the line of w.pos, from 1
	mid     bool // w.pos is behind an object of its line
	array   bool // inside a JSON array
	told    bool // that the array is broken
	claimed int  // lines before this one belong to a broken record
	passed  int
	parts   parts
	begun   bool
	empty   bool
}

// NewScanner returns a Scanner of r, which may be compressed with gzip or zstd.
func NewScanner(r io.Reader, opt Options) *Scanner {
	return &Scanner{w: window{r: r}, max: opt.maxRecord(), line: 1}
}

// Passed returns how many lines held nothing that could be an alert, blank
// ones not counted. Records that Decode passes over are not in it.
func (s *Scanner) Passed() int { return s.passed }

// Empty reports whether the input had no byte at all; it is known when Next
// has returned.
func (s *Scanner) Empty() bool { return s.empty }

// Next returns the next record. Its bytes are appended to dst, and the longer
// dst is returned, so that many records may share one buffer. Records come in
// the order of their last lines. After the last one the error is io.EOF, or the
// reason why the input could not be read to its end.
func (s *Scanner) Next(dst []byte) (rec Record, grown []byte, err error) {
	if !s.begun {
		s.begun = true
		if err := s.begin(); err != nil {
			s.w = window{err: err}
		}
	}
	for {
		c, ok := s.start()
		if !ok {
			break
		}
		if rec, dst, ok = s.record(c, dst); ok {
			return rec, dst, nil
		}
	}
	if rec, dst, ok := s.leftover(dst); ok {
		return rec, dst, nil
	}
	return Record{}, dst, s.w.err
}

// start skips blanks and what separates the elements of an array, and returns
// the first byte of the next record. False: there is none.
func (s *Scanner) start() (c byte, ok bool) {
	for {
		if s.w.pos == s.w.end && !s.w.more() {
			return 0, false
		}
		c := s.w.buf[s.w.pos]
		switch {
		case c == '\n':
			s.newline(1)
			s.w.skip(1)
		case c == ' ' || c == '\t' || c == '\r', c == ',' && (s.mid || s.array):
			s.w.skip(1)
		case c == ']' && (s.mid || s.array):
			s.array = false
			s.w.skip(1)
		case c == '[' && s.opensArray():
			s.array, s.told, s.mid = true, false, true
			s.w.skip(1)
		case c == 0xef && bytes.HasPrefix(s.w.need(3), byteOrderMark):
			s.w.skip(3)
		default:
			return c, true
		}
	}
}

var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

func (s *Scanner) newline(n int) {
	s.line += n
	s.mid = false
}

// opensArray reports whether the "[" at hand begins a JSON array of objects:
// an object, "]" or the end of the line follows.
func (s *Scanner) opensArray() bool {
	i := s.blanks(1)
	win := s.w.bytes()
	return i == len(win) || win[i] == '{' || win[i] == ']' || win[i] == '\n'
}

// blanks returns the index of the first byte at or behind i that is no blank
// of the line, the length of what is in memory if the input ends before. It
// gives up at a blank when there are too many.
func (s *Scanner) blanks(i int) int {
	for end := i + windowSize; ; {
		win := s.w.bytes()
		for ; i < len(win); i++ {
			if win[i] != ' ' && win[i] != '\t' && win[i] != '\r' || i == end {
				return i
			}
		}
		if !s.w.more() {
			return i
		}
	}
}

func (s *Scanner) record(c byte, dst []byte) (Record, []byte, bool) {
	switch {
	case c == '{':
		return s.object(dst)
	case s.mid:
		return s.broken(dst, "text between the objects of a line")
	}
	return s.textLine(dst)
}

// broken reports the record at hand and goes on with the next line.
func (s *Scanner) broken(dst []byte, reason string) (Record, []byte, bool) {
	rec := Record{Line: s.line, Kind: BrokenRecord, Reason: reason}
	s.told = true
	s.dropLine()
	return rec, dst, true
}

// passLine goes on with the next line.
func (s *Scanner) passLine(dst []byte) (Record, []byte, bool) {
	if s.line >= s.claimed {
		s.passed++
	}
	s.dropLine()
	return Record{}, dst, false
}

func (s *Scanner) dropLine() {
	if s.w.skipLine() {
		s.newline(1)
	}
}

// unreadable is broken for what begins like an alert, and passLine for the rest.
func (s *Scanner) unreadable(dst, b []byte, reason string) (Record, []byte, bool) {
	if likeAlert(b) {
		return s.broken(dst, reason)
	}
	return s.passLine(dst)
}

func (s *Scanner) tooLong() string {
	if s.max%(1<<20) == 0 {
		return fmt.Sprintf("longer than %d MiB", s.max>>20)
	}
	return fmt.Sprintf("longer than %d bytes", s.max)
}

// object reads the object at hand if it ends on its line, the common case.
func (s *Scanner) object(dst []byte) (Record, []byte, bool) {
	var sh shape
	for {
		n, whole := s.w.line()
		win := s.w.bytes()
		ended := sh.scan(win[:n])
		switch {
		case sh.i > s.max:
			return s.longObject(&sh, dst)
		case ended:
			return s.found(sh.i, 0, dst)
		case whole && sh.str:
			return s.unreadable(dst, win[:n], s.inString(n))
		case whole:
			return s.lines(dst)
		}
		s.w.more()
	}
}

func (s *Scanner) inString(n int) string {
	switch win := s.w.bytes(); {
	case bytes.IndexByte(win[:n], 0) >= 0:
		return nulByte
	case n < len(win):
		return "the line ends inside a string"
	}
	return "cut off inside a string"
}

// found takes the object that is the next n bytes, with newlines in it.
func (s *Scanner) found(n, newlines int, dst []byte) (Record, []byte, bool) {
	if !s.endsWell(n) {
		return s.giveUp(dst, n, newlines+1, textBehind)
	}
	b, state := s.w.bytes()[:n], partNone
	rec := Record{Line: s.line, Kind: JSONRecord}
	if !s.mid && bytes.HasPrefix(b, dockerStart) {
		b, state = s.parts.docker(&rec, b, s.max)
	}
	rec, dst, ok := s.emit(rec, b, state, dst)
	s.behind(n, newlines)
	return rec, dst, ok
}

// emit appends the record's bytes to dst.
func (s *Scanner) emit(rec Record, b []byte, state partState, dst []byte) (Record, []byte, bool) {
	switch state {
	case partHeld:
		return Record{}, dst, false
	case partLong:
		rec.Kind, rec.Reason = BrokenRecord, s.tooLong()
		return rec, dst, true
	}
	from := len(dst)
	dst = append(dst, b...)
	rec.Bytes = dst[from:len(dst):len(dst)]
	return rec, dst, true
}

func (s *Scanner) behind(n, newlines int) {
	s.w.skip(n)
	s.newline(newlines)
	s.mid = true
}

// endsWell reports whether behind the next n bytes the line ends or another
// object may follow.
func (s *Scanner) endsWell(n int) bool {
	i := s.blanks(n)
	win := s.w.bytes()
	if i == len(win) {
		return true
	}
	switch win[i] {
	case '\n', '{', ',', ']':
		return true
	}
	return false
}

// longObject skips an object that is longer than the limit, up to its end or
// the end of its line, without holding it.
func (s *Scanner) longObject(sh *shape, dst []byte) (Record, []byte, bool) {
	rec := Record{Line: s.line, Kind: BrokenRecord, Reason: s.tooLong()}
	for ended := sh.depth == 0; ; {
		s.w.skip(sh.i)
		sh.i = 0
		if ended {
			s.mid = true
			return rec, dst, true
		}
		n, whole := s.w.line()
		if n == 0 && whole {
			s.told = true
			s.dropLine()
			return rec, dst, true
		}
		if n == 0 {
			s.w.more()
		}
		ended = sh.scan(s.w.bytes()[:n])
	}
}

// lines reads the object at hand over several lines. If it is none, only its
// first line is lost: the others are read again.
func (s *Scanner) lines(dst []byte) (Record, []byte, bool) {
	var sy syntax
	for {
		win := s.w.bytes()
		win = win[:min(len(win), s.max)]
		switch state := sy.run(win); {
		case state == done:
			return s.found(sy.i, newlines(win[:sy.i]), dst)
		case state == failed:
			return s.giveUp(dst, sy.i, newlines(win[:sy.i]), sy.where(win))
		case len(win) == s.max:
			return s.giveUp(dst, len(win), newlines(win)+1, s.tooLong())
		case !s.w.more():
			return s.giveUp(dst, len(win), newlines(win)+1, sy.ended())
		}
	}
}

func newlines(b []byte) int { return bytes.Count(b, []byte("\n")) }

// giveUp reports an object of n bytes that covers so many lines. Its other
// lines are read again, but not counted when nothing is found in them.
func (s *Scanner) giveUp(dst []byte, n, lines int, reason string) (Record, []byte, bool) {
	claimed := max(s.claimed, s.line+lines)
	rec, dst, ok := s.unreadable(dst, s.w.bytes()[:n], reason)
	s.claimed = claimed
	return rec, dst, ok
}

// textLine takes a line that does not begin with an object.
func (s *Scanner) textLine(dst []byte) (Record, []byte, bool) {
	n, whole := s.w.line()
	for ; !whole; n, whole = s.w.line() {
		if n > s.max {
			break
		}
		s.w.more()
	}
	s.array = false
	if n > s.max {
		return s.broken(dst, s.tooLong())
	}
	line := bytes.TrimRight(s.w.bytes()[:n], "\r")
	if bytes.IndexByte(line, 0) >= 0 {
		return s.broken(dst, nulByte)
	}
	if !mayHoldAlert(line) {
		return s.passLine(dst)
	}
	rec := Record{Line: s.line, Kind: LineRecord}
	line, state := s.parts.cri(&rec, line, s.max)
	rec, dst, ok := s.emit(rec, line, state, dst)
	if state != partStale {
		s.dropLine()
	}
	return rec, dst, ok
}

// mayHoldAlert is a cheap look at how every prefix and text line begins.
func mayHoldAlert(line []byte) bool {
	c := line[0]
	return len(line) > len("0: Alert x") && (c >= '0' && c <= '9' || c == '<' || c == '[' ||
		c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z')
}

// leftover returns what is still to be reported when the input has ended.
func (s *Scanner) leftover(dst []byte) (Record, []byte, bool) {
	if len(s.parts) > 0 {
		var rec Record
		b, state := s.parts.finish(0, &rec)
		return s.emit(rec, b, state, dst)
	}
	if s.array && !s.told {
		s.told = true
		return Record{Line: s.line, Kind: BrokenRecord, Reason: "the JSON array has no end: the input is cut off"}, dst, true
	}
	return Record{}, dst, false
}
