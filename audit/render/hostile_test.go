package render

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	mdtext "github.com/yuin/goldmark/text"
	"golang.org/x/net/html"

	"github.com/tiercel/tiercel/report/render"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

var seeds = []string{
	nasty, "", " ", "\n", "\r\n", "`", "```\n# x", "|", "\n# heading\n", "- item", "<!-- ", "-->", "<script>alert(1)</script>", "</style>", "{{.}}",
	"</code></pre></mark><img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "&lt;script&gt;", "\x1b[31mred", "\u009b2J", "\u202ereversed\u202c",
	"\x00", "\u2028", "\xff\xfe\x80", "\u65e5\u672c\u8a9e", strings.Repeat("x", 300), strings.Repeat("`", 40), "a\n\n\nb\n", "\ufeff# x\r\ny\r", "\" onmouseover=\"x", "www.x.y a@b.c",
}

var tokens = strings.Split("`,``,```,|,\\,*,_,~,<,>,<script>,</mark>,&amp;,[,],](,!,#,\n,\n\n,\n# ,\n- ,\t,\r\n, ,a,b,http://x.y/,@,\x1b[0m,\u202e,\u200b,\xff,\u0301,\u4e16,---,1. ,{{,}},\",'", ",")

func mixed(t *testing.T, check func(*testing.T, string)) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var b strings.Builder
		for range 1 + r.IntN(12) {
			b.WriteString(tokens[r.IntN(len(tokens))])
		}
		check(t, b.String())
		if t.Failed() {
			return
		}
	}
	for _, s := range seeds {
		check(t, s)
	}
}

// unseen reports whether a screen or a reader would obey r.
func unseen(r rune) bool {
	return r != '\n' && r != '\t' && (!unicode.IsPrint(r) && r != ' ' || unicode.In(r, unicode.Bidi_Control, unicode.Variation_Selector))
}

func checkUnseen(t *testing.T, format, v, out string) {
	if i := strings.IndexFunc(out, unseen); i >= 0 || !utf8.ValidString(out) {
		t.Errorf("%s, %q: a hidden character or no UTF-8 at %d", format, v, i)
	}
}

// checkHTML holds the elements and attributes against those that our
// templates can make, and the text of the report against the report.
func checkHTML(t *testing.T, v string) {
	out := show(t, "html", hostile(v), Options{})
	checkUnseen(t, "html", v, out)
	root, err := html.Parse(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	allowed := strings.Fields("html head meta title style body main header h1 h2 p code em table thead tbody tr th td label input span a section ul li strong br div mark details summary")
	attributes := strings.Fields("lang charset http-equiv content name class id href type checked title scope aria-hidden aria-label rel")
	var words strings.Builder
	var walk func(*html.Node, bool)
	walk = func(n *html.Node, inLine bool) {
		if n.Type == html.CommentNode {
			t.Errorf("%q: comment %q", v, n.Data)
		}
		if n.Type == html.ElementNode {
			if !slices.Contains(allowed, n.Data) {
				t.Errorf("%q: element %s", v, n.Data)
			}
			class := ""
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) {
					t.Errorf("%q: attribute %s of %s", v, a.Key, n.Data)
				}
				if a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%q: link to %q", v, a.Val)
				}
				if a.Key == "class" {
					class = a.Val
				}
			}
			switch {
			case class == "words":
				inLine = true
			case n.Data == "a":
				inLine = false
			}
			defer func() {
				if class == "words" {
					words.WriteByte('\n')
				}
			}()
		}
		if n.Type == html.TextNode && inLine {
			words.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, inLine)
		}
	}
	walk(root, false)
	// A claim may be cut inside of a character: then its bytes stand as escapes.
	shown, _ := render.Code(strings.ReplaceAll(v+"\n", "\r\n", "\n"))
	if strings.HasSuffix(v, "\n") || v == "" {
		shown = strings.TrimSuffix(shown, "\n")
	}
	if got := words.String(); got != shown && isASCII(v) {
		t.Errorf("%q: the report shows as %q", v, got)
	}
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))

// skeleton lists the nodes of a markdown text, without plain text and code.
func skeleton(source string) (nodes []string) {
	depth := 0
	_ = ast.Walk(gfm.Parser().Parse(mdtext.NewReader([]byte(source))), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			depth--
			return ast.WalkContinue, nil
		}
		depth++
		switch n.(type) {
		case *ast.Text, *ast.String:
		case *ast.CodeSpan:
			return ast.WalkSkipChildren, nil
		default:
			nodes = append(nodes, fmt.Sprintf("%*s%s", depth, "", n.Kind()))
		}
		return ast.WalkContinue, nil
	})
	return nodes
}

// checkMarkdown looks for nodes that our own pages do not have.
func checkMarkdown(t *testing.T, v string) {
	out := show(t, "markdown", hostile(v), Options{All: true})
	checkUnseen(t, "markdown", v, out)
	for _, n := range skeleton(out) {
		switch kind := strings.TrimSpace(n); kind {
		case "Document", "Heading", "Paragraph", "TextBlock", "List", "ListItem", "Emphasis", "FencedCodeBlock":
		default:
			t.Errorf("%q makes a %s", v, kind)
		}
	}
	sections := 0
	for l := range strings.SplitSeq(out, "\n") {
		if strings.HasPrefix(l, "#") {
			sections++
		}
	}
	if most := 2 + len(worstFirst); sections > most {
		t.Errorf("%q makes %d headings, at most %d are ours", v, sections, most)
	}
}

func checkTerminal(t *testing.T, v string) {
	for _, width := range []int{40, 100} {
		out := show(t, "terminal", hostile(v), Options{Width: width, All: true})
		checkUnseen(t, "terminal", v, out)
		for l := range strings.SplitSeq(out, "\n") {
			if w := uniseg.StringWidth(l); w > width {
				t.Errorf("%q: a line of %d columns on a screen of %d", v, w, width)
			}
			if l != "" && l[0] != ' ' && contains(l, "`") {
				t.Errorf("%q: a value in the first column: %q", v, l)
			}
		}
	}
}

func checkJSON(t *testing.T, v string) {
	out := show(t, "json", hostile(v), Options{})
	checkUnseen(t, "json", v, out)
	var got struct{ Findings []struct{ Text string } }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%q: %v", v, err)
	}
	if want := string([]rune(v)); got.Findings[len(got.Findings)-1].Text == "" && v != "" || !slices.ContainsFunc(got.Findings, func(f struct{ Text string }) bool { return f.Text == want }) {
		t.Errorf("%q: no finding has these words", v)
	}
	validate(t, "hostile", out)
}

func checkAll(t *testing.T, v string) {
	checkHTML(t, v)
	checkMarkdown(t, v)
	checkTerminal(t, v)
	checkJSON(t, v)
}

func TestAnyReportStaysText(t *testing.T) { mixed(t, checkAll) }

func FuzzRender(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(checkAll)
}

// TestHTMLWithoutMarkup holds the page to what it may not have.
func TestHTMLLoadsNothing(t *testing.T) {
	out := show(t, "html", sample(t, swallow(nasty)), Options{})
	if !contains(out, `content="default-src 'none'; style-src 'unsafe-inline';`) {
		t.Error("no content security policy")
	}
	for _, bad := range []string{"<script", "<img", "<link", "<iframe", "url(", "@import", "src="} {
		if contains(out, bad) {
			t.Errorf("%q in the page", bad)
		}
	}
}

func TestHTMLLinksLeadSomewhere(t *testing.T) {
	out := show(t, "html", sample(t, same), Options{})
	links := strings.Split(out, ` href="#`)[1:]
	if len(links) < 20 {
		t.Fatalf("%d links", len(links))
	}
	for _, part := range links {
		anchor, _, _ := strings.Cut(part, `"`)
		if n := strings.Count(out, ` id="`+anchor+`"`); n != 1 {
			t.Errorf("%d elements have the id %q", n, anchor)
		}
	}
}

// TestHTMLMarksClaims looks at what is marked as what.
func TestHTMLMarksClaims(t *testing.T) {
	out := show(t, "html", sample(t, same), Options{})
	for _, want := range []string{
		`<mark class="harmful" title="Harmful: Everybody could write all of /etc.">sudo chmod -R 777 /etc</mark><a class="ref harmful" href="#f6">`,
		`>A shell was opened by ` + "`nginx`" + ` on </mark><mark class="supported" title="Holds: The field hostname has web-1.">web-1</mark><a class="ref supported" href="#f3">`,
		`>,</mark></div></div>`, // the claim goes on in the next line
		`>a = b</mark></div></div>`,
	} {
		if !contains(out, want) {
			t.Errorf("missing: %s", want)
		}
	}
}
