package sqlite

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/storetest"
)

var benchAlerts = flag.Int("alerts", 1_000_000, "alerts in the store of BenchmarkRead")

// rawAlert is an alert of Falco with the fields that its default rules print,
// 1.3 kB long; what differs from one to the next is what does in real noise.
func rawAlert(r *rand.Rand, seq uint64, rule, host string) []byte {
	now := storetest.Start.Add(time.Duration(seq) * 20 * time.Millisecond)
	pid := r.IntN(4_000_000)
	user := []string{"www-data", "root", "deploy", "postgres"}[seq%4]
	output := fmt.Sprintf("%s: Warning %s (evt_type=openat user=%s user_uid=%d user_loginuid=-1 process=cat proc_exepath=/usr/bin/cat parent=sh command=cat /etc/app/conf.d/%d.conf terminal=0 file=/etc/app/conf.d/%d.conf container_id=%012x container_name=shop)",
		now.Format("15:04:05.000000000"), rule, user, seq%4*33, r.IntN(5000), r.IntN(5000), seq%40)
	b, err := json.Marshal(map[string]any{
		"hostname": host, "time": now, "rule": rule, "priority": "Warning", "source": "syscall", "output": output,
		"tags": []string{"T1555", "container", "filesystem", "host", "maturity_stable", "mitre_credential_access"},
		"output_fields": map[string]any{
			"evt.time": now.UnixNano(), "evt.type": "openat", "proc.pid": pid, "proc.ppid": pid - r.IntN(100), "proc.name": "cat", "proc.exepath": "/usr/bin/cat",
			"proc.pname": "sh", "proc.cmdline": fmt.Sprintf("cat /etc/app/conf.d/%d.conf", r.IntN(5000)), "proc.tty": 0, "proc.aname[2]": "cron", "proc.aname[3]": "cron",
			"fd.name": fmt.Sprintf("/etc/app/conf.d/%d.conf", r.IntN(5000)), "user.name": user, "user.uid": seq % 4 * 33, "user.loginuid": -1,
			"container.id": fmt.Sprintf("%012x", seq%40), "container.name": "shop", "container.image.repository": "registry.example/shop/backend", "container.image.tag": "2026.11.3",
			"k8s.ns.name": "shop", "k8s.pod.name": fmt.Sprintf("backend-7c9f8d6b5-%05x", seq%40),
		},
	})
	if err != nil {
		panic(err)
	}
	return b
}

func benchKind(id uint64, incident, rule, host, text string, seq uint64) store.Kind {
	at := storetest.Start.Add(time.Duration(seq) * 20 * time.Millisecond)
	return store.Kind{ID: id, Incident: incident, Key: fmt.Sprintf("%032x", id), Rule: rule, Source: "syscall", Priority: "Warning", Host: host, Container: "shop",
		Class: "suspicious", Severity: "medium", Count: 1, First: at, Last: at, FirstSeq: seq, State: make([]byte, 400), Searchable: text}
}

func benchIncident(id string, rank int, seq uint64) store.Incident {
	at := storetest.Start.Add(time.Duration(seq) * 20 * time.Millisecond)
	return store.Incident{ID: id, Headline: "www-data read sensitive files in shop/backend, again and again", Class: "suspicious", Severity: "medium", Rank: rank,
		Kinds: 3, Count: 100, First: at, Last: at, Hosts: []string{"node-1"}, Rules: []string{"Read sensitive file untrusted"}, Stages: []string{"credential access"}, Changed: at}
}

func BenchmarkWrite(b *testing.B) {
	for _, shape := range []string{"noise", "new"} {
		for _, size := range []int{1000, 5000} {
			b.Run(fmt.Sprintf("%s/%d", shape, size), func(b *testing.B) { benchWrite(b, shape == "noise", size) })
		}
	}
}

func benchWrite(b *testing.B, noise bool, size int) {
	path := filepath.Join(b.TempDir(), "x.db")
	s, err := Open(b.Context(), path)
	fatal(b, err)
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 2))
	// Made beforehand: what is measured is the store.
	raws := make([][]byte, 20_000)
	for i := range raws {
		raws[i] = rawAlert(r, uint64(i), "Read sensitive file untrusted", "node-1")
	}
	next := uint64(1)
	written, bytes := 0, 0
	for b.Loop() {
		batch := store.Batch{Next: next + uint64(size)}
		for i := range size {
			seq := next + uint64(i)
			kind := seq%10 + 1
			if !noise {
				kind = seq
			}
			at := storetest.Start.Add(time.Duration(seq) * time.Millisecond)
			raw := raws[int(seq)%len(raws)]
			bytes += len(raw)
			batch.Alerts = append(batch.Alerts, store.Alert{Seq: seq, Time: at, Received: at, Kind: kind, Raw: raw})
			if !noise {
				batch.Kinds = append(batch.Kinds, benchKind(seq, fmt.Sprintf("incident-%d", seq/10%100), "Read sensitive file untrusted", "node-1", searchable(r, seq), seq))
			}
		}
		for i := range uint64(10) {
			id := fmt.Sprintf("incident-%d", i)
			batch.Incidents = append(batch.Incidents, benchIncident(id, int(i), next))
			if noise {
				batch.Kinds = append(batch.Kinds, benchKind(i+1, id, "Read sensitive file untrusted", "node-1", fmt.Sprint("www-data cat /etc/app/conf.d ", i), next))
			}
		}
		if !noise {
			for i := range uint64(90) {
				batch.Incidents = append(batch.Incidents, benchIncident(fmt.Sprintf("incident-%d", i+10), 1, next))
			}
		}
		fatal(b, s.Write(b.Context(), &batch))
		next = batch.Next
		written += size
	}
	b.StopTimer()
	b.ReportMetric(float64(written)/b.Elapsed().Seconds(), "alerts/s")
	fatal(b, s.Close())
	info, err := os.Stat(path)
	fatal(b, err)
	b.ReportMetric(float64(info.Size())/float64(written), "bytes/alert")
	b.ReportMetric(float64(bytes)/float64(written), "raw-bytes/alert")
}

// searchable is 300 bytes, some of it new each time.
func searchable(r *rand.Rand, n uint64) string {
	return fmt.Sprintf("Read sensitive file untrusted file opened for reading by non-trusted program user=www-data process=cat proc_exepath=/usr/bin/cat parent=sh command=cat /srv/%x/secret-%d.key file=/srv/%x/secret-%d.key container_name=shop backend-7c9f8d6b5-%05x registry.example/shop/backend 10.%d.%d.%d",
		r.Uint32(), n, r.Uint32(), n, r.IntN(1<<20), r.IntN(256), r.IntN(256), r.IntN(256))
}

// BenchmarkRead reads pages of a store of a million alerts and 10,000 incidents
// and reports the median and the 95th percentile in milliseconds.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "x.db")
	s, err := Open(b.Context(), path)
	fatal(b, err)
	defer s.Close()
	size := fillForReads(b, s)
	r := rand.New(rand.NewPCG(3, 4))
	ctx := b.Context()
	total := *benchAlerts
	span := time.Duration(total) * 20 * time.Millisecond
	page := func(q store.Query) func() (int, error) {
		return func() (int, error) { p, err := s.Alerts(ctx, q); return len(p.Items), err }
	}
	rule := func() string { return fmt.Sprintf("Rule %d", r.IntN(90)) }
	host := func() string { return fmt.Sprintf("node-%d", r.IntN(50)) }
	window := func(q store.Query, width time.Duration) store.Query {
		q.Since = storetest.Start.Add(time.Duration(r.Int64N(int64(span - width))))
		q.Until = q.Since.Add(width)
		return q
	}
	for _, x := range []struct {
		name string
		run  func() (int, error)
	}{
		{"incidents/rank", func() (int, error) { p, err := s.Incidents(ctx, store.Query{}); return len(p.Items), err }},
		{"incidents/text", func() (int, error) {
			p, err := s.Incidents(ctx, store.Query{Text: fmt.Sprintf("secret-%d.key", r.IntN(30_000))})
			return len(p.Items), err
		}},
		{"incidents/text-of-all", func() (int, error) {
			p, err := s.Incidents(ctx, store.Query{Text: "www-data cat"})
			return len(p.Items), err
		}},
		{"incidents/rule-host-status", func() (int, error) {
			p, err := s.Incidents(ctx, store.Query{Rule: rule(), Host: host(), Statuses: []store.Status{store.Open}})
			return len(p.Items), err
		}},
		{"incident", func() (int, error) {
			_, k, err := s.Incident(ctx, fmt.Sprintf("incident-%d", r.IntN(10_000)))
			return len(k), err
		}},
		{"incident/1000-kinds", func() (int, error) { _, k, err := s.Incident(ctx, "wide"); return len(k), err }},
		{"alerts/latest", func() (int, error) { return page(store.Query{})() }},
		{"alerts/rule", func() (int, error) { return page(store.Query{Rule: rule()})() }},
		{"alerts/host", func() (int, error) { return page(store.Query{Host: host()})() }},
		{"alerts/window-1h", func() (int, error) { return page(window(store.Query{}, time.Hour))() }},
		{"alerts/rule-window-1h", func() (int, error) { return page(window(store.Query{Rule: rule()}, time.Hour))() }},
		{"alerts/rule-host-window-1h", func() (int, error) { return page(window(store.Query{Rule: rule(), Host: host()}, time.Hour))() }},
		{"alerts/text", func() (int, error) { return page(store.Query{Text: fmt.Sprintf("secret-%d.key", r.IntN(30_000))})() }},
		{"alerts/text-of-all", func() (int, error) { return page(store.Query{Text: "www-data cat"})() }},
		{"alerts/text-of-all-window-1h", func() (int, error) { return page(window(store.Query{Text: "www-data cat"}, time.Hour))() }},
		{"alerts/incident", func() (int, error) { return page(store.Query{Incident: fmt.Sprintf("incident-%d", r.IntN(10_000))})() }},
		{"alerts/incident-of-1000-kinds", func() (int, error) { return page(store.Query{Incident: "wide"})() }},
		{"alerts/deep", func() (int, error) {
			return page(store.Query{After: cursor(bySeq, r.Int64N(int64(total))), Rule: rule()})()
		}},
		{"alert", func() (int, error) { _, err := s.Alert(ctx, r.Uint64N(uint64(total))); return 1, err }},
		{"stats", func() (int, error) { return 1, second(s.Stats(ctx)) }},
		{"live", func() (int, error) { _, k, err := s.Live(ctx, storetest.Start.Add(70*time.Minute)); return len(k), err }},
	} {
		b.Run(x.name, func(b *testing.B) {
			var took []time.Duration
			items := 0
			for b.Loop() {
				start := time.Now()
				n, err := x.run()
				fatal(b, err)
				took = append(took, time.Since(start))
				items += n
			}
			slices.Sort(took)
			ms := func(p float64) float64 { return float64(took[int(p*float64(len(took)-1))].Microseconds()) / 1000 }
			b.ReportMetric(ms(0.5), "p50-ms")
			b.ReportMetric(ms(0.95), "p95-ms")
			b.ReportMetric(float64(items)/float64(len(took)), "items")
			b.ReportMetric(0, "ns/op")
		})
	}
	b.Run("file", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(float64(size)/1e6, "MB")
		b.ReportMetric(0, "ns/op")
	})
}

func second[T any](_ T, err error) error { return err }

// fillForReads writes the alerts: 30,000 kinds in 10,000 incidents, 90 rules,
// 50 hosts; some kinds have most of the alerts, as in life. One incident has a
// thousand kinds.
func fillForReads(b *testing.B, s *Store) int64 {
	const kinds = 30_000
	r := rand.New(rand.NewPCG(1, 2))
	name := func(k uint64) string {
		if k > kinds-1000 {
			return "wide"
		}
		return fmt.Sprintf("incident-%d", k%10_000)
	}
	of := func(k uint64) (string, string) { return fmt.Sprintf("Rule %d", k%90), fmt.Sprintf("node-%d", k/90%50) }
	known := map[uint64]bool{}
	incidents := map[string]bool{}
	for seq := uint64(0); seq < uint64(*benchAlerts); {
		batch := store.Batch{}
		for range 5000 {
			k := uint64(r.ExpFloat64()*300) + 1
			if seq%10 == 0 {
				k = seq/10%kinds + 1
			}
			k = min(k, kinds)
			rule, host := of(k)
			at := storetest.Start.Add(time.Duration(seq) * 20 * time.Millisecond)
			batch.Alerts = append(batch.Alerts, store.Alert{Seq: seq, Time: at, Received: at.Add(time.Second), Kind: k, Raw: rawAlert(r, seq, rule, host)})
			if !known[k] {
				known[k] = true
				kind := benchKind(k, name(k), rule, host, searchable(r, k), seq)
				batch.Kinds = append(batch.Kinds, kind)
				if !incidents[name(k)] {
					incidents[name(k)] = true
					batch.Incidents = append(batch.Incidents, benchIncident(name(k), r.IntN(100), seq))
				}
			}
			seq++
		}
		batch.Next = seq
		fatal(b, s.Write(b.Context(), &batch))
	}
	st, err := s.Stats(b.Context())
	fatal(b, err)
	if st.Alerts != int64(*benchAlerts) || *benchAlerts >= 1_000_000 && st.Incidents < 10_000 {
		b.Fatalf("%+v", st)
	}
	return st.Bytes
}

// BenchmarkRetain removes 200,000 alerts and 20,000 kinds with text, and
// reports how long others had to wait to write meanwhile.
func BenchmarkRetain(b *testing.B) {
	ctx := b.Context()
	r := rand.New(rand.NewPCG(1, 2))
	var waits []time.Duration
	removed := 0
	for b.Loop() {
		b.StopTimer()
		s, err := Open(ctx, filepath.Join(b.TempDir(), "x.db"))
		fatal(b, err)
		const total = 200_000
		for seq := uint64(1); seq <= total; {
			batch := store.Batch{Incidents: []store.Incident{benchIncident("i", 1, seq)}}
			for range 5000 {
				kind := seq
				if seq%10 != 0 {
					kind = 10
				} else {
					batch.Kinds = append(batch.Kinds, benchKind(seq, "i", "r", "h", searchable(r, seq), seq))
				}
				batch.Alerts = append(batch.Alerts, store.Alert{Seq: seq, Received: storetest.Start, Kind: kind, Raw: rawAlert(r, seq, "r", "h")})
				seq++
			}
			batch.Next = seq
			fatal(b, s.Write(ctx, &batch))
		}
		done := make(chan error)
		b.StartTimer()
		go func() {
			n, err := s.Retain(ctx, storetest.Start.Add(1000*time.Hour), time.Hour, 0)
			removed += int(n)
			done <- err
		}()
		for going := true; going; {
			select {
			case err := <-done:
				fatal(b, err)
				going = false
			default:
				start := time.Now()
				fatal(b, s.Audit(ctx, store.AuditEntry{Who: "x", What: "y"}))
				waits = append(waits, time.Since(start))
			}
		}
		b.StopTimer()
		fatal(b, s.Close())
		b.StartTimer()
	}
	slices.Sort(waits)
	ms := func(p float64) float64 { return float64(waits[int(p*float64(len(waits)-1))].Microseconds()) / 1000 }
	b.ReportMetric(float64(removed)/b.Elapsed().Seconds(), "alerts/s")
	b.ReportMetric(ms(0.5), "wait-p50-ms")
	b.ReportMetric(ms(0.95), "wait-p95-ms")
	b.ReportMetric(ms(1), "wait-max-ms")
}
