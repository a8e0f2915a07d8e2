package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/redact"
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
	Class       string // the verdict on this kind of alert by itself
	Tactic      string // the stage of an intrusion that it would be, "" when none is known
	Place       string // where it happened, in our words, see place; "" when not told
	Telling     bool   // says most
}

// Tree shows which process was started by which, as far as the alerts tell.
type Tree struct{ Items []Branch }

// Branch is one process; Depth is how far below the top it stands. What is
// below a branch stands behind it.
type Branch struct {
	Depth int
	Say   evidence.Statement
	// Again is set when the branch has the same name and the same place in the
	// tree as the one before it: which of them has started what stands below
	// both is not known.
	Again bool
	// The alerts that the process raised itself: how many, in which rows of the
	// timeline (the first is 1), the worst verdict on them, where that was as
	// in Moment, and whether the one that says most is among them. Alerts is 0
	// for a process that is known only as one that started others.
	Alerts  int
	Rows    []int
	Class   string
	Place   string
	Telling bool
	More    bool // no process: it counts what is left out
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
			What:  evidence.Statement{Spans: []evidence.Span{{Text: c.Rule(k), Value: true}}, Evidence: at},
			Class: k.Judgement.Class.String(), Tactic: k.Judgement.Tactic.String(), Place: place(k.Alert()), Telling: k == c.Telling}
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

// place says in our words where an alert's event happened, "" when that is not
// told. Names are given out by people and machines that may be hostile: only
// those in the shape that container runtimes and hosts use, and that no one
// takes for a secret, are repeated.
func place(a *alert.Alert) string {
	if a == nil {
		return ""
	}
	get := func(name string) string {
		f, ok := known(a, name)
		if !ok {
			return ""
		}
		return f.Value.Text
	}
	id, host := get("container.id"), a.Hostname
	if !nameLike(host) {
		host = ""
	}
	if id == "host" {
		if host == "" {
			return "a host"
		}
		return "host " + host
	}
	var words []string
	if ns, pod := get("k8s.ns.name"), get("k8s.pod.name"); nameLike(ns) && nameLike(pod) {
		words = append(words, "pod "+ns+"/"+pod)
	}
	if name := get("container.name"); nameLike(name) && id != "" && name != id {
		words = append(words, "container "+name)
	} else if id != "" {
		words = append(words, "container")
	}
	if len(words) == 0 {
		return ""
	}
	out := strings.Join(words, ", ")
	if len(id) >= 12 && len(id) <= 64 && strings.Trim(id, "0123456789abcdef") == "" {
		out += " " + id[:12]
	}
	if host != "" {
		out += ", on " + host
	}
	return out
}

// nameLike reports whether s looks like the name of a host, container or pod.
func nameLike(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == "" && redact.Text(s) == s
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
	rows := map[*incident.Kind]int{}
	for i, k := range c.Kinds[:min(len(c.Kinds), rowsMost)] {
		rows[k] = i + 1
	}
	for _, top := range root.below {
		c.branch(&t, top, 0, rows)
	}
	if left := len(t.Items) - rowsMost; left > 0 {
		t.Items = t.Items[:rowsMost]
		t.Items = append(t.Items, Branch{More: true, Say: say(fmt.Sprintf("and %d lines more", left), c.at(c.Kinds[0]))})
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

func (c *Case) branch(t *Tree, at *twig, depth int, rows map[*incident.Kind]int) {
	if len(at.runs) == 0 {
		st := evidence.Statement{Spans: []evidence.Span{{Text: at.name, Value: true}}}
		st.Evidence = c.cite(at.all(nil))
		t.Items = append(t.Items, Branch{Depth: depth, Say: st})
	}
	var lines []string
	by := map[string][]*incident.Kind{}
	for _, k := range at.runs {
		line := at.name
		if f, ok := known(k.Alert(), "proc.cmdline"); ok {
			line = f.Value.Text
		}
		if pid, ok := known(k.Alert(), "proc.pid"); ok {
			line += "\x00" + pid.Value.Text
		}
		if by[line] == nil {
			lines = append(lines, line)
		}
		by[line] = append(by[line], k)
	}
	for i, line := range lines {
		shown, pid, _ := strings.Cut(line, "\x00")
		b := Branch{Depth: depth, Again: i > 0, Say: evidence.Statement{Spans: []evidence.Span{{Text: shown, Value: true}}}}
		worst := by[line][0].Judgement.Class
		for i, k := range by[line] {
			b.Alerts += k.Count
			b.Say.Evidence = merge(b.Say.Evidence, []evidence.Evidence{c.at(k)})
			worst = max(worst, k.Judgement.Class)
			b.Telling = b.Telling || k == c.Telling
			if row := rows[k]; row > 0 {
				b.Rows = append(b.Rows, row)
			}
			if at := place(k.Alert()); i == 0 {
				b.Place = at
			} else if b.Place != at {
				b.Place = "several places"
			}
		}
		b.Class = worst.String()
		b.Say.Evidence = b.Say.Evidence[:min(len(b.Say.Evidence), cited)]
		if pid != "" {
			text(&b.Say, ", process ")
			b.Say.Spans = append(b.Say.Spans, evidence.Span{Text: pid, Value: true})
		}
		if b.Alerts > 1 {
			text(&b.Say, fmt.Sprintf(", %d alerts", b.Alerts))
		}
		t.Items = append(t.Items, b)
	}
	for _, below := range at.below {
		c.branch(t, below, depth+1, rows)
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
