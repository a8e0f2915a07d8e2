package code

import (
	"net/netip"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
)

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
	if id := v.b.Facts["container.id"]; id != "" && id != "host" && !c.foreign {
		target, _ := get("-j", "--jump")
		_, from := get("-s", "--source")
		_, to := get("-d", "--destination")
		if (target == "DROP" || target == "REJECT") && (chain == "OUTPUT" && to || chain == "INPUT" && from) {
			v.broken(src("docker-docs"), strings.Replace(strings.Replace(c.plain(), " OUTPUT", " DOCKER-USER", 1), " INPUT", " DOCKER-USER", 1), "The traffic of a container is forwarded: it does not pass the host's chain {}.", chain)
			return
		}
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
	ufwPort  = expr.New(`^[0-9:,]+(?:/(?:tcp|udp))?$`)
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

var keeping = expr.New(`(?i)\b(?:persist|save|permanent|keep|reboot)`)

// save sees rules printed that were meant to be kept.
func (v *viewer) save(c *command) {
	args := v.split(c)
	if c.after == nil && len(c.redirs) == 0 && !args.has("-f", "--file") && !v.b.Inline && (strings.Contains(v.text, "iptables -A") || strings.Contains(v.text, "iptables -I") || keeping.MatchString(strings.ReplaceAll(v.context(), "iptables-save", ""))) {
		v.broken(src("man-iptables-8"), "iptables-save > /etc/iptables/rules.v4", "iptables-save prints the rules; nothing is kept.")
	}
}
