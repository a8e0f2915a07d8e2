package report

import (
	"fmt"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
)

// examples is how many of what is folded one sentence refers to.
const examples = 3

var patternWords = [...]string{analysis.ByCommand: "a command line of this form", analysis.ByUser: "this user", analysis.ByPeer: "this address"}

// StandingOf says how a fold stands among all alerts. names are the input
// files; memory is nil when earlier runs are not known.
func StandingOf(f *incident.Fold, kinds *incident.Kinds, names []string, memory *incident.Memory) Standing {
	at := func(k *incident.Kind) evidence.Evidence {
		file, line := k.Origin()
		return evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", names[file], line), Value: kinds.Rule(k)}
	}
	s := Standing{Further: len(f.Further), Rare: f.Rare != nil}
	if r := f.Rare; r != nil {
		words := "It is rare"
		if r.Kind != f.Kind {
			words = "One of its kinds of alert is rare"
		}
		st := say(fmt.Sprintf("%s: of %d alerts of the same rule, program and parent, %s %s", words, r.Of, amount(r.Alerts), patternWords[r.By]), at(r.Kind))
		if a := r.Kind.Alert(); a != nil {
			if v, ok := r.By.Of(a); ok {
				text(&st, ": ")
				value(&st, v)
			}
		}
		text(&st, ".")
		s.Statements = append(s.Statements, st)
	}
	if n := len(f.Further); n > 0 {
		st := say(fmt.Sprintf("%s only repeat%s it on other hosts, in other containers or with other numbers in the command line, and got the same verdict: together %d alerts",
			counted(n, "other kind of alert", "other kinds of alert"), plural(n, "s", ""), f.Count))
		switch from, to := clockOf(f.First), clockOf(f.Last); {
		case f.First.IsZero():
		case from == to:
			text(&st, ", all at "+from+" UTC")
		default:
			text(&st, ", from "+from+" to "+to+" UTC")
		}
		if rate := RateWords(f.Count, f.First, f.Last); rate != "" {
			text(&st, ", "+rate)
		}
		text(&st, ".")
		for _, k := range f.Further[:min(n, examples)] {
			st.Evidence = append(st.Evidence, at(k))
		}
		s.Statements = append(s.Statements, st)
	}
	if memory != nil && memory.Runs > 0 {
		s.recall(f, kinds, memory)
	}
	return s
}

// CaseOf gives a report what it needs to speak of a fold: its case, and its
// telling kind with the counts of the whole.
func CaseOf(f *incident.Fold, kinds *incident.Kinds, names []string, z *analysis.Analyzer, memory *incident.Memory) (*Case, Group) {
	i, k := f.Incident, f.Kind
	if i == nil {
		i = &incident.Incident{Kinds: []*incident.Kind{k}, Telling: k, Judgement: k.Judgement, Count: k.Count, Repeats: k.Repeats, First: k.First(), Last: k.Last()}
	}
	c := &Case{Incident: i, Names: names, Rule: kinds.Rule, Analyze: z.AnalyzeAs}
	g := c.Group(z)
	if c.Plain() && k.ID() != 0 {
		g.ID = k.ID().String()
	}
	g.Count, g.Repeats, g.First, g.Last = f.Count, f.Repeats, f.First, f.Last
	g.Standing = StandingOf(f, kinds, names, memory)
	return c, g
}

// recall says what of a fold was seen in earlier runs.
func (s *Standing) recall(f *incident.Fold, kinds *incident.Kinds, memory *incident.Memory) {
	all := append([]*incident.Kind{f.Kind}, f.Further...)
	if f.Incident != nil && len(f.Further) == 0 {
		all = f.Incident.Kinds
	}
	fresh, since := 0, time.Time{}
	for _, k := range all {
		r := memory.Recall(kinds, k)
		switch {
		case r == nil:
			fresh++
		case !r.First.IsZero() && (since.IsZero() || r.First.Before(since)):
			since = r.First
		}
	}
	is := fresh > 0
	s.New = &is
	ev := evidence.Evidence{Kind: evidence.Observation, Ref: "state of the last run", Value: memory.Last.UTC().Format(time.RFC3339)}
	last := " the last run (" + clockOf(memory.Last) + " UTC)"
	switch {
	case fresh == len(all):
		s.Statements = append(s.Statements, say("It is new since"+last+": no earlier run saw it.", ev))
	case fresh > 0:
		s.Statements = append(s.Statements, say(fmt.Sprintf("%d of its %d kinds of alert are new since"+last+".", fresh, len(all)), ev))
	default:
		words := "It is not new: the runs up to" + last + " saw the same"
		if !since.IsZero() {
			words += ", first at " + clockOf(since) + " UTC"
		}
		s.Statements = append(s.Statements, say(words+".", ev))
	}
}

func amount(n int) string {
	if n == 1 {
		return "one has"
	}
	return fmt.Sprintf("%d have", n)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// RateWords is how often something happens, "" when that cannot be told: of
// fewer than three alerts or within less than a minute.
func RateWords(n int, first, last time.Time) string {
	span := last.Sub(first)
	if n < 3 || first.IsZero() || span < time.Minute {
		return ""
	}
	for _, unit := range []struct {
		name string
		long time.Duration
	}{{"a second", time.Second}, {"a minute", time.Minute}, {"an hour", time.Hour}, {"a day", 24 * time.Hour}} {
		if rate := float64(n-1) / (float64(span) / float64(unit.long)); rate >= 1 {
			return fmt.Sprintf("about %.0f %s", rate, unit.name)
		}
	}
	return "less than one a day"
}
