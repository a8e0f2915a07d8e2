package code_test

import (
	"os"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

func lines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// TestGoodCommands: what engineers type every day is not alarmed, and most of
// it is in the catalogue.
func TestGoodCommands(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	all := lines(t, "testdata/good.txt")
	confirmed := 0
	for _, line := range all {
		fine := true
		for _, f := range c.Check(code.Block{Language: "bash", Text: line + "\n"}) {
			if f.Judgement.Bad() {
				t.Errorf("%s: %q is called %s: %s", line, line[f.Start:min(f.End, len(line))], f.Judgement, f.Reason.Text())
			}
			if f.Judgement != finding.Supported {
				fine = false
				t.Logf("%s: %s: %s", line, f.Judgement, f.Reason.Text())
			}
		}
		if fine {
			confirmed++
		}
	}
	if len(all) < 200 || confirmed*10 < len(all)*8 {
		t.Errorf("%d of %d confirmed, want eight in ten of 200 or more", confirmed, len(all))
	}
}

// TestBadCommands: each is called what it is.
func TestBadCommands(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	all := lines(t, "testdata/bad.txt")
	for _, line := range all {
		want, command, _ := strings.Cut(line, "\t")
		text := command + "\n"
		worst := finding.Supported
		reason := ""
		for _, f := range c.Check(code.Block{Language: "bash", Text: text}) {
			if f.Judgement.Rank() > worst.Rank() {
				worst, reason = f.Judgement, f.Reason.Text()
			}
			if f.Reason.Empty() || len(f.Reason.Evidence) == 0 {
				t.Errorf("%s: a finding without reason or evidence", command)
			}
		}
		if string(worst) != want {
			t.Errorf("%s: is %s (%s), want %s", command, worst, reason, want)
		}
	}
	if len(all) < 150 {
		t.Errorf("only %d commands, want 150", len(all))
	}
}

// blocks are the fenced blocks of a markdown file.
func blocks(t *testing.T, file string) []code.Block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []code.Block
	parts := strings.Split("\n"+string(text), "\n```")
	for i := 1; i+1 < len(parts); i += 2 {
		language, body, _ := strings.Cut(parts[i], "\n")
		list = append(list, code.Block{Language: language, Text: body + "\n"})
	}
	return list
}

// TestGoodConfig: configuration as people write it is not alarmed.
func TestGoodConfig(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	confirmed := 0
	for _, b := range blocks(t, "testdata/config/good.md") {
		for _, f := range c.Check(b) {
			if f.Judgement == finding.Supported {
				confirmed++
			}
			if f.Judgement.Rank() > finding.Unchecked.Rank() {
				t.Errorf("%q is called %s: %s\nin %s", b.Text[f.Start:f.End], f.Judgement, f.Reason.Text(), b.Text)
			}
		}
	}
	if confirmed < 90 {
		t.Errorf("only %d findings say that something holds", confirmed)
	}
}

// TestBadConfig: each line with a mark at its end is called that, and no other
// line is called anything bad.
func TestBadConfig(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	marks := 0
	for _, b := range blocks(t, "testdata/config/bad.md") {
		want := map[int]string{}
		var text strings.Builder
		for i, line := range strings.Split(b.Text, "\n") {
			for _, j := range []string{"broken", "harmful", "contradicted"} {
				if s, ok := strings.CutSuffix(line, "# "+j); ok {
					line = strings.TrimRight(s, " ")
					want[i] = j
					marks++
				}
			}
			text.WriteString(line + "\n")
		}
		b.Text = text.String()
		got := map[int]string{}
		reasons := map[int]string{}
		for _, f := range c.Check(b) {
			if f.Judgement.Bad() {
				line := strings.Count(b.Text[:f.Start], "\n")
				got[line], reasons[line] = string(f.Judgement), f.Reason.Text()
			}
		}
		for i, line := range strings.Split(b.Text, "\n") {
			if got[i] != want[i] {
				t.Errorf("%q is %q (%s), want %q", line, got[i], reasons[i], want[i])
			}
		}
	}
	if marks < 40 {
		t.Errorf("only %d marks", marks)
	}
}

func TestLooks(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	for span, want := range map[string]bool{
		"systemctl restart falco": true, "sudo falco --reload": true, "docker inspect web": true, "kubectl -n shop get pods": true, "kill -9 3": true,
		"-a always,exit -F arch=b64 -S execve": true, "-w /etc/passwd -p wa -k id": true, "kernel.yama.ptrace_scope=2": true, "PermitRootLogin no": true,
		"chmod 644 /etc/shadow": true, "$ docker ps": true, "cat /proc/1/status": true, "apt install psutil": true, "ausearch -k x": true, "*.* @@siem:514": true,
		"falco": false, "memfd_create": false, "run helper.DoNothing": false, "3": false, "proc.name": false, "EXE_WRITABLE|EXE_FROM_MEMFD": false, "container.id=host": false,
		"event-generator": false, "/etc/passwd": false, "kill chain": false, "find out": false, "Fileless execution via memfd_create": false, "user.loginuid": false,
		"containerd-shim": false, "memfd:program": false, "": false, "T1620": false, "vm.memfd_noexec": false, "docker": false, "root": false, "2024-10-05T13:00:46Z": false, "test tool": false, "falcosecurity/event-generator": false, "host": false,
	} {
		if got := c.Looks(span); got != want {
			t.Errorf("Looks(%q) = %v, want %v", span, got, want)
		}
	}
}

// TestAround: the same command means another thing in another place.
func TestAround(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	for name, x := range map[string]struct {
		block code.Block
		want  string // worst judgement, "" for no finding
	}{
		"advice":                {code.Block{Text: "chmod 644 /etc/shadow", Inline: true, Intro: "Run `chmod 644 /etc/shadow` so that the backup works."}, "harmful"},
		"a command's name":      {code.Block{Text: "kubectl exec -it", Inline: true, Intro: "as with `kubectl exec -it`"}, "supported"},
		"a name of two words":   {code.Block{Text: "docker commit", Inline: true, Intro: "`docker commit` keeps the files"}, "supported"},
		"a warning":             {code.Block{Text: "chmod 644 /etc/shadow", Inline: true, Intro: "I would not run `chmod 644 /etc/shadow` here."}, ""},
		"an account":            {code.Block{Text: "rm -rf /var/log", Inline: true, Intro: "The attacker then ran `rm -rf /var/log` to hide."}, ""},
		"the alert's own":       {code.Block{Text: "rm -rf /var/log", Inline: true, Facts: map[string]string{"proc.cmdline": "rm -rf /var/log"}}, ""},
		"a name as an id":       {code.Block{Language: "bash", Text: "kill -STOP 3\n", Facts: map[string]string{"proc.name": "3"}}, "broken"},
		"an id":                 {code.Block{Language: "bash", Text: "kill -STOP 4711\n", Facts: map[string]string{"proc.name": "3", "proc.pid": "4711"}}, "supported"},
		"an id of that name":    {code.Block{Language: "bash", Text: "kill -STOP 3\n", Facts: map[string]string{"proc.name": "3", "proc.pid": "3"}}, "supported"},
		"a terminal as an id":   {code.Block{Language: "bash", Text: "ls -l /proc/34816/exe\n", Facts: map[string]string{"proc.tty": "34816"}}, "broken"},
		"a container as a unit": {code.Block{Language: "bash", Text: "systemctl stop c61b4b13ae44\n", Facts: map[string]string{"container.id": "c61b4b13ae44"}}, "broken"},
		"weakened":              {code.Block{Language: "bash", Text: "sysctl -w kernel.yama.ptrace_scope=0\n", Intro: "Harden the host:"}, "harmful"},
		"put back":              {code.Block{Language: "bash", Text: "sysctl -w kernel.yama.ptrace_scope=0\n", Intro: "Rollback\n\nTo undo the change:"}, "supported"},
		"a root shell":          {code.Block{Language: "bash", Text: "sudo -i\nsudo echo vm.memfd_noexec=1 >> /etc/sysctl.d/1.conf\n"}, "supported"},
		"saved first":           {code.Block{Language: "bash", Text: "docker export web -o w.tar\ndocker rm -f web\n"}, "supported"},
		"ssh allowed first":     {code.Block{Language: "bash", Text: "iptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -P INPUT DROP\n"}, "supported"},
		"its own unit":          {code.Block{Language: "bash", Text: "sudo tee /etc/systemd/system/watcher.service <<'X'\n[Service]\nExecStart=/bin/true\nX\nsystemctl start watcher.service\n"}, "supported"},
		"loaded from there":     {code.Block{Language: "bash", Text: "echo 'vm.memfd_noexec=1' | sudo tee -a /etc/sysctl.conf\nsudo sysctl -p\n"}, "supported"},
		"not loaded":            {code.Block{Language: "bash", Text: "echo 'vm.memfd_noexec=1' | sudo tee -a /etc/sysctl.d/9.conf\nsudo sysctl -p\n"}, "broken"},
		"a file's format":       {code.Block{Text: "BlockMemfd yes\nPermitRootLogin no\n", Intro: "Edit /etc/ssh/sshd_config:"}, "broken"},
		"a file in a comment":   {code.Block{Language: "ini", Text: "# /etc/sysctl.d/9.conf\nkernel.nope = 1\n"}, "broken"},
		"output":                {code.Block{Text: "PID  USER  COMMAND\n1 root systemd\n"}, ""},
		"another language":      {code.Block{Language: "python", Text: "import os\n"}, "unchecked"},
	} {
		worst := ""
		for _, f := range c.Check(x.block) {
			if worst == "" || f.Judgement.Rank() > finding.Judgement(worst).Rank() {
				worst = string(f.Judgement)
			}
		}
		if worst != x.want {
			t.Errorf("%s: is %q, want %q", name, worst, x.want)
		}
	}
}
