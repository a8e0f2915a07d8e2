package render

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

const (
	marksMost   = 100 // entries of a timeline that are drawn
	lanesMost   = 20
	chartWidth  = 880 // the page's text is as wide; more scrolls
	laneLabel   = 158 // width of the column of names
	laneTop     = 44  // below the axis
	laneRow     = 24
	lanePlace   = 26
	markHalf    = 9
	ringHalf    = 12
	digitWidth  = 7
	rowsEasy    = 5  // rows of a lane that are opened before a mark leaves its time
	rowsDense   = 8  // and before marks pile up to the right
	markAway    = 3  // pixels off that do not matter
	markFar     = 60 // pixels off for which a dense lane opens a row
	noPlace     = "place not told"
	noStage     = "no stage known"
	otherPlaces = "other places"
)

type (
	svgTimeline struct {
		svgFrame
		Bottom   int // of the lanes
		Left     int
		Lanes    []svgLane
		Segments []svgSegment
		Breaks   []svgBreak
		Marks    []svgEntry
	}
	// svgLane is a lane, or the heading of those below it if Head is set.
	svgLane struct {
		Y, Height, LabelY int
		Label             string
		Head              bool
	}
	svgSegment struct {
		X, Width int
		Date     string
		Ticks    []svgTick
	}
	svgBreak struct {
		X           int
		Label, What string
	}
	svgEntry struct {
		Class, Mark, Label string
		Title              string
		X, Y, LabelX, TagY int
		Span               string // the line from first to last, "" without
		Telling            bool
	}
)

// entry is a row of the timeline on its way into the drawing.
type entry struct {
	row         int
	moment      *report.Moment
	first, last time.Time
	lane        int
	label       string
	x, y, until int // y is the row in the lane
}

func (e *entry) place() string { return prose(e.moment.Place) }
func (e *entry) stage() string { return prose(e.moment.Tactic) }

// width is how far an entry reaches to the right of its time.
func (e *entry) width() int { return e.labelAt() + utf8.RuneCountInString(e.label)*digitWidth + 6 }

// labelAt is how far to the right of its time the label begins.
func (e *entry) labelAt() int {
	if e.moment.Telling {
		return ringHalf + 2
	}
	return markHalf + 2
}

// drawTimeline returns nil when there is nothing that a drawing could show.
func drawTimeline(b report.Timeline, id string) *svgTimeline {
	var all []*entry
	timeless := 0
	for i := range b.Rows {
		m := &b.Rows[i]
		if m.First.IsZero() {
			timeless++
			continue
		}
		e := &entry{row: i + 1, moment: m, first: m.First, last: m.Last, label: strconv.Itoa(i + 1)}
		if e.last.Before(e.first) {
			e.last = e.first
		}
		if m.Count > 1 {
			e.label += " ×" + strconv.Itoa(m.Count)
		}
		all = append(all, e)
	}
	if len(all) == 0 || len(all) == 1 && all[0].moment.Count < 2 {
		return nil
	}
	over := max(0, len(all)-marksMost)
	all = all[:len(all)-over]
	slices.SortStableFunc(all, func(a, b *entry) int { return a.first.Compare(b.first) })

	t := &svgTimeline{svgFrame: svgFrame{ID: id, Title: "Timeline"}, Left: laneLabel}
	lanes := layLanes(all)
	segments := axis(all, chartWidth-laneLabel-2)
	right, moved := pack(all, segments, len(lanes))
	t.Width = max(chartWidth, right+2)
	t.place(lanes, all, segments)
	t.explain(all, moved, timeless, over)
	return t
}

// lane is a row of the drawing: a stage of an intrusion at a place. Without a
// stage it is the heading of a place, or all of it.
type lane struct {
	place, stage string
	head         bool
	rows         int
}

// layLanes gives each entry its lane, places and stages in the order in which
// they first turn up: what goes on from stage to stage reads downwards.
func layLanes(all []*entry) []*lane {
	var places []string
	stages := map[string][]string{}
	for _, e := range all {
		p, s := e.place(), e.stage()
		if !slices.Contains(places, p) {
			places = append(places, p)
		}
		if !slices.Contains(stages[p], s) {
			stages[p] = append(stages[p], s)
		}
	}
	n := 0
	for _, p := range places {
		n += len(stages[p])
	}
	var lanes []*lane
	at := map[[2]string]int{}
	staged := n <= lanesMost
	for i, p := range places {
		switch {
		case staged:
			if len(places) > 1 || p != "" {
				lanes = append(lanes, &lane{place: p, head: true})
			}
			for _, s := range stages[p] {
				at[[2]string{p, s}] = len(lanes)
				lanes = append(lanes, &lane{place: p, stage: s})
			}
		case i < lanesMost-1 || len(places) == lanesMost:
			at[[2]string{p}] = len(lanes)
			lanes = append(lanes, &lane{place: p})
		default:
			if i == lanesMost-1 {
				lanes = append(lanes, &lane{place: strconv.Itoa(len(places)-i) + " " + otherPlaces})
			}
			at[[2]string{p}] = lanesMost - 1
		}
	}
	for _, e := range all {
		if staged {
			e.lane = at[[2]string{e.place(), e.stage()}]
		} else {
			e.lane = at[[2]string{e.place()}]
		}
	}
	if !staged {
		for _, l := range lanes {
			l.stage = l.place
			if l.place == "" {
				l.stage = noPlace
			}
		}
	}
	for _, e := range all {
		lanes[e.lane].rows = max(lanes[e.lane].rows, 1)
	}
	return lanes
}

// pack finds a place for each entry where it covers no other one: as close to
// its time as can be, never before it. It widens segments until all have room,
// and returns the right end and how many stand away from their time.
func pack(all []*entry, segments []*segment, lanes int) (right, moved int) {
	for range 100 {
		right = placeSegments(segments, laneLabel)
		rows := make([][]laneEnd, lanes)
		over := map[*segment]int{}
		moved = 0
		for _, e := range all {
			s := segmentOf(segments, e.first)
			x := s.at(e.first)
			e.x, e.y = freeRow(rows[e.lane], x, s.x+s.w)
			if e.y == len(rows[e.lane]) {
				rows[e.lane] = append(rows[e.lane], laneEnd{})
			}
			if e.x-x > markAway {
				moved++
			}
			e.until = segmentOf(segments, e.last).at(e.last)
			rows[e.lane][e.y] = laneEnd{max(e.x+e.width(), e.until+4), e.until}
			over[s] = max(over[s], e.x+e.width()-s.x-s.w)
		}
		fits := true
		for s, n := range over {
			if n > 0 {
				s.w += n
				s.tail += n // so times stay where they are
				fits = false
			}
		}
		if fits {
			break
		}
	}
	return right, moved
}

// laneEnd is how far a row of a lane is taken, and by the line of a repeat.
type laneEnd struct{ mark, line int }

// freeRow finds the row of a lane where a mark that belongs at x can stand
// closest to it; it may be a new one. A row that a line holds up to the edge of
// the segment is of no use in it.
func freeRow(rows []laneEnd, x, edge int) (at, row int) {
	usable := 0
	for i, end := range rows {
		if end.line >= edge {
			continue
		}
		if to := max(x, end.mark+markHalf); usable == 0 || to < at {
			at, row = to, i
		}
		usable++
	}
	if away := at - x; usable == 0 || away > markAway && usable < rowsEasy || away > markFar && usable < rowsDense {
		return x, len(rows)
	}
	return at, row
}

// place turns lanes, entries and segments into what is drawn.
func (t *svgTimeline) place(lanes []*lane, all []*entry, segments []*segment) {
	for _, e := range all {
		lanes[e.lane].rows = max(lanes[e.lane].rows, e.y+1)
	}
	y := laneTop
	tops := make([]int, len(lanes))
	for i, l := range lanes {
		tops[i] = y
		v := svgLane{Y: y, Head: l.head, Label: l.stage, Height: l.rows*laneRow + 6}
		if l.head {
			v.Label, v.Height = l.place, lanePlace
			if l.place == "" {
				v.Label = noPlace
			}
		} else if v.Label == "" {
			v.Label = noStage
		}
		if !l.head {
			v.Label, _ = cut(v.Label, 24)
		}
		v.LabelY = y + 19
		t.Lanes = append(t.Lanes, v)
		y += v.Height
	}
	t.Bottom, t.Height = y, y+4
	for i, s := range segments {
		v := svgSegment{X: s.x, Width: s.w, Ticks: s.ticks()}
		if date := s.from.UTC().Format("2006-01-02"); i == 0 {
			v.Date = date + " UTC"
		} else {
			before := segments[i-1]
			if before.to.UTC().Format("2006-01-02") != date {
				v.Date = date
			}
			t.Breaks = append(t.Breaks, brokenBy(all, before, s))
		}
		t.Segments = append(t.Segments, v)
	}
	for _, e := range all {
		t.Marks = append(t.Marks, e.draw(tops[e.lane]))
	}
}

// brokenBy says what the axis leaves out between two segments.
func brokenBy(all []*entry, before, s *segment) svgBreak {
	v := svgBreak{X: before.x + before.w + breakWidth/2, Label: lasting(s.from.Sub(before.to)), What: "silent"}
	if repeating(all, before.to, s.from) {
		v.What = "repeats"
	}
	return v
}

func (e *entry) draw(top int) svgEntry {
	class := svgClassOf(e.moment.Class)
	y := top + 3 + e.y*laneRow + laneRow/2 - 1
	v := svgEntry{Class: class, Mark: svgMark(class, e.x, y), X: e.x, Y: y, LabelX: e.x + e.labelAt(), TagY: y + 4,
		Label: e.label, Telling: e.moment.Telling}
	words := []evidence.Span{own(strconv.Itoa(e.row) + ": " + momentWhen(*e.moment) + ", ")}
	for i, c := range momentCells(*e.moment) {
		if i == 1 && !c.Empty() {
			words = append(words, own(": "))
		}
		if i < 2 {
			words = append(words, c.Spans...)
		}
	}
	v.Title = plainWords(words, titleMost)
	if e.until-e.x > 2 {
		v.Span = fmt.Sprintf("M%d %dH%dm0-3v6", e.x, y+11, e.until)
	}
	return v
}

// explain describes the drawing for those who do not see it, and says what is
// not in it.
func (t *svgTimeline) explain(all []*entry, moved, timeless, over int) {
	used := map[string]bool{}
	var stages []string
	last, repeats, telling := all[0].last, false, false
	for _, e := range all {
		used[svgClassOf(e.moment.Class)] = true
		if s := e.stage(); s != "" && !slices.Contains(stages, s) {
			stages = append(stages, s)
		}
		if e.last.After(last) {
			last = e.last
		}
		repeats = repeats || e.moment.Count > 1
		telling = telling || e.moment.Telling
	}
	t.Keys = svgKeys(used)
	t.Desc = count(len(all), "kind of alert", "kinds of alert") + " from " + clock(all[0].first) + " to " + clock(last)
	if len(stages) > 0 {
		t.Desc += ", in the order of their stages: " + strings.Join(stages, ", ")
	}
	t.Desc += "."
	if len(t.Breaks) > 0 {
		var words []string
		for _, b := range t.Breaks {
			words = append(words, b.Label)
		}
		t.Desc += " Left out of the axis: " + strings.Join(words, ", ") + "."
	}
	t.Desc += " The table below says the same in words."
	t.Notes = append(t.Notes, "Shape and colour: the verdict on that kind of alert by itself. Number: the row of the table.")
	if telling && len(all) > 1 {
		t.Notes = append(t.Notes, "Circle: the alert that says most.")
	}
	if repeats {
		t.Notes = append(t.Notes, "×: how often, the line from the first to the last.")
	}
	if moved > 0 {
		t.Notes = append(t.Notes, count(moved, "mark stands", "marks stand")+" to the right of the true time, for want of room.")
	}
	if timeless > 0 {
		t.Notes = append(t.Notes, count(timeless, "row has no time and is", "rows have no time and are")+" not drawn.")
	}
	if over > 0 {
		t.Notes = append(t.Notes, count(over, "row", "rows")+" beyond the first "+strconv.Itoa(marksMost)+" not drawn.")
	}
}
