package render

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// marksShown is how many combining marks may stand on one character; more
// would be drawn over the lines above and below.
const marksShown = 4

// Visible returns s on one line with everything escaped that a reader cannot
// see or that moves what he sees: \n, \t, \r; \x1b for other ASCII controls
// and \xff for bytes that are no UTF-8; \u202e and \U000e0041 for the rest.
// A backslash that would read as the start of such an escape is doubled, so
// two different strings never look the same.
func Visible(s string) string { return visible(s, 0) }

// visible is Visible that also escapes the ASCII character also, if not 0.
func visible(s string, also rune) string {
	if isPlain(s) && strings.IndexByte(s, byte(also)) < 0 {
		return s
	}
	var b strings.Builder
	slashes, marks := 0, marksShown
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == '\\' {
			slashes, marks, s = slashes+1, 0, s[n:]
			continue
		}
		marks = countMarks(marks, r)
		escape := isByte(r, n) || hidden(r) || r == also || marks > marksShown
		writeSlashes(&b, slashes, escape || likeEscape(s))
		slashes = 0
		if escape {
			writeEscape(&b, r, s[0], n)
			marks = marksShown
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	writeSlashes(&b, slashes, false)
	return b.String()
}

// prose returns our own words on one line. Knowledge may come from a user's
// folder, so what is invisible is escaped here too, save odd kinds of blanks.
func prose(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case hidden(r) && !unicode.Is(unicode.Zs, r):
			writeEscape(&b, r, s[i], utf8.RuneLen(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// code returns the text of a code block, which keeps its lines, tabs and
// backslashes. changed reports whether something had to be escaped, so that
// the text is not what would run.
func code(s string) (shown string, changed bool) {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r != '\n' && r != '\t' && (isByte(r, n) || hidden(r)) {
			writeEscape(&b, r, s[0], n)
			changed = true
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String(), changed
}

// hidden reports whether r cannot be seen or changes how its neighbours are
// seen: controls, bidi and format characters, tags, fillers, blanks other than
// the common one, and what Unicode has not assigned.
func hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return !unicode.IsPrint(r) || r == 0x2800 ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func isByte(r rune, n int) bool { return r == utf8.RuneError && n == 1 }

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '\\' {
			return false
		}
	}
	return true
}

// countMarks counts the combining marks in a row; the count starts full, as a
// mark with nothing to stand on would change the character before the value.
func countMarks(marks int, r rune) int {
	if r >= utf8.RuneSelf && unicode.Is(unicode.M, r) {
		return marks + 1
	}
	return 0
}

func writeSlashes(b *strings.Builder, n int, double bool) {
	if double {
		n *= 2
	}
	for range n {
		b.WriteByte('\\')
	}
}

// likeEscape reports whether s, behind a backslash, would read as an escape.
func likeEscape(s string) bool {
	switch s[0] {
	case 'n', 't', 'r':
		return true
	case 'x':
		return hexDigits(s[1:], 2)
	case 'u':
		return hexDigits(s[1:], 4)
	case 'U':
		return hexDigits(s[1:], 8)
	}
	return false
}

func hexDigits(s string, n int) bool {
	return len(s) >= n && strings.Trim(s[:n], "0123456789abcdefABCDEF") == ""
}

func writeEscape(b *strings.Builder, r rune, first byte, n int) {
	switch {
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\t':
		b.WriteString(`\t`)
	case r == '\r':
		b.WriteString(`\r`)
	case isByte(r, n) || r < utf8.RuneSelf:
		fmt.Fprintf(b, `\x%02x`, first)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// longestRun returns the length of the longest run of c in s.
func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
