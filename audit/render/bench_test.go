package render

import (
	"bytes"
	"io"
	"testing"

	"github.com/tiercel/tiercel/audit/finding"
)

// large is a report of many times the sample, with all its findings.
func large(t testing.TB, times int) *Audited {
	one := sample(t, same)
	a := &Audited{Name: one.Name, Report: bytes.Repeat(append(one.Report, '\n'), times), Alerts: 1}
	for i := range times {
		for _, f := range one.Findings {
			f.Start += i * (len(reportText) + 1)
			f.End += i * (len(reportText) + 1)
			a.Findings = append(a.Findings, f)
		}
	}
	a.Missing = one.Missing
	return a
}

func BenchmarkWrite(b *testing.B) {
	a := large(b, 10)
	for _, format := range Formats() {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Write(io.Discard, format, a, Options{All: true, Source: sources}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestOneLongLine would not end if time grew with the square of the claims.
func TestOneLongLine(t *testing.T) {
	const claims = 50_000
	a := &Audited{Report: bytes.Repeat([]byte("nginx "), claims)}
	for i := range claims {
		a.Findings = append(a.Findings, finding.Finding{Start: 6 * i, End: 6*i + 5, Kind: finding.Fact, Judgement: finding.Supported, Reason: say(because1("triage"), "So.")})
	}
	for _, format := range Formats() {
		if err := Write(io.Discard, format, a, Options{All: true}); err != nil {
			t.Error(err)
		}
	}
}
