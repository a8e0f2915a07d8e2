package knowledge

import (
	"fmt"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/shell"
)

// binder turns the texts of an entry into templates and conditions. It reports
// each failure with the path of the text, so that Lint can name a line.
type binder struct {
	defs *condition.Definitions
	fail func(path string, err error)
}

func (b *binder) template(path, text string) Template {
	t, err := ParseTemplate(text)
	if err != nil {
		b.fail(path, err)
	}
	return t
}

func (b *binder) condition(path, text string) *condition.Condition {
	if text == "" {
		return nil
	}
	c, err := condition.Parse(text, b.defs)
	if err != nil {
		b.fail(path, err)
		return nil
	}
	return c
}

func (b *binder) sentences(path string, list []Sentence) {
	for i := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		list[i].Template = b.template(at+".say", list[i].Say)
		list[i].Cond = b.condition(at+".when", list[i].When)
	}
}

func (b *binder) actions(path string, list []Action) {
	for i := range list {
		a, at := &list[i], fmt.Sprintf("%s[%d]", path, i)
		a.Template = b.template(at+".say", a.Say)
		a.Result = b.template(at+".expect", a.Expect)
		a.Cond = b.condition(at+".when", a.When)
		for _, argv := range a.Argvs() {
			for _, arg := range argv {
				b.template(at, arg)
			}
		}
	}
}

// Argvs returns the action's commands: one, or the parts of its pipe.
func (a *Action) Argvs() [][]string {
	if len(a.Run) > 0 {
		return [][]string{a.Run}
	}
	return a.Pipe
}

// Shell writes the action as shell, with its placeholders as they are:
// {container.id}. Package analysis fills them in.
func (a *Action) Shell() (string, error) { return a.ShellWith(a.Argvs()) }

// ShellWith is Shell with the given commands in the place of the action's own.
func (a *Action) ShellWith(argvs [][]string) (string, error) {
	switch {
	case a.File != nil:
		return shell.WriteFile(a.File.Path, a.File.Mode, a.File.Content)
	case a.Remove != "":
		return shell.Join([]string{"sudo", "rm", "-f", "--", a.Remove})
	}
	return shell.Pipe(argvs)
}

func (b *binder) profile(p *Profile) {
	p.HeadlineTemplate = b.template("$.headline", p.Headline)
	b.sentences("$.saw", p.Saw)
	b.sentences("$.means", p.Means)
	b.sentences("$.misuse", p.Misuse)
	b.sentences("$.ordinary", p.Ordinary)
	b.sentences("$.limits", p.Limits)
	b.actions("$.look", p.Look)
	for i := range p.Unknown {
		q, at := &p.Unknown[i], fmt.Sprintf("$.unknown[%d]", i)
		q.Template = b.template(at+".question", q.Question)
		q.Answer = b.template(at+".ask", q.Ask)
		q.Cond = b.condition(at+".when", q.When)
	}
	p.Conditions = nil
	note := func(c *condition.Condition) {
		if c != nil {
			p.Conditions = append(p.Conditions, c)
		}
	}
	for _, list := range [][]Sentence{p.Saw, p.Means, p.Misuse, p.Ordinary, p.Limits} {
		for _, s := range list {
			note(s.Cond)
		}
	}
	for _, a := range p.Look {
		note(a.Cond)
	}
	for _, q := range p.Unknown {
		note(q.Cond)
	}
	if p.EventGenerator != nil {
		p.EventGenerator.Cond = b.condition("$.event_generator.when", p.EventGenerator.When)
	}
}

func (b *binder) control(c *Control) {
	c.Cond = b.condition("$.when", c.When)
	b.sentences("$.say", c.Say)
	b.sentences("$.effects", c.Effects)
	b.sentences("$.gaps", c.Gaps)
	b.actions("$.steps", c.Steps)
	b.actions("$.check", c.Check)
	b.actions("$.undo", c.Undo)
	for i := range c.Needs {
		c.Needs[i].Template = b.template(fmt.Sprintf("$.needs[%d].say", i), c.Needs[i].Say)
	}
}

func (b *binder) field(f *FieldInfo, path string) {
	if f.Shape != "" {
		f.shape = &lazyRegexp{text: f.Shape}
	}
	for i := range f.Read {
		r, at := &f.Read[i], fmt.Sprintf("%s.read[%d]", path, i)
		r.Cond = b.condition(at+".when", r.When)
		r.Template = b.template(at+".say", r.Say)
	}
}

func (b *binder) sign(s *Sign, path string) {
	s.Cond = b.condition(path+".when", s.When)
	s.Template = b.template(path+".say", s.Say)
}
