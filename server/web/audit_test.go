package web_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/server/web/webtest"
)

// TestAuditPage holds a report against its alert, as a reader pastes them.
func TestAuditPage(t *testing.T) {
	s := webtest.Start(t, false)
	csrf := key(t, get(t, http.DefaultClient, s.URL+"/audit"))
	seed, err := os.ReadFile("../../testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	const report = "# Report\n\nThe process ran in container `c61b4b13ae44` on host `other-host` with PID `3`.\n\n<script>alert(1)</script>\n\n```bash\nsudo chmod -R 777 /etc\n```\n"
	for _, c := range []struct {
		name, report, alerts string
		status               int
		want                 []string
	}{
		{"with its alert", report, string(seed), 200, []string{"would do harm", "other-host", "mini-debian-lab", "chmod -R 777 /etc", "Left out"}},
		{"without an alert", report, "", 200, []string{"No alert was given"}},
		{"nothing", " ", "", 400, []string{"Paste the report."}},
		{"no alert in it", report, "hello", 400, []string{"No Falco alert is in it."}},
		{"a broken alert", report, `{"rule":"x","output":`, 400, []string{"Line 1:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := post(t, http.DefaultClient, s.URL+"/audit", url.Values{"csrf": {csrf}, "report": {c.report}, "alerts": {c.alerts}})
			if p.status != c.status {
				t.Errorf("status %d", p.status)
			}
			for _, want := range c.want {
				if !strings.Contains(p.body, want) {
					t.Errorf("lacks %q", want)
				}
			}
			if strings.Contains(p.body, "<script>alert") {
				t.Error("the report became markup")
			}
			wellMade(t, "/audit", p.body)
		})
	}
	p := post(t, http.DefaultClient, s.URL+"/audit", url.Values{"csrf": {csrf}, "marked": {"1"}, "report": {report}, "alerts": {string(seed)}})
	if p.status != 200 || strings.Contains(p.body, "<script") || !strings.Contains(p.body, "777 /etc") || strings.Contains(p.header.Get("Content-Security-Policy"), "script-src") {
		t.Errorf("the marked report: %d", p.status)
	}
	if p := post(t, http.DefaultClient, s.URL+"/audit", url.Values{"report": {report}}); p.status != http.StatusForbidden {
		t.Errorf("without the form's key: %d", p.status)
	}
}
