package render

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// ruleLeast is how long the lines above and below code are at least.
const ruleLeast = 20

func (t *terminal) steps(b report.Steps) {
	if len(b.Items) == 0 {
		return
	}
	t.paragraph([]piece{{strings.ToUpper(prose(b.Title)), bold}})
	for _, s := range b.Items {
		t.step++
		marker := strconv.Itoa(t.step) + ". "
		column := indent + len(marker)
		say := t.sentences([]evidence.Statement{s.Say})
		if s.Title == "" {
			t.hang(marker, say)
		} else {
			t.hang(marker, []piece{{prose(s.Title), bold}})
			t.wrapped(column, say)
		}
		t.stepFacts(column, s)
		t.out.put("\n")
		t.code(column, "", s.Code)
		if expect := t.sentences(s.Expect); len(expect) > 0 {
			t.wrapped(column, expect)
			t.out.put("\n")
		}
		t.code(column, "Check", s.Check)
		t.code(column, "Undo", s.Undo)
	}
}

func (t *terminal) stepFacts(column int, s report.Step) {
	fact := func(name string, text []piece) {
		if len(text) > 0 {
			t.wrapped(column, append([]piece{{name + ":", bold}, {" ", plain}}, text...))
		}
	}
	if s.Fit != "" {
		text := []piece{{wordOf(fitWords, s.Fit) + " ", plain}}
		fact("Here", append(text, t.sentences([]evidence.Statement{s.FitReason})...))
	}
	fact("Needs", t.sentences(s.Needs))
	fact("Side effects", t.sentences(s.Effects))
	if s.Control != "" {
		fact("Control", []piece{valuePiece(s.Control)})
	}
}

// code writes blocks in the first column, unwrapped, between two indented
// lines longer than any run of dashes inside.
func (t *terminal) code(column int, title string, blocks []report.Code) {
	for _, c := range blocks {
		text, changed := code(c.Text)
		lead := t.sentences([]evidence.Statement{c.Note})
		if name := codeTitle(title, c.Language); name != "" || len(lead) == 0 {
			lead = append([]piece{{cmp.Or(name, "Run") + ":", bold}, {" ", plain}}, lead...)
		}
		if changed {
			lead = append(lead, piece{" " + codeNote, bold})
		}
		t.wrapped(column, lead)
		rule := line{}
		rule.add(strings.Repeat("-", max(ruleLeast, longestRun(text, '-')+1)), dim)
		t.out.put(blanks(column))
		t.paint(rule)
		t.out.put("\n", strings.TrimSuffix(text, "\n"), "\n", blanks(column))
		t.paint(rule)
		t.out.put("\n\n")
	}
}

// codeTitle is "" for a command to run, whose note alone can lead to it.
func codeTitle(title, language string) string {
	switch word := infoWord(language); word {
	case "", "sh", "bash":
		return title
	default:
		return cmp.Or(title, "Configuration") + " (" + word + ")"
	}
}
