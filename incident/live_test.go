package incident_test

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

// decodeLine reads one alert.
func decodeLine(text []byte) (*alert.Alert, error) {
	for a, err := range alert.All(strings.NewReader(string(text)), "log", alert.Options{}) {
		if err != nil {
			return nil, err
		}
		return a.Clone(), nil
	}
	return nil, fmt.Errorf("no alert")
}

// seen makes of lines what a Live adds.
func seen(t testing.TB, lines []string) []incident.Seen {
	t.Helper()
	z := analysis.New(builtin.Base(), analysis.Options{})
	kinder, judge, linker := z.NewKinder(maphash.MakeSeed()), z.NewJudge(), incident.NewLinker(z.Definitions())
	var out []incident.Seen
	for n, line := range lines {
		a, err := decodeLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		j := judge.Judge(a)
		id := z.KindID(a, j)
		out = append(out, incident.Seen{Key: uint64(id), ID: id, Line: n + 1, Time: a.Time, Arrived: a.Time, Rule: a.Rule, First: a, NewShape: true,
			Targets: z.Targets(a), Judgement: j, Links: linker.Processes(a, linker.Links(a, j.Class)), Print: kinder.Print(a, kinder.Shape(a))})
	}
	return out
}

// ledger is what a caller of Live keeps.
type ledger struct {
	kind     map[int]uint64    // by line
	incident map[uint64]string // by kind
	verdict  map[string]string
}

func newLedger() *ledger {
	return &ledger{map[int]uint64{}, map[uint64]string{}, map[string]string{}}
}

func (b *ledger) note(c incident.Changes) {
	for _, d := range c.Dissolved {
		delete(b.verdict, d.ID)
	}
	for _, k := range c.Kinds {
		b.incident[k.ID] = k.Incident
	}
	for _, i := range c.Incidents {
		b.verdict[i.ID] = fmt.Sprint(i.Judgement.Class, " ", i.Count)
	}
}

// String lists the incidents with their lines and verdicts.
func (b *ledger) String() string {
	lines := map[string][]int{}
	for line, kind := range b.kind {
		lines[b.incident[kind]] = append(lines[b.incident[kind]], line)
	}
	var out []string
	for id, list := range lines {
		sort.Ints(list)
		out = append(out, fmt.Sprint(id, " ", b.verdict[id], " ", list))
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// TestLiveIsTheSameHoweverItIsInterrupted adds the same alerts at once, with
// looks at the changes in between, and with restarts.
func TestLiveIsTheSameHoweverItIsInterrupted(t *testing.T) {
	lines, _ := recorded(t, true)
	all := seen(t, lines)
	limits := incident.Limits{Kinds: 100_000, Kept: 1000}
	run := func(look, restart func(n int) bool) string {
		l, b := incident.NewLive(limits), newLedger()
		for n := range all {
			s := all[n]
			b.kind[s.Line], _, _ = l.Add(&s)
			if look(n) {
				b.note(l.Changes())
				l.Close()
			}
			if restart(n) {
				text, err := l.Checkpoint()
				if err != nil {
					t.Fatal(err)
				}
				if l, err = incident.Restore(text, limits, decodeLine); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.note(l.Changes())
		return b.String()
	}
	never := func(int) bool { return false }
	want := run(never, never)
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 6 {
		sometimes := func(n int) func(int) bool { return func(int) bool { return r.IntN(n) == 0 } }
		if got := run(sometimes(1+20*round), sometimes(30+50*round)); got != want {
			t.Fatalf("round %d differs:\n%s", round, firstDifference(want, got))
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return fmt.Sprint(len(x), " and ", len(y), " incidents")
}

// TestLiveForgetsWhatIsClosed goes on for simulated weeks: what is open, and
// the memory, stay the same.
func TestLiveForgetsWhatIsClosed(t *testing.T) {
	l := incident.NewLive(incident.Limits{Kinds: 10_000, Kept: 100, Links: 10_000})
	var held uint64
	for n := range 400_000 {
		when := start.Add(time.Duration(n) * 5 * time.Second)
		l.Add(&incident.Seen{Key: uint64(n) * 0x9e3779b97f4a7c15, Line: n + 1, Time: when, Arrived: when, Rule: fmt.Sprint("rule ", n),
			Links: []incident.Link{{Key: uint64(n), Kind: incident.LinkContainer}}})
		if n%1000 == 0 {
			l.Changes()
			l.Close()
		}
		if n == 100_000 {
			held = heap()
		}
	}
	if open := l.Open(); open > 3000 {
		t.Errorf("%d groups are open", open)
	}
	if now := heap(); now > held+held/2+4<<20 {
		t.Errorf("held %d kB after a week, %d kB after four", held>>10, now>>10)
	}
}

// TestMergedIncidentsAreSaid joins two by a third alert.
func TestMergedIncidentsAreSaid(t *testing.T) {
	all := seen(t, []string{
		at(0, recon, "user.loginuid=-1", "container.id=0a1b2c3d4e5f", "proc.cmdline=id"),
		at(5, keys, "proc.cmdline=find / -name id_rsa"),
		at(9, shadow, "container.id=0a1b2c3d4e5f", "fd.name=/etc/shadow"),
	})
	l := incident.NewLive(incident.Limits{Kinds: 100, Kept: 10})
	l.Add(&all[0])
	l.Add(&all[1])
	before := l.Changes()
	if len(before.Incidents) != 2 || len(before.Dissolved) != 0 {
		t.Fatalf("%d incidents", len(before.Incidents))
	}
	l.Add(&all[2])
	after := l.Changes()
	if len(after.Incidents) != 1 || len(after.Dissolved) != 1 || after.Dissolved[0].Into != after.Incidents[0].ID || after.Incidents[0].Count != 3 {
		t.Errorf("%+v", after)
	}
	if id := after.Incidents[0].ID; id != before.Incidents[0].ID && id != before.Incidents[1].ID {
		t.Error("the id is neither of the two")
	}
	if c := l.Changes(); len(c.Incidents)+len(c.Kinds)+len(c.Dissolved) != 0 {
		t.Errorf("without an alert: %+v", c)
	}
}

// TestFarFutureIsNotBelieved lets one alert claim to be of another century.
func TestFarFutureIsNotBelieved(t *testing.T) {
	all := seen(t, []string{at(0, recon), at(1, keys), at(2, shadow, "fd.name=/etc/shadow")})
	l := incident.NewLive(incident.Limits{Kinds: 100, Kept: 10})
	l.Add(&all[0])
	l.Add(&incident.Seen{Key: 1, Line: 9, Rule: "x", Time: start.AddDate(80, 0, 0), Arrived: start, Links: []incident.Link{{Key: 1, Kind: incident.LinkLogin}}})
	l.Add(&all[1])
	l.Changes()
	l.Close()
	l.Add(&all[2])
	if c := l.Changes(); len(c.Incidents) != 1 || c.Incidents[0].Count != 3 {
		t.Errorf("%d incidents", len(c.Incidents))
	}
}

func TestBrokenCheckpointIsRefused(t *testing.T) {
	l := incident.NewLive(incident.Limits{Kinds: 100, Kept: 10})
	all := seen(t, []string{at(0, recon)})
	l.Add(&all[0])
	text, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for n := range text {
		if _, err := incident.Restore(text[:n], incident.Limits{Kinds: 100, Kept: 10}, decodeLine); err == nil {
			t.Fatalf("%d of %d bytes were taken", n, len(text))
		}
	}
}
