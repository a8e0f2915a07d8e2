package code

import (
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
)

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
		v.needs(src("man-systemctl-1"), "systemctl {} needs the name of a unit.", verb)
	}
	if args.has("--root", "--user", "--machine", "-M", "-H", "--host") {
		return
	}
	for _, u := range units {
		v.unit(u)
		if verb == "reload" && noReload[strings.TrimSuffix(u.text, ".service")] {
			v.broken(src("man-systemctl-1"), "systemctl restart "+u.text, "The unit {} cannot be reloaded: it has no ExecReload.", u.text)
		}
	}
}

// noReload are units of Debian 12 without ExecReload.
var noReload = words("cron systemd-journald systemd-logind systemd-sysctl systemd-modules-load fail2ban-server chrony")

var unitSuffix = expr.New(`\.(service|socket|timer|path|target|mount|slice|scope|device|swap|automount)$`)

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
			if n.Exists == "other" {
				if onDebian.MatchString(v.context()) {
					v.broken(orOwn(n.Sources), n.Use, "Debian has no unit {}: {}", name, n.Is)
				} else {
					v.unchecked("The unit {} is another distribution's than Debian: {}", name, n.Is)
				}
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
			v.broken(orOwn(p.Sources), p.Use, "There is no service {}: it "+p.Is+".", name)
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

// onDebian is what shows that the report speaks of Debian or Ubuntu.
var onDebian = expr.New(`\b(?:apt|apt-get|dpkg|ufw|Debian|Ubuntu)\b`)

var falcoUnits = expr.New(`^falco(?:sidekick|-talon|-exporter|ctl)`)

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
	if action := args[1]; !action.dynamic && !action.placeholder && !scriptActions[action.text] && !strings.HasPrefix(action.text, "-") {
		v.broken(src("debian-manpages"), "", "service passes on start, stop, restart, reload and status; {} is no action of {}.", action.text, args[0].text)
	}
}

// scriptActions are those that init scripts know.
var scriptActions = words("start stop restart reload force-reload status try-restart condrestart force-stop force-restart rotate resume configtest config-test checkconfig check-config testconfig save panic upgrade graceful graceful-stop fullstatus clean checkpoint summary sync try-reload hard-stop soft-restart demote promote bootstrap stop-wait reopen-logs reload-or-restart start-foreground zap ineed iuse needsme usesme broken describe depend show probe init initdb cleanup flush-logs dump recover list load unload --full-restart --status-all")

func (v *viewer) journalctl(c *command) {
	v.window(c)
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
