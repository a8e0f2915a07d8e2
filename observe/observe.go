// Package observe looks at the host that Tiercel runs on. It only reads.
package observe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/knowledge"
)

// Host looks for what the controls of base need.
func Host(base *knowledge.Base) *analysis.Observed {
	name, err := os.Hostname()
	if err != nil {
		return nil
	}
	o := &analysis.Observed{Host: name, Seen: map[string]string{}}
	for _, id := range base.Controls() {
		for _, probe := range analysis.Probes(base.Control(id)) {
			if _, done := o.Seen[probe]; !done {
				if value, ok := look(probe); ok {
					o.Seen[probe] = value
				}
			}
		}
	}
	return o
}

// look carries out a probe; ok is false when it cannot be told here.
func look(probe string) (value string, ok bool) {
	what, arg, _ := strings.Cut(probe, " ")
	switch what {
	case "kernel":
		return firstLine("/proc/sys/kernel/osrelease")
	case "lsm":
		return firstLine("/sys/kernel/security/lsm")
	case "command":
		return findCommand(arg), true
	case "package":
		return installed(arg)
	case "file":
		if _, err := os.Stat(arg); err != nil {
			return "", os.IsNotExist(err)
		}
		return "there", true
	}
	return "", false
}

func firstLine(path string) (string, bool) {
	text, err := os.ReadFile(path)
	line, _, _ := strings.Cut(string(text), "\n")
	return line, err == nil
}

// findCommand also looks where a user's PATH may not reach.
func findCommand(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// installed asks dpkg for a package's version; not ok where there is no dpkg.
func installed(name string) (string, bool) {
	dpkg, err := exec.LookPath("dpkg-query")
	if err != nil {
		return "", false
	}
	out, err := exec.Command(dpkg, "-W", "-f", "${db:Status-Status} ${Version}", "--", name).Output()
	if err != nil {
		return "", true // dpkg-query fails for a package that it does not know
	}
	status, version, _ := strings.Cut(string(out), " ")
	if status != "installed" {
		return "", true
	}
	return version, true
}
