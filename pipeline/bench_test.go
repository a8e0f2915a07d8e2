package pipeline

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

const benchLines = 100000

// genlog writes a log with the repository's generator.
func genlog(b *testing.B, args ...string) []byte {
	b.Helper()
	cmd := exec.Command("go", append([]string{"run", "../tools/genlog", "-n", strconv.Itoa(benchLines)}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		name string
		args []string
	}{{"noise", nil}, {"every line a new kind", []string{"-new"}}} {
		b.Run(c.name, func(b *testing.B) {
			log := genlog(b, c.args...)
			z := analysis.New(builtin.Base(), analysis.Options{})
			in := []Input{{Name: "log", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(log)), nil }}}
			opt := Options{Read: alert.Options{}, Limits: incident.Limits{Kinds: 1_000_000, Kept: 100}}
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				res, err := Run(context.Background(), z, in, opt)
				if err != nil || res.Alerts != benchLines {
					b.Fatal(err, res.Alerts)
				}
			}
			b.ReportMetric(float64(benchLines*b.N)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}
