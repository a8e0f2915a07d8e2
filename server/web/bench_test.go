package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/live"
	"github.com/tiercel/tiercel/server/web/webtest"
	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/sqlite"
)

const (
	manyAlerts    = 1_000_000
	manyIncidents = 10_000
	manyKinds     = 3 // of an incident
)

// many is a store with a million alerts in ten thousand incidents. It is made
// once, into BENCH_DIR when that is set, as making it takes minutes.
func many(b *testing.B) *webtest.Stack {
	b.Helper()
	ctx := context.Background()
	s := &webtest.Stack{Dir: os.Getenv("BENCH_DIR")}
	if s.Dir == "" {
		s.Dir = b.TempDir()
	}
	var err error
	if s.Store, err = sqlite.Open(ctx, filepath.Join(s.Dir, "tiercel.db")); err != nil {
		b.Fatal(err)
	}
	st, err := s.Store.Stats(ctx)
	if err != nil {
		b.Fatal(err)
	}
	if st.Alerts < manyAlerts {
		fill(b, s.Store)
	}
	next, err := s.Store.Position(ctx)
	if err != nil {
		b.Fatal(err)
	}
	if s.Journal, err = journal.Open(filepath.Join(b.TempDir(), "journal"), journal.Options{NextAtLeast: journal.Position(next)}); err != nil {
		b.Fatal(err)
	}
	base := builtin.Base()
	if s.Live, err = live.Open(ctx, live.Options{Journal: s.Journal, Store: s.Store, Base: base, Analyzer: analysis.New(base, analysis.Options{}), Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)}); err != nil {
		b.Fatal(err)
	}
	srv := s.Serve(b, nil, s.Live, false)
	b.Cleanup(func() {
		srv.Close()
		s.Journal.Close()
		s.Store.Close()
	})
	return s
}

// line is an alert that is like none of another number.
func line(n, host, pid int, at time.Time) []byte {
	return fmt.Appendf(nil, `{"hostname":"node-%d","output":"%s: Warning Sensitive file opened for reading by non-trusted program | file=/etc/shadow gparent=bash evt_type=openat user=user%d user_uid=%d process=cat%d proc_exepath=/usr/bin/cat%d parent=sh command=cat%d /etc/shadow terminal=0","output_fields":{"container.id":"host","container.name":"host","evt.time":%d,"evt.type":"openat","fd.name":"/etc/shadow","proc.cmdline":"cat%d /etc/shadow","proc.exepath":"/usr/bin/cat%d","proc.name":"cat%d","proc.pid":%d,"proc.pname":"sh","proc.tty":0,"user.loginuid":-1,"user.name":"user%d","user.uid":%d},"priority":"Warning","rule":"Read sensitive file untrusted","source":"syscall","tags":["T1555","filesystem","host","maturity_stable","mitre_credential_access"],"time":"%s"}`,
		host, at.Format("15:04:05.000000000"), n%100, 1000+n%100, n, n, n, at.UnixNano(), n, n, n, pid, n%100, 1000+n%100, at.Format(time.RFC3339Nano))
}

func fill(b *testing.B, st store.Store) {
	b.Helper()
	ctx := context.Background()
	classes, severities := []string{"attack", "suspicious", "unknown", "test", "benign"}, []string{"high", "medium", "low", "info"}
	from := time.Now().UTC().Add(-30 * 24 * time.Hour)
	step := 30 * 24 * time.Hour / manyAlerts
	seq := uint64(1)
	perBatch := manyAlerts / manyIncidents * 50
	next := 0
	for seq <= manyAlerts {
		batch := &store.Batch{}
		first := next
		for range 50 {
			for k := range manyKinds {
				id := uint64(next*manyKinds + k + 1)
				state := fmt.Sprintf(`{"Judgement":{},"Key":%d,"Link":0,"Line":%d,"First":%q,"Last":%q,"Count":33,"Repeats":0,"Targets":null,"Links":null,"Aside":0}`, id, id, from.Format(time.RFC3339Nano), from.Format(time.RFC3339Nano))
				batch.Kinds = append(batch.Kinds, store.Kind{ID: id, Incident: fmt.Sprintf("%016x", next+1), Key: fmt.Sprintf("%016x", id%300), Rule: "Read sensitive file untrusted",
					Source: "syscall", Priority: "Warning", Host: fmt.Sprintf("node-%d", next%50), Container: "host", Class: classes[next%5], Severity: severities[next%4], Count: 33, FirstSeq: seq, State: []byte(state),
					Searchable: fmt.Sprintf("Read sensitive file untrusted\ncat%d /etc/shadow\nuser%d", next, next%100), First: from.Add(time.Duration(seq) * step), Last: from.Add(time.Duration(seq+100) * step)})
			}
			next++
		}
		for i := range perBatch {
			n := first + i%50
			at := from.Add(time.Duration(seq) * step)
			k := uint64(n*manyKinds + i%manyKinds + 1)
			batch.Alerts = append(batch.Alerts, store.Alert{Seq: seq, Time: at, Received: at, Kind: k, Raw: line(n, n%50, int(seq), at)})
			if i < 50*manyKinds {
				batch.Kinds[i%50*manyKinds+i%manyKinds].FirstSeq = seq
			}
			seq++
		}
		for n := first; n < next; n++ {
			last := from.Add(time.Duration(seq) * step)
			batch.Incidents = append(batch.Incidents, store.Incident{ID: fmt.Sprintf("%016x", n+1), Headline: fmt.Sprintf("cat%d read /etc/shadow, with 2 other kinds of alert within 4 min", n), Class: classes[n%5], Severity: severities[n%4],
				Rank: (4-n%4)<<24 | (4-n%5)<<16, Kinds: manyKinds, Count: perBatch / 50, First: from.Add(time.Duration(batch.Alerts[0].Seq) * step), Last: last, Hosts: []string{fmt.Sprintf("node-%d", n%50)},
				Rules: []string{"Read sensitive file untrusted"}, Stages: []string{"credential access"}, Changed: last})
		}
		batch.Next = seq
		if err := st.Write(ctx, batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPage asks for each page of a server with a million alerts and ten
// thousand incidents, and reports the 95th percentile.
func BenchmarkPage(b *testing.B) {
	if testing.Short() {
		b.Skip("makes a store of a million alerts")
	}
	s := many(b)
	page, err := s.Store.Incidents(context.Background(), store.Query{Limit: 400})
	if err != nil {
		b.Fatal(err)
	}
	ids := page.Items
	for _, x := range []struct{ name, path string }{
		{"incidents", "/"}, {"incidents-all", "/?status=all"}, {"incidents-text", "/?text=cat77*"}, {"incidents-host", "/?host=node-7&class=attack"}, {"incidents-rule", "/?rule=Read+sensitive+file+untrusted"},
		{"incidents-time", "/?since=2h"}, {"incidents-pushed-down", "/?where=rule+%3D+%22Read+sensitive+file+untrusted%22+and+hostname+%3D+%22node-3%22"},
		{"incidents-condition", "/?where=proc.name+%3D+cat4242"}, {"incident", "/incidents/{id}"}, {"alerts", "/alerts"}, {"alerts-text", "/alerts?text=user42"},
		{"alerts-host", "/alerts?host=node-7"}, {"alerts-class", "/alerts?class=attack"}, {"alerts-condition", "/alerts?where=proc.name+%3D+cat4242"}, {"alert", "/alerts/500000"}, {"noise", "/noise"}, {"silences", "/silences"}, {"knowledge", "/knowledge"}, {"status", "/status"},
	} {
		b.Run(x.name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				path := x.path
				if x.name == "incident" {
					path = "/incidents/" + ids[i%len(ids)].ID
				}
				w := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
				r.Host = "127.0.0.1"
				begun := time.Now()
				s.Handler.ServeHTTP(w, r)
				took = append(took, time.Since(begun))
				if w.Code != http.StatusOK {
					b.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
		})
	}
}
