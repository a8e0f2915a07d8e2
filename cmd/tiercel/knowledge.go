package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

type knowledgeCmd struct {
	List knowledgeListCmd `cmd:"" help:"List the rules that have a profile."`
	Show knowledgeShowCmd `cmd:"" help:"Show the profile of a rule, or a control with its commands."`
	Lint knowledgeLintCmd `cmd:"" help:"Check a folder of knowledge files."`
}

type knowledgeListCmd struct{}

// Help shows an example.
func (knowledgeListCmd) Help() string { return "Example: tiercel knowledge list" }

// Run lists the profiles.
func (knowledgeListCmd) Run(t terminal) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MATURITY\tSTATUS\tRULE")
	rules := builtin.Base().Rules()
	for _, r := range rules {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.Maturity, r.Status, r.Rule)
	}
	return w.Flush()
}

type knowledgeShowCmd struct {
	Name string `arg:"" help:"A rule's name, as in Falco, or its file name (fileless-execution-via-memfd-create), or a control's id (memfd-noexec)."`
}

// Help shows an example.
func (knowledgeShowCmd) Help() string {
	return `Examples:
  tiercel knowledge show "Fileless execution via memfd_create"
  tiercel knowledge show memfd-noexec`
}

// Run shows one profile or control.
func (c knowledgeShowCmd) Run(t terminal) error {
	base := builtin.Base()
	for _, r := range base.Rules() {
		if strings.EqualFold(r.Rule, c.Name) || knowledge.Slug(r.Rule) == c.Name {
			return showProfile(t.out, base, base.Profile(r.Rule))
		}
	}
	if control := base.Control(c.Name); control != nil {
		return showControl(t.out, control)
	}
	return usageError{fmt.Errorf("neither a rule nor a control %q; tiercel knowledge list shows which there are", c.Name)}
}

func showControl(out *os.File, c *knowledge.Control) error {
	fmt.Fprintf(out, "%s (%s)\n%s, %s\n", c.Title, c.ID, c.Goal, c.Scope)
	for _, part := range []struct {
		title string
		list  []knowledge.Sentence
	}{{"What it does", c.Say}, {"Side effects", c.Effects}, {"What it does not stop", c.Gaps}} {
		sentences(out, part.title, part.list)
	}
	if len(c.Needs) > 0 {
		fmt.Fprintf(out, "\nNeeds\n")
	}
	for _, n := range c.Needs {
		fmt.Fprintf(out, "  - %s\n", n.Say)
	}
	for _, part := range []struct {
		title string
		list  []knowledge.Action
	}{{"Steps", c.Steps}, {"Check", c.Check}, {"Undo", c.Undo}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n%s\n", part.title)
		for i := range part.list {
			text, err := part.list[i].Shell()
			if err != nil {
				return err
			}
			if say := part.list[i].Say; say != "" {
				fmt.Fprintf(out, "# %s\n", say)
			}
			fmt.Fprintln(out, text)
		}
	}
	_, err := fmt.Fprintf(out, "\nVerified: %s\nSources: %s\n", c.Verified, strings.Join(c.Sources, ", "))
	return err
}

func sentences(out *os.File, title string, list []knowledge.Sentence) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s\n", title)
	for _, s := range list {
		fmt.Fprintf(out, "  - %s\n", s.Say)
		if s.When != "" {
			fmt.Fprintf(out, "      when %s\n", s.When)
		}
	}
}

func showProfile(out *os.File, base *knowledge.Base, p *knowledge.Profile) error {
	fmt.Fprintf(out, "%s\n%s, %s, priority %s, weight %d of 10\n", p.Rule, p.Maturity, p.Status, p.Priority, p.Base)
	for _, a := range p.Attack {
		if x := base.Technique(a.ID); x != nil {
			fmt.Fprintf(out, "ATT&CK %s %s\n", x.ID, x.Name)
		}
	}
	for _, part := range []struct {
		title string
		list  []knowledge.Sentence
	}{{"What the rule saw", p.Saw}, {"What it means", p.Means}, {"How attackers use it", p.Misuse},
		{"What ordinary work looks the same", p.Ordinary}, {"What the alert does not show", p.Limits}} {
		sentences(out, part.title, part.list)
	}
	fmt.Fprintf(out, "\nQuestions that the alert leaves open\n")
	for _, q := range p.Unknown {
		fmt.Fprintf(out, "  - %s %s\n", q.Question, q.Ask)
	}
	fmt.Fprintf(out, "\nControls\n")
	for _, id := range p.Controls {
		if c := base.Control(id); c != nil {
			fmt.Fprintf(out, "  - %s: %s\n", id, c.Title)
		}
	}
	fmt.Fprintf(out, "\nSources: %s\n", strings.Join(p.Sources, ", "))
	return nil
}

type knowledgeLintCmd struct {
	Dir  string `arg:"" help:"A folder with rules/, signs/, controls/, fields/, attack/ or sources/."`
	Bare bool   `help:"Check the folder by itself, not on top of the built-in knowledge."`
}

// Help shows an example.
func (knowledgeLintCmd) Help() string { return "Example: tiercel knowledge lint ./my-knowledge" }

// Run checks a folder and names every problem with file and line.
func (c knowledgeLintCmd) Run(t terminal) error {
	info, err := os.Stat(c.Dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s: not a folder", c.Dir)
	}
	if err != nil {
		return usageError{err}
	}
	var base *knowledge.Base
	if !c.Bare {
		base = builtin.Base()
	}
	set, problems := knowledge.ReadSet(os.DirFS(c.Dir))
	problems = append(problems, set.Lint(base)...)
	for _, p := range problems {
		fmt.Fprintln(t.err, p.Error())
	}
	if len(problems) > 0 {
		return usageError{fmt.Errorf("%d problems", len(problems))}
	}
	if len(set.Profiles)+len(set.Controls)+len(set.Fields)+len(set.Signs)+len(set.Sources)+len(set.Techniques) == 0 {
		return usageError{errors.New("no knowledge file in " + c.Dir)}
	}
	_, err = fmt.Fprintf(t.out, "fine: %d profiles, %d controls, %d fields, %d signs, %d techniques, %d sources\n",
		len(set.Profiles), len(set.Controls), len(set.Fields), len(set.Signs), len(set.Techniques), len(set.Sources))
	return err
}
