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

const calmGeneral = `
Falco has no prevention mode.
Rules belong in /etc/falco/rules.d, not in falco.yaml.
Reference the rules file in falco.yaml under rules_files.
Falco cannot block the connection; use a NetworkPolicy or kill the pod.
A priority of Notice does not mean that the impact is low.
RBAC is additive: there are no deny rules, so remove the binding instead.
Remove the verb create on pods/exec from the role, so nobody in the group may exec.
By default RBAC denies everything that is not granted.
A NetworkPolicy only works if the network plugin supports it.
A default-deny egress NetworkPolicy blocks new connections of the selected pods.
NetworkPolicies do not apply to pods with hostNetwork.
kubectl get events does not show who ran an exec; look into the audit log of the API server.
Pod Security Policies were removed in Kubernetes 1.25; use Pod Security Admission.
Kubernetes Secrets are only base64 encoded, which is no encryption, unless encryption at rest is set up.
Deleting the pod is not enough: its deployment starts another one.
Cordon the node so that no new pods are scheduled there; running pods are not stopped.
docker pause freezes all processes without killing them, so the memory can still be examined.
docker stop would kill the process and its memory would be lost.
docker commit saves the file system but no memory.
A restart of the container removes what was only in memory.
Root in the container is not root on the host unless the container is privileged.
Containers share the kernel of the host, so a kernel exploit reaches the host.
Unlike virtual machines, containers have no kernel of their own.
openat with O_TRUNC empties the file; it does not delete it.
The attacker could call openat to open the log and then unlink to delete it.
execve replaces the process image and creates no new process; fork does.
dup2 copies a file descriptor, so that a shell can read from and write to a socket.
Blocking dup2 would break nearly every program.
chmod 000 does not keep root from reading the file.
chattr +i keeps even root from changing the file until the attribute is removed.
shred is unreliable on SSDs and on journaling file systems.
A truncated file cannot be recovered with extundelete.
Files in /dev/shm are lost at the next reboot.
/dev/shm lives in RAM and is not written to a disk.
Attackers like memfd because nothing is written to the disk.
A program in a memfd does not survive a reboot.
/etc/shadow contains no passwords in plain text, but hashes.
Hashes cannot be decrypted; they are cracked by guessing.
auth.log is /var/log/secure on Red Hat systems.
On Debian, /var/log/auth.log has the logins; /var/log/secure is Red Hat's name for it.
A pts does not prove an SSH session: tmux and docker exec make one too.
kill -9 gives the process no chance to shut down gracefully.
Killing the process does not remove the malware from the disk.
With ptrace_scope set to 1 only a parent may trace its children, but root may still attach.
ptrace_scope 2 allows ptrace only with CAP_SYS_PTRACE.
A value of 3 disables ptrace until the next boot.
Only root with CAP_SYS_MODULE can load kernel modules; in an unprivileged container this fails.
The login UID stays the same when the user becomes root with sudo.
A login UID of -1 means that no login session stands behind it, as for services running as root.
Debian uses AppArmor by default, SELinux has to be installed.
With @@ rsyslog sends over TCP without encryption; for TLS the gtls driver is needed.
A single @ means UDP, @@ means TCP.
auditd only records; it does not prevent anything.
Host iptables INPUT rules do not see the traffic of pods, which is forwarded.
iptables rules are lost at reboot unless saved with iptables-save > /etc/iptables/rules.v4.
Port 443 is usually HTTPS, but this proves nothing about the protocol.
169.254.169.254 is link-local and cannot be reached from the Internet.
IMDSv2 wants a token, which makes SSRF harder.
CVE-2021-44228 is in Log4j, a Java library; Python is not affected.
XMRig mines Monero, not Bitcoin.
restic encrypts its repository, so the server cannot read the data.
base64 is an encoding and no encryption.
git-upload-pack serves a fetch, so the server sends data to the client.
OpenBSD netcat has no -e option.
In a reverse shell the target connects to the attacker's listener on port 4444.
The container escape CVE-2019-5736 was a flaw of runc and let a container overwrite the host's runc binary.
SIGTERM can be caught, SIGKILL cannot be caught or ignored.
clamscan scans only when it is run.
After a reboot malware that is only in memory is gone, what is on the disk is not.
Security groups only allow; to deny an address use a network ACL.
Falco watches the system calls of the host, so nothing must be installed in the containers.
Use Falco Talon if alerts shall lead to actions such as killing the pod.
`

func TestTrueSentencesStayCalm(t *testing.T) {
	for _, area := range []struct{ text, alert string }{{calmMemfd, memfd}, {calmShadow, shadow}, {calmConnect, connect}, {calmGeneral, connect}, {calmGeneral, memfd}, {calmGeneral, shadow}} {
		lines := strings.Split(strings.TrimSpace(area.text), "\n")
		if len(lines) < 60 {
			t.Errorf("%d sentences", len(lines))
		}
		for _, line := range lines {
			for _, f := range withCode().Audit([]byte(line), decode(t, area.alert)).Findings {
				if f.Judgement.Bad() {
					t.Errorf("%q\n  false alarm: %q %s: %s", line, line[f.Start:f.End], f.Judgement, f.Reason.Text())
				}
			}
		}
	}
}
