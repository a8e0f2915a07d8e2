package render

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tiercel/tiercel/audit/finding"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	for _, g := range []struct {
		file, format string
		opt          Options
		v            func(string) string
	}{
		{"sample.md", "markdown", Options{}, same},
		{"sample-all.md", "markdown", Options{All: true}, same},
		{"sample.txt", "terminal", Options{Width: 80}, same},
		{"sample-all-narrow.txt", "terminal", Options{Width: 48, All: true}, same},
		{"sample-color.txt", "terminal", Options{Width: 120, Color: true}, same},
		{"sample.html", "html", Options{}, same},
		{"sample.json", "json", Options{}, same},
		{"hostile.md", "markdown", Options{All: true}, swallow(nasty)},
		{"hostile.txt", "terminal", Options{All: true}, swallow(nasty)},
		{"hostile.html", "html", Options{}, swallow(nasty)},
		{"hostile.json", "json", Options{}, swallow(nasty)},
	} {
		t.Run(g.file, func(t *testing.T) {
			got := show(t, g.format, sample(t, g.v), g.opt)
			path := filepath.Join("testdata", g.file)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("output is not as in %s; run go test ./audit/render -update and look at the difference", path)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	const text = "ab\r\n\u00e9\U0001f600x\n\xff\xfey\n"
	for _, c := range []struct {
		start, end int
		want       place
	}{
		{0, 1, place{1, 1, 1, 1}},
		{0, 2, place{1, 1, 1, 2}},
		{1, 6, place{1, 2, 2, 1}},   // over the line's end
		{6, 11, place{2, 2, 2, 3}},  // characters, not bytes
		{10, 12, place{2, 3, 2, 4}}, // with its newline: still that line
		{12, 15, place{3, 1, 3, 3}}, // each broken byte is one
		{16, 16, place{4, 1, 4, 1}}, // nothing, at the end
		{5, 7, place{2, 1, 2, 2}},   // cut inside of characters
		{0, 16, place{1, 1, 3, 4}},  // the whole
	} {
		list := []found{{Finding: finding.Finding{Start: c.start, End: c.end}}}
		places([]byte(text), list)
		if list[0].place != c.want {
			t.Errorf("%d to %d: %v, want %v", c.start, c.end, list[0].place, c.want)
		}
	}
}

func TestHeadline(t *testing.T) {
	const s, u, n, c, b, h = finding.Supported, finding.Unchecked, finding.Unsupported, finding.Contradicted, finding.Broken, finding.Harmful
	for _, x := range []struct {
		list       []finding.Judgement
		kind       finding.Kind
		want, rest string
	}{
		{nil, "", "No claim and no command was found that could be checked", ""},
		{[]finding.Judgement{s}, "", "The only claim holds", ""},
		{[]finding.Judgement{s, s}, "", "All 2 claims hold", ""},
		{[]finding.Judgement{u}, "", "The only claim could not be checked", ""},
		{[]finding.Judgement{u, u}, "", "None of 2 claims could be checked", ""},
		{[]finding.Judgement{c}, "", "The only claim does not hold; 1 is wrong", ""},
		{[]finding.Judgement{n}, "", "The only claim does not hold", "1 claim has no evidence that carries it."},
		{[]finding.Judgement{s, u}, "", "1 of 2 claims holds; none is wrong", "1 could not be checked."},
		{[]finding.Judgement{n, u, n, u}, "", "None of 4 claims holds; none is wrong", "2 claims have no evidence that carries them; 2 could not be checked."},
		{[]finding.Judgement{s, s, b, h, h}, finding.Command, "2 of 5 claims hold; 1 command does not work; 2 would do harm", ""},
		{[]finding.Judgement{s, c, c, b, b, h}, finding.Command, "1 of 6 claims holds; 2 are wrong; 2 commands do not work; 1 would do harm", ""},
		{[]finding.Judgement{s, s, b}, finding.Config, "2 of 3 claims hold; 1 configuration does not work", ""},
	} {
		a := &Audited{Report: []byte("x")}
		for _, j := range x.list {
			a.Findings = append(a.Findings, finding.Finding{End: 1, Kind: x.kind, Judgement: j, Reason: say(because1("triage"), "So.")})
		}
		v, err := viewOf(a, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := v.headline(); got != x.want {
			t.Errorf("%v: %q, want %q", x.list, got, x.want)
		}
		if got := v.rest(); got != x.rest {
			t.Errorf("%v: rest %q, want %q", x.list, got, x.rest)
		}
	}
	v, err := viewOf(sample(t, same), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := v.headline(), "2 of 9 claims hold; 2 are wrong; 2 commands and configurations do not work; 1 would do harm"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFaultyFindingsAreRefused(t *testing.T) {
	good := finding.Finding{End: 1, Kind: finding.Fact, Judgement: finding.Supported, Reason: say(because1("triage"), "So.")}
	for name, change := range map[string]func(*finding.Finding){
		"no evidence":  func(f *finding.Finding) { f.Reason.Evidence = nil },
		"no words":     func(f *finding.Finding) { f.Reason.Spans = nil },
		"outside":      func(f *finding.Finding) { f.End = 3 },
		"backwards":    func(f *finding.Finding) { f.Start = 2 },
		"no judgement": func(f *finding.Finding) { f.Judgement = "false" },
	} {
		for _, format := range Formats() {
			f := good
			if err := Write(io.Discard, format, &Audited{Report: []byte("ab"), Findings: []finding.Finding{f}}, Options{}); err != nil {
				t.Fatal(err)
			}
			change(&f)
			err := Write(io.Discard, format, &Audited{Report: []byte("ab"), Findings: []finding.Finding{f}}, Options{})
			if err == nil {
				t.Errorf("%s, %s: no error", name, format)
			}
			if name == "no evidence" && !errors.Is(err, ErrNoEvidence) {
				t.Errorf("%s: %v", format, err)
			}
		}
	}
	if err := Write(io.Discard, "pdf", &Audited{}, Options{}); err == nil {
		t.Error("no error for an unknown format")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorsAreReturned(t *testing.T) {
	for _, format := range Formats() {
		if Write(full{}, format, sample(t, same), Options{}) == nil {
			t.Errorf("%s: no error", format)
		}
	}
}

func TestWorst(t *testing.T) {
	if got := Worst(&Audited{}); got != finding.Supported {
		t.Error(got)
	}
	if got := Worst(sample(t, same)); got != finding.Harmful {
		t.Error(got)
	}
	if got := Worst(&Audited{Missing: []finding.Finding{{Judgement: finding.Unsupported}}}); got != finding.Unsupported {
		t.Error(got)
	}
}

// TestEveryFindingIsShown looks for each reason in each format.
func TestEveryFindingIsShown(t *testing.T) {
	a := sample(t, same)
	for i := range a.Findings {
		a.Findings[i].Reason = say(because1("triage"), "reason"+string(rune('A'+i))+"x")
	}
	for _, format := range Formats() {
		out := show(t, format, a, Options{All: true, Width: 200})
		for i := range a.Findings {
			if want := a.Findings[i].Reason.Text(); !contains(out, want) {
				t.Errorf("%s: %s is not shown", format, want)
			}
		}
	}
}

// TestOmissionsAreNoClaims takes omissions among the findings for what is left
// out.
func TestOmissionsAreNoClaims(t *testing.T) {
	apart, among := sample(t, same), sample(t, same)
	among.Findings = append(among.Findings, among.Missing...)
	among.Missing = nil
	for _, format := range Formats() {
		if show(t, format, apart, Options{}) != show(t, format, among, Options{}) {
			t.Errorf("%s: differs", format)
		}
	}
}
