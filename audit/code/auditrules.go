package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
)

func (c *config) audit() {
	c.each(func(line int, text string) {
		text = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(promptless(text), "sudo "), "auditctl "))
		if elided(text) {
			return
		}
		if i := c.auditRule(strings.Fields(text)); i != nil {
			c.at(line, *i)
			return
		}
		if !c.rule("audit", line, text) {
			c.good(line, "man-audit.rules-7")
		}
	})
}

var (
	auditLists   = words("task exit user exclude filesystem io_uring entry")
	auditActions = words("always never possible")
	auditFields  = words("a0 a1 a2 a3 arch auid devmajor devminor dir egid euid exe exit field_compare filetype fsgid fsuid fstype gid inode key msgtype obj_gid obj_lev_high obj_lev_low obj_role obj_type obj_uid obj_user path perm pers pid ppid saddr_fam sessionid sgid subj_clr subj_role subj_sen subj_type subj_user success suid uid loginuid obj_lev perm")
	auditField   = expr.New(`^([a-z0-9_]+)(!=|>=|<=|&=|=|>|<|&)(.+)$`)
	auditArch    = words("b32 b64 x86_64 i386 i686 aarch64 arm armeb ppc ppc64 ppc64le s390 s390x ia64")
)

// folders are some that rules name.
var folders = words("/etc /var /var/log /tmp /var/tmp /dev/shm /usr /usr/bin /usr/sbin /usr/lib /usr/local /bin /sbin /lib /home /root /opt /boot /run /srv /proc /sys /dev /etc/ssh /etc/cron.d /etc/sudoers.d /etc/pam.d /var/log/audit /var/spool/cron /var/lib /var/lib/docker /etc/docker /etc/systemd /etc/systemd/system /usr/local/bin")

func words(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// auditRule says what is wrong with a rule of the audit system, nil if nothing is.
func (k *check) auditRule(args []string) *issue {
	manual := src("man-auditctl-8")
	wrong := func(format string, values ...string) *issue {
		i := broken(manual, "", format, values...)
		return &i
	}
	hole := func(s string) bool { return isPlaceholder(s) || strings.ContainsAny(s, "$<>") }
	watch := false
	for i := 0; i < len(args); i++ {
		option := args[i]
		value := ""
		if i+1 < len(args) {
			value = strings.Trim(args[i+1], `"'`)
		}
		switch option {
		case "-a", "-A", "-d":
			i++
			a, b, ok := strings.Cut(value, ",")
			if option == "-A" && ok || option == "-d" && ok || option == "-a" {
				if !ok {
					return wrong("-a takes a list and an action with a comma, such as always,exit; {} is not.", value)
				}
				if auditLists[a] {
					a, b = b, a
				}
				if !auditActions[a] || !auditLists[b] {
					return wrong("The audit system has no {}: actions are always and never, lists are exit, task, user, exclude and filesystem.", value)
				}
			}
		case "-w", "-W":
			watch = true
			i++
			if value == "" || !strings.HasPrefix(value, "/") && !hole(value) {
				return wrong("-w takes the whole path of a file or a folder; {} is none.", value)
			}
			if i := k.pathIssue(value); i != nil && i.judgement.Bad() {
				return i
			}
		case "-p":
			i++
			if strings.Trim(value, "rwxa") != "" || value == "" {
				return wrong("-p takes letters of r, w, x and a; {} is not.", value)
			}
		case "-k":
			i++
			if value == "" {
				return wrong("-k needs a key.")
			}
			if len(value) > 31 {
				return wrong("A key has at most 31 characters; {} has more.", value)
			}
		case "-S":
			i++
			for _, call := range strings.Split(value, ",") {
				if call != "" && call != "all" && !digits.MatchString(call) && !hole(call) && !k.cat.Syscall(call) {
					return wrong("There is no system call {}.", call)
				}
			}
			if watch {
				return wrong("-w and -S cannot be used together.")
			}
		case "-F":
			i++
			m := auditField.FindStringSubmatch(value)
			if m == nil {
				return wrong("-F takes a field, an operator and a value without blanks; {} is not.", value)
			}
			switch {
			case hole(m[1]) || hole(m[3]):
			case !auditFields[m[1]]:
				return wrong("The audit system has no field {}.", m[1])
			case m[1] == "arch" && !auditArch[m[3]]:
				return wrong("There is no architecture {}.", m[3])
			case m[1] == "perm" && strings.Trim(m[3], "rwxa") != "":
				return wrong("perm takes letters of r, w, x and a; {} is not.", m[3])
			case m[1] == "path" && folders[strings.TrimRight(m[3], "/")]:
				i := broken(src("man-audit.rules-7"), "-F dir="+m[3], "{} is a folder: path= is one file, dir= is a folder with all below it.", m[3])
				return &i
			case (m[1] == "exe" || m[1] == "path" || m[1] == "dir") && !strings.HasPrefix(m[3], "/"):
				return wrong("{} takes a whole path.", m[1])
			}
		case "-C":
			i++
		case "-D", "-c", "-i", "-h", "-l", "-s", "--loginuid-immutable", "-t", "-v":
		case "-b", "-e", "-f", "-r", "-m", "-q", "-R", "--backlog_wait_time":
			i++
			if value == "" && option != "-m" {
				return wrong("{} needs a value.", option)
			}
		case "--reset-lost", "--reset_backlog_wait_time_actual", "--signal":
		default:
			if strings.HasPrefix(option, "#") {
				return nil
			}
			if strings.HasPrefix(option, "-") || i > 0 {
				return wrong("{} means nothing in a rule of the audit system.", option)
			}
			return wrong("A rule of the audit system begins with an option such as -a or -w, not with {}.", option)
		}
	}
	return nil
}
