package analysis

import (
	"fmt"
	"slices"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

// Command is something to run or to write, ready to copy.
type Command struct {
	Language string // sh
	Text     string
	Note     evidence.Statement // what it does
	Expect   evidence.Statement // how to read the result; may be empty
	Withheld string             // why there is no Text: a value is missing or not of its shape
}

// Step is a look at the host or a counter-measure that suits the alert.
type Step struct {
	Control *knowledge.Control // nil for a look
	Title   string
	Say     []evidence.Statement
	Needs   []evidence.Statement
	Effects []evidence.Statement
	Gaps    []evidence.Statement
	Run     []Command
	Check   []Command
	Undo    []Command
	// Fit is "fits" or "does not fit" when the alert is of the observed host
	// and the control says what it needs; FitReason says why.
	Fit       string
	FitReason evidence.Statement
}

// looks are the profile's next looks that suit the alert.
func (z *Analyzer) looks(s *speaker, p *knowledge.Profile) []Step {
	var out []Step
	for i := range p.Look {
		a := &p.Look[i]
		ok, _ := s.holds(a.Cond)
		if !ok {
			continue
		}
		c := z.command(s, a, p.Sources)
		out = append(out, Step{Say: []evidence.Statement{c.Note}, Run: []Command{c}})
	}
	return out
}

// controls are the profile's counter-measures that suit the alert.
func (z *Analyzer) controls(s *speaker, p *knowledge.Profile) []Step {
	var out []Step
	for _, id := range p.Controls {
		c := z.base.Control(id)
		if c == nil {
			continue // a user's own profile may name what only this base lacks; lint tells
		}
		if ok, _ := s.holds(c.Cond); !ok {
			continue
		}
		step := Step{Control: c, Title: c.Title,
			Say: s.sentences(c.Say, c.Sources...), Effects: s.sentences(c.Effects, c.Sources...),
			Gaps: s.sentences(c.Gaps, c.Sources...),
			Run:  z.commands(s, c.Steps, c.Sources), Check: z.commands(s, c.Check, c.Sources), Undo: z.commands(s, c.Undo, c.Sources)}
		for i := range c.Needs {
			n := &c.Needs[i]
			st := s.sentence(&knowledge.Sentence{Template: n.Template, Sources: n.Sources}, c.Sources...)
			if !st.Empty() {
				step.Needs = append(step.Needs, st)
			}
		}
		if !usable(step) {
			continue
		}
		step.Fit, step.FitReason = z.fit(s.alert, c)
		out = append(out, step)
	}
	return out
}

// usable reports whether a step can be carried out: none of its commands had
// to be withheld.
func usable(s Step) bool {
	return !slices.ContainsFunc(s.Run, func(c Command) bool { return c.Withheld != "" })
}

func (z *Analyzer) commands(s *speaker, list []knowledge.Action, sources []string) []Command {
	var out []Command
	for i := range list {
		if ok, _ := s.holds(list[i].Cond); ok {
			out = append(out, z.command(s, &list[i], sources))
		}
	}
	return out
}

// command renders an action. Values of the alert go in as whole words, quoted,
// and only when they have the shape of their field.
func (z *Analyzer) command(s *speaker, a *knowledge.Action, sources []string) Command {
	c := Command{Language: "sh"}
	c.Note = s.sentence(&knowledge.Sentence{Template: a.Template, Sources: a.Sources}, sources...)
	if a.Expect != "" {
		c.Expect = s.sentence(&knowledge.Sentence{Template: a.Result, Sources: a.Sources}, sources...)
	}
	var argvs [][]string
	for _, argv := range a.Argvs() {
		filled, missing := z.fill(s, argv)
		if missing != "" {
			c.Withheld = missing
			return c
		}
		argvs = append(argvs, filled)
	}
	var err error
	c.Text, err = a.ShellWith(argvs)
	if err != nil {
		c.Text, c.Withheld = "", err.Error()
	}
	return c
}

// fill puts the alert's values into argv; missing says why it cannot.
func (z *Analyzer) fill(s *speaker, argv []string) (out []string, missing string) {
	for _, arg := range argv {
		t, err := knowledge.ParseTemplate(arg)
		if err != nil {
			return nil, err.Error()
		}
		var word string
		for _, p := range t {
			text, why := z.part(s, p)
			if why != "" {
				return nil, why
			}
			word += text
		}
		out = append(out, word)
	}
	return out, ""
}

func (z *Analyzer) part(s *speaker, p knowledge.Part) (text, missing string) {
	switch {
	case p.Field == "":
		return p.Text, ""
	case p.Timed:
		if s.alert.Time.IsZero() {
			return "", "the alert has no time"
		}
		return p.Time(s.alert.Time), ""
	}
	f, ok := s.field(p.Field, nil)
	if !ok {
		return "", p.Field + " is not in the alert"
	}
	if slices.Contains(s.alert.Cut, f.Name) {
		return "", p.Field + " was cut on the way"
	}
	if !z.base.Field(p.Field).Fits(f.Value.Text) {
		return "", fmt.Sprintf("the value of %s is not of the form that such a value has, so it is not put into a command", p.Field)
	}
	return f.Value.Text, ""
}

// fieldOr returns a field of the alert that is there and known.
func fieldOr(a *alert.Alert, names ...string) (alert.Field, bool) {
	for _, name := range names {
		if f, ok := a.Get(name); ok && f.Value.Known() && f.Value.Text != "" {
			return f, true
		}
	}
	return alert.Field{}, false
}
