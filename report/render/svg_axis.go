package render

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// segment is a stretch of the time axis without a break.
type segment struct {
	from, to time.Time
	x, w     int
	tail     int // room behind its last time
}

const (
	axisPad      = 14 // inside a segment, before its first time
	breakWidth   = 58
	breaksMost   = 8
	breakLeast   = 10 * time.Second // shorter silence is never cut out
	repeatsLeast = 10 * time.Minute // and time in which something repeated
	crowded      = 30               // pixels below which two marks are not told apart
	segmentLeast = 96
	ticksMost    = 50
)

// at is the place of a time of the segment.
func (s *segment) at(t time.Time) int {
	long := s.to.Sub(s.from).Seconds()
	if long <= 0 {
		return s.x + axisPad
	}
	return s.x + axisPad + int(math.Round(t.Sub(s.from).Seconds()/long*float64(s.w-axisPad-s.tail)))
}

// axis cuts time into segments: as long as some times could not be told apart,
// the longest silence is cut out.
func axis(entries []*entry, width int) []*segment {
	var times []time.Time
	for _, e := range entries {
		times = append(times, e.first, e.last)
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	broken := map[int]bool{} // silence in front of the time of this index
	for len(broken) < breaksMost {
		long, shortest, longest, at := 0.0, math.Inf(1), 0.0, 0
		for i := 1; i < len(times); i++ {
			if broken[i] {
				continue
			}
			gap := times[i].Sub(times[i-1]).Seconds()
			long += gap
			shortest = min(shortest, gap)
			if gap > longest && (gap >= repeatsLeast.Seconds() || !repeating(entries, times[i-1], times[i])) {
				longest, at = gap, i
			}
		}
		room := float64(width - len(broken)*breakWidth)
		if at == 0 || longest < breakLeast.Seconds() || longest < long/12 || longest == shortest || shortest/long*room >= crowded {
			break
		}
		broken[at] = true
	}
	all := []*segment{{from: times[0], to: times[0]}}
	for i, t := range times {
		if broken[i] {
			all = append(all, &segment{from: t})
		}
		all[len(all)-1].to = t
	}
	for _, s := range all {
		for _, e := range entries {
			if !e.first.Before(s.from) && !e.first.After(s.to) {
				s.tail = max(s.tail, e.width())
			}
		}
		s.tail = max(s.tail, axisPad)
	}
	share(all, width)
	return all
}

// repeating reports whether something may have gone on all the time between.
func repeating(entries []*entry, from, to time.Time) bool {
	return slices.ContainsFunc(entries, func(e *entry) bool { return !e.first.After(from) && !e.last.Before(to) })
}

// share gives each segment its least width, and of the rest as much as it is long.
func share(all []*segment, width int) {
	long := 0.0
	for _, s := range all {
		long += s.to.Sub(s.from).Seconds()
	}
	rest := max(0, width-(len(all)-1)*breakWidth-len(all)*segmentLeast)
	for _, s := range all {
		s.w = segmentLeast
		if long > 0 {
			s.w += int(s.to.Sub(s.from).Seconds() / long * float64(rest))
		}
	}
}

// place lays the segments side by side and returns the right end.
func placeSegments(all []*segment, x int) int {
	for i, s := range all {
		if i > 0 {
			x += breakWidth
		}
		s.x = x
		x += s.w
	}
	return x
}

func segmentOf(all []*segment, t time.Time) *segment {
	for _, s := range all[:len(all)-1] {
		if !t.After(s.to) {
			return s
		}
	}
	return all[len(all)-1]
}

const (
	day   = 24 * time.Hour
	month = 30 * day // about
	year  = 365 * day
)

// tickSteps are the distances of ticks. From a month on they follow the
// calendar.
var tickSteps = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, month, 3 * month, year, 10 * year, 100 * year,
}

// roundTime is the last round time not after t, and the next one.
func roundTime(t time.Time, step time.Duration) (last, next time.Time) {
	t = t.UTC()
	switch {
	case step >= year:
		n := int(step / year)
		last = time.Date(t.Year()/n*n, 1, 1, 0, 0, 0, 0, time.UTC)
		return last, last.AddDate(n, 0, 0)
	case step >= month:
		n := int(step / month)
		last = time.Date(t.Year(), (t.Month()-1)/time.Month(n)*time.Month(n)+1, 1, 0, 0, 0, 0, time.UTC)
		return last, last.AddDate(0, n, 0)
	}
	last = t.Truncate(step)
	return last, last.Add(step)
}

// svgTick is a labelled time; the label keeps to its segment.
type svgTick struct {
	X, LabelX int
	Label     string
}

// ticks are round times in the segment, as many as there is room for.
func (s *segment) ticks() []svgTick {
	long := s.to.Sub(s.from)
	step := tickSteps[len(tickSteps)-1]
	for _, d := range tickSteps {
		room := 115.0
		if d < time.Second || d >= month {
			room = 160 // longer labels
		}
		if d.Seconds()*float64(s.w-axisPad-s.tail) >= room*long.Seconds() {
			step = d
			break
		}
	}
	if long <= 0 {
		step = time.Second
	}
	var all []svgTick
	t, next := roundTime(s.from, step)
	for ; long > 0 && !t.After(s.to) && len(all) < ticksMost; t, next = roundTime(next, step) {
		if !t.Before(s.from) {
			all = append(all, s.tick(t, step))
		}
	}
	if len(all) == 0 {
		all = append(all, s.tick(s.from, min(step, time.Second)))
	}
	return all
}

func (s *segment) tick(t time.Time, step time.Duration) svgTick {
	layout := "15:04:05"
	switch {
	case step >= month:
		layout = "2006-01-02"
	case step >= day || t.Equal(t.Truncate(day)) && step >= time.Minute:
		layout = "01-02"
	case step >= time.Minute:
		layout = "15:04"
	case step < 10*time.Millisecond:
		layout = "15:04:05.000"
	case step < 100*time.Millisecond:
		layout = "15:04:05.00"
	case step < time.Second:
		layout = "15:04:05.0"
	}
	v := svgTick{X: s.at(t), Label: t.UTC().Format(layout)}
	half := len(v.Label) * digitWidth / 2
	v.LabelX = max(s.x+half, min(v.X, s.x+s.w-half))
	return v
}

// lasting is a length of time as people say it.
func lasting(d time.Duration) string {
	for _, u := range []struct {
		from, unit time.Duration
		word       string
	}{{2 * day, day, " days"}, {2 * time.Hour, time.Hour, " h"}, {2 * time.Minute, time.Minute, " min"}, {time.Second, time.Second, " s"}} {
		if d >= u.from {
			return strconv.FormatInt(int64(d.Round(u.unit)/u.unit), 10) + u.word
		}
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}
