package analysis

import (
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge"
)

// Class is what we think an alert was.
type Class uint8

// The classes, from the least to the most worrying.
const (
	Benign Class = iota
	Test
	Unknown
	Suspicious
	Attack
)

var classNames = [...]string{"benign", "test", "unknown", "suspicious", "attack"}

func (c Class) String() string { return classNames[c] }

// Severity is how urgent a kind of alert is.
type Severity uint8

// The severities, from the least to the most urgent.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads a severity; ok is false when there is no such one.
func ParseSeverity(text string) (s Severity, ok bool) {
	for i, name := range severityNames {
		if name == text {
			return Severity(i), true
		}
	}
	return Info, false
}

// Judgement is the verdict on an alert without its words: what has to be known
// of each kind of alert, also of those that get no report.
type Judgement struct {
	Class      Class
	Severity   Severity
	Score      int16   // base + attack - ordinary work
	Tactic     Tactic  // the stage of an intrusion that it would be
	Confidence float32 // 0 to 1
	Signs      Signs   // of attack
}

// Worse reports whether j is to be shown before o.
func (j Judgement) Worse(o Judgement) bool {
	if j.Severity != o.Severity {
		return j.Severity > o.Severity
	}
	if j.Class != o.Class {
		return j.Class > o.Class
	}
	return j.Score > o.Score
}

// With is the judgement of alerts of one class and severity together.
func (j Judgement) With(o Judgement) Judgement {
	j.Score, j.Confidence = max(j.Score, o.Score), max(j.Confidence, o.Confidence)
	if j.Signs != o.Signs {
		j.Signs = j.Signs.With(o.Signs)
	}
	return j
}

// The kinds of sign.
const (
	towardsAttack = iota
	towardsTest
	towardsBenign
)

var towards = map[string]int{"attack": towardsAttack, "test": towardsTest, "benign": towardsBenign}

// Weighing thresholds; docs/triage.md gives the reasons.
const (
	actionWeight = 4 // the alert fits an action of the event-generator

	attackScore     = 10 // with two independent signs of attack
	attackStrength  = 5
	suspiciousScore = 7
	testStrength    = 8
	testGroups      = 2 // the tool itself, and something that only the tool does
	benignStrength  = 3
	benignScore     = 2
)

// toolGroup is the group of signs that say: the test tool itself ran this.
const toolGroup = "tool"

// imitationGroup is the group of signs that speak against a test: somebody
// borrows the tool's name.
const imitationGroup = "imitation"

// tally is what the signs of one side add up to.
type tally struct {
	sum    int
	groups int
}

// scale is one weighing of an alert. It is kept and reused by a Judge.
type scale struct {
	best   []*knowledge.Sign // per group, the strongest true sign
	sides  [3]tally
	tool   bool
	action bool
	copied bool // a sign of imitation is true
	// announced: the user's context says that a test runs here and now
	announced bool
	base      int
	signs     Signs
	tactic    Tactic
}

// groupIndex numbers the groups of all signs.
type groupIndex struct {
	of    map[*knowledge.Sign]int
	slot  map[*knowledge.Sign]uint8 // of signs of attack, see Signs
	count int
}

func indexGroups(signs []*knowledge.Sign) groupIndex {
	g := groupIndex{of: make(map[*knowledge.Sign]int, len(signs)), slot: map[*knowledge.Sign]uint8{}}
	names, slots := map[string]int{}, map[string]uint8{}
	for _, s := range signs {
		name := s.Towards + "/" + s.Group
		n, ok := names[name]
		if !ok {
			n = len(names)
			names[name] = n
		}
		g.of[s] = n
		if s.Towards == "attack" {
			slot, ok := slots[name]
			if !ok {
				slot = uint8(min(len(slots), signSlots-1))
				slots[name] = slot
			}
			g.slot[s] = slot
		}
	}
	g.count = len(names)
	return g
}

// weigh finds the true signs and adds up the strongest of each group.
func (z *Analyzer) weigh(a *alert.Alert, p *knowledge.Profile, sc *scale) {
	if cap(sc.best) < z.groups.count {
		sc.best = make([]*knowledge.Sign, z.groups.count)
	}
	sc.best = sc.best[:z.groups.count]
	clear(sc.best)
	sc.sides, sc.tool, sc.action, sc.copied, sc.announced = [3]tally{}, false, false, false, false
	sc.signs, sc.tactic = 0, z.tactic(a, p)
	sc.base = baseByPriority(a.Priority)
	if p.Reviewed() {
		sc.base = p.Base
	}
	for _, s := range z.candidates(a.Rule) {
		n := z.groups.of[s]
		if old := sc.best[n]; old != nil && old.Weight >= s.Weight {
			continue
		}
		if s.Cond.Truth(a) == condition.True && z.inTime(s, a) {
			sc.best[n] = s
		}
	}
	for _, s := range sc.best {
		if s == nil {
			continue
		}
		side := &sc.sides[towards[s.Towards]]
		side.sum += s.Weight
		side.groups++
		if s.Towards == "attack" {
			sc.signs = sc.signs.with(z.groups.slot[s], s.Weight)
		}
		sc.tool = sc.tool || s.Towards == "test" && s.Group == toolGroup
		sc.announced = sc.announced || s.Towards == "test" && s.Context != ""
		sc.copied = sc.copied || s.Group == imitationGroup
	}
	// What the tool does is also done by others: it counts only where the tool is.
	if sc.tool && p.Reviewed() && p.EventGenerator != nil && p.EventGenerator.Cond.Truth(a) == condition.True {
		sc.action = true
		sc.sides[towardsTest].sum += actionWeight
		sc.sides[towardsTest].groups++
	}
}

// baseByPriority is what a rule without a profile weighs: its author's
// priority is all that is known of it.
func baseByPriority(p alert.Priority) int {
	switch {
	case p >= alert.Critical:
		return 6
	case p == alert.Error:
		return 5
	case p == alert.Warning:
		return 4
	case p == alert.Notice || p == alert.NoPriority:
		return 3
	}
	return 2
}

// ruleOnly is an alert of which nothing but the rule is known.
type ruleOnly string

// Get finds the rule.
func (r ruleOnly) Get(name string) (alert.Field, bool) {
	if name != "rule" {
		return alert.Field{}, false
	}
	return alert.Field{Name: name, Value: alert.Value{Kind: alert.String, Text: string(r)}}, true
}

// maxRules bounds for how many rules the candidates are remembered.
const maxRules = 4096

// candidates are the signs that some alert of a rule can show: those that its
// name alone does not rule out.
func (z *Analyzer) candidates(rule string) []*knowledge.Sign {
	z.mu.RLock()
	list, ok := z.byRule[rule]
	z.mu.RUnlock()
	if ok {
		return list
	}
	for _, s := range z.signs {
		if s.Cond.Truth(ruleOnly(rule)) != condition.False {
			list = append(list, s)
		}
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.byRule) < maxRules {
		z.byRule[strings.Clone(rule)] = list
	}
	return list
}

// classify turns a weighing into a class; without leaves out one side, for
// asking what it would be otherwise (-1 leaves out none).
func (sc *scale) classify(without int) (Class, int) {
	sides := sc.sides
	if without >= 0 {
		sides[without] = tally{}
	}
	attack, test, benign := sides[towardsAttack], sides[towardsTest], sides[towardsBenign]
	score := sc.base + attack.sum - benign.sum
	switch {
	case without != towardsTest && !sc.copied && (sc.announced || sc.tool && test.sum >= testStrength && test.groups >= testGroups):
		return Test, score
	case attack.sum >= attackStrength && attack.groups >= 2 && score >= attackScore:
		return Attack, score
	case score >= suspiciousScore:
		return Suspicious, score
	case benign.sum >= benignStrength && score <= benignScore && attack.sum == 0:
		return Benign, score
	}
	return Unknown, score
}

// Judge gives the verdict on an alert without words. It is cheap: a storm of
// new kinds costs one Judge each. The zero Judge is not usable; see NewJudge.
type Judge struct {
	z  *Analyzer
	sc scale
}

// NewJudge returns a Judge for one goroutine.
func (z *Analyzer) NewJudge() *Judge { return &Judge{z: z} }

// Judge weighs one alert.
func (j *Judge) Judge(a *alert.Alert) Judgement {
	if a.Source == "internal" {
		return Judgement{Class: Benign, Severity: healthSeverity(a), Confidence: 0.95}
	}
	p := j.z.profile(a)
	j.z.weigh(a, p, &j.sc)
	return j.z.judgement(a, &j.sc)
}

// healthSeverity is that of a message of Falco about itself: lost events matter.
func healthSeverity(a *alert.Alert) Severity {
	if isDrop(a) {
		return Low
	}
	return Info
}

// judgement is the verdict of a weighing; the worth of what is concerned moves
// its severity.
func (z *Analyzer) judgement(a *alert.Alert, sc *scale) Judgement {
	class, score := sc.classify(-1)
	j := Judgement{Class: class, Severity: severity(class, score), Confidence: float32(sc.confidence(class)), Score: int16(score),
		Signs: sc.signs, Tactic: sc.tactic}
	j.Severity = z.context.adjust(a, j)
	return j
}

func severity(c Class, score int) Severity {
	switch {
	case c == Attack && score >= 13:
		return Critical
	case c == Attack, c == Suspicious && score >= 10:
		return High
	case c == Suspicious, c == Unknown && score >= 5:
		return Medium
	case c == Unknown:
		return Low
	}
	return Info
}

// confidence grows with the number of independent kinds of evidence for the
// class and shrinks with those against it. One alert never gives certainty.
func (sc *scale) confidence(c Class) float64 {
	attack, test, benign := sc.sides[towardsAttack], sc.sides[towardsTest], sc.sides[towardsBenign]
	var for_, against tally
	switch c {
	case Attack, Suspicious:
		for_, against = attack, tally{groups: test.groups + benign.groups}
	case Test:
		for_, against = test, tally{}
	case Benign:
		for_, against = benign, tally{groups: test.groups}
	default:
		return 0.3
	}
	v := 0.4 + 0.15*float64(min(for_.groups, 4)) - 0.1*float64(min(against.groups, 3))
	if for_.sum >= 6 {
		v += 0.05
	}
	return max(0.2, min(v, 0.95))
}
