package condition

import (
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// family is a field that exists for each ancestor: name[0] is the process
// itself, name[1] its parent. Without an index a condition asks for any
// ancestor, beginning with the parent.
type family struct {
	name         string
	self, parent string                    // other names of [0] and [1]
	indexed      [ancestorLimit + 1]string // name[0], name[1], …
}

// ancestorLimit is how far up ancestors are looked for.
const ancestorLimit = 15

var ancestorPIDs = &family{name: "proc.apid", self: "proc.pid", parent: "proc.ppid"}

var families = func() map[string]*family {
	all := map[string]*family{}
	for _, f := range []*family{
		{name: "proc.aname", self: "proc.name", parent: "proc.pname"},
		{name: "proc.aexe", self: "proc.exe", parent: "proc.pexe"},
		{name: "proc.aexepath", self: "proc.exepath", parent: "proc.pexepath"},
		{name: "proc.acmdline", self: "proc.cmdline", parent: "proc.pcmdline"},
		ancestorPIDs,
		{name: "proc.aargs", self: "proc.args"},
		{name: "proc.aenv", self: "proc.env"},
	} {
		for i := range f.indexed {
			f.indexed[i] = f.name + "[" + strconv.Itoa(i) + "]"
		}
		all[f.name] = f
	}
	return all
}()

// anyAncestor decides a check over all ancestors. An alert hardly ever lists
// them all, so that no match leaves the check unknown, unless the list is seen
// to end at process 1.
func (c *check) anyAncestor(v Values, t *trace) Truth {
	fam := c.left.family
	found, pids := false, true         // pids: the alert has process IDs of ancestors
	if a, ok := v.(*alert.Alert); ok { // one pass instead of many look-ups
		pids = false
		for i := range a.Fields {
			switch f := &a.Fields[i]; {
			case fam.member(f.Name):
				found = c.holdsFor(f, v, t) || found
			case f.Name == fam.name:
				found = c.holdsJoined(f, v, t) || found
			case ancestorPIDs.member(f.Name):
				pids = true
			}
			if found && t == nil {
				return True
			}
		}
		pids = pids || fam == ancestorPIDs
	} else {
		for _, name := range fam.indexed[1:] {
			if f, ok := v.Get(name); ok && c.holdsFor(&f, v, t) {
				found = true
			}
		}
		if f, ok := v.Get(fam.parent); ok && c.holdsFor(&f, v, t) {
			found = true
		}
		if f, ok := v.Get(fam.name); ok && c.holdsJoined(&f, v, t) {
			found = true
		}
	}
	switch {
	case found:
		return True
	case pids && c.op != opExists && fam.complete(v, t):
		return False
	}
	t.miss(fam.name)
	return Unknown
}

func (c *check) holdsFor(f *alert.Field, v Values, t *trace) bool {
	switch {
	case !f.Value.Known():
		return false
	case isCut(v, f.Name):
		if c.testCut(f, t) != True {
			return false
		}
	case c.test(&f.Value, v, t) != True:
		return false
	}
	t.read(f)
	return true
}

// holdsJoined looks into the field without an index: there newer Falcos print
// the names of all ancestors with blanks between them.
func (c *check) holdsJoined(f *alert.Field, v Values, t *trace) bool {
	if f.Name != "proc.aname" || f.Value.Kind != alert.String || !f.Value.Known() {
		return false
	}
	for rest := f.Value.Text; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, " ")
		if name != "" && c.test(&alert.Value{Kind: alert.String, Text: name}, v, t) == True {
			t.read(f)
			return true
		}
	}
	return false
}

// member reports whether a field of the alert is one of an ancestor.
func (f *family) member(name string) bool {
	if name == f.parent {
		return true
	}
	n := len(f.name)
	if len(name) < n+2 || name[5] != f.name[5] || name[:n] != f.name || isLetter(name[n]) { // most names differ behind "proc."
		return false
	}
	// proc.aname[2], or what Falcosidekick makes of it: proc.aname_2.
	index := strings.TrimLeft(strings.TrimSuffix(name[n:], "]"), "[_-.:/|")
	return index != "0" && allBytes(index, isDigit)
}

// complete reports whether the alert lists every ancestor: each one up to the
// one whose process ID is 1.
func (f *family) complete(v Values, t *trace) bool {
	for i := 1; i <= ancestorLimit; i++ {
		value, ok := f.at(v, i)
		if !ok {
			return false
		}
		t.read(&value)
		if pid, ok := ancestorPIDs.at(v, i); ok && pid.Value.Text == "1" {
			t.read(&pid)
			return true
		}
	}
	return false
}

// at returns the known value of one ancestor.
func (f *family) at(v Values, i int) (alert.Field, bool) {
	x, ok := known(v, f.indexed[i])
	if !ok && i == 1 && f.parent != "" {
		x, ok = known(v, f.parent)
	}
	return x, ok
}
