package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))

// skeleton lists the nodes of a markdown text with their depth, without plain
// text, and the texts of its code spans.
func skeleton(source string) (nodes, codes []string) {
	src := []byte(source)
	depth := 0
	_ = ast.Walk(gfm.Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			depth--
			return ast.WalkContinue, nil
		}
		depth++
		switch n := n.(type) {
		case *ast.Text, *ast.String:
			return ast.WalkContinue, nil
		case *ast.CodeSpan:
			codes = append(codes, string(n.Text(src))) //nolint:staticcheck // the children of a code span are plain text
		}
		kind := n.Kind().String()
		if h, ok := n.(*ast.Heading); ok {
			kind += fmt.Sprint(h.Level)
		}
		nodes = append(nodes, fmt.Sprintf("%*s%s", depth, "", kind))
		return ast.WalkContinue, nil
	})
	return nodes, codes
}

func firstDifference(a, b []string) string {
	for i := range max(len(a), len(b)) {
		x, y := "(end)", "(end)"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("node %d: %q, harmless %q", i, x, y)
		}
	}
	return ""
}

func checkMarkdownValue(t *testing.T, v string) {
	if v == "" {
		return // said as "(empty)" in our own words
	}
	out := shape{swallow(v), same}.show(t, "markdown", Options{})
	nodes, codes := skeleton(out)
	want, _ := skeleton(calm(t, harmlessFor(v), "markdown", 0))
	if d := firstDifference(nodes, want); d != "" {
		t.Errorf("value %q changes the structure: %s", v, d)
	}
	shown := Visible(v)
	for _, c := range codes {
		if c != shown && c != "inspect-container" && c != "memfd-noexec" && c != "Fileless execution via memfd_create" {
			t.Errorf("value %q shows as %q", v, c)
		}
	}
	if strings.IndexFunc(out, func(r rune) bool { return r != '\n' && hidden(r) && r != '\t' }) >= 0 {
		t.Errorf("value %q: hidden character in the output", v)
	}
}

// Our own words may not become structure either.
func checkMarkdownWords(t *testing.T, v string) {
	w := func(s string) string { return s + v + "x" }
	nodes, _ := skeleton(shape{swallow("x"), w}.show(t, "markdown", Options{}))
	if d := firstDifference(nodes, wordyMarkdown); d != "" {
		t.Errorf("words %q change the structure: %s", v, d)
	}
	w = func(s string) string { return v + "x" + s }
	nodes, _ = skeleton(shape{swallow("x"), w}.show(t, "markdown", Options{}))
	if d := firstDifference(nodes, wordyMarkdown); d != "" {
		t.Errorf("words %q in front change the structure: %s", v, d)
	}
}

var wordyMarkdown, _ = skeleton(shape{swallow("x"), func(s string) string { return s + "x" }}.show(&testing.T{}, "markdown", Options{}))

func TestMarkdownValuesStayValues(t *testing.T) { mixed(t, checkMarkdownValue) }
func TestMarkdownWordsStayWords(t *testing.T)   { mixed(t, checkMarkdownWords) }
func FuzzMarkdown(f *testing.F) {
	fuzzHostile(f, func(t *testing.T, s string) { checkMarkdownValue(t, s); checkMarkdownWords(t, s) })
}

func TestMarkdownCodeIsExact(t *testing.T) {
	out := shape{same, same}.show(t, "markdown", Options{})
	for _, want := range []string{
		"```sh\nsudo tee /etc/sysctl.d/60-memfd-noexec.conf >/dev/null <<'EOF'\n\tvm.memfd_noexec = 1\nEOF\n```\n",
		"It is what the action syscall.FilelessExecutionViaMemfdCreate of",
		"(vm.memfd_noexec)",
	} {
		if !contains(out, want) {
			t.Errorf("missing: %s", want)
		}
	}
}
