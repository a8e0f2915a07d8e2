package claims

import "regexp/syntax"

// literals returns sets of texts: a text that the expression matches has one of
// each set. There may be none.
func literals(expr string) [][]string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return needed(re.Simplify())
}

const (
	shortest = 3  // a shorter text is in every sentence
	most     = 60 // alternatives
)

func needed(re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 && len(re.Rune) >= shortest {
			return [][]string{{string(re.Rune)}}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return needed(re.Sub[0])
		}
	case syntax.OpConcat:
		var out [][]string
		for _, sub := range re.Sub {
			out = append(out, needed(sub)...)
		}
		return out
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			sets := needed(sub)
			if len(sets) == 0 {
				return nil
			}
			out = append(out, best(sets)...)
		}
		if len(out) <= most {
			return [][]string{out}
		}
	}
	return nil
}

// best is the set that says most: the one whose shortest text is longest.
func best(sets [][]string) []string {
	at, length := 0, 0
	for i, set := range sets {
		n := len(set[0])
		for _, s := range set {
			n = min(n, len(s))
		}
		if n > length {
			at, length = i, n
		}
	}
	return sets[at]
}
