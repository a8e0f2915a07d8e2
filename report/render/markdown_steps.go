package render

import (
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

func (m *markdown) steps(b report.Steps) {
	if len(b.Items) == 0 {
		return
	}
	m.heading(3, b.Title)
	for _, s := range b.Items {
		m.step++
		number := strconv.Itoa(m.step) + "."
		if s.Title == "" {
			m.paragraph("**" + number + "** " + m.sentences([]evidence.Statement{s.Say}, mdInline))
		} else {
			m.out.put("#### ", number, " ", mdText([]evidence.Span{own(s.Title)}, mdInline), "\n\n")
			m.paragraph(m.sentences([]evidence.Statement{s.Say}, mdBlock))
		}
		m.stepFacts(s)
		m.code("", s.Code)
		m.paragraph(m.sentences(s.Expect, mdBlock))
		m.code("Check", s.Check)
		m.code("Undo", s.Undo)
	}
}

func (m *markdown) stepFacts(s report.Step) {
	any := false
	fact := func(name, text string) {
		if text != "" {
			m.out.put("- **", name, ":** ", text, "\n")
			any = true
		}
	}
	if s.Fit != "" {
		fact("Here", strings.TrimSpace(mdText([]evidence.Span{own(wordOf(fitWords, s.Fit))}, mdInline)+
			" "+m.sentences([]evidence.Statement{s.FitReason}, mdInline)))
	}
	fact("Needs", m.sentences(s.Needs, mdInline))
	fact("Side effects", m.sentences(s.Effects, mdInline))
	if s.Control != "" {
		fact("Control", mdValue(s.Control, false))
	}
	if any {
		m.out.put("\n")
	}
}

func (m *markdown) code(title string, blocks []report.Code) {
	for i, c := range blocks {
		lead := m.sentences([]evidence.Statement{c.Note}, mdBlock)
		if i == 0 && title != "" {
			lead = strings.TrimSpace("**" + title + ":** " + m.sentences([]evidence.Statement{c.Note}, mdInline))
		}
		m.paragraph(lead)
		text, changed := code(c.Text)
		if changed {
			m.paragraph("**" + mdText([]evidence.Span{own(codeNote)}, mdInline) + "**")
		}
		fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
		m.out.put(fence, infoWord(c.Language), "\n", strings.TrimSuffix(text, "\n"), "\n", fence, "\n\n")
	}
}

// infoWord keeps of a language's name what may stand behind a fence.
func infoWord(language string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '+' {
			return r
		}
		return -1
	}, language)
}
