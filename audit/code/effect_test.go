package code_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// fields is an alert, by hand.
type fields map[string]string

func (f fields) Get(name string) (alert.Field, bool) {
	text, ok := f[name]
	kind := alert.String
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		kind = alert.Int
	}
	return alert.Field{Name: name, Value: alert.Value{Kind: kind, Text: text}}, ok
}

var (
	onHost = fields{"alert.in_container": "false", "container.id": "host", "rule": "Clear Log Activities", "fd.name": "/var/log/auth.log", "user.name": "root", "user.uid": "0", "evt.type": "openat",
		"user.loginuid": "1004", "proc.tty": "34816", "rule.is_network": "false", "rule.is_memory": "false", "source": "syscall", "proc.name": "cp", "proc.cmdline": "cp /dev/null /var/log/auth.log"}
	inPod = fields{"alert.in_container": "true", "container.id": "7b1e02d9c5af", "rule": "Redirect STDOUT/STDIN to Network Connection in Container", "k8s.pod.name": "checkout-6f7c9d5b8-zx2lm", "k8s.ns.name": "shop",
		"fd.name": "10.42.3.17:48212->203.0.113.77:4444", "user.name": "app", "user.uid": "1000", "rule.is_network": "true", "rule.is_memory": "false", "source": "syscall", "proc.tty": "0"}
	inDocker = fields{"alert.in_container": "true", "container.id": "5d90c2e7f4a1", "rule": "Launch Package Management Process in Container", "user.name": "root", "user.uid": "0",
		"rule.is_network": "false", "rule.is_memory": "false", "source": "syscall", "proc.name": "apt-get"}
)

// TestEffect: that a command exists is not enough to call it supported.
func TestEffect(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	for _, x := range []struct {
		alert   fields
		command string
		want    finding.Judgement
	}{
		{onHost, "journalctl -u ssh --since today", finding.Supported},
		{onHost, "sudo chattr +a /var/log/auth.log", finding.Supported},
		{inPod, "sudo chattr +a /var/log/auth.log", finding.Unsupported},
		{onHost, "kubectl get pods -A", finding.Unsupported},
		{inPod, "kubectl -n shop get pods", finding.Supported},
		{onHost, "docker pause web", finding.Unsupported},
		{inPod, "kubectl cordon node-7", finding.Supported},
		{inPod, "sudo iptables -I DOCKER-USER -d 203.0.113.77 -j DROP", finding.Supported},
		{onHost, "sudo iptables -I DOCKER-USER -d 203.0.113.77 -j DROP", finding.Unsupported},
		{onHost, "sudo iptables -I OUTPUT -d 203.0.113.77 -j DROP", finding.Unsupported},
		{inPod, "sudo ufw deny out 4444", finding.Unsupported},
		{onHost, "sudo loginctl terminate-user 1004", finding.Supported},
		{inPod, "sudo loginctl terminate-user 1004", finding.Unsupported},
		{onHost, "sudo chmod 600 /var/log/auth.log", finding.Unsupported},
		{onHost, "sudo sysctl -w kernel.yama.ptrace_scope=2", finding.Unsupported},
		{onHost, "sudo extundelete /dev/sda1 --restore-file /var/log/auth.log", finding.Broken},
		{inDocker, "sudo apt-get remove postgresql-client", finding.Unsupported},
		{inDocker, "sudo apt-mark hold postgresql-client", finding.Broken},
		{onHost, "sudo apt-get update", finding.Supported},
		{inDocker, "sudo apt-get update", finding.Unsupported},
		{inDocker, "docker rm checkout", finding.Unsupported},
		{inPod, "docker logs checkout", finding.Unsupported},
		{inPod, "crictl stop 7b1e02d9c5af", finding.Unsupported},
		{inPod, "ss -tunap", finding.Unsupported},
		{inPod, "nsenter -t 4711 -n ss -tunap", finding.Supported},
		{inDocker, "docker export checkout -o c.tar\ndocker rm checkout", finding.Supported},
		{inPod, "kubectl drain node-7 --ignore-daemonsets --delete-emptydir-data", finding.Harmful},
		{inDocker, "docker exec checkout ps aux", finding.Supported},
		{inPod, "kubectl -n shop exec checkout-6f7c9d5b8-zx2lm -- cat /etc/passwd", finding.Supported},
		{inPod, "kubectl -n shop exec checkout-6f7c9d5b8-zx2lm -- kill 7", finding.Unsupported},
		{onHost, "find /tmp -type f -exec sha256sum {} +", finding.Supported},
		{onHost, "sudo cp -a /var/log /root/evidence", finding.Supported},
		{onHost, "ps aux > /root/ps.txt", finding.Supported},
		{onHost, "echo x > /etc/motd", finding.Unsupported},
		{onHost, "sed -i s/a/b/ /etc/motd", finding.Unsupported},
	} {
		worst := finding.Supported
		reason := ""
		for _, f := range c.Check(code.Block{Language: "bash", Text: x.command + "\n", Alert: x.alert, Facts: x.alert}) {
			if f.Judgement.Rank() > worst.Rank() {
				worst, reason = f.Judgement, f.Reason.Text()
			}
		}
		if worst != x.want {
			t.Errorf("%s: is %s (%s), want %s", x.command, worst, reason, x.want)
		}
	}
}

// TestGoodCommandsCalm: whatever the alert, none of what engineers type every
// day is called broken or harmful, but for what ends the pod to be investigated.
func TestGoodCommandsCalm(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	// In an incident that ends the pod to be investigated.
	incident := map[string]bool{"kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data": true}
	for _, a := range []fields{onHost, inPod, inDocker} {
		facts := map[string]string{}
		for k, v := range a {
			if k != "container.id" {
				facts[k] = v
			}
		}
		for _, line := range lines(t, "testdata/good.txt") {
			for _, f := range c.Check(code.Block{Language: "bash", Text: line + "\n", Alert: a, Facts: facts}) {
				if f.Judgement.Bad() && !incident[line] {
					t.Errorf("%s, of %s: %s: %s", line, a["rule"], f.Judgement, f.Reason.Text())
				}
			}
		}
	}
}

// TestPlace: names and times that are not the alert's.
func TestPlace(t *testing.T) {
	c := code.Open(catalogue.Builtin())
	ahead := 2 * time.Hour
	at := time.Date(2025, 4, 15, 10, 22, 36, 0, time.UTC)
	facts := map[string]string{"container.id": "7b1e02d9c5af", "k8s.pod.name": "checkout-6f7c9d5b8-zx2lm", "k8s.ns.name": "shop"}
	for command, want := range map[string]finding.Judgement{
		"docker pause 7b1e02d9c5af":                                                          finding.Supported,
		"docker pause 9e1e02d9c5ff":                                                          finding.Broken,
		"docker pause abc123def456":                                                          finding.Supported,
		"kubectl -n shop logs checkout-6f7c9d5b8-zx2lm":                                      finding.Supported,
		"kubectl -n default logs checkout-6f7c9d5b8-zx2lm":                                   finding.Broken,
		"kubectl -n kube-system logs coredns-1":                                              finding.Supported,
		"ausearch -ul 1007 -ts 04/15/2025 10:20:00 -te 04/15/2025 10:30:00":                  finding.Broken,
		"ausearch -ul 1007 -ts 04/15/2025 12:20:00 -te 04/15/2025 12:30:00":                  finding.Supported,
		`journalctl -u ssh --since "2025-04-15 12:20" --until "2025-04-15 12:25"`:            finding.Supported,
		`journalctl -u ssh --since "2025-04-16 12:20" --until "2025-04-16 12:25"`:            finding.Broken,
		`journalctl -u ssh --since "2025-04-15 10:20 UTC" --until "2025-04-15 10:25 UTC"`:    finding.Supported,
		"docker logs --since 2025-04-15T10:00:00Z --until 2025-04-15T10:20:00Z 7b1e02d9c5af": finding.Broken,
		"docker logs --since 1h 7b1e02d9c5af":                                                finding.Supported,
	} {
		worst := finding.Supported
		for _, f := range c.Check(code.Block{Language: "bash", Text: command + "\n", Facts: facts, Time: at, Zone: &ahead}) {
			if f.Judgement.Rank() > worst.Rank() {
				worst = f.Judgement
			}
		}
		if worst != want {
			t.Errorf("%s: is %s, want %s", command, worst, want)
		}
	}
}
