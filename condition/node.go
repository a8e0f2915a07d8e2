package condition

import "slices"

// node is a part of a condition. Macros share their nodes: a node is never
// changed once it is made.
type node struct {
	kind   kind
	kids   []*node // of and, or; one of not
	fast   []*node // the kids, cheap ones first: the order does not change the truth
	check  *check  // of a leaf
	size   int     // checks below, shared ones counted each time
	height int
}

type kind uint8

const (
	leaf kind = iota
	not
	and
	or
)

func leafOf(c *check) *node { return &node{kind: leaf, check: c, size: 1, height: 1} }

func notOf(n *node) *node {
	if n.kind == not {
		return n.kids[0]
	}
	return &node{kind: not, kids: []*node{n}, size: n.size, height: n.height + 1}
}

// join makes an and or an or; those of the same kind below it become part of it.
func join(k kind, parts []*node) *node {
	if len(parts) == 1 {
		return parts[0]
	}
	n := &node{kind: k}
	for _, p := range parts {
		n.size += p.size
		if n.size > maxChecks {
			return n // refused by the parser; the kids would not fit
		}
		if p.kind == k {
			n.kids = append(n.kids, p.kids...)
			n.height = max(n.height, p.height)
		} else {
			n.kids = append(n.kids, p)
			n.height = max(n.height, p.height+1)
		}
	}
	n.fast = slices.Clone(n.kids)
	slices.SortStableFunc(n.fast, func(a, b *node) int { return a.cost() - b.cost() })
	return n
}

// cost is how much longer than one comparison the truth of n takes, about.
func (n *node) cost() int {
	switch {
	case n.kind != leaf:
		sum := 0
		for _, k := range n.kids {
			sum += k.cost()
		}
		return sum
	case n.check.op == opRegex:
		return 20
	case n.check.left.family != nil:
		return 8
	case n.check.op == opContains || n.check.op == opIContains || n.check.op == opGlob || n.check.op == opIGlob:
		return 3
	}
	return 1
}

// eachCheck calls f for each check, in order of appearance.
func (n *node) eachCheck(f func(*check)) {
	if n.kind == leaf {
		f(n.check)
		return
	}
	for _, k := range n.kids {
		k.eachCheck(f)
	}
}
