package condition

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/alert"
)

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a/b/.c", true}, {"a*", "a", true}, {"*a", "bca", true}, {"*a", "bcab", false},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "aXcYb", false}, {"?", "a", true}, {"?", "", false}, {"??", "ab", true}, {"a?c", "a/c", true},
		{"[abc]", "b", true}, {"[!abc]", "b", false}, {"[^abc]", "d", true}, {"[a-c]x", "bx", true}, {"[a-c]", "d", false}, {"[]]", "]", true},
		{"[]-a]", "^", true}, {"[!]]", "]", false}, {"[a-]", "-", true}, {"[", "[", true}, {"[a", "[a", true}, {"[a", "a", false}, {"[[:digit:]]x", "5x", true},
		{"[[:alpha:][:digit:]]", "-", false}, {"[![:space:]]", " ", false}, {"[[:nosuch:]]", "a", false}, {"[[:]", ":", true}, {"[[:", "[[:", true},
		{`\*`, "*", true}, {`\*`, "a", false}, {`[\]]`, "]", true}, {`a\`, "a", false}, {`a\`, `a\`, false}, {"*.*", "a", false}, {"**", "ab", true},
		{"/proc/*/environ", "/proc/1/environ", true}, {"/proc/*/environ", "/proc/1/task/2/environ", true}, {"A", "a", false},
	}
	for _, tt := range tests {
		if got := glob(tt.pattern, tt.text, false); got != tt.want {
			t.Errorf("%q matches %q: %v", tt.pattern, tt.text, got)
		}
	}
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{{"A[b-c]*", "aBx", true}, {"[[:upper:]]", "a", false}, {"[[:upper:]]", "A", true}, {"ä", "Ä", false}} {
		if got := glob(tt.pattern, tt.text, true); got != tt.want {
			t.Errorf("%q matches %q without case: %v", tt.pattern, tt.text, got)
		}
	}
}

func TestGlobIsNotExponential(t *testing.T) {
	start := time.Now()
	_ = glob(strings.Repeat("a*", 500)+"b", strings.Repeat("a", 5000), false)
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestPathTree(t *testing.T) {
	tests := []struct {
		paths []string
		path  string
		want  bool
	}{
		{[]string{"/var/run"}, "/var/run", true}, {[]string{"/var/run"}, "/var/run/docker", true}, {[]string{"/var/run"}, "/var", false},
		{[]string{"/var/run"}, "/var/runner", false}, {[]string{"/var/run"}, "/var//run/", true}, {[]string{"/var/run/"}, "/var/run", true},
		{[]string{"/"}, "/x", true}, {[]string{"/"}, "", true}, {[]string{"/a"}, "", false}, {[]string{"a/b"}, "/a/b/c", true},
		{[]string{"/a/b", "/a"}, "/a/c", true}, {[]string{"/a", "/a/b"}, "/a/c", true}, {[]string{"/a/b", "/x", "/a/c"}, "/a/c/d", true},
		{[]string{"/var/*/*.txt"}, "/var/lib/a.txt", true}, {[]string{"/var/*"}, "/var/run/x", true}, {[]string{"/var/*"}, "/var", false},
		{[]string{"/var/*/x"}, "/var/a/b/x", false}, {[]string{"/v*/a", "/var/b"}, "/var/a", true}, {[]string{"/[ab]/c"}, "/b/c/d", true},
		{[]string{"/*/x", "/*/y", "/?/z"}, "/a/z", true}, {nil, "/a", false},
	}
	for _, tt := range tests {
		if got := newPathTree(tt.paths).match(alert.String, tt.path); got != tt.want {
			t.Errorf("%s pmatch %v: %v", tt.path, tt.paths, got)
		}
	}
}

func TestCompare(t *testing.T) {
	ascending := []string{"-18446744073709551616", "-9223372036854775809", "-9223372036854775808", "-10", "-9", "-1.5", "-1", "0", "0.5", "1", "1.5", "2", "9", "10",
		"0x10", "1e+2", "101", "4294967295", "9007199254740992", "9007199254740993", "9223372036854775807", "18446744073709551615", "18446744073709551616", "99999999999999999999999999"}
	for i, a := range ascending {
		for j, b := range ascending {
			got := compare(a, b)
			if got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("compare(%s, %s) = %d", a, b, got)
			}
			for _, op := range []operator{opLess, opLessEqual, opGreater, opGreaterEqual} {
				if got, want := newOrder(op, b).match(alert.Int, a), op.holds(i-j); got != want {
					t.Errorf("%s %s %s: %v", a, op, b, got)
				}
			}
		}
	}
	for _, equal := range [][2]string{{"0", "-0"}, {"007", "7"}, {"+7", "7"}, {"0x1F", "31"}, {"-00", "+0"}, {"1.0", "1"}} {
		if compare(equal[0], equal[1]) != 0 {
			t.Errorf("%s and %s are not equal", equal[0], equal[1])
		}
	}
	if compare("abc", "abd") >= 0 || compare("10", "9a") >= 0 || compare("", "0") >= 0 {
		t.Error("text is not ordered by bytes")
	}
	if compare("1e+999", "1") <= 0 || compare("-1e+999", "1") >= 0 {
		t.Error("numbers out of range")
	}
}

func TestCanonicalInt(t *testing.T) {
	for s, want := range map[string]string{"0": "0", "-0": "0", "+5": "5", "-5": "-5", "007": "7", "-007": "-7", "0xff": "255", "0XFFFFFFFFFFFFFFFF": "18446744073709551615",
		"": "", "-": "", "x": "", "1.5": "", "0x": "", "0x1FFFFFFFFFFFFFFFFF": "", "1 ": ""} {
		got, ok := canonicalInt(s)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", s, got, ok)
		}
	}
	big1, _ := canonicalInt("000123456789012345678901234567890")
	if want, _ := new(big.Int).SetString("123456789012345678901234567890", 10); big1 != want.String() {
		t.Error(big1)
	}
}
