//go:build unix

package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tiercel/tiercel/store"
)

// childVar makes this test binary a process that writes until it is killed.
const childVar = "TIERCEL_STORE_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVar); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func writeForever(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path)
	if err != nil {
		return err
	}
	next, err := s.Position(ctx)
	if err != nil {
		return err
	}
	go func() {
		for {
			if _, err := s.Retain(ctx, time.Now(), 0, 3<<20); err != nil {
				panic(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	for {
		b := small(next, 500)
		for i := range b.Alerts {
			b.Alerts[i].Raw = fmt.Appendf(b.Alerts[i].Raw, "%x", rand.Uint64())
		}
		// A new kind with text each time.
		b.Kinds = append(b.Kinds, store.Kind{ID: next + 2, Incident: "i", Rule: "r", Searchable: fmt.Sprintf("word%d of many", next)})
		b.Alerts[7].Kind = next + 2
		if err := s.Write(ctx, b); err != nil {
			return err
		}
		next = b.Next
		fmt.Println(next)
	}
}

func TestKilled(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	path := filepath.Join(t.TempDir(), "x.db")
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVar+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		fatal(t, err)
		fatal(t, cmd.Start())
		// Killed at any moment after the first batch.
		lines := bufio.NewReader(out)
		first, err := lines.ReadString('\n')
		fatal(t, err)
		time.AfterFunc(time.Duration(rand.IntN(200))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		rest, err := io.ReadAll(lines)
		fatal(t, err)
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() == 3 {
			t.Fatalf("the child ended by itself: %v", err)
		}
		said := strings.Fields(first + string(rest))
		if !strings.HasSuffix(first+string(rest), "\n") {
			said = said[:len(said)-1] // cut by the kill
		}
		last, err := strconv.ParseUint(said[len(said)-1], 10, 64)
		fatal(t, err)

		s, err := Open(t.Context(), path)
		fatal(t, err)
		clean(t, s)
		p, err := s.Position(t.Context())
		fatal(t, err)
		if p < last {
			t.Errorf("round %d: position %d, and %d was written", round, p, last)
		}
		a, err := s.Alert(t.Context(), last-1)
		if err != nil || !strings.HasPrefix(string(a.Raw), fmt.Sprintf(`{"n":%d}`, last-1)) {
			t.Errorf("round %d: alert %d: %q, %v", round, last-1, a.Raw, err)
		}
		fatal(t, s.Close())
	}
}

// TestDiskFull fills a small file system, and makes room again.
func TestDiskFull(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root can mount a small tmpfs, on Linux")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	ctx := t.Context()
	s, err := Open(ctx, filepath.Join(dir, "x.db"))
	fatal(t, err)
	defer s.Close()
	ballast := filepath.Join(dir, "ballast")
	fatal(t, os.WriteFile(ballast, make([]byte, 6<<20), 0o600))
	batch := func(next uint64) *store.Batch {
		b := small(next, 500)
		for i := range b.Alerts {
			for range 30 {
				b.Alerts[i].Raw = fmt.Appendf(b.Alerts[i].Raw, "%x", rand.Uint64())
			}
		}
		return b
	}
	next := uint64(1)
	var last error
	for range 1000 {
		b := batch(next)
		if last = s.Write(ctx, b); last != nil {
			break
		}
		next = b.Next
	}
	if !errors.Is(last, store.ErrFull) {
		t.Fatalf("after %d alerts: %v", next-1, last)
	}
	// Nothing of it is there, and it stays so.
	check := func() {
		t.Helper()
		p, err := s.Position(ctx)
		fatal(t, err)
		if p != next || count(t, s) != int64(next-1) {
			t.Errorf("position %d, %d alerts; %d was written", p, count(t, s), next)
		}
	}
	check()
	for range 3 {
		if err := s.Write(ctx, batch(next)); !errors.Is(err, store.ErrFull) {
			t.Errorf("still full: %v", err)
		}
	}
	check()
	if err := s.Backup(ctx, io.Discard); !errors.Is(err, store.ErrFull) {
		t.Errorf("backup: %v", err)
	}
	fatal(t, os.Remove(ballast))
	for range 3 {
		b := batch(next)
		fatal(t, s.Write(ctx, b))
		next = b.Next
	}
	check()
	clean(t, s)
}
