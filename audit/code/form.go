package code

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

var (
	pathWord    = expr.New(`(?:^|[\s` + "`" + `"'(])(/(?:etc|usr|var|lib|opt|home|root|srv|run)/[\w./@-]+[\w@-]|[\w.-]+\.(?:ya?ml|json|toml|conf|rules|service|cfg|ini)\b|[Dd]ockerfile\b)`)
	fileComent  = expr.New(`^\s*(?:#|//|;)\s*(?:[Ff]ile(?:name)?:?\s*)?(/[\w./@-]+|[\w.-]+\.(?:ya?ml|json|toml|conf|rules|service))\b`)
	auditLine   = expr.New(`^\s*(?:-[aA] +(?:always|never|exit|task|user|exclude|filesystem|block|deny|[a-z]+,[a-z]+)|-w +/|-W +/|-D *$|-b +[0-9]+ *$|-e +[012] *$|-f +[012] *$|--backlog_wait_time)`)
	sysctlLine  = expr.New(`^\s*-?(?:kernel|vm|fs|net|user|dev|abi|debug|security|process|memfd|memory|system)\.[\w.*/-]+\s*=`)
	unitHead    = expr.New(`(?m)^\s*\[(?:Unit|Service|Install|Socket|Timer|Mount|Path|Slice)\]\s*$`)
	jailHead    = expr.New(`(?m)^\s*(?:bantime|findtime|maxretry|banaction)\s*=`)
	profileTop  = expr.New(`(?m)^\s*(?:profile\s+[\w./-]+.*\{|#include\s+<tunables|include\s+<tunables|/[\w./*-]+\s*(?:flags=\([^)]*\)\s*)?\{)`)
	dockerTop   = expr.New(`^(?:#.*\n|\s|ARG [^\n]*\n)*FROM\s+\S+`)
	tomlHead    = expr.New(`(?m)^\s*\[+(?:plugins\b|[\w.-]+(?:\."[^"]*")*)[\w."-]*\]+\s*$`)
	cronLine    = expr.New(`^\s*(?:[0-9*/,-]+\s+){5}\S|^\s*@(?:reboot|daily|hourly|weekly|monthly|yearly)\s+\S`)
	nftTable    = expr.New(`(?m)^\s*table\s+(?:inet|ip|ip6|arp|bridge|netdev)?\s*\w+\s*\{`)
	sudoersLine = expr.New(`^[%\w.@-]+\s+[\w.]+\s*=\s*\(?[\w:]+\)?.*(?:NOPASSWD|ALL|/)`)
	keyColon    = expr.New(`^\s*(?:- )?[\w.-]+:(?:\s|$)`)
	selector    = expr.New(`^\s*(?:[a-z0-9,*]+\.[a-z=!*]+(?:;[a-z0-9,*.=!]+)*)\s+(?:-?/|@|:om|\*|~|stop)|^\s*\$[A-Z]\w+\s|^\s*(?:module|action|input|ruleset|template|global|main_queue)\s*\(|^\s*:[\w!-]+,|^\s*if +\$`)
)

var shellTag = words("bash sh shell zsh console shell-session shellsession terminal bash-session ksh sudo command cmdline commandline")

// hasCommands reports whether a line outside of here-documents is a command.
func (k *check) hasCommands() bool {
	found, end := false, ""
	eachLine(k.text, func(from, to int) {
		line := strings.TrimSpace(k.text[from:to])
		switch {
		case end != "":
			if line == end {
				end = ""
			}
			return
		case line == "" || line[0] == '#':
			return
		}
		if m := heredoc.FindStringSubmatch(line); m != nil {
			end = m[1]
		}
		found = found || k.startsCommand(promptless(line))
	})
	return found
}

// otherLanguages are those of which the catalogue knows nothing.
var otherLanguages = expr.New(`^(?:python3?|py|go|golang|rust|c|cpp|c\+\+|java|javascript|js|typescript|ts|ruby|perl|php|lua|sql|rego|hcl|terraform|tf|promql|logql|kql|kusto|spl|splunk|powershell|ps1|pwsh|cmd|bat|cel|xml|html|mermaid|diff|csharp|awk|bpftrace|yara|sigma|suricata|snort|zeek|vcl|groovy|makefile|esql|eql|lucene|graphql|http|asm|nasm|dot|plantuml|svg|css|latex|tex|regex)$`)

// form says what the block is: "shell", a format of configuration, or "" for
// what is neither.
func (k *check) form() string {
	language := strings.ToLower(strings.TrimSpace(k.b.Language))
	language, _, _ = strings.Cut(language, " ")
	language = strings.Trim(language, "{}.:")
	if k.b.Inline {
		return k.inline(k.text)
	}
	if otherLanguages.MatchString(language) {
		k.add(0, len(k.text), finding.Config, unchecked("A block in {} is not checked.", language))
		return ""
	}
	file := k.file()
	if shellTag[language] && k.hasCommands() {
		return "shell"
	}
	if form := k.formOf("", k.text); form != "" && form != "shell" && (form != "audit" || !strings.HasPrefix(language, "y")) && form != "json" && form != "yaml" && form != "toml" && form != "ini" {
		if form == "cron" && strings.HasPrefix(language, "bash") || form != "cron" {
			return form
		}
	}
	if shellTag[language] {
		return "shell"
	}
	switch language {
	case "yaml", "yml", "json", "jsonc", "json5", "toml", "ini", "dockerfile", "docker", "systemd", "conf", "cfg", "config", "properties", "apparmor", "nginx", "sshd", "sshdconfig", "ssh-config", "sshconfig", "rsyslog", "auditd", "audit", "falco", "kubernetes", "k8s", "text", "txt", "plaintext", "plain", "log", "output", "", "none", "sysctl", "cron", "crontab", "fstab", "logrotate":
	default:
		k.add(0, len(k.text), finding.Config, unchecked("A block in {} is not checked.", language))
		return ""
	}
	if file != "" {
		tree := map[string]bool{"yaml": true, "falco-rules": true, "falco-config": true, "json": true, "docker-daemon": true, "seccomp": true}
		plain := k.formOf("", k.text)
		if form := k.formOf(file, k.text); form != "" && form != "shell" && (!tree[plain] || tree[form]) {
			return form
		}
	}
	switch language {
	case "yaml", "yml", "kubernetes", "k8s", "falco":
		return "yaml"
	case "json", "jsonc", "json5":
		return "json"
	case "toml":
		return "toml"
	case "dockerfile", "docker":
		return "dockerfile"
	case "systemd":
		return "systemd"
	case "apparmor":
		return "apparmor"
	case "sshd", "sshdconfig":
		return "sshd"
	case "rsyslog":
		return "rsyslog"
	case "audit", "auditd":
		return "audit"
	case "sysctl":
		return "sysctl"
	case "log", "output":
		return ""
	case "ini", "conf", "cfg", "config", "properties", "nginx", "ssh-config", "sshconfig", "cron", "crontab", "fstab", "logrotate":
		form := k.formOf("", k.text)
		if form == "" || form == "shell" {
			k.add(0, len(k.text), finding.Config, unchecked("It is not said what file this is for; it was not checked."))
			return ""
		}
		return form
	}
	return k.formOf("", k.text)
}

// file is the file that a block is for, as the lines before it or its own
// first line say; "" when they do not.
func (k *check) file() string {
	if m := fileComent.FindStringSubmatch(k.text); m != nil {
		return m[1]
	}
	intro := k.b.Intro
	if i := strings.LastIndexByte(intro, '\n'); i > 0 && len(intro) > 2000 {
		intro = intro[len(intro)-2000:]
	}
	all := pathWord.FindAllStringSubmatch(intro, -1)
	for i := len(all) - 1; i >= 0; i-- {
		if k.formOfPath(all[i][1]) != "" {
			return all[i][1]
		}
	}
	return ""
}

// formOfPath is the format of a file by its place.
func (k *check) formOfPath(file string) string {
	for _, f := range k.cat.Formats {
		for _, p := range f.Paths {
			if regexpOf("^(?:" + p + ")$").MatchString(file) {
				return f.Name
			}
		}
	}
	return ""
}

// formOf says what a text is, by the file it is for and what stands in it.
func (k *check) formOf(file, text string) string {
	form := k.formOfPath(file)
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return ""
	}
	lines := strings.Split(trimmed, "\n")
	if form == "" && heredoc.MatchString(trimmed) && k.startsCommand(promptless(lines[0])) {
		return "shell"
	}
	firstLine := ""
	counts := map[string]int{}
	significant := 0
	for _, l := range lines {
		t := strings.TrimSpace(l)
		if t == "" || t[0] == '#' && !strings.HasPrefix(t, "#include") || strings.HasPrefix(t, "//") {
			continue
		}
		if firstLine == "" {
			firstLine = t
		}
		significant++
		switch {
		case auditLine.MatchString(l):
			counts["audit"]++
		case sysctlLine.MatchString(l):
			counts["sysctl"]++
		case cronLine.MatchString(l):
			counts["cron"]++
		case sudoersLine.MatchString(t):
			counts["sudoers"]++
		case selector.MatchString(l):
			counts["rsyslog"]++
		case k.sshdLine(t):
			counts["sshd"]++
		case keyColon.MatchString(l):
			counts["yaml"]++
		case k.startsCommand(promptless(t)):
			counts["shell"]++
		}
	}
	if significant == 0 {
		return ""
	}
	switch form {
	case "yaml", "":
	default:
		return form
	}
	switch {
	case counts["audit"] > 0 && counts["audit"]*2 >= significant:
		return "audit"
	case firstLine[0] == '{' && strings.Contains(text, `"`) || firstLine[0] == '[' && strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(trimmed, "[")), "{"):
		return "json"
	case dockerTop.MatchString(trimmed + "\n"):
		return "dockerfile"
	case unitHead.MatchString(text):
		return "systemd"
	case nftTable.MatchString(text) && strings.Contains(text, "chain "):
		return "nftables"
	case firstLine == "[Journal]":
		return "journald"
	case counts["sudoers"]*2 >= significant && counts["sudoers"] > 0:
		return "sudoers"
	case jailHead.MatchString(text) && strings.HasPrefix(firstLine, "["):
		return "fail2ban"
	case counts["yaml"] > 0 && counts["yaml"]*3 >= significant && counts["shell"] == 0:
		return "yaml"
	case profileTop.MatchString(text) && strings.Contains(text, "}") && counts["shell"]*2 < significant:
		return "apparmor"
	case counts["sysctl"] > 0 && counts["sysctl"]*2 >= significant:
		return "sysctl"
	case counts["sshd"] > 0 && counts["sshd"]*3 >= significant*2:
		return "sshd"
	case counts["rsyslog"] > 0 && counts["rsyslog"]*2 >= significant && counts["shell"] == 0:
		return "rsyslog"
	case counts["cron"] > 0 && counts["cron"]*2 >= significant:
		return "cron"
	case tomlHead.MatchString(firstLine) && strings.Contains(text, "="):
		return "toml"
	case counts["shell"] > 0 && counts["shell"]*3 >= significant, promptless(firstLine) != firstLine && counts["shell"] > 0:
		return "shell"
	}
	return form
}

// promptless takes a prompt away.
func promptless(line string) string {
	if m := prompt.FindStringIndex(line); m != nil && !strings.HasPrefix(line, "#") {
		return line[m[1]:]
	}
	return line
}

func (k *check) sshdLine(line string) bool {
	key, value, ok := strings.Cut(line, " ")
	return ok && strings.TrimSpace(value) != "" && k.cat.Words("sshd-keywords.txt")[key] && len(key) > 5
}

// inline says what a code span is.
func (k *check) inline(span string) string {
	t := strings.TrimSpace(span)
	if strings.Contains(t, "\n") {
		t = strings.Join(strings.Fields(t), " ")
	}
	switch {
	case len(t) < 4 || !strings.ContainsAny(t, " =|>"):
		return ""
	case auditLine.MatchString(t):
		return "audit"
	case sysctlLine.MatchString(t):
		key, _, _ := strings.Cut(t, "=")
		if exists, _ := k.cat.FalcoField(strings.TrimSpace(key)); exists {
			return "" // user.loginuid=-1
		}
		return "sysctl"
	case k.sshdLine(t):
		return "sshd"
	case selector.MatchString(t) && !strings.HasPrefix(t, "if"):
		return "rsyslog"
	case k.commandLine(promptless(t)):
		return "shell"
	}
	return ""
}

// commandLine reports whether a text is a command: the name of a program and
// what only a command has behind it.
func (k *check) commandLine(t string) bool {
	fields := strings.Fields(t)
	if len(fields) < 2 {
		return false
	}
	name := fields[0]
	i := 0
	if name == "sudo" {
		i = 1
	}
	for i < len(fields) && strings.Contains(fields[i], "=") && !strings.HasPrefix(fields[i], "-") {
		i++
	}
	if i >= len(fields) {
		return false
	}
	name = path.Base(fields[i])
	if i == 0 && !k.commandName(fields[i]) {
		return k.cat.DebianProgram(name) != "" && len(fields) > 1 && strings.HasPrefix(fields[1], "-")
	}
	if i > 0 && fields[0] == "sudo" {
		return true
	}
	// "kill chain", "find out", "test tool" are words, not commands.
	p := k.cat.Program(name)
	rest := fields[i+1:]
	if k.cat.Command(name) != nil {
		return true
	}
	if p != nil && len(p.Commands) > 0 && len(rest) > 0 {
		return len(rest) > 1 || contains(p.Commands, rest[0]) || strings.HasPrefix(rest[0], "-")
	}
	for _, w := range rest {
		if strings.HasPrefix(w, "-") || strings.ContainsAny(w, "/=|<>$.*") || digits.MatchString(w) {
			return true
		}
	}
	if k.cat.Name("plain", name) != nil {
		return len(rest) > 0 && len(rest) < 12
	}
	_, err := syntax.NewParser().Parse(strings.NewReader(t), "")
	return err == nil && len(rest) == 1 && p != nil && p.Kind == "daemon"
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Looks reports whether a code span is a command or a line of configuration
// rather than a name.
func (c *Checker) Looks(span string) bool {
	if len(span) > 4000 {
		return false
	}
	k := &check{Checker: c}
	return k.inline(span) != ""
}
