// Package incident says which alerts belong together.
//
// Alerts that differ only in times, process ids, client ports and the object
// of the event, and that get the same verdict, are of one kind. An incident is
// made of the kinds of a group: alerts that share a login, a container, a file
// or the like and are close in time. The package is pure and its memory is
// bounded; what is beyond a bound is counted.
package incident

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"slices"
	"sort"
	"time"

	"github.com/tiercel/tiercel/analysis"
)

// Incident is what belongs together, with a verdict on the whole.
type Incident struct {
	ID        string  // "" of a single kind: it has its own
	Kinds     []*Kind // by time
	Telling   *Kind   // the one that says most
	Judgement analysis.Judgement
	Grounds   []Ground // of the verdict on the whole; none for a single kind
	Stages    []Stage
	Count     int // alerts, without Repeats
	Repeats   int
	First     time.Time
	Last      time.Time
	Times     int // how often the same kinds came together; 1 for most
	Aside     Aside
}

// Single reports whether the incident is of one kind only.
func (i *Incident) Single() bool { return len(i.Kinds) == 1 }

// Stage is a stage of an intrusion and the first kind that shows it.
type Stage struct {
	Tactic analysis.Tactic
	Kind   *Kind
}

// Aside says why kinds are an incident of their own although they share
// something with another one.
type Aside uint8

// The reasons.
const (
	NotAside    Aside = iota
	BesideATest       // they happened where a test tool ran, and are not the tool's
	Routine           // they had been going on before, and went on
	OddOne            // the one suspicious kind in a session of ordinary work
)

// GroundKind is a reason for the verdict on an incident.
type GroundKind uint8

// The grounds.
const (
	AttackAlerts     GroundKind = iota // kinds that are attacks by themselves
	SuspiciousAlerts                   // kinds that are suspicious by themselves
	SignsOfAttack                      // N independent signs of attack among them
	StagesInOrder                      // N stages of an intrusion, one after the other
	Destruction                        // the same destructive action on N objects
	TestTool                           // the run of a test tool
	OrdinaryWork                       // ordinary work explains N of the kinds, nothing speaks against it
	Undecided                          // nothing decides it
)

// Ground is a reason for the verdict, with the kinds that it rests on.
type Ground struct {
	Kind  GroundKind
	N     int
	Kinds []*Kind
}

// Incidents puts the kinds together, the worst incident first. Kinds that
// nothing connects to others and of which no alert is kept are in rest instead,
// likewise the worst first: there may be a million. It is to be called once,
// when all alerts were added.
func (k *Kinds) Incidents() (list []*Incident, rest []*Kind) {
	all := make([]*Kind, 0, len(k.byKey))
	for _, kind := range k.byKey {
		if kind.node != 0 {
			kind.node = k.groups.find(kind.node)
		}
		all = append(all, kind)
	}
	slices.SortFunc(all, func(x, y *Kind) int {
		return cmp.Or(cmp.Compare(x.node, y.node), cmp.Compare(x.key, y.key), x.compare(y))
	})
	a := assembler{same: map[uint64]*Incident{}, seed: maphash.MakeSeed(), rule: k.Rule}
	for from := 0; from < len(all); {
		to := from + 1
		for ; to < len(all) && all[from].node != 0 && all[to].node == all[from].node; to++ {
		}
		kinds := merged(all[from:to])
		from = to
		if len(kinds) == 1 && kinds[0].Alert() == nil {
			rest = append(rest, kinds[0])
			continue
		}
		a.group(slices.Clone(kinds))
	}
	for _, i := range a.all {
		a.finish(i)
	}
	slices.SortFunc(a.all, func(x, y *Incident) int { return x.compare(y) })
	slices.SortFunc(rest, func(x, y *Kind) int {
		switch {
		case x.Judgement.Worse(y.Judgement):
			return -1
		case y.Judgement.Worse(x.Judgement):
			return 1
		}
		return x.compare(y)
	})
	return a.all, rest
}

// compare orders incidents for a reader: the worst, then the earliest.
func (i *Incident) compare(o *Incident) int {
	switch {
	case i.Judgement.Worse(o.Judgement):
		return -1
	case o.Judgement.Worse(i.Judgement):
		return 1
	}
	return cmp.Or(i.Telling.compare(o.Telling), cmp.Compare(i.ID, o.ID))
}

// compare orders kinds by time, then by where they were read.
func (kind *Kind) compare(o *Kind) int {
	return cmp.Or(cmp.Compare(kind.first, o.first), cmp.Compare(kind.file, o.file), cmp.Compare(kind.line, o.line))
}

// merged puts parts of one kind together that different groups had before the
// groups were joined, and sorts the kinds by time. They come sorted by kind.
func merged(kinds []*Kind) []*Kind {
	out := kinds[:0]
	for _, kind := range kinds {
		if n := len(out); n > 0 && out[n-1].key == kind.key {
			out[n-1].join(kind)
			continue
		}
		out = append(out, kind)
	}
	slices.SortFunc(out, (*Kind).compare)
	return out
}

// join adds the alerts of a kind to those of the same one.
func (kind *Kind) join(o *Kind) {
	kind.nameAll(o)
	kind.Count += o.Count
	kind.Repeats += o.Repeats
	kind.Judgement = kind.Judgement.With(o.Judgement)
	if o.first != 0 && (kind.first == 0 || o.first < kind.first) {
		kind.first, kind.file, kind.line, kind.link = o.first, o.file, o.line, o.link
	}
	kind.last = max(kind.last, o.last)
	if o.detail == nil {
		return
	}
	if kind.detail == nil {
		kind.detail = o.detail
		return
	}
	kind.detail.join(o.detail)
}

// nameAll puts the alerts of two parts of a kind together, if they are named.
func (kind *Kind) nameAll(o *Kind) {
	if kind.id == 0 {
		return
	}
	if kind.detail == nil {
		kind.detail = &Detail{}
	}
	d := kind.detail
	if len(d.each) == 0 {
		d.each = append(d.each, kind.only())
	}
	if o.detail == nil || len(o.detail.each) == 0 {
		d.each = append(d.each, o.only())
	} else {
		d.each = append(d.each, o.detail.each...)
	}
}

func (d *Detail) join(o *Detail) {
	if d.Alert == nil {
		d.Alert, d.Links = o.Alert, o.Links
	}
	for _, t := range o.Targets {
		d.addTarget(t)
	}
}

func (d *Detail) addTarget(o Target) {
	for i := range d.Targets {
		t := &d.Targets[i]
		if t.Field != o.Field {
			continue
		}
		for _, v := range o.Values {
			switch {
			case slices.Contains(t.Values, v):
			case len(t.Values) < targetValues:
				t.Values = append(t.Values, v)
			default:
				t.More++
			}
		}
		t.More += o.More
		return
	}
	d.Targets = append(d.Targets, o)
}

// assembler makes incidents of groups.
type assembler struct {
	all  []*Incident
	same map[uint64]*Incident // by the kinds that they are made of
	seed maphash.Seed
	rule func(*Kind) string
	live bool // the same at another time is another incident
}

// routineLead is how long before anything worrying something has to have gone
// on to be taken for routine, and routineCount how often at least.
const (
	routineLead  = 10 * time.Minute
	routineCount = 10
)

// quiet is the longest pause inside what is left when routine is taken out.
const quiet = 30 * time.Minute

// group makes one incident or several of the kinds of a group.
func (a *assembler) group(kinds []*Kind) {
	tests := only(kinds, func(k *Kind) bool { return k.Judgement.Class == analysis.Test })
	bad := only(kinds, func(k *Kind) bool { return k.Judgement.Class >= analysis.Suspicious })
	switch {
	case len(tests) > 0 && len(bad) > 0:
		a.incident(tests, NotAside)
		a.incident(without(kinds, tests), BesideATest)
		return
	case len(tests) > 0 || len(bad) == 0:
		a.incident(kinds, NotAside)
		return
	}
	if odd := odd(kinds, bad); odd != nil {
		a.incident(without(kinds, odd), NotAside)
		a.incident(odd, OddOne)
		return
	}
	start := bad[0].first
	for _, k := range bad {
		start = min(start, k.first)
	}
	routine := only(kinds, func(k *Kind) bool {
		return k.Judgement.Class <= analysis.Unknown && k.Count >= routineCount && k.first != 0 && start-k.first > int64(routineLead)
	})
	if len(routine) == 0 {
		a.incident(kinds, NotAside)
		return
	}
	for _, k := range routine {
		a.incident([]*Kind{k}, Routine)
	}
	for _, part := range apart(without(kinds, routine)) {
		a.incident(part, NotAside)
	}
}

// What is weak enough, and how much ordinary work there has to be, that it does
// not change what a session is.
const (
	oddScore = 9 // one kind of evidence carries it
	oddWork  = 3 // kinds of ordinary work for each
)

// odd finds what little is suspicious in a session that ordinary work explains
// else, as far as one kind of evidence carries it. It is told by itself, so that
// it is neither lost in the session nor makes the session an attack.
func odd(kinds, bad []*Kind) []*Kind {
	var signs analysis.Signs
	for _, k := range bad {
		if k.Judgement.Class != analysis.Suspicious || k.Judgement.Score > oddScore {
			return nil
		}
		signs = signs.With(k.Judgement.Signs)
	}
	work := only(kinds, func(k *Kind) bool { return k.Judgement.Class == analysis.Benign })
	if signs.Groups() > 1 || len(work) < oddWork*len(bad) || 2*len(work) <= len(kinds) {
		return nil
	}
	return bad
}

// apart splits kinds where nothing happened for long.
func apart(kinds []*Kind) [][]*Kind {
	var out [][]*Kind
	var last int64
	for _, k := range kinds {
		if n := len(out); n > 0 && k.first-last <= int64(quiet) {
			out[n-1] = append(out[n-1], k)
		} else {
			out = append(out, []*Kind{k})
		}
		last = max(last, k.last)
	}
	return out
}

func only(kinds []*Kind, is func(*Kind) bool) []*Kind {
	var out []*Kind
	for _, k := range kinds {
		if is(k) {
			out = append(out, k)
		}
	}
	return out
}

func without(kinds, drop []*Kind) []*Kind {
	gone := make(map[*Kind]bool, len(drop))
	for _, k := range drop {
		gone[k] = true
	}
	return only(kinds, func(k *Kind) bool { return !gone[k] })
}

// incident makes one of kinds. What is the same at other times is one line: a
// single kind, and kinds that always come together and are no attack.
func (a *assembler) incident(kinds []*Kind, aside Aside) {
	if len(kinds) == 0 {
		return
	}
	i := &Incident{Kinds: kinds, Times: 1, Aside: aside}
	i.judge(a.rule)
	if !a.live && (i.Single() || i.Judgement.Class <= analysis.Unknown) {
		key := a.of(i)
		if old := a.same[key]; old != nil {
			old.repeat(i)
			return
		}
		a.same[key] = i
	}
	a.all = append(a.all, i)
}

// of is what tells incidents apart: their kinds, their verdict and where they
// stand.
func (a *assembler) of(i *Incident) uint64 {
	keys := make([]uint64, 0, len(i.Kinds)+1)
	for _, k := range i.Kinds {
		keys = append(keys, k.key)
	}
	slices.Sort(keys)
	keys = append(keys, uint64(i.Judgement.Class)<<8|uint64(i.Aside))
	var h maphash.Hash
	h.SetSeed(a.seed)
	var b [8]byte
	for _, key := range keys {
		binary.LittleEndian.PutUint64(b[:], key)
		h.Write(b[:])
	}
	return h.Sum64()
}

// repeat adds the same kinds at another time.
func (i *Incident) repeat(o *Incident) {
	byKey := make(map[uint64]*Kind, len(i.Kinds))
	for _, k := range i.Kinds {
		byKey[k.key] = k
	}
	for _, k := range o.Kinds {
		byKey[k.key].join(k)
	}
	slices.SortFunc(i.Kinds, (*Kind).compare)
	i.Times++
}

// finish counts, and names the incident: by its earliest alert, so that the
// name stays when more alerts join.
func (a *assembler) finish(i *Incident) {
	i.Count, i.Repeats = 0, 0
	var first, last int64
	for _, k := range i.Kinds {
		i.Count += k.Count
		i.Repeats += k.Repeats
		if k.first != 0 && (first == 0 || k.first < first) {
			first = k.first
		}
		last = max(last, k.last)
		if k.detail != nil {
			sort.SliceStable(k.detail.each, func(x, y int) bool { return k.detail.each[x].before(k.detail.each[y]) })
		}
	}
	i.First, i.Last = fromNano(first), fromNano(last)
	if i.Single() && i.Aside == NotAside && !a.live {
		return
	}
	earliest := slices.MinFunc(i.Kinds, func(x, y *Kind) int {
		return cmp.Or(cmp.Compare(x.first, y.first), cmp.Compare(a.rule(x), a.rule(y)), cmp.Compare(x.link, y.link))
	})
	text := append([]byte(a.rule(earliest)), 0, byte(i.Aside))
	text = binary.LittleEndian.AppendUint64(text, uint64(earliest.first))
	text = binary.LittleEndian.AppendUint64(text, earliest.link)
	if first == 0 {
		text = binary.LittleEndian.AppendUint64(text, earliest.key)
	}
	sum := sha256.Sum256(text)
	i.ID = hex.EncodeToString(sum[:8])
}

func (r Ref) before(o Ref) bool { return r.File < o.File || r.File == o.File && r.Line < o.Line }
