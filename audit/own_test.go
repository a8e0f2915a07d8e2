package audit

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/knowledge/catalogue"
	"github.com/tiercel/tiercel/pipeline"
	"github.com/tiercel/tiercel/redact"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
)

// tiercelReport is what tiercel analyze writes of a file, by the same way.
func tiercelReport(t testing.TB, name string, most int) string {
	base := builtin.Base()
	z := analysis.New(base, analysis.Options{})
	res, err := pipeline.Run(context.Background(), z, []pipeline.Input{{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(name) }}},
		pipeline.Options{Read: alert.Options{TextFields: base.TextKeys()}, Limits: incident.Limits{Kinds: 1000, Kept: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := render.New("markdown", &out, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	builder := report.NewBuilder(base)
	list, _ := res.Kinds.Incidents()
	if err := w.Begin(report.Input{}); err != nil {
		t.Fatal(err)
	}
	for n, i := range list {
		a := i.Telling.Alert()
		if n == most || a == nil {
			break
		}
		k := i.Telling
		g := report.Group{Count: k.Count, Repeats: k.Repeats, First: k.First(), Last: k.Last(), Volatile: z.Volatile(a)}
		for _, target := range k.Detail().Targets {
			g.Targets = append(g.Targets, report.Target(target))
		}
		for _, d := range res.Kinds.DropsNear(i, a.Hostname) {
			g.Drops = append(g.Drops, report.Drop{File: name, Line: d.Line, Rule: d.Rule})
		}
		var d *report.Document
		if i.Single() && i.Aside == incident.NotAside {
			d = builder.Build(z.Analyze(a), g)
		} else {
			d = builder.BuildIncident(z.AnalyzeAs(a, i.Judgement.Class), &report.Case{Incident: i, Names: []string{name}, Rule: res.Kinds.Rule, Analyze: z.AnalyzeAs}, g)
		}
		d.Redact(redact.Text)
		if err := w.Document(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(report.Input{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func alertsOf(t testing.TB, name string) []*alert.Alert {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []*alert.Alert
	for a, err := range alert.All(f, name, alert.Options{TextFields: builtin.Base().TextKeys()}) {
		if err == nil {
			out = append(out, a.Clone())
		}
	}
	return out
}

// withCode is an auditor with the checker of commands that users have.
var withCode = sync.OnceValue(func() *Auditor {
	z, err := New(builtin.Base(), code.Open(catalogue.Builtin()))
	if err != nil {
		panic(err)
	}
	return z
})

// What Tiercel writes of the corpus holds, sentence by sentence and command by
// command.
func TestOwnReports(t *testing.T) {
	for i, name := range append(corpus(t), "../testdata/seed.json") {
		if sampled() && i%6 != 0 {
			continue
		}
		text := tiercelReport(t, name, 12)
		res := withCode().Audit([]byte(text), alertsOf(t, name))
		n := map[finding.Judgement]int{}
		for _, f := range res.Findings {
			n[f.Judgement]++
			if f.Judgement.Rank() > finding.Unchecked.Rank() {
				t.Errorf("%s:%d: %s %q: %s", name, strings.Count(text[:f.Start], "\n")+1, f.Judgement, text[f.Start:f.End], f.Reason.Text())
			}
		}
		if n[finding.Supported] < 100 || n[finding.Unchecked]*50 > n[finding.Supported] {
			t.Errorf("%s: %v", name, n)
		}
	}
}

var (
	value     = regexp.MustCompile("`([^`\n]{2,80})`")
	alterable = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9]$`)
)

// alter changes the last letter or digit of a value.
func alter(v string) string {
	c := v[len(v)-1]
	switch {
	case c >= '0' && c <= '8', c >= 'a' && c <= 'y', c >= 'A' && c <= 'Y':
		c++
	default:
		c--
	}
	return v[:len(v)-1] + string(c)
}

// With one value altered at a time, the altered one is found.
func TestAlteredValues(t *testing.T) {
	for i, name := range append(corpus(t), "../testdata/seed.json") {
		if i%8 != 0 && (sampled() || i%4 != 0) && name != "../testdata/seed.json" {
			continue
		}
		text := tiercelReport(t, name, 1)
		alerts := alertsOf(t, name)
		head := text[:strings.Index(text, "## Mitigation Strategies")]
		fields := map[string]bool{}
		for _, a := range alerts {
			for _, f := range append(a.Fields, alert.Field{Value: alert.Value{Text: a.Hostname}}, alert.Field{Value: alert.Value{Text: a.Rule}}) {
				fields[f.Value.Text] = true
			}
		}
		tried, missed := 0, 0
		for k, m := range value.FindAllStringSubmatchIndex(head, -1) {
			v := head[m[2]:m[3]]
			if !fields[v] || !alterable.MatchString(v) || sampled() && k%3 != 0 || k > 400 {
				continue
			}
			other := alter(v)
			if fields[other] || strings.EqualFold(v, "success") {
				continue
			}
			tried++
			res := auditor().Audit([]byte(text[:m[2]]+other+text[m[3]:]), alerts)
			line := strings.Count(text[:m[2]], "\n")
			found := false
			for _, f := range res.Findings {
				found = found || f.Judgement == finding.Contradicted && strings.Count(text[:min(f.Start, len(text))], "\n") == line
			}
			if !found {
				missed++
				t.Logf("%s:%d: %q for %q was not noticed", name, line+1, other, v)
			}
		}
		if tried < 5 || missed*20 > tried {
			t.Errorf("%s: %d of %d altered values were missed", name, missed, tried)
		}
	}
}
