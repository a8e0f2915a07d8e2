package condition

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner reads Falco's tokens. What a character means depends on the place:
// a value may hold nearly everything that is no blank, so there are no tokens
// before the grammar asks for one.
type scanner struct {
	text string
	pos  int
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\b' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// isBare reports whether c may stand in a value without quotes.
func isBare(c byte) bool {
	return !isBlank(c) && c != '\v' && c != '\f' && strings.IndexByte(`()"'=,`, c) < 0
}

// isBareArgument reports whether c may stand between brackets without quotes.
func isBareArgument(c byte) bool {
	return !isBlank(c) && c != '\v' && c != '\f' && strings.IndexByte(`[]"'`, c) < 0
}

func (s *scanner) blanks() {
	for s.pos < len(s.text) && isBlank(s.text[s.pos]) {
		s.pos++
	}
}

// peek returns the next character, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// symbol takes sym if it is next.
func (s *scanner) symbol(sym string) bool {
	if !strings.HasPrefix(s.text[s.pos:], sym) {
		return false
	}
	s.pos += len(sym)
	return true
}

// keyword takes word if it is next and ends there.
func (s *scanner) keyword(word string) bool {
	rest := s.text[s.pos:]
	if !strings.HasPrefix(rest, word) {
		return false
	}
	if len(rest) > len(word) && (isWord(rest[len(word)]) || rest[len(word)] == '.') {
		return false
	}
	s.pos += len(word)
	return true
}

// run takes the longest run of characters that are ok.
func (s *scanner) run(ok func(byte) bool) string {
	start := s.pos
	for s.pos < len(s.text) && ok(s.text[s.pos]) {
		s.pos++
	}
	return s.text[start:s.pos]
}

// name takes a field or an identifier: words joined by dots, each beginning
// with a letter. It returns "" when none is next.
func (s *scanner) name() string {
	start := s.pos
	for isLetter(s.peek()) {
		s.run(isWord)
		if s.peek() != '.' || s.pos+1 >= len(s.text) || !isLetter(s.text[s.pos+1]) {
			break
		}
		s.pos++
	}
	return s.text[start:s.pos]
}

// number takes a decimal or hexadecimal number, "" when none is next.
func (s *scanner) number() string {
	rest := s.text[s.pos:]
	n := numberLen(rest)
	s.pos += n
	return rest[:n]
}

func numberLen(t string) int {
	if len(t) > 2 && t[0] == '0' && (t[1] == 'x' || t[1] == 'X') {
		n := 2
		for n < len(t) && isHex(t[n]) {
			n++
		}
		if n > 2 {
			return n
		}
	}
	digits := func(from int) int {
		for from < len(t) && isDigit(t[from]) {
			from++
		}
		return from
	}
	start := 0
	if t != "" && (t[0] == '-' || t[0] == '+') {
		start = 1
	}
	n := digits(start)
	if n == start {
		return 0
	}
	if n < len(t) && t[n] == '.' {
		n = digits(n + 1)
	}
	if n+2 < len(t) && (t[n] == 'e' || t[n] == 'E') && (t[n+1] == '+' || t[n+1] == '-') && isDigit(t[n+2]) {
		n = digits(n + 2)
	}
	return n
}

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// quoted takes a string in double or single quotes; ok is false when none is
// next.
func (s *scanner) quoted() (text string, ok bool, err *Error) {
	quote := s.peek()
	if quote != '"' && quote != '\'' {
		return "", false, nil
	}
	start := s.pos
	var b strings.Builder
	for s.pos++; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		switch c {
		case quote:
			s.pos++
			return b.String(), true, nil
		case '\\':
			c, err := s.escape(quote)
			if err != nil {
				return "", false, err
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	s.pos = start
	return "", false, errorAt(s.text, start, "the string has no closing %c", quote)
}

// escape reads the escape at pos, and leaves pos at its last character.
func (s *scanner) escape(quote byte) (byte, *Error) {
	at := s.pos
	s.pos++
	switch c := s.peek(); c {
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case '\\', ' ': // Falco reads "\ " as a backslash, for old rules
		return '\\', nil
	case '/':
		return '/', nil
	case '"', '\'':
		if c != quote {
			return 0, errorAt(s.text, at, "unknown escape \\%c: in a string in %c no %c needs one", c, quote, c)
		}
		return c, nil
	case 'x':
		if s.pos+2 < len(s.text) && isHex(s.text[s.pos+1]) && isHex(s.text[s.pos+2]) {
			n, _ := strconv.ParseUint(s.text[s.pos+1:s.pos+3], 16, 8)
			s.pos += 2
			return byte(n), nil
		}
		return 0, errorAt(s.text, at, `expected two hexadecimal digits after \x`)
	}
	return 0, errorAt(s.text, at, `unknown escape %s: a backslash is written \\`, s.text[at:min(at+2, len(s.text))])
}

// found says what stands at pos, for messages.
func (s *scanner) found() string {
	rest := s.text[s.pos:]
	if rest == "" {
		return "the end"
	}
	n := strings.IndexFunc(rest, func(r rune) bool { return r < utf8.RuneSelf && !isBare(byte(r)) })
	switch {
	case n < 0:
		n = len(rest)
	case n == 0:
		n = 1
	}
	word := []rune(strings.ToValidUTF8(rest[:n], "\ufffd"))
	if len(word) > 30 {
		word = append(word[:30], '…')
	}
	return fmt.Sprintf("%q", string(word))
}
