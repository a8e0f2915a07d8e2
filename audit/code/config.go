package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
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
	starts []int // offsets of its lines
	text   string
	bad    map[int]bool // lines that something is said of
}

func (k *check) config(form string) {
	c := &config{check: k, form: form, text: k.text, bad: map[int]bool{}}
	c.starts = append(c.starts, 0)
	for i := range len(k.text) {
		if k.text[i] == '\n' {
			c.starts = append(c.starts, i+1)
		}
	}
	if f := configs[form]; f != nil {
		from := len(k.found)
		f(c)
		k.effects(form, k.found[from:])
		return
	}
	c.whole(unchecked("The format {} is not checked.", form))
}

// line is the bounds of a line; 1 is the first.
func (c *config) bounds(n int) (int, int) {
	n = min(max(n, 1), len(c.starts))
	start := c.starts[n-1]
	end := len(c.text)
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
		undone := r.Undo && undoes.MatchString(c.b.Intro)
		if r.MatchLine(text) && !undone && !r.Excused(text, c.context()) && c.holds(r.When) {
			c.at(line, issue{finding.Judgement(r.Judgement), say(r.Reason), r.Sources, r.Suggest})
			return true
		}
	}
	return false
}

var elision = expr.New(`^(?:\.\.\.|…|\[\.\.\.\]|<[^<>]*>|\*\*\*)$`)

func elided(text string) bool { return elision.MatchString(strings.TrimSpace(text)) }
