package alert

import (
	"bytes"
	"fmt"
)

// maxDepth is how deep objects and lists may be nested; an alert needs 3.
const maxDepth = 64

// syntax reads a JSON object over several lines and stops at the first byte
// that cannot stand where it stands, so that a record that was cut off does not
// swallow those behind it. It can stop anywhere and go on with more bytes.
type syntax struct {
	i      int // the next byte to look at; behind the object when it is done
	expect expectation
	depth  int
	arrays uint64 // bit d is set when the container at depth d+1 is an array
	key    bool   // the string being read is a key
	hex    int    // digits of a \u escape still to come
	word   int    // where the number or literal being read began
	reason string // why byte i cannot stand there
}

type expectation uint8

const (
	expectObject expectation = iota // the very first byte
	expectValue
	expectValueOrEnd // behind [
	expectKey
	expectKeyOrEnd // behind {
	expectColon
	expectComma // or the end of the container
	inString
	inEscape
	inHex
	inWord
)

type progress uint8

const (
	unfinished progress = iota
	done
	failed
)

// run goes on in b, whose first byte is the object's.
func (s *syntax) run(b []byte) progress {
	for ; s.i < len(b); s.i++ {
		if ok := s.step(b, b[s.i]); !ok {
			return failed
		}
		if s.depth == 0 {
			s.i++
			return done
		}
	}
	return unfinished
}

func (s *syntax) step(b []byte, c byte) bool {
	switch s.expect {
	case inString:
		return s.inString(c)
	case inEscape:
		return s.inEscape(c)
	case inHex:
		return s.inHex(c)
	case inWord:
		if wordByte(c) {
			return true
		}
		if !isWord(b[s.word:s.i]) {
			return s.fail("no JSON value")
		}
		s.expect = expectComma
	}
	if c == ' ' || c == '\n' || c == '\t' || c == '\r' {
		return true
	}
	return s.token(c)
}

// token takes a byte outside of strings, words and blanks.
func (s *syntax) token(c byte) bool {
	switch s.expect {
	case expectColon:
		return c == ':' && s.next(expectValue) || s.fail(`":" expected`)
	case expectComma:
		return s.comma(c)
	case expectKey, expectKeyOrEnd:
		if c == '"' {
			s.key = true
			return s.next(inString)
		}
		if c == '}' && s.expect == expectKeyOrEnd {
			return s.pop(c)
		}
		return s.fail("a key expected")
	}
	return s.value(c)
}

func (s *syntax) value(c byte) bool {
	switch {
	case c == '{':
		return s.push(0)
	case s.expect == expectObject:
		return s.fail("an object expected")
	case c == '[':
		return s.push(1)
	case c == ']' && s.expect == expectValueOrEnd:
		return s.pop(c)
	case c == '"':
		s.key = false
		return s.next(inString)
	case wordByte(c):
		s.word = s.i
		return s.next(inWord)
	}
	return s.fail("a value expected")
}

func (s *syntax) comma(c byte) bool {
	switch {
	case c == ',' && s.inArray():
		return s.next(expectValue)
	case c == ',':
		return s.next(expectKey)
	case c == '}' || c == ']':
		return s.pop(c)
	}
	return s.fail(`"," or the end of the object expected`)
}

func (s *syntax) push(array uint64) bool {
	if s.depth == maxDepth {
		return s.fail(tooDeep)
	}
	s.arrays = s.arrays&^(1<<s.depth) | array<<s.depth
	s.depth++
	if array == 1 {
		return s.next(expectValueOrEnd)
	}
	return s.next(expectKeyOrEnd)
}

func (s *syntax) pop(c byte) bool {
	if (c == ']') != s.inArray() {
		return s.fail("the wrong bracket")
	}
	s.depth--
	return s.next(expectComma)
}

func (s *syntax) inArray() bool { return s.arrays>>(s.depth-1)&1 == 1 }

func (s *syntax) inString(c byte) bool {
	switch {
	case c == '"' && s.key:
		return s.next(expectColon)
	case c == '"':
		return s.next(expectComma)
	case c == '\\':
		return s.next(inEscape)
	case c == '\n':
		return s.fail("a line break in a string")
	case c < 0x20:
		return s.fail(rawControl(c))
	}
	return true
}

func (s *syntax) inEscape(c byte) bool {
	if c == 'u' {
		s.hex = 4
		return s.next(inHex)
	}
	return isEscape(c) && s.next(inString) || s.fail("a bad escape")
}

func (s *syntax) inHex(c byte) bool {
	if !isHex(c) {
		return s.fail("a bad escape")
	}
	if s.hex--; s.hex == 0 {
		return s.next(inString)
	}
	return true
}

func (s *syntax) next(e expectation) bool {
	s.expect = e
	return true
}

func (s *syntax) fail(reason string) bool {
	s.reason = reason
	return false
}

// ended says why the object is not whole when the input ends here.
func (s *syntax) ended() string {
	if s.expect == inString || s.expect == inEscape || s.expect == inHex {
		return "cut off inside a string"
	}
	return "cut off"
}

// fault says what is wrong with b, which begins with "{" and no parser took.
func fault(b []byte) string {
	var s syntax
	switch s.run(b) {
	case unfinished:
		return s.ended()
	case done:
		if len(bytes.TrimSpace(b[s.i:])) > 0 {
			return textBehind
		}
		return "not JSON"
	}
	return s.where(b)
}

const (
	tooDeep    = "nested deeper than 64"
	textBehind = "text behind the object"
	nulByte    = "NUL byte"
)

// where is the reason of a failure with its place in the record b.
func (s *syntax) where(b []byte) string {
	if s.reason == tooDeep {
		return tooDeep
	}
	if b[s.i] == 0 {
		return nulByte
	}
	line := bytes.Count(b[:s.i], []byte("\n"))
	column := s.i - bytes.LastIndexByte(b[:s.i], '\n')
	if line == 0 {
		return fmt.Sprintf("not JSON: %s at column %d", s.reason, column)
	}
	return fmt.Sprintf("not JSON: %s at column %d, %d lines on", s.reason, column, line)
}

// wordByte reports a byte of a number, true, false or null.
func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

func isWord(b []byte) bool {
	switch string(b) {
	case "true", "false", "null":
		return true
	}
	kind, ok := numberKind(b)
	return ok && kind != Null
}

// numberKind reads a JSON number literal: Int without fraction and exponent.
func numberKind[T string | []byte](s T) (kind Kind, ok bool) {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	from := i
	if i = digits(s, i); i == from || s[from] == '0' && i > from+1 {
		return Null, false
	}
	kind = Int
	if i < len(s) && s[i] == '.' {
		kind = Float
		from = i + 1
		if i = digits(s, from); i == from {
			return Null, false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		kind = Float
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from = i
		if i = digits(s, from); i == from {
			return Null, false
		}
	}
	return kind, i == len(s)
}

func digits[T string | []byte](s T, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func isEscape(c byte) bool {
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func rawControl(c byte) string {
	if c == 0 {
		return nulByte
	}
	return fmt.Sprintf("raw control byte 0x%02x in a string", c)
}
