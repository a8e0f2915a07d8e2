package incident

import (
	"iter"
	"time"

	"github.com/tiercel/tiercel/analysis"
)

// Fold is what a reader sees as one line: an incident, or incidents of one kind
// of alert each that only repeat one another, with the same pattern and verdict.
type Fold struct {
	Incident *Incident // the first of them; nil when no alert of any was kept
	Kind     *Kind     // the telling one of the first
	Further  []*Kind   // of the others
	Rare     *Rarity   // nil for most
	Count    int       // alerts, without Repeats
	Repeats  int
	First    time.Time // zero when no alert had a time
	Last     time.Time
}

// Rarity says what is rare of a kind among many alerts of the same rule, image,
// executable and parent.
type Rarity struct {
	Kind   *Kind // the rare one
	By     analysis.PatternField
	Alerts int // that have the same there
	Of     int // alerts of the family
}

// When a value is rare: it has at most one in rareShare of at least rareOf
// alerts, and no more than rareValues values do. A field that always varies has
// no rare values.
const (
	rareOf     = 100
	rareShare  = 100
	rareValues = 3
	valuesKept = 64
)

// Unfolded yields incidents and single kinds, as Incidents returns them, one by
// one: the worst first, of equal ones the rare first.
func (k *Kinds) Unfolded(list []*Incident, rest []*Kind) iter.Seq[*Fold] {
	rare := k.rare(list, rest)
	of := func(i *Incident) *Fold {
		f := &Fold{Incident: i, Kind: i.Telling, Count: i.Count, Repeats: i.Repeats, First: i.First, Last: i.Last}
		for _, kind := range i.Kinds {
			if f.Rare = rare[kind]; f.Rare != nil {
				break
			}
		}
		return f
	}
	single := func(kind *Kind) *Fold {
		return &Fold{Kind: kind, Rare: rare[kind], Count: kind.Count, Repeats: kind.Repeats, First: kind.First(), Last: kind.Last()}
	}
	return func(yield func(*Fold) bool) {
		var wait []*Fold // of one judgement, not rare
		flush := func() bool {
			for _, f := range wait {
				if !yield(f) {
					return false
				}
			}
			wait = wait[:0]
			return true
		}
		for n, m := 0, 0; n < len(list) || m < len(rest); {
			var f *Fold
			if m == len(rest) || n < len(list) && !rest[m].Judgement.Worse(list[n].Judgement) {
				f = of(list[n])
				n++
			} else {
				f = single(rest[m])
				m++
			}
			if len(wait) > 0 && (wait[0].Judgement().Worse(f.Judgement()) || len(wait) == waiting) && !flush() {
				return
			}
			if f.Rare == nil {
				wait = append(wait, f)
			} else if !yield(f) {
				return
			}
		}
		flush()
	}
}

// waiting bounds how far a rare one is moved ahead.
const waiting = 10_000

// Judgement is the verdict on the fold.
func (f *Fold) Judgement() analysis.Judgement {
	if f.Incident != nil {
		return f.Incident.Judgement
	}
	return f.Kind.Judgement
}

// Folds folds what only repeats other things. What is an attack or of high
// severity, what is of several kinds and what is rare is never folded.
func (k *Kinds) Folds(list []*Incident, rest []*Kind) []*Fold {
	type key struct {
		pattern  uint32
		class    analysis.Class
		severity analysis.Severity
	}
	at := map[key]*Fold{}
	var out []*Fold
	for f := range k.Unfolded(list, rest) {
		j := f.Judgement()
		if f.Kind.pattern == 0 || f.Rare != nil || j.Class == analysis.Attack || j.Severity > analysis.Medium || f.Incident != nil && (!f.Incident.Single() || f.Incident.Aside != NotAside) {
			out = append(out, f)
			continue
		}
		id := key{f.Kind.pattern, j.Class, j.Severity}
		if first := at[id]; first != nil {
			first.Further = append(first.Further, f.Kind)
			first.count(f.Count, f.Repeats, f.First, f.Last)
			continue
		}
		at[id] = f
		out = append(out, f)
	}
	return out
}

func (f *Fold) count(alerts, repeats int, first, last time.Time) {
	f.Count += alerts
	f.Repeats += repeats
	if !first.IsZero() && (f.First.IsZero() || first.Before(f.First)) {
		f.First = first
	}
	if last.After(f.Last) {
		f.Last = last
	}
}

// family counts the alerts of a family by the values of each part of their
// patterns.
type family struct {
	alerts int
	values [analysis.ByPeer + 1]map[uint64]int
}

// rare finds the kinds that are rare in their family.
func (k *Kinds) rare(list []*Incident, rest []*Kind) map[*Kind]*Rarity {
	each := func(use func(*Kind, *analysis.Pattern)) {
		one := func(kind *Kind) {
			if kind.pattern != 0 {
				use(kind, &k.patterns[kind.pattern])
			}
		}
		for _, i := range list {
			for _, kind := range i.Kinds {
				one(kind)
			}
		}
		for _, kind := range rest {
			one(kind)
		}
	}
	families := map[uint64]*family{}
	each(func(kind *Kind, p *analysis.Pattern) {
		f := families[p.Family]
		if f == nil {
			f = &family{}
			families[p.Family] = f
		}
		f.alerts += kind.Count
	})
	each(func(kind *Kind, p *analysis.Pattern) {
		if f := families[p.Family]; f.alerts >= rareOf {
			f.add(kind, p)
		}
	})
	out := map[*Kind]*Rarity{}
	each(func(kind *Kind, p *analysis.Pattern) {
		f := families[p.Family]
		for by := range f.values {
			if n := f.rare(by, p.Value(analysis.PatternField(by))); n > 0 && out[kind] == nil {
				out[kind] = &Rarity{kind, analysis.PatternField(by), n, f.alerts}
			}
		}
	})
	return out
}

func (f *family) add(kind *Kind, p *analysis.Pattern) {
	for by := range f.values {
		if f.values[by] == nil {
			f.values[by] = map[uint64]int{}
		}
		values, value := f.values[by], p.Value(analysis.PatternField(by))
		if _, ok := values[value]; ok || len(values) <= valuesKept {
			values[value] += kind.Count
		}
	}
}

// rare is how many alerts have a rare value, 0 when it is not rare.
func (f *family) rare(by int, value uint64) int {
	values := f.values[by]
	n := values[value]
	if value == 0 || n == 0 || n*rareShare > f.alerts || len(values) > valuesKept {
		return 0
	}
	few := 0
	for _, m := range values {
		if m*rareShare <= f.alerts {
			few++
		}
	}
	if few > rareValues {
		return 0
	}
	return n
}
