package condition

import (
	"regexp/syntax"
	"strings"
)

// maxNeedles bounds how many strings are looked for before an expression runs.
const maxNeedles = 24

// needles returns strings of which every text that matches the expression
// contains at least one; nil if there are none to be had. Looking for them is
// many times faster than running the expression, and most texts hold none.
func needles(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 && len(re.Rune) > 1 {
			return []string{string(re.Rune)}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needles(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needles(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if n := needles(sub); rarer(n, best) {
				best = n
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			n := needles(sub)
			if n == nil || len(all)+len(n) > maxNeedles {
				return nil
			}
			all = append(all, n...)
		}
		return all
	}
	return nil
}

// rarer reports whether a is likely to be found less often than b: its
// shortest string is longer, or there are fewer of them.
func rarer(a, b []string) bool {
	switch {
	case a == nil || b == nil:
		return a != nil
	case shortest(a) != shortest(b):
		return shortest(a) > shortest(b)
	}
	return len(a) < len(b)
}

func shortest(list []string) int {
	n := len(list[0])
	for _, s := range list[1:] {
		n = min(n, len(s))
	}
	return n
}

// hasOne reports whether text contains one of the needles, or there are none.
func hasOne(text string, list []string) bool {
	for _, s := range list {
		if strings.Contains(text, s) {
			return true
		}
	}
	return list == nil
}
