package render

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// NewPDF returns a Renderer that writes one PDF to w: A4, its fonts embedded,
// with an outline, links to the evidence and page numbers. The whole file is
// written by End. What the fonts have no character for stands as an escape such
// as \u4e2d, as what cannot be seen does. Equal documents give equal files.
func NewPDF(w io.Writer) Renderer {
	l := &pdf{w: w}
	return &pdfRenderer{stream{out: nowhere(), layout: l}, l}
}

type pdfRenderer struct {
	stream
	pdf *pdf
}

// End implements Renderer.
func (r *pdfRenderer) End(in report.Input) error {
	if err := r.stream.End(in); err != nil {
		return err
	}
	return r.pdf.write()
}

// pdf is the layout of a PDF. Lengths are millimetres.
type pdf struct {
	w     io.Writer
	f     *fpdf.Fpdf
	n     numbers
	links map[int]int // of the numbers of the document's evidence
	title string
	last  time.Time
	step  int
	x, y  float64 // the left edge and the top of the next line
	wide  float64
	list  []pdfRow
}

const (
	pdfLeft   = 18.0
	pdfTop    = 18.0
	pdfRight  = 210.0 - 18
	pdfBottom = 297.0 - 20
	pdfWide   = pdfRight - pdfLeft
)

// pdfStyle is how a run of text looks.
type pdfStyle struct {
	font   string // family and style for fpdf
	bold   bool
	size   float64 // points
	colour [3]int
	box    bool // on a tinted ground, as values are
}

const (
	pdfSans = "sans"
	pdfMono = "mono"
)

var (
	pdfInk    = [3]int{28, 32, 36}
	pdfSoft   = [3]int{83, 92, 101}
	pdfValueC = [3]int{11, 74, 111}
	pdfLine   = [3]int{217, 222, 227}

	pdfBody  = pdfStyle{font: pdfSans, size: 9.5, colour: pdfInk}
	pdfBold  = pdfStyle{font: pdfSans, bold: true, size: 9.5, colour: pdfInk}
	pdfValue = pdfStyle{font: pdfMono, size: 8.5, colour: pdfValueC, box: true}
	pdfCite  = pdfStyle{font: pdfSans, size: 7.5, colour: pdfSoft}
	pdfSmall = pdfStyle{font: pdfSans, size: 8, colour: pdfSoft}
	pdfCode  = pdfStyle{font: pdfMono, size: 8, colour: pdfInk}
)

var severityColours = map[string][3]int{"critical": {143, 29, 29}, "high": {179, 38, 30}, "medium": {138, 83, 0}, "low": {44, 110, 73}, "info": {70, 82, 94}}

// pdfFonts tell which characters can be shown.
var pdfFonts = sync.OnceValue(func() map[string]*sfnt.Font {
	fonts := map[string]*sfnt.Font{}
	for name, ttf := range map[string][]byte{pdfSans: goregular.TTF, pdfMono: gomono.TTF} {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			panic(err) // the fonts are compiled in
		}
		fonts[name] = f
	}
	return fonts
})

func nowhere() out { return out{newNowhere()} }

func (p *pdf) start() {
	if p.f != nil {
		return
	}
	p.f = fpdf.New("P", "mm", "A4", "")
	p.f.AddUTF8FontFromBytes(pdfSans, "", goregular.TTF)
	p.f.AddUTF8FontFromBytes(pdfSans, "B", gobold.TTF)
	p.f.AddUTF8FontFromBytes(pdfMono, "", gomono.TTF)
	p.f.SetAutoPageBreak(false, 0)
	p.f.SetMargins(0, 0, 0)
	p.f.SetCellMargin(0)
	p.f.SetCatalogSort(true)
	p.f.SetLang("en")
	p.f.SetProducer("Tiercel", true)
	p.x, p.wide = pdfLeft, pdfWide
	p.page()
}

func (p *pdf) page() {
	p.f.AddPage()
	p.y = pdfTop
}

// room makes sure that so much fits on the page.
func (p *pdf) room(height float64) {
	if p.y+height > pdfBottom && p.y > pdfTop {
		p.page()
	}
}

func (p *pdf) gap(height float64) {
	if p.y > pdfTop {
		p.y += height
	}
}

// fits escapes what the font has no character for.
func (p *pdf) fits(s, font string) string {
	if isPlain(s) {
		return s
	}
	known := pdfFonts()[font]
	var b strings.Builder
	var buf sfnt.Buffer
	for i, r := range s {
		// fpdf knows the first plane only.
		if g, err := known.GlyphIndex(&buf, r); r != '\n' && r != '\t' && (err != nil || g == 0 || r > 0xffff) {
			writeEscape(&b, r, s[i], len(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// pdfRun is text of one style; link is of fpdf, 0 for none.
type pdfRun struct {
	text  string
	style pdfStyle
	link  int
	url   string
}

func (p *pdf) runs(spans []evidence.Span, style pdfStyle) (out []pdfRun) {
	for _, s := range merged(spans) {
		switch {
		case !s.Value:
			out = append(out, pdfRun{text: p.fits(prose(s.Text), pdfSans), style: style})
		case s.Text == "":
			soft := style
			soft.colour = pdfSoft
			out = append(out, pdfRun{text: noValue, style: soft})
		default:
			v := pdfValue
			v.size = style.size * pdfValue.size / pdfBody.size
			out = append(out, pdfRun{text: p.fits(Visible(s.Text), pdfMono), style: v})
		}
	}
	return out
}

func (p *pdf) own(text string, style pdfStyle) pdfRun {
	return pdfRun{text: p.fits(prose(text), style.font), style: style}
}

func (p *pdf) statement(s evidence.Statement, style pdfStyle) []pdfRun {
	out := p.runs(s.Spans, style)
	cite := pdfCite
	cite.size = min(cite.size, style.size)
	found := p.n.of(s)
	for i, n := range found {
		text := strconv.Itoa(n) + ", "
		if i == 0 {
			out = append(out, pdfRun{text: " ", style: cite})
			text = "[" + text
		}
		if i == len(found)-1 {
			text = strings.TrimSuffix(text, ", ") + "]"
		}
		out = append(out, pdfRun{text: text, style: cite, link: p.links[n]})
	}
	return out
}

func (p *pdf) statements(list []evidence.Statement, style pdfStyle) (out []pdfRun) {
	for _, s := range list {
		if s.Empty() {
			continue
		}
		if len(out) > 0 {
			out = append(out, pdfRun{text: " ", style: style})
		}
		out = append(out, p.statement(s, style)...)
	}
	return out
}

func (p *pdf) use(s pdfStyle) {
	bold := ""
	if s.bold {
		bold = "B"
	}
	p.f.SetFont(s.font, bold, s.size)
	p.f.SetTextColor(s.colour[0], s.colour[1], s.colour[2])
}

// pdfPiece is a piece of a line, placed.
type pdfPiece struct {
	pdfRun
	x, w float64
}

type pdfLineOf struct {
	pieces []pdfPiece
	height float64
}

func lineHeight(size float64) float64 { return size * 0.52 }

// wrap breaks runs into lines: behind blanks, and within words that are longer
// than a line.
func (p *pdf) wrap(runs []pdfRun, wide float64) []pdfLineOf {
	var lines []pdfLineOf
	line := pdfLineOf{}
	x := 0.0
	end := func() {
		lines = append(lines, line)
		line, x = pdfLineOf{}, 0
	}
	for _, r := range runs {
		p.use(r.style)
		for len(r.text) > 0 {
			if r.text[0] == '\n' {
				line.height = max(line.height, lineHeight(r.style.size))
				end()
				r.text = r.text[1:]
				continue
			}
			word := r.text
			if i := strings.IndexAny(r.text, " \n"); i >= 0 {
				for i < len(r.text) && r.text[i] == ' ' {
					i++
				}
				word = r.text[:i]
			}
			w := p.f.GetStringWidth(word)
			bare := w
			if t := strings.TrimRight(word, " "); t != word {
				bare = p.f.GetStringWidth(t)
			}
			switch {
			case x+bare <= wide:
			case bare <= wide && x > 0:
				end()
				continue
			default:
				word, w = p.head(word, wide-x)
				if word == "" {
					if x > 0 {
						end()
						continue
					}
					_, word, w = p.first(r.text)
				}
			}
			piece := pdfRun{word, r.style, r.link, r.url}
			if k := len(line.pieces) - 1; k >= 0 && line.pieces[k].style == r.style && line.pieces[k].link == r.link && line.pieces[k].url == r.url {
				line.pieces[k].text += word
				line.pieces[k].w += w
			} else {
				line.pieces = append(line.pieces, pdfPiece{piece, x, w})
			}
			line.height = max(line.height, lineHeight(r.style.size))
			x += w
			r.text = r.text[len(word):]
		}
	}
	if len(line.pieces) > 0 || len(lines) == 0 {
		end()
	}
	return lines
}

// head is as much of a word as fits.
func (p *pdf) head(word string, wide float64) (string, float64) {
	used := 0.0
	for i, r := range word {
		w := p.f.GetStringWidth(string(r))
		if used+w > wide {
			return word[:i], used
		}
		used += w
	}
	return word, used
}

func (p *pdf) first(s string) (rune, string, float64) {
	for _, r := range s {
		return r, string(r), p.f.GetStringWidth(string(r))
	}
	return 0, "", 0
}

// draw puts a line with its left end at x and its top at y.
func (p *pdf) draw(l pdfLineOf, x, y float64) {
	base := y + l.height*0.74
	for _, piece := range l.pieces {
		shown := strings.TrimRight(piece.text, " ")
		if shown == "" {
			continue
		}
		p.use(piece.style)
		if piece.style.box {
			p.f.SetFillColor(238, 243, 247)
			w := p.f.GetStringWidth(shown)
			p.f.Rect(x+piece.x-0.3, base-piece.style.size*0.3, w+0.6, piece.style.size*0.4, "F")
		}
		p.f.Text(x+piece.x, base, piece.text)
		switch {
		case piece.link != 0:
			p.f.Link(x+piece.x, y, piece.w, l.height, piece.link)
		case piece.url != "":
			p.f.LinkString(x+piece.x, y, piece.w, l.height, piece.url)
		}
	}
}

// flow writes runs as a paragraph.
func (p *pdf) flow(runs []pdfRun, after float64) {
	if len(runs) == 0 {
		return
	}
	lines := p.wrap(runs, p.wide)
	for i, l := range lines {
		if i == 0 && len(lines) > 1 {
			p.room(l.height * 2) // no single line at the foot
		}
		p.room(l.height)
		p.draw(l, p.x, p.y)
		p.y += l.height
	}
	p.y += after
}

func (p *pdf) indented(by float64, write func()) {
	p.x, p.wide = p.x+by, p.wide-by
	write()
	p.x, p.wide = p.x-by, p.wide+by
}

// pdfRow is a row of a table: the runs of each of its cells.
type pdfRow [][]pdfRun

// table writes rows below their heads; shares say how the width is divided.
func (p *pdf) table(heads []string, shares []float64, rows []pdfRow) {
	if len(rows) == 0 {
		return
	}
	const pad = 1.2
	head := make(pdfRow, len(heads))
	style := pdfSmall
	style.bold = true
	for i, h := range heads {
		head[i] = []pdfRun{p.own(h, style)}
	}
	sum := 0.0
	for _, s := range shares {
		sum += s
	}
	put := func(row pdfRow, top bool) {
		cells := make([][]pdfLineOf, len(row))
		most, height := 0, 0.0
		for i, c := range row {
			cells[i] = p.wrap(c, p.wide*shares[i]/sum-2*pad)
			most = max(most, len(cells[i]))
			for _, l := range cells[i] {
				height = max(height, l.height)
			}
		}
		if height == 0 {
			height = lineHeight(pdfSmall.size)
		}
		p.y += pad * 0.7
		for n := range most {
			if p.y+height > pdfBottom {
				p.page()
				if !top {
					p.headRow(head, shares, sum, pad)
				}
			}
			x := p.x
			for i := range cells {
				if n < len(cells[i]) {
					p.draw(cells[i][n], x, p.y)
				}
				x += p.wide * shares[i] / sum
			}
			p.y += height
		}
		p.y += pad * 0.7
		p.rule(pdfLine)
	}
	p.room(25)
	p.headRow(head, shares, sum, pad)
	for _, row := range rows {
		p.room(8)
		if p.y == pdfTop {
			p.headRow(head, shares, sum, pad)
		}
		put(row, false)
	}
	p.y += 3
}

func (p *pdf) headRow(head pdfRow, shares []float64, sum, pad float64) {
	x := p.x
	height := lineHeight(pdfSmall.size)
	for i, c := range head {
		for _, l := range p.wrap(c, p.wide*shares[i]/sum-2*pad)[:1] {
			p.draw(l, x, p.y)
		}
		x += p.wide * shares[i] / sum
	}
	p.y += height + 0.6
	p.rule([3]int{139, 148, 158})
}

func (p *pdf) rule(c [3]int) {
	p.f.SetDrawColor(c[0], c[1], c[2])
	p.f.SetLineWidth(0.2)
	p.f.Line(p.x, p.y, p.x+p.wide, p.y)
}

// write ends the file.
func (p *pdf) write() error {
	p.start()
	p.f.SetTitle(p.title, true)
	when := p.last.UTC()
	if p.last.IsZero() {
		when = time.Unix(0, 0).UTC()
	}
	p.f.SetCreationDate(when)
	p.f.SetModificationDate(when)
	pages := p.f.PageNo()
	for i := 1; i <= pages; i++ {
		p.f.SetPage(i)
		p.use(pdfSmall)
		text := fmt.Sprintf("Page %d of %d", i, pages)
		p.f.Text(pdfRight-p.f.GetStringWidth(text), 297-11, text)
		head, left := cut(p.title, 90)
		if left > 0 {
			head += "..."
		}
		p.f.Text(pdfLeft, 297-11, head)
	}
	var file bytes.Buffer
	if err := p.f.Output(&file); err != nil {
		return fmt.Errorf("render: PDF: %w", err)
	}
	_, err := file.WriteTo(p.w)
	return err
}
