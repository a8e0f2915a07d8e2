package incident

import (
	"maps"
	"slices"
	"time"
)

// groups finds out which alerts belong together: those that share a link and
// are close enough in time, and all that is so connected. For each link it
// holds the spans of time in which alerts came; an alert that falls into one
// or near it joins it. What an alert costs does not depend on how many groups
// there are.
//
// The order of alerts does not matter as long as none is later than lateness
// and no limit is reached: spans are joined whichever comes first.
type groups struct {
	parent []uint32 // union-find; 0 is no group
	idle   []uint32 // nodes that may be used again
	links  map[uint64]uint32
	all    []*[spansMade]spans // made many at a time, as kinds are
	free   []uint32            // of all
	// A link is young while it was touched in this turn. When there are limit
	// young ones, the others are forgotten and a new turn begins.
	turn, young, limit int
	full               bool  // nothing new is put into a group: there is no room for its kind
	latest             int64 // of all times seen in this file, nanoseconds since 1970
	file               int
	gone               int64 // the latest moment at which a forgotten link could have been joined
	// Forgotten counts the links that had to be forgotten while an alert could
	// still have joined them; Late the alerts that came too late to tell whether
	// they belong to something that had been forgotten by then.
	Forgotten, Late int
	// joined is told which group became part of which; it may be nil.
	joined func(from, to uint32)
}

// lateness is how late an alert may be and still be put where it belongs.
const lateness = 10 * time.Minute

type span struct {
	first, last int64
	node        uint32
}

// spans are those of one link, mostly one.
type spans struct {
	key  uint64
	turn int
	gap  int64
	gone int64 // as that of groups, of the spans that were dropped
	one  span
	more []span
}

const spansMade = 256

// spansKept bounds the spans of one link that are held at a time.
const spansKept = 16

func newGroups(limit int) *groups {
	return &groups{parent: make([]uint32, 1, 1024), links: map[uint64]uint32{}, limit: max(1, limit/2)}
}

// find returns the group that a node is in now.
func (g *groups) find(n uint32) uint32 {
	for g.parent[n] != n {
		g.parent[n] = g.parent[g.parent[n]]
		n = g.parent[n]
	}
	return n
}

func (g *groups) join(a, b uint32) {
	a, b = min(g.find(a), g.find(b)), max(g.find(a), g.find(b))
	if a == b {
		return
	}
	g.parent[b] = a
	if g.joined != nil {
		g.joined(b, a)
	}
}

// add puts an alert of a file, with these links and this time, into a group,
// and returns a node of it; 0 when it has no links. Files may come in any order.
// arrived is when it was received, 0 when that is not known.
func (g *groups) add(links []Link, file int, t, arrived int64) uint32 {
	if file != g.file {
		g.file, g.latest = file, t
	}
	if t == 0 {
		t = g.latest
	}
	if arrived == 0 || t <= arrived+int64(lateness) {
		g.latest = max(g.latest, t)
	}
	var node uint32
	late := false
	for i := range links {
		n, l := g.touch(&links[i], t, node)
		late = late || l
		switch {
		case node == 0:
			node = n
		case n != 0 && n != node:
			g.join(node, n)
		}
	}
	if late && t+int64(lateness) < g.latest {
		g.Late++
	}
	return node
}

// touch adds a moment to a link: to what is there, or as a new span of the group
// mine, 0 for none yet. It returns 0 if neither may be. late is set when what
// the alert could have joined may have been forgotten.
func (g *groups) touch(l *Link, t int64, mine uint32) (node uint32, late bool) {
	n, ok := g.links[l.Key]
	if !ok {
		if g.full {
			return 0, false
		}
		if g.young >= g.limit {
			g.forget()
		}
		n = g.make()
		s := g.spans(n)
		*s = spans{key: l.Key, turn: g.turn, gap: int64(gaps[l.Kind]), one: span{t, t, g.node(mine)}}
		g.links[l.Key] = n
		g.young++
		return s.one.node, t-s.gap <= g.gone
	}
	s := g.spans(n)
	if s.turn != g.turn {
		s.turn = g.turn
		g.young++
	}
	return s.touch(g, t, mine)
}

// touch adds a moment to the spans: it joins all that it is near to.
func (s *spans) touch(g *groups, t int64, mine uint32) (node uint32, late bool) {
	near := func(p span) bool { return t >= p.first-s.gap && t <= p.last+s.gap }
	if len(s.more) == 0 {
		if near(s.one) {
			s.one.first, s.one.last = min(s.one.first, t), max(s.one.last, t)
			return s.one.node, false
		}
		if g.full {
			return 0, false
		}
		s.more = append(s.more, s.one)
		s.one = span{t, t, g.node(mine)}
		return s.one.node, t-s.gap <= s.gone
	}
	s.more = append(s.more, s.one)
	joined, kept := span{first: t, last: t}, s.more[:0]
	for _, p := range s.more {
		if !near(p) {
			kept = append(kept, p)
			continue
		}
		joined.first, joined.last = min(joined.first, p.first), max(joined.last, p.last)
		if joined.node == 0 {
			joined.node = p.node
		} else {
			g.join(joined.node, p.node)
		}
	}
	if joined.node == 0 && g.full {
		s.more, s.one = kept[:len(kept)-1], kept[len(kept)-1]
		return 0, false
	}
	if joined.node == 0 {
		joined.node = g.node(mine)
		late = t-s.gap <= s.gone
	}
	s.more, s.one = g.trim(s, kept), joined
	return joined.node, late
}

// trim drops the spans that no alert can join any more, and beyond the limit
// the earliest.
func (g *groups) trim(s *spans, list []span) []span {
	kept := list[:0]
	for _, p := range list {
		if p.last+s.gap+int64(lateness) >= g.latest {
			kept = append(kept, p)
		} else {
			s.gone = max(s.gone, p.last)
		}
	}
	for len(kept) > spansKept {
		first := 0
		for i := range kept {
			if kept[i].last < kept[first].last {
				first = i
			}
		}
		s.gone = max(s.gone, kept[first].last)
		kept = append(kept[:first], kept[first+1:]...)
		g.Forgotten++
	}
	return kept
}

// forget drops the links that were not touched in this turn.
func (g *groups) forget() {
	for key, n := range g.links {
		s := g.spans(n)
		if s.turn == g.turn {
			continue
		}
		last := max(s.one.last, s.gone, lastOf(s.more)) + s.gap
		if last+int64(lateness) >= g.latest {
			g.Forgotten++
		}
		g.gone = max(g.gone, last-s.gap)
		*s = spans{}
		g.free = append(g.free, n)
		delete(g.links, key)
	}
	g.turn++
	g.young = 0
}

func lastOf(list []span) (last int64) {
	for _, p := range list {
		last = max(last, p.last)
	}
	return last
}

// node is mine, or a new one.
func (g *groups) node(mine uint32) uint32 {
	if mine != 0 {
		return mine
	}
	if last := len(g.idle) - 1; last >= 0 {
		n := g.idle[last]
		g.idle = g.idle[:last]
		return n
	}
	n := uint32(len(g.parent))
	g.parent = append(g.parent, n)
	return n
}

// compact drops the links that no kind is held together by and no alert can join
// any more, and frees the nodes that nothing refers to then. It points what is
// left to the groups themselves.
func (g *groups) compact(kinds []*Kind) {
	used := make(map[uint32]bool, len(kinds))
	root := func(node *uint32) {
		if *node != 0 {
			*node = g.find(*node)
			used[*node] = true
		}
	}
	for _, kind := range kinds {
		root(&kind.node)
	}
	held := maps.Clone(used)
	for key, n := range g.links {
		s := g.spans(n)
		last := max(s.one.last, lastOf(s.more))
		if last+s.gap+int64(lateness) < g.latest && !s.open(g, held) {
			g.gone = max(g.gone, last)
			*s = spans{}
			g.free = append(g.free, n)
			delete(g.links, key)
			continue
		}
		root(&s.one.node)
		for i := range s.more {
			root(&s.more[i].node)
		}
	}
	g.idle = g.idle[:0]
	for n := uint32(len(g.parent)) - 1; n > 0; n-- {
		if !used[n] {
			g.parent[n] = n
			g.idle = append(g.idle, n)
		}
	}
}

// open reports whether one of the spans is of a group that is held.
func (s *spans) open(g *groups, held map[uint32]bool) bool {
	return held[g.find(s.one.node)] || slices.ContainsFunc(s.more, func(p span) bool { return held[g.find(p.node)] })
}

func (g *groups) spans(n uint32) *spans { return &g.all[n/spansMade][n%spansMade] }

func (g *groups) make() uint32 {
	if len(g.free) == 0 {
		from := uint32(len(g.all)) * spansMade
		g.all = append(g.all, new([spansMade]spans))
		for i := uint32(spansMade); i > 0; i-- {
			g.free = append(g.free, from+i-1)
		}
	}
	n := g.free[len(g.free)-1]
	g.free = g.free[:len(g.free)-1]
	return n
}

// repeats recognises alerts that were delivered before, by a fingerprint of
// all that they say. It remembers between one and two times limit alerts.
type repeats struct {
	young, old map[uint64]struct{}
	limit      int
}

func newRepeats(limit int) *repeats {
	return &repeats{young: map[uint64]struct{}{}, limit: max(1, limit)}
}

func (r *repeats) seen(print uint64) bool {
	if _, ok := r.young[print]; ok {
		return true
	}
	_, ok := r.old[print]
	if len(r.young) >= r.limit {
		r.old, r.young = r.young, make(map[uint64]struct{}, r.limit)
	}
	r.young[print] = struct{}{}
	return ok
}
