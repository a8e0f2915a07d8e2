package web_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tiercel/tiercel/server"
	"github.com/tiercel/tiercel/server/web/webtest"
	"github.com/tiercel/tiercel/store"
)

type page struct {
	status int
	header http.Header
	body   string
}

func get(t testing.TB, c *http.Client, url string) page {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r)
}

func read(t testing.TB, r *http.Response) page {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{r.StatusCode, r.Header, string(b)}
}

func post(t testing.TB, c *http.Client, url string, v url.Values) page {
	t.Helper()
	r, err := c.PostForm(url, v)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, r)
}

func worst(t testing.TB, s *webtest.Stack) store.Incident {
	t.Helper()
	list, err := s.Store.Incidents(context.Background(), store.Query{Limit: 1})
	if err != nil || len(list.Items) == 0 {
		t.Fatal("no incidents", err)
	}
	return list.Items[0]
}

var csrf = regexp.MustCompile(`<meta name="csrf" content="([^"]+)">`)

func key(t testing.TB, p page) string {
	t.Helper()
	m := csrf.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatal("the page has no CSRF token")
	}
	return m[1]
}

func TestPages(t *testing.T) {
	s := webtest.Filled(t, false)
	in := worst(t, s)
	for _, x := range []struct {
		path, want string
		status     int
	}{
		{"/", "kthreadd", 200}, {"/incidents", "kthreadd", 200}, {"/?text=stratum", "kthreadd", 200}, {"/?text=nothinglikeit", "Nothing matches", 200}, {"/?class=attack&severity=critical", "tar read /etc/shadow", 200},
		{"/?class=bad", "There are attack", 200}, {"/?since=bad", "Write 2026", 200}, {"/?since=2000-01-01&until=2000-01-02", "Nothing matches", 200},
		{"/?status=closed", "Nothing matches", 200}, {"/?after=nonsense", "No such page", 400},
		{"/?where=proc.name+%3D+%22.kthreadd%22", "kthreadd", 200}, {"/?where=proc.name+%3D", "This is no condition", 200},
		{"/?where=no.such.field+%3D+x", "they lack <code class=\"value\">no.such.field</code>", 200},
		{"/incidents/" + in.ID, "Mitigation Strategies", 200}, {"/incidents/" + in.ID, "<svg role=\"img\"", 200}, {"/incidents/" + in.ID, `href="/alerts/`, 200},
		{"/incidents/nothing", "Nothing is here", 404}, {"/incidents/" + in.ID + "/report.exe", "Nothing is here", 404},
		{"/alerts", "Older alerts", 200}, {"/alerts?where=proc.name+%3D+%22.kthreadd%22", "Looked at the next", 200}, {"/alerts?host=vm&rule=Run+shell+untrusted", "Run shell untrusted", 200},
		{"/alerts?incident=" + in.ID, "Search Private Keys", 200}, {"/alerts/1", "As it came", 200}, {"/alerts/999999", "Nothing is here", 404}, {"/alerts/x", "Nothing is here", 404},
		{"/silences", "No silence is in force", 200}, {"/audit", "Nothing of it is kept", 200}, {"/knowledge", "Read ssh information", 200}, {"/knowledge?text=memfd", "memfd", 200},
		{"/knowledge/rules/read-ssh-information", "How attackers use it", 200}, {"/knowledge/controls/memfd-noexec", "vm.memfd_noexec", 200}, {"/knowledge/controls/..%2Ftables", "Nothing is here", 404},
		{"/status", "All that was received was an alert", 200}, {"/static/tiercel.css", ".severity", 200}, {"/static/web.go", "", 404}, {"/nothing", "Nothing is here", 404},
	} {
		p := get(t, http.DefaultClient, s.URL+x.path)
		if p.status != x.status || !strings.Contains(p.body, x.want) {
			t.Errorf("%s: %d, without %q", x.path, p.status, x.want)
		}
		if strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
			if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: policy %q", x.path, policy)
			}
			wellMade(t, x.path, p.body)
		}
	}
	for p := get(t, http.DefaultClient, s.URL+"/noise"); ; p = get(t, http.DefaultClient, s.URL+"/noise") {
		if strings.Contains(p.body, "are being counted") {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if !strings.Contains(p.body, "All 453 alerts") || !strings.Contains(p.body, "<rect ") || !strings.Contains(p.body, "/silences?where=") {
			t.Error("noise lacks something")
		}
		wellMade(t, "/noise", p.body)
		break
	}
}

// wellMade checks what a page has to be: no inline script or style, one main
// and one h1, every field named.
func wellMade(t *testing.T, path, text string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	ids := map[string]int{}
	var walk func(n *html.Node, label bool)
	walk = func(n *html.Node, label bool) {
		if n.Type == html.ElementNode {
			count[n.Data]++
			label = label || n.Data == "label"
			attr := map[string]string{}
			for _, a := range n.Attr {
				attr[a.Key] = a.Val
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
				}
			}
			if id, ok := attr["id"]; ok {
				ids[id]++
			}
			switch n.Data {
			case "script":
				if !strings.HasPrefix(attr["src"], "/static/") {
					t.Errorf("%s: an inline script", path)
				}
			case "style", "iframe", "object", "embed", "base", "img":
				t.Errorf("%s: <%s>", path, n.Data)
			case "input", "select", "textarea":
				if !label && attr["type"] != "hidden" {
					t.Errorf("%s: a field %q without a label", path, attr["name"])
				}
			case "a":
				if h := attr["href"]; !strings.HasPrefix(h, "/") && !strings.HasPrefix(h, "#") && !strings.HasPrefix(h, "https://") && !strings.HasPrefix(h, "http://") {
					t.Errorf("%s: a link to %q", path, h)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, label)
		}
	}
	walk(doc, false)
	if count["main"] != 1 || count["h1"] != 1 || count["title"] < 1 {
		t.Errorf("%s: %d main, %d h1", path, count["main"], count["h1"])
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: %d elements with the id %q", path, n, id)
		}
	}
}

func TestEmptyServerSaysHowToSend(t *testing.T) {
	s := webtest.Start(t, false)
	for _, path := range []string{"/", "/alerts", "/noise"} {
		p := get(t, http.DefaultClient, s.URL+path)
		if p.status != 200 || !strings.Contains(p.body, "http_output:") {
			t.Errorf("%s: %d %s", path, p.status, p.body)
		}
	}
}

func TestListsArePaged(t *testing.T) {
	s := webtest.Filled(t, false)
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for _, x := range []struct {
		path, row string
		want      int
	}{{"/alerts", `<a class="row" href="/alerts/`, 453}, {"/alerts?where=proc.name+exists+or+not+proc.name+exists", `<a class="row" href="/alerts/`, 0}} {
		seen := 0
		for path := x.path; path != ""; {
			p := get(t, http.DefaultClient, s.URL+path)
			seen += strings.Count(p.body, x.row)
			path = ""
			if m := next.FindStringSubmatch(p.body); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if x.want > 0 && seen != x.want || seen == 0 {
			t.Errorf("%s: %d rows", x.path, seen)
		}
	}
}

func TestHandling(t *testing.T) {
	s := webtest.Filled(t, false)
	in := worst(t, s)
	at := s.URL + "/incidents/" + in.ID
	k := key(t, get(t, http.DefaultClient, at))
	say := func(v url.Values, status int, want string) {
		t.Helper()
		v.Set("csrf", k)
		if p := post(t, http.DefaultClient, at+"/handling", v); p.status != status || !strings.Contains(p.body, want) {
			t.Errorf("%v: %d, without %q", v, p.status, want)
		}
	}
	say(url.Values{"status": {"handled"}}, 200, "in hand: local")
	say(url.Values{"status": {"closed"}, "why": {"x"}}, 400, "Choose what it was")
	say(url.Values{"status": {"closed"}, "finding": {"attack"}}, 400, "Say why it is closed")
	say(url.Values{"status": {"closed"}, "finding": {"other"}, "why": {"x"}}, 400, "finding")
	say(url.Values{"status": {"other"}}, 400, "status")
	say(url.Values{"status": {"closed"}, "finding": {"false alarm"}, "why": {"It was <b>me</b>"}}, 200, "closed: false alarm")
	p := get(t, http.DefaultClient, at)
	if !strings.Contains(p.body, "It was &lt;b&gt;me&lt;/b&gt;") || strings.Contains(p.body, "<b>me") {
		t.Error("the reason is not shown as it was written")
	}
	if p := get(t, http.DefaultClient, s.URL+"/"); strings.Contains(p.body, in.ID) {
		t.Error("a closed incident is in the list of open ones")
	}
	if p := get(t, http.DefaultClient, s.URL+"/?status=closed"); !strings.Contains(p.body, in.ID) {
		t.Error("a closed incident is not in the list of closed ones")
	}
	say(url.Values{"status": {"open"}, "why": {"no"}}, 200, "Take it over")
	if p := post(t, http.DefaultClient, at+"/handling", url.Values{"status": {"handled"}}); p.status != 403 {
		t.Errorf("without the CSRF token: %d", p.status)
	}
}

func TestSilencesHide(t *testing.T) {
	s := webtest.Filled(t, false)
	k := key(t, get(t, http.DefaultClient, s.URL+"/silences"))
	ncat := `rule = "Launch Suspicious Network Tool on Host"`
	before := strings.Count(get(t, http.DefaultClient, s.URL+"/").body, `class="row"`)
	add := func(v url.Values, status int, want string) {
		t.Helper()
		v.Set("csrf", k)
		if p := post(t, http.DefaultClient, s.URL+"/silences", v); p.status != status || !strings.Contains(p.body, want) {
			t.Errorf("%v: %d, without %q", v, p.status, want)
		}
	}
	add(url.Values{"where": {"rule ="}, "why": {"x"}, "end": {"24h"}}, 400, "This is no condition")
	add(url.Values{"where": {ncat}, "end": {"24h"}}, 400, "Say why")
	add(url.Values{"where": {ncat}, "why": {"x"}, "end": {"0h"}}, 400, "Say when it ends")
	add(url.Values{"where": {ncat}, "preview": {"1"}, "end": {"24h"}}, 200, "alerts</a> (Launch Suspicious")
	add(url.Values{"where": {ncat}, "why": {"port tests"}, "end": {"24h"}}, 200, "It matches")
	p := get(t, http.DefaultClient, s.URL+"/")
	if after := strings.Count(p.body, `class="row"`); after != before-3 || !strings.Contains(p.body, "3 incidents of this page are hidden") {
		t.Errorf("%d incidents of %d are left", after, before)
	}
	if p := get(t, http.DefaultClient, s.URL+"/?silenced=show"); strings.Count(p.body, `class="row"`) != before || !strings.Contains(p.body, "hidden by") {
		t.Error("what is hidden cannot be shown")
	}
	st, err := s.Store.Stats(context.Background())
	if err != nil || st.Alerts != 453 {
		t.Errorf("%d alerts, %v", st.Alerts, err)
	}
	// An attack is never hidden.
	add(url.Values{"where": {"rule exists"}, "why": {"all"}, "end": {"24h"}}, 200, "In force")
	if p := get(t, http.DefaultClient, s.URL+"/"); !strings.Contains(p.body, "kthreadd") || strings.Contains(p.body, ">suspicious<") {
		t.Error("attacks are hidden, or others are not")
	}
	for id := range 2 {
		post(t, http.DefaultClient, fmt.Sprintf("%s/silences/%d/end", s.URL, id+1), url.Values{"csrf": {k}})
	}
	if p := get(t, http.DefaultClient, s.URL+"/"); strings.Count(p.body, `class="row"`) != before {
		t.Error("an ended silence hides")
	}
}

func TestDownloads(t *testing.T) {
	s := webtest.Filled(t, false)
	in := worst(t, s)
	at := s.URL + "/incidents/" + in.ID
	for file, want := range map[string]string{"report.md": "# Attack in 4 stages", "report.html": "<!DOCTYPE html>", "report.json": `"schema":"tiercel/analysis/v1"`, "report.pdf": "%PDF-"} {
		p := get(t, http.DefaultClient, at+"/"+file)
		if p.status != 200 || !strings.HasPrefix(p.body, want) && !strings.Contains(p.body[:min(len(p.body), 100)], want) {
			t.Errorf("%s: %d %.60q", file, p.status, p.body)
		}
		if d := p.header.Get("Content-Disposition"); !strings.HasPrefix(d, `attachment; filename="incident-`) || !strings.HasPrefix(p.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %s", file, d)
		}
	}
	p := get(t, http.DefaultClient, at+"/archive.zip")
	z, err := zip.NewReader(strings.NewReader(p.body), int64(len(p.body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		if strings.Contains(f.Name, "..") || strings.HasPrefix(f.Name, "/") {
			t.Errorf("the file %q", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name[strings.LastIndexByte(f.Name, '/')+1:]] = b
	}
	var m struct {
		Alerts struct{ Lines, Removed int }
		Files  []struct{ Name, SHA256 string }
	}
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 5 || m.Alerts.Lines != in.Count || m.Alerts.Removed != 0 {
		t.Errorf("manifest %+v of %d alerts", m, in.Count)
	}
	for _, f := range m.Files {
		if sum := sha256.Sum256(files[f.Name]); hex.EncodeToString(sum[:]) != f.SHA256 {
			t.Errorf("the checksum of %s is wrong", f.Name)
		}
		if !strings.Contains(string(files["SHA256SUMS"]), f.SHA256+"  "+f.Name) {
			t.Errorf("%s is not in SHA256SUMS", f.Name)
		}
	}
	all := webtest.Corpus(t)
	for line := range bytes.Lines(files["alerts.jsonl"]) {
		if !slices.ContainsFunc(all, func(b []byte) bool { return bytes.Equal(b, bytes.TrimSuffix(line, []byte("\n"))) }) {
			t.Errorf("not as it came: %.80s", line)
		}
	}
}

func TestBigNumbersStayExact(t *testing.T) {
	s := webtest.Start(t, false)
	s.Receive(t, time.Now(), []byte(`{"rule":"R","priority":"Notice","time":"2026-11-24T10:00:00Z","output":"o","output_fields":{"evt.time":1795511200000000123,"big":123456789012345678901234567890.000000000000000000001}}`))
	p := get(t, http.DefaultClient, s.URL+"/alerts/1")
	for _, want := range []string{"&#34;evt.time&#34;: 1795511200000000123", "123456789012345678901234567890.000000000000000000001"} {
		if strings.Count(p.body, want) < 1 {
			t.Errorf("without %s", want)
		}
	}
}

func TestWhatIsNoJSONIsShownAndKept(t *testing.T) {
	s := webtest.Start(t, false)
	text := "10:20:30.123456789: Notice A shell was spawned in a container with an attached terminal (user=root \x1b[31mred container_id=abc container_name=x proc_name=sh)"
	s.Receive(t, time.Now(), []byte(text))
	p := get(t, http.DefaultClient, s.URL+"/alerts/1")
	if p.status != 200 || !strings.Contains(p.body, `\x1b[31mred`) || strings.Contains(p.body, "\x1b") {
		t.Errorf("%d %s", p.status, p.body)
	}
	if raw := get(t, http.DefaultClient, s.URL+"/alerts/1/raw"); raw.body != text {
		t.Errorf("raw %q", raw.body)
	}
	in := worst(t, s)
	if p := get(t, http.DefaultClient, s.URL+"/incidents/"+in.ID+"/archive.zip"); p.status != 200 {
		t.Errorf("archive %d", p.status)
	}
}

// TestScopes signs in as people who may do less and less.
func TestScopes(t *testing.T) {
	s := webtest.Filled(t, true)
	in := worst(t, s)
	enter := func(name string, scopes ...string) *http.Client {
		t.Helper()
		if err := s.Store.PutUser(context.Background(), store.User{Name: name, Scopes: scopes, Created: time.Now()}); err != nil {
			t.Fatal(err)
		}
		link, tok := server.NewLink(name, time.Now())
		if _, err := s.Store.PutToken(context.Background(), tok); err != nil {
			t.Fatal(err)
		}
		jar, _ := cookiejar.New(nil)
		c := &http.Client{Jar: jar}
		if p := post(t, c, s.URL+"/sign-in/"+link, nil); p.status != 200 || !strings.Contains(p.body, "Incidents") {
			t.Fatalf("sign-in: %d %s", p.status, p.body)
		}
		return c
	}
	if p := get(t, http.DefaultClient, s.URL+"/incidents/"+in.ID); !strings.Contains(p.body, "Sign in") || strings.Contains(p.body, "kthreadd") {
		t.Error("a page is shown to nobody")
	}
	reader := enter("reader", "read")
	p := get(t, reader, s.URL+"/incidents/"+in.ID)
	if !strings.Contains(p.body, "kthreadd") || strings.Contains(p.body, "Take it over") {
		t.Error("who may only read sees no page, or a form")
	}
	k := key(t, p)
	if p := post(t, reader, s.URL+"/incidents/"+in.ID+"/handling", url.Values{"csrf": {k}, "status": {"handled"}}); p.status != 403 || !strings.Contains(p.body, "You may not handle incidents") {
		t.Errorf("a reader handled an incident: %d", p.status)
	}
	if p := post(t, reader, s.URL+"/silences", url.Values{"csrf": {k}, "where": {"rule exists"}, "why": {"x"}, "end": {"24h"}}); p.status != 403 {
		t.Errorf("a reader added a silence: %d", p.status)
	}
	if p := get(t, reader, s.URL+"/status"); strings.Contains(p.body, "Who did what") || strings.Contains(p.body, "Tokens and people") {
		t.Error("a reader sees the audit trail")
	}
	handler := enter("handler", "read", "handle")
	k = key(t, get(t, handler, s.URL+"/"))
	if p := post(t, handler, s.URL+"/incidents/"+in.ID+"/handling", url.Values{"csrf": {k}, "status": {"handled"}}); p.status != 200 || !strings.Contains(p.body, "in hand: handler") {
		t.Errorf("a handler could not: %d", p.status)
	}
	admin := enter("admin", "read", "admin")
	if p := get(t, admin, s.URL+"/status"); !strings.Contains(p.body, "Who did what") || !strings.Contains(p.body, "sign-in") {
		t.Error("an admin does not see the audit trail")
	}
}

// TestPDFText reads the PDFs of the seed and of an incident again.
func TestPDFText(t *testing.T) {
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext here: apt install poppler-utils")
	}
	s := webtest.Filled(t, false)
	seed, err := os.ReadFile("../../testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	attack := worst(t, s)
	s.Receive(t, time.Now(), seed)
	list, err := s.Store.Incidents(context.Background(), store.Query{Rule: "Fileless execution via memfd_create", Container: "c61b4b13ae44", Limit: 1})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d incidents of the seed, %v", len(list.Items), err)
	}
	for _, x := range []struct {
		in   store.Incident
		want []string
	}{
		{list.Items[0], []string{"Summary", "Event Details", "Mitigation Strategies", "What this alert cannot tell", "memfd:program", "event-generator", "Page 1 of"}},
		{attack, []string{"Summary", "What happened, in order", "Which process started which", ".kthreadd", "defense evasion", "Evidence", "Page 1 of"}},
	} {
		p := get(t, http.DefaultClient, s.URL+"/incidents/"+x.in.ID+"/report.pdf")
		name := filepath.Join(t.TempDir(), "x.pdf")
		if err := os.WriteFile(name, []byte(p.body), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := exec.CommandContext(t.Context(), tool, "-layout", name, "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range x.want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s: without %q", x.in.Headline, w)
			}
		}
	}
}
