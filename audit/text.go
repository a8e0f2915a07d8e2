package audit

import (
	"bytes"
	"html"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/tiercel/tiercel/audit/expr"
)

// form is what a block of a report is.
type form uint8

const (
	paragraph form = iota
	heading
	listItem
	cell
	codeBlock
	comment // a line of a code block that speaks to the reader
)

// markKind is how a run of text is set off from its surroundings.
type markKind uint8

const (
	codeMark markKind = iota
	strongMark
	linkMark
	quoteMark
)

// mark is a run of a block's text, in bytes of that text.
type mark struct {
	kind       markKind
	start, end int
}

// block is a piece of a report that reads as one text.
type block struct {
	form  form
	text  string // plain: markup and escapes resolved
	segs  []segment
	marks []mark   // by their beginning
	codes []mark   // those of code
	under []string // the headings above it, outermost first
	// advice is set below a heading that says what to do.
	advice bool
	// head and key are the column's and the row's title of a table cell.
	head, key string
	row, col  int
	table     int // number of its table, from 1; 0 is none
	language  string
	indented  bool // a code block by its indentation alone
}

// segment maps a run of plain text to the report's bytes.
type segment struct {
	plain  int
	source int
	length int // of plain text
	width  int // of the source; differs from length for an escape
}

// source returns the report's bytes of a run of the block's text.
func (b *block) source(start, end int) (int, int) {
	if len(b.segs) == 0 {
		return 0, 0
	}
	return b.at(start, false), b.at(end, true)
}

func (b *block) at(i int, end bool) int {
	find := i
	if end && i > 0 {
		find = i - 1
	}
	k := sort.Search(len(b.segs), func(k int) bool { return b.segs[k].plain > find }) - 1
	k = max(k, 0)
	s := b.segs[k]
	switch {
	case end && (s.length != s.width || i-s.plain >= s.length):
		return s.source + s.width
	case s.length != s.width:
		return s.source
	}
	return s.source + min(i-s.plain, s.width)
}

// code returns the marks of code, which do not overlap.
func (b *block) code() []mark { return b.codes }

// codeIn returns the marks of code that overlap a run.
func (b *block) codeIn(start, end int) []mark {
	from := sort.Search(len(b.codes), func(i int) bool { return b.codes[i].end > start })
	to := from + sort.Search(len(b.codes)-from, func(i int) bool { return b.codes[from+i].start >= end })
	return b.codes[from:to]
}

// codeEnding returns the mark of code that ends at a place.
func (b *block) codeEnding(at int) (mark, bool) {
	i := sort.Search(len(b.codes), func(i int) bool { return b.codes[i].end >= at })
	if i < len(b.codes) && b.codes[i].end == at {
		return b.codes[i], true
	}
	return mark{}, false
}

// marksFrom returns the marks that begin in a run, its last place included.
func (b *block) marksFrom(start, end int) []mark {
	from := sort.Search(len(b.marks), func(i int) bool { return b.marks[i].start >= start })
	to := from + sort.Search(len(b.marks)-from, func(i int) bool { return b.marks[from+i].start > end })
	return b.marks[from:to]
}

// builder collects a block's text.
type builder struct {
	block
	buf []byte
}

// add appends source bytes [from, to) as they are.
func (b *builder) add(src []byte, from, to int) {
	if from >= to {
		return
	}
	b.put(src[from:to], from, to-from)
}

// put appends text that stands for width bytes of the source.
func (b *builder) put(plain []byte, source, width int) {
	if n := len(b.segs); n > 0 && len(plain) == width {
		if s := &b.segs[n-1]; s.length == s.width && s.source+s.width == source && s.plain+s.length == len(b.buf) {
			s.length += width
			s.width += width
			b.buf = append(b.buf, plain...)
			return
		}
	}
	b.segs = append(b.segs, segment{len(b.buf), source, len(plain), width})
	b.buf = append(b.buf, plain...)
}

var entity = expr.New(`^&(?:[A-Za-z][A-Za-z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});`)

// prose appends markdown text with its escapes and entities resolved.
func (b *builder) prose(src []byte, from, to int) {
	start := from
	for i := from; i < to; i++ {
		switch c := src[i]; {
		case c == '\\' && i+1 < to && isPunct(src[i+1]):
			b.add(src, start, i)
			b.put(src[i+1:i+2], i, 2)
			i++
			start = i + 1
		case c == '&':
			if m := entity.Find(src[i:min(to, i+40)]); m != nil {
				b.add(src, start, i)
				b.put([]byte(html.UnescapeString(string(m))), i, len(m))
				i += len(m) - 1
				start = i + 1
			}
		}
	}
	b.add(src, start, to)
}

func isPunct(c byte) bool {
	return c >= '!' && c <= '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}

// done returns the block; its text is valid UTF-8 of the same length.
func (b *builder) done() *block {
	out := b.block
	if !utf8.Valid(b.buf) {
		for i := 0; i < len(b.buf); {
			r, n := utf8.DecodeRune(b.buf[i:])
			if r == utf8.RuneError && n == 1 {
				b.buf[i] = '?'
			}
			i += n
		}
	}
	out.text = string(b.buf)
	sort.SliceStable(out.marks, func(i, j int) bool { return out.marks[i].start < out.marks[j].start })
	for _, m := range out.marks {
		if m.kind == codeMark && (len(out.codes) == 0 || out.codes[len(out.codes)-1].end <= m.start) {
			out.codes = append(out.codes, m)
		}
	}
	return &out
}

// reader turns a report into blocks.
type reader struct {
	src    []byte
	blocks []*block
	under  []string
	levels []int
	tables int
	advice *expr.Expr
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))

// read returns the blocks of a report in their order; advice matches headings,
// in lower case, below which a report says what to do.
func read(src []byte, advice *expr.Expr) []*block {
	r := &reader{src: src, advice: advice}
	for _, part := range parts(src) {
		doc := markdown.Parser().Parse(text.NewReader(part.text))
		r.src = part.text
		from := len(r.blocks)
		r.children(doc)
		for _, b := range r.blocks[from:] {
			for i := range b.segs {
				b.segs[i].source += part.at
			}
		}
	}
	return r.blocks
}

type part struct {
	at   int
	text []byte
}

// Limits beyond which a report is not parsed as markdown in one piece: the
// parser's time grows faster than the length of a hostile text.
const (
	partBytes = 32 << 10
	lineBytes = 16 << 10
	nesting   = 24
)

// parts cuts a long report at blank lines, so that time grows with its length,
// and replaces what no writer writes: lines that nest deeper than anybody reads.
func parts(src []byte) []part {
	src = flatten(src)
	var out []part
	start, at := 0, 0
	fence := fenceState{}
	for at < len(src) {
		end := bytes.IndexByte(src[at:], '\n')
		if end < 0 {
			end = len(src)
		} else {
			end += at + 1
		}
		line := src[at:end]
		fence.line(line)
		at = end
		if long := at - start; long >= partBytes && (!fence.open && len(bytes.TrimSpace(line)) == 0 || long >= 4*partBytes) {
			out = append(out, part{start, src[start:at]})
			start = at
		}
	}
	return append(out, part{start, src[start:]})
}

// flatten returns src with the markers of lines that nest too deep, and with
// the brackets and stars of lines that are too long, turned into blanks: same
// length, so that places stay.
func flatten(src []byte) []byte {
	out, at := src, 0
	own := false
	for at < len(src) {
		end := bytes.IndexByte(src[at:], '\n')
		if end < 0 {
			end = len(src)
		} else {
			end += at
		}
		line := src[at:end]
		markers, i := 0, 0
		for ; i < len(line) && strings.IndexByte(" \t>-*+", line[i]) >= 0; i++ {
			if line[i] != ' ' && line[i] != '\t' {
				markers++
			}
		}
		deep := markers > nesting && i < len(line) || i > 8*nesting || markers > lineBytes
		if deep || len(line) > lineBytes {
			if !own {
				out, own = bytes.Clone(src), true
			}
			if deep {
				for k := range i {
					out[at+k] = ' '
				}
			}
			if len(line) > lineBytes {
				for k := range line {
					if strings.IndexByte("[]*_<>~`!&|", line[k]) >= 0 {
						out[at+k] = ' '
					}
				}
			}
		}
		at = end + 1
	}
	return out
}

// fenceState follows the fences of code blocks from line to line.
type fenceState struct {
	open bool
	char byte
	size int
}

func (f *fenceState) line(line []byte) {
	t := bytes.TrimLeft(line, " \t>")
	if len(t) < 3 || t[0] != '`' && t[0] != '~' {
		return
	}
	n := len(t) - len(bytes.TrimLeft(t, string(t[0])))
	switch {
	case n < 3:
	case !f.open:
		*f = fenceState{true, t[0], n}
	case t[0] == f.char && n >= f.size && len(bytes.TrimSpace(t[n:])) == 0:
		f.open = false
	}
}

func (r *reader) children(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		r.node(c, paragraph)
	}
}

func (r *reader) node(n ast.Node, as form) {
	switch n := n.(type) {
	case *ast.Heading:
		b := r.inline(n, heading)
		r.push(n.Level, b.text)
		r.add(b)
	case *ast.Paragraph, *ast.TextBlock:
		if insideItem(n) {
			as = listItem
		}
		r.paragraph(n, as)
	case *ast.FencedCodeBlock:
		r.code(n.Lines(), string(n.Language(r.src)), false)
	case *ast.CodeBlock:
		r.code(n.Lines(), "", true)
	case *ast.HTMLBlock:
		r.html(n)
	case *extast.Table:
		r.table(n)
	case *ast.ListItem:
		r.item(n)
	default:
		r.children(n)
	}
}

// item reads an item of a list. One that begins with bold words and has more
// below it is a heading over that.
func (r *reader) item(n *ast.ListItem) {
	under, levels := r.under, r.levels
	first := n.FirstChild()
	for c := first; c != nil; c = c.NextSibling() {
		from := len(r.blocks)
		r.node(c, listItem)
		if c != first || c.NextSibling() == nil || len(r.blocks) != from+1 {
			continue
		}
		if b := r.blocks[from]; len(b.marks) > 0 && b.marks[0].kind == strongMark && b.marks[0].start == 0 {
			r.levels = append([]int(nil), r.levels...)
			r.push(titleLevel+1, b.text[:b.marks[0].end])
		}
	}
	r.under, r.levels = under, levels
}

func insideItem(n ast.Node) bool {
	_, ok := n.Parent().(*ast.ListItem)
	return ok
}

// push makes a heading the innermost of its level.
func (r *reader) push(level int, title string) {
	for len(r.levels) > 0 && r.levels[len(r.levels)-1] >= level {
		r.levels = r.levels[:len(r.levels)-1]
	}
	r.under = append(append([]string(nil), r.under[:len(r.levels)]...), strings.TrimSpace(title))
	r.levels = append(r.levels, level)
}

func (r *reader) add(b *block) {
	b.under, b.advice = r.under, slices.ContainsFunc(r.under, func(h string) bool { return r.advice.MatchString(strings.ToLower(h)) })
	if strings.TrimSpace(b.text) != "" {
		r.blocks = append(r.blocks, b)
	}
}

// titleLevel is below every heading of markdown.
const titleLevel = 7

// paragraph adds a paragraph. A paragraph that is nothing but bold words is a
// heading to its reader.
func (r *reader) paragraph(n ast.Node, as form) {
	b := r.inline(n, as)
	t := strings.TrimSpace(b.text)
	if as == paragraph && len(b.marks) > 0 && len(t) < 100 && !strings.ContainsAny(t, "\n") {
		if m := b.marks[0]; m.kind == strongMark && m.end-m.start >= len(strings.TrimRight(t, ": ")) {
			b.form = heading
			r.push(titleLevel, strings.TrimRight(t, ": "))
		}
	}
	r.add(b)
}

func (r *reader) inline(n ast.Node, as form) *block {
	b := &builder{block: block{form: as}}
	r.spans(b, n)
	return b.done()
}

// spans adds the inline nodes below n.
func (r *reader) spans(b *builder, n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		start := len(b.buf)
		switch c := c.(type) {
		case *ast.Text:
			b.prose(r.src, c.Segment.Start, c.Segment.Stop)
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.put([]byte("\n"), min(c.Segment.Stop, len(r.src)), 0)
			}
		case *ast.String:
			// made by an extension, of no place in the source
		case *ast.CodeSpan:
			for k := c.FirstChild(); k != nil; k = k.NextSibling() {
				if t, ok := k.(*ast.Text); ok {
					r.codeText(b, t.Segment.Start, t.Segment.Stop)
				}
			}
			b.mark(codeMark, start)
		case *ast.RawHTML:
			r.rawHTML(b, c)
		case *ast.AutoLink:
			r.autoLink(b, c)
			b.mark(linkMark, start)
		case *ast.Link:
			r.spans(b, c)
			b.mark(linkMark, start)
		case *ast.Emphasis:
			r.spans(b, c)
			b.mark(strongMark, start)
		default:
			r.spans(b, c)
		}
	}
}

// codeText adds a code span's text; line breaks read as blanks, and inside of a
// table a bar is escaped.
func (r *reader) codeText(b *builder, from, to int) {
	start := from
	for i := from; i < to; i++ {
		switch {
		case r.src[i] == '\n':
			b.add(r.src, start, i)
			b.put([]byte(" "), i, 1)
			start = i + 1
		case b.form == cell && r.src[i] == '\\' && i+1 < to && r.src[i+1] == '|':
			b.add(r.src, start, i)
			b.put([]byte("|"), i, 2)
			i++
			start = i + 1
		}
	}
	b.add(r.src, start, to)
}

func (b *builder) mark(kind markKind, start int) {
	if len(b.buf) > start {
		b.marks = append(b.marks, mark{kind, start, len(b.buf)})
	}
}

func (r *reader) rawHTML(b *builder, n *ast.RawHTML) {
	for i := range n.Segments.Len() {
		s := n.Segments.At(i)
		if tag := bytes.ToLower(s.Value(r.src)); bytes.HasPrefix(tag, []byte("<br")) || bytes.HasPrefix(tag, []byte("</")) && len(tag) == 0 {
			b.put([]byte("\n"), s.Start, s.Stop-s.Start)
		}
	}
}

// autoLink adds the label of <https://…>, which the parser gives no place for.
func (r *reader) autoLink(b *builder, n *ast.AutoLink) {
	label := n.Label(r.src)
	from := 0
	if len(b.segs) > 0 {
		s := b.segs[len(b.segs)-1]
		from = s.source + s.width
	} else if p := n.Parent(); p != nil && p.Type() == ast.TypeBlock && p.Lines() != nil && p.Lines().Len() > 0 {
		from = p.Lines().At(0).Start
	}
	if i := bytes.Index(r.src[from:min(len(r.src), from+len(label)+400)], label); i >= 0 {
		b.add(r.src, from+i, from+i+len(label))
	}
}

func (r *reader) code(lines *text.Segments, language string, indented bool) {
	b := &builder{block: block{form: codeBlock, language: strings.ToLower(language), indented: indented}}
	for i := range lines.Len() {
		s := lines.At(i)
		if s.Padding > 0 {
			b.put(bytes.Repeat([]byte(" "), s.Padding), s.Start, 0)
		}
		b.add(r.src, s.Start, s.Stop)
	}
	r.add(b.done())
}

func (r *reader) table(n *extast.Table) {
	r.tables++
	var heads []string
	row := 0
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		col, key := 0, ""
		for k := c.FirstChild(); k != nil; k = k.NextSibling() {
			b := r.inline(k, cell)
			b.table, b.row, b.col = r.tables, row, col
			if col == 0 {
				key = strings.TrimSpace(b.text)
			} else {
				b.key = key
			}
			if row == 0 {
				heads = append(heads, strings.TrimSpace(b.text))
			} else if col < len(heads) {
				b.head = heads[col]
			}
			r.add(b)
			col++
		}
		row++
	}
}

var (
	htmlToken = expr.New(`(?s)<!--.*?-->|<[/!?]?[A-Za-z][^<>]{0,900}>`)
	htmlName  = expr.New(`^</?([A-Za-z][A-Za-z0-9]*)`)
)

// html reads a block of HTML: the text between its tags, rows as rows.
func (r *reader) html(n *ast.HTMLBlock) {
	lines := n.Lines()
	if lines.Len() == 0 {
		return
	}
	from, to := lines.At(0).Start, lines.At(lines.Len()-1).Stop
	if n.HasClosure() {
		to = max(to, n.ClosureLine.Stop)
	}
	h := htmlReader{reader: r, b: &builder{block: block{form: paragraph}}}
	at := from
	for _, m := range htmlToken.FindAllIndex(r.src[from:to], -1) {
		h.text(at, from+m[0])
		h.tag(r.src[from+m[0] : from+m[1]])
		at = from + m[1]
	}
	h.text(at, to)
	h.flush(paragraph)
}

// htmlReader is the state inside of a block of HTML.
type htmlReader struct {
	*reader
	b        *builder
	skip     string // inside of script or style
	pre      bool
	code     int // where a <code> or <b> began, 1-based; 0 is none
	strong   int
	heads    []string
	key      string
	row, col int
}

func (h *htmlReader) text(from, to int) {
	if h.skip == "" {
		h.b.prose(h.src, from, to)
	}
}

func (h *htmlReader) flush(as form) {
	b := h.b.done()
	h.b = &builder{block: block{form: paragraph}}
	h.code, h.strong = 0, 0
	b.form = as
	switch as {
	case cell:
		b.table, b.row, b.col = h.tables, h.row, h.col
		t := strings.TrimSpace(b.text)
		if h.col == 0 {
			h.key = t
		} else {
			b.key = h.key
		}
		if h.row == 0 {
			h.heads = append(h.heads, t)
		} else if h.col < len(h.heads) {
			b.head = h.heads[h.col]
		}
		h.col++
	case heading:
		h.push(2, b.text)
	}
	h.add(b)
}

func (h *htmlReader) tag(tag []byte) {
	m := htmlName.FindSubmatch(tag)
	if m == nil {
		return
	}
	name, closing := strings.ToLower(string(m[1])), tag[1] == '/'
	if h.skip != "" {
		if closing && name == h.skip {
			h.skip = ""
		}
		return
	}
	switch name {
	case "script", "style":
		if !closing {
			h.skip = name
		}
	case "code", "tt", "kbd":
		if h.pre {
			return
		}
		h.span(&h.code, codeMark, closing)
	case "b", "strong", "em", "i":
		h.span(&h.strong, strongMark, closing)
	case "pre":
		if closing {
			h.flush(codeBlock)
		} else {
			h.flush(paragraph)
		}
		h.pre = !closing
	case "table":
		h.flush(paragraph)
		if !closing {
			h.tables++
			h.heads, h.row, h.col = nil, -1, 0
		}
	case "tr":
		if !closing {
			h.row, h.col, h.key = h.row+1, 0, ""
		}
	case "td", "th":
		if closing {
			h.flush(cell)
		}
	case "h1", "h2", "h3", "h4", "h5", "h6":
		if closing {
			h.flush(heading)
		} else {
			h.flush(paragraph)
		}
	case "li":
		if closing {
			h.flush(listItem)
		} else {
			h.flush(paragraph)
		}
	case "p", "div", "ul", "ol", "br", "section", "blockquote", "details", "summary":
		h.flush(paragraph)
	}
}

func (h *htmlReader) span(at *int, kind markKind, closing bool) {
	if !closing {
		*at = len(h.b.buf) + 1
	} else if *at > 0 {
		h.b.mark(kind, *at-1)
		*at = 0
	}
}
