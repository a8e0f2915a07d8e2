package report_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/pipeline"
	"github.com/tiercel/tiercel/report"
)

// recording is a file of recorded alerts, by their lines.
type recording struct {
	name   string
	alerts map[string]*alert.Alert // by "file:line"
}

// incidents builds the documents of all incidents of the recordings that are
// made of several kinds.
func incidents(t *testing.T, use func(r recording, c *report.Case, d *report.Document)) {
	t.Helper()
	files, err := filepath.Glob("../testdata/corpus/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	base := builtin.Base()
	z, b := analysis.New(base, analysis.Options{}), report.NewBuilder(base)
	n := 0
	for _, path := range files {
		r := recording{filepath.Base(path), map[string]*alert.Alert{}}
		if r.name == "truth.jsonl" {
			continue
		}
		in := pipeline.Input{Name: r.name, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
		res, err := pipeline.Run(context.Background(), z, []pipeline.Input{in}, pipeline.Options{Limits: incident.Limits{Kinds: 10000, Kept: 10000, Each: true}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for a, err := range alert.All(f, r.name, alert.Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			r.alerts[fmt.Sprintf("%s:%d", r.name, a.Origin.Line)] = a.Clone()
		}
		f.Close()
		list, _ := res.Kinds.Incidents()
		for _, i := range list {
			if i.Single() && i.Aside == incident.NotAside {
				continue
			}
			n++
			c := &report.Case{Incident: i, Names: []string{r.name}, Rule: res.Kinds.Rule, Analyze: z.AnalyzeAs}
			use(r, c, b.BuildIncident(z.AnalyzeAs(i.Telling.Alert(), i.Judgement.Class), c, report.Group{}))
		}
	}
	if n < 20 {
		t.Fatalf("only %d incidents", n)
	}
}

// TestIncidentsHaveExactEvidence walks the reports of all incidents: each
// statement has evidence, each cited alert is there and of that rule, each
// cited field stands in an alert of the incident with that very value, and each
// value in the text is one of a cited field or of a cited alert.
func TestIncidentsHaveExactEvidence(t *testing.T) {
	statements := 0
	incidents(t, func(r recording, c *report.Case, d *report.Document) {
		var alerts []*alert.Alert
		for _, e := range d.Alerts.Each {
			alerts = append(alerts, r.alerts[fmt.Sprintf("%s:%d", e.File, e.Line)])
		}
		for _, s := range d.Statements() {
			statements++
			if len(s.Evidence) == 0 {
				t.Errorf("%s: no evidence: %q", r.name, s.Text())
			}
			var held []string
			for _, e := range s.Evidence {
				switch e.Kind {
				case evidence.Field:
					if !inAny(alerts, e) {
						t.Errorf("%s: %q cites %s = %q, which no alert of the incident has", r.name, s.Text(), e.Ref, e.Value)
					}
					held = append(held, e.Value)
				case evidence.Alert:
					a := r.alerts[e.Ref]
					if a == nil || a.Rule != e.Value {
						t.Errorf("%s: %q cites alert %s of %q, which is not there", r.name, s.Text(), e.Ref, e.Value)
						continue
					}
					held = append(held, a.Rule)
					for _, f := range a.Fields {
						held = append(held, f.Value.Text)
					}
				case evidence.Source:
					if builtin.Base().Source(e.Ref) == nil {
						t.Errorf("%s: %q cites source %s, which is not listed", r.name, s.Text(), e.Ref)
					}
				}
			}
			for _, span := range s.Spans {
				if span.Value && !strings.Contains(strings.Join(held, "\x00"), span.Text) && !strings.HasPrefix(span.Text, "2026-") {
					t.Errorf("%s: %q in %q is no value of its evidence", r.name, span.Text, s.Text())
				}
			}
		}
	})
	if statements < 1000 {
		t.Errorf("only %d statements were walked", statements)
	}
}

func inAny(alerts []*alert.Alert, e evidence.Evidence) bool {
	for _, a := range alerts {
		if f, ok := a.Get(e.Ref); ok && (f.Value.Text == e.Value || f.Value.Kind == alert.Null && e.Value == "null") {
			return true
		}
	}
	return false
}

// TestEachAlertSaysWhyItIsThere holds the reason of each alert against the
// alert itself: the fields it names have those values there.
func TestEachAlertSaysWhyItIsThere(t *testing.T) {
	reasons, shared := 0, 0
	incidents(t, func(r recording, c *report.Case, d *report.Document) {
		if len(d.Alerts.Each) != c.Count {
			t.Errorf("%s: %d alerts named, %d counted", r.name, len(d.Alerts.Each), c.Count)
		}
		for _, e := range d.Alerts.Each {
			a := r.alerts[fmt.Sprintf("%s:%d", e.File, e.Line)]
			if e.Rule != a.Rule {
				t.Errorf("%s:%d: rule %q", e.File, e.Line, e.Rule)
			}
			if e.Why == nil || len(e.Why.Evidence) == 0 {
				t.Fatalf("%s:%d: no reason", e.File, e.Line)
			}
			reasons++
			for _, x := range e.Why.Evidence {
				if x.Kind == evidence.Field {
					shared++
					if f, ok := a.Get(x.Ref); !ok || f.Value.Text != x.Value {
						t.Errorf("%s:%d: %q: %s is %q", e.File, e.Line, e.Why.Text(), x.Ref, f.Value.Text)
					}
				}
			}
		}
	})
	if shared < reasons {
		t.Errorf("%d reasons name %d shared fields", reasons, shared)
	}
}

// TestEvidenceIsCollectedBeforeContaining reads the steps of each attack: what
// only lives in memory is kept before anything is stopped, and no
// counter-measure stands there twice.
func TestEvidenceIsCollectedBeforeContaining(t *testing.T) {
	attacks := 0
	incidents(t, func(r recording, c *report.Case, d *report.Document) {
		var order []string
		seen := map[string]bool{}
		for _, s := range d.Sections {
			for _, b := range s.Blocks {
				steps, ok := b.(report.Steps)
				if !ok {
					continue
				}
				order = append(order, steps.Title)
				for _, step := range steps.Items {
					if step.Control != "" && seen[step.Control] {
						t.Errorf("%s: %s stands there twice", r.name, step.Control)
					}
					seen[step.Control] = true
				}
			}
		}
		text := strings.Join(order, ", ")
		collect, contain := strings.Index(text, "Collect"), strings.Index(text, "Contain")
		if contain >= 0 && (collect < 0 || contain < collect) {
			t.Errorf("%s: %s", r.name, text)
		}
		if c.Judgement.Class == analysis.Attack && contain >= 0 {
			attacks++
		}
		if c.Judgement.Class <= analysis.Test && contain >= 0 {
			t.Errorf("%s: a %s is contained", r.name, c.Judgement.Class)
		}
	})
	if attacks < 5 {
		t.Errorf("only %d attacks with containment", attacks)
	}
}
