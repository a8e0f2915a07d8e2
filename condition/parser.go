package condition

import "strings"

// parser reads one text: a condition or the body of a macro.
type parser struct {
	scanner
	x     *expansion
	depth int // of parentheses
}

// parse reads a whole text.
func (x *expansion) parse(text string) (*node, *Error) {
	p := &parser{scanner: scanner{text: text}, x: x}
	p.blanks()
	if p.pos == len(text) {
		return nil, p.fail(p.pos, "the condition is empty")
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.pos < len(text) {
		return nil, p.fail(p.pos, `expected "and", "or" or the end, found %s`, p.found())
	}
	return n, nil
}

func (p *parser) fail(at int, format string, args ...any) *Error {
	return errorAt(p.text, at, format, args...)
}

// place gives an error without a position the position at.
func (p *parser) place(at int, err *Error) *Error {
	if err != nil && err.Line == 0 {
		return p.fail(at, "%s", err.Reason)
	}
	return err
}

func (p *parser) or() (*node, *Error) { return p.chain(or, "or", p.and) }

func (p *parser) and() (*node, *Error) { return p.chain(and, "and", p.not) }

// chain reads parts joined by a keyword, and the blanks behind.
func (p *parser) chain(k kind, word string, part func() (*node, *Error)) (*node, *Error) {
	start := p.pos
	var parts []*node
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		p.blanks()
		if !p.keyword(word) {
			break
		}
		p.blanks()
	}
	n := join(k, parts)
	switch {
	case n.size > maxChecks:
		return nil, p.fail(start, tooBig)
	case n.height > maxDepth:
		return nil, p.fail(start, tooDeep)
	}
	return n, nil
}

func (p *parser) not() (*node, *Error) {
	negated := false
	for p.blanks(); p.keyword("not"); p.blanks() {
		negated = !negated
	}
	n, err := p.primary()
	if err != nil || !negated {
		return n, err
	}
	return notOf(n), nil
}

// primary reads a parenthesis, a check or a macro.
func (p *parser) primary() (*node, *Error) {
	start := p.pos
	if p.symbol("(") {
		if p.depth++; p.depth > maxDepth {
			return nil, p.fail(start, tooDeep)
		}
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.symbol(")") {
			return nil, p.fail(p.pos, `expected "and", "or" or ")", found %s`, p.found())
		}
		p.depth--
		return n, nil
	}
	name := p.name()
	switch name {
	case "":
		return nil, p.fail(p.pos, `expected a field, a macro or "(", found %s`, p.found())
	case "and", "or":
		return nil, p.fail(start, `expected a field, a macro or "(", found %q`, name)
	}
	p.pos = start
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.blanks()
	op, ok := p.operator()
	if !ok {
		if left.plain() && strings.IndexByte(name, '.') < 0 {
			return p.macro(name, start)
		}
		return nil, p.fail(p.pos, "expected an operator (%s) after %s, found %s", operatorNames, left, p.found())
	}
	return p.check(left, op)
}

func (p *parser) macro(name string, at int) (*node, *Error) {
	n, ok, err := p.x.macro(name)
	switch {
	case err != nil:
		return nil, p.place(at, err)
	case ok:
		return n, nil
	}
	if _, isList := p.x.defs.Lists[name]; isList {
		return nil, p.fail(at, "%q is a list: write FIELD in (%s)", name, name)
	}
	return nil, p.fail(at, "unknown macro %q (a field is followed by an operator)", name)
}

// operand reads a field or a transformer around one.
func (p *parser) operand() (*operand, *Error) {
	start := p.pos
	var transforms []transform
	var name string
	for {
		at := p.pos
		name = p.name()
		if name == "" {
			return nil, p.fail(p.pos, "expected a field, found %s", p.found())
		}
		if p.peek() != '(' || strings.IndexByte(name, '.') >= 0 {
			break
		}
		t, ok := transformNamed(name)
		if !ok {
			return nil, p.fail(at, "%s", unknownTransform(name))
		}
		if len(transforms) == maxDepth {
			return nil, p.fail(at, tooDeep)
		}
		transforms = append(transforms, t)
		p.pos++
		p.blanks()
	}
	arg, hasArg, err := p.argument()
	if err != nil {
		return nil, err
	}
	for range transforms {
		p.blanks()
		if !p.symbol(")") {
			return nil, p.fail(p.pos, `expected ")", found %s`, p.found())
		}
	}
	if len(transforms) > 0 && p.peek() == '[' {
		return nil, p.fail(p.pos, "%s() takes no argument in brackets", p.text[start:start+strings.IndexByte(p.text[start:], '(')])
	}
	return newOperand(name, arg, hasArg, transforms), nil
}

// argument reads a field's argument in brackets.
func (p *parser) argument() (arg string, ok bool, err *Error) {
	open := p.pos
	if !p.symbol("[") {
		return "", false, nil
	}
	arg, ok, err = p.quoted()
	if err != nil {
		return "", false, err
	}
	if !ok {
		arg = p.run(isBareArgument)
		ok = arg != ""
	}
	if !ok {
		return "", false, p.fail(p.pos, "expected the field's argument, found %s", p.found())
	}
	if !p.symbol("]") {
		return "", false, p.fail(p.pos, `expected "]" for the "[" in column %d, found %s`, errorAt(p.text, open, "").Column, p.found())
	}
	return arg, true, nil
}

func (p *parser) operator() (operator, bool) {
	for _, o := range operators {
		if isLetter(o.text[0]) && p.keyword(o.text) || !isLetter(o.text[0]) && p.symbol(o.text) {
			return o.op, true
		}
	}
	return 0, false
}

// check reads what follows an operator.
func (p *parser) check(left *operand, op operator) (*node, *Error) {
	c := &check{left: left, op: op}
	p.blanks()
	start := p.pos
	var err *Error
	switch op.takes() {
	case nothing:
	case number:
		if c.right, err = p.field(); err == nil && c.right == nil {
			c.values, err = p.numberOrPriority(left, op)
		}
	case one:
		if c.mod = p.modifier(); c.mod != noModifier {
			c.values, err = p.list(op)
		} else if c.right, err = p.field(); err == nil && c.right == nil {
			c.values, err = p.single(op)
		}
	case many:
		if c.right, err = p.field(); err == nil && c.right == nil {
			c.values, err = p.list(op)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := p.x.count(len(c.values)); err != nil {
		return nil, p.place(start, err)
	}
	if err := c.prepare(p.x); err != nil {
		return nil, p.place(start, err)
	}
	return leafOf(c), nil
}

// field reads a field on the right-hand side: val(f), or another transformer.
// It returns nil when none is next.
func (p *parser) field() (*operand, *Error) {
	start := p.pos
	name := p.name()
	open := p.peek() == '('
	p.pos = start
	if !open || strings.IndexByte(name, '.') >= 0 || name == "" {
		return nil, nil
	}
	if name != "val" {
		return p.operand()
	}
	p.pos += len("val(")
	p.blanks()
	o, err := p.operand()
	if err != nil {
		return nil, err
	}
	if !o.plain() {
		return nil, p.fail(start, "val() takes a field; write %s without it", o)
	}
	p.blanks()
	if !p.symbol(")") {
		return nil, p.fail(p.pos, `expected ")", found %s`, p.found())
	}
	return o, nil
}

func (p *parser) numberOrPriority(left *operand, op operator) ([]string, *Error) {
	start := p.pos
	if left.name == priorityField {
		if text, _, ok, err := p.value(); ok || err != nil {
			return []string{text}, err
		}
		return nil, p.fail(start, "expected a priority after %s, found %s", op, p.found())
	}
	if text := p.number(); text != "" {
		return []string{text}, nil
	}
	return nil, p.fail(start, "expected a number after %s, found %s", op, p.found())
}

// modifier reads oneof, anyof or allof; it is one only if a list follows.
func (p *parser) modifier() modifier {
	start := p.pos
	for m := oneOf; m <= allOf; m++ {
		if !p.keyword(m.String()) {
			continue
		}
		p.blanks()
		if p.peek() == '(' {
			return m
		}
		list := p.pos
		if name := p.name(); name != "" && name != "and" && name != "or" && name != "not" {
			p.pos = list
			return m
		}
		p.pos = start
	}
	return noModifier
}

// value reads a string; bare tells whether it had no quotes. ok is false when
// none is next.
func (p *parser) value() (text string, bare, ok bool, err *Error) {
	text, ok, err = p.quoted()
	if ok || err != nil {
		return text, false, ok, err
	}
	text = p.run(isBare)
	return text, true, text != "", nil
}

// single reads the one value of an operator such as "=".
func (p *parser) single(op operator) ([]string, *Error) {
	start := p.pos
	text, bare, ok, err := p.value()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, p.fail(start, "expected a value after %s, found %s", op, p.found())
	}
	if bare {
		items, ok, err := p.x.list(text)
		if err != nil {
			return nil, p.place(start, err)
		}
		if ok && len(items) != 1 {
			return nil, p.fail(start, `%q is a list of %d values and %s takes one: use "in", or quote the word`, text, len(items), op)
		}
		if ok {
			return items, nil
		}
	}
	return []string{text}, nil
}

// list reads values in parentheses, or the name of a list without them.
func (p *parser) list(op operator) ([]string, *Error) {
	if p.peek() == '(' {
		return p.values()
	}
	start := p.pos
	text := p.name()
	if text == "" {
		return nil, p.fail(start, `expected "(" and values after %s, found %s`, op, p.found())
	}
	values, err := p.x.word(text)
	return values, p.place(start, err)
}

// values reads a list, from its opening parenthesis on.
func (p *parser) values() ([]string, *Error) {
	p.pos++
	var out []string
	for {
		p.blanks()
		start := p.pos
		text, bare, ok, err := p.value()
		switch {
		case err != nil:
			return nil, err
		case !ok && out == nil && p.symbol(")"):
			return nil, nil
		case !ok:
			return nil, p.fail(p.pos, "expected a value, found %s", p.found())
		}
		values := []string{text}
		if bare {
			if values, err = p.x.word(text); err != nil {
				return nil, p.place(start, err)
			}
		}
		if out = append(out, values...); out == nil {
			out = []string{} // an empty list: no longer the first item
		}
		if len(out) > maxValues {
			return nil, p.fail(start, tooManyValues)
		}
		p.blanks()
		if p.symbol(")") {
			return out, nil
		}
		if !p.symbol(",") {
			return nil, p.fail(p.pos, `expected "," or ")", found %s`, p.found())
		}
	}
}
