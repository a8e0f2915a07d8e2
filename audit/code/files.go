package code

import (
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// scripts are the files whose content is a script.
var scripts = expr.New(`\.sh$|^/etc/cron\.(?:hourly|daily|weekly|monthly)/|^/usr/local/s?bin/`)

// heredoc judges the content of a here-document as that of the file it goes to.
func (v *viewer) heredoc(c *command, r redir) {
	target := writtenTo(c)
	if v.depth > 2 || r.body < 0 || r.bodyTo > len(v.text) || r.body >= r.bodyTo {
		return
	}
	inner := &check{Checker: v.Checker, depth: v.depth + 1, b: v.b}
	content := v.text[r.body:r.bodyTo]
	if i := strings.LastIndexByte(strings.TrimRight(content, "\n"), '\n'); strings.TrimSpace(content[i+1:]) == r.target.text {
		content = content[:i+1]
	}
	inner.b.Text, inner.text, inner.b.Inline = content, content, false
	inner.b.Language = ""
	form := inner.formOf(target, content)
	if form == "" && (c.name() == "kubectl" || strings.Contains(c.plain(), "kubectl apply")) {
		form = "kubernetes"
	}
	if form == "" && scripts.MatchString(target) {
		form = "shell"
	}
	switch {
	case form == "shell":
		inner.shell()
	case form != "":
		inner.config(form)
	}
	for _, f := range inner.found {
		f.Start += r.body
		f.End += r.body
		v.found = append(v.found, f)
	}
}

// writtenTo returns the file that a command writes its input or its words to.
func writtenTo(c *command) string {
	for _, cmd := range []*command{c, c.after} {
		if cmd == nil {
			continue
		}
		for _, r := range cmd.redirs {
			if r.writes() && !r.target.dynamic && r.target.text != "/dev/null" {
				return r.target.text
			}
		}
		words := cmd.words
		for len(words) > 0 && (words[0].text == "sudo" || strings.HasPrefix(words[0].text, "-")) {
			words = words[1:]
		}
		if len(words) > 0 && path.Base(words[0].text) == "tee" {
			for _, w := range words[1:] {
				if !strings.HasPrefix(w.text, "-") {
					return w.text
				}
			}
		}
	}
	return ""
}

// wantsRoot are the folders in which only root may write.
var wantsRoot = expr.New(`^/(?:etc|proc/sys|proc/sysrq-trigger|sys|usr|boot|root|lib|lib64|sbin|bin|opt|var/log|var/lib|var/spool|run/systemd)(?:/|$)`)

var inPrivate = expr.New(`^/(?:root|opt)/`)

// redirects checks where a command writes to.
func (v *viewer) redirects(c *command) {
	for _, r := range c.redirs {
		if !r.writes() || r.target.dynamic {
			continue
		}
		target := r.target.text
		v.written = append(v.written, target)
		if len(c.words) > 0 && (c.words[0].text == "sudo" || c.words[0].text == "doas") && wantsRoot.MatchString(target) && !v.session.root {
			suggest := ""
			if body, err := sudoTee(v.session.original, c, r); err == nil {
				suggest = body
			}
			i := broken(src("man-bash-1"), suggest, "sudo does not reach the redirection: the shell opens {} without the rights of root.", target)
			if inPrivate.MatchString(target) {
				i.judgement = finding.Unsupported // many keep a root shell open for what they write there
			}
			v.say(i)
		}
		v.fileRules(c, r.op, target)
		v.path(r.target)
	}
	if target := teeTarget(c); target != "" {
		v.written = append(v.written, target)
		op := ">"
		for _, w := range c.words {
			if w.text == "-a" || w.text == "--append" {
				op = ">>"
			}
		}
		v.fileRules(c, op, target)
	}
}

func teeTarget(c *command) string {
	words := c.words
	for len(words) > 0 && (words[0].text == "sudo" || strings.HasPrefix(words[0].text, "-")) {
		words = words[1:]
	}
	if len(words) < 2 || path.Base(words[0].text) != "tee" {
		return ""
	}
	for _, w := range words[1:] {
		if !strings.HasPrefix(w.text, "-") && !w.dynamic {
			return w.text
		}
	}
	return ""
}

// sudoTee rewrites `sudo echo x >> file`.
func sudoTee(text string, c *command, r redir) (string, error) {
	append := ""
	if r.op == ">>" {
		append = "-a "
	}
	if r.body >= 0 || len(c.redirs) > 1 || len(c.words) < 2 {
		return "sudo tee " + append + r.target.text, nil
	}
	from, to := c.words[1].start, c.words[len(c.words)-1].end
	if from < 0 || to > len(text) || from > to || r.target.start < to && r.target.start > from {
		return "", fmt.Errorf("the words are not in one piece")
	}
	line := text[from:to] + " | sudo tee " + append + r.target.text
	if _, err := syntax.NewParser().Parse(strings.NewReader(line), ""); err != nil {
		return "", err
	}
	return line, nil
}

// rules applies those of the catalogue.
func (v *viewer) rules(c *command) {
	name := c.name()
	list := v.cat.RulesFor(name)
	if len(list) == 0 {
		return
	}
	plain := c.plain()
	var table *catalogue.Options
	if t := v.cat.Options(name); t != nil {
		table = t
	}
	args := split(c.args(), v.takes(v.cat.Program(name), table), false)
	operands := make([]string, 0, len(args.operands))
	for _, w := range args.operands {
		if !w.placeholder {
			operands = append(operands, w.text)
		}
	}
	for _, r := range list {
		if v.matches(r, plain, args, operands) && !r.Excused(plain, v.context()) && v.holds(r.When) {
			v.rule(r)
		}
	}
}

// undoes is said before steps that take back others.
var undoes = expr.New(`(?i)\b(?:undo|revert|roll(?:ing)?[ -]?back|restor(?:e|ing)|put(?:ting)? back|back out|take(?:s)? (?:it|them) back|to remove)`)

func (v *viewer) rule(r *catalogue.Rule) {
	if r.Undo && undoes.MatchString(v.b.Intro) {
		return
	}
	v.say(issue{finding.Judgement(r.Judgement), say(r.Reason), r.Sources, r.Suggest})
}

// context is what stands around a command: the block and what introduces it.
func (k *check) context() string { return k.text + "\n" + k.b.Intro + "\n" + k.b.Before }

func (v *viewer) matches(r *catalogue.Rule, plain string, args *parsed, operands []string) bool {
	for _, group := range r.Options {
		if !args.has(group...) {
			return false
		}
	}
	return r.MatchOperand(operands) && r.MatchText(plain)
}

func (v *viewer) fileRules(c *command, op, target string) {
	for _, r := range v.cat.RulesFor("") {
		if (r.Write == "any" || r.Write == op) && r.MatchText(target) && !r.Excused(target+" "+c.plain(), v.context()) && v.holds(r.When) {
			v.rule(r)
		}
	}
}
