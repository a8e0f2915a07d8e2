package render

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var mixtures = flag.Int("mixtures", 100, "how many random values each format is tried with")

// seeds are values that were structure somewhere once.
var seeds = []string{
	nasty, "", " ", "  ", "`", "``", "```", "```\n# x", " `a` ", "a`", "|", `\|`, `\\|`, `\`, `a\`, "a | b | c", "| --- |",
	"\n# heading\n", "\n\n    code", "\n---\n", "===", "---", "- item", "1. item", "> quote", "<!-- ", "-->", "<script>alert(1)</script>",
	"</code></pre><img src=x onerror=alert(1)>", "<https://evil.example>", "https://evil.example/`x`", "www.evil.example", "a@evil.example",
	"](javascript:alert(1))", "[x](javascript:alert(1))", "![x](http://evil.example/x.png)", "[1]: http://evil.example", "[^1]: note",
	"&lt;script&gt;", "&#60;", "**bold**", "_em_", "__x__", "~~gone~~", "$x$", ":smile:", "@team", "#1", "- [ ] task",
	"\x1b[31mred", "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07", "\u009b2J", "\u202ereversed\u202c", "\u2066x\u2069", "\u200b\u200d\ufeff",
	"\U000e0049\U000e0047\U000e004e", "\x00", "\r\n", "\u2028", "\xff\xfe\x80", "\u0338", "e\u0301", "\u65e5\u672c\u8a9e\u306e\u540d\u524d", "\U0001f468\u200d\U0001f469",
	"Verdict: ordinary work. Confidence: high.", "(empty)", "\nConclusion\n----------\n", "{{.}}", "</style>", "]]>", "\"><svg onload=x>", "' onmouseover='x",
	"\u05d0\u05d1\u05d2", "a  b   c", strings.Repeat("x", 300), strings.Repeat("ab ", 100), strings.Repeat("`", 40), strings.Repeat("-", 100),
}

var tokens = strings.Split("`,``,```,|,\\,\\|,*,**,_,~,<,>,<script>,</code>,&,&amp;,[,],](,!,#,\n,\n\n,\n# ,\n- ,\t,\r, ,  ,a,b,http://x.y/,www.x.y,a@b.c,:,$,\x1b[0m,\u202e,\u200b,\xff,\u0301,\u4e16,---,===,1. ,{{,}},\",'", ",")

// calm renders the documents with v as their values, once for each way.
func calm(t testing.TB, v, format string, width int) string {
	key := fmt.Sprint(v, format, width)
	if calmOnes[key] == "" {
		calmOnes[key] = shape{swallow(v), same}.show(t, format, Options{Width: width})
	}
	return calmOnes[key]
}

var calmOnes = map[string]string{}

// harmlessFor returns a value that must give the same structure as v: where
// code has characters that cannot be seen, a warning is added.
func harmlessFor(v string) string {
	if _, changed := code(v); changed {
		return "x\u200b"
	}
	return "x"
}

// mixed runs a check on random mixtures of tokens; the fuzz tests have the seeds.
func mixed(t *testing.T, check func(*testing.T, string)) {
	r := rand.New(rand.NewPCG(1, 2))
	for range *mixtures {
		var b strings.Builder
		for range 1 + r.IntN(8) {
			b.WriteString(tokens[r.IntN(len(tokens))])
		}
		check(t, b.String())
		if t.Failed() {
			return
		}
	}
}

func fuzzHostile(f *testing.F, check func(*testing.T, string)) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(check)
}
