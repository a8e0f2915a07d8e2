package alert

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestZZSpeed(t *testing.T) {
	path := os.Getenv("SPEED")
	if path == "" { t.Skip() }
	f, _ := os.Open(path)
	defer f.Close()
	cpu := func() time.Duration { var u syscall.Rusage; syscall.Getrusage(0, &u); return time.Duration(u.Utime.Nano()) }
	start, c := time.Now(), cpu()
	s, d := NewScanner(f, testOptions), NewDecoder(testOptions)
	var buf []byte
	n := 0
	var scan time.Duration
	_ = scan
	for {
		rec, g, err := s.Next(buf[:0])
		if err != nil { break }
		buf = g
		if os.Getenv("SCANONLY") == "" {
		a, err := d.Decode(rec, path)
		if a == nil || err != nil { t.Fatal(a, err) }
		}
		n++
	}
	used := cpu() - c
	t.Logf("%d alerts, wall %v, user %v, %v each, %.0f a second", n, time.Since(start), used, used/time.Duration(n), float64(n)/used.Seconds())
}
