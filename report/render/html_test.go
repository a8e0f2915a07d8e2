package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tiercel/tiercel/report"
)

// sizes are what the attributes of a drawing have to say where and how big
// things are: these may depend on how long a text is.
var sizes = regexp.MustCompile(`^[MLHVAZCQmlhvazcq0-9., -]+$`)

func unsized(list []html.Attribute) []html.Attribute {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Key != "class" && list[i].Key != "id" && sizes.MatchString(list[i].Val) {
			list[i].Val = "size"
		}
	}
	return list
}

// elements lists elements and attributes in order, and the texts of values.
// A tag that the parser had to mend shows as a difference.
func elements(t testing.TB, source string) (nodes, values []string) {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode || n.Type == html.CommentNode {
			attrs := n.Attr
			if n.Namespace == "svg" {
				attrs = unsized(attrs)
			}
			nodes = append(nodes, fmt.Sprintf("%*s%s %v", depth, "", n.Data, attrs))
			if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Val == "value" }) {
				values = append(values, innerText(n))
			}
		}
		depth++
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		depth--
	}
	walk(root)
	return nodes, values
}

func innerText(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(innerText(c))
	}
	return b.String()
}

func checkHTMLValue(t *testing.T, v string) {
	if v == "" {
		return
	}
	out := shape{swallow(v), same}.show(t, "html", Options{})
	nodes, values := elements(t, out)
	want, _ := elements(t, calm(t, harmlessFor(v), "html", 0))
	if d := firstDifference(nodes, want); d != "" {
		t.Errorf("value %q changes the structure: %s", v, d)
	}
	for _, c := range values {
		if c != Visible(v) && c != "inspect-container" && c != "memfd-noexec" && c != "Fileless execution via memfd_create" {
			t.Errorf("value %q shows as %q", v, c)
		}
	}
	if strings.IndexFunc(out, func(r rune) bool { return r != '\n' && r != '\t' && hidden(r) }) >= 0 {
		t.Errorf("value %q: hidden character in the output", v)
	}
}

func checkHTMLWords(t *testing.T, v string) {
	nodes, _ := elements(t, shape{swallow("x"), func(s string) string { return v + "x" + s }}.show(t, "html", Options{}))
	want, _ := elements(t, shape{swallow("x"), func(s string) string { return "x" + s }}.show(t, "html", Options{}))
	if d := firstDifference(nodes, want); d != "" {
		t.Errorf("words %q change the structure: %s", v, d)
	}
}

func TestHTMLValuesStayValues(t *testing.T) { mixed(t, checkHTMLValue) }
func TestHTMLWordsStayWords(t *testing.T)   { mixed(t, checkHTMLWords) }
func FuzzHTML(f *testing.F) {
	fuzzHostile(f, func(t *testing.T, s string) { checkHTMLValue(t, s); checkHTMLWords(t, s) })
}

func TestHTMLLoadsNothing(t *testing.T) {
	out := shape{same, same}.show(t, "html", Options{})
	for _, bad := range []string{"<script", "<img", "<link", "<iframe", "url(", "@import", " on", "src="} {
		for l := range strings.SplitSeq(out, "\n") {
			if strings.Contains(l, "<") && contains(tagsOf(l), bad) {
				t.Errorf("%q in %s", bad, l)
			}
		}
	}
	if !contains(out, `content="default-src 'none'; style-src 'unsafe-inline';`) {
		t.Error("no content security policy")
	}
}

// tagsOf keeps what stands in tags.
func tagsOf(l string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(l, "<") {
		tag, _, _ := strings.Cut(part, ">")
		b.WriteString("<" + tag)
	}
	return b.String()
}

func TestHTMLLinksLeadSomewhere(t *testing.T) {
	out := show(t, "html", Options{}, shape{same, same}.input(), shape{same, same}.document())
	for part := range strings.SplitSeq(out, ` href="#`) {
		anchor, _, _ := strings.Cut(part, `"`)
		if !strings.HasPrefix(part, "<!DOCTYPE") && strings.Count(out, ` id="`+anchor+`"`) != 1 {
			t.Errorf("%d elements have the id %q", strings.Count(out, ` id="`+anchor+`"`), anchor)
		}
	}
}

func TestOnlyWebAddressesAreLinks(t *testing.T) {
	for url, want := range map[string]bool{"https://man7.org/x#y": true, "http://a.b": true, "javascript:alert(1)": false,
		"data:text/html,x": false, "https://x/<b>": false, "https://x y": false, "//x": false, "https://x\n": false, "": false} {
		if got := webAddress(report.Reference{URL: url}) != ""; got != want {
			t.Errorf("%q: %v", url, got)
		}
	}
}
