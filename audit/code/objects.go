package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
)

var templated = expr.New(`\{\{|<%|\$\{`)

// yaml judges a text in YAML by what it turns out to be.
func (c *config) yaml() {
	docs, problem := readYAML(c.text)
	if problem != nil {
		switch {
		case templated.MatchString(c.text) || !problem.sure:
			c.whole(unchecked("It could not be read as YAML; it was not checked."))
		default:
			c.broken(problem.line, src("yaml-spec"), "", "It is not YAML: {}.", problem.reason)
		}
		return
	}
	if len(docs) == 0 {
		return
	}
	for _, d := range docs {
		c.object(d)
	}
}

func (c *config) json() {
	text := stripJSONComments(c.text)
	n, problem := readJSON(text)
	if problem != nil {
		switch {
		case templated.MatchString(c.text) || !problem.sure:
			c.whole(unchecked("It could not be read as JSON; it was not checked."))
		case strings.Contains(c.text, "...") || strings.Contains(c.text, "…"):
			c.whole(unchecked("Parts are left out; it was not checked."))
		case severalValues(text):
			c.whole(unchecked("Several values; they were not checked."))
		default:
			c.broken(problem.line, src("json-spec"), "", "It is not JSON: {}.", problem.reason)
		}
		return
	}
	c.object(n)
}

// stripJSONComments blanks out lines of comment, which writers add to explain.
func stripJSONComments(text string) string {
	return regexpOf(`(?m)^\s*(?://|#).*$`).ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat(" ", len(s)) })
}

// severalValues reports whether each line is a value of its own, or a text
// begins with a key.
func severalValues(text string) bool {
	t := strings.TrimSpace(text)
	if strings.HasPrefix(t, `"`) {
		return true
	}
	lines := strings.Split(t, "\n")
	if len(lines) < 2 {
		return false
	}
	_, first := readJSON(lines[0])
	_, last := readJSON(lines[len(lines)-1])
	return first == nil && last == nil
}

// object decides what a value is and judges it.
func (c *config) object(n *node) {
	switch {
	case c.form == "falco-config" && n.kind == "list" && isFalcoRules(n) && intoSettings.MatchString(c.b.Intro):
		c.broken(n.line, src("falco-docs"), "/etc/falco/rules.d/", "falco.yaml takes settings; rules belong into a file of their own.")
		c.falcoRules(n)
	case c.form == "falco-config" && !isFalcoRules(n):
		c.falcoConfig(n)
	case c.form == "falco-rules" || isFalcoRules(n):
		c.falcoRules(n)
	case n.kind == "map" && n.has("rules") && n.get("rules").kind == "list" && isFalcoRules(n.get("rules")):
		c.falcoRules(n)
	case n.kind == "map" && n.has("kind") && (n.has("apiVersion") || c.form == "kubernetes"):
		c.kubernetes(n)
	case c.form == "seccomp" || n.kind == "map" && n.has("defaultAction"):
		c.shaped("seccomp", n)
		c.seccomp(n)
	case c.form == "docker-daemon" || n.kind == "map" && c.form == "json" && c.looksLike("docker-daemon", n):
		c.shaped("docker-daemon", n)
	case n.kind == "map" && c.isFalcoConfig(n):
		c.falcoConfig(n)
	case n.kind == "map" && n.has("services") && n.get("services").kind == "map" && !n.has("apiVersion"):
		c.shaped("compose", n)
	case n.kind == "map" && len(n.keys) > 0 && c.fragment(n):
	case n.kind == "map" && n.has("apiVersion"):
		c.whole(unchecked("An object of Kubernetes without a kind; it was not checked."))
	case c.embedded(n):
	case n.kind == "map" || n.kind == "list":
		c.unknown("It is not known what file this is for; it was read, and not checked any further.")
	}
}

// intoSettings introduces a block that is meant for falco.yaml.
var intoSettings = expr.New(`(?i)\b(?:add|put|insert|append|edit|update|modify|in|into|to)\b[^.\n]*falco\.yaml[^\n]{0,40}$`)

var seccompActions = words("SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_TRAP SCMP_ACT_ERRNO SCMP_ACT_TRACE SCMP_ACT_ALLOW SCMP_ACT_LOG SCMP_ACT_NOTIFY")

// seccomp looks at actions and names of system calls.
func (c *config) seccomp(n *node) {
	docs := src("oci-seccomp")
	action := func(v *node) {
		if v != nil && v.kind == "string" && !seccompActions[v.text] && !isPlaceholder(v.text) {
			c.broken(v.line, docs, "", "seccomp has no action {}.", v.text)
		} else if v != nil && v.kind == "string" && isPlaceholder(v.text) && strings.HasPrefix(v.text, "SCMP_") && !seccompActions[v.text] {
			c.broken(v.line, docs, "", "seccomp has no action {}.", v.text)
		}
	}
	action(n.get("defaultAction"))
	list := n.get("syscalls")
	if list == nil || list.kind != "list" {
		return
	}
	allowed := false
	for _, s := range list.items {
		action(s.get("action"))
		if s.str("action") == "SCMP_ACT_ALLOW" {
			allowed = true
		}
		names := s.get("names")
		if names == nil {
			continue
		}
		for _, name := range names.items {
			if name.kind == "string" && !c.cat.Syscall(name.text) && !isPlaceholder(name.text) && !elided(name.text) {
				c.at(name.line, unchecked("The system call {} is in no catalogue.", name.text))
			}
		}
	}
	if d := n.str("defaultAction"); !allowed && (strings.HasPrefix(d, "SCMP_ACT_KILL") || d == "SCMP_ACT_ERRNO" || d == "SCMP_ACT_TRAP") {
		c.broken(n.get("defaultAction").line, docs, "SCMP_ACT_ALLOW", "With {} and no system call allowed, nothing can start at all.", d)
	}
}

// embedded judges texts of other formats that stand in a YAML text as blocks;
// it reports whether there are any.
func (c *config) embedded(n *node) bool {
	any := false
	for _, i := range n.items {
		any = c.embedded(i) || any
	}
	for _, p := range n.keys {
		if p.value == nil {
			continue
		}
		if p.value.kind != "string" {
			any = c.embedded(p.value) || any
			continue
		}
		start, _ := c.bounds(p.line)
		line, _, _ := strings.Cut(c.check.text[start:], "\n")
		if !blockScalar.MatchString(line) || c.depth > 2 {
			continue
		}
		from := start + len(line) + 1
		to := from
		indent := len(line) - len(strings.TrimLeft(line, " "))
		for to < len(c.text) {
			next, _, _ := strings.Cut(c.check.text[to:len(c.text)], "\n")
			if strings.TrimSpace(next) != "" && len(next)-len(strings.TrimLeft(next, " ")) <= indent {
				break
			}
			to = min(to+len(next)+1, len(c.text))
		}
		if from >= to {
			continue
		}
		inner := &check{Checker: c.Checker, depth: c.depth + 1, b: c.b}
		inner.b.Text, inner.text, inner.b.Language, inner.b.Inline = c.check.text[from:to], c.check.text[from:to], "", false
		form := inner.formOf(p.key, inner.text)
		switch form {
		case "":
			continue
		case "shell":
			inner.shell()
		default:
			inner.config(form)
		}
		any = true
		for _, f := range inner.found {
			f.Start += from
			f.End += from
			c.found = append(c.found, f)
		}
	}
	return any
}

var blockScalar = expr.New(`:\s*[|>][-+0-9]*\s*(?:#.*)?$`)
