package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestStateSaysWhatIsNew runs over one log, then over it and another one.
func TestStateSaysWhatIsNew(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	const noise, attack = "../../testdata/corpus/ben-14-web-traffic.jsonl", "../../testdata/corpus/atk-14-webshell-lighttpd.jsonl"
	fresh := func(args ...string) (fresh, known int) {
		r := call(t, "", append([]string{"analyze", "-q", "--state", state, "-f", "json"}, args...)...)
		var out struct {
			Incidents []struct{ Standing struct{ New *bool } }
		}
		if err := json.Unmarshal([]byte(r.out), &out); err != nil || r.code != 0 {
			t.Fatalf("exit code %d, %v: %s", r.code, err, r.stderr)
		}
		for _, i := range out.Incidents {
			switch s := i.Standing; {
			case s.New == nil:
			case *s.New:
				fresh++
			default:
				known++
			}
		}
		return fresh, known
	}
	if n, k := fresh(noise); n+k != 0 {
		t.Errorf("the first run knows %d new and %d old", n, k)
	}
	if n, k := fresh(noise); n != 0 || k == 0 {
		t.Errorf("the same log again: %d new, %d old", n, k)
	}
	if n, k := fresh(noise, attack); n == 0 {
		t.Errorf("with an attack: %d new, %d old", n, k)
	}
	r := call(t, "", "analyze", "-q", "--state", state, "-f", "markdown", attack)
	if !strings.Contains(r.out, "It is not new") {
		t.Error("the report does not say that the attack was seen before")
	}
}

func TestBrokenStateIsRefusedAndKept(t *testing.T) {
	state := write(t, "{broken")
	r := call(t, "", "analyze", "--state", state, "../../testdata/seed.json")
	if text, err := os.ReadFile(state); r.code != exitBadInput || !strings.Contains(r.stderr, state) || err != nil || string(text) != "{broken" {
		t.Errorf("exit code %d, %s, %v: %s", r.code, text, err, r.stderr)
	}
}

// TestRareIsReported puts one other user into the noise of an operator.
func TestRareIsReported(t *testing.T) {
	n := 100
	line := func(container, user string) string {
		n++
		return `{"hostname":"n1","rule":"Contact K8S API Server From Container","priority":"Notice","source":"syscall","time":"2026-11-24T09:00:00.000000` + strconv.Itoa(n) + `Z","output_fields":{"container.id":"` +
			container + `","container.image.repository":"shop/operator","proc.exepath":"/operator","proc.name":"operator","proc.pname":"containerd-shim","proc.cmdline":"operator run","user.name":"` + user + `"}}` + "\n"
	}
	var log strings.Builder
	for i := range 400 {
		log.WriteString(line("0a1b2c3d4e"+string(rune('a'+i%6))+string(rune('a'+i/6%6)), "app"))
	}
	log.WriteString(line("0a1b2c3d4eff", "mallory"))
	r := call(t, log.String(), "analyze", "-f", "markdown", "-")
	if !strings.Contains(r.out, "of 401 alerts of the same rule, program and parent, one has this user: `mallory`") {
		t.Errorf("%s", r.out[:min(len(r.out), 2000)])
	}
}

// TestWhoRanKubectlExec joins the API server's audit log with the shell that
// the request led to.
func TestWhoRanKubectlExec(t *testing.T) {
	r := call(t, read(t, "testdata/podexec.jsonl"), "analyze", "-f", "markdown", "-")
	want := "`eve@corp.example` asked the API server to run a command in the pod `web-0` of `shop`: `bash`, from `198.51.100.7`, with a client that calls itself `kubectl/v1.31.0`; `bash` ran there 2 s later."
	if !strings.Contains(r.out, want) {
		t.Errorf("%s", r.out[:min(len(r.out), 2000)])
	}
}
