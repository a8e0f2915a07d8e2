package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
)

// configs are the checks of the formats.
var configs map[string]func(*config)

func init() {
	configs = map[string]func(*config){
		"yaml": (*config).yaml, "json": (*config).json, "toml": (*config).toml,
		"falco-rules": (*config).yaml, "falco-config": (*config).yaml, "kubernetes": (*config).yaml, "compose": (*config).yaml,
		"seccomp": (*config).json, "docker-daemon": (*config).json,
		"audit": (*config).audit, "sysctl": (*config).sysctl, "sshd": (*config).sshd, "rsyslog": (*config).rsyslog,
		"systemd": (*config).systemd, "apparmor": (*config).apparmor, "dockerfile": (*config).dockerfile,
		"fail2ban": (*config).fail2ban, "cron": (*config).cron, "containerd": (*config).toml, "auditd": (*config).auditd,
		"logrotate": (*config).logrotate, "journald": (*config).journald, "nftables": (*config).nftables, "sudoers": (*config).sudoers,
	}
}

// config is a text of a configuration file, on its way to being judged.
type config struct {
	*check
	form   string
	from   int   // offset of the text in the block
	starts []int // offsets of its lines, in the block
	text   string
	bad    map[int]bool // lines that something is said of
}

func (k *check) config(form string, from, to int) {
	c := &config{check: k, form: form, from: from, text: k.text[from:to], bad: map[int]bool{}}
	c.starts = append(c.starts, from)
	for i := from; i < to; i++ {
		if k.text[i] == '\n' {
			c.starts = append(c.starts, i+1)
		}
	}
	if f := configs[form]; f != nil {
		f(c)
		return
	}
	c.whole(unchecked("The format {} is not checked.", form))
}

// line is the bounds of a line; 1 is the first.
func (c *config) bounds(n int) (int, int) {
	n = min(max(n, 1), len(c.starts))
	start := c.starts[n-1]
	end := c.from + len(c.text)
	if n < len(c.starts) {
		end = c.starts[n] - 1
	}
	return start, end
}

// at says something of a line.
func (c *config) at(line int, i issue) {
	start, end := c.bounds(line)
	if i.judgement.Bad() {
		if c.bad[line] {
			return
		}
		c.bad[line] = true
	}
	c.add(start, end, finding.Config, i)
}

func (c *config) broken(line int, sources []string, suggest, format string, values ...string) {
	c.at(line, broken(sources, suggest, format, values...))
}

// whole says something of the first line that has words, in the name of all.
func (c *config) whole(i issue) {
	for n := 1; n <= len(c.starts); n++ {
		start, end := c.bounds(n)
		if t := strings.TrimSpace(c.check.text[start:end]); t != "" && t[0] != '#' && t != "---" {
			c.at(n, i)
			return
		}
	}
}

func (c *config) good(line int, sources ...string) {
	c.at(line, issue{finding.Supported, say("What it names exists, and it is written as it has to be."), sources, ""})
}

// each calls f with the number and text of each line that is no comment.
func (c *config) each(f func(line int, text string)) {
	for n := 1; n <= len(c.starts); n++ {
		start, end := c.bounds(n)
		t := strings.TrimSpace(c.check.text[start:end])
		if t != "" && t[0] != '#' && t[0] != ';' {
			f(n, t)
		}
	}
}

// rules applies the rules of the catalogue to a line.
func (c *config) rule(form string, line int, text string) bool {
	for _, r := range c.cat.RulesIn(form) {
		if r.MatchLine(text) && !r.Excused(text, c.text+"\n"+c.b.Intro) && !(r.Undo && undoes.MatchString(c.b.Intro)) {
			c.at(line, issue{finding.Judgement(r.Judgement), say(r.Reason), r.Sources, r.Suggest})
			return true
		}
	}
	return false
}

var elision = pattern(`^(?:\.\.\.|…|\[\.\.\.\]|<[^<>]*>|\*\*\*)$`)

func elided(text string) bool { return elision.MatchString(strings.TrimSpace(text)) }

func (c *config) sysctl() {
	c.each(func(line int, text string) {
		key, value, ok := strings.Cut(text, "=")
		key = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(key), "-"))
		switch {
		case elided(text):
		case !ok || strings.ContainsAny(key, " \t"):
			c.broken(line, src("man-sysctl.d-5"), "", "A line of sysctl.d is key = value.")
		case c.rule("sysctl", line, text):
		default:
			if i := c.keyIssue(key); i != nil {
				c.at(line, *i)
				return
			}
			if strings.TrimSpace(value) == "" {
				c.broken(line, src("man-sysctl.d-5"), "", "{} is given no value.", key)
				return
			}
			c.good(line, "catalogue-sysctl")
		}
	})
}

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
	auditField   = pattern(`^([a-z0-9_]+)(!=|>=|<=|&=|=|>|<|&)(.+)$`)
	auditArch    = words("b32 b64 x86_64 i386 i686 aarch64 arm armeb ppc ppc64 ppc64le s390 s390x ia64")
)

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
			if i := k.pathIssue(value, false); i != nil && i.judgement.Bad() {
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

func (c *config) sshd() {
	known := c.cat.Words("sshd-keywords.txt")
	lower := map[string]bool{}
	for w := range known {
		lower[strings.ToLower(w)] = true
	}
	for _, w := range strings.Fields("protocol useprivilegeseparation keyregenerationinterval serverkeybits rsaauthentication rhostsrsaauthentication challengeresponseauthentication pubkeyacceptedkeytypes hostbasedacceptedkeytypes persourcepenalties persourcepenaltyexemptlist uselogin dsaauthentication authorizedkeysfile2 sshdsessionpath refuseconnection gssapienablek5users kerberosuniqueccache skeyauthentication permitblacklistedkeys") {
		lower[w] = true
	}
	c.each(func(line int, text string) {
		key := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' || r == '=' })[0]
		switch {
		case elided(text):
		case c.rule("sshd", line, text):
		case !lower[strings.ToLower(key)]:
			if !regexpOf(`^[A-Za-z][A-Za-z0-9]+$`).MatchString(key) {
				c.broken(line, src("man-sshd_config-5"), "", "A line of sshd_config begins with a keyword; {} is none.", key)
			} else {
				c.broken(line, src("man-sshd_config-5"), "", "sshd_config has no keyword {}.", key)
			}
		case len(strings.Fields(strings.ReplaceAll(text, "=", " "))) < 2:
			c.broken(line, src("man-sshd_config-5"), "", "{} is given no value.", key)
		default:
			c.good(line, "man-sshd_config-5")
		}
	})
}

var (
	facility    = words("auth authpriv cron daemon ftp kern lpr mail mark news security syslog user uucp local0 local1 local2 local3 local4 local5 local6 local7 *")
	severity    = words("debug info notice warning warn err error crit alert emerg panic none *")
	template    = pattern(`^\$(?:template|ModLoad|IncludeConfig|[A-Z]\w+)\b`)
	advanced    = pattern(`^(?:module|action|input|ruleset|template|global|main_queue|parser|timezone|lookup_table|dyn_stats|include|property|constant|percentile_stats|ratelimit)\s*\(`)
	property    = pattern(`^:[\w$!-]+, *!?(?:contains|isequal|startswith|regex|ereregex|isempty|contains_i|startswith_i|endswith|contains, *)[ ,]`)
	script      = pattern(`^(?:if|then|else|set|unset|reset|call|call_indirect|foreach|continue|stop|[{}&)])`)
	selectorOne = pattern(`^([a-z0-9,*]+)\.([=!]*)([a-z*]+)$`)
)

func (c *config) rsyslog() {
	manual := src("rsyslog-docs")
	depth := 0
	c.each(func(line int, text string) {
		opened := depth > 0
		depth += strings.Count(text, "(") + strings.Count(text, "{") - strings.Count(text, ")") - strings.Count(text, "}")
		depth = max(depth, 0)
		if opened || elided(text) {
			return
		}
		switch {
		case c.rule("rsyslog", line, text):
		case advanced.MatchString(text):
			if m := regexpOf(`^module\s*\(\s*load\s*=\s*"([\w./-]+)"`).FindStringSubmatch(text); m != nil {
				if !c.cat.Words("rsyslog-modules.txt")[m[1]] && !builtinModules[m[1]] {
					c.at(line, unchecked("The rsyslog module {} is in no catalogue.", m[1]))
					return
				}
			}
			c.good(line, manual...)
		case template.MatchString(text), script.MatchString(text):
			c.good(line, manual...)
		case property.MatchString(text):
			c.good(line, manual...)
		case strings.HasPrefix(text, ":"):
			c.broken(line, manual, "", "It is no property filter of rsyslog: those are :property, operation, \"value\".")
		case strings.HasPrefix(text, "!") || strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-"):
			c.at(line, unchecked("A block by program or host, as in BSD's syslogd; it was not checked."))
		default:
			c.selector(line, text, manual)
		}
	})
}

var builtinModules = words("builtin:omfile builtin:omfwd builtin:omusrmsg builtin:ompipe builtin:omshell builtin:omdiscard omfile omfwd impstats")

func (c *config) selector(line int, text string, manual []string) {
	fields := strings.Fields(text)
	for _, part := range strings.Split(fields[0], ";") {
		if part == "" {
			continue
		}
		m := selectorOne.FindStringSubmatch(part)
		if m == nil {
			c.broken(line, manual, "", "{} is no selector: those are facility.severity, such as auth.info.", part)
			return
		}
		for _, f := range strings.Split(m[1], ",") {
			if !facility[f] {
				c.broken(line, manual, "", "syslog has no facility {}.", f)
				return
			}
		}
		if !severity[m[3]] {
			c.broken(line, manual, "", "syslog has no severity {}.", m[3])
			return
		}
	}
	if len(fields) < 2 {
		c.broken(line, manual, "", "The selector {} has no action behind it.", fields[0])
		return
	}
	action := fields[1]
	switch {
	case strings.ContainsAny(action[:1], "/-@|*~^?:&") || action == "stop" || strings.HasPrefix(action, "action(") || regexpOf(`^[a-z_][a-z0-9_,-]*$`).MatchString(action):
		c.good(line, manual...)
	default:
		c.broken(line, manual, "", "{} is no action of rsyslog.", action)
	}
}

var sectionHead = pattern(`^\[([^\]]+)\]$`)

func (c *config) systemd() {
	known := c.cat.Words("systemd-directives.txt")
	sections := words("Unit Service Install Socket Timer Mount Automount Path Slice Scope Swap Manager Journal Match Network Link Resolve Login Time Coredump NetDev Address Route DHCP")
	section := ""
	goesOn := false
	c.each(func(line int, text string) {
		if goesOn {
			goesOn = strings.HasSuffix(text, `\`)
			return
		}
		goesOn = strings.HasSuffix(text, `\`)
		if m := sectionHead.FindStringSubmatch(text); m != nil {
			section = m[1]
			if !sections[section] && !strings.HasPrefix(section, "X-") {
				c.broken(line, src("man-systemd.unit-5"), "", "systemd's units have no section {}.", text)
			}
			return
		}
		key, _, ok := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		switch {
		case elided(text):
		case section == "Journal" || section == "Manager" || section == "Network" || section == "Link" || section == "Resolve" || section == "Login" || section == "Coredump":
			c.at(line, unchecked("A setting of {}; it was not checked.", section))
		case !ok:
			c.broken(line, src("man-systemd.unit-5"), "", "A line of a unit is Directive=value.")
		case !known[key] && !strings.HasPrefix(key, "X-") && !newDirectives[key]:
			c.broken(line, src("man-systemd.exec-5"), "", "systemd has no directive {}.", key)
		case c.rule("systemd", line, text):
		default:
			c.good(line, "man-systemd.exec-5")
		}
	})
}

// newDirectives came after systemd 252, or are old and still read.
var newDirectives = words("MemoryPressureWatch MemoryPressureThresholdSec MemoryZSwapWriteback RootEphemeral OpenFile SurviveFinalKillSignal RestartSteps RestartMaxDelaySec RestartMode ImportCredential SetLoginEnvironment CoredumpReceive PassFileDescriptorsToExec ConditionSecurity PrivatePIDs ProtectHostname DelegateSubgroup StartupMemoryHigh StartupMemoryMax MaxConnectionsPerSource PollLimitIntervalSec PollLimitBurst PrivateBPF StartLimitInterval StartLimitBurst StartLimitAction CPUShares MemoryLimit BlockIOWeight Capabilities PermissionsStartOnly RequiresOverridable ReadOnlyDirectories InaccessibleDirectories ReadWriteDirectories DeferReactivation ManagedOOMMemoryPressureDurationSec ExtraFileDescriptors PassEnvironment OnClockChange ProtectControlGroupsEx NamespacePath BindLogSockets SocketProtocol")

func (c *config) apparmor() {
	open := strings.Count(c.text, "{") - strings.Count(c.text, "}")
	first := 0
	bad := false
	c.each(func(line int, text string) {
		if first == 0 {
			first = line
		}
		if strings.HasPrefix(text, "#include") || bad {
			return
		}
		for _, m := range regexpOf(`\bcapability\s+([a-z_ ,]+),`).FindAllStringSubmatch(text, -1) {
			for _, name := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ' ' || r == ',' }) {
				if !capabilities[name] {
					c.broken(line, src("apparmor-docs"), "", "There is no capability {}.", name)
					bad = true
					return
				}
			}
		}
		if apparmorRule.MatchString(text) || strings.HasSuffix(text, "{") || text == "}" || strings.HasPrefix(text, "@{") || strings.HasPrefix(text, "include") || strings.HasPrefix(text, "abi") || strings.HasPrefix(text, "alias") || strings.HasPrefix(text, "if ") {
			return
		}
		word := strings.Fields(qualifiers.ReplaceAllString(text, "") + " ?")[0]
		switch {
		case strings.HasSuffix(strings.TrimSpace(stripComment(text)), ",") && plainWord.MatchString(word) && !syscallRule.MatchString(text):
			c.broken(line, src("apparmor-docs"), "", "AppArmor has no rule {}.", word)
			bad = true
		case !strings.HasSuffix(strings.TrimSpace(stripComment(text)), ",") && !strings.HasSuffix(text, "{"):
			if open == 0 && apparmorWord.MatchString(text) && !strings.Contains(text, "{") {
				c.broken(line, src("apparmor-docs"), "", "A rule of an AppArmor profile ends with a comma.")
				bad = true
			}
		case syscallRule.MatchString(text):
			c.broken(line, src("apparmor-docs"), "", "AppArmor knows no system calls: {} is no rule of its language.", strings.Fields(text)[0])
			bad = true
		}
	})
	if open != 0 {
		c.whole(broken(src("apparmor-docs"), "", "The braces do not match."))
		return
	}
	if !bad {
		c.whole(issue{finding.Supported, say("Its rules have the form of AppArmor's."), src("apparmor-docs"), ""})
	}
}

func stripComment(s string) string {
	if i := strings.Index(s, " #"); i >= 0 {
		return s[:i]
	}
	return s
}

var (
	apparmorRule = pattern(`^(?:(?:audit|deny|allow|owner|quiet|kill|prompt|access)\s+)*(?:/|@\{|"|"/|capability|network|file|mount|remount|umount|pivot_root|signal|ptrace|dbus|unix|change_profile|set\s+rlimit|include|link|userns|io_uring|mqueue|change_hat|all|\^|hat|profile|[rwaxmlkuUpPcCiI]+\s+/)[^;]*,\s*(?:#.*)?$`)
	qualifiers   = pattern(`^(?:(?:audit|deny|allow|owner|quiet|kill|prompt|access)\s+)*`)
	plainWord    = pattern(`^[a-z_]{3,}$`)
	apparmorWord = pattern(`^(?:(?:audit|deny|allow|owner)\s+)*(?:/|capability|network|file|mount|ptrace|signal|@\{)`)
	syscallRule  = pattern(`^(?:(?:audit|deny|allow)\s+)*(?:syscall|seccomp|memfd_create|execve|mmap|process|exec)\b`)
	capabilities = words("audit_control audit_read audit_write block_suspend bpf checkpoint_restore chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner kill lease linux_immutable mac_admin mac_override mknod net_admin net_bind_service net_broadcast net_raw perfmon setgid setfcap setpcap setuid sys_admin sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm")
)

var instructions = words("ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR")

func (c *config) dockerfile() {
	goesOn, end := false, ""
	c.each(func(line int, text string) {
		if end != "" {
			if text == end {
				end = ""
			}
			return
		}
		if goesOn {
			goesOn = strings.HasSuffix(text, `\`)
			return
		}
		goesOn = strings.HasSuffix(text, `\`)
		word := strings.Fields(text)[0]
		if m := heredoc.FindStringSubmatch(text); m != nil {
			end = m[1]
		}
		switch {
		case elided(text):
		case !instructions[strings.ToUpper(word)]:
			c.broken(line, src("docker-docs"), "", "A Dockerfile has no instruction {}.", word)
		case c.rule("dockerfile", line, text):
		default:
			c.good(line, "docker-docs")
		}
	})
}

func (c *config) fail2ban() {
	known := words("enabled port filter logpath maxretry bantime findtime action backend ignoreip banaction banaction_allports destemail sender mta protocol chain ignorecommand usedns logencoding mode action_ action_mw action_mwl action_xarf action_abuseipdb fail2ban_agent bantime.increment bantime.rndtime bantime.maxtime bantime.factor bantime.formula bantime.multipliers bantime.overalljails ignoreself ignorecache maxmatches journalmatch datepattern failregex ignoreregex maxlines prefregex before after actionstart actionstop actionban actionunban actioncheck sendername blocktype loglevel logtarget dbfile dbpurgeage socket pidfile syslogsocket allowipv6 sshd_log sshd_backend tcpport udpport skip_if_nologs")
	c.each(func(line int, text string) {
		if strings.HasPrefix(text, "[") || elided(text) {
			return
		}
		key, _, ok := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		if !ok {
			return
		}
		if known[key] || strings.HasPrefix(key, "action") || strings.HasPrefix(key, "_") {
			c.good(line, "fail2ban-docs")
			return
		}
		c.at(line, unchecked("The setting {} of fail2ban is in no catalogue.", key))
	})
}

func (c *config) auditd() {
	known := c.cat.Words("auditd-keywords.txt")
	c.each(func(line int, text string) {
		if auditLine.MatchString(text) {
			c.broken(line, src("man-audit.rules-7"), "/etc/audit/rules.d/", "auditd.conf takes settings; rules belong into a file of /etc/audit/rules.d.")
			return
		}
		key, _, ok := strings.Cut(text, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		switch {
		case elided(text):
		case !ok:
			c.broken(line, src("catalogue-manpages"), "", "A line of auditd.conf is key = value.")
		case !known[key] && key != "dispatcher" && key != "disp_qos":
			c.broken(line, src("catalogue-manpages"), "", "auditd.conf has no setting {}.", key)
		default:
			c.good(line, "catalogue-manpages")
		}
	})
}

func (c *config) logrotate() {
	c.whole(unchecked("A configuration of logrotate; it was not checked."))
}

func (c *config) cron() {
	c.each(func(line int, text string) {
		switch {
		case elided(text), regexpOf(`^[A-Z_]+\s*=`).MatchString(text):
		case c.rule("cron", line, text):
		case cronLine.MatchString(text):
			c.at(line, unchecked("A job for cron; its command was not checked."))
		default:
			c.at(line, unchecked("It was not checked."))
		}
	})
}

func (c *config) journald() {
	known := c.cat.Words("journald-keywords.txt")
	c.each(func(line int, text string) {
		key, _, ok := strings.Cut(text, "=")
		key = strings.TrimSpace(key)
		switch {
		case elided(text), text == "[Journal]":
		case !ok:
			c.broken(line, src("debian-manpages"), "", "A line of journald.conf is Setting=value.")
		case !known[key]:
			c.broken(line, src("debian-manpages"), "", "journald.conf has no setting {}.", key)
		default:
			c.good(line, "debian-manpages")
		}
	})
}

var (
	sudoDefaults = pattern(`^(?:Defaults(?:[@:!>]\S+)?\s+\S|(?:User|Runas|Host|Cmnd|Cmd)_Alias\s+[A-Z]\w*\s*=|[@#]include)`)
	sudoRule     = pattern(`^(?:[%#+]?[\w.@\\-]+|[A-Z_]+|"[^"]+")(?:\s*,\s*\S+)*\s+[\w.,!-]+\s*=\s*(?:\([^)]*\)\s*)?(?:(?:NOPASSWD|PASSWD|NOEXEC|EXEC|SETENV|NOSETENV|LOG_INPUT|NOLOG_INPUT|LOG_OUTPUT|NOLOG_OUTPUT|MAIL|NOMAIL|FOLLOW|NOFOLLOW|INTERCEPT|NOINTERCEPT):\s*)*(?:ALL|!?/\S|!?[A-Z][A-Z0-9_]*\s*(?:,|$)|sudoedit|sha\d+:|list)`)
)

func (c *config) sudoers() {
	goesOn := false
	c.each(func(line int, text string) {
		was := goesOn
		goesOn = strings.HasSuffix(text, `\`)
		switch {
		case was, elided(text):
		case c.rule("sudoers", line, text):
		case sudoDefaults.MatchString(text), sudoRule.MatchString(text):
			c.good(line, "man-sudoers-5")
		default:
			c.broken(line, src("man-sudoers-5"), "visudo -c", "It is no line of sudoers: those are WHO HOST=(RUNAS) COMMANDS.")
		}
	})
}

func (c *config) nftables() {
	bad := strings.Count(c.text, "{") != strings.Count(c.text, "}")
	if bad {
		c.whole(broken(src("man-nft-8"), "", "The braces do not match."))
	}
	c.each(func(line int, text string) {
		bad = c.rule("nftables", line, text) || bad
	})
	if !bad {
		c.whole(unchecked("Rules of nftables; only what is known to be wrong was looked for."))
	}
}
