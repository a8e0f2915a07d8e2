package render

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// What follows is for renderers of other things than documents: the same
// escaping, wrapping and colours.

// Style is how text is painted on a screen that has colours.
type Style = style

// The styles.
const (
	Plain  = plain
	Bold   = bold
	Dim    = dim
	Red    = severityHigh
	Yellow = severityMedium
	Green  = severityLow
)

// Text is text for a Screen, not yet escaped by the Screen but by its methods.
type Text []piece

// Own returns the text with our own words behind it.
func (t Text) Own(words string, s Style) Text { return append(t, piece{prose(words), s}) }

// Spans returns the text with spans behind it.
func (t Text) Spans(spans []evidence.Span, s Style) Text { return append(t, pieces(spans, s)...) }

// Link returns the text with a web address behind it, which is never broken.
func (t Text) Link(url string) Text { return append(t, piece{url, link}) }

// Screen writes text for a screen, wrapped, with no escape sequences but those
// of our colours.
type Screen struct{ t *terminal }

// NewScreen returns a Screen that writes to w.
func NewScreen(w io.Writer, opt Options) *Screen {
	return &Screen{newTerminal(out{bufio.NewWriterSize(w, 1<<16)}, opt)}
}

// Heading writes a title, underlined.
func (s *Screen) Heading(title Text, rule string) {
	widest := 0
	for _, l := range wrap(title, s.t.width) {
		s.t.paint(l)
		s.t.out.put("\n")
		widest = max(widest, l.width)
	}
	s.t.out.put(strings.Repeat(rule, widest), "\n\n")
}

// At writes text in lines that start at a column, counted from 0.
func (s *Screen) At(column int, text Text) { s.t.wrapped(column, text) }

// Hang writes a marker, which must be ours, and text beside it.
func (s *Screen) Hang(marker string, text Text) { s.t.hang(marker, text) }

// Quote writes a marker, which must be ours, and the lines of somebody else's
// text, each behind a bar, so that none passes for a line of ours.
func (s *Screen) Quote(marker string, lines []string) {
	const bar = "| "
	for _, text := range lines {
		for _, l := range wrap(Text{{Visible(text), shownValue}}, s.t.width-indent-len(marker)-len(bar)) {
			s.t.out.put(blanks(indent), marker, bar)
			s.t.paint(l)
			s.t.out.put("\n")
			marker = blanks(len(marker))
		}
	}
}

// Blank writes an empty line.
func (s *Screen) Blank() { s.t.out.put("\n") }

// Flush completes the output and returns the first error of all writing.
func (s *Screen) Flush() error { return s.t.out.Flush() }

// Code returns text of several lines with what cannot be seen escaped; changed
// reports whether something was.
func Code(s string) (shown string, changed bool) { return code(s) }

// Refers describes a piece of evidence and gives its web address, "" if it has
// none.
func Refers(r report.Reference) (spans []evidence.Span, url string) {
	return refersTo(r), webAddress(r)
}

// MarkdownText returns spans as markdown on one line; start is set when it
// will stand at the start of a block.
func MarkdownText(spans []evidence.Span, start bool) string {
	if start {
		return mdText(spans, mdBlock)
	}
	return mdText(spans, mdInline)
}

// MarkdownCode returns a fenced block with text, each line indented.
func MarkdownCode(text string, column int) string {
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	var b strings.Builder
	for l := range strings.SplitSeq(fence+"\n"+strings.TrimSuffix(text, "\n")+"\n"+fence, "\n") {
		b.WriteString(blanks(column) + l + "\n")
	}
	return b.String()
}

// JSON returns v as JSON in which everything is escaped that a screen may obey.
func JSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return escapeJSON(text), err
}

// JSONEvidence is evidence as machine output has it.
func JSONEvidence(list []evidence.Evidence) any { return jsonEvidence(list) }
