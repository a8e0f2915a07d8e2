package alert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

const invalidUTF8 = "invalid UTF-8"

// check does what fastjson does not: it refuses invalid UTF-8, raw control
// bytes in strings and bad escapes, and it makes lone surrogates U+FFFD (in a
// copy). A reason is returned for what it refuses.
func (d *Decoder) check(b []byte) (checked []byte, reason string) {
	control, high := special(b)
	if high && !utf8.Valid(b) {
		return b, invalidUTF8
	}
	if control {
		if reason := controlInString(b); reason != "" {
			return b, reason
		}
	}
	return d.checkEscapes(b)
}

const (
	ones     = 0x0101010101010101
	highBits = 0x80 * ones
)

// special reports whether b has control bytes, and bytes beyond ASCII.
func special(b []byte) (control, high bool) {
	var low, up uint64
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		low |= (x - 0x20*ones) &^ x
		up |= x
	}
	for _, c := range b {
		if c < 0x20 {
			low |= highBits
		}
		up |= uint64(c)
	}
	return low&highBits != 0, up&highBits != 0
}

// controlInString finds NUL anywhere and other control bytes in strings.
func controlInString(b []byte) string {
	inString := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == 0:
			return nulByte
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
			if i < len(b) && b[i] == 0 {
				return nulByte
			}
		case inString && c < 0x20:
			return rawControl(c)
		}
	}
	return ""
}

// checkEscapes looks at each escape of b.
func (d *Decoder) checkEscapes(b []byte) (checked []byte, reason string) {
	out := b
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '\\')
		if n < 0 {
			return out, ""
		}
		i += n
		length, lone := escape(b[i:])
		if length == 0 {
			return b, fmt.Sprintf("a bad escape at column %d", i+1)
		}
		if lone {
			if &out[0] == &b[0] {
				d.fixed = append(d.fixed[:0], b...)
				out = d.fixed
			}
			copy(out[i:], `\ufffd`)
		}
		i += length
	}
}

// escape returns the length of the escape that b begins with, 0 if it is none;
// lone: it is half of a surrogate pair.
func escape(b []byte) (length int, lone bool) {
	if len(b) < 2 {
		return 0, false
	}
	if b[1] != 'u' {
		if !isEscape(b[1]) {
			return 0, false
		}
		return 2, false
	}
	r, ok := hexEscape(b)
	if !ok {
		return 0, false
	}
	if r < 0xd800 || r > 0xdfff {
		return 6, false
	}
	if low, ok := hexEscape(b[6:]); ok && r < 0xdc00 && low >= 0xdc00 && low <= 0xdfff {
		return 12, false
	}
	return 6, true
}

// hexEscape reads \uXXXX.
func hexEscape(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		if !isHex(c) {
			return 0, false
		}
		// Digits are 0x30…, letters 0x41… or 0x61….
		r = r<<4 | rune(c&0xf) + 9*rune(c>>6)
	}
	return r, true
}

// names finds a name that comes twice in a set, cheaply: Falco sorts its
// fields, small sets are compared, only large unsorted ones are hashed.
type names struct {
	fields   *Fields
	unsorted bool
	hashed   map[string]struct{}
}

const compareAtMost = 32

func (n *names) begin(fields *Fields) {
	n.fields, n.unsorted = fields, false
	if len(n.hashed) > 1024 {
		n.hashed = nil // an emptied map keeps its size, and is slow to empty again
	}
	clear(n.hashed)
}

// taken reports whether there is a field called name.
func (n *names) taken(name string) bool {
	fs := *n.fields
	if len(fs) == 0 {
		return false
	}
	if !n.unsorted && fs[len(fs)-1].Name < name {
		return false
	}
	n.unsorted = true
	if len(fs) <= compareAtMost {
		for i := range fs {
			if fs[i].Name == name {
				return true
			}
		}
		return false
	}
	return n.inHash(fs, name)
}

func (n *names) inHash(fs Fields, name string) bool {
	if n.hashed == nil {
		n.hashed = make(map[string]struct{}, 1<<bits.Len(uint(len(fs))))
	}
	for i := len(n.hashed); i < len(fs); i++ {
		n.hashed[fs[i].Name] = struct{}{}
	}
	_, found := n.hashed[name]
	return found
}
