package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// The drawings of the HTML report are laid out here in pixels; the template
// writes and escapes them, and colours come from the style sheet. They show
// nothing that the table of the timeline and the text of the tree do not say.

// svgFrame is what every drawing has.
type svgFrame struct {
	ID            string // of ours, for the title and the description
	Width, Height int
	Title, Desc   string
	Keys          []svgKey
	Notes         []string // below the drawing, our own words
}

// svgKey explains the mark of a verdict.
type svgKey struct{ Class, Mark, Word string }

// svgClasses are the verdicts, the worst first, and the classes that they have
// in the style sheet.
var svgClasses = []string{"attack", "suspicious", "unknown", "test", "benign"}

func svgClassOf(verdict string) string {
	for _, c := range svgClasses {
		if c == verdict {
			return c
		}
	}
	return "unknown"
}

// worseClass returns the worse of two classes.
func worseClass(a, b string) string {
	for _, c := range svgClasses {
		if c == a || c == b {
			return c
		}
	}
	return a
}

// svgMark is the outline of a verdict's mark around a point: each has a shape
// of its own, as colours are not seen by everybody nor printed.
func svgMark(class string, x, y int) string {
	switch class {
	case "attack":
		return fmt.Sprintf("M%d %dl8 8-8 8-8-8z", x, y-8)
	case "suspicious":
		return fmt.Sprintf("M%d %dl8 14h-16z", x, y-8)
	case "test":
		return fmt.Sprintf("M%d %dh12v12h-12z", x-6, y-6)
	case "benign":
		return fmt.Sprintf("M%d %da4 4 0 0 0 8 0a4 4 0 0 0-8 0z", x-4, y)
	}
	return fmt.Sprintf("M%d %da7 7 0 0 0 14 0a7 7 0 0 0-14 0zm4.8-1.6c0-3 4.4-3 4.4-.3 0 1.7-2.2 1.6-2.2 3.4m0 2v.2", x-7, y)
}

// svgKeys explains the marks in use.
func svgKeys(used map[string]bool) []svgKey {
	var keys []svgKey
	for _, c := range svgClasses {
		if used[c] {
			keys = append(keys, svgKey{c, svgMark(c, 10, 10), wordOf(report.VerdictWords, c)})
		}
	}
	return keys
}

// cut returns as much of s as fits in so many cells of a screen, and how many
// cells are left out.
func cut(s string, cells int) (head string, left int) {
	if len(s) <= cells {
		return s, 0 // no character is wider than its bytes are many
	}
	used, end, state := 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > cells {
			return s[:end], uniseg.StringWidth(s[end:])
		}
		used += w
		end += len(cluster)
	}
	return s, 0
}

// titleMost bounds what the title of a mark repeats, in cells.
const titleMost = 200

// plainWords are spans as text without markup, values between backticks.
func plainWords(spans []evidence.Span, cells int) string {
	var b strings.Builder
	for _, p := range pieces(spans, plain) {
		b.WriteString(p.text)
	}
	head, left := cut(b.String(), cells)
	if left > 0 {
		head += "…"
	}
	return head
}

// ranges writes ascending numbers, neighbours together: 1, 4–6.
func ranges(list []int) string {
	var b strings.Builder
	for i := 0; i < len(list); i++ {
		from := i
		for i+1 < len(list) && list[i+1] == list[i]+1 {
			i++
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(list[from]))
		if i > from {
			sep := "–"
			if i == from+1 {
				sep = ", "
			}
			b.WriteString(sep + strconv.Itoa(list[i]))
		}
	}
	return b.String()
}
