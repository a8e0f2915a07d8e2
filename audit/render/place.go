package render

import (
	"slices"
	"unicode/utf8"
)

// place is where a finding stands, from 1. Columns count characters; a byte
// that is no UTF-8 is one. The end is the last character.
type place struct{ line, column, endLine, endColumn int }

// places sets the places of all findings in one walk over the report.
func places(report []byte, list []found) {
	type point struct {
		at           int
		line, column *int
	}
	points := make([]point, 0, 2*len(list))
	for i := range list {
		f := &list[i]
		last := f.Start
		if f.End > f.Start {
			_, n := utf8.DecodeLastRune(report[f.Start:f.End])
			last = f.End - n
		}
		points = append(points, point{f.Start, &f.place.line, &f.place.column}, point{last, &f.place.endLine, &f.place.endColumn})
	}
	slices.SortStableFunc(points, func(a, b point) int { return a.at - b.at })
	line, column, at := 1, 1, 0
	for _, p := range points {
		for at < p.at {
			r, n := utf8.DecodeRune(report[at:])
			if at+n > p.at {
				break // inside of a character: its column
			}
			at, column = at+n, column+1
			if r == '\n' {
				line, column = line+1, 1
			}
		}
		*p.line, *p.column = line, column
	}
}
