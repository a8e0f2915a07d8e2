package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

var templated = pattern(`\{\{|<%|\$\{`)

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
	case c.form == "falco-config":
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
		c.whole(unchecked("It is not known what file this is for; it was read, and not checked any further."))
	}
}

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
		if !(n.has("enabled") && !n.has("condition") && !n.has("output")) {
			for _, key := range []string{"condition", "output", "priority", "desc"} {
				if !n.has(key) && !(len(n.keys) == 2 && n.has("exceptions")) {
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
var stops = pattern(`(?i)^(?:this rule )?(?:will )?(?:blocks?|stops?|prevents?|den(?:y|ies)|kills?|drops?|terminates?|quarantines?|isolates?|disallows?)\b`)

var outputField = pattern(`%(?:\*?[a-z]*\()?([a-z0-9]+(?:\.[A-Za-z0-9_]+)+)`)

func (c *config) keyLine(n *node, key string) int {
	for _, p := range n.keys {
		if p.key == key {
			return p.line
		}
	}
	return n.line
}

var (
	transformer = pattern(`\b(?:join|concat|getopt|val)\s*\(`)
	fieldUse    = pattern(`\b(?:process|file|network|event|host|image|pod|syscall|kernel|memory|mem|cmd|net|evt|evtin|proc|thread|user|group|container|fd|fs\.path|fdlist|k8s|k8smeta|syslog|ka|ct)\.[A-Za-z0-9_.]+`)
	inQuotes    = pattern(`"[^"]*"|'[^']*'`)
	macroWord   = pattern(`[A-Za-z_][A-Za-z0-9_]*`)
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

var unknownMacro = pattern(`(?:no|unknown|undefined) macro:? "?([A-Za-z_]\w*)`)

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

// looksLike reports whether most keys of an object are those of a format.
func (c *config) looksLike(form string, n *node) bool {
	f := c.cat.Format(form)
	if f == nil || len(n.keys) == 0 {
		return false
	}
	hits, telling := 0, false
	for _, p := range n.keys {
		if _, ok := f.Shapes["top"][p.key]; ok {
			telling = telling || p.key == "icc" || strings.Contains(p.key, "-")
			hits++
		}
	}
	return hits*2 > len(n.keys) || hits*2 == len(n.keys) && telling
}

// shaped holds an object against the shapes of a format of the catalogue.
func (c *config) shaped(form string, n *node) {
	f := c.cat.Format(form)
	if f == nil {
		return
	}
	if c.shape(&catalogue.Shapes{Types: f.Shapes}, "top", n, form, orOwn(f.Sources)) {
		c.at(n.line, issue{finding.Supported, say("Its keys exist, and it has the form that is needed."), orOwn(f.Sources), ""})
	}
	for _, p := range n.keys {
		start, end := c.bounds(p.line)
		c.rule(form, p.line, strings.TrimSpace(c.check.text[start:end]))
	}
}

// shape holds a value against a type; it reports whether all is well.
func (c *config) shape(shapes *catalogue.Shapes, kind string, n *node, what string, sources []string) bool {
	switch {
	case n == nil || n.kind == "null" || kind == "any" || kind == "":
		return true
	case strings.HasPrefix(kind, "[]"):
		if n.kind != "list" {
			if n.kind == "string" && (isPlaceholder(n.text) || templated.MatchString(n.text)) {
				return true
			}
			c.broken(n.line, sources, "", "In {} a list belongs here.", what)
			return false
		}
		fine := true
		for _, i := range n.items {
			fine = c.shape(shapes, kind[2:], i, what, sources) && fine
		}
		return fine
	case strings.HasPrefix(kind, "map:"):
		if n.kind != "map" {
			if n.kind == "string" && isPlaceholder(n.text) {
				return true
			}
			c.broken(n.line, sources, "", "In {} keys with values belong here.", what)
			return false
		}
		fine := true
		for _, p := range n.keys {
			fine = c.shape(shapes, kind[4:], p.value, what, sources) && fine
		}
		return fine
	}
	keys, ok := shapes.Types[kind]
	if !ok {
		return c.scalar(kind, n, what, sources)
	}
	if _, ok := keys["*"]; ok {
		return true
	}
	if n.kind != "map" {
		if n.kind == "string" && (isPlaceholder(n.text) || templated.MatchString(n.text)) {
			return true
		}
		c.broken(n.line, sources, "", "In {} keys with values belong here.", what)
		return false
	}
	fine := true
	for _, p := range n.keys {
		sub, ok := keys[p.key]
		if !ok {
			if elided(p.key) || isPlaceholder(p.key) {
				continue
			}
			c.broken(p.line, sources, nearest(keys, p.key), "{} has no key {} here.", what, p.key)
			fine = false
			continue
		}
		fine = c.shape(shapes, sub, p.value, what, sources) && fine
	}
	return fine
}

// nearest is the key that differs in case only, "" if none does.
func nearest(keys map[string]string, key string) string {
	for k := range keys {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return ""
}

func (c *config) scalar(kind string, n *node, what string, sources []string) bool {
	if n.kind == "string" && (isPlaceholder(n.text) || templated.MatchString(n.text) || elided(n.text)) {
		return true
	}
	fine := true
	switch kind {
	case "bool":
		fine = n.kind == "bool" || n.kind == "string" && words("yes no on off true false y n")[strings.ToLower(n.text)]
	case "number":
		fine = n.kind == "number"
	case "string":
		fine = n.kind != "map" && n.kind != "list"
	}
	if !fine {
		c.broken(n.line, sources, "", "In {} a "+map[string]string{"bool": "true or false", "number": "number", "string": "text"}[kind]+" belongs here.", what)
	}
	return fine
}

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
		for to < c.from+len(c.text) {
			next, _, _ := strings.Cut(c.check.text[to:c.from+len(c.text)], "\n")
			if strings.TrimSpace(next) != "" && len(next)-len(strings.TrimLeft(next, " ")) <= indent {
				break
			}
			to = min(to+len(next)+1, c.from+len(c.text))
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
			inner.config(form, 0, len(inner.text))
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

var blockScalar = pattern(`:\s*[|>][-+0-9]*\s*(?:#.*)?$`)

var (
	tomlTable = pattern(`^\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$`)
	tomlKey   = pattern(`^("?[\w./-]+"?(?:\.[\w-]+)*)\s*=`)
)

// toml judges containerd's configuration, of which the sections and keys are known.
func (c *config) toml() {
	f := c.cat.Format("containerd")
	if c.form != "containerd" && !strings.Contains(c.text, "io.containerd") && !strings.Contains(strings.ToLower(c.b.Intro), "containerd") || f == nil {
		c.whole(unchecked("It is not known what file this is for; it was not checked."))
		return
	}
	section := "top"
	open := 0
	c.each(func(line int, text string) {
		if open > 0 {
			open += strings.Count(text, "[") - strings.Count(text, "]")
			return
		}
		if m := tomlTable.FindStringSubmatch(text); m != nil {
			parts := tomlParts.FindAllString(m[1], -1)
			section = strings.Trim(parts[0], `"'`)
			switch {
			case section == "plugins" && len(parts) > 1:
				id := strings.Trim(parts[1], `"'`)
				if !contains(f.Words, id) {
					c.broken(line, f.Sources, "", "containerd has no plugin {}.", id)
				}
			case f.Shapes["top"][section] == "" && section != "plugins":
				c.broken(line, f.Sources, "", "containerd's configuration has no section {}.", section)
			default:
				c.good(line, f.Sources...)
			}
			return
		}
		m := tomlKey.FindStringSubmatch(text)
		if m == nil {
			if !elided(text) {
				c.broken(line, f.Sources, "", "It is not TOML: a line is key = value.")
			}
			return
		}
		if rest := text[len(m[0]):]; strings.Count(rest, "[") > strings.Count(rest, "]") {
			open = strings.Count(rest, "[") - strings.Count(rest, "]")
		}
		keys := f.Shapes[section]
		if section == "plugins" {
			keys = f.Shapes["plugins"]
		}
		key := strings.Trim(m[1], `"`)
		switch _, ok := keys[key]; {
		case ok:
			c.good(line, f.Sources...)
		case section == "plugins" || section == "top":
			c.broken(line, f.Sources, "", "containerd's configuration has no key {} here.", key)
		default:
			c.at(line, unchecked("The key {} is in no catalogue.", key))
		}
	})
}

var tomlParts = pattern(`"[^"]*"|'[^']*'|[\w-]+`)
