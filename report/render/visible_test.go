package render

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"plain, a\\b":      `plain, a\b`,
		"caf\u00e9 \u4e16": "caf\u00e9 \u4e16",
		"a\nb\tc\rd":       `a\nb\tc\rd`,
		"\x00\x1b[2J\x7f":  `\x00\x1b[2J\x7f`,
		"\u0085\u009b":     `\u0085\u009b`,
		"\xff\xfe":         `\xff\xfe`,
		"\u202ex\u2066":    `\u202ex\u2066`,
		"a\u200bb\ufeff":   `a\u200bb\ufeff`,
		"\U000e0041":       `\U000e0041`,
		"a\u00a0b\u3000":   `a\u00a0b\u3000`,
		"\u2028\u2029":     `\u2028\u2029`,
		"\u3164\u115f":     `\u3164\u115f`,
		"a\ufe0f":          `a\ufe0f`,
		"\u0301a":          `\u0301a`,
		"a\u0301":          "a\u0301",
		`literal \n \x1b`:  `literal \\n \\x1b`,
		"\\\n":             `\\\n`,
		`\\x1b`:            `\\\\x1b`,
		`C:\dir \x1g \u20`: `C:\dir \x1g \u20`,
		"\ufffd":           "\ufffd",
	} {
		if got := Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Visible("a" + strings.Repeat("\u0301", 6)); got != "a"+strings.Repeat("\u0301", 4)+`\u0301\u0301` {
		t.Errorf("stacked marks: %q", got)
	}
}

func FuzzVisible(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, s+"\n")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []string{Visible(a), prose(a)} {
			if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\t") {
				t.Fatalf("%q becomes %q", a, s)
			}
		}
		if i := strings.IndexFunc(Visible(a), hidden); i >= 0 {
			t.Fatalf("hidden character left in %q", Visible(a))
		}
		if a != b && Visible(a) == Visible(b) {
			t.Fatalf("%q and %q look the same: %q", a, b, Visible(a))
		}
	})
}
