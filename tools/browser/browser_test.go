// Package browser tries the pages in a real browser.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/tiercel/tiercel/server/web/webtest"
	"github.com/tiercel/tiercel/store"
)

// tab is a tab of a browser that notes what a page must not do.
type tab struct {
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// open starts a browser, or skips the test where there is none.
func open(t *testing.T) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no browser here: apt install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{ctx: ctx}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *page.EventJavascriptDialogOpening:
			b.note("a dialog: " + ev.Message)
			go func() {
				_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
			}()
		case *runtime.EventExceptionThrown:
			b.note("an exception: " + ev.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// What the policy refuses is something that a page should not have tried.
	_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.violations = [];
		document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective + " " + e.blockedURI));`})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *tab) note(s string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, s)
}

func (b *tab) noted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.problems
	b.problems = nil
	return out
}

func (b *tab) visit(t *testing.T, address string) {
	t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

func eval[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%.60s: %v", expression, err)
	}
	return v
}

// until waits for a condition of the page.
func (b *tab) until(t *testing.T, what, expression string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if eval[bool](t, b, "!!document.body && !!("+expression+")") {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}

// foreign finds in a page what is not of the page's making.
const foreign = `(() => {
	const found = [];
	if (window.pwned) found.push("script ran: " + window.pwned);
	for (const e of document.querySelectorAll("iframe, object, embed, base, img, video, audio, math, marquee, style, link:not([href^='/static/']), script:not([src^='/static/']), form:not([action^='/']), a[href^='javascript:'], a[href^='data:'], meta[http-equiv], [srcdoc], xss"))
		found.push(e.outerHTML.slice(0, 100));
	for (const e of document.querySelectorAll("*"))
		for (const a of e.attributes)
			if (/^on/i.test(a.name) || a.name === "style") found.push(e.outerHTML.slice(0, 100));
	return found.concat(window.violations || []);
})()`

// payloads are texts that were script somewhere once. Each names itself.
var payloads = []string{
	`<script>window.pwned="script"</script>`, `<img src=x onerror="window.pwned='img'">`, `"><svg onload="window.pwned='svg'">`, `' onmouseover='window.pwned=1' x='`,
	`" autofocus onfocus="window.pwned='focus'" x="`, `</title><script>window.pwned="title"</script>`, `</textarea><script>window.pwned="textarea"</script>`,
	`</code></pre><iframe srcdoc="<script>parent.pwned='frame'</script>"></iframe>`, `javascript:window.pwned='url'`, `</svg><script>window.pwned="drawing"</script>`,
	`<a href="javascript:window.pwned=1">x</a>`, `{{.}}{{constructor.constructor('window.pwned=1')()}}`, `<math><mi xlink:href="data:x,<script>window.pwned=1</script>">`,
	`<style>*{background:url(//evil.example)}</style>`, `<base href="//evil.example/">`, `<form action="//evil.example"><button>x`, `]]><xss>`, `<!--`, `--><xss>`, `</script><xss>`, `&lt;xss&gt;`, "\u202e<xss>\u2066", "`<xss>`",
}

// hostile is an alert with a text in every place that takes one.
func hostile(n int, s string) []byte {
	a := map[string]any{
		"rule": s, "priority": "Critical", "source": s, "hostname": s, "uuid": s, "message": s, "output": "10:00:00.000000000: Critical " + s, "tags": []string{s, "T1059"}, s: s,
		"time": time.Date(2026, 11, 24, 10, n, 0, 0, time.UTC).Format(time.RFC3339Nano),
		"output_fields": map[string]any{"proc.name": s, "proc.cmdline": s, "proc.exepath": s, "proc.pname": s, "proc.aname[2]": s, "proc.pcmdline": s, "user.name": s, "user.loginuid": 1000 + n, "user.uid": 0, "container.id": s, "container.name": s,
			"container.image.repository": s, "k8s.ns.name": s, "k8s.pod.name": s, "fd.name": s, "evt.type": s, "evt.arg.flags": s, "proc.pid": 4000 + n, "proc.tty": 34816, "proc.sid": 77, s: s},
	}
	text, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return text
}

// addresses are all pages of a server.
func addresses(t *testing.T, s *webtest.Stack) []string {
	t.Helper()
	ctx := context.Background()
	all := []string{"/", "/?status=all&silenced=show", "/?status=closed", "/alerts", "/noise", "/silences", "/audit", "/knowledge", "/status", "/nothing"}
	for _, p := range payloads {
		q := url.QueryEscape(p)
		all = append(all, "/?text="+q+"&rule="+q+"&host="+q+"&since="+q+"&class="+q+"&where="+q+"&after=", "/alerts?container="+q+"&kind="+q+"&incident="+q+"&where="+q, "/knowledge?text="+q,
			"/silences?where="+q+"&why="+q+"&end="+q, "/"+url.PathEscape(p), "/incidents/"+url.PathEscape(p), "/sign-in?next="+q)
	}
	list, err := s.Store.Incidents(ctx, store.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list.Items {
		all = append(all, "/incidents/"+url.PathEscape(i.ID))
	}
	alerts, err := s.Store.Alerts(ctx, store.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for n, a := range alerts.Items {
		if n < 40 {
			all = append(all, fmt.Sprint("/alerts/", a.Seq))
		}
	}
	return all
}

func TestHostileTextNeverBecomesMarkup(t *testing.T) {
	b := open(t)
	s := webtest.Start(t, false)
	ctx := context.Background()
	var lines [][]byte
	for n, p := range payloads {
		lines = append(lines, hostile(n, p))
	}
	s.Receive(t, time.Now().Add(-time.Minute), lines...)
	list, err := s.Store.Incidents(ctx, store.Query{Limit: 1000})
	if err != nil || len(list.Items) == 0 {
		t.Fatal("no incidents", err)
	}
	for n, p := range payloads {
		in := list.Items[n%len(list.Items)]
		h := store.Handling{Status: store.Closed, Finding: "test", By: p, Why: p, At: time.Now()}
		if n%2 == 0 {
			h = store.Handling{Status: store.Handled, By: p, Why: p, At: time.Now()}
		}
		if err := s.Store.Handle(ctx, in.ID, h); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			func() error {
				_, err := s.Store.PutSilence(ctx, store.Silence{Condition: `proc.name = "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p) + `" and rule = nothing`, Why: p, By: p, Created: time.Now(), Until: time.Now().Add(time.Hour)})
				return err
			}(),
			func() error {
				_, err := s.Store.PutDeadLetter(ctx, store.DeadLetter{Received: time.Now(), From: p, Reason: p, Raw: []byte(p)})
				return err
			}(),
			func() error {
				_, err := s.Store.PutToken(ctx, store.Token{Name: p, Hash: []byte(p), Scopes: []string{"read"}, Created: time.Now()})
				return err
			}(),
			s.Store.PutUser(ctx, store.User{Name: p, Scopes: []string{p}, Created: time.Now()}),
			s.Store.Audit(ctx, store.AuditEntry{At: time.Now(), Who: p, What: p, Object: p, Detail: p}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	pages, shown := 0, 0
	for _, address := range addresses(t, s) {
		b.visit(t, s.URL+address)
		pages++
		for _, f := range append(eval[[]string](t, b, foreign), b.noted()...) {
			t.Errorf("%s: %s", address, f)
		}
		if eval[bool](t, b, `document.body.innerText.includes("pwned")`) {
			shown++
		}
	}
	t.Logf("%d pages, %d of them show a payload", pages, shown)
	if shown < len(payloads) {
		t.Errorf("only %d pages show a payload: they were not tried", shown)
	}
}

// TestTheCheckSeesMarkup is a page that does what ours must not.
func TestTheCheckSeesMarkup(t *testing.T) {
	b := open(t)
	for n, p := range payloads[:4] {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			if n%2 == 1 {
				w.Header().Set("Content-Security-Policy", "script-src 'self'")
			}
			fmt.Fprintf(w, "<!DOCTYPE html><p><a title='%s'>%s</a>", p, p)
		}))
		b.visit(t, s.URL)
		if found := eval[[]string](t, b, foreign); len(found) == 0 {
			t.Errorf("%s is not seen", p)
		}
		s.Close()
	}
}

func TestNewIncidentsAppearByThemselves(t *testing.T) {
	b := open(t)
	s := webtest.Start(t, false)
	b.visit(t, s.URL+"/")
	if !eval[bool](t, b, `document.body.innerText.includes("http_output")`) {
		t.Error("an empty server does not say how to send alerts")
	}
	eval[bool](t, b, `window.mine = true`)
	s.Receive(t, time.Now(), webtest.Corpus(t)[:30]...)
	b.until(t, "a row", `document.querySelector("table.incidents a.row")`)
	if !eval[bool](t, b, `window.mine === true`) {
		t.Error("the page was loaded again")
	}
	b.until(t, "the count", `document.querySelector("nav .count")`)
	for _, f := range b.noted() {
		t.Error(f)
	}
}

func TestKeyboard(t *testing.T) {
	b := open(t)
	s := webtest.Filled(t, false)
	b.visit(t, s.URL+"/")
	press := func(key, text string) {
		t.Helper()
		// As a keyboard does it: what the page prevents is not typed.
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
			p := input.DispatchKeyEventParams{Type: kind, Key: key, Text: text}
			if kind == input.DispatchKeyEventTypeKeyUp {
				p.Text = ""
			}
			if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	press("/", "/")
	b.until(t, "the search", `document.activeElement.name === "text"`)
	if got := eval[string](t, b, `document.activeElement.value`); got != "" {
		t.Errorf("the key is typed into the search: %q", got)
	}
	eval[bool](t, b, `document.activeElement.blur(), true`)
	press("j", "j")
	press("j", "j")
	press("k", "k")
	press("j", "j")
	if got := eval[int](t, b, `[...document.querySelectorAll("tbody tr")].findIndex((r) => r.classList.contains("now"))`); got != 1 {
		t.Errorf("row %d", got)
	}
	want := eval[string](t, b, `document.querySelectorAll("a.row")[1].getAttribute("href")`)
	press("Enter", "\r")
	b.until(t, "the incident", fmt.Sprintf("location.pathname === %q && document.querySelector('article')", want))
}

func TestReplaySaysWhatBecameOfIt(t *testing.T) {
	b := open(t)
	s := webtest.Start(t, false)
	good := webtest.Corpus(t)[0]
	for _, raw := range [][]byte{[]byte("no alert"), good} {
		if _, err := s.Store.PutDeadLetter(context.Background(), store.DeadLetter{Received: time.Now(), From: "10.0.0.1", Reason: "tried", Raw: raw}); err != nil {
			t.Fatal(err)
		}
	}
	b.visit(t, s.URL+"/status")
	eval[bool](t, b, `[...document.querySelectorAll("button[data-post]")].at(-1).click(), true`)
	b.until(t, "the reason", `document.body.innerText.includes("it is no alert still")`)
	eval[bool](t, b, `document.querySelector("button[data-post]").click(), true`)
	b.until(t, "the replay", `document.body.innerText.includes("replayed ")`)
	s.Settle(t)
	if st, err := s.Store.Stats(context.Background()); err != nil || st.Alerts != 1 {
		t.Errorf("%d alerts, %v", st.Alerts, err)
	}
}

func TestReadableWithoutJavaScript(t *testing.T) {
	b := open(t)
	s := webtest.Filled(t, false)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.visit(t, s.URL+"/")
	// The protocol evaluates although the page may not.
	address := eval[string](t, b, `document.querySelector("table.incidents a.row").href`)
	b.visit(t, address)
	if !eval[bool](t, b, `document.querySelector("#mitigation, [id$=mitigation]") && document.body.innerText.includes("Take it over") && document.body.innerText.includes("Mitigation")`) {
		t.Error("the incident cannot be read")
	}
}

// contrast finds text of too little contrast (WCAG 2.2 AA), and what does not
// fit into the page's width.
const contrast = `(() => {
	const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); if (c.startsWith("color(srgb")) return [m[0]*255, m[1]*255, m[2]*255, m.length > 3 ? m[3] : 1]; return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
	const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
	const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
	const ground = (e) => { const stack = []; for (; e; e = e.parentElement) stack.push(parse(getComputedStyle(e).backgroundColor)); let c = [255, 255, 255, 1]; for (const s of stack.reverse()) c = over(s, c); return c; };
	const found = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const n = walk.currentNode, e = n.parentElement;
		if (!n.textContent.trim() || e.closest("title, desc, noscript, script, [hidden], .aside, .skip, option")) continue;
		const box = e.getBoundingClientRect();
		if (!box.width || !box.height || getComputedStyle(e).visibility === "hidden") continue;
		const style = getComputedStyle(e);
		const svg = e.closest("svg") && style.fill !== "none";
		let opacity = 1; for (let x = e; x; x = x.parentElement) opacity *= Number(getComputedStyle(x).opacity);
		const back = ground(e);
		let front = parse(svg ? style.fill : style.color); front = over([front[0], front[1], front[2], front[3] * opacity], back);
		const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
		const ratio = (a + .05) / (b + .05);
		const big = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
		if (ratio < (big ? 3 : 4.5)) found.add(ratio.toFixed(2) + " " + e.tagName + "." + e.className + ": " + n.textContent.trim().slice(0, 40));
	}
	const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
	if (wide > 0) found.add("the page is " + wide + " pixels too wide");
	if (document.querySelectorAll("h1").length !== 1 || !document.querySelector("main") || !document.querySelector("nav[aria-label]")) found.add("headings or landmarks");
	for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) if (!e.labels.length) found.add("without a label: " + e.outerHTML.slice(0, 60));
	return [...found];
})()`

func TestContrastWidthAndLabels(t *testing.T) {
	b := open(t)
	s := webtest.Filled(t, false)
	ctx := context.Background()
	list, err := s.Store.Incidents(ctx, store.Query{Limit: 40})
	if err != nil {
		t.Fatal(err)
	}
	for n, h := range []store.Handling{{Status: store.Handled, By: "alice"}, {Status: store.Closed, Finding: "false alarm", By: "bob", Why: "x"}} {
		h.At = time.Now()
		if err := s.Store.Handle(ctx, list.Items[n+1].ID, h); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Store.PutSilence(ctx, store.Silence{Condition: `rule = "Launch Suspicious Network Tool on Host"`, Why: "tests", By: "alice", Created: time.Now(), Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Store.PutDeadLetter(ctx, store.DeadLetter{Received: time.Now(), From: "10.0.0.1", Reason: "not a Falco alert", Raw: bytes.Repeat([]byte("x"), 4000)}); err != nil {
		t.Fatal(err)
	}
	b.visit(t, s.URL+"/noise")
	b.until(t, "the noise", `document.querySelector("table.noise")`)
	paths := []string{"/", "/?status=all&silenced=show", "/?where=rule+%3D&since=x", "/incidents/" + list.Items[0].ID, "/incidents/" + list.Items[1].ID, "/incidents/" + list.Items[2].ID, "/alerts", "/alerts/5", "/noise", "/silences?where=rule+exists", "/audit", "/knowledge",
		"/knowledge/rules/read-ssh-information", "/knowledge/controls/memfd-noexec", "/status", "/nothing"}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1300, 800, 390} {
			_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			if err == nil {
				err = chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 900))
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				b.visit(t, s.URL+path)
				for _, f := range eval[[]string](t, b, contrast) {
					t.Errorf("%s, %d wide, %s: %s", scheme, width, path, f)
				}
			}
		}
	}
}
