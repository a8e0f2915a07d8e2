// Command load sends alerts to a server as fast as it takes them, and then
// compares what was acknowledged with what is kept.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

type options struct {
	url         *url.URL
	connections int
	duration    time.Duration
	bulk        int
	token       string
	settle      time.Duration
	insecure    bool
	peer        bool
}

func main() {
	var o options
	target := flag.String("url", "http://127.0.0.1:2804/", "where alerts are posted")
	flag.IntVar(&o.connections, "c", 50, "keep-alive connections")
	flag.DurationVar(&o.duration, "d", 10*time.Second, "how long")
	flag.IntVar(&o.bulk, "bulk", 1, "alerts in one POST")
	flag.StringVar(&o.token, "token", os.Getenv("TIERCEL_TOKEN"), "token with the scopes ingest and read")
	flag.DurationVar(&o.settle, "settle", 2*time.Minute, "how long to wait until everything is analysed; 0: do not compare")
	flag.BoolVar(&o.peer, "peer", false, "the server is another program, such as Falcosidekick: each 2xx counts as accepted, and nothing is compared")
	flag.BoolVar(&o.insecure, "insecure", false, "do not check the server's certificate")
	flag.Parse()
	if o.peer {
		o.settle = 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := 0
	u, err := url.Parse(*target)
	if err == nil {
		o.url = u
		err = run(ctx, os.Stdout, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		code = 1
	}
	stop()
	os.Exit(code)
}

// worker is one connection.
type worker struct {
	o        *options
	posts    int
	accepted int
	refused  int // alerts that were not acknowledged
	statuses map[int]int
	errs     map[string]int
	took     []uint32 // microseconds
}

// number makes every alert a different one.
var number atomic.Int64

func run(ctx context.Context, out io.Writer, o options) error {
	if o.url.Host == "" || o.connections < 1 || o.bulk < 1 {
		return errors.New("give -url http://host:port/, -c and -bulk of at least 1")
	}
	before, err := o.metrics(ctx)
	if err != nil && o.settle > 0 {
		return fmt.Errorf("what the server keeps cannot be read: %w", err)
	}
	number.Store(time.Now().UnixMicro())
	end, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	workers := make([]*worker, o.connections)
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range workers {
		workers[i] = &worker{o: &o, statuses: map[int]int{}, errs: map[string]int{}}
		wg.Go(func() { workers[i].work(end) })
	}
	wg.Wait()
	took := time.Since(begun)
	accepted := o.report(out, workers, took)
	if o.settle == 0 {
		return nil
	}
	return o.compare(ctx, out, before, accepted)
}

func (o *options) report(out io.Writer, workers []*worker, took time.Duration) (accepted int) {
	posts, refused := 0, 0
	statuses, errs := map[int]int{}, map[string]int{}
	var all []uint32
	for _, w := range workers {
		posts += w.posts
		accepted += w.accepted
		refused += w.refused
		all = append(all, w.took...)
		for k, n := range w.statuses {
			statuses[k] += n
		}
		for k, n := range w.errs {
			errs[k] += n
		}
	}
	slices.Sort(all)
	at := func(q float64) time.Duration {
		if len(all) == 0 {
			return 0
		}
		return time.Duration(all[min(len(all)-1, int(q*float64(len(all))))]) * time.Microsecond
	}
	fmt.Fprintf(out, "%d connections, %d a POST, %.1f s\n", o.connections, o.bulk, took.Seconds())
	fmt.Fprintf(out, "accepted  %d alerts in %d POSTs, %.0f alerts/s\n", accepted, posts, float64(accepted)/took.Seconds())
	fmt.Fprintf(out, "latency   p50 %v  p90 %v  p99 %v  p99.9 %v  max %v\n", at(.5), at(.9), at(.99), at(.999), at(1))
	fmt.Fprintf(out, "refused   %d alerts; status:", refused)
	for _, k := range sortedKeys(statuses) {
		fmt.Fprintf(out, " %d: %d", k, statuses[k])
	}
	fmt.Fprintln(out)
	for _, k := range sortedKeys(errs) {
		fmt.Fprintf(out, "error     %s: %d\n", k, errs[k])
	}
	return accepted
}

func sortedKeys[K int | string](m map[K]int) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.connection(ctx); err != nil {
			w.errs[short(err)]++
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

func short(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

func (w *worker) dial(ctx context.Context) (net.Conn, error) {
	host := w.o.url.Host
	port := map[string]string{"http": "80", "https": "443"}[w.o.url.Scheme]
	if port == "" {
		return nil, fmt.Errorf("scheme %q", w.o.url.Scheme)
	}
	if w.o.url.Port() == "" {
		host = net.JoinHostPort(w.o.url.Hostname(), port)
	}
	if w.o.url.Scheme == "https" {
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: w.o.insecure, MinVersion: tls.VersionTLS12}}
		return d.DialContext(ctx, "tcp", host)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", host)
}

// connection sends over one connection until ctx ends or it breaks. The answer
// to what was sent is waited for, so that what is acknowledged is known.
func (w *worker) connection(ctx context.Context) error {
	conn, err := w.dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 4<<10)
	var body, request []byte
	for ctx.Err() == nil {
		body = body[:0]
		for range w.o.bulk {
			body = appendAlert(body, number.Add(1))
		}
		request = append(request[:0], "POST "+w.o.url.RequestURI()+" HTTP/1.1\r\nHost: "+w.o.url.Host+
			"\r\nUser-Agent: tiercel-load\r\nContent-Type: application/json\r\n"...)
		if w.o.token != "" {
			request = append(request, "Authorization: Bearer "+w.o.token+"\r\n"...)
		}
		request = append(request, "Content-Length: "...)
		request = strconv.AppendInt(request, int64(len(body)), 10)
		request = append(append(request, "\r\n\r\n"...), body...)
		begun := time.Now()
		if err := conn.SetDeadline(begun.Add(time.Minute)); err != nil {
			return err
		}
		if _, err := conn.Write(request); err != nil {
			return err
		}
		closes, err := w.answer(in)
		if err != nil {
			return err
		}
		w.took = append(w.took, uint32(time.Since(begun).Microseconds()))
		if closes {
			return nil
		}
	}
	return nil
}

func (w *worker) answer(in *bufio.Reader) (closes bool, err error) {
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return false, err
	}
	b, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return false, err
	}
	w.posts++
	w.statuses[res.StatusCode]++
	accepted := 1
	switch {
	case w.o.peer:
		if accepted = w.o.bulk; res.StatusCode/100 != 2 {
			accepted = 0
		}
	case !bytes.HasPrefix(b, []byte(`{"accepted":1,"rejected":[]}`)):
		var got struct{ Accepted int }
		if err := json.Unmarshal(b, &got); err != nil {
			return res.Close, fmt.Errorf("status %d and an answer that is no receipt", res.StatusCode)
		}
		accepted = got.Accepted
	}
	w.accepted += accepted
	w.refused += w.o.bulk - accepted
	return res.Close, nil
}

var rules = []struct{ name, priority, tags string }{
	{"Read sensitive file untrusted", "Warning", `"T1555","container","filesystem","host","maturity_stable","mitre_credential_access"`},
	{"Terminal shell in container", "Notice", `"T1059","container","maturity_stable","mitre_execution","shell"`},
	{"Contact K8S API Server From Container", "Notice", `"T1565","container","k8s","maturity_stable","mitre_discovery","network"`},
	{"Drop and execute new binary in container", "Critical", `"TA0003","container","maturity_stable","mitre_persistence","process"`},
}

// appendAlert appends an alert as Falco writes it, and a newline. n is the
// time of the event in microseconds.
func appendAlert(b []byte, n int64) []byte {
	at := time.UnixMicro(n).UTC()
	r := rules[n%int64(len(rules))]
	host, pid := n%20, 1000+n%30000
	b = append(b, `{"hostname":"node-`...)
	b = strconv.AppendInt(b, host, 10)
	b = append(b, `","output":"`...)
	b = at.AppendFormat(b, "15:04:05.000000000")
	b = append(b, ": "+r.priority+" "+r.name+` (file=/etc/shadow gparent=containerd-shim ggparent=systemd gggparent=<NA> evt_type=openat user=root user_uid=0 user_loginuid=-1 process=backup-agent proc_exepath=/usr/local/bin/backup-agent parent=sh command=backup-agent --target /srv/data --label nightly terminal=0 container_id=4b1c2d3e4f50 container_name=backup container_image_repository=registry.example.org/tools/backup container_image_tag=2.4.1 k8s_pod_name=backup-5d9c k8s_ns_name=ops)","output_fields":{"container.id":"4b1c2d3e4f50","container.image.repository":"registry.example.org/tools/backup","container.image.tag":"2.4.1","container.name":"backup","evt.time":`...)
	b = strconv.AppendInt(b, at.UnixNano(), 10)
	b = append(b, `,"evt.type":"openat","fd.name":"/etc/shadow","k8s.ns.name":"ops","k8s.pod.name":"backup-5d9c","proc.aname[2]":"containerd-shim","proc.aname[3]":"systemd","proc.cmdline":"backup-agent --target /srv/data --label nightly","proc.exepath":"/usr/local/bin/backup-agent","proc.name":"backup-agent","proc.pid":`...)
	b = strconv.AppendInt(b, pid, 10)
	b = append(b, `,"proc.pname":"sh","proc.tty":0,"user.loginuid":-1,"user.name":"root","user.uid":0},"priority":"`+r.priority+`","rule":"`+r.name+`","source":"syscall","tags":[`+r.tags+`],"time":"`...)
	b = at.AppendFormat(b, "2006-01-02T15:04:05.000000000Z")
	return append(b, "\"}\n"...)
}

// metrics reads the server's /metrics.
func (o *options) metrics(ctx context.Context) (map[string]float64, error) {
	u := *o.url
	u.Path, u.RawQuery = "/metrics", ""
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if o.token != "" {
		req.Header.Set("Authorization", "Bearer "+o.token)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: o.insecure, MinVersion: tls.VersionTLS12}}}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", u.Redacted(), res.Status)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return nil, err
	}
	sums := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			sums[name] += value(m)
		}
	}
	return sums, nil
}

func value(m *dto.Metric) float64 {
	return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
}

// compare waits until the server has analysed everything and says whether it
// kept what it acknowledged.
func (o *options) compare(ctx context.Context, out io.Writer, before map[string]float64, accepted int) error {
	begun := time.Now()
	var now map[string]float64
	for {
		var err error
		if now, err = o.metrics(ctx); err != nil {
			return err
		}
		settled := now["tiercel_journal_lag_records"] == 0 || now["tiercel_analysis_wired"] == 0
		if settled || time.Since(begun) > o.settle {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	waited := time.Since(begun)
	time.Sleep(1500 * time.Millisecond) // the server counts its store once a second
	now, err := o.metrics(ctx)
	if err != nil {
		return err
	}
	grew := func(name string) int { return int(now[name] - before[name]) }
	fmt.Fprintf(out, "memory    %.0f MB resident\n", now["process_resident_memory_bytes"]/1e6)
	fmt.Fprintf(out, "journal   %d records more, lag %.0f after %.1f s\n", grew("tiercel_journal_records"), now["tiercel_journal_lag_records"], waited.Seconds())
	if n := grew("tiercel_journal_records"); n < accepted {
		return fmt.Errorf("%d acknowledged alerts are not in the journal", accepted-n)
	}
	if now["tiercel_analysis_wired"] == 0 {
		fmt.Fprintln(out, "store     not compared: the server analyses nothing")
		return nil
	}
	stored := grew("tiercel_store_alerts") + grew("tiercel_store_removed_alerts")
	fmt.Fprintf(out, "store     %d alerts more (with those that retention removed)\n", stored)
	if now["tiercel_journal_lag_records"] > 0 {
		return fmt.Errorf("it was not done after %s", o.settle)
	}
	if stored < accepted {
		return fmt.Errorf("%d acknowledged alerts are not in the store", accepted-stored)
	}
	return nil
}
