package render

import (
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"github.com/tiercel/tiercel/report"
)

// outsideCode takes the code blocks of the shape's document out of the output.
func (s shape) outsideCode(t *testing.T, out string) []string {
	for _, b := range s.document().Sections[3].Blocks {
		for _, step := range b.(report.Steps).Items {
			for _, c := range slices.Concat(step.Code, step.Check, step.Undo) {
				text, _ := code(c.Text)
				text = "-\n" + strings.TrimSuffix(text, "\n") + "\n"
				if !contains(out, text) {
					t.Fatalf("code is not in the output as it is: %q", text)
				}
				out = strings.ReplaceAll(out, text, "-\n")
			}
		}
	}
	return strings.Split(out, "\n")
}

// margins returns the lines that start in the first column, where a value may
// only stand in a title, between backticks.
func margins(lines []string) []string {
	found := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return l == "" || l[0] == ' ' })
	for i, l := range found {
		if l[0] == '`' || i > 0 && found[i-1] == "`" {
			found[i] = l[:1]
		}
	}
	return found
}

func checkTerminalValue(t *testing.T, v string) {
	for _, width := range []int{40, 71, 120} {
		hostile, harmless := shape{swallow(v), same}, shape{swallow(harmlessFor(v)), same}
		out := hostile.show(t, "terminal", Options{Width: width})
		if strings.IndexFunc(out, func(r rune) bool { return r != '\n' && r != '\t' && hidden(r) }) >= 0 {
			t.Errorf("value %q: control or hidden character in the output", v)
		}
		lines := hostile.outsideCode(t, out)
		want := harmless.outsideCode(t, calm(t, harmlessFor(v), "terminal", width))
		if d := firstDifference(margins(lines), margins(want)); d != "" && v != "" {
			t.Errorf("value %q at width %d changes the headings: %s", v, width, d)
		}
		for _, l := range lines {
			if w := uniseg.StringWidth(l); w > width && strings.Trim(l, " -") != "" && !contains(l, "https://github.com") {
				t.Errorf("value %q: line of %d columns on a screen of %d: %q", v, w, width, l)
			}
		}
	}
}

func TestTerminalValuesStayValues(t *testing.T) { mixed(t, checkTerminalValue) }
func FuzzTerminal(f *testing.F)                 { fuzzHostile(f, checkTerminalValue) }

func TestTerminalColorsAreOurs(t *testing.T) {
	out := shape{swallow(nasty), same}.show(t, "terminal", Options{Color: true})
	for _, s := range append([]string{sgrReset}, sgr[bold], sgr[dim], sgr[shownValue], sgr[severityHigh], sgr[severityMedium], sgr[severityLow]) {
		out = strings.ReplaceAll(out, s, "")
	}
	if out != (shape{swallow(nasty), same}).show(t, "terminal", Options{}) {
		t.Error("colour changes more than colours")
	}
}

func TestTerminalCodeIsExact(t *testing.T) {
	out := shape{same, same}.show(t, "terminal", Options{Width: 40})
	for _, want := range []string{
		"\ndocker inspect -f '{{.Config.Image}} {{.Args}}' c61b4b13ae44\n",
		"\nsudo tee /etc/sysctl.d/60-memfd-noexec.conf >/dev/null <<'EOF'\n\tvm.memfd_noexec = 1\nEOF\n",
	} {
		if !contains(out, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  []piece
		width int
		want  string
	}{
		{[]piece{{"one two three", plain}}, 7, "one two/three"},
		{[]piece{{"one  two", plain}}, 20, "one two"},
		{[]piece{{"(", plain}, {"`a`", shownValue}, {").", plain}}, 6, "(`a`)."},
		{[]piece{{"`a  b`", shownValue}}, 20, "`a  b`"},
		{[]piece{{"abcdefgh", plain}}, 3, "abc/def/gh"},
		{[]piece{{"\u65e5\u672c\u8a9e", plain}}, 5, "\u65e5\u672c/\u8a9e"},
		{[]piece{{"x abcdefgh", plain}}, 4, "x/abcd/efgh"},
		{[]piece{{"see ", plain}, {"https://a.b/c", link}}, 8, "see/https://a.b/c"},
		{nil, 4, ""},
	} {
		var got []string
		for _, l := range wrap(c.text, c.width) {
			var b strings.Builder
			for _, p := range l.pieces {
				b.WriteString(p.text)
			}
			got = append(got, b.String())
		}
		if s := strings.Join(got, "/"); s != c.want {
			t.Errorf("wrap(%v, %d) = %q, want %q", c.text, c.width, s, c.want)
		}
	}
}
