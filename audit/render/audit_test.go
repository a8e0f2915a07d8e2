package render_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit"
	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/render"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

const labelled = "../../testdata/audit/dev"

// load reads a labelled report and its alerts.
func load(tb testing.TB, name string) ([]byte, []*alert.Alert) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(labelled, name, "report.md"))
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.Open(filepath.Join(labelled, name, "alert.json"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var alerts []*alert.Alert
	for a, err := range alert.All(f, "alert.json", alert.Options{TextFields: builtin.Base().TextKeys()}) {
		if err != nil {
			tb.Fatal(err)
		}
		alerts = append(alerts, a.Clone())
	}
	return text, alerts
}

func auditor(tb testing.TB) *audit.Auditor {
	tb.Helper()
	z, err := audit.New(builtin.Base(), code.Open(catalogue.Builtin()))
	if err != nil {
		tb.Fatal(err)
	}
	return z
}

// TestLabelledReportsRender shows each labelled report in each format; all
// sources that are cited can be looked up.
func TestLabelledReportsRender(t *testing.T) {
	z := auditor(t)
	folders, err := os.ReadDir(labelled)
	if err != nil || len(folders) < 5 {
		t.Fatal(folders, err)
	}
	for _, f := range folders {
		text, alerts := load(t, f.Name())
		res := z.Audit(text, alerts)
		if len(res.Findings) == 0 {
			t.Errorf("%s: nothing found", f.Name())
		}
		for _, x := range slices.Concat(res.Findings, res.Missing) {
			for _, e := range x.Reason.Evidence {
				if e.Kind == evidence.Source && builtin.Base().Source(e.Ref) == nil {
					t.Errorf("%s: %q cites %s, which is no source", f.Name(), text[x.Start:x.End], e.Ref)
				}
			}
		}
		for _, format := range render.Formats() {
			a := &render.Audited{Report: text, Findings: res.Findings, Missing: res.Missing, Alerts: len(alerts)}
			if err := render.Write(io.Discard, format, a, render.Options{All: true}); err != nil {
				t.Errorf("%s, %s: %v", f.Name(), format, err)
			}
		}
	}
}

// BenchmarkAudit is a whole audit of a report with prose, a table and code,
// with what is opened once left out, and its page.
func BenchmarkAudit(b *testing.B) {
	z := auditor(b)
	text, alerts := load(b, "shell-gpt")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		res := z.Audit(text, alerts)
		err := render.Write(io.Discard, "html", &render.Audited{Report: text, Findings: res.Findings, Missing: res.Missing, Alerts: len(alerts)}, render.Options{})
		if err != nil {
			b.Fatal(err)
		}
	}
}
