package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tiercel/tiercel/alert"
)

func TestAlerts(t *testing.T) {
	d := alert.NewDecoder(alert.Options{})
	seen := map[string]bool{}
	for n := range int64(100) {
		b := bytes.TrimSpace(appendAlert(nil, 1_800_000_000_000_000+n))
		a, err := d.Decode(alert.Record{Bytes: b}, "")
		if err != nil || a == nil || a.Time.UnixMicro() != 1_800_000_000_000_000+n || !json.Valid(b) {
			t.Fatalf("%s: %v", b, err)
		}
		f, _ := a.Get("evt.time")
		if f.Value.Text != fmt.Sprint(a.Time.UnixNano()) {
			t.Errorf("evt.time %s", f.Value.Text)
		}
		seen[strings.Clone(a.TimeText)] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d different alerts", len(seen))
	}
}

// TestRun has servers that keep everything, and such that do not.
func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		bulk            int
		journal, stored float64 // of each alert
		status          int
		want            string
	}{
		"all is kept":             {1, 1, 1, 200, ""},
		"all is kept, in bulk":    {7, 1, 1, 200, ""},
		"the journal loses some":  {1, .5, 1, 200, "not in the journal"},
		"the store loses some":    {7, 1, .5, 200, "not in the store"},
		"nothing is acknowledged": {1, 0, 0, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got atomic.Int64
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/metrics" {
					n := float64(got.Load())
					fmt.Fprintf(w, "tiercel_journal_records %v\ntiercel_store_alerts %v\ntiercel_analysis_wired 1\ntiercel_journal_lag_records 0\n", n*c.journal, n*c.stored)
					return
				}
				b, _ := io.ReadAll(r.Body)
				n := strings.Count(string(b), "\n")
				if c.status != http.StatusOK {
					w.WriteHeader(c.status)
					fmt.Fprint(w, `{"accepted":0,"rejected":[]}`)
					return
				}
				got.Add(int64(n))
				fmt.Fprintf(w, `{"accepted":%d,"rejected":[]}`, n)
			}))
			defer srv.Close()
			u, err := url.Parse(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			err = run(t.Context(), &out, options{url: u, connections: 3, duration: 200 * time.Millisecond, bulk: c.bulk, settle: time.Second})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q\n%s", err, c.want, out.String())
			}
			if !strings.Contains(out.String(), fmt.Sprintf("accepted  %d alerts", got.Load())) {
				t.Errorf("%d were taken:\n%s", got.Load(), out.String())
			}
		})
	}
}
