package condition

import (
	"strconv"
	"strings"
)

// canonicalInt writes an integer, decimal or hexadecimal, in decimal digits
// without a plus sign or leading zeros. ok is false when s is no integer.
func canonicalInt(s string) (string, bool) {
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		n, err := strconv.ParseUint(s[2:], 16, 64)
		return strconv.FormatUint(n, 10), err == nil
	}
	negative, digits, ok := integer(s)
	if !ok {
		return "", false
	}
	if negative && digits != "0" {
		if s[0] == '-' && len(s) == len(digits)+1 {
			return s, true
		}
		return "-" + digits, true
	}
	return digits, true
}

// integer takes a decimal integer apart; digits have no leading zeros.
func integer(s string) (negative bool, digits string, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		negative, s = s[0] == '-', s[1:]
	}
	if s == "" {
		return false, "", false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false, "", false
		}
	}
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return negative && s != "0", s, true
}

// smallInt reads a decimal integer that is sure to fit.
func smallInt(s string) (n int64, ok bool) {
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

// isNumber reports whether all of s is a decimal or hexadecimal number.
func isNumber(s string) bool { return s != "" && numberLen(s) == len(s) }

// compare orders numbers by value, anything else by bytes as Falco does.
func compare(a, b string) int {
	if isNumber(a) && isNumber(b) {
		return compareNumbers(a, b)
	}
	return strings.Compare(a, b)
}

// compareNumbers compares two numbers: integers exactly, whatever their
// length, others as float64.
func compareNumbers(a, b string) int {
	a, b = decimal(a), decimal(b)
	negA, a1, okA := integer(a)
	negB, b1, okB := integer(b)
	if !okA || !okB {
		x, _ := strconv.ParseFloat(a, 64) // out of range: an infinity of the right sign
		y, _ := strconv.ParseFloat(b, 64)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	switch {
	case negA && !negB:
		return -1
	case negB && !negA:
		return 1
	case negA:
		a1, b1 = b1, a1
	}
	if len(a1) != len(b1) {
		return len(a1) - len(b1)
	}
	return strings.Compare(a1, b1)
}

func decimal(s string) string {
	if len(s) > 2 && (s[1] == 'x' || s[1] == 'X') {
		if n, ok := canonicalInt(s); ok {
			return n
		}
	}
	return s
}
