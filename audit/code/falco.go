package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

func isFalcoRules(n *node) bool {
	item := n
	if n.kind == "list" && len(n.items) > 0 {
		for _, i := range n.items {
			if i.kind == "map" && (i.has("rule") || i.has("macro") && i.has("condition") || i.has("list") && i.has("items")) {
				return true
			}
		}
		return false
	}
	return item.kind == "map" && item.has("rule") && (item.has("condition") || item.has("output") || item.has("match") || item.has("desc")) && !item.has("apiVersion")
}

var (
	priorities = words("emergency alert critical error warning notice info informational debug")
	// oldKeys are keys of rules that Falco read at some time.
	oldKeys = words("skip-if-unknown-filter evttypes pattern engine_version exception_fields")
)

func (c *config) falcoRules(n *node) {
	docs := src("falco-source")
	if n.kind == "map" {
		if n.has("rule") {
			c.broken(n.line, docs, "", "A file of Falco's rules is a list: each rule begins with a dash.")
		} else if list := n.get("rules"); list != nil && list.kind == "list" && isFalcoRules(list) {
			c.broken(n.line, docs, "", "A file of Falco's rules is a list; it has no key {} around it.", "rules")
		} else if len(n.keys) > 0 {
			c.broken(n.line, docs, "", "A file of Falco's rules is a list of rules, macros and lists.")
		}
		if n.has("rule") {
			n = &node{kind: "list", items: []*node{n}, line: n.line}
		} else if list := n.get("rules"); list != nil && list.kind == "list" {
			n = list
		} else {
			return
		}
	}
	defs := map[string]bool{}
	for _, i := range n.items {
		for _, key := range []string{"macro", "list", "rule"} {
			if name := i.str(key); name != "" {
				defs[key+" "+name] = true
			}
		}
	}
	for _, i := range n.items {
		if i.kind == "map" {
			c.falcoRule(i, defs)
		}
	}
}

func (c *config) falcoRule(n *node, defs map[string]bool) {
	docs := src("falco-source")
	known := c.cat.Shapes("falco-rules.txt").Types["FalcoRule"]
	fine := true
	bad := func(line int, suggest, format string, values ...string) {
		fine = false
		c.broken(line, docs, suggest, format, values...)
	}
	for _, p := range n.keys {
		if _, ok := known[p.key]; !ok && !oldKeys[p.key] {
			what := "Falco's rules have no key {}."
			if p.key == "action" || p.key == "actions" || p.key == "response" {
				what = "Falco's rules have no key {}: Falco reports, it stops nothing."
			}
			bad(p.line, "", what, p.key)
		}
	}
	if p := n.str("priority"); p != "" && !priorities[strings.ToLower(p)] && !strings.ContainsAny(p, "<[{$|") {
		bad(n.get("priority").line, "", "{} is no priority of Falco.", p)
	}
	override := n.has("override") || n.str("append") == "true"
	for _, p := range n.keys {
		if kind := map[string]string{"exceptions": "[]Exception", "override": "Override", "tags": "[]string", "enabled": "bool"}[p.key]; kind != "" {
			fine = c.shape(c.cat.Shapes("falco-rules.txt"), kind, p.value, p.key, docs) && fine
		}
	}
	if d := n.get("desc"); d != nil && d.kind == "string" && stops.MatchString(d.text) && !strings.Contains(d.text, "etect") {
		c.at(c.keyLine(n, "desc"), issue{finding.Contradicted, say("Falco reports; it stops nothing."), src("falco-docs"), ""})
	}
	if n.has("rule") && !override {
		if !n.has("enabled") || n.has("condition") || n.has("output") {
			for _, key := range []string{"condition", "output", "priority", "desc"} {
				if !n.has(key) && (len(n.keys) != 2 || !n.has("exceptions")) {
					bad(n.line, "", "The rule has no {}: Falco refuses it.", key)
					break
				}
			}
		}
	}
	if cond := n.get("condition"); cond != nil && cond.kind == "string" {
		if i := c.condition(cond.text, defs, override); i != nil {
			c.at(c.keyLine(n, "condition"), *i)
			fine = false
		}
	}
	if out := n.get("output"); out != nil && out.kind == "string" {
		for _, m := range outputField.FindAllStringSubmatch(out.text, -1) {
			if exists, sure := c.cat.FalcoField(m[1]); !exists && sure {
				c.broken(c.keyLine(n, "output"), src("falco-fields"), "", "Falco has no field {}.", m[1])
				fine = false
				break
			}
		}
	}
	if fine {
		c.at(n.line, issue{finding.Supported, say("It has the keys of Falco's rule files, and its condition can be read."), docs, ""})
	}
}

// stops begins the description of a rule that is meant to do what no rule does.
var stops = expr.New(`(?i)^(?:this rule )?(?:will )?(?:blocks?|stops?|prevents?|den(?:y|ies)|kills?|drops?|terminates?|quarantines?|isolates?|disallows?)\b`)

var outputField = expr.New(`%(?:\*?[a-z]*\()?([a-z0-9]+(?:\.[A-Za-z0-9_]+)+)`)

func (c *config) keyLine(n *node, key string) int {
	for _, p := range n.keys {
		if p.key == key {
			return p.line
		}
	}
	return n.line
}

var (
	transformer = expr.New(`\b(?:join|concat|getopt|val)\s*\(`)
	fieldUse    = expr.New(`\b(?:process|file|network|event|host|image|pod|syscall|kernel|memory|mem|cmd|net|evt|evtin|proc|thread|user|group|container|fd|fs\.path|fdlist|k8s|k8smeta|syslog|ka|ct)\.[A-Za-z0-9_.]+`)
	inQuotes    = expr.New(`"[^"]*"|'[^']*'`)
	macroWord   = expr.New(`[A-Za-z_][A-Za-z0-9_]*`)
)

// condition reads a condition as Falco does: macros that are nowhere defined
// and fields that do not exist are faults too.
func (c *config) condition(text string, defs map[string]bool, partial bool) *issue {
	text = strings.TrimSpace(text)
	if transformer.MatchString(text) || isPlaceholder(text) || strings.Contains(text, "...") {
		i := unchecked("The condition was not read.")
		return &i
	}
	if partial {
		text = regexpOf(`^(?:and|or)\b`).ReplaceAllString(text, "")
	}
	d := &condition.Definitions{Lists: map[string][]string{}, Macros: map[string]string{}}
	for _, word := range macroWord.FindAllString(text, -1) {
		if defs["macro "+word] || c.cat.Words("falco-names.txt")["macro "+word] {
			d.Macros[word] = "evt.num exists"
		}
		if defs["list "+word] || c.cat.Words("falco-names.txt")["list "+word] {
			d.Lists[word] = []string{"x"}
		}
	}
	if _, err := condition.Parse(text, d); err != nil {
		sources := src("falco-source")
		if m := unknownMacro.FindStringSubmatch(err.Error()); m != nil {
			i := broken(sources, "", "There is no macro {}: it is neither in this text nor in Falco's own rules.", m[1])
			return &i
		}
		i := broken(sources, "", "Falco cannot read the condition: {}.", err.Error())
		return &i
	}
	for _, f := range fieldUse.FindAllString(inQuotes.ReplaceAllString(text, `""`), -1) {
		if exists, sure := c.cat.FalcoField(strings.TrimRight(f, ".")); !exists && sure {
			i := broken(src("falco-fields"), "", "Falco has no field {}.", f)
			return &i
		}
	}
	return nil
}

var unknownMacro = expr.New(`(?:no|unknown|undefined) macro:? "?([A-Za-z_]\w*)`)

// isFalcoConfig reports whether most keys are those of falco.yaml.
func (c *config) isFalcoConfig(n *node) bool {
	known := c.cat.Shapes("falco-config.txt").Types["FalcoConfig"]
	hits := 0
	for _, p := range n.keys {
		if _, ok := known[p.key]; ok && !generic[p.key] {
			hits++
		}
	}
	return hits > 0 && hits*2 >= len(n.keys) || strings.Contains(c.b.Intro, "falco.yaml") && !n.has("apiVersion")
}

// generic are keys of falco.yaml that other files have as well.
var generic = words("priority engine rules plugins outputs capture metrics webserver")

func (c *config) falcoConfig(n *node) {
	if n.kind != "map" {
		if isFalcoRules(n) {
			c.falcoRules(n)
		}
		return
	}
	shapes := &catalogue.Shapes{Types: map[string]map[string]string{}}
	for name, keys := range c.cat.Shapes("falco-config.txt").Types {
		shapes.Types[name] = keys
	}
	extra := c.cat.Format("falco-config")
	if extra != nil {
		for name, keys := range extra.Shapes {
			merged := map[string]string{}
			for k, v := range shapes.Types[name] {
				merged[k] = v
			}
			for k, v := range keys {
				merged[k] = v
			}
			shapes.Types[name] = merged
		}
	}
	if c.shape(shapes, "FalcoConfig", n, "falco.yaml", src("falco-source")) {
		c.at(n.line, issue{finding.Supported, say("Its keys are those of falco.yaml."), src("falco-source"), ""})
	}
}
