package render

import "strings"

// sgr are the colours of the styles. They, and the reset, are the only escape
// sequences that are ever written.
var sgr = map[style]string{
	bold: "\x1b[1m", dim: "\x1b[2m", shownValue: "\x1b[36m", link: "\x1b[2m",
	severityHigh: "\x1b[1;31m", severityMedium: "\x1b[1;33m", severityLow: "\x1b[1;32m",
}

const sgrReset = "\x1b[0m"

func severityStyle(severity string) style {
	switch severity {
	case "critical", "high":
		return severityHigh
	case "medium":
		return severityMedium
	}
	return severityLow
}

func (t *terminal) paint(l line) {
	for _, p := range l.pieces {
		text := strings.ReplaceAll(p.text, glue, " ")
		if start := sgr[p.style]; t.color && start != "" {
			text = start + text + sgrReset
		}
		t.out.put(text)
	}
}

// wrapped writes text in lines that start at the given column.
func (t *terminal) wrapped(column int, text []piece) {
	if len(text) == 0 {
		return
	}
	for _, l := range wrap(text, t.width-column) {
		t.out.put(blanks(column))
		t.paint(l)
		t.out.put("\n")
	}
}

func (t *terminal) paragraph(text []piece) {
	if len(text) > 0 {
		t.wrapped(indent, text)
		t.out.put("\n")
	}
}

// hang writes a marker and text beside it.
func (t *terminal) hang(marker string, text []piece) {
	for i, l := range wrap(text, t.width-indent-len(marker)) {
		if i == 0 {
			t.out.put(blanks(indent), marker)
		} else {
			t.out.put(blanks(indent + len(marker)))
		}
		t.paint(l)
		t.out.put("\n")
	}
}
