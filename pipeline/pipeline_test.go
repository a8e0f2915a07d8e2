package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

func line(host, cmd, file string, ns int) string {
	return fmt.Sprintf(`{"hostname":%q,"rule":"Read sensitive file untrusted","priority":"Warning","source":"syscall","time":"2026-11-24T09:00:00.%09dZ","output":"x","output_fields":{"container.id":"host","evt.time":%d,"fd.name":%q,"proc.cmdline":%q,"proc.name":"cat","proc.pname":"bash","user.name":"root","user.loginuid":0,"proc.tty":34816}}`,
		host, ns, 1795513356000000000+ns, file, cmd)
}

func runOn(t *testing.T, limits incident.Limits, inputs ...string) *Result {
	t.Helper()
	var in []Input
	for i, text := range inputs {
		in = append(in, Input{Name: fmt.Sprintf("log%d", i), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text)), nil
		}})
	}
	res, err := Run(context.Background(), analysis.New(builtin.Base(), analysis.Options{}), in, Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestEveryAlertIsInOneKind sends many alerts of many kinds through small
// limits: each is counted once, in a kind or as overflow, and with Each each
// is named once.
func TestEveryAlertIsInOneKind(t *testing.T) {
	const alerts, hosts = 20000, 300
	var log bytes.Buffer
	for i := range alerts {
		fmt.Fprintln(&log, line(fmt.Sprintf("h%d", i%hosts), "cat x", fmt.Sprintf("/etc/pam.d/f%d", i%7), i))
	}
	for _, c := range []struct {
		name     string
		limits   incident.Limits
		kinds    int
		overflow int
	}{
		{"room for all", incident.Limits{Kinds: 1000, Kept: 10, Each: true}, hosts, 0},
		{"fewer kinds than there are", incident.Limits{Kinds: 100, Kept: 10, Each: true}, 100, alerts * (hosts - 100) / hosts},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := runOn(t, c.limits, log.String())
			named, counted, overflow := map[int]bool{}, 0, 0
			for _, k := range res.Kinds.Sorted() {
				counted += k.Count
				for _, r := range k.Each() {
					if named[r.Line] {
						t.Fatalf("line %d is in two kinds", r.Line)
					}
					named[r.Line] = true
				}
			}
			for _, n := range res.Kinds.Overflow {
				overflow += n
			}
			if res.Alerts != alerts || counted+overflow != alerts || len(named) != counted || res.Kinds.Len() != c.kinds {
				t.Errorf("%d alerts, %d counted, %d named, %d overflow, %d kinds", res.Alerts, counted, len(named), overflow, res.Kinds.Len())
			}
			if slack := overflow - c.overflow; slack < -alerts/hosts || slack > alerts/hosts {
				t.Errorf("%d overflow, want about %d", overflow, c.overflow)
			}
		})
	}
}

// TestKindsAreTheSameInAnyOrderOfWork runs the same log many times: which
// worker gets which batch must not show.
func TestKindsAreTheSameInAnyOrderOfWork(t *testing.T) {
	var log bytes.Buffer
	for i := range 30000 {
		fmt.Fprintln(&log, line(fmt.Sprintf("h%d", i%911), fmt.Sprintf("cat f%d", i%13), "/etc/shadow", i))
	}
	limits := incident.Limits{Kinds: 100000, Kept: 50}
	describe := func() string {
		var b strings.Builder
		for _, k := range runOn(t, limits, log.String()).Kinds.Sorted() {
			_, at := k.Origin()
			fmt.Fprintln(&b, at, k.Count, k.Alert() != nil, k.First(), k.Last())
		}
		return b.String()
	}
	first := describe()
	for range 4 {
		if describe() != first {
			t.Fatal("the result depends on the order of work")
		}
	}
}

// TestFilesBehindOneAnother gives each file its own line numbers and lets an
// empty one cost only itself.
func TestFilesBehindOneAnother(t *testing.T) {
	res := runOn(t, incident.Limits{Kinds: 10, Kept: 10, Each: true}, line("a", "cat x", "/etc/shadow", 1)+"\n", "", "start-up\n"+line("b", "cat x", "/etc/shadow", 2)+"\n")
	if res.Alerts != 2 || res.Passed != 1 || len(res.Failed) != 1 || res.Failed[0].Error() != "log1: is empty" {
		t.Fatalf("%d alerts, %d passed, %v", res.Alerts, res.Passed, res.Failed)
	}
	for _, k := range res.Kinds.Sorted() {
		file, at := k.Origin()
		if want := file/2 + 1; at != want {
			t.Errorf("file %d: line %d, want %d", file, at, want)
		}
	}
}

// TestObjectsOfOneActionAreOneKind folds what differs only in the file, and
// lists the files.
func TestObjectsOfOneActionAreOneKind(t *testing.T) {
	var log strings.Builder
	for i := range 80 {
		log.WriteString(line("h", "tar czf /srv/bk/etc.tgz /etc", fmt.Sprintf("/etc/pam.d/f%d", i), i) + "\n")
	}
	res := runOn(t, incident.Limits{Kinds: 1000, Kept: 10}, log.String())
	if res.Kinds.Len() != 1 {
		t.Fatalf("%d kinds", res.Kinds.Len())
	}
	targets := res.Kinds.Sorted()[0].Detail().Targets
	if len(targets) != 1 || targets[0].Field != "fd.name" || len(targets[0].Values)+targets[0].More != 80 {
		t.Errorf("%+v", targets)
	}
}

func TestCancelEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	in := Input{Name: "endless", Open: func() (io.ReadCloser, error) { return io.NopCloser(endless{}), nil }}
	if _, err := Run(ctx, analysis.New(builtin.Base(), analysis.Options{}), []Input{in}, Options{Limits: incident.Limits{Kinds: 10}}); err == nil {
		t.Error("no error")
	}
}

// endless is a log without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
		if i%80 == 79 {
			p[i] = '\n'
		}
	}
	return len(p), nil
}
