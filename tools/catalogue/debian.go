package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

var (
	binary    = regexp.MustCompile(`^(?:usr/)?s?bin/([^/]+)$`)
	unit      = regexp.MustCompile(`^(?:usr/)?lib/systemd/system/([^/]+\.(?:service|socket|timer|path|target|mount|slice))$`)
	initd     = regexp.MustCompile(`^etc/init\.d/([^/]+)$`)
	module    = regexp.MustCompile(`^(?:usr/)?lib/modules/6\.[^/]+/.*/([^/]+)\.ko(?:\.xz)?$`)
	etcFile   = regexp.MustCompile(`^etc/(.+)$`)
	rsyslogSO = regexp.MustCompile(`^usr/lib/[^/]+/rsyslog/([^/]+)\.so$`)
)

// debian reads the indexes of Debian 12's main: every package, program, unit,
// kernel module and file below /etc.
func debian() error {
	text, err := run("sh", "-c", `cat /var/lib/apt/lists/*_Packages* | lz4 -dc 2>/dev/null | grep '^Package: ' | cut -c10- | sort -u`)
	if err != nil {
		return fmt.Errorf("packages: %s", text)
	}
	packages := strings.Fields(text)
	if err := write("debian12-packages.txt.gz", "# Every binary package of Debian 12 main for amd64.\n", packages); err != nil {
		return err
	}
	virtual, err := run("sh", "-c", `cat /var/lib/apt/lists/*_Packages* | lz4 -dc 2>/dev/null | grep '^Provides: ' | cut -c11- | tr ',' '\n' | sed 's/(.*//; s/ //g' | grep -vE '^(lib|golang-|librust|ghc|haskell|rust-|node-|python3?-|ruby-|r-|php|perl|texlive|fonts)' | sort -u`)
	if err != nil {
		return fmt.Errorf("virtual packages: %s", virtual)
	}
	if err := write("debian12-virtual.txt.gz", "# Names that packages of Debian 12 main provide.\n", strings.Fields(virtual)); err != nil {
		return err
	}
	files, err := run("sh", "-c", `cd /var/lib/apt/lists && for f in *bookworm*_Contents-*.lz4; do lz4 -dc "$f"; done | grep -E '^(usr/)?s?bin/|lib/systemd/system/|^etc/|lib/modules/6|rsyslog/.*\.so'`)
	if err != nil {
		return fmt.Errorf("contents: %s", files)
	}
	bins, units, etc, modules, plugins := map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}
	for _, line := range strings.Split(files, "\n") {
		cut := strings.LastIndexAny(line, " \t")
		if cut < 0 {
			continue
		}
		path, places := strings.TrimSpace(line[:cut]), strings.Split(line[cut+1:], ",")
		pkg := places[0][strings.LastIndex(places[0], "/")+1:]
		put := func(set map[string]string, name string) {
			if old, ok := set[name]; !ok || len(pkg) < len(old) {
				set[name] = pkg
			}
		}
		for _, c := range []struct {
			re  *regexp.Regexp
			set map[string]string
		}{{binary, bins}, {unit, units}, {module, modules}, {etcFile, etc}, {rsyslogSO, plugins}} {
			if m := c.re.FindStringSubmatch(path); m != nil {
				put(c.set, m[1])
			}
		}
		if m := initd.FindStringSubmatch(path); m != nil {
			if _, ok := units[m[1]+".service"]; !ok {
				put(units, m[1]+".service")
			}
		}
	}
	for name, set := range map[string]map[string]string{"debian12-programs.txt.gz": bins, "debian12-units.txt.gz": units, "debian12-etc.txt.gz": etc} {
		if err := write(name, "# Of all packages of Debian 12 main for amd64: name, package.\n", pairs(set)); err != nil {
			return err
		}
	}
	names := map[string]bool{}
	for m := range modules {
		names[strings.ReplaceAll(m, "-", "_")] = true
	}
	if err := write("debian12-modules.txt.gz", "# Modules of Debian 12's kernels; built-in ones are not among them.\n", sorted(names)); err != nil {
		return err
	}
	return write("rsyslog-modules.txt", "# Modules of rsyslog in Debian 12.\n", sortedKeys(plugins))
}

func pairs(set map[string]string) []string {
	var list []string
	for name, pkg := range set {
		list = append(list, name+" "+pkg)
	}
	sort.Strings(list)
	return list
}

func sorted(set map[string]bool) []string {
	var list []string
	for name := range set {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

func sortedKeys(set map[string]string) []string {
	var list []string
	for name := range set {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

var (
	perInterface = regexp.MustCompile(`^(net\.ipv[46]\.(?:conf|neigh))\.[^.]+\.`)
	perDevice    = regexp.MustCompile(`^(kernel\.sched_domain|dev\.[a-z]+)\.[^.]*\d[^.]*\.`)
	underline    = regexp.MustCompile(`^([=\-~"^])+\s*$`)
	heading      = regexp.MustCompile(`^[a-z][A-Za-z0-9_./-]*(?:(?:,| and| &|\s)\s*[a-z][A-Za-z0-9_./-]*)*\s*(?:\(.*\))?:?$`)
	definition   = regexp.MustCompile("^(?:``)?([a-z][a-z0-9_/-]+)(?:``)?(?:, ?[a-z0-9_]+)* - [A-Za-z]")
	name         = regexp.MustCompile(`[a-z][A-Za-z0-9_-]*`)
)

// sysctls joins the keys that this kernel has with those that the
// documentation of 6.1 and 6.12 names.
func sysctls() error {
	text, err := run("sh", "-c", "sysctl -a -N 2>/dev/null")
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, key := range strings.Fields(text) {
		key = perInterface.ReplaceAllString(key, "$1.*.")
		if !perDevice.MatchString(key) {
			keys[key] = true
		}
	}
	dir, err := os.MkdirTemp("", "catalogue")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, version := range []string{"6.1", "6.12"} {
		pkg := "linux-doc-" + version
		if text, err := run("sh", "-c", `cd "$0" && apt-get download -qq "$1" && dpkg-deb -x "$1"_*.deb .`, dir, pkg); err != nil {
			return fmt.Errorf("%s: %s", pkg, text)
		}
		docs := filepath.Join(dir, "usr/share/doc", pkg, "Documentation")
		for file, prefix := range map[string]string{
			"admin-guide/sysctl/fs.rst.gz": "fs", "admin-guide/sysctl/kernel.rst.gz": "kernel", "admin-guide/sysctl/vm.rst.gz": "vm",
			"admin-guide/sysctl/net.rst.gz": "net.core", "admin-guide/sysctl/user.rst.gz": "user", "admin-guide/sysctl/abi.rst.gz": "abi",
			"networking/ip-sysctl.rst.gz": "net.ip", "networking/nf_conntrack-sysctl.rst.gz": "net.netfilter", "networking/ipvs-sysctl.rst.gz": "net.ipv4.vs",
		} {
			lines, err := readLines(filepath.Join(docs, file))
			if err != nil {
				return err
			}
			for i, line := range lines {
				under := i+1 < len(lines) && underline.MatchString(lines[i+1]) && line != ""
				m := definition.FindStringSubmatch(line)
				switch {
				case m != nil:
					for _, n := range strings.Split(strings.TrimSpace(strings.SplitN(line, " - ", 2)[0]), ",") {
						keys[prefix+"?."+strings.Trim(strings.TrimSpace(n), "`")] = true
					}
				case under && heading.MatchString(line):
					head, _, _ := strings.Cut(line, "(")
					for _, n := range name.FindAllString(head, -1) {
						if n != "and" {
							keys[prefix+"?."+n] = true
						}
					}
				}
			}
		}
	}
	return write("sysctl.txt", "# Keys of Linux 6.18 (sysctl -a; * is an interface) and names that the documentation of 6.1 and 6.12 gives (prefix?.name: somewhere below the prefix).\n", sorted(keys))
}

func readLines(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	return strings.Split(string(text), "\n"), err
}

var directive = regexp.MustCompile(`\b([A-Z][A-Za-z0-9]+)=`)

// keywords reads the words of configuration files out of their manual pages.
func keywords() error {
	dir, err := os.MkdirTemp("", "catalogue")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, pkg := range []string{"systemd", "openssh-server", "openssh-client", "auditd", "logrotate"} {
		if text, err := run("sh", "-c", `cd "$0" && apt-get download -qq "$1" && dpkg-deb -x "$1"_*.deb .`, dir, pkg); err != nil {
			return fmt.Errorf("%s: %s", pkg, text)
		}
	}
	page := func(section, name string) (string, error) {
		return run("sh", "-c", `man -E ascii --nh --nj -l "$0" 2>/dev/null | col -bx`, filepath.Join(dir, "usr/share/man/man"+section, name+"."+section+".gz"))
	}
	systemd := map[string]bool{}
	for _, n := range []string{"systemd.unit", "systemd.exec", "systemd.service", "systemd.socket", "systemd.timer", "systemd.mount", "systemd.path", "systemd.slice", "systemd.scope", "systemd.swap", "systemd.automount", "systemd.resource-control", "systemd.kill", "systemd.device"} {
		text, err := page("5", n)
		if err != nil {
			return err
		}
		for _, m := range directive.FindAllStringSubmatch(text, -1) {
			systemd[m[1]] = true
		}
	}
	if err := write("systemd-directives.txt", "# Directives that systemd 252's manual pages of units name.\n", sorted(systemd)); err != nil {
		return err
	}
	for file, at := range map[string][3]string{
		"sshd-keywords.txt":     {"5", "sshd_config", `(?m)^ {5}([A-Z][A-Za-z0-9]+)(?:\s|$)`},
		"ssh-keywords.txt":      {"5", "ssh_config", `(?m)^ {5}([A-Z][A-Za-z0-9]+)(?:\s|$)`},
		"journald-keywords.txt": {"5", "journald.conf", `(?m)^ {7}([A-Z][A-Za-z0-9]+)=`},
		"auditd-keywords.txt":   {"5", "auditd.conf", `(?m)^ {7}([a-z][a-z0-9_]+)(?:\s|$)`},
		"logrotate.txt":         {"8", "logrotate", `(?m)^ {7}([a-z]+)(?:\s|$)`},
	} {
		text, err := page(at[0], at[1])
		if err != nil {
			return err
		}
		words := map[string]bool{}
		for _, m := range regexp.MustCompile(at[2]).FindAllStringSubmatch(text, -1) {
			words[m[1]] = true
		}
		if file == "journald-keywords.txt" {
			for _, m := range directive.FindAllStringSubmatch(text, -1) {
				words[m[1]] = true
			}
		}
		if err := write(file, "# Keywords of "+at[1]+" in Debian 12, by its manual page.\n", sorted(words)); err != nil {
			return err
		}
	}
	services, err := run("sh", "-c", `cd "$0" && apt-get download -qq netbase && dpkg-deb -x netbase_*.deb . && grep -oE '^[A-Za-z0-9_-]+' etc/services | sort -u`, dir)
	if err != nil {
		return fmt.Errorf("netbase: %s", services)
	}
	if err := write("services.txt", "# Services of Debian 12's /etc/services.\n", strings.Fields(services)); err != nil {
		return err
	}
	text, err := run("sh", "-c", `for a in x86_64 i386 aarch64; do ausyscall $a --dump | awk 'NR>1 {print $2}'; done; grep -ho '__NR_[a-z0-9_]*' /usr/include/*/asm/unistd_64.h /usr/include/*/asm/unistd_32.h | cut -c6-; for i in $(seq 424 470); do scmp_sys_resolver $i 2>/dev/null; done | grep -v UNKNOWN`)
	if err != nil && text == "" {
		return err
	}
	calls := map[string]bool{}
	for _, w := range strings.Fields(text) {
		if regexp.MustCompile(`^[a-z_][a-z0-9_]*$`).MatchString(w) {
			calls[w] = true
		}
	}
	return write("syscalls.txt", "# System calls of x86_64, i386 and aarch64 (auditd 3.0.9, headers of Linux 6.1).\n", sorted(calls))
}
