package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

var digits = expr.New(`^[0-9]+$`)

func (v *viewer) kill(c *command) {
	args := c.args()
	any := false
	for i, w := range args {
		t := w.text
		if strings.HasPrefix(t, "-") && !any {
			if t == "-l" || t == "-L" || strings.HasPrefix(t, "--") {
				return
			}
			if (t == "-s" || t == "-n") && i+1 < len(args) {
				args = args[i+1:]
			}
			continue
		}
		any = true
		v.isPID(w)
		v.victim(c, w)
	}
	if !any && !c.nested && c.name() == "kill" {
		v.needs(src("man-kill-1"), "kill needs a process id.")
	}
}

var (
	tracedBy = expr.New(`(?:^| )(?:-p ?|--pid[= ]|attach )([0-9]+)\b`)
	holding  = expr.New(`-(?:STOP|SIGSTOP|CONT|SIGCONT|0|18|19|s (?:STOP|CONT))(?: |$)`)
)

// victim sees the process ended that another one traced or read.
func (v *viewer) victim(c *command, w word) {
	m := tracedBy.FindStringSubmatch(v.b.Facts["proc.cmdline"])
	if c.name() != "kill" || m == nil || m[1] != w.text || v.b.Facts["proc.pid"] == w.text || holding.MatchString(c.plain()) {
		return
	}
	v.say(issue{finding.Harmful, say("{} is the process that was traced, the victim: this ends what is to be protected, and with it the evidence.", w.text), src("falco-fields"), ""})
}

var processName = expr.New(`^[a-zA-Z][\w:.-]+$`)

// isPID says so if a word that stands for a process id is the name of a process.
func (v *viewer) isPID(w word) {
	if w.dynamic || w.placeholder {
		return
	}
	t := strings.TrimPrefix(w.text, "-")
	if !digits.MatchString(t) {
		if processName.MatchString(t) && !strings.Contains(strings.ToLower(t), "id") {
			v.broken(src("man-kill-1"), "pgrep "+t, "{} is no process id.", t)
		}
		return
	}
	facts := v.b.Facts
	if facts == nil {
		return
	}
	if facts["proc.pid"] == t || facts["proc.ppid"] == t {
		return
	}
	for _, field := range []string{"proc.name", "proc.tty", "user.uid", "user.loginuid"} {
		if facts[field] == t {
			for f, value := range facts {
				if value == t && (strings.Contains(f, "pid") && f != "proc.name") {
					return
				}
			}
			what := map[string]string{"proc.name": "the name of the process", "proc.tty": "the number of its terminal", "user.uid": "a user id", "user.loginuid": "a login id"}[field]
			if field != "proc.name" && len(t) < 4 {
				continue
			}
			v.say(issue{finding.Broken, say("{} is no process id: in the alert it is "+what+" ({}).", t, field), src("falco-fields"), ""})
			return
		}
	}
}

func (v *viewer) pid(c *command) {
	args := v.split(c)
	for _, option := range []string{"-p", "--pid", "-q"} {
		value, ok := args.values[option]
		if !ok || isPlaceholder(value) || strings.ContainsAny(value, "$`{<") {
			continue
		}
		for _, one := range strings.Split(value, ",") {
			v.isPID(word{text: strings.TrimPrefix(one, "^")})
		}
	}
}

// facts looks for a process's name in the place of its id in paths.
func (v *viewer) facts(c *command) {
	for _, w := range c.args() {
		if m := procPID.FindStringSubmatch(w.text); m != nil && !w.placeholder {
			v.isPID(word{text: m[1]})
		}
	}
}

var procPID = expr.New(`^/proc/([0-9]+)(?:/|$)`)

// terminal sees the number of a terminal given where its name belongs.
func (v *viewer) terminal(c *command) {
	args := v.split(c)
	for _, option := range []string{"-t", "--terminal"} {
		if t, ok := args.values[option]; ok && digits.MatchString(t) && len(t) > 3 {
			v.broken(src("debian-manpages"), "", "{} takes the name of a terminal, such as pts/1; {} is its number.", option, t)
		}
	}
}
