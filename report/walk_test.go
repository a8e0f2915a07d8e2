package report_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/report"
)

// corpus calls use for every recorded alert, the seed and the hand-made
// variants; the alert is valid only during the call.
func corpus(t *testing.T, use func(a *alert.Alert)) {
	t.Helper()
	files, err := filepath.Glob("../testdata/*/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range append(files, "../testdata/seed.json") {
		if filepath.Base(name) == "truth.jsonl" {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for a, err := range alert.All(bufio.NewReader(f), filepath.Base(name), alert.Options{}) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			n++
			use(a)
		}
		f.Close()
	}
	if n < 400 {
		t.Fatalf("only %d alerts: the corpus is not there", n)
	}
}

func build(z *analysis.Analyzer, b *report.Builder, a *alert.Alert) *report.Document {
	n := z.Analyze(a)
	return b.Build(n, report.Group{ID: z.KindID(a, n.Verdict.Judgement).String(), Count: 1, First: a.Time, Last: a.Time})
}

func where(a *alert.Alert) string {
	return fmt.Sprintf("%s:%d %s", a.Origin.File, a.Origin.Line, a.Rule)
}

// TestEveryStatementHasExactEvidence walks all documents of the corpus: no
// statement without evidence, each cited field in the alert with that very
// value, each value in the text one of the cited ones.
func TestEveryStatementHasExactEvidence(t *testing.T) {
	base := builtin.Base()
	z, b := analysis.New(base, analysis.Options{}), report.NewBuilder(base)
	statements := 0
	corpus(t, func(a *alert.Alert) {
		for _, s := range build(z, b, a).Statements() {
			statements++
			if len(s.Evidence) == 0 {
				t.Errorf("%s: no evidence: %q", where(a), s.Text())
			}
			for _, e := range s.Evidence {
				checkEvidence(t, a, s, e)
			}
			for _, span := range s.Spans {
				if span.Value && !shown(a, s, span.Text) {
					t.Errorf("%s: %q in %q is no value of its evidence", where(a), span.Text, s.Text())
				}
			}
		}
	})
	if statements < 10000 {
		t.Errorf("only %d statements were walked", statements)
	}
}

func checkEvidence(t *testing.T, a *alert.Alert, s evidence.Statement, e evidence.Evidence) {
	t.Helper()
	switch e.Kind {
	case evidence.Field:
		f, ok := a.Get(e.Ref)
		if !ok || f.Name != e.Ref {
			t.Errorf("%s: %q cites %s, which is not in the alert", where(a), s.Text(), e.Ref)
			return
		}
		if want := f.Value.Text; e.Value != want && (f.Value.Kind != alert.Null || e.Value != "null") {
			t.Errorf("%s: %q cites %s = %q, the alert has %q", where(a), s.Text(), e.Ref, e.Value, want)
		}
	case evidence.Source:
		if builtin.Base().Source(e.Ref) == nil {
			t.Errorf("%s: %q cites source %s, which is not listed", where(a), s.Text(), e.Ref)
		}
	default:
		t.Errorf("%s: %q cites a %s, and there is none in this run", where(a), s.Text(), e.Kind)
	}
}

// shown reports whether a value in the text stands in the statement's evidence:
// as it is, or as a part of the cited text (the message in the output, a time
// near the event's).
func shown(a *alert.Alert, s evidence.Statement, value string) bool {
	for _, e := range s.Evidence {
		if e.Kind == evidence.Field && (strings.Contains(e.Value, value) || e.Ref == "time") {
			return true
		}
	}
	return false
}

// TestEverySectionIsThere holds each document against the sections that a
// reader expects.
func TestEverySectionIsThere(t *testing.T) {
	base := builtin.Base()
	z, b := analysis.New(base, analysis.Options{}), report.NewBuilder(base)
	want := []string{report.Summary, report.EventDetails, report.PossibleMisuse, report.Mitigation, report.Unknown,
		report.Conclusion, report.Recommendations, report.EvidenceList}
	corpus(t, func(a *alert.Alert) {
		var got []string
		for _, s := range build(z, b, a).Sections {
			got = append(got, s.ID)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: sections %v", where(a), got)
		}
	})
}

// TestCitedFieldsMatter changes and removes each cited field, one at a time:
// no statement that cites it may stay as it was, in text and evidence. The text
// alone may stay where other evidence still carries it (either of two names).
func TestCitedFieldsMatter(t *testing.T) {
	base := builtin.Base()
	z, b := analysis.New(base, analysis.Options{}), report.NewBuilder(base)
	seen := map[string]bool{}
	corpus(t, func(shared *alert.Alert) {
		if seen[shared.Rule] {
			return // one alert of each rule is enough, and this is slow
		}
		seen[shared.Rule] = true
		a := shared.Clone()
		citing := map[string][]evidence.Statement{}
		for _, s := range build(z, b, a).Statements() {
			for _, e := range s.Evidence {
				if e.Kind == evidence.Field {
					citing[e.Ref] = append(citing[e.Ref], s)
				}
			}
		}
		for name, before := range citing {
			for _, change := range []func(*alert.Alert, string) bool{changeField, removeField} {
				m := a.Clone()
				if !change(m, name) {
					continue
				}
				for _, s := range build(z, b, m).Statements() {
					for _, old := range before {
						if same(s, old) {
							t.Errorf("%s: %q stays the same when %s changes", where(a), s.Text(), name)
						}
					}
				}
			}
		}
	})
}

// same compares text and evidence.
func same(a, b evidence.Statement) bool {
	if a.Text() != b.Text() || len(a.Evidence) != len(b.Evidence) {
		return false
	}
	for i := range a.Evidence {
		if a.Evidence[i] != b.Evidence[i] {
			return false
		}
	}
	return true
}

func changeField(a *alert.Alert, name string) bool {
	for i := range a.Fields {
		if a.Fields[i].Name == name {
			v := &a.Fields[i].Value
			switch v.Kind {
			case alert.Int:
				v.Text = "7" + v.Text
				if strings.HasPrefix(v.Text, "7-") {
					v.Text = "77"
				}
			default:
				*v = alert.Value{Kind: alert.String, Text: v.Text + "x"}
			}
			return true
		}
	}
	return false
}

func removeField(a *alert.Alert, name string) bool {
	for i := range a.Fields {
		if a.Fields[i].Name == name {
			a.Fields = append(a.Fields[:i], a.Fields[i+1:]...)
			return true
		}
	}
	return false
}

// TestHostileNamesStayOutOfCommands gives every field that may stand in a
// command a value that would run something.
func TestHostileNamesStayOutOfCommands(t *testing.T) {
	base := builtin.Base()
	z, b := analysis.New(base, analysis.Options{}), report.NewBuilder(base)
	for _, evil := range []string{"$(reboot)", "x; rm -rf ~", "`id`", "--privileged", "a\nreboot", "a'b", "../../etc", "-rf"} {
		corpus(t, func(shared *alert.Alert) {
			a := shared.Clone()
			for i := range a.Fields {
				if v := &a.Fields[i].Value; v.Kind == alert.String && v.Text != "host" {
					v.Text = evil
				}
			}
			for _, s := range build(z, b, a).Sections {
				for _, block := range s.Blocks {
					steps, ok := block.(report.Steps)
					if !ok {
						continue
					}
					for _, step := range steps.Items {
						for _, code := range append(append(step.Code, step.Check...), step.Undo...) {
							if strings.Contains(code.Text, evil) && evil != "a'b" {
								t.Fatalf("%s: %q stands in the command %q", where(a), evil, code.Text)
							}
						}
					}
				}
			}
		})
	}
}
