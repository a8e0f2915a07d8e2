package condition

import (
	"fmt"
	"strings"
)

// FromException returns the condition that holds for what an exception of a
// Falco rule excepts: the rule's own condition is followed by "and not" it.
//
// fields and comps are the exception's; without comps each field is compared
// by "=", a single one by "in". Each row of values has one value per field.
// Where the operator takes a list, a value may be a whole one (see ListValue). Rows
// of a single field with such an operator may have any number of values. An
// exception without values excepts nothing: it is always false. Values may
// stand in quotes, as in Falco's rule files. The error is an *Error whose line
// is the row of values.
func FromException(fields, comps []string, values [][]string) (*Condition, error) {
	return new(Definitions).FromException(fields, comps, values)
}

// FromException is as the function of this name, with values that may be the
// names of lists.
func (d *Definitions) FromException(fields, comps []string, values [][]string) (*Condition, error) {
	if len(fields) == 0 {
		return nil, &Error{Line: 1, Column: 1, Reason: "the exception has no fields"}
	}
	if len(comps) == 0 {
		comps = defaultComps(len(fields))
	}
	if len(comps) != len(fields) {
		return nil, &Error{Line: 1, Column: 1, Reason: fmt.Sprintf("the exception has %d fields and %d comps", len(fields), len(comps))}
	}
	x := newExpansion(d)
	list := len(fields) == 1 && takesList(comps[0])
	if list || len(values) == 0 {
		var row []string
		for _, r := range values {
			row = append(row, r...)
		}
		if len(values) == 0 && !list {
			comps = []string{"in"} // of nothing: never
		}
		n, err := x.excepted(fields[0], comps[0], row)
		if err != nil {
			return nil, err
		}
		return newCondition(n), nil
	}
	var rows []*node
	for i, row := range values {
		if len(row) != len(fields) {
			return nil, &Error{Line: i + 1, Column: 1, Reason: fmt.Sprintf("the exception has %d fields and %d values in a row", len(fields), len(row))}
		}
		var parts []*node
		for k, field := range fields {
			n, err := x.excepted(field, comps[k], row[k:k+1])
			if err != nil {
				err.Line = i + 1
				return nil, err
			}
			parts = append(parts, n)
		}
		rows = append(rows, join(and, parts))
	}
	n := join(or, rows)
	if n.size > maxChecks {
		return nil, &Error{Line: 1, Column: 1, Reason: tooBig}
	}
	return newCondition(n), nil
}

// ListValue writes a list as one value of an exception's row: "(a, b)".
func ListValue(items []string) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		if allBytes(item, isBare) || unquoteItem(item) != item {
			b.WriteString(item)
		} else {
			quote(&b, item)
		}
	}
	b.WriteByte(')')
	return b.String()
}

func defaultComps(n int) []string {
	if n == 1 {
		return []string{"in"}
	}
	comps := make([]string, n)
	for i := range comps {
		comps[i] = "="
	}
	return comps
}

func takesList(comp string) bool {
	op, mod, ok := compOf(comp)
	return ok && (op.takes() == many || mod != noModifier)
}

// compOf reads an operator of an exception: "startswith", "startswith oneof".
func compOf(comp string) (op operator, mod modifier, ok bool) {
	first, second, two := strings.Cut(strings.TrimSpace(comp), " ")
	op, ok = operatorNamed(first)
	if !ok || !two {
		return op, noModifier, ok
	}
	for m := oneOf; m <= allOf; m++ {
		if strings.TrimSpace(second) == m.String() && op.takes() == one {
			return op, m, true
		}
	}
	return op, noModifier, false
}

// excepted makes the check of one field with one row's values.
func (x *expansion) excepted(field, comp string, row []string) (*node, *Error) {
	p := &parser{scanner: scanner{text: field}, x: x}
	p.blanks()
	left, err := p.operand()
	if err == nil {
		if p.blanks(); p.pos < len(field) {
			err = p.fail(p.pos, "expected the end, found %s", p.found())
		}
	}
	if err != nil {
		err.Reason = fmt.Sprintf("field %q: %s", field, err.Reason)
		return nil, err
	}
	op, mod, ok := compOf(comp)
	if !ok || op == opExists {
		return nil, &Error{Line: 1, Column: 1, Reason: fmt.Sprintf("unknown operator %q in comps", comp)}
	}
	c := &check{left: left, op: op, mod: mod}
	for _, value := range row {
		values, err := x.exceptedValues(value, op, takesList(comp))
		if err != nil {
			err.Reason = fmt.Sprintf("value %q: %s", value, err.Reason)
			return nil, err
		}
		c.values = append(c.values, values...)
	}
	if err = x.count(len(c.values)); err == nil {
		err = c.prepare(x)
	}
	if err != nil {
		err.Line, err.Column = 1, 1
		return nil, err
	}
	return leafOf(c), nil
}

func (x *expansion) exceptedValues(value string, op operator, list bool) ([]string, *Error) {
	if list && strings.HasPrefix(value, "(") {
		p := &parser{scanner: scanner{text: value}, x: x}
		values, err := p.values()
		if err == nil && p.pos == len(value) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		return nil, p.fail(p.pos, "expected the end, found %s", p.found())
	}
	if op.takes() == number && !isNumber(value) {
		return nil, &Error{Line: 1, Column: 1, Reason: "expected a number"}
	}
	literal := unquoteItem(value)
	if literal != value {
		return []string{literal}, nil
	}
	values, err := x.word(value)
	if err != nil {
		err.Line, err.Column = 1, 1
		return nil, err
	}
	if !list && len(values) != 1 {
		return nil, &Error{Line: 1, Column: 1, Reason: fmt.Sprintf("it is a list of %d values and %s takes one", len(values), op)}
	}
	return values, nil
}
