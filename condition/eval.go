package condition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/alert"
)

func (n *node) truth(v Values) Truth {
	switch n.kind {
	case leaf:
		return n.check.truth(v, nil)
	case not:
		return n.kids[0].truth(v).Not()
	}
	decided, out := False, True // of "and"
	if n.kind == or {
		decided, out = True, False
	}
	for _, k := range n.fast {
		switch k.truth(v) {
		case decided:
			return decided
		case Unknown:
			out = Unknown
		}
	}
	return out
}

// check is one comparison.
type check struct {
	left   *operand
	op     operator
	mod    modifier
	values []string // the right-hand side as written, lists in place
	right  *operand // or a field there

	matcher matcher
	fixed   bool // it is always the same, whatever the alert holds
	always  Truth
}

// prepare compiles the right-hand side. The error has no position.
func (c *check) prepare(x *expansion) *Error {
	if err := c.compile(x); err != nil {
		return &Error{Reason: err.Error()}
	}
	return nil
}

func (c *check) compile(x *expansion) (err error) {
	switch {
	case c.left.filterOnly() && !c.left.plain():
		return fmt.Errorf("%s takes no transformer", c.left.name)
	case c.right != nil:
		return c.compileField()
	case c.op == opExists:
		return nil
	case c.left.kind == networks && c.op != opEqual && c.op != opUnequal && c.op != opIn && c.op != opIntersects:
		return fmt.Errorf("%s takes only = != in intersects exists", c.left.name)
	case len(c.values) == 0:
		c.fixed, c.always = true, False
		return nil
	case c.mod != noModifier:
		q := quantified{mod: c.mod, negate: c.op == opUnequal}
		for _, value := range c.values {
			m, err := newMatcher(c.op, c.left, []string{value}, x)
			if err != nil {
				return err
			}
			q.each = append(q.each, m)
		}
		c.matcher = q
		return nil
	}
	if c.matcher, err = newMatcher(c.op, c.left, c.values, x); err != nil {
		return err
	}
	// Rules write "evt.num = 0" for never and "evt.num >= 0" for always: the
	// first event has number 1, and no alert prints it.
	if c.left.name == "evt.num" && c.left.plain() && len(c.values) == 1 {
		if n, ok := canonicalInt(c.values[0]); ok && (n == "0" || n[0] == '-') {
			c.fixed, c.always = true, truthOf(c.holds(&alert.Value{Kind: alert.Int, Text: "1"}))
		}
	}
	return nil
}

func (c *check) compileField() error {
	switch {
	case c.op == opPMatch || c.op == opRegex || c.op == opBContains || c.op == opBStartsWith:
		return fmt.Errorf("%s takes no field on its right-hand side", c.op)
	case c.left.filterOnly():
		return fmt.Errorf("%s cannot be compared with a field", c.left.name)
	case c.right.filterOnly():
		return fmt.Errorf("%s cannot stand on the right-hand side", c.right.name)
	}
	return nil
}

// truth decides the check; t, unless it is nil, is told what was read.
func (c *check) truth(v Values, t *trace) Truth {
	if c.fixed {
		return c.always
	}
	if c.left.family != nil {
		return c.anyAncestor(v, t)
	}
	if f := c.left.quick(v); f != nil {
		t.read(f)
		return c.test(&f.Value, v, t)
	}
	return c.search(v, t)
}

// search decides the check when the field is not just there and known.
func (c *check) search(v Values, t *trace) Truth {
	f, ok := c.left.find(v)
	if ok && f.Value.Known() {
		t.read(&f)
		if isCut(v, f.Name) {
			return c.testCut(&f, t)
		}
		return c.test(&f.Value, v, t)
	}
	switch {
	case ok && c.op == opExists:
		t.read(&f)
		return False
	case ok && c.asksFor(&f.Value):
		t.read(&f)
		return truthOf(c.op != opUnequal)
	case ok || c.left.derive == nil:
		t.miss(c.left.name)
		return Unknown
	}
	d := c.left.derive(v)
	switch {
	case d.how != untold:
		return c.testDerived(&d, v, t)
	case d.missing != "":
		t.miss(d.missing)
	default:
		t.miss(c.left.name)
	}
	return Unknown
}

// asksFor reports whether the check names the placeholder that stands for an
// unknown value, as rules do that ask for "<NA>".
func (c *check) asksFor(v *alert.Value) bool {
	return v.Kind == alert.String && (c.op == opEqual || c.op == opUnequal || c.op == opIn || c.op == opIntersects) &&
		c.mod == noModifier && c.left.plain() && slices.Contains(c.values, v.Text)
}

// test decides the check for one known value.
func (c *check) test(value *alert.Value, v Values, t *trace) Truth {
	if c.left.transforms != nil || c.left.unset32 {
		changed, ok := c.left.transformed(*value)
		if !ok {
			return False // as in Falco: what cannot be transformed is not there
		}
		value = &changed
	}
	if c.op == opExists {
		return True
	}
	if c.right == nil {
		return truthOf(c.holds(value))
	}
	other, truth := c.right.one(v, t)
	if truth != True {
		return truth
	}
	return truthOf(compareFields(c.op, value, &other))
}

// one returns the value of an operand on the right-hand side. truth is True
// when there is one, False when it cannot be transformed.
func (o *operand) one(v Values, t *trace) (value alert.Value, truth Truth) {
	f, ok := o.find(v)
	switch {
	case ok && f.Value.Known() && !isCut(v, f.Name):
		t.read(&f)
		value = f.Value
	case !ok && o.derive != nil:
		d := o.derive(v)
		if d.how != either || d.n != 1 {
			t.miss(o.name)
			return value, Unknown
		}
		d.tell(t)
		value = d.values[0]
	default:
		t.miss(o.name)
		return value, Unknown
	}
	value, ok = o.transformed(value)
	return value, truthOf(ok)
}

// holds applies the operator to a value. Of a list, "in" asks for all items,
// "!=" for none, the others for any.
func (c *check) holds(v *alert.Value) bool {
	negated := c.op == opUnequal && c.mod == noModifier
	if v.Kind != alert.List {
		return c.matcher.match(v.Kind, v.Text) != negated
	}
	for _, item := range v.Items {
		if c.matcher.match(alert.String, item) != (c.op == opIn) {
			return !negated && c.op != opIn
		}
	}
	return negated || c.op == opIn && len(v.Items) > 0
}

// testDerived decides the check for what other fields tell.
func (c *check) testDerived(d *derived, v Values, t *trace) Truth {
	d.tell(t)
	if d.how == absent {
		return False
	}
	out := c.test(&d.values[0], v, t)
	for i := 1; i < d.n; i++ {
		truth := c.test(&d.values[i], v, t)
		switch {
		case d.how == either && truth != out:
			t.miss(c.left.name)
			return Unknown
		case c.op == opUnequal: // of both ends neither may be equal
			out = min(out, truth)
		default:
			out = max(out, truth)
		}
	}
	if d.how == atLeast {
		if c.op == opUnequal {
			out = min(out, Unknown)
		} else {
			out = max(out, Unknown)
		}
		t.miss(d.missing)
	}
	return out
}

func (d *derived) tell(t *trace) {
	for i := range d.from {
		if d.from[i].Name != "" {
			t.read(&d.from[i])
		}
	}
}

// isCut reports whether Falcosidekick cut a field of the alert.
func isCut(v Values, name string) bool {
	a, ok := v.(*alert.Alert)
	return ok && len(a.Cut) > 0 && slices.Contains(a.Cut, name)
}

// testCut decides the check for a value that Falcosidekick cut: only what its
// beginning proves is certain.
func (c *check) testCut(f *alert.Field, t *trace) Truth {
	if c.op == opExists {
		return True
	}
	// The cut may have gone through a character.
	beginning := strings.TrimRight(strings.TrimSuffix(f.Value.Text, "[...]"), "\uFFFD")
	if c.left.plain() && c.right == nil && c.mod == noModifier {
		switch c.op {
		case opContains, opIContains, opBContains, opStartsWith, opBStartsWith:
			if c.matcher.match(alert.String, beginning) {
				return True
			}
			if s, ok := c.matcher.(startsWith); ok && !strings.HasPrefix(string(s), beginning) {
				return False
			}
		case opEqual, opUnequal, opIn, opIntersects:
			if !slices.ContainsFunc(c.values, func(s string) bool { return strings.HasPrefix(s, beginning) }) {
				return truthOf(c.op == opUnequal)
			}
		}
	}
	t.miss(c.left.name)
	return Unknown
}

// compareFields applies an operator to the values of two fields.
func compareFields(op operator, a, b *alert.Value) bool {
	switch op {
	case opIn, opIntersects:
		return compareLists(op, a, b)
	case opUnequal:
		return !compareFields(opEqual, a, b)
	}
	for _, list := range [...]*alert.Value{a, b} {
		if list.Kind != alert.List {
			continue
		}
		for _, s := range list.Items {
			item := text(s)
			if list == a && compareFields(op, &item, b) || list == b && compareFields(op, a, &item) {
				return true
			}
		}
		return false
	}
	switch op {
	case opEqual:
		return equalValues(a, b)
	case opContains:
		return strings.Contains(a.Text, b.Text)
	case opIContains:
		return containsFold(lower(b.Text)).match(a.Kind, a.Text)
	case opStartsWith:
		return strings.HasPrefix(a.Text, b.Text)
	case opEndsWith:
		return strings.HasSuffix(a.Text, b.Text)
	case opGlob, opIGlob:
		return glob(b.Text, a.Text, op == opIGlob)
	}
	return op.holds(compare(a.Text, b.Text))
}

func equalValues(a, b *alert.Value) bool {
	number := func(v *alert.Value) bool { return v.Kind == alert.Int || v.Kind == alert.Float }
	return a.Text == b.Text || number(a) && number(b) && compareNumbers(a.Text, b.Text) == 0
}

func compareLists(op operator, a, b *alert.Value) bool {
	items := func(v *alert.Value) []string {
		if v.Kind == alert.List {
			return v.Items
		}
		return []string{v.Text}
	}
	set := items(b)
	for _, item := range items(a) {
		if slices.Contains(set, item) != (op == opIn) {
			return op != opIn
		}
	}
	return op == opIn
}
