package incident

import (
	"container/heap"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
)

// Seen is one alert as Kinds needs it.
type Seen struct {
	Key  uint64 // its kind, see analysis.Kinder
	File int    // index of the input
	Line int
	Time time.Time
	UUID string
	Rule string
	// Arrived is when the alert was received; zero for logs that are read
	// afterwards. A time that is far ahead of it is not believed.
	Arrived time.Time
	// Links are what the alert may share with others; see Linker.
	Links []Link
	// Print is the same for two deliveries of one alert, 0 when that cannot be
	// told.
	Print uint64

	// First is set when the sender saw the alert's shape for the first time:
	// the alert itself, cloned, with its verdict and the fields that name the
	// object of the event. Kinds keeps it or drops it. It may be nil when the
	// verdict is not Wanted.
	First     *alert.Alert
	Targets   []alert.Field
	NewShape  bool
	Judgement analysis.Judgement
	ID        analysis.ID // of the kind; set when Limits.Each is
	Pattern   *analysis.Pattern
	// Load reads the alert again: a kind that was seen before in one group may
	// turn up in another one. It may be nil.
	Load func() (*alert.Alert, []alert.Field)

	Drop   bool   // a message of Falco that it lost events
	Host   string // of a Drop
	Hidden bool   // filtered out: only its Drop counts
}

// Kind is alerts of one kind in one group, counted.
type Kind struct {
	Judgement analysis.Judgement
	Count     int // without Repeats
	Repeats   int // deliveries of an alert that had been delivered before
	key       uint64
	link      uint64 // the first of its earliest alert
	node      uint32 // of its group
	rule      uint32
	file      uint32
	line      uint64 // of the first
	order     uint32
	pattern   uint32 // index into Kinds.patterns; 0: not told apart
	first     int64  // nanoseconds since 1970; 0: no alert had a time
	last      int64
	id        analysis.ID // 0 unless Limits.Each is set
	detail    *Detail
}

// Detail is what is held of a kind that gets a report.
type Detail struct {
	Alert   *alert.Alert // the first; nil when it was not kept
	Targets []Target     // fields that name the object of the event
	Links   []Link       // of the first
	each    []Ref        // see Kind.Each
}

// Ref is one alert of a kind.
type Ref struct {
	File, Line int
	UUID       string
	Time       time.Time
	Repeat     bool // the alert had been delivered before
}

// Target is a field that names the object of the event, and the values that it
// has in the alerts of a kind.
type Target struct {
	Field  string
	Values []string // in the order of appearance, at most targetValues
	More   int      // values beyond these; a value may be counted more than once
}

// targetValues bounds how many values of a target are kept.
const targetValues = 50

// Limits bound the memory of Kinds.
type Limits struct {
	Kinds int  // kinds kept apart; alerts of further ones are only counted
	Kept  int  // kinds whose first alert is kept, the worst ones
	Each  bool // keep a Ref for every alert
	Refs  int  // with Each, how many of a kind in a group; 0 is all
	Links int  // what is kept in mind to put later alerts to earlier ones; 0 is OpenLinks
}

// OpenLinks is how many links are kept in mind if nothing else is said: at least
// half as many, with about three an alert.
const OpenLinks = 600_000

// patternsKept bounds how many patterns are told apart; kinds of further ones
// are never folded with others.
const patternsKept = 200_000

// openPrints is how many alerts are kept in mind to recognise repeats.
const openPrints = 200_000

// Drop is Falco's word that it lost events on a host: one message, or several
// within five minutes of each other.
type Drop struct {
	File, Line  int // of the first message
	Host, Rule  string
	First, Last time.Time
	Count       int
}

// near is how close lost events have to be to an alert to shake what it tells.
const near = 5 * time.Minute

// Kinds counts alerts by kind.
type Kinds struct {
	limits    Limits
	groups    *groups
	repeats   *repeats
	byKey     map[uint64]*Kind // by kind and group
	slab      []Kind           // where the next kinds are made, many at a time
	kept      keptHeap
	rules     []string
	ruleOf    map[string]uint32
	patterns  []analysis.Pattern
	patternOf map[analysis.Pattern]uint32
	Alerts    int            // all alerts added, repeats included
	Repeats   int            // deliveries of an alert that had been delivered before
	Overflow  map[string]int // alerts of kinds beyond the limit, by rule
	Drops     []Drop
	// floor is the least bad verdict that is kept, once as many are kept as
	// may be: a later kind has to be worse.
	floor atomic.Pointer[analysis.Judgement]
}

// NewKinds returns an empty count.
func NewKinds(l Limits) *Kinds {
	if l.Links <= 0 {
		l.Links = OpenLinks
	}
	return &Kinds{limits: l, groups: newGroups(l.Links), repeats: newRepeats(openPrints),
		byKey: map[uint64]*Kind{}, ruleOf: map[string]uint32{}, Overflow: map[string]int{},
		patterns: make([]analysis.Pattern, 1), patternOf: map[analysis.Pattern]uint32{}}
}

// Len is the number of kinds.
func (k *Kinds) Len() int { return len(k.byKey) }

// Add counts one alert and returns its kind, nil when it is filtered out or of a
// kind beyond the limit. Alerts must come in the order of the input, and the
// first of each kind with First set.
func (k *Kinds) Add(s *Seen) *Kind {
	if s.Drop {
		k.drop(s)
	}
	if s.Hidden {
		return nil
	}
	k.Alerts++
	repeat := s.Print != 0 && k.repeats.seen(s.Print)
	if repeat {
		k.Repeats++
	}
	k.groups.full = len(k.byKey) >= k.limits.Kinds
	node := k.groups.add(s.Links, s.File, nano(s.Time), nano(s.Arrived))
	key := s.Key ^ nodeKey(node)
	kind, ok := k.byKey[key]
	if !ok {
		if len(k.byKey) >= k.limits.Kinds {
			k.overflow(s.Rule)
			return nil
		}
		if s.First == nil && s.Load != nil && k.limits.Kept > 0 && k.Wanted(s.Judgement) {
			s.First, s.Targets = s.Load()
		}
		kind = k.add(s, key, node)
	}
	kind.count(s, &k.limits, repeat)
	return kind
}

// overflowRules bounds the rules by which overflow is counted; OtherRules has
// what is beyond.
const overflowRules = 10_000

// OtherRules is the key of Overflow for rules beyond those that are counted.
const OtherRules = "(other rules)"

func (k *Kinds) overflow(rule string) {
	if _, ok := k.Overflow[rule]; !ok && len(k.Overflow) >= overflowRules {
		rule = OtherRules
	}
	k.Overflow[rule]++
}

// Forgotten is how many links had to be forgotten although a later alert could
// still have shared them: incidents may be split there.
func (k *Kinds) Forgotten() int { return k.groups.Forgotten }

// Late is how many alerts came so long after later ones that what they belong
// to may have been forgotten: incidents may be split there too.
func (k *Kinds) Late() int { return k.groups.Late }

func nano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// slabSize is how many kinds are made at a time: a million single ones would
// cost the collector more than the work itself.
const slabSize = 1024

func (k *Kinds) add(s *Seen, key uint64, node uint32) *Kind {
	if len(k.slab) == 0 {
		k.slab = make([]Kind, slabSize)
	}
	kind := &k.slab[0]
	k.slab = k.slab[1:]
	*kind = Kind{Judgement: s.Judgement, key: s.Key, node: node, rule: k.number(s.Rule), file: uint32(s.File), line: uint64(s.Line), order: uint32(len(k.byKey)),
		pattern: k.pattern(s.Pattern), id: s.ID}
	k.byKey[key] = kind
	k.keep(kind, s.First)
	if kind.Alert() != nil {
		kind.detail.Links = s.Links
	}
	return kind
}

func (k *Kinds) number(rule string) uint32 {
	n, ok := k.ruleOf[rule]
	if !ok {
		n = uint32(len(k.rules))
		k.ruleOf[rule] = n
		k.rules = append(k.rules, rule)
	}
	return n
}

func (k *Kinds) pattern(p *analysis.Pattern) uint32 {
	if p == nil {
		return 0
	}
	n, ok := k.patternOf[*p]
	if !ok && len(k.patterns) < patternsKept {
		n = uint32(len(k.patterns))
		k.patternOf[*p] = n
		k.patterns = append(k.patterns, *p)
	}
	return n
}

func (kind *Kind) count(s *Seen, l *Limits, repeat bool) {
	if l.Each {
		kind.name(s, l, repeat)
	}
	if repeat {
		kind.Repeats++
	} else {
		kind.Count++
	}
	kind.Judgement = kind.Judgement.With(s.Judgement)
	if t := nano(s.Time); t != 0 {
		if kind.first == 0 || t < kind.first {
			kind.first, kind.file, kind.line = t, uint32(s.File), uint64(s.Line)
			if len(s.Links) > 0 {
				kind.link = s.Links[0].Key
			}
		}
		kind.last = max(kind.last, t)
	}
	if kind.detail == nil {
		return
	}
	for _, f := range s.Targets {
		kind.detail.target(f)
	}
	if s.NewShape && s.First == nil {
		for i := range kind.detail.Targets {
			kind.detail.Targets[i].More++
		}
	}
}

// name notes where an alert stands. As long as there is but one, without a
// UUID, the kind itself says it: a million single ones need no more.
func (kind *Kind) name(s *Seen, l *Limits, repeat bool) {
	if kind.Count+kind.Repeats == 0 && s.UUID == "" {
		return
	}
	if kind.detail == nil {
		kind.detail = &Detail{}
	}
	d := kind.detail
	if len(d.each) == 0 && kind.Count+kind.Repeats == 1 {
		d.each = append(d.each, kind.only())
	}
	if l.Refs == 0 || len(d.each) < l.Refs {
		d.each = append(d.each, Ref{s.File, s.Line, s.UUID, s.Time, repeat})
	}
}

// only is the one alert of a kind, without UUID.
func (kind *Kind) only() Ref {
	return Ref{File: int(kind.file), Line: int(kind.line), Time: fromNano(kind.first), Repeat: kind.Repeats > 0}
}

// Each returns the alerts of the kind as far as they are named: none unless
// Limits.Each was set, and at most Limits.Refs of a kind in a group.
func (kind *Kind) Each() []Ref {
	switch {
	case kind.id == 0:
		return nil
	case kind.detail == nil || len(kind.detail.each) == 0:
		return []Ref{kind.only()}
	}
	return kind.detail.each
}

// ID names the kind; it is 0 unless Limits.Each was set.
func (kind *Kind) ID() analysis.ID { return kind.id }

func (d *Detail) target(f alert.Field) {
	for i := range d.Targets {
		t := &d.Targets[i]
		if t.Field != f.Name {
			continue
		}
		switch {
		case slices.Contains(t.Values, f.Value.Text):
		case len(t.Values) < targetValues:
			t.Values = append(t.Values, strings.Clone(f.Value.Text))
		default:
			t.More++
		}
		return
	}
	d.Targets = append(d.Targets, Target{Field: strings.Clone(f.Name), Values: []string{strings.Clone(f.Value.Text)}})
}

// drop notes that Falco lost events; messages near each other become one.
func (k *Kinds) drop(s *Seen) {
	for i := len(k.Drops) - 1; i >= max(0, len(k.Drops)-64); i-- {
		d := &k.Drops[i]
		if d.Host == s.Host && !s.Time.Before(d.First) && s.Time.Sub(d.Last) <= near {
			d.Last, d.Count = s.Time, d.Count+1
			return
		}
	}
	k.Drops = append(k.Drops, Drop{s.File, s.Line, s.Host, s.Rule, s.Time, s.Time, 1})
}

// Wanted reports whether the first alert of a new kind with this verdict may be
// kept; if not, there is no use in cloning it. It may be called while another
// goroutine adds.
func (k *Kinds) Wanted(j analysis.Judgement) bool {
	floor := k.floor.Load()
	return floor == nil || j.Worse(*floor)
}

// keep holds on to the first alert of the worst kinds only.
func (k *Kinds) keep(kind *Kind, a *alert.Alert) {
	if k.limits.Kept <= 0 || a == nil {
		return
	}
	if len(k.kept) == k.limits.Kept {
		if !kind.worse(k.kept[0]) {
			return
		}
		out := heap.Pop(&k.kept).(*Kind)
		if out.detail.each == nil {
			out.detail = nil
		} else {
			out.detail.Alert, out.detail.Targets, out.detail.Links = nil, nil, nil
		}
	}
	if kind.detail == nil {
		kind.detail = &Detail{}
	}
	kind.detail.Alert = a
	heap.Push(&k.kept, kind)
	if len(k.kept) == k.limits.Kept {
		floor := k.kept[0].Judgement // a copy: later alerts may change that of the kind
		k.floor.Store(&floor)
	}
}

// remove forgets all kinds but those that are left. Of two parts of one kind in
// one group the first goes on counting.
func (k *Kinds) remove(left []*Kind) {
	k.groups.compact(left)
	kept := make(map[*Kind]bool, len(left))
	clear(k.byKey)
	rules := k.rules
	k.rules, k.ruleOf = nil, map[string]uint32{}
	for _, kind := range left {
		kept[kind] = true
		kind.rule = k.number(rules[kind.rule])
		if key := kind.key ^ nodeKey(kind.node); k.byKey[key] == nil {
			k.byKey[key] = kind
		}
	}
	k.kept = slices.DeleteFunc(k.kept, func(kind *Kind) bool { return !kept[kind] })
	heap.Init(&k.kept)
	if len(k.kept) < k.limits.Kept {
		k.floor.Store(nil)
	}
}

func nodeKey(node uint32) uint64 { return uint64(node) * 0x9e3779b97f4a7c15 }

// worse orders kinds for a reader: by verdict, then by first appearance.
func (kind *Kind) worse(o *Kind) bool {
	if kind.Judgement.Worse(o.Judgement) {
		return true
	}
	if o.Judgement.Worse(kind.Judgement) {
		return false
	}
	return kind.order < o.order
}

// Rule is the rule of a kind, "" when it is not known.
func (k *Kinds) Rule(kind *Kind) string { return k.rules[kind.rule] }

// Alert is the first alert of the kind, nil when it was not kept.
func (kind *Kind) Alert() *alert.Alert {
	if kind.detail == nil {
		return nil
	}
	return kind.detail.Alert
}

// Detail is what is held of the kind beyond its count; nil for a kind that
// gets no report.
func (kind *Kind) Detail() *Detail { return kind.detail }

// Origin is where the first alert of the kind was read.
func (kind *Kind) Origin() (file, line int) { return int(kind.file), int(kind.line) }

// First is the time of the earliest alert, zero when none had a time.
func (kind *Kind) First() time.Time { return fromNano(kind.first) }

// Last is the time of the latest alert, zero when none had a time.
func (kind *Kind) Last() time.Time { return fromNano(kind.last) }

func fromNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// Sorted returns all kinds of all groups, the worst first.
func (k *Kinds) Sorted() []*Kind {
	out := make([]*Kind, 0, len(k.byKey))
	for _, kind := range k.byKey {
		out = append(out, kind)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].worse(out[j]) })
	return out
}

// DropsNear returns the messages that Falco lost events on a host within five
// minutes of an incident's alerts.
func (k *Kinds) DropsNear(i *Incident, host string) []Drop {
	if i.First.IsZero() {
		return nil
	}
	var out []Drop
	for _, d := range k.Drops {
		if d.Host == host && !d.Last.Before(i.First.Add(-near)) && !d.First.After(i.Last.Add(near)) {
			out = append(out, d)
		}
	}
	return out
}

// keptHeap has the least bad kind on top.
type keptHeap []*Kind

func (h keptHeap) Len() int           { return len(h) }
func (h keptHeap) Less(i, j int) bool { return h[j].worse(h[i]) }
func (h keptHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *keptHeap) Push(x any)        { *h = append(*h, x.(*Kind)) }
func (h *keptHeap) Pop() any {
	old := *h
	kind := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return kind
}
