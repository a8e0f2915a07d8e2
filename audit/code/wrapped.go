package code

import (
	"slices"
	"strings"
)

// sub makes a command of some words of another.
func (c *command) sub(words []word) *command {
	return &command{start: c.start, end: c.end, words: words, before: c.before, after: c.after, sudo: c.sudo, foreign: c.foreign, nested: c.nested}
}

// wrapped returns the command that another one starts; nil for none.
func (v *viewer) wrapped(c *command) *command {
	name := c.name()
	w, ok := wrappers[name]
	if !ok {
		if name == "docker" || name == "kubectl" || name == "crictl" || name == "podman" || name == "ctr" || name == "nerdctl" {
			return v.inContainer(c)
		}
		return nil
	}
	takes := func(option string) (bool, bool) {
		return true, slices.Contains(strings.Fields(w.values), option)
	}
	args := split(c.args(), takes, true)
	switch {
	case name == "sudo" || name == "doas":
		c.sudo = true
		if args.has("-i", "-s", "--login", "--shell") && len(args.operands) == 0 {
			v.session.root = true
			return c.sub(nil)
		}
		if args.has("-l", "-v", "-k", "-K", "-V", "-e", "--list", "--validate", "--version", "--edit") {
			return nil
		}
		operands := args.operands
		for len(operands) > 0 && strings.Contains(operands[0].text, "=") && !strings.HasPrefix(operands[0].text, "-") {
			operands = operands[1:]
		}
		if len(operands) == 1 && operands[0].text == "su" {
			v.session.root = true
		}
		return c.sub(operands)
	case name == "su":
		if cmd, ok := args.values["-c"]; ok {
			return v.script(c, cmd)
		}
		v.session.root = true
		return nil
	case name == "env":
		operands := args.operands
		for len(operands) > 0 && strings.Contains(operands[0].text, "=") {
			operands = operands[1:]
		}
		if len(operands) == 0 {
			return nil
		}
		return c.sub(operands)
	case name == "ssh":
		v.options(name, upTo(c.args(), len(c.args())-len(args.operands)), v.takes(v.cat.Program(name), v.cat.Options(name)), src("man-ssh-1"))
		return nil
	case strings.Contains(w.kind, "shell"):
		if cmd := shellText(args); cmd != "" {
			return v.script(c, cmd)
		}
		return nil
	}
	if name == "watch" && len(args.operands) == 1 && strings.Contains(args.operands[0].text, " ") {
		return v.script(c, args.operands[0].text)
	}
	skip := w.operands
	if len(args.operands) <= skip {
		return nil
	}
	inner := c.sub(args.operands[skip:])
	inner.foreign = strings.Contains(w.kind, "foreign")
	if name == "xargs" {
		inner.nested = true
	}
	return inner
}

func upTo(args []word, n int) []word {
	if n < 0 || n > len(args) {
		return args
	}
	return args[:n]
}

func shellText(args *parsed) string {
	for _, o := range args.options {
		if strings.HasPrefix(o, "-") && strings.HasSuffix(o, "c") && len(args.operands) > 0 {
			return args.operands[0].text
		}
	}
	return ""
}

// script looks into the text given to sh -c.
func (v *viewer) script(c *command, text string) *command {
	if v.depth > 3 || len(text) > 10000 {
		return c.sub(nil)
	}
	v.depth++
	defer func() { v.depth-- }()
	s := newSession(text, "bash")
	s.parse()
	s.join()
	if len(s.faults) > 0 {
		v.broken(src("mvdan-sh"), "", "The text in quotes does not parse as shell: {}.", s.faults[0].reason)
		return c.sub(nil)
	}
	outer := v.session
	v.session = s
	for _, inner := range s.commands {
		inner.sudo = c.sudo
		inner.start, inner.end = c.start, c.end
		v.redirects(inner)
		v.inspect(inner, 1)
	}
	v.session = outer
	return c.sub(nil)
}

// inContainer returns the command that runs in a container: the program is
// another host's, so nothing is known of it.
func (v *viewer) inContainer(c *command) *command {
	inner := c.sub(nil)
	inner.foreign = true
	return inner
}

type wrapper struct {
	values   string // options that take a value
	operands int    // its own operands before the command
	kind     string
}

var wrappers = map[string]wrapper{
	"sudo":    {values: "-u -g -h -p -C -r -t -U -D -R -T --user --group --host --prompt --chdir --chroot"},
	"doas":    {values: "-u -C"},
	"env":     {values: "-u -C -S --unset --chdir"},
	"nohup":   {},
	"setsid":  {},
	"nice":    {values: "-n --adjustment"},
	"ionice":  {values: "-c -n -p"},
	"time":    {values: "-f -o"},
	"timeout": {values: "-s -k --signal --kill-after", operands: 1},
	"stdbuf":  {values: "-i -o -e"},
	"watch":   {values: "-n --interval"},
	"xargs":   {values: "-a -d -E -I -L -n -P -s --arg-file --delimiter --max-args --max-procs --replace --max-lines"},
	"command": {},
	"exec":    {values: "-a"},
	"chroot":  {values: "--userspec --groups", operands: 1, kind: "foreign"},
	"su":      {values: "-c -s -g -G -w --command --shell"},
	"sh":      {values: "-o", kind: "shell"},
	"bash":    {values: "-o -O --rcfile --init-file", kind: "shell"},
	"dash":    {values: "-o", kind: "shell"},
	"zsh":     {values: "-o", kind: "shell"},
	"ssh":     {values: "-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w"},
}
