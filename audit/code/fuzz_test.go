package code_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// hold checks what must be true of the findings of any block.
func hold(t *testing.T, c *code.Checker, b code.Block) {
	t.Helper()
	last := 0
	for _, f := range c.Check(b) {
		switch {
		case f.Start < 0 || f.End > len(b.Text) || f.Start >= f.End:
			t.Fatalf("finding %d to %d in a text of %d bytes", f.Start, f.End, len(b.Text))
		case f.Start < last:
			t.Fatalf("findings are not sorted")
		case f.Reason.Empty() || len(f.Reason.Evidence) == 0:
			t.Fatalf("a finding without reason or evidence: %q", b.Text[f.Start:f.End])
		}
		last = f.Start
	}
	c.Looks(b.Text)
}

func FuzzCheck(f *testing.F) {
	for _, file := range []string{"testdata/good.txt", "testdata/bad.txt"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			f.Add("bash", line, false)
			f.Add("", line, true)
		}
	}
	for _, file := range []string{"testdata/config/good.md", "testdata/config/bad.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		parts := strings.Split("\n"+string(text), "\n```")
		for i := 1; i < len(parts); i += 2 {
			language, body, _ := strings.Cut(parts[i], "\n")
			f.Add(language, body, false)
			f.Add("", body, false)
		}
	}
	c := code.Open(catalogue.Builtin())
	f.Fuzz(func(t *testing.T, language, text string, inline bool) {
		hold(t, c, code.Block{Language: language, Text: text, Inline: inline, Intro: language, Facts: map[string]string{"proc.name": "3", "container.id": "host"}})
	})
}

// TestHostile: ten megabytes of anything are judged, or said to be too much,
// in a time that grows with their length only.
func TestHostile(t *testing.T) {
	if testing.Short() {
		t.Skip("ten megabytes of each")
	}
	c := code.Open(catalogue.Builtin())
	for name, unit := range map[string]string{
		"commands": "sudo rm -rf /var/log/*\n", "quotes": "echo '\n", "brackets": "(", "braces": "{ ", "substitutions": "$(", "backquotes": "`", "if": "if ", "here": "cat <<A\n",
		"dashes": "- ", "flow": "[", "maps": "a: {", "keys": "a:\n b:\n", "anchors": "- &a [*a, *a]\n", "rules": "- rule: x\n  condition: a and (b\n", "json": `{"a":`,
		"prompts": "$ \n", "placeholders": "<a", "prose": "lorem ipsum dolor ", "percent": "%", "exclamations": "! ", "pipes": "a|", "and": "a &&\n", "backslashes": "a \\\n", "units": "[Service]\nA=b\n", "audit": "-a always,exit -F a=b\n", "equals": "kernel.a = 1\n", "nul": "\x00", "high": "\xff",
		"case": "case a in ", "arith": "$((", "tests": "[[ ", "commas": "{a,{b,", "toml": "[a.b]\nc = [\n",
	} {
		for _, language := range []string{"bash", "yaml", ""} {
			text := strings.Repeat(unit, 10<<20/len(unit))
			start := time.Now()
			hold(t, c, code.Block{Language: language, Text: text})
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s as %q took %v", name, language, took)
			}
		}
	}
}

// TestSpeed: a report's worth of blocks, with the catalogue opened anew.
func TestSpeed(t *testing.T) {
	if testing.Short() {
		t.Skip("speed")
	}
	all := blocks(t, "testdata/config/bad.md")
	text, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, code.Block{Language: "bash", Text: string(text)[:2000]})
	c := code.Open(catalogue.Builtin())
	start := time.Now()
	for _, b := range all {
		c.Check(b)
	}
	t.Logf("%d blocks in %v", len(all), time.Since(start))
}
