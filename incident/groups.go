package incident

import "time"

// groups finds out which alerts belong together: those that share a link and
// are close enough in time, and all that is so connected. For each link it
// holds the spans of time in which alerts came; an alert that falls into one
// or near it joins it. What an alert costs does not depend on how many groups
// there are.
//
// The order of alerts does not matter as long as none is later than lateness
// and no limit is reached: spans are joined whichever comes first.
type groups struct {
	parent     []uint32 // union-find; 0 is no group
	young, old map[uint64]*spans
	limit      int   // links in young; twice as many are held
	latest     int64 // of all times seen, nanoseconds since 1970
	free       []spans
	// Forgotten counts the links that had to be forgotten while an alert could
	// still have joined them.
	Forgotten int
}

// lateness is how late an alert may be and still be put where it belongs.
const lateness = 10 * time.Minute

type span struct {
	first, last int64
	node        uint32
}

// spans are those of one link, mostly one.
type spans struct {
	gap  int64
	one  span
	more []span
}

// spansKept bounds the spans of one link that are held at a time.
const spansKept = 16

func newGroups(limit int) *groups {
	return &groups{parent: make([]uint32, 1, 1024), young: map[uint64]*spans{}, old: map[uint64]*spans{}, limit: max(1, limit/2)}
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
	a, b = g.find(a), g.find(b)
	if a < b {
		g.parent[b] = a
	} else {
		g.parent[a] = b
	}
}

// add puts an alert with these links and this time into a group, and returns a
// node of it; 0 when it has no links.
func (g *groups) add(links []Link, t int64) uint32 {
	if t == 0 {
		t = g.latest
	}
	g.latest = max(g.latest, t)
	var node uint32
	for i := range links {
		n := g.touch(&links[i], t)
		if node == 0 {
			node = n
		} else if n != node {
			g.join(node, n)
		}
	}
	return node
}

func (g *groups) touch(l *Link, t int64) uint32 {
	s, ok := g.young[l.Key]
	if !ok {
		if s, ok = g.old[l.Key]; !ok {
			s = g.spans()
			*s = spans{gap: int64(gaps[l.Kind]), one: span{t, t, g.node()}}
		}
		if len(g.young) >= g.limit {
			g.age()
		}
		g.young[l.Key] = s
		if !ok {
			return s.one.node
		}
	}
	return s.touch(g, t)
}

// touch adds a moment to the spans: it joins all that it is near to.
func (s *spans) touch(g *groups, t int64) uint32 {
	near := func(p span) bool { return t >= p.first-s.gap && t <= p.last+s.gap }
	if len(s.more) == 0 {
		if near(s.one) {
			s.one.first, s.one.last = min(s.one.first, t), max(s.one.last, t)
			return s.one.node
		}
		s.more = append(s.more, s.one)
		s.one = span{t, t, g.node()}
		return s.one.node
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
	if joined.node == 0 {
		joined.node = g.node()
	}
	s.more, s.one = g.trim(s, kept), joined
	return joined.node
}

// trim drops the spans that no alert can join any more, and beyond the limit
// the earliest.
func (g *groups) trim(s *spans, list []span) []span {
	kept := list[:0]
	for _, p := range list {
		if p.last+s.gap+int64(lateness) >= g.latest {
			kept = append(kept, p)
		}
	}
	for len(kept) > spansKept {
		first := 0
		for i := range kept {
			if kept[i].last < kept[first].last {
				first = i
			}
		}
		kept = append(kept[:first], kept[first+1:]...)
		g.Forgotten++
	}
	return kept
}

// age forgets the links that were not touched for longest.
func (g *groups) age() {
	for key, s := range g.old {
		if _, ok := g.young[key]; !ok && max(s.one.last, lastOf(s.more))+s.gap+int64(lateness) >= g.latest {
			g.Forgotten++
		}
	}
	g.old, g.young = g.young, make(map[uint64]*spans, g.limit)
}

func lastOf(list []span) (last int64) {
	for _, p := range list {
		last = max(last, p.last)
	}
	return last
}

func (g *groups) node() uint32 {
	n := uint32(len(g.parent))
	g.parent = append(g.parent, n)
	return n
}

// spans are made many at a time, as kinds are.
func (g *groups) spans() *spans {
	if len(g.free) == 0 {
		g.free = make([]spans, 256)
	}
	s := &g.free[0]
	g.free = g.free[1:]
	return s
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
