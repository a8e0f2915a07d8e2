package audit

import (
	"strings"
	"testing"
)

// True sentences as people write them: awkward, hedged, in other units and
// zones, in other words than the alert's. None may be alarmed.
const calmMemfd = `
The event took place at 09:12:03 (host time), i.e. at 08:12:03 UTC.
It was 3:12:03 in the morning in New York (EST) when the alert fired.
The alert fired at 17:12 JST on 4 March 2025.
The rule **Fileless execution via memfd_create** (priority: Critical) reports a program that ran from memory.
The rule (Critical) reports a program that ran from memory.
The Falco rule "Fileless execution via memfd_create" [Critical] was matched once.
The alert carries the priority Critical, which is a constant of the rule.
Severity according to Falco: critical.
- **Priority:** Critical (set by the rule's author)
- **Terminal:** 34817 (/dev/pts/1)
- **Terminal:** a pseudo-terminal, device number 34817
- **User:** root (UID 0), login UID not set (-1)
- **User:** root, inside the container
- **Container:** brave_turing (ab12cd34ef56)
- **Container:** ` + "`ab12cd34ef56`" + ` named ` + "`brave_turing`" + `
- **Process:** 5 (the name is the number of the file descriptor)
- **Executable path:** memfd:loader - not a path on a disk
- **Command line:** ` + "`5 --serve --port 8443`" + `
- **Parent process:** python3, which is the session leader as well
- **Parent:** ` + "`python3`" + ` (child of ` + "`containerd-shim`" + `)
- **Grandparent:** containerd-shim
- **Flags:** EXE_WRITABLE and EXE_FROM_MEMFD
- **Result:** SUCCESS, i.e. the program was started
- **Namespace:** not in the alert
- **Pod:** n/a
- **PID:** not recorded by this rule
- **Image:** not in the alert
- **Hash:** not available
The container had been running for about 23 seconds when the event occurred.
The container was started at 08:11:40 UTC, less than half a minute before the event.
The event happened 23.6 s after the start of the container.
The process runs as root within the container, which is not the same as being root on the host.
Name of the process is the digit five.
The program was started by python3, so a script may have created it.
The value -1 of the login UID says that nobody logged in for this process.
Login UID: unset (4294967295 in other notations)
A terminal was attached, so the process may have been started by a person.
We can't tell from the alert which file descriptor was used before.
It is conceivable that a person ran ` + "`docker exec -it`" + ` to get in, but the alert has no field for that.
Attackers like to set ` + "`chmod +x`" + ` on what they drop, which is not needed here.
Had a file been dropped, one would expect a ` + "`chmod +x`" + ` before.
The port 8443 stands in the arguments; whether the program listens there is not shown.
The working directory is /srv/, with the trailing slash that Falco prints.
The tags name T1620, in words Reflective Code Loading.
T1620 (Reflective Code Loading) is tagged, with the tactic Defense Evasion.
The host is called oak-7.
On oak-7, something was executed that lives in memory alone.
Host: oak-7 (the machine on which the container runs)
The name "loader" was chosen by whoever called memfd_create.
No file of that name has to exist on the disk.
The event is no proof of an intrusion.
This does not mean that the host was compromised.
It cannot be ruled out that a developer did this.
If an attacker did this, he had code execution in the container before.
Was the container compromised?
A priority of Warning would be used for less severe rules.
Other Falco rules have the priority Notice or Warning.
The alert would have had container.id=host, had the process run outside of a container.
A file from the image's lower layers would not have EXE_UPPER_LAYER, which is missing here anyway.
The process ID is not part of the output; 5 is the process name, not a PID.
Nobody should take 34817 for a process ID.
It is UTC+1 on the host, since the text says 09:12:03 and the JSON 08:12:03Z.
The rule is in the maturity level stable.
Only a single alert was given.
`

const calmShadow = `
The event happened in the container with ID ` + "`host`" + `, which is Falco's way to say that there was no container.
Container: host (no container)
- **Container ID:** host, meaning that the process ran outside of any container
- **Container name:** not applicable
The process did not run in a container.
It ran on elm-2 itself.
At 22:40:10 local time (20:40:10 UTC) the file /etc/shadow was opened.
The event occurred on June 1st, 2025, at 8:40 PM UTC.
At 16:40:10 EDT the file was opened.
The file was opened for reading by cat, not for writing.
` + "`cat`" + ` read the file that holds the password hashes.
The password hashes in /etc/shadow can be attacked offline.
The program cat (path: /usr/bin/cat) printed the file, or at least tried to.
- **Process:** ` + "`cat`" + `, started from ` + "`bash`" + `, that from ` + "`sudo`" + `
- **Parent:** bash
- **Ancestor:** sudo
- **Command:** ` + "`cat /etc/shadow`" + `
- **Command line:** cat /etc/shadow (one argument)
- **Arguments:** /etc/shadow
- **File:** /etc/shadow
- **System call:** openat
- **Login UID:** 1000, the account that logged in first
- **User:** root (by way of sudo)
- **UID:** 0 (root), **login UID:** 1000
- **Terminal:** 0, i.e. none
- **Terminal:** none
- **TTY:** no terminal
- **Rule:** Read sensitive file untrusted (Warning)
- **Priority:** Warning (not a measure of the damage)
- **Severity:** Warning
- **Kubernetes pod:** none
- **Image:** none, it was not in a container
- **Time:** 2025-06-01T20:40:10Z
- **Time:** 2025-06-01 22:40:10 +02:00
- **Time (UTC):** 20:40:10
- **Date:** 1 June 2025
| Field | Value | Remark |
| user.name | root | the effective user |
The account with the UID 1000 logged in and became root afterwards.
The person who logged in has the login UID 1000.
Somebody with UID 1000 seems to have used sudo.
The user logged in as somebody else than root, since the login UID is 1000.
There is no terminal (proc.tty is 0), which fits a script.
An administrator may have run ` + "`sudo cat /etc/shadow`" + ` by hand, though no terminal is recorded.
Backups read this file as well.
sudo would be logged in /var/log/auth.log on Debian.
Only root and the group shadow may read it.
T1555 is a tag of the rule.
The tag T1555 stands for Credentials from Password Stores.
The right sub-technique would be T1003.008 (/etc/passwd and /etc/shadow).
The alert does not show that hashes left the host.
No connection is part of this alert.
It is not known whether the content was copied anywhere.
The system call succeeded or the rule would not have fired.
If the reading was not authorised, passwords have to be changed.
The rule's name contains "untrusted", which only means that the program is not on a list of known readers.
A container is not involved, so ` + "`docker exec -it`" + ` or ` + "`kubectl exec`" + ` cannot have been used to read it in a container.
Falco has not stopped the access; it reports only.
The hashes are usually salted and made with yescrypt or SHA-512.
Rule version and engine version are not in the alert.
The clock of the host is two hours ahead of UTC.
The priority Warning is not the highest one; Critical would be higher.
This (Warning) came from elm-2.
`

const calmConnect = `
The process curl talked to 10.96.0.1 on port 443, which is the cluster's API server by default.
The address 10.96.0.1 is private (10.0.0.0/8) and does not leave the cluster.
10.96.0.1 belongs to a range that no host on the Internet has.
The address belongs to RFC 1918 space, so it belongs to nobody on the Internet.
The source port 40000 was chosen by the kernel; the destination port is 443.
- **Connection:** 10.1.2.3:40000 -> 10.96.0.1:443
- **Connection:** from 10.1.2.3 (port 40000) to 10.96.0.1 (port 443)
- **Source:** 10.1.2.3:40000
- **Destination:** 10.96.0.1:443 (HTTPS by its port)
- **Remote port:** 443
- **Protocol:** HTTPS over TCP, by the URL
- **Image:** registry.example/shop/cart:1.4.2
- **Image:** ` + "`registry.example/shop/cart`" + `, tag ` + "`1.4.2`" + `
- **Tag of the image:** 1.4.2
- **Container:** cart (0123456789ab)
- **Pod:** cart-6f7-x2x in the namespace shop
- **Namespace:** shop
- **Workload:** cart-6f7-x2x
- **User:** app (uid 1001), not root
- **User:** app
- **UID:** 1001
- **Login UID:** -1 (nobody logged in)
- **Process:** curl (/usr/bin/curl), parent sh
- **Executable:** /usr/bin/curl
- **Parent:** a shell, sh
- **Command:** curl -k https://10.96.0.1/api
- **Option -k:** the certificate is not checked
- **Terminal:** 0 - there was none
- **Rule:** Contact K8S API Server From Container
- **Priority:** Notice
- **Time:** 10:00 UTC
- **Time:** 2 Feb 2025, 10:00:00 UTC
- **Time:** 2025-02-02 11:00:00 CET
- **Time:** 05:00 EST on February 2nd, 2025
- **Host:** fir-9
- **Node:** fir-9
- **MITRE:** T1565, tactic Discovery
- **Event:** connect
- **Syscall:** connect()
The container named cart, whose ID begins with 0123456789ab, opened the connection.
The alert's priority (Notice) is low compared with others, which says nothing about the impact.
Notice is what the rule's author chose.
A pod without an own service account uses the one named default.
The namespace default is not concerned; the pod is in shop.
In other namespaces, e.g. kube-system, such calls are usual.
The user root was not used; the process ran with the UID 1001.
The process ran without the rights of root.
UDP is not involved: an HTTPS request goes over TCP.
The connection went out from the pod; nobody connected to it.
The token of the service account may have been used, which the alert does not show.
Whether the request was answered is unknown.
curl was called by sh, i.e. from a script or by hand.
` + "`kubectl exec -it`" + ` is one way in which a shell could have got into the pod.
The response of the API server to an anonymous request is usually 403.
A request to /api needs no special right in many clusters.
The address 10.1.2.3 is that of the pod.
The port 443 is used for HTTPS.
A container image of the version 1.4.2 was in use.
The connection may be legitimate, as controllers call the API as well.
RBAC decides what the service account may do.
Kubernetes audit logs would tell which user made the request, if they are switched on.
NetworkPolicies were introduced with Kubernetes 1.3, in 2016.
This rule was last changed on 2023-11-07, which is not a date of the event.
The certificate of the API server is valid until 2026-01-15.
`

func TestTrueSentencesStayCalm(t *testing.T) {
	for _, area := range []struct{ text, alert string }{{calmMemfd, memfd}, {calmShadow, shadow}, {calmConnect, connect}} {
		lines := strings.Split(strings.TrimSpace(area.text), "\n")
		if len(lines) < 60 {
			t.Errorf("%d sentences", len(lines))
		}
		for _, line := range lines {
			for _, g := range findings(t, line, area.alert) {
				if g.j.Bad() {
					t.Errorf("%q\n  false alarm: %q %s", line, g.words, g.j)
				}
			}
		}
	}
}
