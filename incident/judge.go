package incident

import (
	"slices"
	"time"

	"github.com/tiercel/tiercel/analysis"
)

// Thresholds of the verdict on a whole; docs/triage.md gives the reasons.
const (
	wholeGroups    = 2 // independent signs of attack that make several suspicious kinds an attack
	wholeStrength  = 5
	wholeScore     = 10
	stagesRaise    = 3 // stages in order that do
	quietGroups    = 2 // signs and stages among alerts none of which is suspicious by itself
	quietStrength  = 5
	benignSigns    = 2 // the weight of a sign of attack that keeps a whole from being ordinary work
	destroyed      = 5 // objects of one destructive action
	destroyedScore = 5
	destroyedTime  = 10 * time.Minute
)

// judge gives the verdict on a whole. A single kind keeps its own.
func (i *Incident) judge(rule func(*Kind) string) {
	i.Telling = telling(i.Kinds)
	if i.Single() {
		i.Judgement = i.Telling.Judgement
		if i.Aside == OddOne && i.Judgement.Score < oddScore {
			i.Judgement.Class, i.Judgement.Confidence = analysis.Unknown, 0.3
			i.Judgement.Severity = min(i.Judgement.Severity, analysis.Medium)
		}
		return
	}
	class := func(c analysis.Class) []*Kind {
		return only(i.Kinds, func(k *Kind) bool { return k.Judgement.Class == c })
	}
	if tests := class(analysis.Test); len(tests) > 0 {
		i.verdict(analysis.Test, Ground{TestTool, len(tests), tests})
		return
	}
	open := only(i.Kinds, func(k *Kind) bool { return k.Judgement.Class >= analysis.Unknown })
	i.Stages = stages(open)
	var signs analysis.Signs
	for _, k := range open {
		signs = signs.With(k.Judgement.Signs)
	}
	attacks, suspicious := class(analysis.Attack), class(analysis.Suspicious)
	several := Ground{SignsOfAttack, signs.Groups(), only(open, func(k *Kind) bool { return k.Judgement.Signs > 0 })}
	inOrder := Ground{StagesInOrder, len(i.Stages), stageKinds(i.Stages)}
	bySigns := len(suspicious) >= 2 && several.N >= wholeGroups && signs.Sum() >= wholeStrength && i.Telling.Judgement.Score+int16(several.N-1) >= wholeScore
	byStages := len(suspicious) >= 2 && inOrder.N >= stagesRaise
	var grounds []Ground
	add := func(yes bool, g Ground) {
		if yes {
			grounds = append(grounds, g)
		}
	}
	add(len(attacks) > 0, Ground{AttackAlerts, len(attacks), attacks})
	add(len(suspicious) > 0, Ground{SuspiciousAlerts, len(suspicious), suspicious})
	add(several.N >= wholeGroups, several)
	add(inOrder.N >= 2, inOrder)
	if many := destruction(open, rule); len(many) > 0 {
		add(true, Ground{Destruction, len(many), many})
		suspicious = append(suspicious, many...)
	}
	quietly := several.N >= quietGroups && signs.Sum() >= quietStrength && inOrder.N >= stagesRaise
	switch {
	case len(attacks) > 0 || bySigns || byStages:
		i.verdict(analysis.Attack, grounds...)
	case len(suspicious) > 0 || quietly:
		i.verdict(analysis.Suspicious, grounds...)
	default:
		i.calm(open, class(analysis.Benign), grounds)
	}
}

// calm decides between ordinary work and unknown.
func (i *Incident) calm(open, work []*Kind, grounds []Ground) {
	signs := 0
	for _, k := range open {
		signs = max(signs, k.Judgement.Signs.Sum())
	}
	if len(work) > 0 && len(work) >= len(open) && signs < benignSigns {
		i.verdict(analysis.Benign, Ground{OrdinaryWork, len(work), work})
		return
	}
	i.verdict(analysis.Unknown, append(grounds, Ground{Undecided, len(open), open})...)
}

// verdict sets class, severity and confidence.
func (i *Incident) verdict(c analysis.Class, grounds ...Ground) {
	best, groups := i.Telling.Judgement, 0
	for _, k := range i.Kinds {
		if k.Judgement.Class == c {
			best = best.With(k.Judgement)
		}
	}
	i.Grounds = grounds
	i.Judgement = best
	i.Judgement.Class, i.Judgement.Severity = c, i.severity(c)
	for _, g := range grounds {
		if g.Kind == SignsOfAttack {
			groups = g.N
		}
	}
	v := 0.3
	switch c {
	case analysis.Attack, analysis.Suspicious:
		v = 0.4 + 0.1*float64(min(groups, 4)) + 0.05*float64(min(len(i.Stages), 4))
	case analysis.Benign:
		v = 0.5 + 0.05*float64(min(len(i.Kinds), 4))
	case analysis.Test:
		v = 0.7 + 0.05*float64(min(grounds[0].N, 5))
	}
	i.Judgement.Confidence = float32(min(v, 0.95))
	if c != analysis.Unknown {
		i.Judgement.Confidence = max(i.Judgement.Confidence, min(best.Confidence, 0.95))
	} else {
		i.Judgement.Confidence = 0.3
	}
}

// severity is that of the worst kind, raised by the reach: several stages.
func (i *Incident) severity(c analysis.Class) analysis.Severity {
	worst := analysis.Info
	for _, k := range i.Kinds {
		worst = max(worst, k.Judgement.Severity)
	}
	switch c {
	case analysis.Attack:
		if len(i.Stages) >= stagesRaise {
			return analysis.Critical
		}
		return max(worst, analysis.High)
	case analysis.Suspicious:
		if len(i.Stages) >= stagesRaise {
			return max(worst, analysis.High)
		}
		return max(worst, analysis.Medium)
	case analysis.Unknown:
		return max(min(worst, analysis.Medium), analysis.Low)
	}
	return analysis.Info
}

// telling is the kind that says most.
func telling(kinds []*Kind) *Kind {
	return slices.MinFunc(kinds, func(x, y *Kind) int {
		switch {
		case x.Judgement.Class != y.Judgement.Class:
			return int(y.Judgement.Class) - int(x.Judgement.Class)
		case x.Judgement.Worse(y.Judgement):
			return -1
		case y.Judgement.Worse(x.Judgement):
			return 1
		}
		return x.compare(y)
	})
}

// stages are the stages of an intrusion that follow each other: the longest
// run of tactics of which none is earlier than the one before, each once.
func stages(kinds []*Kind) []Stage {
	type run struct{ length, from int }
	best := -1
	runs := make([]run, 0, len(kinds))
	var at []Stage
	for _, k := range kinds {
		t := k.Judgement.Tactic
		if t == 0 || len(at) > 0 && at[len(at)-1].Tactic == t {
			continue
		}
		if len(at) == stagesLooked {
			break
		}
		r := run{1, -1}
		for j, s := range at {
			if s.Tactic < t && runs[j].length >= r.length {
				r = run{runs[j].length + 1, j}
			}
		}
		at, runs = append(at, Stage{t, k}), append(runs, r)
		if best < 0 || r.length > runs[best].length {
			best = len(runs) - 1
		}
	}
	var out []Stage
	for j := best; j >= 0; j = runs[j].from {
		out = append(out, at[j])
	}
	slices.Reverse(out)
	return out
}

// stagesLooked bounds how many changes of tactic are looked at.
const stagesLooked = 1000

func stageKinds(list []Stage) []*Kind {
	var out []*Kind
	for _, s := range list {
		out = append(out, s.Kind)
	}
	return out
}

// destruction finds one destructive action on many objects within a short
// time: kinds of one rule of the last stage.
func destruction(kinds []*Kind, rule func(*Kind) string) []*Kind {
	byRule := map[string][]*Kind{}
	for _, k := range kinds {
		if k.Judgement.Tactic == analysis.Impact && k.Judgement.Score >= destroyedScore {
			byRule[rule(k)] = append(byRule[rule(k)], k)
		}
	}
	var most []*Kind
	for _, list := range byRule {
		objects, from := 0, 0
		for to := range list {
			objects += list[to].objects()
			for list[to].first-list[from].first > int64(destroyedTime) {
				objects -= list[from].objects()
				from++
			}
			if objects >= destroyed && (len(list) > len(most) || len(list) == len(most) && list[0].compare(most[0]) < 0) {
				most = list
			}
		}
	}
	return most
}

// objects is how many objects the alerts of a kind were about, as far as told.
func (kind *Kind) objects() int {
	n := 1
	if kind.detail != nil {
		for _, t := range kind.detail.Targets {
			n = max(n, len(t.Values)+t.More)
		}
	}
	return n
}
