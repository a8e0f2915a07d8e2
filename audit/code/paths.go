package code

import (
	"path"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

// paths looks at each path among the words of a command.
func (v *viewer) paths(c *command) {
	for _, w := range c.args() {
		text := w.text
		if i := strings.IndexByte(text, '='); i > 0 && strings.HasPrefix(text, "-") {
			text = text[i+1:]
		}
		if strings.HasPrefix(text, "memfd:") && !matchers[c.name()] {
			v.broken(src("kernel-sysctl-vm"), "/proc/PID/exe", "A memfd has no path: {} is only the name that the kernel shows for it.", text)
			return
		}
		if strings.HasPrefix(text, "/") && !strings.ContainsAny(text, " \n'\"") {
			x := w
			x.text = text
			v.path(x)
		}
	}
	for _, r := range c.redirs {
		if strings.HasPrefix(r.op, "<") && r.body < 0 && strings.HasPrefix(r.target.text, "/") {
			v.path(r.target)
		}
	}
}

var (
	procTop     = words("acpi asound buddyinfo bus cgroups cmdline config.gz consoles cpuinfo crypto devices diskstats dma driver dynamic_debug execdomains fb filesystems fs interrupts iomem ioports irq kallsyms kcore key-users keys kmsg kpagecgroup kpagecount kpageflags loadavg locks mdstat meminfo misc modules mounts mtrr net pagetypeinfo partitions pressure sched_debug schedstat scsi self slabinfo softirqs stat swaps sys sysrq-trigger sysvipc thread-self timer_list timer_stats tty uptime version version_signature vmallocinfo vmcore vmstat zoneinfo xen latency_stats kpageflags lockdep lock_stat allocinfo bootconfig spl cpu ide")
	procPer     = expr.New(`^/proc/(?:[0-9]+|self|thread-self|\*|\[0-9\]\*|\[1-9\]\*)(/.*)?$`)
	inProc      = words("arch_status attr autogroup auxv cgroup clear_refs cmdline comm coredump_filter cpu_resctrl_groups cpuset cwd environ exe fd fdinfo gid_map io ksm_merging_pages ksm_stat latency limits loginuid map_files maps mem mountinfo mounts mountstats net ns numa_maps oom_adj oom_score oom_score_adj pagemap patch_state personality projid_map root sched schedstat sessionid seccomp_cache setgroups smaps smaps_rollup stack stat statm status syscall task timens_offsets timers timerslack_ns uid_map wchan make-it-fail fail-nth")
	procFolders = words("acpi asound bus driver dynamic_debug fs irq net pressure scsi self spl sys sysvipc thread-self tty ide xen dma-buf cpu")
	sysTop      = words("block bus class dev devices firmware fs hypervisor kernel module power")
)

// matchers are programs whose words are patterns or texts, not files.
var matchers = words("grep egrep fgrep zgrep rgrep find echo printf pgrep pkill awk gawk mawk sed ausearch journalctl falco docker kubectl yara test [ logger xargs ps kill killall strace lsof gdb")

var capitals = expr.New(`^[A-Z]{2}[A-Z0-9_]*$`)

// path says what is known of one path.
func (v *viewer) path(w word) {
	for _, part := range strings.Split(w.text, "/") {
		if capitals.MatchString(part) {
			return // /proc/PID/exe
		}
	}
	if w.dynamic && strings.ContainsAny(w.text, "$`") || w.placeholder {
		return
	}
	if i := v.pathIssue(w.text); i != nil {
		v.say(*i)
	}
}

func (k *check) pathIssue(p string) *issue {
	p = path.Clean(p)
	for _, place := range k.cat.Places {
		if !place.Match(p) {
			continue
		}
		switch place.Exists {
		case "no":
			i := broken(orOwn(place.Sources), place.Use, "There is no {}: "+place.Reason, p)
			return &i
		case "debian-no":
			i := broken(orOwn(place.Sources), place.Use, "Debian 12 has no {}: "+place.Reason, p)
			return &i
		}
		return nil
	}
	sources := src("catalogue-proc")
	switch {
	case strings.HasPrefix(p, "/proc/sys/"):
		key := strings.ReplaceAll(strings.ReplaceAll(strings.TrimPrefix(p, "/proc/sys/"), ".", "\x00"), "/", ".")
		key = strings.ReplaceAll(key, "\x00", "/")
		if strings.Count(key, ".") == 0 || strings.ContainsAny(key, "*?") {
			return nil
		}
		if i := k.keyIssue(key); i != nil && i.judgement == finding.Broken && !k.sysctlFolder(key) {
			return i
		}
	case strings.HasPrefix(p, "/proc/"):
		if m := procPer.FindStringSubmatch(p); m != nil {
			name, _, _ := strings.Cut(strings.TrimPrefix(m[1], "/"), "/")
			if name != "" && !inProc[name] && !strings.ContainsAny(name, "*?[{") {
				i := broken(sources, "", "A process has no {} in /proc.", name)
				return &i
			}
			return nil
		}
		name, below, _ := strings.Cut(strings.TrimPrefix(p, "/proc/"), "/")
		if procTop[name] && below != "" && !procFolders[name] {
			i := broken(sources, "", "{} is a file, not a folder.", "/proc/"+name)
			return &i
		}
		if !procTop[name] && !strings.ContainsAny(name, "*?[{") {
			i := broken(sources, "", "There is no {} on Linux.", "/proc/"+name)
			return &i
		}
	case strings.HasPrefix(p, "/sys/"):
		name, _, _ := strings.Cut(strings.TrimPrefix(p, "/sys/"), "/")
		if !sysTop[name] && !strings.ContainsAny(name, "*?[{") {
			i := broken(sources, "", "There is no {} on Linux.", "/sys/"+name)
			return &i
		}
	}
	return nil
}

// sysctlFolder reports whether a key is only the beginning of keys.
func (k *check) sysctlFolder(key string) bool {
	for known := range k.cat.Words("sysctl.txt") {
		if strings.HasPrefix(known, key+".") {
			return true
		}
	}
	return false
}
