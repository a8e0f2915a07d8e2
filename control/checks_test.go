// Package control_test checks every command and every file of the controls
// with the program that it is for, where that program is installed.
package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/opencontainers/runtime-spec/specs-go"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeyaml "sigs.k8s.io/yaml"

	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/shell"
)

const dataDir = "../knowledge/data"

// samples are values that the fields of an alert can have.
var samples = map[string]string{
	"container.id":               "0123456789ab",
	"container.image.repository": "registry.example.net/shop/web",
	"container.name":             "web-1",
	"fd.name":                    "/var/log/auth.log",
	"fd.rip":                     "203.0.113.9",
	"k8s.ns.name":                "shop",
	"k8s.pod.name":               "web-5d8c7b9f4-x2x7q",
	"proc.exepath":               "/usr/local/bin/it's a program",
	"proc.pid":                   "4242",
	"proc.pname":                 "nginx",
	"user.loginuid":              "1000",
	"user.name":                  "daemon",
}

var eventTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// words are examples for the upper-case words that a reader fills in.
var words = map[string]string{
	"ACCOUNT": "ana", "ADDRESS": "203.0.113.9", "APP": "app", "CONTAINER": "web", "DATE": "2026-01-02",
	"DEPLOYMENT": "web", "DEVICE": "/dev/vdz", "DIGEST": "sha256:" + strings.Repeat("0", 64), "FILE": "/home/ana/.ssh/authorized_keys",
	"FINGERPRINT": "SHA256:abc", "HOPS": "2", "IAM_USER": "ana", "IMAGE": "busybox", "IMAGE_ID": "0123456789ab", "INSTANCE": "i-0123456789abcdef0",
	"KEY_ID": "AKIAEXAMPLE", "LOGHOST": "logs.example.net", "MOUNTPOINT": "/srv", "NAME": "web", "NETWORK": "bridge", "NODE": "node-1",
	"OLD_SHELL": "/bin/sh", "PACKAGE": "sudo", "PARENT": "nginx", "PID": "4242", "PROGRAM": "/usr/bin/app", "RULE": "Terminal shell in container",
	"PEER": "192.0.2.7", "UNIT": "web.service", "VERSION": "1.2-3",
}

// constants are upper-case words that mean themselves.
var constants = regexp.MustCompile(`^(ALL|CONT|DENIED|MOUNTPOINTS|NET_RAW|OPTIONS|PATH|RO|RW|SCMP_[A-Z0-9_]+|SIZE|STOP|SHA256|TARGET|TYPE|VOLUMES|NAME)$`)

var upperWord = regexp.MustCompile(`[A-Za-z0-9_]+`)

func upperWords(text string) []string {
	var found []string
	for _, w := range upperWord.FindAllString(text, -1) {
		if len(w) > 1 && strings.Trim(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" && strings.Trim(w, "_") != "" {
			found = append(found, w)
		}
	}
	return found
}

// fillWords replaces each upper-case word that has an example.
func fillWords(text string) string {
	return upperWord.ReplaceAllStringFunc(text, func(w string) string {
		if v, ok := words[w]; ok {
			return v
		}
		return w
	})
}

// placed is an action and where it stands.
type placed struct {
	*knowledge.Action
	section string
	at      string
}

var load = sync.OnceValues(func() ([]*knowledge.Control, error) {
	set, problems := knowledge.ReadSet(os.DirFS(dataDir))
	for _, p := range problems {
		if strings.HasPrefix(p.File, "controls/") {
			return nil, p
		}
	}
	var controls []*knowledge.Control
	for _, c := range set.Controls {
		controls = append(controls, c)
	}
	sort.Slice(controls, func(i, j int) bool { return controls[i].ID < controls[j].ID })
	return controls, nil
})

func controls(t *testing.T) []*knowledge.Control {
	t.Helper()
	list, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no controls")
	}
	return list
}

// actions returns everything that a control says to do, preconditions' checks included.
func actions(c *knowledge.Control) []placed {
	var list []placed
	for i := range c.Needs {
		if n := c.Needs[i]; len(n.Check) > 0 {
			list = append(list, placed{&knowledge.Action{Say: n.Say, Run: n.Check}, "needs", fmt.Sprintf("%s needs[%d]", c.ID, i)})
		}
	}
	for _, s := range []struct {
		name string
		of   []knowledge.Action
	}{{"steps", c.Steps}, {"check", c.Check}, {"undo", c.Undo}} {
		for i := range s.of {
			list = append(list, placed{&s.of[i], s.name, fmt.Sprintf("%s %s[%d]", c.ID, s.name, i)})
		}
	}
	return list
}

func expand(t *testing.T, at, text string) string {
	t.Helper()
	tpl, err := knowledge.ParseTemplate(text)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	var b strings.Builder
	for _, p := range tpl {
		switch v, ok := samples[p.Field]; {
		case p.Field == "":
			b.WriteString(p.Text)
		case p.Timed:
			b.WriteString(p.Time(eventTime))
		case ok:
			b.WriteString(v)
		default:
			t.Errorf("%s: no sample for {%s}: a command may use fields with a shape only", at, p.Field)
		}
	}
	return b.String()
}

// argvs returns an action's commands with values in the place of fields.
func argvs(t *testing.T, a placed) [][]string {
	t.Helper()
	var list [][]string
	for _, argv := range a.Argvs() {
		done := make([]string, len(argv))
		for i, arg := range argv {
			done[i] = expand(t, a.at, arg)
		}
		list = append(list, done)
	}
	return list
}

// script renders an action as a reader gets it.
func script(t *testing.T, a placed) string {
	t.Helper()
	var text string
	var err error
	switch {
	case a.File != nil:
		text, err = shell.WriteFile(a.File.Path, a.File.Mode, a.File.Content)
	case a.Remove != "":
		text, err = shell.Join([]string{"sudo", "rm", a.Remove})
	default:
		text, err = shell.Pipe(argvs(t, a))
	}
	if err != nil {
		t.Errorf("%s: %v", a.at, err)
	}
	return text
}

// need returns the path of a program, also where only root's PATH has it, or skips.
func need(t *testing.T, name string) string {
	t.Helper()
	p, err := find(name)
	if err != nil {
		t.Skipf("%s is not installed (testdata/apt-packages.txt)", name)
	}
	return p
}

func find(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/local/sbin"} {
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p, nil
		}
	}
	return "", exec.ErrNotFound
}

// run returns both outputs of a command together.
func run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "MANPAGER=cat", "PAGER=cat")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// private returns a command that runs in namespaces of its own, so that it
// can change nothing here; it skips where that is not allowed.
func private(t *testing.T, args ...string) []string {
	t.Helper()
	prefix := []string{need(t, "unshare"), "--mount", "--net"}
	if os.Geteuid() != 0 {
		prefix = append(prefix, "--map-root-user")
	}
	if out, err := run(prefix[0], append(prefix[1:], "true")...); err != nil {
		t.Skipf("no namespaces here: %v %s", err, out)
	}
	return append(prefix, args...)
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// files calls f for every file of a syntax, as a test of its own.
func files(t *testing.T, syntax string, f func(t *testing.T, a placed, content string)) {
	t.Helper()
	n := 0
	for _, c := range controls(t) {
		for _, a := range actions(c) {
			if a.File == nil || a.File.Syntax != syntax {
				continue
			}
			n++
			t.Run(strings.ReplaceAll(a.at, " ", "/"), func(t *testing.T) { f(t, a, fillWords(a.File.Content)) })
		}
	}
	if n == 0 {
		t.Errorf("no file with syntax %s", syntax)
	}
}

func TestCommandsAreShell(t *testing.T) {
	sh := need(t, "sh")
	shellcheck, missing := find("shellcheck")
	for _, c := range controls(t) {
		t.Run(c.ID, func(t *testing.T) {
			var all strings.Builder
			all.WriteString("#!/bin/sh\n")
			for _, a := range actions(c) {
				text := script(t, a)
				if err := shell.Check(text, false); err != nil {
					t.Errorf("%s: %v\n%s", a.at, err, text)
				}
				all.WriteString(text + "\n")
				for _, argv := range argvs(t, a) {
					for i := range argv {
						if slices.Contains([]string{">", ">>", "<", "|", "&&", "||", "&"}, argv[i]) {
							t.Errorf("%s: %q is not seen by a shell in argv", a.at, argv[i])
						}
						if i > 1 && argv[i-1] == "-c" && argv[i-2] == "sh" {
							all.WriteString("(\n" + argv[i] + "\n)\n")
						}
					}
				}
			}
			file := write(t, "commands.sh", all.String())
			if out, err := run(sh, "-n", file); err != nil {
				t.Errorf("sh -n: %v\n%s", err, out)
			}
			if missing != nil {
				t.Skip("shellcheck is not installed (testdata/apt-packages.txt)")
			}
			// SC2016: programs of jq, awk and Go templates stand in single quotes on purpose.
			// SC2024, SC2148 and the like stay on.
			if out, err := run(shellcheck, "--shell=sh", "--exclude=SC2016", file); err != nil {
				t.Errorf("shellcheck: %v\n%s", err, out)
			}
		})
	}
}

// program says where a program comes from and how its options can be asked for.
type program struct {
	origin string // Debian package, or "upstream: …"
	sub    bool   // has subcommands, each with --help of its own
	manual bool   // --help leaves options out, the manual page has them
	noHelp bool   // neither --help nor a manual page can be had without a network or a licence
}

var programs = map[string]program{
	"aide":            {origin: "aide"},
	"aideinit":        {origin: "aide-common"},
	"apparmor_parser": {origin: "apparmor"},
	"apt-cache":       {origin: "apt"},
	"apt-get":         {origin: "apt", manual: true},
	"auditctl":        {origin: "auditd"},
	"augenrules":      {origin: "auditd"},
	"ausearch":        {origin: "auditd"},
	"awk":             {origin: "mawk"},
	"aws":             {origin: "awscli", noHelp: true},
	"blockdev":        {origin: "util-linux"},
	"cat":             {origin: "coreutils"},
	"chage":           {origin: "passwd"},
	"chattr":          {origin: "e2fsprogs"},
	"cp":              {origin: "coreutils"},
	"crictl":          {origin: "upstream: kubernetes-sigs/cri-tools", noHelp: true},
	"crontab":         {origin: "cron"},
	"curl":            {origin: "curl", manual: true},
	"df":              {origin: "coreutils"},
	"docker":          {origin: "docker.io", sub: true},
	"dpkg":            {origin: "dpkg"},
	"dpkg-query":      {origin: "dpkg"},
	"falco":           {origin: "upstream: falcosecurity/falco"},
	"find":            {origin: "findutils"},
	"findmnt":         {origin: "util-linux"},
	"gcore":           {origin: "gdb"},
	"getent":          {origin: "libc-bin"},
	"gpasswd":         {origin: "passwd"},
	"grep":            {origin: "grep"},
	"groupadd":        {origin: "passwd"},
	"groupdel":        {origin: "passwd"},
	"head":            {origin: "coreutils"},
	"install":         {origin: "coreutils"},
	"journalctl":      {origin: "systemd"},
	"jq":              {origin: "jq"},
	"kill":            {origin: "procps"},
	"kubectl":         {origin: "upstream: kubernetes/kubectl", sub: true},
	"last":            {origin: "util-linux"},
	"lastb":           {origin: "util-linux"},
	"logger":          {origin: "bsdutils"},
	"loginctl":        {origin: "systemd"},
	"ls":              {origin: "coreutils"},
	"lsattr":          {origin: "e2fsprogs"},
	"lsblk":           {origin: "util-linux"},
	"lsmod":           {origin: "kmod"},
	"mkdir":           {origin: "coreutils"},
	"mount":           {origin: "mount"},
	"nft":             {origin: "nftables"},
	"nsenter":         {origin: "util-linux"},
	"printf":          {origin: "coreutils"},
	"ps":              {origin: "procps"},
	"python3":         {origin: "python3-minimal"},
	"rm":              {origin: "coreutils"},
	"rsyslogd":        {origin: "rsyslog"},
	"runc":            {origin: "runc"},
	"sed":             {origin: "sed"},
	"sh":              {origin: "dash"},
	"sha256sum":       {origin: "coreutils"},
	"ss":              {origin: "iproute2"},
	"ssh-keygen":      {origin: "openssh-client"},
	"sshd":            {origin: "openssh-server"},
	"sudo":            {origin: "sudo"},
	"sysctl":          {origin: "procps"},
	"systemctl":       {origin: "systemd"},
	"systemd-analyze": {origin: "systemd"},
	"tar":             {origin: "tar"},
	"tee":             {origin: "coreutils"},
	"touch":           {origin: "coreutils"},
	"true":            {origin: "coreutils"},
	"uname":           {origin: "coreutils"},
	"unshare":         {origin: "util-linux"},
	"usermod":         {origin: "passwd"},
	"who":             {origin: "coreutils"},
	"xargs":           {origin: "findutils"},
}

// wrappers run the command that follows their options; the value says which
// of their options take an argument.
var wrappers = map[string]map[string]bool{
	"sudo":    {},
	"xargs":   {"-I": true, "-a": true},
	"nsenter": {"--target": true},
	"unshare": {},
}

// unwrap returns a command and the commands that it runs in turn, each with
// its own arguments only.
func unwrap(argv []string) [][]string {
	takes, ok := wrappers[argv[0]]
	if !ok {
		list := [][]string{argv}
		for i, arg := range argv {
			if arg == "-exec" && i+1 < len(argv) {
				list = append(list, argv[i+1:])
			}
		}
		return list
	}
	i := 1
	for i < len(argv) && strings.HasPrefix(argv[i], "-") {
		if argv[i] == "--" {
			i++
			break
		}
		if takes[argv[i]] {
			i++
		}
		i++
	}
	list := [][]string{argv[:min(i, len(argv))]}
	if i < len(argv) {
		list = append(list, unwrap(argv[i:])...)
	}
	return list
}

// commands calls f for each single command of each action.
func commands(t *testing.T, f func(a placed, argv []string)) {
	t.Helper()
	for _, c := range controls(t) {
		for _, a := range actions(c) {
			for _, argv := range argvs(t, a) {
				if len(argv) == 0 {
					t.Errorf("%s: empty command", a.at)
					continue
				}
				for _, single := range unwrap(argv) {
					f(a, single)
				}
			}
		}
	}
}

func TestProgramsAreKnown(t *testing.T) {
	commands(t, func(a placed, argv []string) {
		if _, ok := programs[argv[0]]; !ok {
			t.Errorf("%s: %s is in no known package", a.at, argv[0])
		}
	})
}

// helps caches what a program says of its options.
var helps = map[string]string{}

func helpOf(name, sub string) (string, error) {
	key := name + " " + sub
	if text, ok := helps[key]; ok {
		return text, nil
	}
	path, err := find(name)
	if err != nil {
		return "", err
	}
	args := append(strings.Fields(sub), "--help")
	text, _ := run(path, args...) // many print their help with a status of 1
	if name == "kubectl" {
		more, _ := run(path, "options")
		text += more
	}
	if !programs[name].sub {
		page, err := run("man", name)
		if err == nil {
			text += regexp.MustCompile(".\b").ReplaceAllString(page, "")
		} else if programs[name].manual {
			return "", fmt.Errorf("no manual page of %s: %w", name, err)
		}
	}
	helps[key] = text
	return text, nil
}

var subcommandWord = regexp.MustCompile(`^[a-z][a-z-]*$`)

// subcommand returns the words between a program and its first argument that
// is not a subcommand: "docker network disconnect" of a longer command.
func subcommand(argv []string) string {
	depth := map[string]int{"network": 2, "image": 2, "auth": 2, "rollout": 2, "set": 2}
	var found []string
	for i := 1; i < len(argv); i++ {
		if argv[i] == "-n" {
			i++
			continue
		}
		if !subcommandWord.MatchString(argv[i]) {
			break
		}
		found = append(found, argv[i])
		if len(found) >= max(1, depth[found[0]]) {
			break
		}
	}
	return strings.Join(found, " ")
}

func TestOptionsExist(t *testing.T) {
	missing := map[string]bool{}
	commands(t, func(a placed, argv []string) {
		p := programs[argv[0]]
		if p.noHelp || p.origin == "" {
			return
		}
		sub := ""
		if p.sub {
			sub = subcommand(argv)
		}
		for i, arg := range argv[1:] {
			if arg == "--" {
				break
			}
			if !strings.HasPrefix(arg, "--") || argv[0] == "printf" {
				continue
			}
			if argv[0] == "docker" && sub == "run" && i > 0 && slices.Contains(argv[:i+1], "IMAGE") {
				break
			}
			name, _, _ := strings.Cut(arg, "=")
			text, err := helpOf(argv[0], sub)
			if err != nil {
				missing[argv[0]] = true
				return
			}
			if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(text) {
				t.Errorf("%s: %s %s has no option %s", a.at, argv[0], sub, name)
			}
		}
	})
	for name := range missing {
		t.Run(name, func(t *testing.T) {
			t.Skipf("%s or its manual page is not installed: its options were not looked up", name)
		})
	}
}

// TestFindRuns runs every find in an empty folder: it refuses tests and
// options that do not exist.
func TestFindRuns(t *testing.T) {
	path := need(t, "find")
	commands(t, func(a placed, argv []string) {
		if argv[0] != "find" {
			return
		}
		args := []string{t.TempDir()}
		for _, arg := range argv[1:] {
			if len(args) > 1 || !strings.HasPrefix(arg, "/") {
				args = append(args, arg)
			}
		}
		if out, err := run(path, args...); err != nil {
			t.Errorf("%s: %v %s", a.at, err, out)
		}
	})
}

// TestFilledIn holds the upper-case words of commands and files against the
// sentences: each is explained before it is used, and none is in a command
// that destroys something.
func TestFilledIn(t *testing.T) {
	for _, c := range controls(t) {
		explained := map[string]bool{}
		explain := func(text string) {
			for _, w := range upperWords(text) {
				explained[w] = true
			}
		}
		for _, n := range c.Needs {
			explain(n.Say)
		}
		for _, a := range actions(c) {
			explain(a.Say)
			var text []string
			for _, argv := range a.Argvs() {
				for i, arg := range argv {
					if i > 0 && argv[i-1] == "-I" {
						explained[arg] = true // xargs puts it in
					}
				}
				text = append(text, argv...)
				for _, single := range unwrap(argv) {
					if w := upperWords(strings.Join(single, " ")); destroys(single) && len(w) > 0 && !allConstant(w) {
						t.Errorf("%s: %s destroys something, so it may not have %v to fill in", a.at, single[0], w)
					}
				}
			}
			if a.File != nil {
				text = append(text, a.File.Path)
				if slices.Contains([]string{"kubernetes", "falco", "rsyslog", "audit"}, a.File.Syntax) {
					text = append(text, placeholders(a.File.Content)...)
				}
			}
			for _, w := range upperWords(strings.Join(text, " ")) {
				if _, known := words[w]; known && !explained[w] && !constants.MatchString(w) {
					t.Errorf("%s: %s is not explained", a.at, w)
				} else if !known && !constants.MatchString(w) {
					t.Errorf("%s: %s is neither a word to fill in nor a known constant", a.at, w)
				}
			}
		}
	}
}

// placeholders returns the words of a file that are known as such.
func placeholders(content string) []string {
	var found []string
	for _, w := range upperWords(content) {
		if _, ok := words[w]; ok {
			found = append(found, w)
		}
	}
	return found
}

func allConstant(list []string) bool {
	for _, w := range list {
		if !constants.MatchString(w) {
			return false
		}
	}
	return true
}

func destroys(argv []string) bool {
	switch argv[0] {
	case "rm", "dd", "shred", "mkfs", "kill", "groupdel":
		return true
	case "loginctl":
		return len(argv) > 1 && strings.HasPrefix(argv[1], "terminate")
	case "docker", "kubectl":
		return slices.Contains(argv, "delete") || slices.Contains(argv, "rm")
	}
	return false
}

// TestUndoRemovesFiles: each file that a step writes is removed by the undo.
func TestUndoRemovesFiles(t *testing.T) {
	for _, c := range controls(t) {
		removed := map[string]bool{}
		for _, a := range c.Undo {
			removed[a.Remove] = true
		}
		for i, a := range c.Steps {
			if a.File == nil {
				continue
			}
			if !removed[a.File.Path] {
				t.Errorf("%s steps[%d]: the undo does not remove %s", c.ID, i, a.File.Path)
			}
			if !regexp.MustCompile(`^0[0-7]{3}$`).MatchString(a.File.Mode) {
				t.Errorf("%s steps[%d]: mode %q", c.ID, i, a.File.Mode)
			}
		}
		for _, a := range c.Undo {
			if strings.HasPrefix(a.Remove, "/home") || a.Remove != "" && strings.Count(a.Remove, "/") < 2 {
				t.Errorf("%s: removes %s", c.ID, a.Remove)
			}
		}
	}
}

// keysElsewhere are sysctl keys that not every kernel has, with what it needs.
var keysElsewhere = map[string]string{
	"kernel.modules_disabled":          "CONFIG_MODULES",
	"kernel.unprivileged_bpf_disabled": "CONFIG_BPF_SYSCALL",
	"kernel.unprivileged_userns_clone": "Debian's and Ubuntu's patch",
	"kernel.yama.ptrace_scope":         "CONFIG_SECURITY_YAMA",
	"vm.memfd_noexec":                  "Linux 6.3, CONFIG_SYSCTL and CONFIG_MEMFD_CREATE",
	"vm.unprivileged_userfaultfd":      "CONFIG_USERFAULTFD",
}

func checkKey(t *testing.T, at, key string) {
	t.Helper()
	if !regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`).MatchString(key) {
		t.Errorf("%s: %q is not a sysctl key", at, key)
		return
	}
	_, err := os.Stat("/proc/sys/" + strings.ReplaceAll(key, ".", "/"))
	if _, known := keysElsewhere[key]; err != nil && !known {
		t.Errorf("%s: this kernel has no %s, and keysElsewhere does not say which has", at, key)
	}
}

func TestSysctlFiles(t *testing.T) {
	files(t, "sysctl", func(t *testing.T, a placed, content string) {
		for line := range strings.Lines(content) {
			key, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
			if !ok || !regexp.MustCompile(`^[0-9]+$`).MatchString(value) {
				t.Errorf("not key = value: %q", line)
			}
			checkKey(t, a.at, key)
		}
		if !strings.HasPrefix(a.File.Path, "/etc/sysctl.d/") || !strings.HasSuffix(a.File.Path, ".conf") {
			t.Errorf("%s is not read at boot", a.File.Path)
		}
	})
}

func TestSysctlCommands(t *testing.T) {
	commands(t, func(a placed, argv []string) {
		if argv[0] != "sysctl" {
			return
		}
		loads := false
		for _, arg := range argv[1:] {
			switch {
			case arg == "-p":
				loads = true
			case loads && strings.HasPrefix(arg, "/etc/sysctl.d/"):
			case strings.HasPrefix(arg, "-"):
			default:
				key, _, _ := strings.Cut(arg, "=")
				checkKey(t, a.at, key)
			}
		}
	})
}

func TestRsyslogFiles(t *testing.T) {
	rsyslogd := need(t, "rsyslogd")
	files(t, "rsyslog", func(t *testing.T, a placed, content string) {
		// Debian's own rsyslog.conf sets the folder for queues.
		file := write(t, "rsyslog.conf", "global(workDirectory=\""+t.TempDir()+"\")\n"+content)
		if out, err := run(rsyslogd, "-N1", "-f", file); err != nil || strings.Contains(out, "error") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestApparmorFiles(t *testing.T) {
	parser := need(t, "apparmor_parser")
	files(t, "apparmor", func(t *testing.T, a placed, content string) {
		if out, err := run(parser, "-Q", "-K", write(t, "profile", content)); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestSshdFiles(t *testing.T) {
	sshd, keygen := need(t, "sshd"), need(t, "ssh-keygen")
	key := filepath.Join(t.TempDir(), "key")
	if out, err := run(keygen, "-q", "-t", "ed25519", "-N", "", "-f", key); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	files(t, "sshd", func(t *testing.T, a placed, content string) {
		file := write(t, "sshd_config", content)
		// sshd insists on its folder below /run, which a container has not.
		argv := private(t, "sh", "-c", `mount -t tmpfs none /run && mkdir -m 0755 /run/sshd && exec "$@"`, "sh", sshd, "-t", "-f", file, "-h", key)
		if out, err := run(argv[0], argv[1:]...); err != nil || strings.TrimSpace(out) != "" {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestSystemdFiles(t *testing.T) {
	analyze := need(t, "systemd-analyze")
	files(t, "systemd", func(t *testing.T, a placed, content string) {
		dir := t.TempDir()
		dropin := filepath.Join(dir, "t.service.d", filepath.Base(a.File.Path))
		if err := os.MkdirAll(filepath.Dir(dropin), 0o755); err != nil {
			t.Fatal(err)
		}
		unit := filepath.Join(dir, "t.service")
		for path, text := range map[string]string{unit: "[Unit]\nDescription=t\n[Service]\nExecStart=/bin/true\n", dropin: content} {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", unit)
		cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":", "LC_ALL=C")
		out, err := cmd.CombinedOutput() // an unknown key is a warning with status 0
		if err != nil || strings.Contains(string(out), dropin) {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestFstabLines(t *testing.T) {
	findmnt := need(t, "findmnt")
	lines := 0
	for _, c := range controls(t) {
		for _, a := range actions(c) {
			argv := argvs(t, a)
			if len(argv) != 2 || argv[0][0] != "printf" || !slices.Contains(argv[1], "/etc/fstab") {
				continue
			}
			lines++
			file := write(t, "fstab", argv[0][2]+"\n")
			out, err := run(findmnt, "--verify", "--tab-file", file)
			if err != nil || !strings.Contains(out, "Success") {
				t.Errorf("%s: %v\n%s", a.at, err, out)
			}
			// The undo takes exactly this line out.
			for _, u := range c.Undo {
				if i := slices.Index(u.Run, "-e"); i >= 0 && slices.Contains(u.Run, "sed") {
					other := "tmpfs /tmp tmpfs defaults 0 0\n"
					both := write(t, "fstab", other+argv[0][2]+"\n")
					if got, err := run("sed", "-e", expand(t, a.at, u.Run[i+1]), both); err != nil || got != other {
						t.Errorf("%s: the undo leaves %q %v", c.ID, got, err)
					}
				}
			}
		}
	}
	if lines == 0 {
		t.Error("no line for fstab")
	}
}

// TestNftables runs all nft commands of a control, in order, in a network
// namespace of its own.
func TestNftables(t *testing.T) {
	nft := need(t, "nft")
	for _, c := range controls(t) {
		var lines []string
		for _, a := range actions(c) {
			if a.File != nil && strings.HasSuffix(a.File.Path, ".nft") {
				file := write(t, "rules.nft", a.File.Content)
				lines = append(lines, nft+" -c -f "+file, nft+" -f "+file)
			}
			for _, argv := range argvs(t, a) {
				for _, single := range unwrap(argv) {
					if single[0] != "nft" || slices.Contains(single, "-f") {
						continue
					}
					for i := range single {
						single[i] = fillWords(single[i])
					}
					line, err := shell.Join(append([]string{nft}, single[1:]...))
					if err != nil {
						t.Fatal(err)
					}
					lines = append(lines, line)
				}
			}
		}
		if len(lines) == 0 {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			text := "set -e\n" + strings.Join(lines, "\n") + "\n" + nft + " list ruleset | grep . && exit 1\nexit 0\n"
			argv := private(t, "sh", write(t, "nft.sh", text))
			if out, err := run(argv[0], argv[1:]...); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// auditFields are the fields that the rules may test (auditctl(8)).
var auditFields = []string{"a0", "a1", "a2", "a3", "arch", "auid", "dir", "exit", "key", "path", "perm"}

var auditRule = regexp.MustCompile(`^-a always,exit -F arch=b(32|64)( -S [a-z0-9_,]+)?( -F [a-z0-9]+(>=|!=|=|&)\S+)+$`)

func TestAuditFiles(t *testing.T) {
	ausyscall, _ := find("ausyscall")
	auditctl, _ := find("auditctl")
	files(t, "audit", func(t *testing.T, a placed, content string) {
		var key string
		for line := range strings.Lines(content) {
			line = strings.TrimSpace(line)
			if !auditRule.MatchString(line) {
				t.Errorf("not a rule as these are written: %s", line)
				continue
			}
			parts := strings.Fields(line)
			var arch string
			for i, w := range parts {
				switch w {
				case "-F":
					name, value, _ := strings.Cut(parts[i+1], "=")
					name = strings.TrimRight(name, ">!&")
					name, _, _ = strings.Cut(name, "&")
					if !slices.Contains(auditFields, name) {
						t.Errorf("unknown field %s: %s", name, line)
					}
					switch name {
					case "arch":
						arch = map[string]string{"b64": "x86_64", "b32": "i386"}[value]
					case "key":
						if key != "" && key != value {
							t.Errorf("two keys in one file: %s and %s", key, value)
						}
						key = value
					}
				case "-S":
					for _, call := range strings.Split(parts[i+1], ",") {
						if ausyscall == "" {
							continue
						}
						if out, err := run(ausyscall, arch, call, "--exact"); err != nil {
							t.Errorf("no call %s on %s: %s", call, arch, out)
						}
					}
				}
			}
		}
		if key == "" {
			t.Error("no key")
		}
		loadAudit(t, auditctl, content)
	})
}

// loadAudit loads the rules and deletes them again, but only where auditing
// is off and there are no rules: then nothing is lost or recorded.
func loadAudit(t *testing.T, auditctl, content string) {
	t.Helper()
	if auditctl == "" {
		t.Skip("auditctl is not installed: the rules were not loaded (testdata/apt-packages.txt)")
	}
	status, err := run(auditctl, "-s")
	if err != nil || !strings.Contains(status, "enabled 0") {
		t.Skipf("the rules were not loaded: auditing is on, or out of reach here (%v)", err)
	}
	if rules, err := run(auditctl, "-l"); err != nil || !strings.Contains(rules, "No rules") {
		t.Skipf("the rules were not loaded: there are others (%v)", err)
	}
	home := t.TempDir()
	content = regexp.MustCompile(`dir=/(home|root|etc|var/spool)/\S*`).ReplaceAllStringFunc(content, func(s string) string {
		if _, err := os.Stat(strings.TrimPrefix(s, "dir=")); err == nil {
			return s
		}
		dir := filepath.Join(home, strings.ReplaceAll(s, "/", "_")) // a folder has to exist
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
		return "dir=" + dir
	})
	file := write(t, "audit.rules", content)
	t.Cleanup(func() {
		if out, err := run(auditctl, "-D"); err != nil {
			t.Errorf("the rules are still there: %v %s", err, out)
		}
	})
	if out, err := run(auditctl, "-R", file); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	loaded, _ := run(auditctl, "-l")
	if got, want := strings.Count(loaded, "\n"), strings.Count(content, "\n"); got != want {
		t.Errorf("%d rules loaded of %d:\n%s", got, want, loaded)
	}
}

// auditPolicy is audit.k8s.io/v1 Policy; its own Go module brings half of the
// API server with it.
type auditPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	OmitStages        []string `json:"omitStages,omitempty"`
	OmitManagedFields bool     `json:"omitManagedFields,omitempty"`
	Rules             []struct {
		Level     string   `json:"level"`
		Users     []string `json:"users,omitempty"`
		Verbs     []string `json:"verbs,omitempty"`
		Resources []struct {
			Group         string   `json:"group,omitempty"`
			Resources     []string `json:"resources,omitempty"`
			ResourceNames []string `json:"resourceNames,omitempty"`
		} `json:"resources,omitempty"`
		Namespaces []string `json:"namespaces,omitempty"`
		OmitStages []string `json:"omitStages,omitempty"`
	} `json:"rules"`
}

var kubernetesTypes = map[string]func() any{
	"admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy":        func() any { return new(admissionv1.ValidatingAdmissionPolicy) },
	"admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding": func() any { return new(admissionv1.ValidatingAdmissionPolicyBinding) },
	"apps/v1 Deployment":                 func() any { return new(appsv1.Deployment) },
	"audit.k8s.io/v1 Policy":             func() any { return new(auditPolicy) },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return new(networkingv1.NetworkPolicy) },
	"v1 Pod":                             func() any { return new(corev1.Pod) },
}

func TestKubernetesFiles(t *testing.T) {
	files(t, "kubernetes", func(t *testing.T, a placed, content string) {
		for _, doc := range strings.Split(content, "\n---\n") {
			var meta metav1.TypeMeta
			if err := kubeyaml.Unmarshal([]byte(doc), &meta); err != nil {
				t.Fatal(err)
			}
			name := meta.APIVersion + " " + meta.Kind
			newObject, ok := kubernetesTypes[name]
			if !ok {
				t.Errorf("unknown type %q", name)
				continue
			}
			object := newObject()
			if err := kubeyaml.UnmarshalStrict([]byte(doc), object); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if p, ok := object.(*auditPolicy); ok {
				for _, r := range p.Rules {
					if !slices.Contains([]string{"None", "Metadata", "Request", "RequestResponse"}, r.Level) {
						t.Errorf("no audit level %q", r.Level)
					}
				}
			}
		}
	})
}

// falcoItem is an entry of a Falco rules file, as far as the controls write one.
type falcoItem struct {
	Rule       string `yaml:"rule"`
	Exceptions []struct {
		Name   string     `yaml:"name"`
		Fields []string   `yaml:"fields"`
		Comps  []string   `yaml:"comps"`
		Values [][]string `yaml:"values"`
	} `yaml:"exceptions"`
	Override struct {
		Exceptions string `yaml:"exceptions"`
	} `yaml:"override"`
}

// falcoConfig is a file below /etc/falco/config.d, as far as the controls write one.
type falcoConfig struct {
	AppendOutput []struct {
		Match struct {
			Rule   string   `yaml:"rule"`
			Source string   `yaml:"source"`
			Tags   []string `yaml:"tags"`
		} `yaml:"match"`
		ExtraOutput     string   `yaml:"extra_output"`
		ExtraFields     []string `yaml:"extra_fields"`
		SuggestedOutput bool     `yaml:"suggested_output"`
	} `yaml:"append_output"`
}

func TestFalcoFiles(t *testing.T) {
	field := regexp.MustCompile(`^[a-z]+(\.[a-z_]+)+(\[[0-9]+\])?$`)
	files(t, "falco", func(t *testing.T, a placed, content string) {
		switch filepath.Dir(a.File.Path) {
		case "/etc/falco/config.d":
			var config falcoConfig
			if err := yaml.UnmarshalWithOptions([]byte(content), &config, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			for _, e := range config.AppendOutput {
				for _, f := range e.ExtraFields {
					if !field.MatchString(f) {
						t.Errorf("%q is not a field", f)
					}
				}
			}
		case "/etc/falco/rules.d":
			var items []falcoItem
			if err := yaml.UnmarshalWithOptions([]byte(content), &items, yaml.Strict()); err != nil {
				t.Fatal(err)
			}
			for _, item := range items {
				for _, e := range item.Exceptions {
					if len(e.Fields) != len(e.Comps) {
						t.Errorf("%s: %d fields, %d comps", e.Name, len(e.Fields), len(e.Comps))
					}
					for _, v := range e.Values {
						if len(v) != len(e.Fields) {
							t.Errorf("%s: %d values for %d fields", e.Name, len(v), len(e.Fields))
						}
					}
				}
				if item.Override.Exceptions != "append" {
					t.Error("without override it replaces the rule")
				}
			}
		default:
			t.Errorf("%s is read neither as rules nor as configuration", a.File.Path)
		}
	})
}

// dockerSeccomp is Docker's form of a seccomp profile: OCI's, with entries
// that hold only under conditions.
type dockerSeccomp struct {
	DefaultAction   specs.LinuxSeccompAction `json:"defaultAction"`
	DefaultErrnoRet *uint                    `json:"defaultErrnoRet,omitempty"`
	ArchMap         []struct {
		Arch      specs.Arch   `json:"architecture"`
		SubArches []specs.Arch `json:"subArchitectures"`
	} `json:"archMap"`
	Syscalls []struct {
		specs.LinuxSyscall
		Comment  string        `json:"comment,omitempty"`
		Includes dockerFilters `json:"includes"`
		Excludes dockerFilters `json:"excludes"`
	} `json:"syscalls"`
}

type dockerFilters struct {
	Caps      []string `json:"caps,omitempty"`
	Arches    []string `json:"arches,omitempty"`
	MinKernel string   `json:"minKernel,omitempty"`
}

func strictJSON(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// TestSeccompProfiles makes each profile from a small one of the same form as
// Docker's and reads it as the runtime does.
func TestSeccompProfiles(t *testing.T) {
	jq := need(t, "jq")
	made := 0
	for _, c := range controls(t) {
		for _, a := range actions(c) {
			argv := argvs(t, a)
			if len(argv) != 2 || argv[0][0] != "jq" || argv[0][len(argv[0])-1] != "default.json" {
				continue
			}
			made++
			target := argv[1][len(argv[1])-1]
			t.Run(c.ID+"/"+filepath.Base(filepath.Dir(target)), func(t *testing.T) {
				text, err := exec.Command(jq, argv[0][1], "testdata/docker-profile.json").Output()
				if err != nil {
					t.Fatal(err)
				}
				var calls []specs.LinuxSyscall
				if strings.HasPrefix(target, "/var/lib/kubelet/") {
					var profile specs.LinuxSeccomp
					if err := strictJSON(text, &profile); err != nil {
						t.Fatal(err)
					}
					if len(profile.Architectures) != 3 {
						t.Errorf("architectures %v: i386 calls would pass or kill", profile.Architectures)
					}
					calls = profile.Syscalls
					for _, call := range calls {
						for _, name := range call.Names {
							if slices.Contains([]string{"mount", "bpf", "unshare", "kcmp", "arm_fadvise64_64"}, name) {
								t.Errorf("%s is allowed without its condition", name)
							}
						}
					}
				} else {
					var profile dockerSeccomp
					if err := strictJSON(text, &profile); err != nil {
						t.Fatal(err)
					}
					for _, s := range profile.Syscalls {
						calls = append(calls, s.LinuxSyscall)
					}
				}
				checkCalls(t, c.ID, calls)
			})
		}
	}
	if made < 4 {
		t.Errorf("only %d profiles", made)
	}
}

func checkCalls(t *testing.T, id string, calls []specs.LinuxSyscall) {
	t.Helper()
	unconditional := map[string]bool{}
	masked := false
	for _, call := range calls {
		if len(call.Names) == 0 {
			t.Error("an entry without names")
		}
		for _, name := range call.Names {
			if len(call.Args) == 0 {
				unconditional[name] = true
			} else if name == "memfd_create" {
				arg := call.Args[0]
				masked = arg.Index == 1 && arg.Value == 8 && arg.ValueTwo == 8 && arg.Op == specs.OpMaskedEqual
			}
		}
	}
	gone := []string{"memfd_create", "memfd_secret"}
	if id == "seccomp-no-ptrace" {
		gone = []string{"ptrace", "process_vm_readv", "process_vm_writev"}
	}
	for _, name := range gone {
		if unconditional[name] {
			t.Errorf("%s is still allowed", name)
		}
	}
	if !unconditional["read"] || !unconditional["execve"] {
		t.Error("other calls are gone")
	}
	if want := id == "seccomp-memfd-noexec-only"; masked != want {
		t.Errorf("memfd_create with a condition on its flags: %v", masked)
	}
}

// TestJqPrograms compiles every jq program.
func TestJqPrograms(t *testing.T) {
	jq := need(t, "jq")
	commands(t, func(a placed, argv []string) {
		if argv[0] != "jq" {
			return
		}
		for _, arg := range argv[1:] {
			if strings.HasPrefix(arg, "-") {
				continue
			}
			if out, err := run(jq, "-n", "def f: ("+arg+"); empty"); err != nil {
				t.Errorf("%s: %v\n%s", a.at, err, out)
			}
			break
		}
	})
}

func TestPythonPrograms(t *testing.T) {
	python := need(t, "python3")
	commands(t, func(a placed, argv []string) {
		if i := slices.Index(argv, "python3"); i >= 0 && i+2 < len(argv) && argv[i+1] == "-c" {
			if out, err := run(python, "-c", "import sys; compile(sys.argv[1], 'c', 'exec')", argv[i+2]); err != nil {
				t.Errorf("%s: %v\n%s", a.at, err, out)
			}
		}
	})
}

// TestSyntaxes: no file has a syntax that nothing here checks.
func TestSyntaxes(t *testing.T) {
	checked := []string{"apparmor", "audit", "falco", "kubernetes", "rsyslog", "sshd", "sysctl", "systemd"}
	for _, c := range controls(t) {
		for _, a := range actions(c) {
			if a.File == nil || slices.Contains(checked, a.File.Syntax) {
				continue
			}
			// Plain text: nft rules (TestNftables), a Dockerfile, a list of names.
			if a.File.Syntax != "text" {
				t.Errorf("%s: nothing checks %s", a.at, a.File.Syntax)
			}
		}
	}
}
