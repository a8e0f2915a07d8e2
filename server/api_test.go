package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/store"
)

var first = time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC)

// fill writes incidents with an alert each.
func (r *rig) fill(n int) {
	r.t.Helper()
	b := store.Batch{Next: uint64(n) + 1}
	for i := 1; i <= n; i++ {
		seq := uint64(i)
		id := fmt.Sprintf("inc-%02d", i)
		at := first.Add(time.Duration(i) * time.Minute)
		b.Alerts = append(b.Alerts, store.Alert{Seq: seq, Time: at, Received: at, Kind: seq, Raw: []byte(falco)})
		b.Kinds = append(b.Kinds, store.Kind{ID: seq, Incident: id, Key: id, Rule: "Terminal shell in container", Host: fmt.Sprint("node-", i%2), Class: "attack",
			Severity: "high", Count: i, First: at, Last: at, FirstSeq: seq, Searchable: "shell uptime"})
		b.Incidents = append(b.Incidents, store.Incident{ID: id, Headline: "A <b>shell</b>", Class: "attack", Severity: "high", Rank: i, Kinds: 1, Count: i,
			First: at, Last: at, Hosts: []string{fmt.Sprint("node-", i%2)}, Rules: []string{"Terminal shell in container"}, Changed: at})
	}
	if err := r.store.Write(r.t.Context(), &b); err != nil {
		r.t.Fatal(err)
	}
}

func document(id string) *report.Document {
	say := func(text string) evidence.Statement {
		return evidence.Statement{Spans: []evidence.Span{{Text: text}, {Text: "<script>alert(1)</script>", Value: true}},
			Evidence: []evidence.Evidence{{Kind: evidence.Field, Ref: "proc.cmdline", Value: "<script>alert(1)</script>"}}}
	}
	return &report.Document{ID: id, Title: "A shell", Headline: say("Somebody ran "), Severity: "high",
		Verdict: report.Verdict{Class: "attack", Confidence: .9}, Alerts: report.Alerts{Count: 1, Why: say("of ")},
		Sections: []report.Section{{ID: report.Summary, Title: "Summary", Blocks: []report.Block{report.Paragraph{Statements: []evidence.Statement{say("It was ")}}}}}}
}

func TestIncidents(t *testing.T) {
	r := newRig(t, nil)
	r.fill(7)
	var ids []string
	target := "/api/v1/incidents?limit=3"
	for pages := 1; ; pages++ {
		var page list[incidentJSON]
		r.get(target, &page)
		for _, i := range page.Items {
			ids = append(ids, i.ID)
		}
		if page.Next == "" {
			if pages < 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		target = "/api/v1/incidents?limit=3&after=" + page.Next
	}
	if fmt.Sprint(ids) != "[inc-07 inc-06 inc-05 inc-04 inc-03 inc-02 inc-01]" {
		t.Errorf("the worst first: %v", ids)
	}
	for q, want := range map[string]int{
		"": 7, "?class=attack": 7, "?class=test": 0, "?class=test,attack": 7, "?class=test&class=attack": 7, "?severity=low": 0, "?host=node-1": 4,
		"?status=open": 7, "?status=closed,handled": 0, "?text=uptime": 7, "?text=nothing": 0, "?rule=Terminal+shell+in+container": 7,
		"?since=2026-11-24T16:05:00Z": 3, "?until=2026-11-24T16:02:30Z": 2,
	} {
		var page list[incidentJSON]
		r.get("/api/v1/incidents"+q, &page)
		if len(page.Items) != want {
			t.Errorf("%s: %d, want %d", q, len(page.Items), want)
		}
	}
	for _, q := range []string{"?nothing=1", "?limit=0", "?limit=501", "?limit=x", "?class=bad", "?severity=x", "?status=x", "?since=yesterday", "?order=up", "?after=!!", "?kind=x", "?text=%zz"} {
		if a := r.do("GET", "/api/v1/incidents"+q, ""); a.StatusCode != http.StatusBadRequest || a.code() != "bad_request" {
			t.Errorf("%s: %d %s", q, a.StatusCode, a.body)
		}
	}
	var one incidentDetail
	a := r.get("/api/v1/incidents/inc-03", &one)
	if one.ID != "inc-03" || len(one.KindsList) != 1 || one.KindsList[0].FirstSeq != "3" || one.Handling.Status != store.Open {
		t.Errorf("%+v", one)
	}
	if strings.Contains(a.body, "<b>") {
		t.Error("text of an alert is markup")
	}
	if a := r.do("GET", "/api/v1/incidents/nothing", ""); a.StatusCode != http.StatusNotFound || a.code() != "not_found" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestETag(t *testing.T) {
	r := newRig(t, nil)
	r.fill(2)
	for _, path := range []string{"/api/v1/incidents", "/api/v1/incidents/inc-01", "/api/v1/alerts", "/api/v1/alerts/1", "/api/v1/alerts/1/raw", "/api/v1/silences"} {
		tag := r.get(path, nil).Header.Get("ETag")
		if tag == "" {
			t.Errorf("%s: no ETag", path)
		}
		for _, header := range []string{tag, `"x", ` + tag, "W/" + tag, "*"} {
			if a := r.do("GET", path, "", "If-None-Match", header); a.StatusCode != http.StatusNotModified || a.body != "" {
				t.Errorf("%s, %s: %d", path, header, a.StatusCode)
			}
		}
		if a := r.do("GET", path, "", "If-None-Match", `"x"`); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	tag := r.get("/api/v1/incidents", nil).Header.Get("ETag")
	r.fill(3)
	if a := r.do("GET", "/api/v1/incidents", "", "If-None-Match", tag); a.StatusCode != http.StatusOK {
		t.Errorf("after a change: %d", a.StatusCode)
	}
}

func TestHandling(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Auth = true }).withPeople()
	r.fill(2)
	as := []string{"Authorization", "Bearer " + r.tokens[ScopeHandle]}
	path := "/api/v1/incidents/inc-01/handling"
	for body, part := range map[string]string{
		``: "body", `{`: "body", `{} {}`: "behind", `{"status":"closed"}`: "finding", `{"status":"closed","finding":"attack"}`: "why",
		`{"status":"closed","finding":"odd","why":"x"}`: "finding", `{"status":"gone"}`: "status", `{"status":"open","finding":"test"}`: "finding",
		`{"status":"open","more":1}`: "more", `{"status":"handled","why":"` + strings.Repeat("x", 5000) + `"}`: "why",
	} {
		if a := r.do("POST", path, body, as...); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, part) {
			t.Errorf("%.60s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if a := r.do("POST", path, `{"why":"`+strings.Repeat("x", apiBody)+`"}`, as...); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d", a.StatusCode)
	}
	a := r.do("POST", path, `{"status":"closed","finding":"false alarm","why":"a <script>"}`, as...)
	var got incidentJSON
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if h := got.Handling; h.Status != store.Closed || h.Finding != "false alarm" || h.By != "token for handle" || h.Why != "a <script>" || h.At == nil {
		t.Errorf("%+v", h)
	}
	a = r.do("POST", path, `{"status":"open"}`, "Cookie", r.cookie.String(), "X-CSRF-Token", r.csrf)
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"by":"anna"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := r.do("POST", "/api/v1/incidents/nothing/handling", `{"status":"open"}`, as...); a.StatusCode != http.StatusNotFound {
		t.Errorf("%d", a.StatusCode)
	}
	a = r.do("GET", "/api/v1/incidents/inc-01", "", "Authorization", "Bearer "+r.tokens[ScopeRead])
	var one incidentDetail
	if err := json.Unmarshal([]byte(a.body), &one); err != nil || len(one.History) != 2 || one.History[1].What != "reopen" {
		t.Errorf("%s", a.body)
	}
	a = r.do("GET", "/api/v1/audit?limit=1", "", "Authorization", "Bearer "+r.tokens[ScopeAdmin])
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"next":"`) || !strings.Contains(a.body, `"who":"token for handle"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestReport(t *testing.T) {
	live := &fakeLive{doc: func(id string) (*report.Document, error) {
		switch id {
		case "inc-01":
			return document(id), nil
		case "broken":
			return &report.Document{Headline: evidence.Statement{Spans: []evidence.Span{{Text: "without evidence"}}}}, nil
		}
		return nil, fmt.Errorf("incident: %w", store.ErrNotFound)
	}}
	r := newRig(t, func(o *Options) { o.Live = live })
	for format, c := range map[string][2]string{
		"": {"application/json", `"tiercel/analysis/v1"`}, "json": {"application/json", `"tiercel/analysis/v1"`},
		"markdown": {"text/markdown; charset=utf-8", "# "}, "html": {"text/html; charset=utf-8", "<!doctype html>"},
	} {
		a := r.do("GET", "/api/v1/incidents/inc-01/report?format="+format, "")
		if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != c[0] || !strings.Contains(strings.ToLower(a.body), strings.ToLower(c[1])) {
			t.Errorf("%s: %d %s %.300s", format, a.StatusCode, a.Header.Get("Content-Type"), a.body)
		}
		// In markdown it stands in backticks.
		if strings.Contains(strings.ReplaceAll(a.body, "`<script>alert(1)</script>`", ""), "<script>") {
			t.Errorf("%s: text of an alert is markup", format)
		}
		if csp := a.Header.Get("Content-Security-Policy"); format == "html" && (!strings.Contains(csp, "sandbox") || strings.Contains(csp, "script-src")) {
			t.Errorf("CSP %q", csp)
		}
	}
	if a := r.do("GET", "/api/v1/incidents/inc-01/report?format=odt", ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", a.StatusCode)
	}
	if a := r.do("GET", "/api/v1/incidents/nothing/report", ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("%d", a.StatusCode)
	}
	if a := r.do("GET", "/api/v1/incidents/broken/report", ""); a.StatusCode != http.StatusInternalServerError || strings.Contains(a.body, "evidence") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	without := newRig(t, nil)
	if a := without.do("GET", "/api/v1/incidents/inc-01/report", ""); a.StatusCode != http.StatusServiceUnavailable || a.code() != "no_analysis" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestAlerts(t *testing.T) {
	r := newRig(t, nil)
	r.fill(3)
	odd := []byte("{\"rule\":\"\xff\"}")
	if err := r.store.Write(t.Context(), &store.Batch{Alerts: []store.Alert{{Seq: 1 << 60, Time: first, Received: first, Raw: odd}}, Next: 1<<60 + 1}); err != nil {
		t.Fatal(err)
	}
	a := r.get("/api/v1/alerts/1", nil)
	if !strings.Contains(a.body, `"evt.time":1690409397827858816,`) {
		t.Errorf("the number is not exact: %s", a.body)
	}
	if a := r.get("/api/v1/alerts/1/raw", nil); a.body != falco || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%q", a.body)
	}
	if a := r.get(fmt.Sprintf("/api/v1/alerts/%d/raw", 1<<60), nil); a.body != string(odd) {
		t.Errorf("%q", a.body)
	}
	var got alertJSON
	r.get(fmt.Sprintf("/api/v1/alerts/%d", 1<<60), &got)
	if got.Seq != fmt.Sprint(1<<60) || got.Raw != nil || got.Base64 == "" {
		t.Errorf("%+v", got)
	}
	var page list[alertJSON]
	r.get("/api/v1/alerts?limit=2&order=oldest", &page)
	if len(page.Items) != 2 || page.Items[0].Seq != "1" || page.Next == "" {
		t.Errorf("%+v", page)
	}
	r.get("/api/v1/alerts?incident=inc-02", &page)
	if len(page.Items) != 1 || page.Items[0].Seq != "2" {
		t.Errorf("%+v", page)
	}
	for _, path := range []string{"/api/v1/alerts/99", "/api/v1/alerts/x", "/api/v1/alerts/99/raw", "/api/v1/alerts/-1"} {
		if a := r.do("GET", path, ""); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

func TestNoise(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Now = func() time.Time { return first.Add(time.Hour) } })
	r.fill(5)
	var got struct {
		Items []kindJSON
		Kinds int
		Cut   bool
	}
	r.get("/api/v1/noise?limit=2", &got)
	if len(got.Items) != 2 || got.Kinds != 5 || got.Cut || got.Items[0].Count != 5 || got.Items[1].Count != 4 {
		t.Errorf("%+v", got)
	}
	if a := r.do("GET", "/api/v1/noise?limit=x", ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", a.StatusCode)
	}
}

func TestSilences(t *testing.T) {
	r := newRig(t, nil)
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for body, part := range map[string]string{
		`{"why":"x","until":"` + until + `"}`:                                                 "condition",
		`{"condition":"proc.name =","why":"x","until":"` + until + `"}`:                       "condition",
		`{"condition":"proc.name = a","until":"` + until + `"}`:                               "why",
		`{"condition":"proc.name = a","why":"x"}`:                                             "until",
		`{"condition":"proc.name = a","why":"x","until":"2020-01-01T00:00:00Z"}`:              "until",
		`{"condition":"` + strings.Repeat("(", 9000) + `","why":"x","until":"` + until + `"}`: "condition",
		`[]`: "body",
	} {
		if a := r.do("POST", "/api/v1/silences", body); a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, part) {
			t.Errorf("%.60s: %d %s", body, a.StatusCode, a.body)
		}
	}
	a := r.do("POST", "/api/v1/silences", `{"condition":"proc.name = backup","why":"every night","until":"`+until+`"}`)
	var made silenceJSON
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.StatusCode != http.StatusCreated || made.By != "local" || made.ID == "" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	var all list[silenceJSON]
	r.get("/api/v1/silences", &all)
	if len(all.Items) != 1 || all.Items[0].Condition != "proc.name = backup" || all.Items[0].Ended != nil {
		t.Errorf("%+v", all)
	}
	if a := r.do("POST", "/api/v1/silences/"+made.ID+"/end", ""); a.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	r.get("/api/v1/silences", &all)
	if len(all.Items) != 0 {
		t.Errorf("%+v", all)
	}
	r.get("/api/v1/silences?ended=true", &all)
	if len(all.Items) != 1 || all.Items[0].Ended == nil {
		t.Errorf("%+v", all)
	}
	if a := r.do("GET", "/api/v1/silences?ended=maybe", ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", a.StatusCode)
	}
	for _, id := range []string{"77", "x"} {
		if a := r.do("POST", "/api/v1/silences/"+id+"/end", ""); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", id, a.StatusCode)
		}
	}
	trail, err := r.store.AuditTrail(t.Context(), 0, 10)
	if err != nil || len(trail) != 2 || trail[0].What != "silence" || trail[1].What != "end silence" {
		t.Errorf("%+v %v", trail, err)
	}
}

func TestStats(t *testing.T) {
	live := &fakeLive{lag: 12}
	r := newRig(t, func(o *Options) { o.Live = live })
	r.fill(2)
	r.do("POST", "/", falco)
	var got struct {
		Analysis bool
		Store    struct{ Alerts, Incidents int }
		Journal  struct {
			Records int
			Lag     int     `json:"lag_records"`
			Since   float64 `json:"lag_seconds"`
		}
	}
	r.get("/api/v1/stats", &got)
	if !got.Analysis || got.Store.Alerts != 2 || got.Store.Incidents != 2 || got.Journal.Records != 1 || got.Journal.Lag != 12 || got.Journal.Since != 12 {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]float64{"tiercel_store_alerts": 2, "tiercel_journal_records": 1, "tiercel_journal_lag_records": 12,
		"tiercel_alerts_received_total": 1, "tiercel_analysis_wired": 1, "tiercel_panics_total": 0} {
		if n := r.metric(name, ""); n != want {
			t.Errorf("%s is %v, want %v", name, n, want)
		}
	}
	for _, name := range []string{"tiercel_disk_free_bytes", "go_goroutines", "process_resident_memory_bytes", "tiercel_journal_bytes"} {
		if n := r.metric(name, ""); n <= 0 {
			t.Errorf("%s is %v", name, n)
		}
	}
	if n := r.metric("tiercel_http_request_duration_seconds_count", `route="POST /{$}"`); n != 1 {
		t.Errorf("%v requests were timed", n)
	}
	if a := r.get("/metrics", nil); !strings.Contains(a.body, "tiercel_alerts_dropped_total{reason=\"full\"} 0") {
		t.Error(a.body)
	}
}

// TestEvents reads the stream as a browser does.
func TestEvents(t *testing.T) {
	live := &fakeLive{}
	r := newRig(t, func(o *Options) {
		o.Live, o.Auth = live, true
		o.Limits = Limits{Heartbeat: 20 * time.Millisecond, Subscribers: 1, Recheck: time.Nanosecond}
	}).withPeople()
	ts := httptest.NewServer(r.handler)
	defer ts.Close()
	listen := func(token string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ts.URL+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := ts.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := listen(r.tokens[ScopeIngest])
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("without read: %d", res.StatusCode)
	}
	res = listen(r.tokens[ScopeRead])
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	second := listen(r.tokens[ScopeRead])
	second.Body.Close()
	if second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: %d", second.StatusCode)
	}
	live.tell(Change{Incident: "inc\n\ndata: x", Seq: 1 << 60})
	in := bufio.NewScanner(res.Body)
	var got []string
	beats := 0
	for in.Scan() {
		if strings.HasPrefix(in.Text(), ":") {
			if beats++; beats == 2 {
				break
			}
			continue
		}
		if in.Text() != "" {
			got = append(got, in.Text())
		}
	}
	want := []string{"retry: 3000", "event: change", `data: {"incident":"inc\n\ndata: x","seq":"1152921504606846976"}`}
	if !slices.Equal(got, want) || beats != 2 {
		t.Errorf("%q, %d heartbeats", got, beats)
	}
	// A token that is revoked ends its stream.
	all, err := r.store.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if x.Name == "for read" {
			if err := r.store.RevokeToken(t.Context(), x.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for in.Scan() {
	}
	if err := in.Err(); err != nil && !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("the stream broke: %v", err)
	}
	for i := 0; live.listeners() > 0; i++ {
		if i == 500 {
			t.Fatal("who is gone is still subscribed")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestClose ends streams, so that a server that shuts down does not wait.
func TestClose(t *testing.T) {
	r := newRig(t, nil)
	ts := httptest.NewServer(r.handler)
	defer ts.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ts.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := ts.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	r.srv.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Error(err)
	}
}

// TestDocumented holds the routes against docs/openapi.yaml, both ways.
func TestDocumented(t *testing.T) {
	doc, err := openapi()
	if err != nil {
		t.Fatal(err)
	}
	var served, documented []string
	for _, rt := range newRig(t, nil).srv.routes {
		served = append(served, strings.Replace(rt.pattern, "{$}", "", 1))
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			documented = append(documented, method+" "+path)
			if op.Responses.Len() == 0 {
				t.Errorf("%s %s: no responses", method, path)
			}
		}
	}
	slices.Sort(served)
	slices.Sort(documented)
	for _, x := range served {
		if !slices.Contains(documented, x) {
			t.Errorf("%s is not documented", x)
		}
	}
	for _, x := range documented {
		if !slices.Contains(served, x) {
			t.Errorf("%s is documented, and not served", x)
		}
	}
}
