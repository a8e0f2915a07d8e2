package render

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// nasty has something for every format.
const nasty = "3 \x1b[2J\u202egnp.exe | a \\| `b` ```\n# Heading\n- [x](javascript:alert(1)) <script>alert(1)</script> </code>&lt; *bold* \u200b\U000e0041\xff\x85 \"q\" 'q'"

var golden = []struct {
	file   string
	format string
	opt    Options
	one    bool // one document alone, as for a single alert
	v      func(string) string
}{
	{"rich.md", "markdown", Options{}, true, same},
	{"rich.txt", "terminal", Options{Width: 80}, true, same},
	{"rich-narrow.txt", "terminal", Options{Width: 60}, true, same},
	{"rich-color.txt", "terminal", Options{Width: 120, Color: true}, true, same},
	{"rich.html", "html", Options{}, true, same},
	{"rich.json", "json", Options{}, true, same},
	{"many.md", "markdown", Options{}, false, same},
	{"many.txt", "terminal", Options{}, false, same},
	{"many.html", "html", Options{}, false, same},
	{"many.json", "json", Options{}, false, same},
	{"hostile.md", "markdown", Options{}, false, swallow(nasty)},
	{"hostile.txt", "terminal", Options{}, false, swallow(nasty)},
	{"hostile.html", "html", Options{}, false, swallow(nasty)},
	{"hostile.json", "json", Options{}, false, swallow(nasty)},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		t.Run(g.file, func(t *testing.T) {
			s := shape{g.v, same}
			var got string
			if g.one {
				got = show(t, g.format, g.opt, report.Input{Files: []string{"falco.log"}, Alerts: 2, Matched: 2, Kinds: 1}, s.document())
			} else {
				got = s.show(t, g.format, g.opt)
			}
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
				t.Errorf("output is not as in %s; run go test ./report/render -update and look at the difference", path)
			}
		})
	}
}

func TestNewKnowsItsFormats(t *testing.T) {
	for _, f := range Formats() {
		if _, err := New(f, nil, Options{}); err != nil {
			t.Error(err)
		}
	}
	if _, err := New("pdf", nil, Options{}); err == nil {
		t.Error("no error for an unknown format")
	}
}

func TestStatementWithoutEvidenceIsRefused(t *testing.T) {
	for _, f := range Formats() {
		r, _ := New(f, discard{}, Options{})
		d := shape{same, same}.document()
		d.Sections[1].Blocks[0].(report.Table).Rows[0].Meaning.Evidence = nil
		if err := r.Document(d); !errors.Is(err, ErrNoEvidence) {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestWriteErrorsAreReturned(t *testing.T) {
	for _, f := range Formats() {
		r, _ := New(f, discard{errors.New("disk full")}, Options{})
		err := errors.Join(r.Begin(report.Input{}), r.Document(shape{same, same}.document()), r.End(report.Input{}))
		if err == nil {
			t.Errorf("%s: no error", f)
		}
	}
}

func TestNothingFoundIsSaid(t *testing.T) {
	for _, f := range []string{"markdown", "terminal", "html"} {
		if got := show(t, f, Options{}, report.Input{Files: []string{"a.log"}}); !contains(got, "No alert found in") {
			t.Errorf("%s: %s", f, got)
		}
	}
}

func TestAlertsLine(t *testing.T) {
	at := time.Date(2024, 10, 5, 15, 0, 46, 0, time.FixedZone("", 7200))
	for want, a := range map[string]report.Alerts{
		"1 alert of the rule R, at 2024-10-05 13:00:46 UTC.":                           {Count: 1, Rule: "R", First: at, Last: at},
		"2 alerts of the rule R, all at 2024-10-05 13:00:46 UTC.":                      {Count: 2, Rule: "R", First: at, Last: at},
		"3 alerts, first at 2024-10-05 13:00:46 UTC, last at 2024-10-05 13:01:46 UTC.": {Count: 3, First: at, Last: at.Add(time.Minute)},
		"4 alerts of the rule R, without a time.":                                      {Count: 4, Rule: "R"},
	} {
		if got := (evidence.Statement{Spans: alertsLine(a)}).Text(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

type discard struct{ err error }

func (d discard) Write(p []byte) (int, error) { return len(p), d.err }
