package code

import (
	"net/netip"
	"path"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
)

// specials are the checks of operands that a program has of its own.
var specials = map[string]func(*viewer, *command){
	"systemctl":  (*viewer).systemctl,
	"service":    (*viewer).service,
	"apt":        (*viewer).apt,
	"apt-get":    (*viewer).apt,
	"yum":        (*viewer).otherPackages,
	"dnf":        (*viewer).otherPackages,
	"apk":        (*viewer).otherPackages,
	"pip":        (*viewer).pip,
	"pip3":       (*viewer).pip,
	"sysctl":     (*viewer).sysctl,
	"kill":       (*viewer).kill,
	"strace":     (*viewer).pid,
	"gdb":        (*viewer).pid,
	"gcore":      (*viewer).kill,
	"lsof":       (*viewer).pid,
	"ps":         (*viewer).pid,
	"pmap":       (*viewer).kill,
	"journalctl": (*viewer).journalctl,
	"auditctl":   (*viewer).auditctl,
	"iptables":   (*viewer).iptables,
	"ip6tables":  (*viewer).iptables,
	"ufw":        (*viewer).ufw,
	"chmod":      (*viewer).chmod,
	"crontab":    (*viewer).crontab,
	"modprobe":   (*viewer).module,
	"rmmod":      (*viewer).module,
	"falco":      (*viewer).falco,
	"docker":     (*viewer).docker,
	"kubectl":    (*viewer).kubectl,
	"ausearch":   (*viewer).ausearch,
	"chattr":     (*viewer).chattr,
	"echo":       (*viewer).echo,
	"printf":     (*viewer).echo,
	"sh":         (*viewer).piped,
	"bash":       (*viewer).piped,
	"python":     (*viewer).piped,
	"python3":    (*viewer).piped,
}

func (v *viewer) split(c *command) *parsed {
	return split(c.args(), v.takes(v.cat.Program(c.name()), v.cat.Options(c.name())), false)
}

var unitVerbs = map[string]bool{"start": true, "stop": true, "restart": true, "reload": true, "try-restart": true, "reload-or-restart": true, "enable": true,
	"disable": true, "status": true, "is-active": true, "is-enabled": true, "mask": true, "unmask": true, "kill": true, "show": true, "cat": true, "reenable": true, "edit": true, "is-failed": true, "force-reload": true, "condrestart": true}

func (v *viewer) systemctl(c *command) {
	args := v.split(c)
	if len(args.operands) == 0 || !unitVerbs[args.operands[0].text] {
		return
	}
	units := args.operands[1:]
	verb := args.operands[0].text
	if len(units) == 0 && verb != "status" && verb != "show" && verb != "is-active" && verb != "is-failed" && verb != "kill" && !c.nested {
		v.broken(src("man-systemctl-1"), "", "systemctl {} needs the name of a unit.", verb)
	}
	if args.has("--root", "--user", "--machine", "-M", "-H", "--host") {
		return
	}
	for _, u := range units {
		v.unit(u)
	}
}

var unitSuffix = pattern(`\.(service|socket|timer|path|target|mount|slice|scope|device|swap|automount)$`)

// unit says whether a unit exists.
func (v *viewer) unit(w word) {
	if w.dynamic || w.placeholder || strings.ContainsAny(w.text, "*?/") {
		return
	}
	name := w.text
	full := name
	if !unitSuffix.MatchString(name) {
		full += ".service"
	}
	bare := unitSuffix.ReplaceAllString(name, "")
	template, instance, isInstance := strings.Cut(full, "@")
	if isInstance {
		if i := strings.LastIndexByte(instance, '.'); i >= 0 && v.cat.DebianUnit(template+"@"+instance[i:]) != "" {
			v.good("debian-index")
			return
		}
	}
	if v.cat.DebianUnit(full) != "" || strings.HasSuffix(full, ".target") && v.cat.DebianUnit(full) != "" {
		v.good("debian-index")
		return
	}
	for _, form := range []string{full, bare} {
		if n := v.cat.Name("unit", form); n != nil {
			if n.Exists == "no" {
				v.broken(n.Sources, n.Use, "There is no unit {}: {}", name, n.Is)
				return
			}
			v.good(first(n.Sources))
			return
		}
	}
	if p := v.cat.Program(bare); p != nil {
		if slices.Contains(p.Units, bare) || slices.Contains(p.Units, full) {
			v.good(first(p.Sources))
			return
		}
		switch p.Kind {
		case "library", "none", "desktop":
			v.broken(orOwn(p.Sources), p.Use, "There is no service {}: it {}.", name, p.Is)
			return
		case "cli":
			v.broken(orOwn(p.Sources), p.Use, "There is no service {}: it is a program that is run, not a daemon.", name)
			return
		}
	}
	if v.toBeMade(full) {
		return
	}
	if id := v.b.Facts["container.id"]; id != "" && (bare == id || bare == v.b.Facts["container.name"]) {
		v.broken(src("docker-docs"), "", "{} is a container, not a unit.", name)
		return
	}
	if strings.HasPrefix(bare, "falco") && !falcoUnits.MatchString(bare) {
		v.broken(src("falco-source"), "systemctl restart falco", "There is no unit {}: Falco's are falco, falco-modern-bpf, falco-bpf, falco-kmod and falco-custom.", name)
		return
	}
	if strings.HasSuffix(full, ".service") && v.cat.Options(bare) != nil && v.cat.DebianProgram(bare) != "" && !daemons[bare] {
		v.broken(src("debian-index"), "", "There is no service {}: Debian's package {} has the program, and no unit of that name.", name, v.cat.DebianProgram(bare))
		return
	}
	if v.cat.Syscall(bare) && !strings.Contains(bare, "sync") {
		v.broken(src("catalogue-syscalls"), "", "There is no service {}: it is the name of a system call.", name)
		return
	}
	v.unchecked("The unit {} is in no catalogue.", name)
}

var falcoUnits = pattern(`^falco(?:sidekick|-talon|-exporter|ctl)`)

// daemons are programs among those with a manual page that may have a unit on
// other systems.
var daemons = map[string]bool{"iptables": true, "ip6tables": true, "sshd": true, "at": true, "dnsmasq": true, "nginx": true, "ipset": true, "ebtables": true, "arptables": true, "watch": true, "firejail": true, "tc": true, "bridge": true, "conntrack": true, "logger": true, "host": true, "sync": true, "podman": true, "screen": true, "tmux": true, "git": true, "rsync": true, "crun": true, "users": true, "who": true, "auditctl": false}

// toBeMade reports whether the report makes a unit file of that name.
func (v *viewer) toBeMade(unit string) bool {
	return strings.Contains(v.text, "/etc/systemd/system/"+unit) || strings.Contains(v.b.Intro, unit) && strings.Contains(v.b.Intro, "/etc/systemd")
}

func first(list []string) string {
	if len(list) == 0 {
		return "catalogue"
	}
	return list[0]
}

func orOwn(list []string) []string {
	if len(list) == 0 {
		return own
	}
	return list
}

var serviceVerbs = map[string]bool{"start": true, "stop": true, "restart": true, "reload": true, "status": true, "force-reload": true, "try-restart": true}

func (v *viewer) service(c *command) {
	args := c.args()
	if len(args) < 2 || strings.HasPrefix(args[0].text, "-") {
		return
	}
	if serviceVerbs[args[0].text] && !serviceVerbs[args[1].text] {
		v.broken(src("debian-manpages"), "service "+args[1].text+" "+args[0].text, "service takes the name first: {} is no service.", args[0].text)
		return
	}
	v.unit(args[0])
}

var plainPackage = pattern(`^[a-z0-9][a-z0-9+.-]+$`)

// repository is what a block has that adds packages from elsewhere.
var repository = pattern(`sources\.list|add-apt-repository|apt-key|/etc/yum\.repos\.d|\.deb\b|\.rpm\b|dnf config-manager|yum-config-manager|pkgs\.|packages\.`)

func (v *viewer) apt(c *command) {
	args := v.split(c)
	if len(args.operands) < 2 {
		if len(args.operands) == 1 && args.operands[0].text == "install" && !c.nested && !args.has("-f", "--fix-broken") {
			v.broken(src("man-apt-get-8"), "", "{} install needs the name of a package.", c.name())
		}
		return
	}
	verb := args.operands[0].text
	if verb != "install" && verb != "reinstall" && verb != "download" {
		return
	}
	for _, w := range args.operands[1:] {
		v.debianPackage(w)
	}
}

func (v *viewer) debianPackage(w word) {
	name := strings.SplitN(strings.SplitN(w.text, "=", 2)[0], "/", 2)[0]
	name = strings.TrimSuffix(name, ":amd64")
	if w.dynamic || w.placeholder || strings.HasSuffix(name, "-") || strings.HasSuffix(name, "+") || !plainPackage.MatchString(name) {
		return
	}
	if v.cat.DebianPackage(name) {
		v.good("debian-index")
		return
	}
	if n := v.cat.Name("package", name); n != nil {
		switch n.Exists {
		case "no":
			v.broken(orOwn(n.Sources), n.Use, "There is no package {} in Debian: {}", name, n.Is)
		case "repository", "other":
			v.unchecked("The package {} is not in Debian's main: {}", name, n.Is)
		default:
			v.good(first(n.Sources))
		}
		return
	}
	if p := v.cat.Program(name); p != nil {
		if pkg := p.Packages["debian"]; pkg != "" {
			v.broken(src("debian-index"), "apt-get install "+pkg, "Debian 12 has no package {}.", name)
			return
		}
		if p.Kind == "desktop" || p.Kind == "library" || p.Kind == "none" {
			v.broken(orOwn(p.Sources), p.Use, "Debian 12 has no package {}: it {}.", name, p.Is)
			return
		}
		if strings.Contains(p.Vendor, "GitHub releases") && !strings.Contains(p.Vendor, "repositor") && !repository.MatchString(v.text) {
			v.broken(orOwn(p.Sources), "", "Debian 12 has no package {}: {}.", name, p.Vendor)
			return
		}
		if p.Vendor != "" {
			v.unchecked("The package {} is in its maker's repository, not in Debian: {}", name, p.Vendor)
			return
		}
	}
	if v.cat.DebianVirtual(name) {
		v.unchecked("{} is no package of Debian 12 but a name that others provide.", name)
		return
	}
	if repository.MatchString(v.text) {
		v.unchecked("The package {} is not in Debian 12; the repository that is added may have it.", name)
		return
	}
	if pkg := v.cat.DebianProgram(name); pkg != "" {
		v.broken(src("debian-index"), "apt-get install "+pkg, "Debian 12 has no package {}: the program of that name is in another.", name)
		return
	}
	if v.cat.DebianPackage("python3-" + name) {
		v.broken(src("debian-index"), "apt-get install python3-"+name, "Debian 12 has no package {}.", name)
		return
	}
	v.broken(src("debian-index"), "", "Debian 12 has no package {}.", name)
}

func (v *viewer) otherPackages(c *command) {
	args := v.split(c)
	if len(args.operands) < 2 || args.operands[0].text != "install" && args.operands[0].text != "add" {
		return
	}
	for _, w := range args.operands[1:] {
		name := w.text
		if w.dynamic || w.placeholder || !plainPackage.MatchString(strings.ReplaceAll(name, "_", "-")) {
			continue
		}
		if n := v.cat.Name("package", name); n != nil && n.Exists == "no" {
			v.broken(orOwn(n.Sources), n.Use, "There is no package {}: {}", name, n.Is)
			continue
		}
		if p := v.cat.Program(name); p != nil && (p.Kind == "library" || p.Kind == "desktop" || p.Kind == "none") {
			v.broken(orOwn(p.Sources), p.Use, "There is no package {}: it {}.", name, p.Is)
			continue
		} else if p != nil && (p.Packages["rhel"] == name || p.Packages["alpine"] == name) {
			continue
		}
		v.unchecked("The package {} is in no catalogue for this package manager.", name)
	}
}

func (v *viewer) pip(c *command) {
	args := v.split(c)
	if len(args.operands) < 2 || args.operands[0].text != "install" {
		return
	}
	for _, w := range args.operands[1:] {
		name := strings.ToLower(strings.FieldsFunc(w.text+" ", func(r rune) bool { return strings.ContainsRune("=<>!~[ ", r) })[0])
		if w.dynamic || w.placeholder || strings.ContainsAny(name, "/.") {
			continue
		}
		n := v.cat.Name("python", name)
		switch {
		case n == nil && v.cat.DebianPackage("python3-"+name):
			v.good("debian-index")
		case n == nil:
			v.unchecked("The Python package {} is in no catalogue: make sure it is what you think before it runs here.", name)
		case n.Exists == "no":
			v.broken(orOwn(n.Sources), n.Use, "{} cannot be had from PyPI: {}", name, n.Is)
		default:
			v.good(first(n.Sources))
		}
	}
}

func (v *viewer) sysctl(c *command) {
	args := v.split(c)
	if args.has("-p", "--load") {
		v.sysctlLoad(c, args)
		return
	}
	if args.has("-a", "-A", "--all", "--system") {
		return
	}
	for i, w := range args.operands {
		key, _, sets := strings.Cut(w.text, "=")
		if w.dynamic && strings.ContainsAny(key, "$`*?{") || w.placeholder && isPlaceholder(key) {
			continue
		}
		if (key == "" || i > 0 && !strings.ContainsAny(key, "./")) && args.has("-w", "--write") {
			v.broken(src("man-sysctl-8"), "", "sysctl -w takes key=value as one word; {} is none.", w.text)
			return
		}
		if args.has("-w", "--write") && !sets && len(args.operands) > 1 {
			v.broken(src("man-sysctl-8"), "", "sysctl -w takes key=value as one word; {} has no value.", w.text)
			return
		}
		v.key(key)
	}
}

// dots turns a path below /proc/sys, or a key with slashes, into one with dots.
func dots(key string) string {
	slash, dot := strings.IndexByte(key, '/'), strings.IndexByte(key, '.')
	if slash >= 0 && (dot < 0 || slash < dot) {
		return strings.NewReplacer("/", ".", ".", "/").Replace(strings.Trim(key, "/"))
	}
	return key
}

// key says whether a kernel setting exists.
func (v *viewer) key(key string) {
	if i := v.keyIssue(key); i != nil {
		v.say(*i)
		return
	}
	v.good("catalogue-sysctl")
}

func (k *check) keyIssue(key string) *issue {
	key = dots(strings.TrimSpace(strings.TrimPrefix(key, "-")))
	if key == "" || strings.ContainsAny(key, "*$<[{") {
		return nil
	}
	n := k.cat.Name("sysctl", key)
	exists, sure := k.cat.Sysctl(key)
	switch {
	case n != nil && n.Exists == "no":
		i := broken(orOwn(n.Sources), n.Use, "There is no kernel setting {}: {}", key, n.Is)
		return &i
	case exists:
		return nil
	case sure:
		suggest := ""
		if strings.Contains(key, "memfd") {
			suggest = "vm.memfd_noexec"
		}
		i := broken(src("catalogue-sysctl"), suggest, "There is no kernel setting {}.", key)
		return &i
	}
	i := unchecked("The kernel setting {} is in no catalogue.", key)
	return &i
}

func (v *viewer) sysctlLoad(c *command, args *parsed) {
	file := args.values["-p"]
	if file == "" {
		file = args.values["--load"]
	}
	if file != "" || len(args.operands) > 0 {
		return
	}
	other := ""
	for _, w := range v.written {
		if w == "/etc/sysctl.conf" || w == "/etc/sysctl.d/99-sysctl.conf" || strings.HasPrefix(w, "/proc/sys") {
			return
		}
		if strings.Contains(w, "sysctl") {
			other = w
		}
	}
	if other == "" {
		return
	}
	v.broken(src("man-sysctl-8"), "sysctl --system", "sysctl -p reads /etc/sysctl.conf and no other file; {} was written.", other)
}

var digits = pattern(`^[0-9]+$`)

func (v *viewer) kill(c *command) {
	args := c.args()
	any := false
	for i, w := range args {
		t := w.text
		if strings.HasPrefix(t, "-") && !any {
			if t == "-l" || t == "-L" || strings.HasPrefix(t, "--") {
				return
			}
			if (t == "-s" || t == "-n") && i+1 < len(args) {
				args = args[i+1:]
			}
			continue
		}
		any = true
		v.isPID(w)
	}
	if !any && !c.nested && c.name() == "kill" {
		v.broken(src("man-kill-1"), "", "kill needs a process id.")
	}
}

var processName = pattern(`^[a-zA-Z][\w:.-]+$`)

// isPID says so if a word that stands for a process id is the name of a process.
func (v *viewer) isPID(w word) {
	if w.dynamic || w.placeholder {
		return
	}
	t := strings.TrimPrefix(w.text, "-")
	if !digits.MatchString(t) {
		if processName.MatchString(t) && !strings.Contains(strings.ToLower(t), "id") {
			v.broken(src("man-kill-1"), "pgrep "+t, "{} is no process id.", t)
		}
		return
	}
	facts := v.b.Facts
	if facts == nil {
		return
	}
	if facts["proc.pid"] == t || facts["proc.ppid"] == t {
		return
	}
	for _, field := range []string{"proc.name", "proc.tty", "user.uid", "user.loginuid"} {
		if facts[field] == t {
			for f, value := range facts {
				if value == t && (strings.Contains(f, "pid") && f != "proc.name") {
					return
				}
			}
			what := map[string]string{"proc.name": "the name of the process", "proc.tty": "the number of its terminal", "user.uid": "a user id", "user.loginuid": "a login id"}[field]
			if field != "proc.name" && len(t) < 4 {
				continue
			}
			v.say(issue{finding.Broken, say("{} is no process id: in the alert it is "+what+" ({}).", t, field), src("falco-fields"), ""})
			return
		}
	}
}

func (v *viewer) pid(c *command) {
	args := v.split(c)
	for _, option := range []string{"-p", "--pid", "-q"} {
		value, ok := args.values[option]
		if !ok || isPlaceholder(value) || strings.ContainsAny(value, "$`{<") {
			continue
		}
		for _, one := range strings.Split(value, ",") {
			v.isPID(word{text: strings.TrimPrefix(one, "^")})
		}
	}
}

// facts looks for a process's name in the place of its id in paths.
func (v *viewer) facts(c *command) {
	for _, w := range c.args() {
		if m := procPID.FindStringSubmatch(w.text); m != nil && !w.placeholder {
			v.isPID(word{text: m[1]})
		}
	}
}

var procPID = pattern(`^/proc/([0-9]+)(?:/|$)`)

func (v *viewer) journalctl(c *command) {
	args := v.split(c)
	for _, option := range []string{"-u", "--unit"} {
		if u, ok := args.values[option]; ok && !strings.ContainsAny(u, "$*?<") {
			v.unit(word{text: u, placeholder: isPlaceholder(u)})
		}
	}
	for _, w := range args.operands {
		if w.dynamic || w.placeholder || strings.ContainsAny(w.text, "=/+") || digits.MatchString(w.text) {
			continue
		}
		v.broken(src("man-journalctl-1"), "", "journalctl takes FIELD=value or a path; {} is neither.", w.text)
		return
	}
}

func (v *viewer) auditctl(c *command) {
	args := c.args()
	if len(args) == 0 || args[0].dynamic {
		return
	}
	rule := false
	for _, w := range args {
		switch w.text {
		case "-a", "-A", "-w", "-d", "-W":
			rule = true
		}
	}
	if rule {
		words := make([]string, 0, len(args))
		for _, w := range args {
			if w.dynamic || w.placeholder {
				return
			}
			words = append(words, w.text)
		}
		if i := v.auditRule(words); i != nil {
			v.say(*i)
		} else {
			v.good("man-audit.rules-7")
		}
	}
}

var (
	chains    = map[string]bool{"INPUT": true, "OUTPUT": true, "FORWARD": true, "PREROUTING": true, "POSTROUTING": true}
	protocols = map[string]bool{"tcp": true, "udp": true, "udplite": true, "icmp": true, "icmpv6": true, "ipv6-icmp": true, "esp": true, "ah": true, "sctp": true, "mh": true, "all": true, "gre": true, "dccp": true, "igmp": true, "ipv6": true, "ospf": true, "vrrp": true, "ipip": true, "ipencap": true, "ip": true, "l2tp": true, "pim": true, "eigrp": true}
)

func (v *viewer) iptables(c *command) {
	args := v.split(c)
	get := func(names ...string) (string, bool) {
		for _, n := range names {
			if val, ok := args.values[n]; ok {
				return val, true
			}
		}
		return "", false
	}
	plain := func(s string) bool { return s != "" && !strings.ContainsAny(s, "$<>{[") && !isPlaceholder(s) }
	manual := src("man-iptables-8")
	if p, ok := get("-p", "--protocol"); ok && plain(p) {
		p = strings.TrimPrefix(strings.ToLower(p), "!")
		if p != "" && !protocols[p] && !digits.MatchString(p) {
			v.broken(manual, "", "iptables -p takes a protocol such as tcp or udp; {} is none.", p)
			return
		}
	}
	if _, ok := get("--dport", "--sport", "--destination-port", "--source-port"); ok {
		if _, has := get("-p", "--protocol"); !has && !strings.Contains(c.plain(), " -p ") {
			v.broken(manual, "", "iptables knows {} only together with -p tcp or -p udp.", "--dport")
			return
		}
	}
	for _, o := range [][2]string{{"-s", "--source"}, {"-d", "--destination"}} {
		if a, ok := get(o[0], o[1]); ok && plain(a) && badAddress(a) {
			v.broken(manual, "", "iptables {} takes an address, a network or a host's name; {} is none.", o[0], a)
			return
		}
	}
	for i, w := range c.args() {
		if i+1 < len(c.args()) && (w.text == "--dport" || w.text == "--sport" || w.text == "-s" || w.text == "-d" || w.text == "-p" || w.text == "-j") && strings.HasPrefix(c.args()[i+1].text, "-") {
			v.broken(manual, "", "{} needs a value.", w.text)
			return
		}
	}
	for _, w := range args.operands {
		if serviceVerbs[w.text] || w.text == "enable" || w.text == "disable" {
			v.broken(manual, "", "iptables takes no {}: it is no service but a command that changes rules at once.", w.text)
			return
		}
	}
	if target, ok := get("-j", "--jump"); ok && notTargets[target] && !strings.Contains(v.text, "-N "+target) {
		v.broken(manual, "DROP", "iptables has no target {}.", target)
		return
	}
	chain, ok := get("-A", "--append", "-I", "--insert")
	if !ok {
		return
	}
	in, hasIn := get("-i", "--in-interface")
	out, hasOut := get("-o", "--out-interface")
	table, hasTable := get("-t", "--table")
	switch {
	case chain == "INPUT" && hasOut:
		v.broken(manual, "", "iptables refuses -o {} in chain INPUT.", out)
	case chain == "OUTPUT" && hasIn:
		v.broken(manual, "", "iptables refuses -i {} in chain OUTPUT.", in)
	case (chain == "PREROUTING" || chain == "POSTROUTING") && !hasTable:
		v.broken(manual, "", "The table filter has no chain {}; it is one of nat, mangle and raw.", chain)
	case hasTable && table != "filter" && table != "nat" && table != "mangle" && table != "raw" && table != "security" && plain(table):
		v.broken(manual, "", "There is no table {} in iptables.", table)
	case chains[strings.ToUpper(chain)] && !chains[chain]:
		v.broken(manual, "", "Names of chains are in capitals: there is no chain {}.", chain)
	}
}

// notTargets are words that are taken for targets.
var notTargets = words("BLOCK BLOCKED DENY DENIED REJECTED DROPPED DISCARD FORBID BAN KILL IGNORE PREVENT BLACKLIST BLACKHOLE ISOLATE ALLOW PERMIT")

func badAddress(s string) bool {
	s = strings.TrimPrefix(s, "!")
	for _, part := range strings.Split(s, ",") {
		if addr, _, has := strings.Cut(part, "/"); has {
			part = addr
		}
		if _, err := netip.ParseAddr(part); err == nil || part == "" {
			continue
		}
		if regexpOf(`^[0-9.]+$`).MatchString(part) {
			return true // 300.1.2.3
		}
		if !regexpOf(`^[A-Za-z0-9][A-Za-z0-9.-]*$`).MatchString(part) {
			return true
		}
	}
	return false
}

var (
	ufwPort  = pattern(`^[0-9:,]+(?:/(?:tcp|udp))?$`)
	ufwWords = map[string]bool{"in": true, "out": true, "on": true, "log": true, "log-all": true, "from": true, "to": true, "any": true, "port": true, "proto": true, "comment": true, "app": true, "delete": true, "insert": true, "prepend": true, "route": true, "allow": true, "deny": true, "reject": true, "limit": true}
)

func (v *viewer) ufw(c *command) {
	args := c.args()
	for len(args) > 0 && strings.HasPrefix(args[0].text, "-") {
		args = args[1:]
	}
	if len(args) < 2 {
		return
	}
	switch args[0].text {
	case "allow", "deny", "reject", "limit":
	default:
		return
	}
	rest := args[1:]
	for len(rest) > 0 && (rest[0].text == "in" || rest[0].text == "out" || rest[0].text == "log") {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0].dynamic || rest[0].placeholder {
		return
	}
	t := rest[0].text
	if _, err := netip.ParseAddr(t); err == nil {
		v.broken(src("debian-manpages"), "ufw "+args[0].text+" from "+t, "ufw takes an address only behind from or to.")
		return
	}
	name, _, _ := strings.Cut(t, "/")
	if ufwPort.MatchString(t) || rest[0].quoted || ufwWords[t] || v.cat.Words("services.txt")[name] || t != strings.ToLower(t) {
		return
	}
	if v.cat.DebianProgram(t) != "" || v.cat.Program(t) != nil || t == "process" || t == "program" || t == "memfd" {
		v.broken(src("debian-manpages"), "", "ufw knows ports, services of /etc/services and profiles; {} is none of them.", t)
	}
}

var mode = pattern(`^(?:[-+=]?[0-7]{1,5}|[ugoa]*[-+=][rwxXstugo]*(?:[-+=][rwxXstugo]*)*(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*)$`)

func (v *viewer) chmod(c *command) {
	args := c.args()
	if len(args) == 0 {
		return
	}
	var operands []word
	for _, w := range args {
		if strings.HasPrefix(w.text, "--reference") {
			return
		}
		if !strings.HasPrefix(w.text, "-") || mode.MatchString(w.text) && !regexpOf(`^-[Rcfv]+$`).MatchString(w.text) {
			operands = append(operands, w)
		}
	}
	if len(operands) == 0 || operands[0].dynamic || operands[0].placeholder {
		return
	}
	if !mode.MatchString(operands[0].text) {
		v.broken(src("man-chmod-1"), "", "{} is no mode for chmod.", operands[0].text)
		return
	}
	if len(operands) < 2 && !c.nested {
		v.broken(src("man-chmod-1"), "", "chmod needs a file.")
	}
}

func (v *viewer) crontab(c *command) {
	for _, w := range c.args() {
		if w.text == "*" || strings.HasPrefix(w.text, "*/") || strings.Contains(w.text, "* *") {
			v.broken(src("man-crontab-1"), "", "crontab takes a file, not the line of a job.")
			return
		}
	}
}

func (v *viewer) module(c *command) {
	args := v.split(c)
	for _, w := range args.operands {
		if w.dynamic || w.placeholder || strings.Contains(w.text, "=") || strings.Contains(w.text, "/") {
			continue
		}
		switch {
		case v.cat.Module(w.text):
			v.good("debian-index")
		case v.cat.Syscall(w.text):
			v.broken(src("catalogue-syscalls"), "", "{} is a system call, not a kernel module.", w.text)
		default:
			v.unchecked("The kernel module {} is in no catalogue.", w.text)
		}
		if c.name() == "modprobe" {
			return
		}
	}
}

func (v *viewer) falco(c *command) {
	args := v.split(c)
	for _, w := range args.operands {
		if w.dynamic || w.placeholder {
			continue
		}
		switch w.text {
		case "start", "stop", "restart", "reload", "status", "enable", "disable":
			v.broken(src("falco-source"), "systemctl "+w.text+" falco", "falco takes no {}: it is a daemon that systemd starts and stops.", w.text)
		default:
			v.broken(src("falco-source"), "", "falco takes options only; {} is none.", w.text)
		}
		return
	}
}

var trusted = pattern(`https?://(?:[\w.-]+\.)?(?:falco\.org|docker\.com|helm\.sh|sh\.rustup\.rs|k3s\.io|tailscale\.com|nodesource\.com|wazuh\.com|elastic\.co|grafana\.com|hashicorp\.com|kubernetes\.io|k8s\.io|k3d\.io|sysdig\.com|raw\.githubusercontent\.com/(?:falcosecurity|helm|aquasecurity|anchore|sigstore|kubernetes|docker|opencontainers)/)`)

// piped sees what was just fetched from the network run by a shell.
func (v *viewer) piped(c *command) {
	from := c.before
	if from == nil || len(c.args()) > 0 && !strings.HasPrefix(c.args()[0].text, "-") {
		return
	}
	words := from.words
	if len(words) > 0 && words[0].text == "sudo" {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	switch path.Base(words[0].text) {
	case "curl", "wget":
		if !trusted.MatchString(from.plain()) {
			v.say(issue{finding.Harmful, say("It runs whatever that address sends, unread and with the rights of this shell."), src("curl-pipe"), "Download it, read it, compare its checksum, then run it."})
		}
	}
}

var securityOption = pattern(`^(?:no-new-privileges(?:[:=](?:true|false))?|(?:seccomp|apparmor|label|systempaths|credentialspec|proc-opts|unmask|mask)[=:].+|label:.+)$`)

func (v *viewer) docker(c *command) {
	args := c.args()
	for i, w := range args {
		value, ok := strings.CutPrefix(w.text, "--security-opt=")
		if w.text == "--security-opt" && i+1 < len(args) {
			value, ok, w = args[i+1].text, true, args[i+1]
		}
		if ok && !w.dynamic && !w.placeholder && !securityOption.MatchString(value) {
			v.broken(src("docker-docs"), "", "Docker has no security option {}.", value)
			return
		}
	}
}

// notResources are words that are taken for resources of Kubernetes.
var notResources = words("container containers process processes")

func (v *viewer) kubectl(c *command) {
	args := split(c.args(), v.takes(v.cat.Program("kubectl"), v.cat.Command("kubectl"), v.cat.Command("kubectl *"), v.cat.Command("kubectl get")), false)
	if len(args.operands) < 2 || args.operands[1].dynamic || args.operands[1].placeholder {
		return
	}
	verb, what := args.operands[0].text, args.operands[1].text
	switch verb {
	case "get", "delete", "describe", "edit", "label", "annotate", "patch":
		name, _, _ := strings.Cut(what, "/")
		if notResources[name] {
			v.broken(src("kubernetes-api"), "", "Kubernetes has no resource {}: containers are parts of pods.", name)
		}
	case "apply":
		if !v.cat.Command("kubectl apply").Commands[what] && !args.has("-f", "--filename", "-k", "--kustomize") {
			v.broken(src("catalogue-help"), "", "kubectl apply takes a file, with -f; {} is none.", what)
		}
	case "create":
		if !v.cat.Command("kubectl create").Commands[what] && !created[what] && !args.has("-f", "--filename", "-k", "--kustomize", "--raw") {
			v.broken(src("catalogue-help"), "", "kubectl create cannot make a {} without a file.", what)
		}
	}
}

// created are short names of what kubectl create makes.
var created = words("cm ns sa svc deploy dep quota pdb pc cj ing")

func (v *viewer) ausearch(c *command) {
	args := v.split(c)
	for _, option := range []string{"-sc", "--syscall"} {
		if call, ok := args.values[option]; ok && !digits.MatchString(call) && !isPlaceholder(call) && !v.cat.Syscall(call) && !strings.ContainsAny(call, "$<") {
			v.broken(src("catalogue-syscalls"), "", "There is no system call {}.", call)
		}
	}
}

var attributes = pattern(`^[-+=][aAcCdDeEFiIjmNPsStTuxVX]*$`)

func (v *viewer) chattr(c *command) {
	for _, w := range c.args() {
		if w.text != "" && strings.ContainsRune("+=", rune(w.text[0])) && !w.dynamic && !attributes.MatchString(w.text) {
			v.broken(src("man-chattr-1"), "", "chattr has no attributes {}.", w.text)
			return
		}
	}
}

// echo holds what is written into a file of configuration against its format.
func (v *viewer) echo(c *command) {
	target := writtenTo(c)
	if target == "" || v.depth > 2 {
		return
	}
	var text []string
	for _, w := range c.args() {
		if w.dynamic || w.placeholder {
			return
		}
		if !strings.HasPrefix(w.text, "-e") && w.text != "-n" {
			text = append(text, w.text)
		}
	}
	content := strings.ReplaceAll(strings.Join(text, " "), `\n`, "\n")
	inner := &check{Checker: v.Checker, depth: v.depth + 1, b: Block{Text: content, Intro: v.b.Intro, Facts: v.b.Facts}, text: content}
	form := inner.formOfPath(target)
	switch form {
	case "sysctl", "audit", "sshd", "sudoers", "auditd", "journald":
	default:
		return
	}
	inner.config(form, 0, len(content))
	for _, f := range inner.found {
		if f.Judgement.Bad() {
			ids := make([]string, 0, len(f.Reason.Evidence))
			for _, e := range f.Reason.Evidence {
				ids = append(ids, e.Ref)
			}
			v.say(issue{f.Judgement, f.Reason.Spans, ids, f.Suggestion})
		}
	}
}
