package condition

import (
	"slices"
	"strings"
)

// Definitions are the lists and macros that conditions may use. An item of a
// list may be the name of another list. An item with a special meaning in a
// condition may stand in quotes, as in Falco's rule files.
type Definitions struct {
	Lists  map[string][]string
	Macros map[string]string
}

// What a condition may grow to with its macros and lists in place. Falco's
// own rules stay below a tenth of each.
const (
	maxDepth   = 200
	maxChecks  = 20_000
	maxValues  = 1_000_000
	maxRegexps = 500
)

// expansion puts the definitions into one condition.
type expansion struct {
	defs    *Definitions
	macros  map[string]*node
	lists   map[string][]string
	active  []string // the macros being read, outermost first
	values  int
	regexps int
}

func newExpansion(defs *Definitions) *expansion {
	if defs == nil {
		defs = &Definitions{}
	}
	return &expansion{defs: defs}
}

// macro returns the tree of a macro; ok is false when there is none. The error
// has no position when it lies in the use, not in the text of the macro.
func (x *expansion) macro(name string) (n *node, ok bool, err *Error) {
	text, ok := x.defs.Macros[name]
	if !ok {
		return nil, false, nil
	}
	if n, ok := x.macros[name]; ok {
		return n, true, nil
	}
	if i := slices.Index(x.active, name); i >= 0 {
		return nil, true, &Error{Reason: cycle("macro", append(x.active[i:len(x.active):len(x.active)], name))}
	}
	if len(x.active) >= maxDepth {
		return nil, true, &Error{Reason: tooDeep}
	}
	x.active = append(x.active, name)
	n, err = x.parse(text)
	x.active = x.active[:len(x.active)-1]
	if err != nil {
		if err.Macro == "" {
			err.Macro = name
		}
		return nil, true, err
	}
	if x.macros == nil {
		x.macros = map[string]*node{}
	}
	x.macros[name] = n
	return n, true, nil
}

// list returns the values of a list, the lists in it put in place; ok is false
// when there is none. The error has no position.
func (x *expansion) list(name string) (values []string, ok bool, err *Error) {
	return x.listIn(name, nil)
}

func (x *expansion) listIn(name string, within []string) ([]string, bool, *Error) {
	items, ok := x.defs.Lists[name]
	if !ok {
		return nil, false, nil
	}
	if values, ok := x.lists[name]; ok {
		return values, true, nil
	}
	if i := slices.Index(within, name); i >= 0 {
		return nil, true, &Error{Reason: cycle("list", append(within[i:len(within):len(within)], name))}
	}
	if len(within) >= maxDepth {
		return nil, true, &Error{Reason: tooDeep}
	}
	within = append(within, name)
	var values []string
	for _, item := range items {
		inner, ok, err := x.listIn(item, within)
		if err != nil {
			return nil, true, err
		}
		if ok {
			values = append(values, inner...)
		} else {
			values = append(values, unquoteItem(item))
		}
		if len(values) > maxValues {
			return nil, true, &Error{Reason: tooManyValues}
		}
	}
	if x.lists == nil {
		x.lists = map[string][]string{}
	}
	x.lists[name] = values
	return values, true, nil
}

// word returns the values of a list, or the word itself when it names none.
func (x *expansion) word(text string) ([]string, *Error) {
	values, ok, err := x.list(text)
	if err != nil || ok {
		return values, err
	}
	return []string{text}, nil
}

// count adds to the number of values in use.
func (x *expansion) count(values int) *Error {
	if x.values += values; x.values > maxValues {
		return &Error{Reason: tooManyValues}
	}
	return nil
}

const (
	tooDeep       = "the condition is nested too deeply (more than 200 levels)"
	tooBig        = "the condition is too big: more than 20000 checks with its macros in place"
	tooManyValues = "the condition is too big: more than 1000000 values with its lists in place"
	tooManyRegexp = "the condition is too big: more than 500 regular expressions"
)

func cycle(kind string, names []string) string {
	return kind + ` "` + names[0] + `" uses itself: ` + strings.Join(names, " → ")
}

// unquoteItem removes the quotes that a rule file puts around an item with
// blanks or parentheses. What is no well-formed quoted string is taken as it is.
func unquoteItem(item string) string {
	s := scanner{text: item}
	if text, ok, err := s.quoted(); ok && err == nil && s.pos == len(item) {
		return text
	}
	return item
}
