package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
)

func (v *viewer) sysctl(c *command) {
	args := v.split(c)
	if args.has("-p", "--load") {
		v.sysctlLoad(args)
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
		if i.judgement == finding.Broken {
			v.badKey = key
		}
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

func (v *viewer) sysctlLoad(args *parsed) {
	file := args.values["-p"]
	if file == "" {
		file = args.values["--load"]
	}
	if file != "" || len(args.operands) > 0 {
		return
	}
	if v.badKey != "" {
		v.broken(src("catalogue-sysctl"), "", "There is nothing to load: the kernel has no setting {}.", v.badKey)
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
