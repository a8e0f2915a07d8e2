package render

import (
	"fmt"
	"strings"

	"codeberg.org/go-pdf/fpdf"
)

var markColours = map[string][3]int{"attack": {179, 38, 30}, "suspicious": {148, 84, 0}, "unknown": {83, 92, 102}, "test": {11, 87, 176}, "benign": {44, 110, 73}}

// chart draws a timeline that was laid out for the screen, as wide as the text.
func (p *pdf) chart(t *svgTimeline) {
	scale := min(p.wide/float64(t.Width), (pdfBottom-pdfTop-20)/float64(t.Height))
	p.room(float64(t.Height)*scale + 12)
	left, top := p.x, p.y
	x := func(px int) float64 { return left + float64(px)*scale }
	y := func(px int) float64 { return top + float64(px)*scale }
	line := func(x1, y1, x2, y2 int, c [3]int, wide float64) {
		p.f.SetDrawColor(c[0], c[1], c[2])
		p.f.SetLineWidth(wide)
		p.f.Line(x(x1), y(y1), x(x2), y(y2))
	}
	small := pdfSmall
	small.size = max(4, min(7.5, 12*scale*72/25.4))
	text := func(px, py int, s string, style pdfStyle, middle bool) {
		s = p.fits(prose(s), pdfSans)
		p.use(style)
		at := x(px)
		if middle {
			at -= p.f.GetStringWidth(s) / 2
		}
		p.f.Text(at, y(py), s)
	}
	strong := small
	strong.bold, strong.colour = true, pdfInk
	for _, s := range t.Segments {
		p.f.SetFillColor(243, 245, 247)
		p.f.Rect(x(s.X), y(36), float64(s.Width)*scale, float64(t.Bottom-36)*scale, "F")
		if s.Date != "" {
			text(s.X, 12, s.Date, small, false)
		}
		for _, k := range s.Ticks {
			line(k.X, 32, k.X, t.Bottom, pdfLine, 0.15)
			text(k.LabelX, 27, k.Label, small, true)
		}
		line(s.X, 36, s.X+s.Width, 36, pdfSoft, 0.25)
	}
	for _, b := range t.Breaks {
		p.f.SetDashPattern([]float64{0.4, 1}, 0)
		line(b.X, 46, b.X, t.Bottom, pdfSoft, 0.15)
		p.f.SetDashPattern(nil, 0)
		text(b.X, 12, b.Label, strong, true)
		text(b.X, 25, b.What, small, true)
	}
	for _, l := range t.Lanes {
		if l.Head {
			text(0, l.LabelY, l.Label, strong, false)
			continue
		}
		line(0, l.Y, t.Width, l.Y, pdfLine, 0.15)
		text(0, l.LabelY, l.Label, small, false)
	}
	line(0, t.Bottom, t.Width, t.Bottom, pdfLine, 0.15)
	ink := small
	ink.colour = pdfInk
	for _, m := range t.Marks {
		c := markColours[m.Class]
		if m.Span != "" {
			var from, at, to int
			if n, err := fmt.Sscanf(m.Span, "M%d %dH%d", &from, &at, &to); n == 3 || err == nil {
				line(from, at, to, at, c, 0.35)
				line(to, at-3, to, at+3, c, 0.35)
			}
		}
		if m.Telling {
			p.f.SetDrawColor(pdfInk[0], pdfInk[1], pdfInk[2])
			p.f.SetLineWidth(0.25)
			p.f.Circle(x(m.X), y(m.Y), 12*scale, "D")
		}
		p.mark(m.Class, x(m.X), y(m.Y), scale)
		text(m.LabelX, m.TagY, m.Label, ink, false)
	}
	p.y = top + float64(t.Height)*scale + 1.5
	for i, k := range t.Keys {
		if i == 0 {
			p.y += 1
		}
		p.mark(k.Class, p.x+2+float64(i)*32, p.y+2, 0.2)
		p.use(ink)
		p.f.Text(p.x+5+float64(i)*32, p.y+3, p.fits(k.Word, pdfSans))
	}
	p.y += 5.5
	p.flow([]pdfRun{p.own(strings.Join(t.Notes, " "), pdfSmall)}, 3)
}

// mark draws the mark of a verdict in its own shape.
func (p *pdf) mark(class string, x, y, scale float64) {
	c := markColours[class]
	p.f.SetDrawColor(c[0], c[1], c[2])
	p.f.SetFillColor(c[0], c[1], c[2])
	p.f.SetLineWidth(0.3)
	s := 7 * scale
	switch class {
	case "attack":
		p.f.Polygon([]fpdf.PointType{{X: x, Y: y - s}, {X: x + s, Y: y}, {X: x, Y: y + s}, {X: x - s, Y: y}}, "F")
	case "suspicious":
		p.f.Polygon([]fpdf.PointType{{X: x, Y: y - s}, {X: x + s, Y: y + 0.7*s}, {X: x - s, Y: y + 0.7*s}}, "F")
	case "test":
		p.f.SetFillColor(255, 255, 255)
		p.f.Rect(x-0.8*s, y-0.8*s, 1.6*s, 1.6*s, "DF")
	case "benign":
		p.f.Circle(x, y, s*0.55, "F")
	default:
		p.f.SetFillColor(255, 255, 255)
		p.f.Circle(x, y, s*0.9, "DF")
	}
}
