package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

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
	apparmorRule = expr.New(`^(?:(?:audit|deny|allow|owner|quiet|kill|prompt|access)\s+)*(?:/|@\{|"|"/|capability|network|file|mount|remount|umount|pivot_root|signal|ptrace|dbus|unix|change_profile|set\s+rlimit|include|link|userns|io_uring|mqueue|change_hat|all|\^|hat|profile|[rwaxmlkuUpPcCiI]+\s+/)[^;]*,\s*(?:#.*)?$`)
	qualifiers   = expr.New(`^(?:(?:audit|deny|allow|owner|quiet|kill|prompt|access)\s+)*`)
	plainWord    = expr.New(`^[a-z_]{3,}$`)
	apparmorWord = expr.New(`^(?:(?:audit|deny|allow|owner)\s+)*(?:/|capability|network|file|mount|ptrace|signal|@\{)`)
	syscallRule  = expr.New(`^(?:(?:audit|deny|allow)\s+)*(?:syscall|seccomp|memfd_create|execve|mmap|process|exec)\b`)
	capabilities = words("audit_control audit_read audit_write block_suspend bpf checkpoint_restore chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner kill lease linux_immutable mac_admin mac_override mknod net_admin net_bind_service net_broadcast net_raw perfmon setgid setfcap setpcap setuid sys_admin sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace sys_rawio sys_resource sys_time sys_tty_config syslog wake_alarm")
)
