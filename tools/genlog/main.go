// Command genlog writes a Falco log of any length in the shape of real noise:
// a few thousand kinds of alert, nine tenths of the lines from a few of them.
//
//	go run ./tools/genlog -n 1000000 > noise.jsonl
//	go run ./tools/genlog -n 1000000 -new > every-line-of-a-new-kind.jsonl
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// shape is a rule and what its alerts look like in a busy cluster.
type shape struct {
	rule, priority, message, tags string
	process, parent, exe          string
}

var shapes = []shape{
	{"Contact K8S API Server From Container", "Notice", "Unexpected connection to K8s API Server from container", `"T1565","container","k8s","maturity_stable","mitre_discovery","network"`, "operator", "containerd-shim", "/usr/bin/operator"},
	{"Run shell untrusted", "Notice", "Shell spawned by untrusted binary", `"T1059.004","container","host","maturity_stable","mitre_execution","process","shell"`, "sh", "httpd", "/usr/bin/dash"},
	{"Drop and execute new binary in container", "Critical", "Executing binary not part of base image", `"PCI_DSS_11.5.1","TA0003","container","maturity_stable","mitre_persistence","process"`, "agent", "sh", "/opt/agent/agent"},
	{"Read sensitive file untrusted", "Warning", "Sensitive file opened for reading by non-trusted program", `"T1555","container","filesystem","host","maturity_stable","mitre_credential_access"`, "backup", "sh", "/usr/bin/backup"},
	{"Redirect STDOUT/STDIN to Network Connection in Container", "Notice", "Redirect stdout/stdin to network connection", `"T1059","container","maturity_stable","mitre_execution","network","process"`, "probe", "runc", "/usr/bin/probe"},
	{"Terminal shell in container", "Notice", "A shell was spawned in a container with an attached terminal", `"T1059","container","maturity_stable","mitre_execution","shell"`, "bash", "runc", "/usr/bin/bash"},
}

func main() {
	n := flag.Int("n", 1_000_000, "lines")
	kinds := flag.Int("kinds", 3000, "kinds of alert")
	fresh := flag.Bool("new", false, "every line of a new kind")
	seed := flag.Uint64("seed", 1, "the same seed gives the same log")
	flag.Parse()
	r := rand.New(rand.NewPCG(*seed, 2))
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	start := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	for i := range *n {
		kind := i
		if !*fresh {
			kind = pick(r, *kinds)
		}
		line(w, r, kind, start.Add(time.Duration(i)*time.Millisecond), i)
	}
	if err := w.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "genlog:", err)
		os.Exit(1)
	}
}

// pick draws one of ten kinds nine times out of ten.
func pick(r *rand.Rand, kinds int) int {
	if r.IntN(10) < 9 {
		return r.IntN(10)
	}
	return r.IntN(kinds)
}

func line(w *bufio.Writer, r *rand.Rand, kind int, at time.Time, i int) {
	s := shapes[kind%len(shapes)]
	pod := fmt.Sprintf("%s-%d", s.process, kind)
	id := fmt.Sprintf("%012x", uint64(kind)*2654435761%(1<<48))
	port := 32768 + r.IntN(28000)
	stamp := at.Add(time.Duration(r.IntN(1000000))).Format("2006-01-02T15:04:05.000000000Z")
	ns := at.UnixNano()
	cmd := fmt.Sprintf("%s --config /etc/%s/config-%d.yaml --check --interval 30s", s.process, s.process, kind)
	fmt.Fprintf(w, `{"hostname":"node-%d","output":"%s: %s %s | connection=10.42.0.%d:%d->10.43.0.1:443 lport=443 rport=%d fd_type=ipv4 fd_proto=tcp evt_type=connect user=root user_uid=0 user_loginuid=-1 process=%s proc_exepath=%s parent=%s command=%s terminal=0 container_id=%s container_name=%s container_image_repository=registry.example.net/team/%s container_image_tag=1.%d k8s_pod_name=%s k8s_ns_name=team-%d","output_fields":{"container.id":"%s","container.image.repository":"registry.example.net/team/%s","container.image.tag":"1.%d","container.name":"%s","evt.time":%d,"evt.type":"connect","fd.l4proto":"tcp","fd.lport":%d,"fd.name":"10.42.0.%d:%d->10.43.0.1:443","fd.rport":443,"fd.type":"ipv4","k8s.ns.name":"team-%d","k8s.pod.name":"%s","proc.cmdline":"%s","proc.exepath":"%s","proc.name":"%s","proc.pname":"%s","proc.tty":0,"user.loginuid":-1,"user.name":"root","user.uid":0},"priority":"%s","rule":"%s","source":"syscall","tags":[%s],"time":"%s"}`+"\n",
		kind%14, at.Format("15:04:05.000000000"), s.priority, s.message, kind%250, port, port, s.process, s.exe, s.parent, cmd, id, pod, s.process, kind%20, pod, kind%30,
		id, s.process, kind%20, pod, ns+int64(i%1000), port, kind%250, port, kind%30, pod, cmd, s.exe, s.process, s.parent, s.priority, s.rule, s.tags, stamp)
}
