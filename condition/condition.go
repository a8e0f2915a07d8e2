// Package condition holds Falco's condition language, evaluated over the
// fields of an alert.
//
// Falco evaluates a condition over an event, where every field can be looked
// up. An alert holds only the fields that were printed, so a condition has
// three values here: true, false, and unknown when it needs a field that is
// not in the alert, or that is there as null or "<NA>" because Falco itself
// did not know it. "f exists" is true when f is known, false when it is there
// but not known, unknown when it is not there.
//
// The language is that of Falco 0.44 without join(), concat() and getopt().
// Words without a dot are fields too if an operator follows: source = syscall.
// Priorities are ordered: priority >= Warning. Numbers that are integers are
// compared exactly. Of a list, as tags, "in" asks for all items, "!=" for
// none, every other operator for any.
//
// A field without its index, as proc.aname, asks for any ancestor: true when
// one in the alert matches, else unknown, because alerts do not list them all.
// Fields that Falco makes of others are taken from those: proc.args from
// proc.cmdline, the addresses and ports of a connection from fd.name.
//
// The package is pure: no I/O, no clock, no state.
package condition

import "github.com/tiercel/tiercel/alert"

// Truth is the value of a condition.
type Truth uint8

// The values of a condition, in an order in which "and" is the lower and "or"
// the higher of two.
const (
	False Truth = iota
	Unknown
	True
)

// String returns false, unknown or true.
func (t Truth) String() string {
	switch t {
	case False:
		return "false"
	case True:
		return "true"
	}
	return "unknown"
}

// Not returns the negation; that of Unknown is Unknown.
func (t Truth) Not() Truth { return True - t }

func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Values is what a condition is evaluated over; *alert.Alert is one.
type Values interface {
	// Get finds a field by Falco's name, or one of the alert's own keys.
	Get(name string) (alert.Field, bool)
}

// Condition is a parsed condition, ready to be evaluated by several
// goroutines. A nil Condition sets no condition: it is always true.
type Condition struct {
	root   *node
	fields []string
}

// Parse reads a condition; defs, which may be nil, holds the lists and macros
// that it may use. The error is an *Error.
func Parse(text string, defs *Definitions) (*Condition, error) {
	x := newExpansion(defs)
	root, err := x.parse(text)
	if err != nil {
		return nil, err
	}
	return newCondition(root), nil
}

func newCondition(root *node) *Condition {
	c := &Condition{root: root}
	seen := map[string]bool{}
	root.eachCheck(func(k *check) {
		for _, o := range [...]*operand{k.left, k.right} {
			if o != nil && !seen[o.name] {
				seen[o.name] = true
				c.fields = append(c.fields, o.name)
			}
		}
	})
	return c
}

// Fields returns the names of all fields that the condition, its macros
// included, mentions: each once, in order of appearance.
func (c *Condition) Fields() []string {
	if c == nil {
		return nil
	}
	return c.fields
}

// Truth evaluates the condition. It stops as soon as the value is certain and
// does not allocate, except for transformers that change a value.
func (c *Condition) Truth(v Values) Truth {
	if c == nil {
		return True
	}
	return c.root.truth(v)
}
