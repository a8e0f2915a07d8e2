package render

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/tiercel/tiercel/evidence"
)

// style is how a piece of terminal text is painted when there are colours.
type style int

const (
	plain style = iota
	bold
	dim
	shownValue
	link // never broken: half an address is of no use
	severityHigh
	severityMedium
	severityLow
)

// glue is a blank where no line may break.
const glue = "\u00a0"

// piece is a run of text in one style, without escapes of any kind.
type piece struct {
	text  string
	style style
}

// word is what stays on one line if it can: pieces without a blank between.
type word struct {
	pieces []piece
	width  int
	blank  style // of the blank in front of it
}

// valuePiece shows a value between backticks; one inside is escaped, so the
// end of a value is never in doubt, also without colours.
func valuePiece(s string) piece {
	if s == "" {
		return piece{noValue, dim}
	}
	return piece{"`" + visible(s, '`') + "`", shownValue}
}

func pieces(spans []evidence.Span, base style) []piece {
	var all []piece
	for _, s := range merged(spans) {
		if s.Value {
			all = append(all, valuePiece(s.Text))
		} else {
			all = append(all, piece{prose(s.Text), base})
		}
	}
	return all
}

// words cuts pieces at blanks: at every blank of our own words, and at single
// blanks inside a value. Longer runs of blanks in a value are kept.
func words(all []piece) []word {
	var done []word
	var now word
	cut := func(blank style) {
		if len(now.pieces) > 0 {
			done = append(done, now)
		}
		now = word{blank: blank}
	}
	for _, p := range all {
		rest := p.text
		for rest != "" {
			i := breakAt(rest, p.style == shownValue)
			if i != 0 {
				now.add(piece{rest[:i], p.style})
			}
			if i == len(rest) {
				break
			}
			cut(p.style)
			rest = rest[i+1:]
		}
	}
	cut(plain)
	return done
}

func (w *word) add(p piece) {
	w.pieces = append(w.pieces, p)
	w.width += uniseg.StringWidth(p.text)
}

// breakAt returns the index of the first blank where a line may break, or
// len(s).
func breakAt(s string, isValue bool) int {
	for i := range len(s) {
		if s[i] != ' ' {
			continue
		}
		alone := i > 0 && s[i-1] != ' ' && i+1 < len(s) && s[i+1] != ' ' && s[i-1] != '`' && s[i+1] != '`'
		if !isValue || alone {
			return i
		}
	}
	return len(s)
}

// line is one line of pieces and its width in columns.
type line struct {
	pieces []piece
	width  int
}

func (l *line) add(text string, s style) {
	if n := len(l.pieces) - 1; n >= 0 && l.pieces[n].style == s {
		l.pieces[n].text += text
	} else {
		l.pieces = append(l.pieces, piece{text, s})
	}
	l.width += uniseg.StringWidth(text)
}

// wrap lays text out in lines of at most width columns. A word that is wider
// than a line is broken between characters.
func wrap(all []piece, width int) []line {
	width = max(width, 2) // a wide character must fit
	lines := []line{{}}
	for _, w := range words(all) {
		now := &lines[len(lines)-1]
		switch {
		case now.width == 0:
		case now.width+1+w.width <= width:
			now.add(" ", w.blank)
		default:
			lines = append(lines, line{})
		}
		for _, p := range w.pieces {
			lines = fill(lines, p, width)
		}
	}
	return lines
}

// fill puts a piece on the last line and on new ones as it needs.
func fill(lines []line, p piece, width int) []line {
	for rest := p.text; ; {
		now := &lines[len(lines)-1]
		part := rest
		if p.style != link {
			part = fitting(rest, width-now.width)
		}
		if part == "" && now.width == 0 {
			part, _, _, _ = uniseg.FirstGraphemeClusterInString(rest, -1)
		}
		if part != "" {
			now.add(part, p.style)
		}
		if rest = rest[len(part):]; rest == "" {
			return lines
		}
		lines = append(lines, line{})
	}
}

// fitting returns as much of s as fits in so many columns. It ends behind a
// separator if there is one in its second half.
func fitting(s string, columns int) string {
	end, cut, used, state := 0, 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used += w; used > columns {
			if cut > end/2 {
				return s[:cut]
			}
			return s[:end]
		}
		end += len(cluster)
		if strings.ContainsAny(cluster, "/|,;:&=") {
			cut = end
		}
	}
	return s
}

// widest returns the width of the widest line that the text has unwrapped.
func widest(all []piece) int {
	w := 0
	for _, p := range all {
		w += uniseg.StringWidth(p.text)
	}
	return w
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }
