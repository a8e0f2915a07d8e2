package incident_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
)

// heap is what is held after a collection, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemoryIsBounded adds what would need ever more room, and holds that it
// does not get it and that no alert is lost.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("adds millions of alerts")
	}
	const kinds, links, n = 20_000, 20_000, 1_000_000
	for _, c := range []struct {
		name string
		key  func(i int) (container uint64, kind uint64)
		when func(i int) time.Time
	}{
		{"distinct containers", func(i int) (uint64, uint64) { return uint64(i), uint64(i) }, func(i int) time.Time { return start.Add(time.Duration(i) * time.Millisecond) }},
		{"a storm of one", func(int) (uint64, uint64) { return 1, 1 }, func(i int) time.Time { return start.Add(time.Duration(i) * time.Microsecond) }},
		{"ten years between two", func(i int) (uint64, uint64) { return uint64(i % 7), uint64(i % 7) }, func(i int) time.Time { return start.AddDate(10*(i%29), 0, i%7) }},
		{"time going backwards", func(i int) (uint64, uint64) { return uint64(i % 100), uint64(i % 100) }, func(i int) time.Time { return start.Add(-time.Duration(i) * time.Hour) }},
		{"random times in ten years", func(i int) (uint64, uint64) { return uint64(i % 1000), uint64(i % 1000) }, func(i int) time.Time {
			return start.Add(time.Duration(rand.Int64N(int64(10 * 365 * 24 * time.Hour))))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := heap()
			k := incident.NewKinds(incident.Limits{Kinds: kinds, Kept: 10, Links: links})
			for i := range n {
				container, kind := c.key(i)
				k.Add(&incident.Seen{Key: kind * 0x2545f4914f6cdd1d, Rule: recon, Line: i, Time: c.when(i), Print: uint64(i+1) * 0x9e3779b97f4a7c15,
					Judgement: analysis.Judgement{Class: analysis.Unknown},
					Links:     []incident.Link{{Key: container*0x9e3779b97f4a7c15 + 1, Kind: incident.LinkContainer}}})
			}
			held := heap() - before
			runtime.KeepAlive(k)
			if held > 64<<20 {
				t.Errorf("holds %d MB", held>>20)
			}
			list, rest := k.Incidents()
			total := k.Overflow[recon]
			for _, i := range list {
				total += i.Count + i.Repeats
			}
			for _, kind := range rest {
				total += kind.Count + kind.Repeats
			}
			if total != n {
				t.Errorf("%d of %d alerts are somewhere", total, n)
			}
			t.Logf("%d kB, %d incidents, %d overflow, %d forgotten, %d late", held>>10, len(list)+len(rest), k.Overflow[recon], k.Forgotten(), k.Late())
		})
	}
}

// TestLaterAlertsKeepWhatWas cuts a log after some lines: what was together
// then is together later, and an incident that nothing joined keeps its id.
func TestLaterAlertsKeepWhatWas(t *testing.T) {
	lines, _ := recorded(t, false)
	for _, share := range []int{3, 2} {
		cut := len(lines) / share
		_, early := run(t, incident.Limits{Kept: 2000}, lines[:cut]...)
		_, late := run(t, incident.Limits{Kept: 2000}, lines...)
		home := map[int]int{}
		for n, i := range late {
			for _, line := range linesOf(i) {
				home[line] = n
			}
		}
		split, renamed := 0, 0
		for _, i := range early {
			all := linesOf(i)
			at := home[all[0]]
			for _, line := range all {
				if home[line] != at {
					split++
					break
				}
			}
			if same := linesOf(late[at]); fmt.Sprint(same) == fmt.Sprint(all) && late[at].ID != i.ID {
				renamed++
			}
		}
		if renamed > 0 {
			t.Errorf("cut at %d: %d of %d unchanged incidents have another id", cut, renamed, len(early))
		}
		// Only what is told apart from something worrying may part again.
		if split > len(early)/10 {
			t.Errorf("cut at %d: %d of %d incidents were split by later alerts", cut, split, len(early))
		}
		t.Logf("cut at %d: %d incidents, %d split", cut, len(early), split)
	}
}

// TestFilesInAnyOrder reads a rotated log with the newest file first, as a
// shell's glob gives it.
func TestFilesInAnyOrder(t *testing.T) {
	var lines []string
	for i := range 200 {
		lines = append(lines, at(i*30, recon, fmt.Sprintf("container.id=c%d", i%5), "user.loginuid=-1", "user.name=root", fmt.Sprintf("proc.cmdline=id %c%c", 'a'+i%25, 'a'+i/25)))
	}
	want := func(files ...[]string) string {
		res, list := runFiles(t, files...)
		if res.Kinds.Late()+res.Kinds.Forgotten() > 0 {
			t.Errorf("%d late, %d forgotten", res.Kinds.Late(), res.Kinds.Forgotten())
		}
		var ids []string
		for _, i := range list {
			ids = append(ids, fmt.Sprintf("%s %d", i.ID, i.Count))
		}
		return strings.Join(ids, "\n")
	}
	if a, b := want(lines), want(lines[100:], lines[50:100], lines[:50]); a != b {
		t.Errorf("in order:\n%s\nnewest file first:\n%s", a, b)
	}
}
