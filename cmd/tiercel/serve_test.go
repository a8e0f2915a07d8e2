package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serving runs tiercel serve until stop is called, which returns its exit code.
type served struct {
	url  string
	stop func() int
	log  func() string
}

func serve(t *testing.T, args ...string) *served {
	t.Helper()
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	log := func() string { b, _ := os.ReadFile(name); return string(b) }
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, append([]string{"serve", "--allow-root", "--listen", "127.0.0.1:0"}, args...), terminal{strings.NewReader(""), f, f})
	}()
	ended := -1
	s := &served{log: log, stop: func() int {
		cancel()
		if ended < 0 {
			ended = <-code
		}
		return ended
	}}
	t.Cleanup(func() { s.stop(); f.Close() })
	listening := regexp.MustCompile(`msg=listening url=(\S+)/ `)
	for range 1000 {
		if m := listening.FindStringSubmatch(log()); m != nil {
			s.url = m[1]
			return s
		}
		select {
		case ended = <-code:
			t.Fatalf("serve ended with %d: %s", ended, log())
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("serve does not listen: %s", log())
	return nil
}

func post(t *testing.T, c *http.Client, url, body string) (int, string) {
	t.Helper()
	res, err := c.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 1500 {
		if f() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("it does not come about: " + what)
}

func seedAlert(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestServe goes the way of a user: alert in, incident out, close it, restart,
// back it up, check it, restore it.
func TestServe(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, "--data", data)
	if code, body := post(t, http.DefaultClient, s.url+"/", seedAlert(t)); code != http.StatusOK {
		t.Fatal(code, body)
	}
	var row incidentRow
	eventually(t, "an incident", func() bool {
		r := call(t, "", "incidents", "list", "--server", s.url, "-f", "json")
		return r.code == exitFine && r.out != "" && json.Unmarshal([]byte(r.out), &row) == nil
	})
	if row.Class != "test" || row.Count != 1 {
		t.Errorf("%+v", row)
	}
	r := call(t, "", "incidents", "list", "--server", s.url)
	if r.code != exitFine || !strings.Contains(r.out, row.ID) || !strings.HasPrefix(r.out, "ID ") {
		t.Errorf("%+v", r)
	}
	r = call(t, "", "incidents", "show", row.ID, "--server", s.url)
	if r.code != exitFine || !strings.HasPrefix(r.out, "# ") || !strings.Contains(r.out, "memfd:program") {
		t.Errorf("%+v", r)
	}
	r = call(t, "", "incidents", "close", row.ID, "--as", "test", "--why", "event-generator", "--server", s.url)
	if r.code != exitFine || !strings.Contains(r.out, "is closed as test") {
		t.Errorf("%+v", r)
	}
	if code := s.stop(); code != exitFine {
		t.Errorf("exit code %d: %s", code, s.log())
	}
	s = serve(t, "--data", data)
	r = call(t, "", "incidents", "list", "--server", s.url)
	if r.code != exitFine || strings.Contains(r.out, row.ID) {
		t.Errorf("closed, and listed: %+v", r)
	}
	r = call(t, "", "incidents", "list", "--status", "closed", "--server", s.url)
	if r.code != exitFine || !strings.Contains(r.out, row.ID) {
		t.Errorf("gone after a restart: %+v", r)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	for _, args := range [][]string{{"store", "check"}, {"store", "backup", backup}} { // while it serves
		if r := call(t, "", append(args, "--data", data)...); r.code != exitFine {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := call(t, "", "store", "backup", backup, "--data", data); r.code != exitBadInput {
		t.Errorf("a backup is overwritten: %+v", r)
	}
	if r := call(t, "", "store", "restore", backup, "--data", data); r.code == exitFine {
		t.Errorf("restored under a server: %+v", r)
	}
	s.stop()
	if r := call(t, "", "store", "restore", backup, "--data", data); r.code != exitFine || !strings.Contains(r.out, "is restored") {
		t.Errorf("%+v", r)
	}
	if r := call(t, "", "store", "check", "--data", data); r.code != exitFine || !strings.Contains(r.out, "1 alerts") {
		t.Errorf("%+v", r)
	}
	if r := call(t, "no backup", "store", "restore", "-", "--data", data); r.code == exitFine {
		t.Errorf("nonsense is restored: %+v", r)
	}
	if r := call(t, "", "store", "check", "--data", filepath.Join(data, "nothing")); r.code != exitBadInput {
		t.Errorf("%+v", r)
	}
}

func TestIncidentsFailures(t *testing.T) {
	s := serve(t, "--data", t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		part string
	}{
		{[]string{"list", "--class", "odd"}, exitBadInput, "class"},
		{[]string{"show", "nothing"}, exitBadInput, "404"},
		{[]string{"close", "nothing", "--as", "test", "--why", "x"}, exitBadInput, "404"},
		{[]string{"close", "nothing", "--as", "odd", "--why", "x"}, exitBadInput, "--as"},
		{[]string{"list", "--token", "tcl_wrong"}, exitBadInput, "401"},
		{[]string{"list", "--server", "127.0.0.1:2804"}, exitBadInput, "--server"},
		{[]string{"list", "--server", "http://127.0.0.1:1"}, exitUnfinished, "refused"},
		{[]string{"list", "--limit", "0"}, exitBadInput, "--limit"},
	} {
		args := append([]string{"incidents"}, c.args...)
		if !strings.Contains(strings.Join(args, " "), "--server") {
			args = append(args, "--server", s.url)
		}
		if r := call(t, "", args...); r.code != c.code || !strings.Contains(r.stderr, c.part) {
			t.Errorf("%v: %+v", c.args, r)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	data := t.TempDir()
	if os.Geteuid() == 0 {
		if r := call(t, "", "serve", "--data", data); r.code != exitBadInput || !strings.Contains(r.stderr, "--allow-root") {
			t.Errorf("as root: %+v", r)
		}
	}
	for _, c := range []struct {
		part string
		args []string
	}{
		{"tiercel tokens create", []string{"--listen", "0.0.0.0:0"}},
		{"tiercel tokens create", []string{"--listen", ":0"}},
		{"tiercel tokens create", []string{"--public-url", "https://tiercel.example.org"}},
		{"--listen", []string{"--listen", "nonsense"}},
		{"--tls-key", []string{"--tls-cert", "x"}},
		{"--tls-cert", []string{"--tls-client-ca", "x"}},
		{"--tls-client-ca", []string{"--tls-require-client"}},
		{"no such file", []string{"--tls-cert", "/nothing", "--tls-key", "/nothing"}},
		{"loopback", []string{"--pprof", "0.0.0.0:1"}},
		{"scope", []string{"--client-scope", "root"}},
		{"no such file", []string{"--config", "/nothing"}},
	} {
		r := call(t, "", append([]string{"serve", "--allow-root", "--data", data}, c.args...)...)
		if r.code != exitBadInput || !strings.Contains(r.stderr, c.part) {
			t.Errorf("%v: %+v, want %q", c.args, r, c.part)
		}
	}
}

func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		name := filepath.Join(dir, "tiercel.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for text, part := range map[string]string{
		"lissten: 1":                               "tiercel.yaml:1: there is no option lissten",
		"auth: true\n\nport: 1":                    "tiercel.yaml:3: there is no option port",
		"auth: true\nauth: true":                   "auth",
		"- auth":                                   "tiercel.yaml:1: a mapping",
		"listen: {a: b}":                           "tiercel.yaml:1: listen",
		"listen: [":                                "tiercel.yaml",
		"log-level: loud":                          "log-level",
		"journal-max-bytes: many":                  "journal-max-bytes",
		"config: x":                                "there is no option config",
		"\"\\u001b[31m\": 1":                       "there is no option",
		"listen: 0.0.0.0:0":                        "tiercel tokens create",
		"client-scope: [ingest, root]":             "root",
		"# only a comment\npprof: 0.0.0.0:99\n":    "loopback",
		"listen: !!binary x\nauth: &a true\nx: *a": "tiercel.yaml",
	} {
		r := call(t, "", "serve", "--allow-root", "--data", dir, "--config", file(text))
		if r.code != exitBadInput || !strings.Contains(r.stderr, part) || strings.Contains(r.stderr, "\x1b") {
			t.Errorf("%q: %+v, want %q", text, r, part)
		}
	}
	// Flags win over the environment, and that over the file.
	name := file("log-format: json\nlog-level: warn\nauth: true\ndata: " + filepath.Join(dir, "from-file") + "\n")
	t.Setenv("TIERCEL_LOG_LEVEL", "info")
	t.Setenv("TIERCEL_DATA", filepath.Join(dir, "from-env"))
	s := serve(t, "--config", name, "--log-format", "text")
	if !strings.Contains(s.log(), "auth=true") || !strings.Contains(s.log(), "from-env") {
		t.Error(s.log())
	}
	s.stop()
	t.Setenv("TIERCEL_CONFIG", name)
	s = serve(t, "--log-format", "text", "--data", filepath.Join(dir, "from-flag"))
	if !strings.Contains(s.log(), "auth=true") || !strings.Contains(s.log(), "from-flag") {
		t.Error(s.log())
	}
}

// authority makes certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.issue("ca", nil)
	return a
}

// issue writes NAME.crt and NAME.key; the first is of the CA itself.
func (a *authority) issue(name string, ips []net.IP) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IPAddresses: ips,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	for file, b := range map[string][]byte{name + ".crt": certPEM, name + ".key": keyPEM} {
		if err := os.WriteFile(a.path(file), b, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	if a.cert == nil {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			a.t.Fatal(err)
		}
		a.key = key
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

func (a *authority) path(file string) string { return filepath.Join(a.dir, file) }

func (a *authority) client(certs ...tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: certs}, DisableKeepAlives: true}
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func TestTLS(t *testing.T) {
	a, data := newAuthority(t), t.TempDir()
	loopback := []net.IP{net.IPv4(127, 0, 0, 1)}
	a.issue("server", loopback)
	falco := a.issue("falco", nil)
	stranger := newAuthority(t).issue("stranger", nil)
	flags := []string{"--data", data, "--tls-cert", a.path("server.crt"), "--tls-key", a.path("server.key"), "--tls-client-ca", a.path("ca.crt")}
	s := serve(t, flags...)
	if !strings.HasPrefix(s.url, "https://") {
		t.Fatal(s.url)
	}
	if code, body := post(t, a.client(falco), s.url+"/", seedAlert(t)); code != http.StatusOK {
		t.Errorf("with a certificate: %d %s", code, body)
	}
	if code, _ := post(t, a.client(), s.url+"/", seedAlert(t)); code != http.StatusUnauthorized {
		t.Errorf("without one: %d", code)
	}
	if res, err := a.client(stranger).Post(s.url+"/", "application/json", strings.NewReader(seedAlert(t))); err == nil {
		res.Body.Close()
		t.Error("with one of another CA")
	}
	res, err := a.client(falco).Get(s.url + "/api/v1/stats")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a certificate may only send alerts: %d", res.StatusCode)
	}
	// SIGHUP reads the certificate again; one that is broken changes nothing.
	serial := func() string {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), a.client().Transport.(*http.Transport).TLSClientConfig)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	a.issue("server", loopback)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new certificate", func() bool { return serial() != before })
	before = serial()
	if err := os.WriteFile(a.path("server.crt"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a line in the log", func() bool { return strings.Contains(s.log(), "certificates are as before") })
	if serial() != before {
		t.Error("the certificate changed")
	}
	s.stop()
	a.issue("server", loopback)
	s = serve(t, append(flags, "--tls-require-client")...)
	if res, err := a.client().Get(s.url + "/healthz"); err == nil {
		res.Body.Close()
		t.Error("without a certificate")
	}
	res, err = a.client(falco).Get(s.url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

// TestShutdown ends while a request is under way, which is finished.
func TestShutdown(t *testing.T) {
	s := serve(t, "--data", t.TempDir())
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := seedAlert(t)
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:10])
	time.Sleep(200 * time.Millisecond)
	done := make(chan int, 1)
	go func() { done <- s.stop() }()
	eventually(t, "that it begins to end", func() bool { return strings.Contains(s.log(), "ending") })
	if _, err := io.WriteString(conn, body[10:]); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(conn)
	if err != nil || !bytes.Contains(b, []byte(`"accepted":1`)) {
		t.Errorf("%v %s", err, b)
	}
	if code := <-done; code != exitFine {
		t.Errorf("exit code %d: %s", code, s.log())
	}
}

// TestUnit has systemd look at the unit, where there is systemd.
func TestUnit(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	text, err := os.ReadFile("../../packaging/systemd/tiercel.service")
	if err != nil {
		t.Fatal(err)
	}
	// It has to be there to be verified, and is not installed.
	unit := strings.Replace(string(text), "ExecStart=/usr/bin/tiercel", "ExecStart=/bin/true", 1)
	if unit == string(text) {
		t.Fatal("the unit starts something else")
	}
	name := filepath.Join(t.TempDir(), "tiercel.service")
	if err := os.WriteFile(name, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "verify", name).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("verify: %v %s", err, out)
	}
	if out, err := exec.Command(tool, "security", "--offline=true", "--threshold=15", name).CombinedOutput(); err != nil {
		t.Errorf("exposure of 1.5 or more: %v %s", err, out)
	}
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/tiercel (.*)$`).FindStringSubmatch(string(text))
	args := append(strings.Fields(line[1]), "--help")
	if r := call(t, "", args...); r.code != exitFine {
		t.Errorf("%v: %+v", args, r)
	}
}
