package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
)

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
	template    = expr.New(`^\$(?:template|ModLoad|IncludeConfig|[A-Z]\w+)\b`)
	advanced    = expr.New(`^(?:module|action|input|ruleset|template|global|main_queue|parser|timezone|lookup_table|dyn_stats|include|property|constant|percentile_stats|ratelimit)\s*\(`)
	property    = expr.New(`^:[\w$!-]+, *!?(?:contains|isequal|startswith|regex|ereregex|isempty|contains_i|startswith_i|endswith|contains, *)[ ,]`)
	script      = expr.New(`^(?:if|then|else|set|unset|reset|call|call_indirect|foreach|continue|stop|[{}&)])`)
	selectorOne = expr.New(`^([a-z0-9,*]+)\.([=!]*)([a-z*]+)$`)
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

var sectionHead = expr.New(`^\[([^\]]+)\]$`)

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
	sudoDefaults = expr.New(`^(?:Defaults(?:[@:!>]\S+)?\s+\S|(?:User|Runas|Host|Cmnd|Cmd)_Alias\s+[A-Z]\w*\s*=|[@#]include)`)
	sudoRule     = expr.New(`^(?:[%#+]?[\w.@\\-]+|[A-Z_]+|"[^"]+")(?:\s*,\s*\S+)*\s+[\w.,!-]+\s*=\s*(?:\([^)]*\)\s*)?(?:(?:NOPASSWD|PASSWD|NOEXEC|EXEC|SETENV|NOSETENV|LOG_INPUT|NOLOG_INPUT|LOG_OUTPUT|NOLOG_OUTPUT|MAIL|NOMAIL|FOLLOW|NOFOLLOW|INTERCEPT|NOINTERCEPT):\s*)*(?:ALL|!?/\S|!?[A-Z][A-Z0-9_]*\s*(?:,|$)|sudoedit|sha\d+:|list)`)
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
