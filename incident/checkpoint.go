package incident

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
)

// checkpointForm is the form of a checkpoint; another one is refused.
const checkpointForm = "tiercel/live/1"

// checkpoint is all that a Live knows.
type checkpoint struct {
	Form      string
	Now       int64
	Latest    int64
	Gone      int64
	Forgotten int
	Late      int
	Alerts    int
	Repeats   int
	Overflow  map[string]int
	Drops     []Drop
	Links     []linkState
	Prints    [2][]uint64 // old, young
	Groups    map[uint64]int64
	Kinds     []kindState
}

type linkState struct {
	Key   uint64
	Gap   int64
	Gone  int64
	Spans []spanState // that of the last alert comes last
}

type spanState struct {
	First, Last int64
	Node        uint32
}

type kindState struct {
	ID        uint64
	Group     uint64
	Incident  string
	Aside     Aside
	Loner     bool
	Changed   bool
	Judgement analysis.Judgement
	Count     int
	Repeats   int
	Key       uint64
	Link      uint64
	Node      uint32
	Rule      string
	Line      uint64
	Order     uint32
	First     int64
	Last      int64
	Raw       []byte // of the first alert, nil when it was not kept
	Targets   []Target
	Links     []Link
}

// Checkpoint returns all that l knows, for Restore.
func (l *Live) Checkpoint() ([]byte, error) {
	k, g := l.k, l.k.groups
	k.remove(l.kinds())
	c := checkpoint{Form: checkpointForm, Now: l.now, Latest: g.latest, Gone: g.gone, Forgotten: g.Forgotten, Late: g.Late,
		Alerts: k.Alerts, Repeats: k.Repeats, Overflow: k.Overflow, Drops: k.Drops, Groups: map[uint64]int64{}}
	for key, n := range g.links {
		s := g.spans(n)
		link := linkState{Key: key, Gap: s.gap, Gone: s.gone}
		for _, p := range append(slices.Clone(s.more), s.one) {
			link.Spans = append(link.Spans, spanState{p.first, p.last, p.node})
		}
		c.Links = append(c.Links, link)
	}
	c.Prints = [2][]uint64{slices.Collect(maps.Keys(k.repeats.old)), slices.Collect(maps.Keys(k.repeats.young))}
	for id, group := range l.groups {
		c.Groups[id] = group.touched
	}
	for kind, p := range l.of {
		s := kindState{ID: p.id, Group: p.group, Incident: p.incident, Aside: p.aside, Loner: p.loner, Changed: p.changed || l.dirty[p.group],
			Judgement: kind.Judgement, Count: kind.Count, Repeats: kind.Repeats, Key: kind.key, Link: kind.link, Node: kind.node,
			Rule: k.Rule(kind), Line: kind.line, Order: kind.order, First: kind.first, Last: kind.last}
		if d := kind.detail; d != nil {
			s.Targets, s.Links = d.Targets, d.Links
			if d.Alert != nil {
				s.Raw = d.Alert.Raw
			}
		}
		c.Kinds = append(c.Kinds, s)
	}
	slices.SortFunc(c.Kinds, func(x, y kindState) int { return cmp.Compare(x.ID, y.ID) })
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(&c); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return out.Bytes(), nil
}

// Restore returns a Live that goes on where Checkpoint was called. decode reads
// an alert from its raw bytes.
func Restore(text []byte, limits Limits, decode func([]byte) (*alert.Alert, error)) (*Live, error) {
	var c checkpoint
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&c); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if c.Form != checkpointForm {
		return nil, fmt.Errorf("checkpoint: has form %q; this Tiercel reads %q", c.Form, checkpointForm)
	}
	k := NewKinds(limits)
	l := newLive(k)
	l.now = c.Now
	k.Alerts, k.Repeats, k.Drops = c.Alerts, c.Repeats, c.Drops
	maps.Copy(k.Overflow, c.Overflow)
	k.groups.restore(&c)
	for i, prints := range c.Prints {
		set := make(map[uint64]struct{}, len(prints))
		for _, p := range prints {
			set[p] = struct{}{}
		}
		if i == 0 {
			k.repeats.old = set
		} else {
			k.repeats.young = set
		}
	}
	for id, touched := range c.Groups {
		l.groups[id] = &group{touched: touched}
	}
	for i := range c.Kinds {
		if err := l.restore(&c.Kinds[i], decode); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Live) restore(s *kindState, decode func([]byte) (*alert.Alert, error)) error {
	g := l.groups[s.Group]
	if g == nil || int(s.Node) >= len(l.k.groups.parent) {
		return fmt.Errorf("checkpoint: kind %d is of group %d, which is not there", s.ID, s.Group)
	}
	kind := &Kind{Judgement: s.Judgement, Count: s.Count, Repeats: s.Repeats, key: s.Key, link: s.Link, node: s.Node, rule: l.k.number(s.Rule),
		line: s.Line, order: s.Order, first: s.First, last: s.Last}
	if s.Raw != nil {
		a, err := decode(s.Raw)
		if err != nil {
			return fmt.Errorf("checkpoint: kind %d: %w", s.ID, err)
		}
		l.k.keep(kind, a)
	}
	if kind.detail != nil {
		kind.detail.Targets, kind.detail.Links = s.Targets, s.Links
	}
	if key := s.Key ^ nodeKey(s.Node); l.k.byKey[key] == nil {
		l.k.byKey[key] = kind
	}
	l.of[kind] = &place{id: s.ID, group: s.Group, incident: s.Incident, aside: s.Aside, changed: s.Changed, loner: s.Loner}
	g.kinds = append(g.kinds, kind)
	if s.Changed {
		l.dirty[s.Group] = true
	}
	return nil
}

func (g *groups) restore(c *checkpoint) {
	g.latest, g.gone, g.Forgotten, g.Late = c.Latest, c.Gone, c.Forgotten, c.Late
	highest := uint32(0)
	for _, link := range c.Links {
		for _, p := range link.Spans {
			highest = max(highest, p.Node)
		}
	}
	for _, kind := range c.Kinds {
		highest = max(highest, kind.Node)
	}
	for n := uint32(1); n <= highest; n++ {
		g.parent = append(g.parent, n)
	}
	for _, link := range c.Links {
		if len(link.Spans) == 0 {
			continue
		}
		n := g.make()
		s := g.spans(n)
		*s = spans{key: link.Key, turn: g.turn, gap: link.Gap, gone: link.Gone}
		for i, p := range link.Spans {
			if one := (span{p.First, p.Last, p.Node}); i < len(link.Spans)-1 {
				s.more = append(s.more, one)
			} else {
				s.one = one
			}
		}
		g.links[link.Key] = n
		g.young++
	}
}

// State is what a caller keeps of a kind to make a report of it later.
type State struct {
	Judgement analysis.Judgement
	Key       uint64
	Link      uint64
	Line      uint64
	First     time.Time
	Last      time.Time
	Count     int
	Repeats   int
	Targets   []Target
	Links     []Link
}

// State returns what Build needs, apart from rule and first alert.
func (kind *Kind) State() State {
	s := State{Judgement: kind.Judgement, Key: kind.key, Link: kind.link, Line: kind.line, First: kind.First(), Last: kind.Last(),
		Count: kind.Count, Repeats: kind.Repeats}
	if d := kind.detail; d != nil {
		s.Targets, s.Links = d.Targets, d.Links
	}
	return s
}

// Part is a kind of an incident that was kept elsewhere.
type Part struct {
	State
	Rule  string
	Alert *alert.Alert // nil when it was not kept
	Aside Aside        // of the incident
}

// Build makes an incident of its kinds, at least one, again, with the verdict on the whole. The
// function that it returns names the rule of a kind.
func Build(id string, parts []Part) (*Incident, func(*Kind) string) {
	rules := map[*Kind]string{}
	rule := func(k *Kind) string { return rules[k] }
	kinds := make([]*Kind, len(parts))
	for i, p := range parts {
		kinds[i] = &Kind{Judgement: p.Judgement, Count: p.Count, Repeats: p.Repeats, key: p.Key, link: p.Link, line: p.Line,
			order: uint32(i), first: nano(p.First), last: nano(p.Last)}
		kinds[i].detail = &Detail{Alert: p.Alert, Targets: p.Targets, Links: p.Links}
		rules[kinds[i]] = p.Rule
	}
	slices.SortFunc(kinds, func(x, y *Kind) int { return cmp.Or(cmp.Compare(x.key, y.key), x.compare(y)) })
	i := &Incident{Kinds: merged(kinds), Times: 1, Aside: parts[0].Aside}
	i.judge(rule)
	a := assembler{rule: rule, live: true}
	a.finish(i)
	i.ID = id
	return i, rule
}
