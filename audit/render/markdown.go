package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report/render"
)

// hiddenNote warns where code is not what stands in the report.
const hiddenNote = `Characters that cannot be seen stand as escapes such as \x1b.`

// page writes GitHub-flavoured markdown without any raw HTML.
type page struct {
	w   io.Writer
	v   *view
	err error
}

func writeMarkdown(w io.Writer, v *view, opt Options) error {
	p := &page{w: w, v: v}
	p.put("# ", text(false, own("Audit of "), value(v.Name)), "\n\n")
	p.put("**", text(false, own(v.headline())), "**\n\n")
	p.put(text(true, v.basis()...))
	if rest := v.rest(); rest != "" {
		p.put(" ", text(false, own(rest)))
	}
	p.put("\n\n")
	for _, j := range told {
		p.group(j)
	}
	p.missing()
	for _, j := range folded {
		if n := v.count[j]; n > 0 && !opt.All {
			p.put(text(true, own(foldedLine(j, n)+".")), "\n\n")
		} else {
			p.group(j)
		}
	}
	return p.err
}

func text(start bool, spans ...evidence.Span) string { return render.MarkdownText(spans, start) }

func (p *page) put(parts ...string) {
	for _, s := range parts {
		if p.err == nil {
			_, p.err = io.WriteString(p.w, s)
		}
	}
}

func (p *page) group(j finding.Judgement) {
	list := p.v.judged(j)
	if len(list) == 0 {
		return
	}
	p.put("## ", text(false, own(title(j, len(list)))), "\n\n", text(true, own(sentence(explained[j]))), "\n\n")
	for _, f := range list {
		p.put("- **", fmt.Sprintf("Line %d, column %d:", f.place.line, f.place.column), "**")
		if lines := p.v.lines(f); len(lines) == 1 {
			p.put(" ", text(false, value(lines[0])), "\n\n")
		} else {
			shown, changed := render.Code(strings.Join(lines, "\n"))
			if changed {
				p.put(" ", text(false, own(hiddenNote)))
			}
			p.put("\n\n", render.MarkdownCode(shown, 2), "\n")
		}
		p.put("  ", text(true, f.Reason.Spans...), "\n\n")
		p.because(f)
	}
}

func (p *page) missing() {
	if len(p.v.missing) == 0 {
		return
	}
	p.put("## ", text(false, own(leftOut+" ("+strconv.Itoa(len(p.v.missing))+")")), "\n\n")
	for i := range p.v.missing {
		f := &p.v.missing[i]
		p.put("- ", text(true, f.Reason.Spans...), "\n\n")
		p.because(f)
	}
}

// because writes the evidence and what would be right, inside of a list.
func (p *page) because(f *found) {
	p.put("  Evidence:")
	for _, r := range f.refs {
		spans, url := because(r)
		p.put(" ", text(false, spans...))
		if url != "" {
			p.put(" <", url, ">")
		}
	}
	p.put("\n\n")
	suggestion := strings.Trim(f.Suggestion, "\n")
	switch {
	case suggestion == "":
	case strings.Contains(suggestion, "\n"):
		shown, _ := render.Code(suggestion)
		p.put("  **", suggests(f), "**\n\n", render.MarkdownCode(shown, 2), "\n")
	default:
		p.put("  **", suggests(f), "** ", text(false, own(suggestion)), "\n\n")
	}
}

// sentence makes one of words of ours.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
