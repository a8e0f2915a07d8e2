package condition

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// String returns the condition in one canonical form with its lists and macros
// in place. Parsed again, it has the same value for every alert.
func (c *Condition) String() string {
	if c == nil {
		return ""
	}
	var b strings.Builder
	c.root.print(&b)
	return b.String()
}

func (n *node) print(b *strings.Builder) {
	switch n.kind {
	case leaf:
		n.check.print(b)
	case not:
		b.WriteString("not ")
		n.kids[0].inner(b)
	default:
		for i, k := range n.kids {
			switch {
			case i == 0:
			case n.kind == and:
				b.WriteString(" and ")
			default:
				b.WriteString(" or ")
			}
			k.inner(b)
		}
	}
}

// inner prints a part of another node, in parentheses if it is an and or or.
func (n *node) inner(b *strings.Builder) {
	if n.kind == and || n.kind == or {
		b.WriteByte('(')
		n.print(b)
		b.WriteByte(')')
		return
	}
	n.print(b)
}

func (c *check) print(b *strings.Builder) {
	b.WriteString(c.left.String())
	b.WriteByte(' ')
	b.WriteString(c.op.String())
	switch {
	case c.op == opExists:
	case c.right != nil && c.right.plain():
		b.WriteString(" val(" + c.right.String() + ")")
	case c.right != nil:
		b.WriteString(" " + c.right.String())
	case c.op.takes() == number && c.left.name != priorityField:
		b.WriteString(" " + c.values[0])
	case c.op.takes() == many || c.mod != noModifier:
		if c.mod != noModifier {
			b.WriteString(" " + c.mod.String())
		}
		b.WriteString(" (")
		for i, v := range c.values {
			if i > 0 {
				b.WriteString(", ")
			}
			quote(b, v)
		}
		b.WriteByte(')')
	default:
		b.WriteByte(' ')
		quote(b, c.values[0])
	}
}

// String writes the operand as in a condition.
func (o *operand) String() string {
	var b strings.Builder
	for _, t := range o.transforms {
		b.WriteString(t.String() + "(")
	}
	name, arg, hasArg := strings.Cut(o.name, "[")
	b.WriteString(name)
	if hasArg {
		arg = strings.TrimSuffix(arg, "]")
		b.WriteByte('[')
		if allBytes(arg, isBareArgument) {
			b.WriteString(arg)
		} else {
			quote(&b, arg)
		}
		b.WriteByte(']')
	}
	b.WriteString(strings.Repeat(")", len(o.transforms)))
	return b.String()
}

// allBytes reports whether s is not empty and all of it is ok.
func allBytes(s string, ok func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if !ok(s[i]) {
			return false
		}
	}
	return s != ""
}

// quote writes a string so that Falco's escapes give it back. Every string is
// quoted: a bare word could be the name of a list.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ' || r == 0x7f || r == utf8.RuneError && n == 1:
			fmt.Fprintf(b, `\x%02x`, s[i])
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	b.WriteByte('"')
}
