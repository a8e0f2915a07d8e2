package source_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tiercel/tiercel/source"
)

// taken is what a Follower handed over.
type taken struct {
	mu    sync.Mutex
	text  strings.Builder
	at    source.Place
	fails int
}

func (k *taken) take(_ context.Context, lines []byte, at source.Place) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails > 0 {
		k.fails--
		return errors.New("full")
	}
	k.text.Write(lines)
	k.at = at
	return nil
}

func (k *taken) wait(t *testing.T, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		k.mu.Lock()
		got = k.text.String()
		k.mu.Unlock()
		if got == want {
			return
		}
	}
	t.Fatalf("got %q, want %q", got, want)
}

func follow(t *testing.T, name string, k *taken) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := source.Follower{Name: name, From: k.at, Every: time.Millisecond, Take: k.take}
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	rotate := func(t *testing.T, name string) {
		t.Helper()
		if err := os.Rename(name, name+".1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T, name string, k *taken)
	}{
		{"a file that grows, and half a line", func(t *testing.T, name string, k *taken) {
			appendTo(t, name, "a\n")
			defer follow(t, name, k)()
			k.wait(t, "a\n")
			appendTo(t, name, "b")
			appendTo(t, name, "c\nd\n")
			k.wait(t, "a\nbc\nd\n")
		}},
		{"a file that is not there yet", func(t *testing.T, name string, k *taken) {
			defer follow(t, name, k)()
			time.Sleep(5 * time.Millisecond)
			appendTo(t, name, "a\n")
			k.wait(t, "a\n")
		}},
		{"rotated by renaming, with a last line without an end", func(t *testing.T, name string, k *taken) {
			appendTo(t, name, "a\n")
			defer follow(t, name, k)()
			k.wait(t, "a\n")
			rotate(t, name)
			appendTo(t, name+".1", "late\nend")
			time.Sleep(10 * time.Millisecond)
			appendTo(t, name, "new\n")
			k.wait(t, "a\nlate\nendnew\n")
		}},
		{"copied and truncated", func(t *testing.T, name string, k *taken) {
			appendTo(t, name, "a long first line\n")
			defer follow(t, name, k)()
			k.wait(t, "a long first line\n")
			if err := os.Truncate(name, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			appendTo(t, name, "b\n")
			k.wait(t, "a long first line\nb\n")
		}},
		{"restarted, and rotated meanwhile", func(t *testing.T, name string, k *taken) {
			appendTo(t, name, "a\n")
			stop := follow(t, name, k)
			k.wait(t, "a\n")
			stop()
			appendTo(t, name, "b\n")
			rotate(t, name)
			appendTo(t, name, "c\n")
			defer follow(t, name, k)()
			k.wait(t, "a\nb\nc\n")
		}},
		{"what cannot be kept is tried again", func(t *testing.T, name string, k *taken) {
			k.fails = 3
			appendTo(t, name, "a\nb\n")
			defer follow(t, name, k)()
			k.wait(t, "a\nb\n")
		}},
		{"much at once", func(t *testing.T, name string, k *taken) {
			var all strings.Builder
			for i := range 200_000 {
				fmt.Fprintf(&all, "line %d\n", i)
			}
			appendTo(t, name, all.String())
			defer follow(t, name, k)()
			k.wait(t, all.String())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.do(t, filepath.Join(t.TempDir(), "falco.log"), &taken{})
		})
	}
}
