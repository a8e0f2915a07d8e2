package condition

import "github.com/tiercel/tiercel/alert"

// Explanation is the value of a condition and why it has it.
type Explanation struct {
	Truth Truth
	// Read are the fields that decided it, as they stand in the alert; empty
	// when the value is unknown. Of a true "or" these are the fields of its
	// true parts, of a false "and" those of its false parts.
	Read []alert.Field
	// Missing are the fields that would have decided it but are not in the
	// alert or not known to Falco; empty unless the value is unknown.
	Missing []string
}

// Explain evaluates the condition completely and says which fields decided
// it: each once, in order of appearance.
func (c *Condition) Explain(v Values) Explanation {
	if c == nil {
		return Explanation{Truth: True}
	}
	e := c.root.explain(v)
	e.Read = once(e.Read, func(f alert.Field) string { return f.Name })
	e.Missing = once(e.Missing, func(name string) string { return name })
	return e
}

func (n *node) explain(v Values) Explanation {
	switch n.kind {
	case leaf:
		var t trace
		truth := n.check.truth(v, &t)
		if truth == Unknown {
			return Explanation{Truth: truth, Missing: t.missing}
		}
		return Explanation{Truth: truth, Read: t.fields}
	case not:
		e := n.kids[0].explain(v)
		e.Truth = e.Truth.Not()
		return e
	}
	parts := make([]Explanation, len(n.kids))
	out := Explanation{Truth: True}
	if n.kind == or {
		out.Truth = False
	}
	for i, k := range n.kids {
		parts[i] = k.explain(v)
		if n.kind == or {
			out.Truth = max(out.Truth, parts[i].Truth)
		} else {
			out.Truth = min(out.Truth, parts[i].Truth)
		}
	}
	for _, p := range parts {
		if p.Truth == out.Truth {
			out.Read = append(out.Read, p.Read...)
			out.Missing = append(out.Missing, p.Missing...)
		}
	}
	return out
}

func once[T any](list []T, key func(T) string) []T {
	if len(list) < 2 {
		return list
	}
	seen := make(map[string]bool, len(list))
	out := list[:0]
	for _, x := range list {
		if k := key(x); !seen[k] {
			seen[k] = true
			out = append(out, x)
		}
	}
	return out
}

// trace collects what a check read. A nil trace collects nothing.
type trace struct {
	fields  []alert.Field
	missing []string
}

func (t *trace) read(f *alert.Field) {
	if t != nil {
		t.fields = append(t.fields, *f)
	}
}

func (t *trace) miss(name string) {
	if t != nil {
		t.missing = append(t.missing, name)
	}
}
