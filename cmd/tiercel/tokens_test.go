package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTokensAndUsers(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if r := call(t, "", "tokens", "list", "--data", data); r.code != exitBadInput || !strings.Contains(r.stderr, "--data") {
		t.Errorf("%+v", r)
	}
	r := call(t, "", "tokens", "create", "falco", "--data", data)
	token := strings.TrimSpace(r.out)
	if r.code != exitFine || !strings.HasPrefix(token, "tcl_") || strings.Contains(r.stderr, token) {
		t.Fatalf("%+v", r)
	}
	reader := strings.TrimSpace(call(t, "", "tokens", "create", "--scope", "read,handle", "cli", "--data", data).out)
	for _, bad := range [][]string{{"--scope", "root", "x"}, {"<script>"}, {""}} {
		if r := call(t, "", append([]string{"tokens", "create", "--data", data}, bad...)...); r.code != exitBadInput {
			t.Errorf("%v: %+v", bad, r)
		}
	}
	r = call(t, "", "tokens", "list", "--data", data)
	if !regexp.MustCompile(`(?m)^1 +falco +ingest `).MatchString(r.out) || !strings.Contains(r.out, "read,handle") || strings.Contains(r.out, token) {
		t.Errorf("%+v", r)
	}
	if r := call(t, "a long password\n", "users", "add", "anna", "--password-stdin", "--data", data); r.code != exitFine {
		t.Errorf("%+v", r)
	}
	for _, bad := range []struct {
		in   string
		args []string
	}{{"short\n", []string{"ben", "--password-stdin"}}, {"", []string{"ben"}}, {"", []string{"ben/x", "--no-password"}}, {"", []string{"ben", "--no-password", "--scope", "x"}}} {
		if r := call(t, bad.in, append([]string{"users", "add", "--data", data}, bad.args...)...); r.code != exitBadInput {
			t.Errorf("%v: %+v", bad.args, r)
		}
	}
	if r := call(t, "", "users", "link", "ben", "--data", data); r.code != exitBadInput {
		t.Errorf("%+v", r)
	}
	// Auth is on now, on loopback too.
	s := serve(t, "--data", data)
	if !strings.Contains(s.log(), "auth=true") {
		t.Error(s.log())
	}
	if code, _ := post(t, http.DefaultClient, s.url+"/", seedAlert(t)); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", code)
	}
	if code, body := post(t, http.DefaultClient, s.url+"/hook/"+token, seedAlert(t)); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	t.Setenv("TIERCEL_TOKEN", reader)
	if r := call(t, "", "incidents", "list", "--server", s.url); r.code != exitFine {
		t.Errorf("%+v", r)
	}
	// The command line and the server work on the same store at the same time.
	r = call(t, "", "users", "link", "anna", "--data", data, "--public-url", s.url+"/")
	link := strings.TrimSpace(r.out)
	if r.code != exitFine || !strings.HasPrefix(link, s.url+"/sign-in/") {
		t.Fatalf("%+v", r)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i, want := range []int{http.StatusSeeOther, http.StatusUnauthorized} {
		res, err := client.Post(link, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("link, time %d: %d", i+1, res.StatusCode)
		}
	}
	if r := call(t, "", "tokens", "list", "--all", "--data", data); strings.Contains(r.out, "session") || strings.Contains(r.out, "link") {
		t.Errorf("sessions and links are no tokens: %s", r.out)
	}
	for _, id := range []string{"3", "99"} { // 3 is the link
		if r := call(t, "", "tokens", "revoke", id, "--data", data); r.code != exitBadInput {
			t.Errorf("%s: %+v", id, r)
		}
	}
	if r := call(t, "", "tokens", "revoke", "1", "--data", data); r.code != exitFine {
		t.Errorf("%+v", r)
	}
	if r := call(t, "", "tokens", "revoke", "1", "--data", data); r.code != exitBadInput || !strings.Contains(r.stderr, "was revoked") {
		t.Errorf("%+v", r)
	}
	eventually(t, "that the server knows", func() bool {
		code, _ := post(t, http.DefaultClient, s.url+"/hook/"+token, seedAlert(t))
		return code == http.StatusUnauthorized
	})
	if strings.Contains(s.log(), token) || strings.Contains(s.log(), link[len(s.url):]) {
		t.Error("a token is in the log")
	}
	if r := call(t, "", "users", "list", "--data", data); !regexp.MustCompile(`(?m)^anna +read,handle +yes`).MatchString(r.out) {
		t.Errorf("%+v", r)
	}
	if r := call(t, "", "users", "remove", "anna", "--data", data); r.code != exitFine {
		t.Errorf("%+v", r)
	}
	if r := call(t, "", "users", "remove", "anna", "--data", data); r.code != exitBadInput {
		t.Errorf("%+v", r)
	}
	if fi, err := os.Stat(filepath.Join(data, "tiercel.db")); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi, err)
	}
}
