package audit

import (
	"strings"
	"testing"
)

// False sentences, most of values that the alert has: none may pass as carried.
var spoken = map[string]string{
	memfd: `
The program 5 was downloaded from the Internet with python3.
The attacker logged in via SSH from another machine on terminal 34817.
The python3 parent shows that a web application was exploited.
The container brave_turing is privileged.
The process listens on port 8443 and waits for commands.
The program was compiled on the host.
The memory of the process holds an encryption key.
The container image is outdated.
The event was logged by the kernel's audit subsystem.
The loader deleted itself after execution.
Falco terminated the process.
The program was running as a daemon.
| Executable | memfd:loader | A file in the directory memfd |
| Tags | T1620 | The attacker's tool |
- Container was started by the attacker
- Root cause: weak password
- Falco: prevention mode
- Impact: total
- Persistence: yes
- Data exfiltration via port 8443
## Host compromised
## Critical compromise of host
## Attacker gained root
The host kernel is vulnerable.
Python has a flaw that allows this.
The session leader is the attacker's shell.
The flag EXE_WRITABLE was set by the attacker.
All other containers are affected as well.
Only one process was affected.
This technique only works on old kernels.
AppArmor would have stopped it.
The program is 2 MB in size.
The container has been running for 3 days.
The event happened 2 hours after the start of the container.
`,
	shadow: `
cat changed the file /etc/shadow.
The user with login UID 1000 is named ubuntu.
The hashes were copied to another host.
The user bash called cat.
sudo was misconfigured.
cat is not needed on servers and should be removed.
The account 1000 was created by the attacker.
/etc/shadow was opened for writing.
The file was read three times.
The attacker now knows all passwords.
Reading it is forbidden for root.
The file is stored in the directory of sudo.
Use chmod 400 /etc/shadow to prevent root from reading it.
The host elm-2 is a database server.
The access came from the network.
openat sent the file to the attacker.
The parent process bash proves a remote shell.
Warning means that the event was blocked.
The terminal 0 was used by the administrator.
Debian stores hashes with MD5.
User: daemon
Login UID: 1001
`,
	connect: `
The server 10.96.0.1 connected to the pod.
The API server was attacked successfully.
The pod has cluster-admin rights.
curl sent the token of the service account.
The secret was read by curl.
-k encrypts the connection.
The connection was closed by the firewall.
User app is an administrator.
The pod was deleted.
Protocol: UDP
Namespace: default
User: root
Port 40000 is an unusual service.
The image 1.4.2 contains a vulnerability.
The attacker enumerated all secrets of the namespace shop.
10.1.2.3 is the attacker's address.
The container cart started the API server.
NetworkPolicies are enabled by default in all clusters.
| Image tag | 1.4.2 | Latest version with a known backdoor |
Update the image to version 1.4.2.
`,
}

func TestNothingPassesInSilence(t *testing.T) {
	for a, text := range spoken {
		for line := range strings.Lines(strings.TrimSpace(text)) {
			report := line
			if strings.HasPrefix(line, "|") {
				report = "| Field | Value | Meaning |\n|---|---|---|\n" + line
			}
			doubted := false
			got := findings(t, report, a)
			for _, g := range got {
				doubted = doubted || g.j == loose || g.j.Bad()
			}
			if !doubted {
				t.Errorf("%q passes: %v", line, got)
			}
		}
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		report string
		want   []judged
	}{
		{"The container had been running for 23.6 seconds.", []judged{{"23.6 seconds", good}}},
		{"The container had been running for about 24 s.", []judged{{"24 s", good}}},
		{"The event was 0 h 0 min 24 s after the container started.", []judged{{"0 h 0 min 24 s", good}}},
		{"Uptime of the container: 3 days and 2 hours.", []judged{{"3 days and 2 hours", wrong}}},
		{"The container was started 40 minutes before the event.", []judged{{"40 minutes", wrong}}},
		{"The container was started less than 1 minute before the event.", []judged{{"1 minute", good}}},
		{"Logs are kept for 30 days.", nil},
	} {
		want(t, c.report, memfd, c.want...)
	}
}
