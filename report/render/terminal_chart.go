package render

import (
	"strings"
	"time"

	"github.com/tiercel/tiercel/report"
)

const (
	chartMost  = 60 // cells of a lane
	chartLeast = 3  // moments from which there is something to see
)

// chart draws a timeline in characters: a lane for each stage of an intrusion,
// and in each cell how many alerts came then. The table below it says the rest.
func (t *terminal) chart(b report.Timeline) {
	first, last := chartSpan(b.Rows)
	if len(b.Rows) < chartLeast || !last.After(first) {
		return
	}
	var stages []string
	counts := map[string][]int{}
	name := 0
	for _, m := range b.Rows {
		if stage := stageOf(m); counts[stage] == nil {
			stages = append(stages, stage)
			counts[stage] = []int{}
			name = max(name, len(stage))
		}
	}
	cells := min(chartMost, t.width-indent-name-2*gap-len("1000000"))
	if cells < 10 {
		return
	}
	total := map[string]int{}
	for _, m := range b.Rows {
		if m.First.IsZero() {
			continue
		}
		stage := stageOf(m)
		if len(counts[stage]) == 0 {
			counts[stage] = make([]int, cells)
		}
		total[stage] += m.Count
		spread(counts[stage], m, first, last)
	}
	line := func(words ...string) {
		t.out.put(blanks(indent))
		t.out.put(words...)
		t.out.put("\n")
	}
	for _, stage := range stages {
		var lane strings.Builder
		for _, n := range counts[stage] {
			lane.WriteByte(density(n))
		}
		line(stage, blanks(name-len(stage)+gap), lane.String(), blanks(gap+cells-lane.Len()), count(total[stage], "alert", "alerts"))
	}
	from, to := chartTime(first, first, last), chartTime(last, first, last)
	line(blanks(name+gap), from, blanks(max(1, cells-len(from)-len(to))), to)
	line(blanks(name+gap), ". one alert, : up to 5, + up to 50, # more")
	t.out.put("\n")
}

func stageOf(m report.Moment) string {
	if m.Tactic == "" {
		return noStage
	}
	return m.Tactic
}

func chartSpan(rows []report.Moment) (first, last time.Time) {
	for _, m := range rows {
		if m.First.IsZero() {
			continue
		}
		if first.IsZero() || m.First.Before(first) {
			first = m.First
		}
		if m.Last.After(last) {
			last = m.Last
		}
	}
	return first, last
}

// spread puts a moment's alerts into the cells between its first and its last:
// when those between came is not known.
func spread(cells []int, m report.Moment, first, last time.Time) {
	at := func(t time.Time) int {
		return min(len(cells)-1, int(float64(t.Sub(first))/float64(last.Sub(first))*float64(len(cells))))
	}
	from, to := at(m.First), at(m.Last)
	if m.Count == 1 || from == to {
		cells[from] += m.Count
		return
	}
	n := min(m.Count, to-from+1)
	for i := range n {
		share := m.Count / n
		if i < m.Count%n {
			share++
		}
		cells[from+i*(to-from)/max(1, n-1)] += share
	}
}

func density(n int) byte {
	switch {
	case n == 0:
		return ' '
	case n == 1:
		return '.'
	case n <= 5:
		return ':'
	case n <= 50:
		return '+'
	}
	return '#'
}

// chartTime has the date only if the two ends differ in it.
func chartTime(t, first, last time.Time) string {
	if y, m, d := first.UTC().Date(); last.UTC().Year() == y && last.UTC().Month() == m && last.UTC().Day() == d {
		return t.UTC().Format("15:04:05")
	}
	return t.UTC().Format("01-02 15:04")
}
