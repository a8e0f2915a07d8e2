package journal

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAppend makes records of 1.3 kB durable, on the disk of TMPDIR.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		writers, batch int
		delay          time.Duration
	}{{1, 1, 0}, {50, 1, 0}, {50, 1, 200 * time.Microsecond}, {200, 1, 0}, {2, 1000, 0}} {
		b.Run(fmt.Sprintf("writers=%d/batch=%d/delay=%v", c.writers, c.batch, c.delay), func(b *testing.B) {
			j, err := Open(b.TempDir(), Options{CommitDelay: c.delay})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			batch := make([][]byte, c.batch)
			for i := range batch {
				batch[i] = record(uint64(i), 1300)
			}
			b.SetBytes(int64(1300 * c.batch))
			var left atomic.Int64
			left.Store(int64(b.N))
			took := make([][]time.Duration, c.writers)
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range c.writers {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						start := time.Now()
						p, err := j.Append(context.Background(), batch...)
						if err != nil {
							b.Error(err)
							return
						}
						took[w] = append(took[w], time.Since(start))
						if p%10000 < Position(c.batch) {
							if err := j.Trim(p); err != nil {
								b.Error(err)
							}
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(b.N*c.batch)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(b.N*c.batch)/float64(j.Stats().Fsyncs), "records/fsync")
		})
	}
}

// BenchmarkFsync is what one append to a file costs at the least here.
func BenchmarkFsync(b *testing.B) {
	f, s, err := createSegment(b.TempDir(), 1, (*os.File).Sync)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	frame := appendFrame(nil, s.seed, 1, s.size, [][]byte{record(1, 1300)})
	var took []time.Duration
	for off := s.size; b.Loop(); off += int64(len(frame)) {
		if _, err := f.WriteAt(frame, off); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkRead is a consumer that catches up.
func BenchmarkRead(b *testing.B) {
	j, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	fill(b, j, 100, 1000, 1300)
	b.SetBytes(1300)
	r := j.Reader(0)
	for n := 0; n < b.N; {
		if n%100000 == 0 {
			r.Close()
			r = j.Reader(0)
		}
		_, records, err := r.NextBatch(context.Background(), min(500, b.N-n), 1<<20)
		if err != nil {
			b.Fatal(err)
		}
		n += len(records)
	}
	r.Close()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
