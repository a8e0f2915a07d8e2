package incident

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"
)

// Live puts alerts together as they come, for a process that goes on and on.
// What got no alert for as long as its links hold is closed and forgotten: its
// caller keeps it. One goroutine may use it.
type Live struct {
	k      *Kinds
	groups map[uint64]*group
	of     map[*Kind]*place
	dirty  map[uint64]bool
	now    int64 // the latest arrival, nanoseconds since 1970
}

// group is the kinds of what is connected.
type group struct {
	kinds   []*Kind
	touched int64 // when the last alert arrived
}

// place is where a kind stands.
type place struct {
	id       uint64
	group    uint64
	incident string // "" until Changes said it
	aside    Aside
	changed  bool
	loner    bool // without links: a group of its own
}

// Placed is a kind of alert in an incident.
type Placed struct {
	ID       uint64 // the line of the first alert that was added of it
	Incident string
	Aside    Aside // of the incident
	Kind     *Kind // read it before the next call of Add
}

// Current is an incident as it is now, with the ids of its kinds.
type Current struct {
	*Incident
	IDs []uint64
}

// Dissolved is an incident that is no more: it became part of another one.
type Dissolved struct{ ID, Into string }

// Changes is what is different since the last call.
type Changes struct {
	Incidents []Current
	Kinds     []Placed
	Dissolved []Dissolved
}

// closedAfter is how long after the last arrival an incident is closed: no link
// holds longer, not even for a late alert.
const closedAfter = time.Hour + lateness

// NewLive returns an empty Live.
func NewLive(l Limits) *Live {
	return newLive(NewKinds(l))
}

func newLive(k *Kinds) *Live {
	l := &Live{k: k, groups: map[uint64]*group{}, of: map[*Kind]*place{}, dirty: map[uint64]bool{}}
	k.groups.joined = l.joined
	return l
}

// Kinds gives access to what is open.
func (l *Live) Kinds() *Kinds { return l.k }

// Open is how many groups of alerts may still grow.
func (l *Live) Open() int { return len(l.groups) }

// joined puts one group's kinds to another's.
func (l *Live) joined(from, to uint32) {
	old := l.groups[uint64(from)]
	if old == nil {
		return
	}
	delete(l.groups, uint64(from))
	delete(l.dirty, uint64(from))
	g := l.groups[uint64(to)]
	if g == nil {
		g = &group{}
		l.groups[uint64(to)] = g
	}
	g.kinds = append(g.kinds, old.kinds...)
	g.touched = max(g.touched, old.touched)
	for _, kind := range old.kinds {
		l.of[kind].group = uint64(to)
	}
	l.dirty[uint64(to)] = true
}

// IDs are those of the kinds that are open.
func (l *Live) IDs() map[uint64]bool {
	out := make(map[uint64]bool, len(l.of))
	for _, p := range l.of {
		out[p.id] = true
	}
	return out
}

// Add puts an alert where it belongs; no two may have the same line, and none
// has line 0. It returns the id of its kind, 0 when it is beyond the limits, and
// whether the kind is a new one and the alert had been delivered before.
func (l *Live) Add(s *Seen) (id uint64, fresh, repeat bool) {
	l.now = max(l.now, nano(s.Arrived))
	repeats := l.k.Repeats
	kind := l.k.Add(s)
	repeat = l.k.Repeats > repeats
	if kind == nil {
		return 0, false, repeat
	}
	p := l.of[kind]
	if p == nil {
		fresh = true
		p = &place{id: uint64(s.Line), loner: kind.node == 0}
		l.of[kind] = p
		p.group = loner | p.id
		if !p.loner {
			p.group = uint64(l.k.groups.find(kind.node))
		}
		g := l.groups[p.group]
		if g == nil {
			g = &group{}
			l.groups[p.group] = g
		}
		g.kinds = append(g.kinds, kind)
	}
	p.changed = true
	l.groups[p.group].touched = l.now
	l.dirty[p.group] = true
	return p.id, fresh, repeat
}

// loner marks the groups of kinds without links, which have no node.
const loner = 1 << 63

// Changes assembles what is different since the last call.
func (l *Live) Changes() Changes {
	var c Changes
	dirty := make([]uint64, 0, len(l.dirty))
	for id := range l.dirty {
		dirty = append(dirty, id)
	}
	slices.Sort(dirty)
	clear(l.dirty)
	for _, id := range dirty {
		l.assemble(l.groups[id], &c)
	}
	return c
}

// assemble makes the incidents of a group, from copies: the kinds themselves go
// on counting.
func (l *Live) assemble(g *group, c *Changes) {
	copies := make([]*Kind, len(g.kinds))
	for i, kind := range g.kinds {
		copies[i] = kind.copy()
	}
	slices.SortFunc(copies, func(x, y *Kind) int { return cmp.Or(cmp.Compare(x.key, y.key), x.compare(y)) })
	a := assembler{same: map[uint64]*Incident{}, seed: maphash.MakeSeed(), rule: l.k.Rule, live: true}
	a.group(slices.Clone(merged(copies)))
	home := map[uint64]*Incident{}
	for _, i := range a.all {
		a.finish(i)
		for _, kind := range i.Kinds {
			home[kind.key] = i
		}
	}
	ids := map[*Incident][]uint64{}
	gone := map[string]string{}
	for _, kind := range g.kinds {
		p := l.of[kind]
		ids[home[kind.key]] = append(ids[home[kind.key]], p.id)
		if now := home[kind.key]; p.incident != now.ID || p.aside != now.Aside {
			if p.incident != "" {
				gone[p.incident] = now.ID
			}
			p.incident, p.aside, p.changed = now.ID, now.Aside, true
		}
		if p.changed {
			p.changed = false
			c.Kinds = append(c.Kinds, Placed{p.id, p.incident, p.aside, kind})
		}
	}
	for _, i := range a.all {
		c.Incidents = append(c.Incidents, Current{i, ids[i]})
		delete(gone, i.ID)
	}
	for id, into := range gone {
		c.Dissolved = append(c.Dissolved, Dissolved{id, into})
	}
	slices.SortFunc(c.Dissolved, func(x, y Dissolved) int { return cmp.Compare(x.ID, y.ID) })
}

// copy is a kind that can be joined with others without a change to this one.
func (kind *Kind) copy() *Kind {
	c := *kind
	if kind.detail != nil {
		d := *kind.detail
		d.Targets = slices.Clone(d.Targets)
		for i := range d.Targets {
			d.Targets[i].Values = slices.Clone(d.Targets[i].Values)
		}
		d.each = slices.Clone(d.each)
		c.detail = &d
	}
	return &c
}

// Close forgets the groups that no alert can join any more. Call it after
// Changes: what has changed since stays.
func (l *Live) Close() (closed int) {
	limit := l.now - int64(closedAfter)
	for id, g := range l.groups {
		if g.touched >= limit || l.dirty[id] {
			continue
		}
		closed++
		delete(l.groups, id)
		for _, kind := range g.kinds {
			delete(l.of, kind)
		}
	}
	if closed == 0 {
		return 0
	}
	l.k.remove(l.kinds())
	drops := l.now - int64(closedAfter)
	l.k.Drops = slices.DeleteFunc(l.k.Drops, func(d Drop) bool { return nano(d.Last) < drops })
	return closed
}

// kinds are all that are open, by id.
func (l *Live) kinds() []*Kind {
	all := make([]*Kind, 0, len(l.of))
	for kind := range l.of {
		all = append(all, kind)
	}
	slices.SortFunc(all, func(x, y *Kind) int { return cmp.Compare(l.of[x].id, l.of[y].id) })
	return all
}
