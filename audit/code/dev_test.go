package code_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

var fence = regexp.MustCompile("(?ms)^([ \t]*)(```|~~~)([^\n]*)\n(.*?)^[ \t]*(?:```|~~~)")

func TestDev(t *testing.T) {
	files := os.Getenv("DEV")
	if files == "" {
		t.Skip()
	}
	c := code.Open(catalogue.Builtin())
	for _, f := range strings.Fields(files) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("#####", f)
		all := string(text)
		prev := 0
		for _, m := range fence.FindAllStringSubmatchIndex(all, -1) {
			intro := all[prev:m[0]]
			if len(intro) > 500 {
				intro = intro[len(intro)-500:]
			}
			prev = m[1]
			indent := all[m[2]:m[3]]
			body := strings.ReplaceAll("\n"+all[m[8]:m[9]], "\n"+indent, "\n")[1:]
			b := code.Block{Language: all[m[6]:m[7]], Text: body, Intro: intro}
			for _, x := range c.Check(b) {
				if os.Getenv("BAD") != "" && !x.Judgement.Bad() {
					continue
				}
				fmt.Printf("%-11s %-70.70q %s | %s\n", x.Judgement, body[x.Start:x.End], x.Reason.Text(), x.Suggestion)
			}
		}
		for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(fence.ReplaceAllString(all, ""), -1) {
			if !c.Looks(m[1]) {
				continue
			}
			for _, x := range c.Check(code.Block{Text: m[1], Inline: true}) {
				if os.Getenv("BAD") != "" && !x.Judgement.Bad() {
					continue
				}
				fmt.Printf("INLINE %-11s %q %s | %s\n", x.Judgement, m[1][x.Start:x.End], x.Reason.Text(), x.Suggestion)
			}
		}
	}
}

func TestEval(t *testing.T) {
	file := os.Getenv("EVAL")
	if file == "" {
		t.Skip()
	}
	c := code.Open(catalogue.Builtin())
	text, _ := os.ReadFile(file)
	all := string(text)
	facts := map[string]string{}
	if data, err := os.ReadFile(filepath.Join(filepath.Dir(file), "alert.json")); err == nil {
		var a struct {
			Fields map[string]any `json:"output_fields"`
		}
		_ = json.Unmarshal(data, &a)
		for k, v := range a.Fields {
			facts[k] = fmt.Sprint(v)
		}
	}
	put := func(b code.Block, at func(int) int) {
		for _, x := range c.Check(b) {
			out, _ := json.Marshal(map[string]any{"line": at(x.Start), "end": at(x.End - 1), "text": b.Text[x.Start:x.End], "j": x.Judgement, "reason": x.Reason.Text()})
			fmt.Println(string(out))
		}
	}
	prev := 0
	var masked = []byte(all)
	for _, m := range fence.FindAllStringSubmatchIndex(all, -1) {
		intro := all[prev:m[0]]
		if len(intro) > 500 {
			intro = intro[len(intro)-500:]
		}
		prev = m[1]
		indent := all[m[2]:m[3]]
		body := strings.ReplaceAll("\n"+all[m[8]:m[9]], "\n"+indent, "\n")[1:]
		first := 1 + strings.Count(all[:m[8]], "\n")
		put(code.Block{Language: all[m[6]:m[7]], Text: body, Intro: intro, Facts: facts}, func(o int) int { return first + strings.Count(body[:o], "\n") })
		for i := m[0]; i < m[1]; i++ {
			if masked[i] != '\n' {
				masked[i] = ' '
			}
		}
	}
	for i, line := range strings.Split(string(masked), "\n") {
		for _, m := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatchIndex(line, -1) {
			if span := line[m[2]:m[3]]; c.Looks(span) {
				put(code.Block{Text: span, Inline: true, Facts: facts, Intro: line}, func(int) int { return i + 1 })
			}
		}
		if strings.HasPrefix(line, "    ") && !strings.HasPrefix(strings.TrimSpace(line), "-") || strings.HasPrefix(line, "    -a ") {
			body := strings.TrimSpace(line)
			put(code.Block{Text: body, Facts: facts}, func(int) int { return i + 1 })
		}
	}
}
