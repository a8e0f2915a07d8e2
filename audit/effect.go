package audit

import (
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
)

var reads = map[string]bool{}
var readSub = map[string]string{
	"kubectl":   "get describe logs top explain api-resources api-versions version cluster-info auth events config diff",
	"docker":    "ps inspect logs top diff images history version info stats events port search",
	"podman":    "ps inspect logs top diff images history version info stats events port search",
	"crictl":    "ps inspect logs pods images info stats inspectp inspecti version",
	"systemctl": "status cat show list-units list-timers is-active is-enabled list-unit-files is-failed list-dependencies",
	"falco":     "-L --list -V --validate --version -l --dry-run --support",
	"falcoctl":  "artifact index version",
	"auditctl":  "-l -s",
	"iptables":  "-L -S -nvL -nL -vnL", "nft": "list", "ufw": "status", "crontab": "-l", "apt": "list show policy search", "apt-cache": "policy show search madison",
	"mount": "", "ip": "a addr route link neigh", "rpm": "-V -q -qa -qf -Va", "dpkg": "-l -L -S -V -s --verify", "service": "", "helm": "list get status history",
	"loginctl": "list-sessions session-status user-status show-session list-users", "sysctl": "-a -n", "git": "log diff show status", "aws": "", "journalctl": "",
}

func init() {
	for _, w := range strings.Fields(`journalctl ps ss lsof netstat cat grep egrep zgrep find ausearch aureport last lastb lastlog who w id ls stat file sha256sum sha1sum md5sum strings readlink
		getfacl getcap getent debsums df du top htop lsmod modinfo dmesg uname hostname date env awk sed head tail less more wc sort uniq jq pgrep pstree tcpdump nslookup dig host whois
		echo printf cut tr xargs openssl curl wget nmap tree realpath basename dirname lsns nsenter strace ltrace which type command whoami uptime history namei findmnt lsblk osqueryi debugfs zcat diff cmp test [ true sleep cd export`) {
		reads[w] = true
	}
}

// effect takes back that a command is supported when all that is known is that
// it exists.
func (r *run) effect(b string, f *finding.Finding) {
	if f.Kind != finding.Command || f.Judgement != finding.Supported {
		return
	}
	words := strings.Fields(b[f.Start:f.End])
	for len(words) > 0 && (words[0] == "sudo" || words[0] == "$" || words[0] == "#" || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	text := " " + strings.Join(words, " ") + " "
	changing := strings.Contains(text, " -delete ") || strings.Contains(text, " -i ") && words[0] == "sed" || strings.Contains(text, " > ") || strings.Contains(text, " >> ") || strings.Contains(text, " -exec ")
	if subs, ok := readSub[words[0]]; ok {
		if subs == "" && len(words) == 1 || len(words) == 1 {
			return
		}
		for _, s := range strings.Fields(subs) {
			if strings.Contains(text, " "+s+" ") {
				return
			}
		}
		if words[0] == "journalctl" && !strings.Contains(text, "--vacuum") {
			return
		}
		if words[0] == "docker" && (words[1] == "exec" || words[1] == "pause" || words[1] == "commit" || words[1] == "export" || words[1] == "cp") {
			return
		}
		if words[0] == "kubectl" && (words[1] == "exec" || words[1] == "cordon" || words[1] == "cp") {
			return
		}
	} else if reads[words[0]] && !changing {
		return
	}
	if r.own != nil && r.ownCommand(words) {
		return
	}
	f.Judgement = finding.Unsupported
	f.Reason.Spans = append(say("It exists; nothing shows that it has this effect on what the alert shows.").Spans)
}

func (r *run) ownCommand(words []string) bool {
	n := min(len(words), 2)
	head := strings.Join(words[:n], " ")
	for text := range r.own.blocks {
		if strings.Contains(text, head) {
			return true
		}
	}
	return false
}
