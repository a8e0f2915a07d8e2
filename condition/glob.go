package condition

import "strings"

// glob matches as fnmatch(3) does without flags, which is what Falco calls: a
// star also matches slashes and a leading dot. It compares bytes, and takes at
// most len(pattern)*len(text) steps.
func glob(pattern, text string, fold bool) bool {
	p, t := 0, 0
	star, from := -1, 0 // the last star, and where what follows it was tried
	for {
		if p < len(pattern) && pattern[p] == '*' {
			star, from = p, t
			p++
			continue
		}
		if p == len(pattern) && t == len(text) {
			return true
		}
		if p < len(pattern) && t < len(text) {
			if n, ok := globOne(pattern[p:], text[t], fold); ok {
				p += n
				t++
				continue
			}
		}
		if star < 0 || from >= len(text) {
			return false
		}
		from++
		p, t = star+1, from
	}
}

// globOne matches the first element of a pattern, which is no star, with c. It
// returns the element's length.
func globOne(pattern string, c byte, fold bool) (int, bool) {
	switch e := pattern[0]; e {
	case '?':
		return 1, true
	case '\\':
		if len(pattern) == 1 {
			return 1, false
		}
		return 2, foldIf(fold, pattern[1]) == foldIf(fold, c)
	case '[':
		if n, ok := globSet(pattern, c, fold); n > 0 {
			return n, ok
		}
		return 1, c == '['
	default:
		return 1, foldIf(fold, e) == foldIf(fold, c)
	}
}

// globSet matches a bracket expression. n is 0 when it is not closed: then the
// bracket is an ordinary character.
func globSet(pattern string, c byte, fold bool) (n int, ok bool) {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	found, folded := false, foldIf(fold, c)
	for first := true; ; first = false {
		if i >= len(pattern) {
			return 0, false
		}
		if pattern[i] == ']' && !first {
			return i + 1, found != negated
		}
		if name, ok := className(pattern[i:]); ok {
			found = found || inClass(name, c)
			i += len(name) + len("[::]")
			continue
		}
		low, width := setByte(pattern[i:])
		i += width
		high := low
		if i+1 < len(pattern) && pattern[i] == '-' && pattern[i+1] != ']' {
			high, width = setByte(pattern[i+1:])
			i += 1 + width
		}
		found = found || foldIf(fold, low) <= folded && folded <= foldIf(fold, high)
	}
}

// setByte reads one character of a bracket expression.
func setByte(s string) (c byte, width int) {
	if s[0] == '\\' && len(s) > 1 {
		return s[1], 2
	}
	return s[0], 1
}

// className reads the name of a class: "alpha" of "[:alpha:]".
func className(s string) (name string, ok bool) {
	if !strings.HasPrefix(s, "[:") {
		return "", false
	}
	n := 2
	for n < len(s) && s[n] >= 'a' && s[n] <= 'z' {
		n++
	}
	return s[2:n], strings.HasPrefix(s[n:], ":]")
}

func inClass(name string, c byte) bool {
	switch name {
	case "alpha":
		return isLetter(c)
	case "digit":
		return isDigit(c)
	case "alnum":
		return isLetter(c) || isDigit(c)
	case "upper":
		return c >= 'A' && c <= 'Z'
	case "lower":
		return c >= 'a' && c <= 'z'
	case "space":
		return c == ' ' || c >= '\t' && c <= '\r'
	case "blank":
		return c == ' ' || c == '\t'
	case "punct":
		return c > ' ' && c < 0x7f && !isLetter(c) && !isDigit(c)
	case "xdigit":
		return isHex(c)
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "print":
		return c >= ' ' && c < 0x7f
	case "graph":
		return c > ' ' && c < 0x7f
	}
	return false
}

func foldIf(fold bool, c byte) byte {
	if fold {
		return lowerByte(c)
	}
	return c
}

// Falco folds case with the C library's functions: ASCII only.

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upperByte(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

func lower(s string) string { return mapBytes(s, lowerByte) }

func upper(s string) string { return mapBytes(s, upperByte) }

// mapBytes does not allocate when nothing changes.
func mapBytes(s string, f func(byte) byte) string {
	for i := 0; i < len(s); i++ {
		if f(s[i]) != s[i] {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = f(b[i])
			}
			return string(b)
		}
	}
	return s
}

// equalFold compares s with a lower-case string of the same length.
func equalFold(s, lowered string) bool {
	for i := 0; i < len(s); i++ {
		if lowerByte(s[i]) != lowered[i] {
			return false
		}
	}
	return true
}
