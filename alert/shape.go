package alert

import "bytes"

// shape finds the end of a JSON object on one line by its strings and
// brackets alone. It can stop anywhere and go on with more bytes.
type shape struct {
	i     int // the next byte to look at; behind the object when it is found
	depth int
	str   bool // inside a string
	esc   bool // the next byte of the string is escaped
}

// scan goes on in b, the line from the object's first byte. True: the object
// ends at i.
func (s *shape) scan(b []byte) bool {
	i := s.i
	for {
		if s.str {
			if i, s.str = s.string(b, i); s.str {
				s.i = i
				return false
			}
		}
		for ; i < len(b) && !s.str; i++ {
			switch b[i] {
			case '"':
				s.str = true
			case '{', '[':
				s.depth++
			case '}', ']':
				s.depth--
				if s.depth <= 0 {
					s.i = i + 1
					return true
				}
			}
		}
		if !s.str {
			s.i = i
			return false
		}
	}
}

// string goes on behind b[i-1] inside a string, and returns the index behind
// it; open is true when the string does not end in b.
func (s *shape) string(b []byte, i int) (next int, open bool) {
	for {
		if s.esc && i < len(b) {
			i++
			s.esc = false
		}
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			s.esc = s.esc || oddBackslashes(b[i:])
			return len(b), true
		}
		s.esc = n > 0 && b[i+n-1] == '\\' && oddBackslashes(b[i:i+n])
		if i += n; !s.esc {
			return i + 1, false
		}
	}
}

// oddBackslashes reports whether what follows b is escaped.
func oddBackslashes(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}
