package render

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

func pdfOf(t testing.TB, docs ...*report.Document) []byte {
	t.Helper()
	var out bytes.Buffer
	r := NewPDF(&out)
	in := report.Input{Alerts: 1, Matched: 1, Kinds: 1}
	if err := r.Begin(in); err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if err := r.Document(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.End(in); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pdfText is what pdftotext reads, blanks and line ends as one blank.
func pdfText(t testing.TB, file []byte) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext here: apt install poppler-utils")
	}
	name := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(tool, "-layout", name, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// without drops blanks, as a line may end anywhere in a long word.
func without(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func TestPDFHasTheWholeReport(t *testing.T) {
	d := shape{same, same}.document()
	text := without(pdfText(t, pdfOf(t, d)))
	for _, s := range d.Sections {
		if !strings.Contains(text, without(s.Title)) {
			t.Errorf("without the section %q", s.Title)
		}
	}
	d.Verdict.Reasons, d.Verdict.Unknowns = nil, nil // the sections say them
	missing := 0
	eachStatement(d, func(s evidence.Statement) {
		for _, span := range s.Spans {
			if want := without(Visible(span.Text)); !strings.Contains(text, want) && missing < 5 {
				missing++
				t.Errorf("without %q", span.Text)
			}
		}
	})
	if !strings.Contains(text, "Page1of") {
		t.Error("without page numbers")
	}
}

func TestPDFsOfEqualDocumentsAreEqual(t *testing.T) {
	d := shape{same, same}.document()
	if !bytes.Equal(pdfOf(t, d), pdfOf(t, d)) {
		t.Error("two runs differ")
	}
}

func TestPDFMakesHostileTextVisible(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[31mb": `a\x1b[31mb`, "x\u202ey": `x\u202ey`, "\xff": `\xff`, "日本": `\u65e5\u672c`, "🦅": `\U0001f985`, "a\nb": `a\nb`, "(a) Tj ET \\": `(a)TjET\`, "ÄΩЖ→": "ÄΩЖ→", "{nb}": "{nb}",
		"<script>": "<script>", "\u200b": `\u200b`, "\\u65e5": `\\u65e5`, "%PDF-1.7": "%PDF-1.7",
	} {
		d := shape{func(s string) string { return "[" + in + "]" }, same}.document()
		if text := without(pdfText(t, pdfOf(t, d))); !strings.Contains(text, "["+want+"]") {
			t.Errorf("%q is not shown as %s", in, want)
		}
	}
}

// TestPDFTakesEverything holds that no text breaks the file or makes pages
// without end.
func TestPDFTakesEverything(t *testing.T) {
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext here: apt install poppler-utils")
	}
	for i, s := range append(seeds, strings.Repeat("W", 3000), strings.Repeat("a b ", 1000), strings.Repeat("日", 300)) {
		file := pdfOf(t, shape{func(string) string { return s }, same}.document())
		name := filepath.Join(t.TempDir(), fmt.Sprint(i, ".pdf"))
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(tool, name, "-").CombinedOutput(); err != nil || bytes.Contains(out, []byte("Syntax Error")) {
			t.Errorf("%.40q: %v %.200s", s, err, out)
		}
	}
}

func TestPDFRefusesWhatHasNoEvidence(t *testing.T) {
	d := shape{same, same}.document()
	d.Headline.Evidence = nil
	r := NewPDF(&bytes.Buffer{})
	if err := r.Document(d); err == nil {
		t.Error("a statement without evidence was written")
	}
}

func TestPDFOfSeveral(t *testing.T) {
	a, b := shape{same, same}.document(), shape{same, same}.document()
	listed := *b
	listed.Sections = nil
	text := pdfText(t, pdfOf(t, a, b, &listed))
	if n := strings.Count(text, "Mitigation Strategies"); n != 2 || !strings.Contains(text, alsoSeen) {
		t.Errorf("%d reports, %v", n, strings.Contains(text, alsoSeen))
	}
}

func BenchmarkPDF(b *testing.B) {
	d := shape{same, same}.document()
	for b.Loop() {
		b.SetBytes(int64(len(pdfOf(b, d))))
	}
}
