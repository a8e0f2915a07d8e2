package audit

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

// auditor is one without a checker of commands.
var auditor = sync.OnceValue(func() *Auditor {
	z, err := New(builtin.Base(), nil)
	if err != nil {
		panic(err)
	}
	return z
})

func decode(t testing.TB, texts ...string) []*alert.Alert {
	t.Helper()
	var out []*alert.Alert
	for a, err := range alert.All(strings.NewReader(strings.Join(texts, "\n")), "alerts.jsonl", alert.Options{TextFields: builtin.Base().TextKeys()}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a.Clone())
	}
	if len(out) != len(texts) {
		t.Fatalf("%d alerts of %d texts", len(out), len(texts))
	}
	return out
}

// Alerts of three kinds, none of them a recorded one.
const (
	memfd   = `{"hostname":"oak-7","output":"09:12:03.500000000: Critical Fileless execution via memfd_create (user=root)","priority":"Critical","rule":"Fileless execution via memfd_create","source":"syscall","tags":["T1620","container","maturity_stable","mitre_defense_evasion"],"time":"2025-03-04T08:12:03.500000000Z","output_fields":{"container.id":"ab12cd34ef56","container.name":"brave_turing","container.start_ts":1741075900000000000,"evt.arg.flags":"EXE_WRITABLE|EXE_FROM_MEMFD","evt.res":"SUCCESS","evt.time":1741075923500000000,"evt.type":"execve","proc.aname[2]":"containerd-shim","proc.cmdline":"5 --serve --port 8443","proc.cwd":"/srv/","proc.exepath":"memfd:loader","proc.name":"5","proc.pname":"python3","proc.sname":"python3","proc.tty":34817,"user.loginuid":-1,"user.name":"root","user.uid":0}}`
	shadow  = `{"hostname":"elm-2","output":"22:40:10.123456789: Warning Sensitive file opened for reading","priority":"Warning","rule":"Read sensitive file untrusted","source":"syscall","tags":["T1555","host","container","filesystem","mitre_credential_access","maturity_stable"],"time":"2025-06-01T20:40:10.123456789Z","output_fields":{"container.id":"host","evt.type":"openat","fd.name":"/etc/shadow","proc.cmdline":"cat /etc/shadow","proc.exepath":"/usr/bin/cat","proc.name":"cat","proc.pname":"bash","proc.aname[2]":"sudo","proc.tty":0,"user.loginuid":1000,"user.name":"root","user.uid":0}}`
	connect = `{"hostname":"fir-9","output":"10:00:00.000000001: Notice Unexpected connection","priority":"Notice","rule":"Contact K8S API Server From Container","source":"syscall","tags":["T1565","container","k8s","mitre_discovery","maturity_stable","network"],"time":"2025-02-02T10:00:00.000000001Z","output_fields":{"container.id":"0123456789ab","container.image.repository":"registry.example/shop/cart","container.image.tag":"1.4.2","container.name":"cart","evt.type":"connect","fd.name":"10.1.2.3:40000->10.96.0.1:443","k8s.ns.name":"shop","k8s.pod.name":"cart-6f7-x2x","proc.cmdline":"curl -k https://10.96.0.1/api","proc.exepath":"/usr/bin/curl","proc.name":"curl","proc.pname":"sh","proc.tty":0,"user.loginuid":-1,"user.name":"app","user.uid":1001}}`
)

// judged is what an audit says of a place: the words and the judgement.
type judged struct {
	words string
	j     finding.Judgement
}

func findings(t testing.TB, report string, alerts ...string) []judged {
	t.Helper()
	res := auditor().Audit([]byte(report), decode(t, alerts...))
	var out []judged
	for _, f := range res.Findings {
		if f.Start < 0 || f.End > len(report) || f.Start >= f.End {
			t.Fatalf("finding at %d:%d of %d bytes", f.Start, f.End, len(report))
		}
		if len(f.Reason.Evidence) == 0 || f.Reason.Empty() {
			t.Errorf("%q: a reason without words or evidence", report[f.Start:f.End])
		}
		out = append(out, judged{report[f.Start:f.End], f.Judgement})
	}
	return out
}

// want checks that the words are judged so, and that nothing else is alarmed.
func want(t *testing.T, report, alert string, wanted ...judged) {
	t.Helper()
	got := findings(t, report, alert)
	for _, w := range wanted {
		found := false
		for _, g := range got {
			found = found || g.j == w.j && strings.Contains(g.words, w.words)
		}
		if !found {
			t.Errorf("%q\n  want %q %s, got %v", report, w.words, w.j, got)
		}
	}
	for _, g := range got {
		if !g.j.Bad() {
			continue
		}
		meant := false
		for _, w := range wanted {
			meant = meant || w.j.Bad() && strings.Contains(g.words, w.words)
		}
		if !meant {
			t.Errorf("%q\n  false alarm: %q %s", report, g.words, g.j)
		}
	}
}

const (
	good  = finding.Supported
	wrong = finding.Contradicted
	loose = finding.Unsupported
)

func TestFacts(t *testing.T) {
	for _, c := range []struct {
		report, alert string
		want          []judged
	}{
		{"| Field | Value |\n|---|---|\n| `proc.name` | `5` |\n| `proc.pname` | `perl` |\n", memfd, []judged{{"5", good}, {"perl", wrong}}},
		{"| Property | Details |\n|:-|-:|\n| **Process Name** | bash |\n| Parent Process | python3 |\n", memfd, []judged{{"bash", wrong}, {"python3", good}}},
		{"| Process Name | Parent Process | Container ID |\n|---|---|---|\n| 5 | ruby | ab12cd34ef56 |\n", memfd, []judged{{"5", good}, {"ruby", wrong}, {"ab12cd34ef56", good}}},
		{"- **Container ID:** `ab12cd34ef56`\n- **Container Name:** `brave_turing`\n- **Host:** oak-7\n", memfd, []judged{{"ab12cd34ef56", good}, {"brave_turing", good}, {"oak-7", good}}},
		{"- **Container ID:** `ab12cd34ef57`\n", memfd, []judged{{"ab12cd34ef57", wrong}}},
		{"* Container: `ab12cd34ef56aaaabbbbccccddddeeeeffff0000111122223333444455556666`\n", memfd, []judged{{"ab12cd34", good}}},
		{"PID: 5", memfd, []judged{{"5", wrong}}},
		{"PPID: not available\n", memfd, []judged{{"not available", good}}},
		{"The process `5` was spawned by parent process `python3` on host oak-7.", memfd, []judged{{"5", good}, {"python3", good}, {"oak-7", good}}},
		{"The parent process is `node`.", memfd, []judged{{"node", wrong}}},
		{"`python3` is the parent process.", memfd, []judged{{"python3", good}}},
		{"`containerd-shim` is the parent process.", memfd, []judged{{"containerd-shim", wrong}}},
		{"It executed the `--serve --port 8443` command.", memfd, []judged{{"--serve --port 8443", wrong}}},
		{"It executed the `5 --serve ...` command.", memfd, []judged{{"5 --serve", good}}},
		{"The user `root` (uid 0) ran it; its login uid is -1.", memfd, []judged{{"root", good}, {"0", good}, {"-1", good}}},
		{"The login UID was 4294967295.", memfd, []judged{{"4294967295", good}}},
		{"Terminal: /dev/pts/1", memfd, []judged{{"/dev/pts/1", good}}},
		{"Terminal: /dev/pts/2", memfd, []judged{{"/dev/pts/2", wrong}}},
		{"Flags: EXE_FROM_MEMFD, EXE_WRITABLE and EXE_UPPER_LAYER", memfd, []judged{{"EXE_FROM_MEMFD", good}, {"EXE_UPPER_LAYER", wrong}}},
		{"`evt.arg.flags` is `EXE_FROM_MEMFD|EXE_WRITABLE`.", memfd, []judged{{"EXE_FROM_MEMFD|EXE_WRITABLE", good}}},
		{"A critical alert was raised. Priority: Warning", memfd, []judged{{"critical", good}, {"Warning", wrong}}},
		{"Severity: High", memfd, []judged{{"High", loose}}},
		{"The image is `registry.example/shop/cart:1.4.2`.", connect, []judged{{"registry.example/shop/cart:1.4.2", good}}},
		{"Image: shop/cart", connect, []judged{{"shop/cart", good}}},
		{"Image: `registry.example/shop/cart:1.5.0`", connect, []judged{{"registry.example/shop/cart:1.5.0", wrong}}},
		{"- Destination IP: 10.96.0.1\n- Destination port: 443\n- Source port: 40001\n", connect, []judged{{"10.96.0.1", good}, {"443", good}, {"40001", wrong}}},
		{"It talked to 185.220.101.4.", connect, []judged{{"185.220.101.4", wrong}}},
		{"- Pod: shop/cart-6f7-x2x\n", connect, []judged{{"shop/cart-6f7-x2x", good}}},
		{"Namespace `shop`, pod `cart-6f7-x2x`.", connect, []judged{{"shop", good}, {"cart-6f7-x2x", good}}},
		{"Namespace: `payments`", connect, []judged{{"payments", wrong}}},
		{"The file `/etc/shadow` was opened by `cat`.", shadow, []judged{{"/etc/shadow", good}, {"cat", good}}},
		{"Container ID: N/A (host)", shadow, []judged{{"N/A", good}}},
		{"```json\n{\"output_fields\": {\"proc.name\": \"dog\", \"user.uid\": 0}}\n```\n", shadow, []judged{{"dog", wrong}, {"0", good}}},
		{"```\nproc.name: cat\nproc.pname: zsh\nuser.uid: 0\n```\n", shadow, []judged{{"cat", good}, {"zsh", wrong}}},
		{"```yaml\nrule: Read sensitive file untrusted\nhost: elm-2\nparent: zsh\npid: 1000\n```\n", shadow, []judged{{"elm-2", good}, {"zsh", wrong}, {"1000", wrong}}},
		{"proc.name=cat proc.pname=bash user.uid=12", shadow, []judged{{"cat", good}, {"bash", good}, {"12", wrong}}},
		{"Check `docker inspect` and set user `nobody` in the image.\n\n## Recommendations\n\nRun as user `nobody`.", connect, nil},
		{"The parent process could be `cron` or `systemd`.", shadow, nil},
	} {
		want(t, c.report, c.alert, c.want...)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		report string
		want   []judged
	}{
		{"At 2025-03-04 08:12:03 UTC it happened.", []judged{{"2025-03-04 08:12:03 UTC", good}}},
		{"At 2025-03-04T09:12:03+01:00 it happened.", []judged{{"2025-03-04T09:12:03+01:00", good}}},
		{"At 2025-03-04 03:12 EST it happened.", []judged{{"2025-03-04 03:12 EST", good}}},
		{"On March 4, 2025 at 8:12:03 AM UTC it happened.", []judged{{"March 4, 2025 at 8:12:03 AM UTC", good}}},
		{"On 4 March 2025 it happened.", []judged{{"4 March 2025", good}}},
		{"At 09:12:03 local time it happened.", []judged{{"09:12:03", good}}},
		{"Time: 09:12:03 UTC", []judged{{"09:12:03 UTC", wrong}}},
		{"| Time (UTC) | 2025-03-04 09:12:03 |\n|---|---|\n| Time (UTC) | 2025-03-04 09:12:03 |\n", []judged{{"2025-03-04 09:12:03", wrong}}},
		{"At 2025-03-05 08:12:03 UTC it happened.", []judged{{"2025-03-05 08:12:03 UTC", wrong}}},
		{"The container was started at 2025-03-04 08:11:40 UTC.", []judged{{"2025-03-04 08:11:40 UTC", good}}},
		{"Report generated on 2025-03-09.", nil},
		{"See 10.20.30.40:8080 and version 1.2.3.", nil},
	} {
		want(t, c.report, memfd, c.want...)
	}
}

func TestIdentities(t *testing.T) {
	for _, c := range []struct {
		report string
		want   []judged
	}{
		{"T1620 (Reflective Code Loading) fits.", []judged{{"T1620", good}}},
		{"T1620 – Process Injection", []judged{{"T1620", wrong}}},
		{"Process Injection (T1620)", []judged{{"T1620", wrong}}},
		{"It maps to Command and Scripting Interpreter: Unix Shell (T1059.004).", []judged{{"T1059.004", loose}}},
		{"T1059.004 is PowerShell", []judged{{"T1059.004", wrong}}},
		{"T1620 belongs to the tactic Exfiltration.", []judged{{"Exfiltration", wrong}}},
		{"| ID | Name | Tactic |\n|---|---|---|\n| T1620 | Reflective Code Loading | Impact |\n", []judged{{"Impact", wrong}}},
		{"TA0005 stands for Lateral Movement.", []judged{{"TA0005", wrong}}},
		{"The technique T1999 was used.", []judged{{"T1999", wrong}}},
		{"CVE-2024-12345 was used, or CVE-20-1.", []judged{{"CVE-2024-12345", loose}, {"CVE-20-1", wrong}}},
		{"T1547.099 was used.", []judged{{"T1547.099", finding.Unchecked}}},
	} {
		want(t, c.report, memfd, c.want...)
	}
}

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		report, alert string
		want          []judged
	}{
		{"Falco blocked the execution.", memfd, []judged{{"Falco blocked", wrong}}},
		{"Configure Falco to automatically kill such processes.", memfd, []judged{{"kill", wrong}}},
		{"The attempt was prevented by Falco.", memfd, []judged{{"prevented", wrong}}},
		{"Falco only detects; it does not block anything.", memfd, []judged{{"Falco", good}}},
		{"The attack was unsuccessful.", memfd, []judged{{"unsuccessful", wrong}}},
		{"Falco is a runtime security tool.", memfd, []judged{{"runtime security", good}}},
		{"Falco is an antivirus that scans files.", memfd, []judged{{"antivirus", wrong}}},
		{"Use SIEM tools like Splunk, Graylog or AnyDesk to collect the alerts.", memfd, []judged{{"Splunk", good}, {"Graylog", good}, {"AnyDesk", wrong}}},
		{"Install a process monitoring tool (e.g., psutil) on each host.", memfd, []judged{{"psutil", wrong}}},
		{"Wazuh is a log analysis tool.", memfd, []judged{{"Wazuh", good}}},
		{"This was the work of an APT group.", memfd, []judged{{"APT", loose}}},
		{"The host is compromised.", memfd, []judged{{"compromised", loose}}},
		{"Sensitive data was exfiltrated.", memfd, []judged{{"exfiltrated", loose}}},
		{"The attacker gained full access to the host because of root.", memfd, []judged{{"full access to the host", loose}}},
		{"The process ran directly on the host, not in a container.", memfd, []judged{{"directly on the host", wrong}}},
		{"The process ran inside a container.", shadow, []judged{{"inside a container", wrong}}},
		{"It ran on the host itself.", shadow, []judged{{"on the host itself", good}}},
		{"No terminal was attached.", memfd, []judged{{"No terminal", wrong}}},
		{"No terminal was attached.", shadow, []judged{{"No terminal", good}}},
		{"| Field | Value | Meaning |\n|---|---|---|\n| proc.tty | 34817 | process ID of the program |\n", memfd, []judged{{"process ID", wrong}}},
		{"| Field | Value | Meaning |\n|---|---|---|\n| user.loginuid | -1 | an anonymous attacker |\n", memfd, []judged{{"anonymous attacker", wrong}, {"-1", good}}},
		{"EXE_WRITABLE means that the file was modified by somebody.", memfd, []judged{{"modified", wrong}}},
		{"The binary was shipped in the image, as EXE_FROM_MEMFD shows.", memfd, nil},
		{"noexec on /tmp prevents memfd execution.", memfd, []judged{{"noexec", wrong}}},
		{"File integrity monitoring would detect fileless malware.", memfd, []judged{{"File integrity", wrong}}},
		{"memfd_create creates memory-mapped files.", memfd, []judged{{"memory-mapped files", wrong}}},
		{"Fileless execution leaves no binary on disk.", memfd, []judged{{"on disk", good}}},
		{"The file /etc/shadow holds passwords in plain text.", shadow, []judged{{"plain text", wrong}}},
		{"/etc/shadow contains password hashes.", shadow, []judged{{"password hashes", good}}},
		{"A firewall rule prevents ptrace attaching.", shadow, []judged{{"firewall rule", wrong}}},
		{"Auditd blocks the access.", shadow, []judged{{"Auditd blocks", wrong}}},
		{"The tag maturity_stable indicates that the attacker has a stable foothold.", shadow, []judged{{"maturity_stable", wrong}}},
		{"After these steps such attacks are no longer possible.", shadow, []judged{{"no longer possible", wrong}}},
		{"Multiple alerts were triggered within minutes.", shadow, []judged{{"Multiple alerts", wrong}}},
		{"## Recommendations\n\nRegularly review system logs.\n", shadow, []judged{{"review system logs", good}}},
		{"The alert does not contain the PID.", shadow, []judged{{"does not contain", good}}},
		{"The traffic to 10.96.0.1 leaves the cluster and reaches the Internet.", connect, []judged{{"10.96.0.1", wrong}}},
		{"The process ran as root.", connect, []judged{{"as root", wrong}}},
		{"Update the image to version 1.4.2.", connect, []judged{{"1.4.2", wrong}}},
		{"Update the image to version 1.4.3.", connect, []judged{{"1.4.3", loose}}},
		{"The server 10.96.0.1 connected to the container.", connect, []judged{{"connected to the container", wrong}}},
		{"- **Namespace:** default\n- **User:** root\n", connect, []judged{{"default", wrong}, {"root", wrong}}},
		{"`connect` deleted the file.", connect, []judged{{"`connect` deleted the file.", loose}}},
		{"# Critical compromise of the host", connect, []judged{{"compromise", loose}}},
		{"Here are the steps:", connect, nil},
		{"dup2 is dangerous and should be disabled.", connect, []judged{{"dup2", wrong}}},
		{"Enable Falco in prevention mode.", connect, []judged{{"prevention mode", wrong}}},
		{"```sh\n# This keeps root from reading the file\nchmod 600 /x\n```\n", connect, []judged{{"This keeps root", loose}}},
	} {
		want(t, c.report, c.alert, c.want...)
	}
}

func TestWithoutAlert(t *testing.T) {
	res := auditor().Audit([]byte("The parent process is `node`. Falco blocked it.\n\n- **User:** `root`\n"), nil)
	for _, f := range res.Findings {
		if f.Kind == finding.Fact && f.Judgement != finding.Unchecked {
			t.Errorf("a fact without an alert is %s", f.Judgement)
		}
	}
	if len(res.Findings) == 0 || len(res.Missing) > 0 {
		t.Errorf("findings %d, missing %d", len(res.Findings), len(res.Missing))
	}
	res = auditor().Audit([]byte("The parent process is `node`.\n\n```json\n"+memfd+"\n```\n"), nil)
	if !res.Quoted || len(res.Findings) == 0 || !res.Findings[0].Judgement.Bad() {
		t.Errorf("the quoted alert was not used: %v", res.Findings)
	}
}

func TestMissing(t *testing.T) {
	res := auditor().Audit([]byte("Something happened. Kill the container.\n\n```sh\nchmod 600 /x\n```\n"), decode(t, memfd))
	text := ""
	for _, f := range res.Missing {
		text += f.Reason.Text() + "\n"
	}
	for _, w := range []string{"No verdict", "rule is not named", "time of the event", "undo", "lives in memory"} {
		if !strings.Contains(text, w) {
			t.Errorf("not missed: %s in\n%s", w, text)
		}
	}
	if got := auditor().Audit([]byte(""), decode(t, memfd)).Missing; len(got) > 0 {
		t.Errorf("an empty report lacks %d things", len(got))
	}
}

// The development reports are labelled; what prose says of them is held here,
// so that a change that makes it worse is seen.
func TestSeveralForms(t *testing.T) {
	for _, form := range []string{
		"Parent process: zsh\r\nHost: elm-2\r\n",
		"Title\n=====\n\nParent process: `zsh`\n",
		"<table><tr><th>Field</th><th>Value</th></tr><tr><td>Parent process</td><td>zsh</td></tr></table>\n",
		"1. First\n   - inner\n     - Parent process: `zsh`\n",
		"> **Parent process:** `zsh`\n",
		"Parent process: zsh\xff\xfe\n",
		"| Parent process | zsh |\n|---|---|\n| Parent process | zsh |\n",
	} {
		want(t, form, shadow, judged{"zsh", wrong})
	}
}

func TestPlacesInSource(t *testing.T) {
	report := "Intro &amp; more \\* text: the parent process is &quot;`zsh`&quot;, `cat` *is* here.\n"
	for _, f := range findings(t, report, shadow) {
		if f.j == wrong && f.words != "zsh" || f.j == good && f.words != "cat" {
			t.Errorf("%v", f)
		}
	}
}

func corpus(t testing.TB) []string {
	files, err := filepath.Glob("../testdata/corpus/*-*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	return files
}
