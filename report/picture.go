package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
)

// Timeline is what happened, in the order of the events.
type Timeline struct{ Rows []Moment }

// Moment is one kind of alert in a timeline, its repeats folded.
type Moment struct {
	First, Last time.Time
	Count       int
	What        evidence.Statement // the rule, and what the alert stands for
	Process     evidence.Statement
	User        evidence.Statement
}

// Tree shows which process was started by which, as far as the alerts tell.
type Tree struct{ Items []Branch }

// Branch is one process; Depth is how far below the top it stands.
type Branch struct {
	Depth int
	Say   evidence.Statement
}

func (Timeline) block() {}
func (Tree) block()     {}

// rowsMost bounds the rows of a timeline and of a tree; what is beyond is
// counted in the last row.
const rowsMost = 100

// pictures are the timeline and the process tree.
func (c *Case) pictures() []Block {
	out := []Block{Heading{"What happened, in order"}, c.timeline()}
	if left := len(c.Kinds) - rowsMost; left > 0 {
		out = append(out, Paragraph{[]evidence.Statement{say(fmt.Sprintf("%d later kinds of alert are left out here; JSON output names all.", left), c.at(c.Kinds[rowsMost]))}})
	}
	if tree := c.tree(); len(tree.Items) > 0 {
		note := say("From the names in the alerts alone: a line without anything above it may have had parents that the alert does not name, and two processes of one name are one line.", c.cite(c.Kinds)...)
		out = append(out, Heading{"Which process started which"}, tree, Paragraph{[]evidence.Statement{note}})
	}
	return append(out, Heading{"The alert that says most"})
}

func (c *Case) timeline() Timeline {
	var t Timeline
	for _, k := range c.Kinds[:min(len(c.Kinds), rowsMost)] {
		at := []evidence.Evidence{c.at(k)}
		m := Moment{First: k.First(), Last: k.Last(), Count: k.Count,
			What: evidence.Statement{Spans: []evidence.Span{{Text: c.Rule(k), Value: true}}, Evidence: at}}
		if tactic := k.Judgement.Tactic; tactic != 0 {
			text(&m.What, " ("+tactic.String()+")")
		}
		if a := k.Alert(); a != nil {
			m.Process = valueOf(a, at, "proc.cmdline", "proc.name", "ka.verb", "ct.name")
			m.User = valueOf(a, at, "user.name", "ka.user.name", "ct.user", "okta.actor.alternateID", "github.user", "gcp.user")
			if uid, ok := known(a, "user.loginuid"); ok && uid.Value.Text != "-1" && uid.Value.Text != "4294967295" && !m.User.Empty() {
				text(&m.User, ", login ")
				m.User.Spans = append(m.User.Spans, evidence.Span{Text: uid.Value.Text, Value: true})
			}
		}
		t.Rows = append(t.Rows, m)
	}
	return t
}

func valueOf(a *alert.Alert, at []evidence.Evidence, names ...string) evidence.Statement {
	f, ok := known(a, names...)
	if !ok {
		return evidence.Statement{}
	}
	return evidence.Statement{Spans: []evidence.Span{{Text: f.Value.Text, Value: true}}, Evidence: at}
}

// twig is a process in the making of a tree.
type twig struct {
	name  string
	below []*twig
	runs  []*incident.Kind // that were raised by this process itself
}

func (t *twig) child(name string) *twig {
	for _, b := range t.below {
		if b.name == name {
			return b
		}
	}
	b := &twig{name: name}
	t.below = append(t.below, b)
	return b
}

// tree lays the chains of names that the alerts carry over each other. A chain
// whose top is the bottom of no other one starts a tree of its own.
func (c *Case) tree() Tree {
	root := &twig{}
	for _, k := range c.Kinds {
		a := k.Alert()
		if a == nil {
			continue
		}
		if chain := ancestors(a); len(chain) > 0 {
			at := root
			for _, name := range chain {
				at = at.child(name)
			}
			at.runs = append(at.runs, k)
		}
	}
	var t Tree
	for _, top := range root.below {
		c.branch(&t, top, 0)
	}
	if left := len(t.Items) - rowsMost; left > 0 {
		t.Items = t.Items[:rowsMost]
		t.Items = append(t.Items, Branch{0, say(fmt.Sprintf("and %d lines more", left), c.at(c.Kinds[0]))})
	}
	return t
}

// ancestors are the names above a process and its own, the top first. A name
// that Falco did not know ends the chain: what is above it is not known to be
// above.
func ancestors(a *alert.Alert) []string {
	own, ok := known(a, "proc.name")
	if !ok {
		return nil
	}
	out := []string{own.Value.Text}
	for n := 1; n <= 8; n++ {
		name := "proc.pname"
		if n > 1 {
			name = fmt.Sprintf("proc.aname[%d]", n)
		}
		f, ok := known(a, name)
		if !ok {
			break
		}
		out = append([]string{f.Value.Text}, out...)
	}
	return out
}

func (c *Case) branch(t *Tree, at *twig, depth int) {
	if len(at.runs) == 0 {
		st := evidence.Statement{Spans: []evidence.Span{{Text: at.name, Value: true}}}
		st.Evidence = c.cite(at.all(nil))
		t.Items = append(t.Items, Branch{depth, st})
	}
	seen := map[string]int{}
	var lines []string
	ev := map[string][]evidence.Evidence{}
	for _, k := range at.runs {
		line := at.name
		if f, ok := known(k.Alert(), "proc.cmdline"); ok {
			line = f.Value.Text
		}
		if pid, ok := known(k.Alert(), "proc.pid"); ok {
			line += "\x00" + pid.Value.Text
		}
		if seen[line] == 0 {
			lines = append(lines, line)
		}
		seen[line] += k.Count
		ev[line] = merge(ev[line], []evidence.Evidence{c.at(k)})
	}
	for _, line := range lines {
		shown, pid, _ := strings.Cut(line, "\x00")
		st := evidence.Statement{Spans: []evidence.Span{{Text: shown, Value: true}}, Evidence: ev[line][:min(len(ev[line]), cited)]}
		if pid != "" {
			text(&st, ", process ")
			st.Spans = append(st.Spans, evidence.Span{Text: pid, Value: true})
		}
		if seen[line] > 1 {
			text(&st, fmt.Sprintf(", %d alerts", seen[line]))
		}
		t.Items = append(t.Items, Branch{depth, st})
	}
	for _, b := range at.below {
		c.branch(t, b, depth+1)
	}
}

// all are the kinds at a twig and below it.
func (t *twig) all(out []*incident.Kind) []*incident.Kind {
	out = append(out, t.runs...)
	for _, b := range t.below {
		out = b.all(out)
	}
	return out
}
