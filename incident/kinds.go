// Package incident says which alerts belong together. Today that is the kind:
// alerts that differ only in times, process ids and client ports. It is pure
// and its memory is bounded; what is beyond a bound is counted.
package incident

import (
	"container/heap"
	"sort"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
)

// Seen is one alert as Kinds needs it.
type Seen struct {
	Key  uint64 // see analysis.Kinder
	File int    // index of the input
	Line int
	Time time.Time
	UUID string

	// First is set when the sender saw the kind for the first time: the alert
	// itself, cloned, with its verdict. Kinds keeps it or drops it.
	First     *alert.Alert
	Judgement analysis.Judgement
	Rule      string
	ID        string
	Drop      bool   // a message of Falco that it lost events
	Hidden    bool   // filtered out: only its Drop counts
	Host      string // of a Drop
}

// Kind is alerts of one kind, counted.
type Kind struct {
	ID          string
	Rule        string
	Judgement   analysis.Judgement
	Count       int
	First, Last time.Time
	File, Line  int          // of the first
	Alert       *alert.Alert // the first; nil when it was not kept
	Each        []Ref        // nil unless asked for

	order int
	index int // in the heap of kept alerts, -1 outside
}

// Ref is one alert of a kind.
type Ref struct {
	File, Line int
	UUID       string
	Time       time.Time
}

// Limits bound the memory of Kinds.
type Limits struct {
	Kinds int  // kinds kept apart; alerts of further ones are only counted
	Kept  int  // kinds whose first alert is kept, the worst ones
	Each  bool // keep a Ref for every alert
}

// Drop is Falco's word that it lost events on a host: one message, or several
// within five minutes of each other.
type Drop struct {
	File, Line  int // of the first message
	Host, Rule  string
	First, Last time.Time
	Count       int
}

// Kinds counts alerts by kind.
type Kinds struct {
	limits   Limits
	kinds    map[uint64]*Kind
	kept     keptHeap
	Alerts   int            // all alerts added
	Overflow map[string]int // alerts of kinds beyond the limit, by rule
	Drops    []Drop
}

// NewKinds returns an empty count.
func NewKinds(l Limits) *Kinds {
	return &Kinds{limits: l, kinds: map[uint64]*Kind{}, Overflow: map[string]int{}}
}

// Len is the number of kinds.
func (k *Kinds) Len() int { return len(k.kinds) }

// Add counts one alert. Alerts must come in the order of the input, and the
// first of each kind with First set.
func (k *Kinds) Add(s *Seen) {
	if s.Drop {
		k.drop(s)
	}
	if s.Hidden {
		return
	}
	k.Alerts++
	kind, ok := k.kinds[s.Key]
	if !ok {
		if len(k.kinds) >= k.limits.Kinds {
			k.Overflow[s.Rule]++
			return
		}
		kind = &Kind{ID: s.ID, Rule: s.Rule, Judgement: s.Judgement, File: s.File, Line: s.Line, order: len(k.kinds), index: -1}
		k.kinds[s.Key] = kind
		k.keep(kind, s.First)
	}
	kind.count(s, k.limits.Each)
}

// drop notes that Falco lost events; messages near each other become one.
func (k *Kinds) drop(s *Seen) {
	for i := len(k.Drops) - 1; i >= 0; i-- {
		d := &k.Drops[i]
		if d.Host == s.Host && !s.Time.Before(d.First) && s.Time.Sub(d.Last) <= near {
			d.Last, d.Count = s.Time, d.Count+1
			return
		}
		if len(k.Drops)-i > 64 {
			break
		}
	}
	k.Drops = append(k.Drops, Drop{s.File, s.Line, s.Host, s.Rule, s.Time, s.Time, 1})
}

func (kind *Kind) count(s *Seen, each bool) {
	kind.Count++
	if !s.Time.IsZero() {
		if kind.First.IsZero() || s.Time.Before(kind.First) {
			kind.First = s.Time
		}
		if s.Time.After(kind.Last) {
			kind.Last = s.Time
		}
	}
	if each {
		kind.Each = append(kind.Each, Ref{s.File, s.Line, s.UUID, s.Time})
	}
}

// keep holds on to the first alert of the worst kinds only.
func (k *Kinds) keep(kind *Kind, a *alert.Alert) {
	if k.limits.Kept <= 0 {
		return
	}
	if len(k.kept) == k.limits.Kept {
		if !kind.worse(k.kept[0]) {
			return
		}
		out := heap.Pop(&k.kept).(*Kind)
		out.Alert = nil
	}
	kind.Alert = a
	heap.Push(&k.kept, kind)
}

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

// Sorted returns all kinds, the worst first.
func (k *Kinds) Sorted() []*Kind {
	out := make([]*Kind, 0, len(k.kinds))
	for _, kind := range k.kinds {
		out = append(out, kind)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].worse(out[j]) })
	return out
}

// near is how close lost events have to be to an alert to shake what it tells.
const near = 5 * time.Minute

// DropsNear returns the messages that Falco lost events on a host within five
// minutes of a kind's alerts.
func (k *Kinds) DropsNear(kind *Kind, host string) []Drop {
	var out []Drop
	if kind.First.IsZero() {
		return nil
	}
	for _, d := range k.Drops {
		if d.Host == host && !d.Last.Before(kind.First.Add(-near)) && !d.First.After(kind.Last.Add(near)) {
			out = append(out, d)
		}
	}
	return out
}

// keptHeap has the least bad kind on top.
type keptHeap []*Kind

func (h keptHeap) Len() int           { return len(h) }
func (h keptHeap) Less(i, j int) bool { return h[j].worse(h[i]) }
func (h keptHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *keptHeap) Push(x any) {
	kind := x.(*Kind)
	kind.index = len(*h)
	*h = append(*h, kind)
}
func (h *keptHeap) Pop() any {
	old := *h
	kind := old[len(old)-1]
	kind.index = -1
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return kind
}
