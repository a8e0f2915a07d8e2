package render

import (
	"testing"

	"github.com/tiercel/tiercel/report"
)

func benchmark(b *testing.B, d *report.Document) {
	for _, f := range Formats() {
		b.Run(f, func(b *testing.B) {
			r, _ := New(f, discard{}, Options{Width: 100})
			_ = r.Begin(report.Input{})
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Document(d); err != nil {
					b.Fatal(err)
				}
			}
			_ = r.End(report.Input{})
		})
	}
}

func BenchmarkReport(b *testing.B) { benchmark(b, shape{same, same}.document()) }
func BenchmarkListed(b *testing.B) { benchmark(b, shape{same, same}.small()) }
