package condition

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/alert"
)

type operator uint8

const (
	opExists operator = iota
	opEqual
	opUnequal
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opContains
	opIContains
	opBContains
	opStartsWith
	opBStartsWith
	opEndsWith
	opGlob
	opIGlob
	opRegex
	opIn
	opIntersects
	opPMatch
)

// operand count of an operator's right-hand side.
type arity uint8

const (
	nothing arity = iota
	number        // one number
	one           // one string
	many          // a list
)

// operators in the order in which they are tried: the longer symbol first.
var operators = [...]struct {
	text string
	op   operator
}{
	{"==", opEqual}, {"=", opEqual}, {"!=", opUnequal},
	{"<=", opLessEqual}, {"<", opLess}, {">=", opGreaterEqual}, {">", opGreater},
	{"exists", opExists},
	{"contains", opContains}, {"icontains", opIContains}, {"bcontains", opBContains},
	{"startswith", opStartsWith}, {"bstartswith", opBStartsWith}, {"endswith", opEndsWith},
	{"glob", opGlob}, {"iglob", opIGlob}, {"regex", opRegex},
	{"in", opIn}, {"intersects", opIntersects}, {"pmatch", opPMatch},
}

var operatorNames = func() string {
	names := make([]string, len(operators))
	for i, o := range operators {
		names[i] = o.text
	}
	return strings.Join(names[1:], " ") // without "==", the same as "="
}()

func (op operator) String() string {
	for _, o := range operators[1:] {
		if o.op == op {
			return o.text
		}
	}
	return "?"
}

func (op operator) takes() arity {
	switch op {
	case opExists:
		return nothing
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		return number
	case opIn, opIntersects, opPMatch:
		return many
	}
	return one
}

func operatorNamed(text string) (operator, bool) {
	for _, o := range operators {
		if o.text == text {
			return o.op, true
		}
	}
	return 0, false
}

// modifier says how many values of a list have to hold for an operator that
// otherwise takes one value.
type modifier uint8

const (
	noModifier modifier = iota
	oneOf
	anyOf
	allOf
)

func (m modifier) String() string { return [...]string{"", "oneof", "anyof", "allof"}[m] }

// matcher decides an operator with its right-hand side for one value.
type matcher interface {
	match(kind alert.Kind, text string) bool
}

// newMatcher prepares an operator that takes values. opUnequal is prepared as
// opEqual: the check negates it.
func newMatcher(op operator, field *operand, values []string, x *expansion) (matcher, error) {
	switch op {
	case opEqual, opUnequal, opIn, opIntersects:
		return newEquality(field, values)
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		if field.name == priorityField {
			p, err := priorityOf(values[0])
			return priorityOrder{op, p}, err
		}
		return newOrder(op, values[0]), nil
	case opContains:
		return contains(values[0]), nil
	case opIContains:
		return containsFold(lower(values[0])), nil
	case opBContains, opBStartsWith:
		raw, err := hex.DecodeString(values[0])
		if err != nil {
			return nil, fmt.Errorf("%s takes bytes in hexadecimal such as CAFE, not %q", op, values[0])
		}
		if op == opBContains {
			return contains(raw), nil
		}
		return startsWith(raw), nil
	case opStartsWith:
		return startsWith(values[0]), nil
	case opEndsWith:
		return endsWith(values[0]), nil
	case opGlob:
		return globbing{values[0], false}, nil
	case opIGlob:
		return globbing{values[0], true}, nil
	case opRegex:
		if x.regexps++; x.regexps > maxRegexps {
			return nil, errors.New(tooManyRegexp)
		}
		return newExpression(values[0])
	case opPMatch:
		return newPathTree(values), nil
	}
	return nil, fmt.Errorf("%s takes no values", op)
}

// newExpression reads a pattern that has to match a whole value.
func newExpression(pattern string) (matcher, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("the regular expression %q is wrong: %v", pattern, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return &expression{pattern: pattern, needles: needles(re)}, nil
}

func newEquality(field *operand, values []string) (matcher, error) {
	switch field.domain() {
	case networks:
		return newPrefixes(values)
	case addresses:
		return newAddresses(values)
	case ports:
		for _, v := range values {
			if n, ok := canonicalInt(v); !ok || n[0] == '-' {
				return nil, fmt.Errorf("expected a port number, found %q", v)
			}
		}
	}
	literals := make([]literal, len(values))
	for i, v := range values {
		if field.name == priorityField {
			p, err := priorityOf(v)
			if err != nil {
				return nil, err
			}
			v = p.String()
		}
		literals[i] = newLiteral(v)
		if field.unset32 && literals[i].integer == unset32 {
			literals[i] = newLiteral("-1")
		}
	}
	if len(literals) == 1 {
		return literals[0], nil
	}
	return newSet(literals), nil
}

const priorityField = "priority"

func priorityOf(text string) (alert.Priority, error) {
	p, ok := alert.ParsePriority(text)
	if !ok {
		return 0, fmt.Errorf("expected a priority (Emergency, Alert, Critical, Error, Warning, Notice, Informational, Debug), found %q", text)
	}
	return p, nil
}

// literal is one value of a condition.
type literal struct {
	text    string
	integer string // in canonical decimal digits; "" when it is no integer
}

func newLiteral(text string) literal {
	n, _ := canonicalInt(text)
	return literal{text, n}
}

func (l literal) match(kind alert.Kind, text string) bool {
	if text == l.text {
		return true
	}
	switch kind {
	case alert.Int:
		return text == l.integer
	case alert.Float:
		return isNumber(l.text) && compareNumbers(text, l.text) == 0
	}
	return false
}

// set is many literals.
type set struct {
	texts    map[string]struct{}
	integers map[string]struct{} // those that are written differently in texts
	literals []literal
	min, max int // bytes of the shortest and the longest text
}

const linearSet = 4 // up to here comparing each is faster than a map

func newSet(literals []literal) *set {
	s := &set{literals: literals, min: len(literals[0].text)}
	if len(literals) > linearSet {
		s.texts = make(map[string]struct{}, len(literals))
	}
	for _, l := range literals {
		s.min, s.max = min(s.min, len(l.text)), max(s.max, len(l.text))
		if s.texts != nil {
			s.texts[l.text] = struct{}{}
		}
		if l.integer != "" && l.integer != l.text {
			if s.integers == nil {
				s.integers = map[string]struct{}{}
			}
			s.integers[l.integer] = struct{}{}
		}
	}
	return s
}

func (s *set) match(kind alert.Kind, text string) bool {
	switch {
	case len(text) < s.min || len(text) > s.max:
	case s.texts != nil:
		if _, ok := s.texts[text]; ok {
			return true
		}
	default:
		for i := range s.literals {
			if s.literals[i].text == text {
				return true
			}
		}
	}
	switch kind {
	case alert.Int:
		if s.integers != nil {
			_, ok := s.integers[text]
			return ok
		}
	case alert.Float:
		for _, l := range s.literals {
			if l.match(kind, text) {
				return true
			}
		}
	}
	return false
}

// order is "<" and its like.
type order struct {
	op      operator
	than    string
	small   int64 // than, if isSmall
	isSmall bool
}

func newOrder(op operator, than string) order {
	small, ok := smallInt(than)
	return order{op, than, small, ok}
}

func (o order) match(_ alert.Kind, text string) bool {
	if o.isSmall {
		if n, ok := smallInt(text); ok {
			return o.op.holds(cmp.Compare(n, o.small))
		}
	}
	return o.op.holds(compare(text, o.than))
}

// holds applies an ordering operator to the result of a comparison.
func (op operator) holds(sign int) bool {
	switch op {
	case opLess:
		return sign < 0
	case opLessEqual:
		return sign <= 0
	case opGreater:
		return sign > 0
	}
	return sign >= 0
}

type priorityOrder struct {
	op   operator
	than alert.Priority
}

func (o priorityOrder) match(_ alert.Kind, text string) bool {
	p, ok := alert.ParsePriority(text)
	return ok && o.op.holds(int(p)-int(o.than))
}

type contains string

func (s contains) match(_ alert.Kind, text string) bool { return strings.Contains(text, string(s)) }

type containsFold string // lower case

func (s containsFold) match(_ alert.Kind, text string) bool {
	for i := 0; i+len(s) <= len(text); i++ {
		if equalFold(text[i:i+len(s)], string(s)) {
			return true
		}
	}
	return false
}

type startsWith string

func (s startsWith) match(_ alert.Kind, text string) bool { return strings.HasPrefix(text, string(s)) }

type endsWith string

func (s endsWith) match(_ alert.Kind, text string) bool { return strings.HasSuffix(text, string(s)) }

type globbing struct {
	pattern string
	fold    bool
}

func (g globbing) match(_ alert.Kind, text string) bool { return glob(g.pattern, text, g.fold) }

// expression is a regular expression, compiled when a text first needs it:
// most never do, and compiling them all would cost every start.
type expression struct {
	pattern string
	needles []string
	once    sync.Once
	re      *regexp.Regexp
}

func (e *expression) match(_ alert.Kind, text string) bool {
	if !hasOne(text, e.needles) {
		return false
	}
	e.once.Do(func() { e.re = regexp.MustCompile(`\A(?:` + e.pattern + `)\z`) })
	return e.re.MatchString(text)
}

// quantified is an operator with oneof, anyof or allof.
type quantified struct {
	mod    modifier
	each   []matcher
	negate bool // each of them
}

func (q quantified) match(kind alert.Kind, text string) bool {
	n := 0
	for _, m := range q.each {
		holds := m.match(kind, text) != q.negate
		switch {
		case holds && q.mod == anyOf:
			return true
		case !holds && q.mod == allOf:
			return false
		case holds:
			n++
		}
	}
	return q.mod == allOf || q.mod == oneOf && n == 1
}

// addressSet is one or more IP addresses.
type addressSet []netip.Addr

func newAddresses(values []string) (matcher, error) {
	out := make(addressSet, len(values))
	for i, v := range values {
		a, err := netip.ParseAddr(v)
		if err != nil {
			return nil, fmt.Errorf("expected an IP address, found %q", v)
		}
		out[i] = a
	}
	return out, nil
}

func (s addressSet) match(_ alert.Kind, text string) bool {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	for _, want := range s {
		if a == want {
			return true
		}
	}
	return false
}

// prefixSet is one or more IP networks.
type prefixSet []netip.Prefix

func newPrefixes(values []string) (matcher, error) {
	out := make(prefixSet, len(values))
	for i, v := range values {
		p, err := netip.ParsePrefix(v)
		if err != nil {
			return nil, fmt.Errorf("expected a network such as 10.0.0.0/8, found %q", v)
		}
		out[i] = p
	}
	return out, nil
}

func (s prefixSet) match(_ alert.Kind, text string) bool {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	for _, p := range s {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
