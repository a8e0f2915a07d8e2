package journal

import (
	"bufio"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

var crashRounds = flag.Int("crash.rounds", 5, "how many times TestCrash kills a writer")

const crashDir = "TIERCEL_JOURNAL_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashChild(dir)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// crashChild appends until it is killed, and says after each append which
// positions and numbers were acknowledged.
func crashChild(dir string) {
	j, err := Open(dir, Options{SegmentBytes: 256 << 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	base := uint64(time.Now().UnixNano()) &^ 0xfffff
	var mu sync.Mutex
	next := base
	for range 20 {
		go func() {
			for {
				n := 1 + rand.N(4)
				mu.Lock()
				id := next
				next += uint64(n)
				mu.Unlock()
				var batch [][]byte
				for k := range n {
					batch = append(batch, record(id+uint64(k), 8+rand.N(1300)))
				}
				p, err := j.Append(context.Background(), batch...)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("%d %d %d\n", p, id, n)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestCrash kills a writer with SIGKILL again and again.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	acked := map[Position]uint64{}
	batches := map[Position]int{}
	var torn int64
	for round := range *crashRounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(50*time.Millisecond+rand.N(400*time.Millisecond), func() { _ = cmd.Process.Kill() })
		// A line that was not written whole was not said.
		for in := bufio.NewReader(out); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				break
			}
			var p Position
			var id uint64
			var n int
			if _, err := fmt.Sscan(line, &p, &id, &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			batches[p] = n
			for k := range n {
				at := p + Position(k)
				if _, ok := acked[at]; ok {
					t.Fatalf("round %d: position %d was given twice", round, at)
				}
				acked[at] = id + uint64(k)
			}
		}
		_ = cmd.Wait() // it was killed
		j := mustOpen(t, dir, Options{SegmentBytes: 256 << 10})
		torn += j.Stats().Torn
		got := readAll(t, j, 0)
		for p, id := range acked {
			if b := got[p]; b == nil || garbled(b) || binary.BigEndian.Uint64(b) != id {
				t.Fatalf("round %d: acknowledged record %d is missing or another", round, p)
			}
		}
		for p, b := range got {
			if garbled(b) {
				t.Fatalf("round %d: record %d is garbled", round, p)
			}
		}
		if want := uint64(j.Stats().Next - 1); uint64(len(got)) != want {
			t.Fatalf("round %d: %d records up to position %d", round, len(got), want)
		}
		j.Close()
	}
	if len(acked) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	t.Logf("%d rounds: %d records acknowledged, %d bytes torn", *crashRounds, len(acked), torn)
}
