package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/server/envelope"
)

const (
	falco = `{"hostname":"node-1","output":"22:09:57.827858816: Notice A shell was spawned (user=root)","output_fields":{"evt.time":1690409397827858816,"k8s.ns.name":null,"proc.cmdline":"sh -c uptime","proc.pid":6461,"proc.tty":34816,"user.loginuid":-1,"user.name":"<NA>"},"priority":"Notice","rule":"Terminal shell in container","source":"syscall","tags":["T1059","container"],"time":"2023-07-26T22:09:57.827858816Z"}`
	bare  = `{"rule":"Odd","priority":"Debug","time":"2026-01-01T00:00:00Z"}`
)

func zipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstdOf(t *testing.T, s string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(z.EncodeAll([]byte(s), nil))
}

// TestForms is the compatibility list: what Falco, Falcosidekick and others
// send, and that it is in the journal byte by byte.
func TestForms(t *testing.T) {
	long := strings.Replace(falco, "sh -c uptime", "sh -c "+strings.Repeat("a", 200_000), 1)
	odd := strings.Replace(falco, "sh -c uptime", `sh -c \u001b[31m\u0000 été 漢字 <script>`, 1)
	sidekick := `{"uuid":"cec8d1cb-e854-45bf-a0bf-b7aa73707b4a","output":"x","priority":"Critical","rule":"R","time":"2026-01-01T00:00:00.1Z","output_fields":{"proc.cmdline":"` +
		strings.Repeat("b", 507) + `[...]","team":"blue"},"source":"syscalls","tags":["a"],"hostname":"h"}`
	webUI := `{"event":` + sidekick + `,"outputs":["webui"]}`
	health := `{"hostname":"h","output":"Falco internal: syscall event drop","output_fields":{"n_drops":"12"},"priority":"Debug","rule":"Falco internal: syscall event drop","source":"internal","time":"2026-01-01T00:00:00Z"}`
	cloudtrail := `{"hostname":"h","output":"o","output_fields":{"ct.name":"CreateUser","ct.user":"u"},"priority":"Info","rule":"C","source":"aws_cloudtrail","tags":null,"time":"2026-01-01T00:00:00Z"}`
	audit := `{"output_fields":{"ka.verb":"create","ka.sourceips":["10.0.0.1","10.0.0.2"]},"priority":"WARNING","rule":"K","source":"k8s_audit","time":"2026-01-01T00:00:00Z"}`
	iso := strings.Replace(falco, "22:09:57.827858816: Notice", "2026-01-09T12:34:56.789012345+0000: Notice", 1)
	future := strings.Replace(falco, "2023-07-26", "2093-07-26", 1)
	for name, c := range map[string]struct {
		body    string
		headers []string
		want    []string // in the journal
	}{
		"falco":                  {falco, []string{"Content-Type", "application/json", "User-Agent", "falcosecurity/falco", "TE", "gzip"}, []string{falco}},
		"falco with a newline":   {falco + "\n", nil, []string{falco}},
		"falcosidekick":          {sidekick, []string{"Content-Type", "application/json; charset=utf-8", "User-Agent", "Falcosidekick", "X-Custom", "v"}, []string{sidekick}},
		"falcosidekick's web UI": {webUI, nil, []string{webUI}},
		"no content type":        {falco, nil, []string{falco}},
		"curl -d":                {falco, []string{"Content-Type", "application/x-www-form-urlencoded"}, []string{falco}},
		"text/plain":             {falco, []string{"Content-Type", "text/plain"}, []string{falco}},
		"bare":                   {bare, nil, []string{bare}},
		"internal":               {health, nil, []string{health}},
		"cloudtrail":             {cloudtrail, nil, []string{cloudtrail}},
		"k8s audit":              {audit, nil, []string{audit}},
		"iso prefix":             {iso, nil, []string{iso}},
		"future":                 {future, nil, []string{future}},
		"200 kB cmdline":         {long, nil, []string{long}},
		"control characters":     {odd, nil, []string{odd}},
		"same uuid twice":        {sidekick + "\n" + sidekick, nil, []string{sidekick, sidekick}},
		"json lines":             {falco + "\n" + bare + "\n" + audit + "\n", []string{"Content-Type", "application/x-ndjson"}, []string{falco, bare, audit}},
		"json lines, CRLF":       {falco + "\r\n" + bare + "\r\n", nil, []string{falco, bare}},
		"array":                  {"[" + falco + "," + bare + "]", nil, []string{falco, bare}},
		"array over lines":       {"[\n" + falco + ",\n" + bare + "\n]\n", nil, []string{falco, bare}},
		"pretty-printed":         {"{\n  \"rule\": \"R\",\n  \"priority\": \"Debug\",\n  \"time\": \"2026-01-01T00:00:00Z\"\n}\n", nil, []string{"{\n  \"rule\": \"R\",\n  \"priority\": \"Debug\",\n  \"time\": \"2026-01-01T00:00:00Z\"\n}"}},
		"gzip":                   {zipped(t, falco), []string{"Content-Encoding", "gzip"}, []string{falco}},
		"gzip, not said":         {zipped(t, falco+"\n"+bare), nil, []string{falco, bare}},
		"zstd":                   {zstdOf(t, falco), []string{"Content-Encoding", "zstd"}, []string{falco}},
		"identity":               {falco, []string{"Content-Encoding", "identity"}, []string{falco}},
		"byte order mark":        {"\ufeff" + falco, nil, []string{falco}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			a := r.do("POST", "/", c.body, c.headers...)
			if rec := a.receipt(t); a.StatusCode != http.StatusOK || rec.Accepted != len(c.want) || len(rec.Rejected) != 0 {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
			got := r.journaled()
			if len(got) != len(c.want) {
				t.Fatalf("%d records in the journal, want %d", len(got), len(c.want))
			}
			d := alert.NewDecoder(alert.Options{})
			for i, e := range got {
				if string(e.Raw) != c.want[i] {
					t.Errorf("record %d is %.200q, want %.200q", i, e.Raw, c.want[i])
				}
				if e.From.String() != "192.0.2.1" || e.Way != envelope.HTTP || e.Received.IsZero() {
					t.Errorf("head %+v", e)
				}
				if al, err := d.Decode(e.Record(), ""); err != nil || al == nil {
					t.Errorf("record %d is not read again: %v", i, err)
				}
			}
			if n := r.metric("tiercel_alerts_received_total", ""); int(n) != len(c.want) {
				t.Errorf("%v received", n)
			}
			if n := len(r.deadLetters()); n != 0 {
				t.Errorf("%d dead letters", n)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	r := newRig(t, nil)
	for i, x := range [][2]string{{"POST", "/"}, {"PUT", "/"}, {"POST", "/api/v1/alerts"}, {"PUT", "/api/v1/alerts"}, {"POST", "/test"}} {
		if a := r.do(x[0], x[1], falco); a.StatusCode != http.StatusOK || a.receipt(t).Accepted != 1 {
			t.Errorf("%v: %d %s", x, a.StatusCode, a.body)
		}
		if n := len(r.journaled()); n != i+1 {
			t.Errorf("%v: %d records", x, n)
		}
	}
	d := alert.NewDecoder(alert.Options{})
	all := r.journaled()
	a, err := d.Decode(all[len(all)-1].Record(), "")
	if err != nil || a.Rule != "Test rule" || a.Priority != alert.Debug || a.Source != "internal" {
		t.Errorf("/test made %+v, %v", a, err)
	}
	for _, x := range [][3]string{{"GET", "/", "400"}, {"DELETE", "/", "400"}, {"GET", "/nothing", "404"}, {"GET", "/api/v1/nothing", "404"},
		{"DELETE", "/api/v1/incidents", "405"}, {"GET", "/hook/x", "404"}} {
		if a := r.do(x[0], x[1], ""); fmt.Sprint(a.StatusCode) != x[2] || a.code() == "" {
			t.Errorf("%v: %d %s", x, a.StatusCode, a.body)
		}
	}
	if a := r.do("DELETE", "/api/v1/alerts", ""); a.Header.Get("Allow") != "GET, POST, PUT" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	if a := r.do("GET", "/ping", ""); a.body != "pong\n" {
		t.Errorf("ping: %q", a.body)
	}
	if a := r.do("GET", "/healthz", ""); a.body != `{"status": "ok"}` {
		t.Errorf("healthz: %q", a.body)
	}
}

const textLine = "22:09:57.827858816: Notice A shell was spawned in a container with an attached terminal (user=root user_loginuid=-1 shell=bash)"

func TestRejected(t *testing.T) {
	cut := falco[:200]
	for name, c := range map[string]struct {
		body     string
		headers  []string
		status   int
		code     string
		accepted int
		lines    []int
		reason   string   // a part of the first
		letters  []string // what is kept
	}{
		"empty":                 {"", nil, 400, "empty", 0, nil, "", nil},
		"blank":                 {" \n\n", nil, 400, "empty", 0, nil, "", nil},
		"no alert":              {`{"hello":"world"}`, nil, 400, "no_alert", 0, []int{1}, "not a Falco alert", []string{`{"hello":"world"}`}},
		"words":                 {"hello world, this is me", nil, 400, "no_alert", 0, []int{1}, "not a Falco alert", []string{"hello world, this is me"}},
		"number":                {"12", nil, 400, "no_alert", 0, []int{1}, "not a Falco alert", []string{"12"}},
		"form":                  {"a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400, "no_alert", 0, []int{1}, "not", []string{"a=b"}},
		"cut":                   {cut, nil, 400, "no_alert", 0, []int{1}, "", []string{cut}},
		"text output":           {textLine, []string{"Content-Type", "text/plain"}, 415, "text_output", 0, []int{1}, "json_output", []string{textLine}},
		"one of two is bad":     {falco + "\n{\"hello\":1}\n", nil, 200, "", 1, []int{2}, "not a Falco alert", []string{`{"hello":1}`}},
		"the first is bad":      {"{\"hello\":1}\n" + falco, nil, 200, "", 1, []int{1}, "not a Falco alert", []string{`{"hello":1}`}},
		"cut between good ones": {falco + "\n" + cut + "\n" + bare + "\n", nil, 200, "", 2, []int{2}, "", []string{cut}},
		"text between":          {falco + "\n" + textLine + "\n" + bare + "\n", nil, 200, "", 2, []int{2}, "json_output", []string{textLine}},
		"lines of nothing":      {"a\nb\n" + falco + "\n\n!!\n" + bare + "\nc\n", nil, 200, "", 2, []int{1, 4, 7}, "2 lines", []string{"a\nb", "\n!!", "c"}},
		"gzip that is none":     {falco, []string{"Content-Encoding", "gzip"}, 400, "encoding", 0, nil, "", nil},
		"gzip that is cut":      {zipped(t, falco)[:60], []string{"Content-Encoding", "gzip"}, 400, "body_cut", 0, nil, "", nil},
		"gzip twice":            {zipped(t, zipped(t, falco)), []string{"Content-Encoding", "gzip"}, 400, "body_cut", 0, nil, "", nil},
		"brotli":                {"x", []string{"Content-Encoding", "br"}, 415, "encoding", 0, nil, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			a := r.do("POST", "/", c.body, c.headers...)
			rec := a.receipt(t)
			if a.StatusCode != c.status || rec.Accepted != c.accepted || a.code() != c.code {
				t.Fatalf("%d %s", a.StatusCode, a.body)
			}
			var lines []int
			for _, x := range rec.Rejected {
				lines = append(lines, x.Line)
			}
			if fmt.Sprint(lines) != fmt.Sprint(c.lines) {
				t.Errorf("rejected %+v, want the lines %v", rec.Rejected, c.lines)
			}
			if len(rec.Rejected) > 0 && !strings.Contains(rec.Rejected[0].Reason, c.reason) {
				t.Errorf("reason %q, want %q in it", rec.Rejected[0].Reason, c.reason)
			}
			var letters []string
			for _, d := range r.deadLetters() {
				letters = append(letters, string(d.Raw))
				if d.From != "192.0.2.1" || d.Reason == "" || d.Received.IsZero() {
					t.Errorf("dead letter %+v", d)
				}
			}
			if fmt.Sprintf("%q", letters) != fmt.Sprintf("%q", c.letters) {
				t.Errorf("dead letters %q, want %q", letters, c.letters)
			}
			if n := len(r.journaled()); n != c.accepted {
				t.Errorf("%d in the journal, want %d", n, c.accepted)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	small := func(o *Options) { o.Limits = Limits{Record: 2000, Body: 10_000, Chunk: 1500, DeadLetter: 50} }
	big := strings.Replace(falco, "uptime", strings.Repeat("x", 3000), 1)
	t.Run("one that is too long", func(t *testing.T) {
		r := newRig(t, small)
		a := r.do("POST", "/", "\n"+big)
		if a.StatusCode != http.StatusRequestEntityTooLarge || a.code() != "too_large" {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		d := r.deadLetters()
		if len(d) != 1 || string(d[0].Raw) != big[:50] || !strings.Contains(d[0].Reason, "cut: the first 50 of") {
			t.Errorf("dead letters %+v", d)
		}
	})
	t.Run("one among others", func(t *testing.T) {
		r := newRig(t, small)
		a := r.do("POST", "/", falco+"\n"+big+"\n"+bare)
		if rec := a.receipt(t); a.StatusCode != http.StatusOK || rec.Accepted != 2 || rec.Rejected[0].Line != 2 {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("body of known length", func(t *testing.T) {
		r := newRig(t, small)
		a := r.do("POST", "/", strings.Repeat(falco+"\n", 100))
		if rec := a.receipt(t); a.StatusCode != http.StatusRequestEntityTooLarge || rec.Accepted != 0 || len(r.journaled()) != 0 {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("body that turns out to be too long", func(t *testing.T) {
		r := newRig(t, small)
		a := r.do("POST", "/", zipped(t, strings.Repeat(falco+"\n", 100)), "Content-Encoding", "gzip")
		rec := a.receipt(t)
		// What was read before stays accepted, and the receipt says how much.
		if a.StatusCode != http.StatusRequestEntityTooLarge || rec.Accepted == 0 || rec.Accepted > 25 || len(r.journaled()) != rec.Accepted {
			t.Fatalf("%d %s, %d in the journal", a.StatusCode, a.body, len(r.journaled()))
		}
	})
	t.Run("zip bomb that is not said to be one", func(t *testing.T) {
		r := newRig(t, small)
		a := r.do("POST", "/", zipped(t, strings.Repeat("\n", 50<<20)))
		if a.StatusCode != http.StatusRequestEntityTooLarge {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	})
	t.Run("many bad lines", func(t *testing.T) {
		r := newRig(t, nil)
		var body strings.Builder
		for i := range 250 {
			fmt.Fprintf(&body, "{\"n\":%d}\n", i)
		}
		a := r.do("POST", "/", body.String()+falco)
		rec := a.receipt(t)
		if a.StatusCode != http.StatusOK || rec.Accepted != 1 || len(rec.Rejected) != rejectedNamed || rec.RejectedTotal != 250 {
			t.Fatalf("%d, %d accepted, %d named of %d", a.StatusCode, rec.Accepted, len(rec.Rejected), rec.RejectedTotal)
		}
		if n := len(r.deadLetters()); n != lettersEach {
			t.Errorf("%d dead letters", n)
		}
		if n := r.metric("tiercel_dead_letters_dropped_total", "one request"); n != 250-lettersEach {
			t.Errorf("%v dead letters are counted as dropped", n)
		}
		if n := r.metric("tiercel_alerts_rejected_total", "no_alert"); n != 250 {
			t.Errorf("%v are counted as rejected", n)
		}
	})
	t.Run("a million bad lines", func(t *testing.T) {
		r := newRig(t, nil)
		for _, line := range []string{"{}\n", "x\n{}\n"} {
			a := r.do("POST", "/", strings.Repeat(line, 1_000_000))
			if a.StatusCode != http.StatusBadRequest || a.receipt(t).RejectedTotal < 1_000_000 {
				t.Errorf("%d %.200s", a.StatusCode, a.body)
			}
		}
	})
	t.Run("too many dead letters", func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.Limits.DeadLetters = 3 })
		r.srv.stats.age = 0
		for range 5 {
			r.do("POST", "/", "{}")
		}
		if n := len(r.deadLetters()); n != 3 {
			t.Errorf("%d dead letters", n)
		}
		if n := r.metric("tiercel_dead_letters_dropped_total", "kept"); n != 2 {
			t.Errorf("%v are counted", n)
		}
	})
}

func TestFull(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"full":   {fmt.Errorf("append: %w", journal.ErrFull), "full"},
		"closed": {journal.ErrClosed, "closing"},
		"broken": {errors.New("input/output error"), "journal"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.Journal = fullJournal{c.err} })
			for i, body := range []string{falco, falco + "\n" + falco} {
				a := r.do("POST", "/", body)
				if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.code() != c.code || a.receipt(t).Accepted != 0 {
					t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
				}
				if n := r.metric("tiercel_alerts_dropped_total", `"`+c.code+`"`); int(n) != []int{1, 3}[i] {
					t.Errorf("%v are counted as dropped", n)
				}
			}
			if a := r.do("POST", "/test", ""); a.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("/test: %d", a.StatusCode)
			}
			want := 200
			if name == "full" {
				want = 503
			}
			if a := r.do("GET", "/readyz", ""); a.StatusCode != want {
				t.Errorf("readyz: %d %s", a.StatusCode, a.body)
			}
			if strings.Contains(r.log.String(), "uptime") {
				t.Error("the log has text of an alert")
			}
		})
	}
}

// TestBusy holds back requests that find no room.
func TestBusy(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Limits = Limits{Ingest: 1, Waiting: 1, Wait: 50 * time.Millisecond} })
	r.srv.ingest.slots <- struct{}{}
	a := r.do("POST", "/", falco)
	if a.StatusCode != http.StatusServiceUnavailable || a.code() != "busy" || a.Header.Get("Retry-After") == "" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if n := r.metric("tiercel_alerts_dropped_total", "busy"); n != 1 {
		t.Errorf("%v are counted", n)
	}
	go func() {
		time.Sleep(10 * time.Millisecond)
		r.srv.ingest.leave()
	}()
	r.srv.ingest.wait = 10 * time.Second
	if a := r.do("POST", "/", falco); a.StatusCode != http.StatusOK {
		t.Errorf("who waits gets in: %d %s", a.StatusCode, a.body)
	}
}

func TestReplay(t *testing.T) {
	r := newRig(t, nil)
	r.do("POST", "/", falco+"\n"+textLine+"\n{\"x\":1}")
	if a := r.do("POST", "/api/v1/dead-letters/1/replay", ""); a.StatusCode != http.StatusConflict || !strings.Contains(a.body, "json_output") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if n := len(r.deadLetters()); n != 2 {
		t.Errorf("%d dead letters: what fails again is no second one", n)
	}
	// A dead letter of an older Tiercel that this one understands.
	d := r.deadLetters()[0]
	d.ID, d.Raw = 0, []byte(falco)
	id, err := r.store.PutDeadLetter(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	a := r.do("POST", fmt.Sprintf("/api/v1/dead-letters/%d/replay", id), "")
	if a.StatusCode != http.StatusOK || a.receipt(t).Accepted != 1 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	all := r.journaled()
	if last := all[len(all)-1]; string(last.Raw) != falco || last.Way != envelope.Replay || !last.Received.Equal(d.Received) {
		t.Errorf("journal: %+v", last)
	}
	var page struct{ Items []deadLetterJSON }
	r.get("/api/v1/dead-letters", &page)
	if len(page.Items) != 3 || page.Items[2].Replayed == nil || page.Items[0].Replayed != nil || page.Items[0].Text != textLine {
		t.Errorf("%+v", page.Items)
	}
	for _, path := range []string{"/api/v1/dead-letters/77/replay", "/api/v1/dead-letters/x/replay"} {
		if a := r.do("POST", path, ""); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

// TestWire sends as Falco does: over TCP, keep-alive, and what ends early.
func TestWire(t *testing.T) {
	r := newRig(t, nil)
	ts := httptest.NewServer(r.handler)
	defer ts.Close()
	conn, err := net.Dial("tcp", ts.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var wire strings.Builder
	for range 3 {
		fmt.Fprintf(&wire, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: falcosecurity/falco\r\nTE: gzip\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(falco), falco)
	}
	fmt.Fprintf(&wire, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(bare), bare)
	if _, err := io.WriteString(conn, wire.String()); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got bytes.Buffer
	buf := make([]byte, 4096)
	for strings.Count(got.String(), `{"accepted":1`) < 4 {
		n, err := conn.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, got.String())
		}
	}
	if n := len(r.journaled()); n != 4 {
		t.Errorf("%d records", n)
	}
	// Half an alert is none.
	half, err := net.Dial("tcp", ts.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(half, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", len(falco), falco[:100])
	_ = half.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(half)
	half.Close()
	if !strings.Contains(string(b), "400 Bad Request") || len(r.journaled()) != 4 {
		t.Errorf("half an alert: %q, %d records", b, len(r.journaled()))
	}
}

// TestConcurrent has 50 clients post at once: each alert is there, once.
func TestConcurrent(t *testing.T) {
	r := newRig(t, nil)
	ts := httptest.NewServer(r.handler)
	defer ts.Close()
	const clients, each = 50, 40
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := range each {
				body := strings.Replace(falco, `"proc.pid":6461`, fmt.Sprintf(`"proc.pid":%d`, c*each+i), 1)
				res, err := ts.Client().Post(ts.URL, "application/json", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("status %d", res.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, e := range r.journaled() {
		var a struct {
			Output struct {
				PID int `json:"proc.pid"`
			} `json:"output_fields"`
		}
		if err := json.Unmarshal(e.Raw, &a); err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(a.Output.PID)]++
	}
	if len(seen) != clients*each {
		t.Errorf("%d different alerts, want %d", len(seen), clients*each)
	}
	for pid, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", pid, n)
		}
	}
}

// TestRecorded takes in what the real Falco wrote.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("../testdata/corpus/*-*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	r := newRig(t, func(o *Options) { o.Limits.Chunk = 10_000 })
	var want [][]byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		want = append(want, lines...)
		if a := r.do("POST", "/api/v1/alerts", string(text)); a.StatusCode != http.StatusOK || a.receipt(t).Accepted != len(lines) || len(a.receipt(t).Rejected) > 0 {
			t.Errorf("%s: %d %.300s", f, a.StatusCode, a.body)
		}
	}
	got := r.journaled()
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Raw, want[i]) {
			t.Fatalf("record %d differs", i)
		}
	}
}

// FuzzBody holds that nothing good is lost, whatever stands around it, and
// that nothing is both.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"", "{", "[", "]", "a\nb", `{"hello":1}`, textLine, falco, falco[:150], "[" + falco, "\x00", "\xff\xfe", "{\n\n\"a\":", `{"log":"{}"}`} {
		f.Add([]byte(s))
	}
	m := &memory{}
	srv, err := New(Options{Store: letterStore{m}, Journal: m, Limits: Limits{Chunk: 2000}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(srv.Close)
	marked := strings.Replace(falco, "node-1", "the-good-one", 1)
	f.Fuzz(func(t *testing.T, junk []byte) {
		m.records, m.letters = nil, nil
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(marked+"\n"+string(junk)+"\n"))
		req.Host = "127.0.0.1"
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, req)
		a := answer{w.Result(), w.Body.String()}
		rec := a.receipt(t)
		if a.StatusCode != http.StatusOK || rec.Error != nil {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		if len(m.records) != rec.Accepted {
			t.Fatalf("%d accepted, %d in the journal", rec.Accepted, len(m.records))
		}
		if n := max(len(rec.Rejected), rec.RejectedTotal); len(m.letters) != min(n, lettersEach) {
			t.Fatalf("%d rejected, %d dead letters", n, len(m.letters))
		}
		d := alert.NewDecoder(alert.Options{})
		for i, b := range m.records {
			e, err := envelope.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 && string(e.Raw) != marked {
				t.Fatalf("the good one is lost: %q", e.Raw)
			}
			if al, err := d.Decode(e.Record(), ""); err != nil || al == nil || al.Form != alert.FormJSON {
				t.Fatalf("in the journal, and no alert: %q", e.Raw)
			}
		}
		if rec.Accepted == 1 && len(rec.Rejected) == 0 && len(bytes.Trim(junk, " \t\r\n,[]\ufeff")) > 0 {
			t.Fatalf("%q went away without a word", junk)
		}
	})
}

func BenchmarkIngest(b *testing.B) {
	srv, err := New(Options{Store: noStore{}, Journal: quick{}})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	h := srv.Handler()
	b.ReportAllocs()
	b.SetBytes(int64(len(falco)))
	for b.Loop() {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(falco))
		req.Host = "127.0.0.1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
