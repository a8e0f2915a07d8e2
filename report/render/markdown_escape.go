package render

import (
	"strings"

	"github.com/tiercel/tiercel/evidence"
)

// mdPlace says where text will stand, as that decides what must be escaped.
type mdPlace int

const (
	mdInline mdPlace = iota // behind other text on its line
	mdBlock                 // at the start of a block: list marks and the like count
	mdCell                  // in a table
)

// mdText returns spans as markdown on one line: values as code, our own words
// with only that escaped which markdown would read.
func mdText(spans []evidence.Span, where mdPlace) string {
	var b strings.Builder
	for i, s := range merged(spans) {
		switch {
		case s.Value:
			b.WriteString(mdValue(s.Text, where == mdCell))
		case i == 0:
			mdWords(&b, strings.TrimLeft(prose(s.Text), " "), where)
		default:
			mdWords(&b, prose(s.Text), where&mdCell)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// mdValue returns a value as a code span that nothing in it can end.
func mdValue(s string, inCell bool) string {
	if s == "" {
		return "*" + noValue + "*"
	}
	text := Visible(s)
	fence := strings.Repeat("`", longestRun(text, '`')+1)
	pad := ""
	if text[0] == '`' || text[len(text)-1] == '`' ||
		text[0] == ' ' && text[len(text)-1] == ' ' && strings.Trim(text, " ") != "" {
		pad = " "
	}
	if inCell {
		text = strings.ReplaceAll(text, "|", `\|`)
	}
	return fence + pad + text + pad + fence
}

func mdWords(b *strings.Builder, s string, where mdPlace) {
	if where == mdBlock {
		s = mdStart(b, s)
	}
	for i := range len(s) {
		if mdSpecial(s, i, where) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
}

// mdStart writes the start of a block so that it is no list, heading or quote,
// and returns the rest.
func mdStart(b *strings.Builder, s string) string {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if digits < len(s) && (digits > 0 && strings.IndexByte(".)", s[digits]) >= 0 ||
		digits == 0 && strings.IndexByte("-+>=|:", s[0]) >= 0) {
		b.WriteString(s[:digits])
		b.WriteByte('\\')
		b.WriteByte(s[digits])
		return s[digits+1:]
	}
	return s
}

// mdSpecial reports whether markdown, or GitHub, would read s[i] as markup.
func mdSpecial(s string, i int, where mdPlace) bool {
	switch s[i] {
	case '\\', '`', '*', '<', '[', '~', '$':
		return true
	case '|':
		return where == mdCell
	case '_':
		return !wordAt(s, i-1) || !wordAt(s, i+1)
	case '#':
		return i == 0 || s[i-1] == ' '
	case '&':
		return i+1 == len(s) || s[i+1] == '#' || wordAt(s, i+1)
	case ':':
		return i+1 < len(s) && s[i+1] == '/' // else http:// becomes a link, and eats the value behind it
	case '.':
		return i >= 3 && strings.EqualFold(s[i-3:i], "www")
	case '@':
		return true
	}
	return false
}

func wordAt(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return false
	}
	c := s[i]
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
