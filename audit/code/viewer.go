package code

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// viewer judges the commands of a session one after the other.
type viewer struct {
	*check
	session *session
	issues  []issue
	sources []string
	ran     string // the program that was looked at last

	written []string // files that the block has written so far
}

func (v *viewer) say(i issue) { v.issues = append(v.issues, i) }

func (v *viewer) broken(sources []string, suggest, format string, values ...string) {
	v.say(broken(sources, suggest, format, values...))
}

func (v *viewer) unchecked(format string, values ...string) { v.say(unchecked(format, values...)) }

// good notes that something is in the catalogue.
func (v *viewer) good(source string) {
	if source != "" && !slices.Contains(v.sources, source) {
		v.sources = append(v.sources, source)
	}
}

// judge looks at one command and adds its finding.
func (v *viewer) judge(c *command) {
	v.issues, v.sources, v.ran = nil, nil, ""
	if v.session.root {
		c.sudo = true
	}
	if !v.console(c) {
		return
	}
	v.redirects(c)
	v.inspect(c, 0)
	kind := finding.Command
	worst := issue{judgement: finding.Supported}
	for _, i := range v.issues {
		if i.judgement.Rank() > worst.judgement.Rank() {
			worst = i
		}
	}
	if worst.judgement == finding.Supported {
		if len(v.sources) == 0 {
			v.sources = own
		}
		worst.sources = v.sources
		worst.spans = say("{}: what it names exists, and so do its options as far as they are known.", shown(v.ran))
	}
	v.add(c.start, c.end, kind, worst)
	for _, r := range c.redirs {
		if r.body >= 0 {
			v.heredoc(c, r)
		}
	}
}

func shown(name string) string {
	if name == "" {
		return "redirection"
	}
	return name
}

// console reports whether the command is one to judge: of a line of output
// that stands among commands nothing is said.
func (v *viewer) console(c *command) bool {
	if len(c.words) == 0 {
		return true
	}
	first := c.words[0]
	if first.dynamic || first.placeholder && !strings.Contains(first.text, "/") {
		return true
	}
	if v.known(first.text) || len(c.redirs) > 0 || v.session.functions[first.text] {
		return true
	}
	return plausible.MatchString(first.text)
}

var plausible = pattern(`^(?:\.{0,2}/|~/)?[A-Za-z0-9_][\w.+/@-]*$`)

// known reports whether a name is that of a program or a word of the shell.
func (k *check) known(name string) bool {
	base := path.Base(name)
	return builtins[base] || k.cat.Program(base) != nil || k.cat.Command(base) != nil || k.cat.Options(base) != nil || k.cat.DebianProgram(base) != ""
}

var builtins = func() map[string]bool {
	set := map[string]bool{}
	for _, n := range strings.Fields("alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo enable eval exec exit export false fc fg getopts hash help history jobs let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt source . : suspend test [ [[ times trap true type typeset ulimit umask unalias unset wait kill") {
		set[n] = true
	}
	return set
}()

var compound = pattern(`^\s*(?:if (?:\[|!|grep|test|command|systemctl|docker|sudo|!)|for \w+ in |while (?:read|true|:|\[|!|IFS)|until \[|case \S+ in)`)

// startsCommand reports whether a line begins with the name of a program.
func (k *check) startsCommand(line string) bool {
	if compound.MatchString(line) {
		return true
	}
	for _, w := range strings.Fields(line) {
		if strings.Contains(w, "=") && !strings.HasPrefix(w, "-") {
			continue
		}
		w = strings.Trim(w, `"'`)
		return w == "sudo" || k.commandName(w)
	}
	return false
}

func (k *check) commandName(w string) bool {
	if strings.ContainsAny(w, "(){}<>|;&:,*\"'`$") {
		return false
	}
	base := path.Base(w)
	p := k.cat.Program(base)
	return k.cat.Command(base) != nil || k.cat.Options(base) != nil || p != nil && p.Kind != "none" || builtins[base] || strings.HasPrefix(w, "/") && k.cat.DebianProgram(base) != ""
}

// inspect looks at a command and, if it only starts another, at that.
func (v *viewer) inspect(c *command, depth int) {
	if len(c.words) == 0 || depth > 8 {
		return
	}
	if inner := v.wrapped(c); inner != nil {
		if len(inner.words) > 0 {
			v.inspect(inner, depth+1)
		}
		if !inner.foreign {
			return
		}
	}
	if c.foreign {
		return
	}
	v.ran = c.name()
	v.rules(c)
	first := c.words[0]
	if first.dynamic || first.placeholder {
		v.unchecked("The command stands in a variable or has to be filled in; it was not checked.")
		return
	}
	if v.session.functions[first.text] {
		return
	}
	v.program(c)
	v.paths(c)
	v.facts(c)
	if special := specials[c.name()]; special != nil {
		special(v, c)
	}
}

// program checks name, subcommand and options.
func (v *viewer) program(c *command) {
	name := c.name()
	p := v.cat.Program(name)
	if strings.Contains(c.words[0].text, "/") && !v.standardPath(c.words[0].text) {
		if p == nil || p.Path != c.words[0].text {
			if p == nil || p.Kind != "none" {
				v.unchecked("The file {} was not checked: it is in no catalogue.", c.words[0].text)
				return
			}
		}
	}
	if p != nil && v.notRunnable(c, p) {
		return
	}
	if v.verb(c, p) {
		return
	}
	table, top := v.table(c)
	switch {
	case table != nil:
	case p != nil && (p.Words || len(p.Commands) > 0 || len(p.Options) > 0):
	case builtins[name]:
		v.good("man-bash-1")
		return
	case v.cat.DebianProgram(name) != "":
		v.good("debian-index")
		if p == nil {
			v.unchecked("{} is a program of Debian's package {}; its arguments are in no catalogue.", name, v.cat.DebianProgram(name))
		}
		return
	case p != nil:
		v.unchecked("The arguments of {} are in no catalogue.", name)
		return
	case v.cat.Syscall(name) && len(c.words) > 1:
		v.broken(src("catalogue-syscalls"), "", "{} is a system call, not a command.", name)
		return
	case falcoName.MatchString(name) && c.words[0].text == name:
		v.broken(src("falco-source"), "", "There is no program {}: Falco comes with falco and falcoctl.", name)
		return
	default:
		v.unchecked("The program {} is in no catalogue.", name)
		return
	}
	if p != nil && p.Words {
		v.good("debian-manpages")
		return
	}
	v.arguments(c, p, table, top)
}

var falcoName = pattern(`^falco[-_a-z]`)

// verb sees a daemon told to start or stop, as if it were a command for that.
func (v *viewer) verb(c *command, p *catalogue.Program) bool {
	name := c.name()
	args := c.args()
	if len(args) != 1 || !serviceVerbs[args[0].text] || strings.Contains(c.words[0].text, "/") {
		return false
	}
	unit := name
	switch {
	case p != nil && p.Kind == "daemon" && !slices.Contains(p.Commands, args[0].text):
		if len(p.Units) > 0 {
			unit = p.Units[0]
		}
	case p == nil && v.cat.Options(name) == nil && v.cat.DebianProgram(name) == "" && (v.cat.DebianUnit(name+".service") != "" || v.cat.Name("unit", name) != nil && v.cat.Name("unit", name).Exists == "yes"):
	default:
		return false
	}
	if name == "falco" {
		return false // its own check says it
	}
	v.broken(src("man-systemctl-1"), "systemctl "+args[0].text+" "+unit, "{} takes no {}: systemd starts and stops it.", name, args[0].text)
	return true
}

func (v *viewer) standardPath(s string) bool {
	switch path.Dir(s) {
	case "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin":
		return true
	}
	return false
}

// notRunnable says so if the name is known and no program that can be run like that.
func (v *viewer) notRunnable(c *command, p *catalogue.Program) bool {
	name := c.name()
	sources := p.Sources
	if len(sources) == 0 {
		sources = own
	}
	switch {
	case p.Path != "" && c.words[0].text == name && !strings.HasPrefix(p.Path, "/usr/bin/"):
		v.broken(sources, p.Path, "{} is not in a folder of PATH: it lies at {} once it is installed.", name, p.Path)
	case p.Kind == "none":
		v.broken(sources, p.Use, "There is no program {}: {}", name, p.Is)
	case p.Kind == "library", p.Kind == "product", p.Kind == "desktop", p.Kind == "service":
		v.broken(sources, p.Use, "There is no command {}: it {}.", name, p.Is)
	case p.Kind == "windows", p.Kind == "macos":
		v.broken(sources, p.Use, "{} {}; it does not exist on Linux.", name, p.Is)
	default:
		return false
	}
	return true
}

// table returns the options of a command and the words that name it: two for
// `docker exec`.
func (v *viewer) table(c *command) (*catalogue.Options, int) {
	name := c.name()
	if v.cat.Command(name) == nil {
		return v.cat.Options(name), 1
	}
	return v.cat.Command(name), 1
}

// parsed are the arguments of a command, told apart.
type parsed struct {
	options  []string // as they are in the catalogue where possible; clusters taken apart
	values   map[string]string
	operands []word
	dashes   int // index into operands of what stands behind --, -1 for none
}

func (p *parsed) has(names ...string) bool {
	for _, n := range names {
		if slices.Contains(p.options, n) {
			return true
		}
	}
	return false
}

// split tells options, values and operands apart. takes reports whether an
// option is known and takes a value; it may be nil.
func split(args []word, takes func(string) (known, value bool), stop bool) *parsed {
	p := &parsed{values: map[string]string{}, dashes: -1}
	value := func(i int, option string) int {
		if i+1 < len(args) {
			p.values[option] = args[i+1].text
			return i + 1
		}
		return i
	}
	if takes == nil {
		takes = func(string) (bool, bool) { return false, false }
	}
	for i := 0; i < len(args); i++ {
		w := args[i]
		t := w.text
		switch {
		case t == "--":
			p.dashes = len(p.operands)
			p.operands = append(p.operands, args[i+1:]...)
			return p
		case strings.HasPrefix(t, "--") && len(t) > 2:
			option, val, has := strings.Cut(t, "=")
			p.options = append(p.options, option)
			if has {
				p.values[option] = val
			} else if _, wants := takes(option); wants {
				i = value(i, option)
			}
		case strings.HasPrefix(t, "-") && len(t) > 1 && !(w.dynamic && strings.HasPrefix(t, "-$")):
			option, val, has := strings.Cut(t, "=")
			if known, wants := takes(option); known && len(option) > 2 {
				p.options = append(p.options, option)
				if has {
					p.values[option] = val
				} else if wants {
					i = value(i, option)
				}
				break
			}
			i = cluster(p, args, i, takes, value)
		default:
			p.operands = append(p.operands, w)
			if stop {
				p.operands = append(p.operands, args[i+1:]...)
				return p
			}
		}
	}
	return p
}

// cluster takes -abc apart.
func cluster(p *parsed, args []word, i int, takes func(string) (bool, bool), value func(int, string) int) int {
	t := args[i].text
	for j := 1; j < len(t); j++ {
		option := "-" + t[j:j+1]
		p.options = append(p.options, option)
		if known, wants := takes(option); wants {
			if j+1 < len(t) {
				p.values[option] = t[j+1:]
				return i
			}
			return value(i, option)
		} else if j > 1 && !known {
			return i
		}
	}
	return i
}

func (v *viewer) takes(p *catalogue.Program, tables ...*catalogue.Options) func(string) (bool, bool) {
	return func(option string) (known, value bool) {
		for _, t := range tables {
			if t != nil {
				if val, ok := t.Names[option]; ok {
					known, value = true, value || val
				}
			}
		}
		if p != nil {
			for _, list := range [][]string{p.Options, p.Also} {
				for _, o := range list {
					if n, val := strings.CutSuffix(o, "="); n == option {
						if val {
							return true, true
						}
						known, value = true, false
					}
				}
			}
		}
		return known, value
	}
}

// arguments holds subcommands and options against the catalogue.
func (v *viewer) arguments(c *command, p *catalogue.Program, table *catalogue.Options, _ int) {
	name := c.name()
	sources := v.manual(name, p, table)
	tree := v.cat.Command(name)
	if tree != nil {
		v.branch(c, p, tree, sources)
		return
	}
	takes := v.takes(p, table)
	words := c.args()
	if name == "find" {
		words = v.findExec(c)
	}
	args := split(words, takes, false)
	if p != nil && p.Exact {
		takes = v.takes(p)
		args = split(words, takes, false)
	}
	complete := table != nil || p != nil && len(p.Options) > 0 && !p.Open
	if p != nil && len(p.Commands) > 0 {
		v.subcommand(name, p, args, sources)
	}
	if complete {
		v.options(name, words, takes, sources)
	} else if len(args.options) > 0 {
		v.unchecked("The options of {} are in no catalogue.", name)
	}
	if p != nil && p.Operands > 0 && len(args.operands) < p.Operands && !args.has(p.Unless...) && c.before == nil && !hasInput(c) {
		v.broken(sources, "", "{} needs {} and does nothing without.", name, operandWords(p.Operands))
	}
	for _, s := range sources {
		v.good(s)
	}
}

// findExec looks at the commands that find starts and returns its other words.
func (v *viewer) findExec(c *command) []word {
	var own []word
	args := c.args()
	for i := 0; i < len(args); i++ {
		switch args[i].text {
		case "-exec", "-execdir", "-ok", "-okdir":
			own = append(own, args[i])
			j := i + 1
			for j < len(args) && args[j].text != ";" && args[j].text != "+" && args[j].text != "\\;" {
				j++
			}
			if inner := c.sub(args[i+1 : j]); len(inner.words) > 0 {
				inner.nested = true
				ran := v.ran
				v.inspect(inner, 4)
				v.ran = ran
			}
			i = j
		default:
			own = append(own, args[i])
		}
	}
	return own
}

func operandWords(n int) string {
	if n == 1 {
		return "an operand"
	}
	return fmt.Sprintf("%d operands", n)
}

func hasInput(c *command) bool {
	for _, r := range c.redirs {
		if strings.HasPrefix(r.op, "<") {
			return true
		}
	}
	return false
}

func (v *viewer) manual(name string, p *catalogue.Program, table *catalogue.Options) []string {
	switch {
	case p != nil && len(p.Sources) > 0:
		return p.Sources
	case v.cat.Command(name) != nil:
		return src("catalogue-help")
	case table != nil:
		return src("debian-manpages")
	}
	return own
}

// options says which options do not exist.
func (v *viewer) options(name string, args []word, takes func(string) (bool, bool), sources []string) {
	for i := 0; i < len(args); i++ {
		w := args[i]
		t := w.text
		if t == "--" {
			return
		}
		if !strings.HasPrefix(t, "-") || t == "-" || w.placeholder || w.dynamic && strings.ContainsAny(strings.SplitN(t, "=", 2)[0], "$`*?") {
			continue
		}
		option, _, has := strings.Cut(t, "=")
		known, value := takes(option)
		if strings.HasPrefix(t, "--") {
			if !known && !v.abbreviated(name, option) {
				v.broken(sources, "", "{} has no option {}.", name, option)
				return
			}
			if value && !has && i+1 < len(args) && !strings.HasPrefix(args[i+1].text, "--") {
				i++
			}
			continue
		}
		if known {
			if value && !has {
				i++
			}
			continue
		}
		short := t[:2]
		known, value = takes(short)
		if p := v.cat.Program(name); p != nil && p.Exact {
			known = false
		}
		if !known && !(t[1] >= '0' && t[1] <= '9') {
			v.broken(sources, "", "{} has no option {}.", name, t)
			return
		}
		if value && len(t) == 2 {
			i++
			continue
		}
		// A value of the last letter of -abc stands in the next word.
		if !value && len(t) > 2 {
			if _, last := takes("-" + t[len(t)-1:]); last {
				i++
			}
		}
	}
}

// abbreviated reports whether a long option is the beginning of one that exists.
func (v *viewer) abbreviated(name, option string) bool {
	if len(option) < 4 {
		return false
	}
	t := v.cat.Options(name)
	p := v.cat.Program(name)
	if t != nil {
		for o := range t.Names {
			if shortened(o, option) {
				return true
			}
		}
	}
	if p != nil {
		for _, o := range p.Options {
			if shortened(o, option) {
				return true
			}
		}
	}
	return false
}

// shortened reports whether an option is cut within a word: --recurs for
// --recursive, but not --detach for --detach-on, which is another idea.
func shortened(option, short string) bool {
	return strings.HasPrefix(option, short) && len(option) > len(short) && option[len(short)] != '-' && option[len(short)] != '='
}

// subcommand holds the first operand against the list of subcommands.
func (v *viewer) subcommand(name string, p *catalogue.Program, args *parsed, sources []string) {
	if len(args.operands) == 0 || args.operands[0].dynamic || args.operands[0].placeholder {
		return
	}
	sub := args.operands[0].text
	if slices.Contains(p.Commands, sub) {
		return
	}
	if p.Open {
		v.unchecked("The subcommand {} of {} is in no catalogue.", sub, name)
		return
	}
	suggest := ""
	if len(args.operands) > 1 && slices.Contains(p.Commands, args.operands[1].text) {
		suggest = name + " " + args.operands[1].text + " " + sub
	}
	v.broken(sources, suggest, "{} has no subcommand {}.", name, sub)
}

// branch checks a command whose subcommands have options of their own.
func (v *viewer) branch(c *command, p *catalogue.Program, tree *catalogue.Options, sources []string) {
	name := c.name()
	globals := []*catalogue.Options{tree, v.cat.Command(name + " *")}
	args := c.args()
	path := name
	at := tree
	tables := slices.Clone(globals)
	for i := 0; i < len(args); {
		w := args[i]
		t := w.text
		if t == "--" {
			break
		}
		if strings.HasPrefix(t, "-") {
			_, value := v.takes(p, tables...)(strings.SplitN(t, "=", 2)[0])
			if value && !strings.Contains(t, "=") {
				i++
			}
			i++
			continue
		}
		if len(at.Commands) == 0 || w.dynamic || w.placeholder {
			break
		}
		if !at.Commands[t] {
			if path == name && p != nil && slices.Contains(p.Commands, t) {
				v.unchecked("{} {} is an extension of {}; its arguments are in no catalogue.", name, t, name)
				return
			}
			if runnable := path != name && (len(at.Names) > 1 || name == "kubectl"); runnable && !(name == "docker") {
				break // kubectl create -f, kubectl apply …
			}
			suggest := ""
			v.broken(sources, suggest, "{} has no subcommand {}.", path, t)
			return
		}
		path += " " + t
		at = v.cat.Command(path)
		tables = append(tables, at)
		args = append(slices.Clone(args[:i]), args[i+1:]...)
	}
	takes := v.takes(p, tables...)
	checked := args
	// Behind the image or the container stands another command.
	if hasInner[path] {
		checked = nil
		for i := 0; i < len(args); i++ {
			t := args[i].text
			if !strings.HasPrefix(t, "-") || t == "--" {
				if name == "kubectl" && t != "--" {
					continue
				}
				break
			}
			checked = append(checked, args[i])
			if value := clusterValue(t, takes); value && i+1 < len(args) {
				i++
				checked = append(checked, args[i])
			}
		}
	}
	v.options(path, checked, takes, sources)
	v.operands(c, path, split(args, takes, hasInner[path] && name != "kubectl"), sources)
	for _, s := range sources {
		v.good(s)
	}
}

func clusterValue(t string, takes func(string) (bool, bool)) bool {
	if strings.Contains(t, "=") {
		return false
	}
	if _, value := takes(t); value {
		return true
	}
	if strings.HasPrefix(t, "--") {
		return false
	}
	for j := 1; j < len(t); j++ {
		if _, value := takes("-" + t[j:j+1]); value {
			return j == len(t)-1
		}
	}
	return false
}

// hasInner are the commands whose operands are a command of their own.
var hasInner = map[string]bool{"docker run": true, "docker exec": true, "docker container run": true, "docker container exec": true,
	"docker create": true, "docker container create": true, "kubectl exec": true, "kubectl run": true, "kubectl debug": true, "docker top": true, "docker container top": true}

// operandsOf says how many operands a command needs at least.
var operandsOf = map[string]int{
	"docker exec": 2, "docker run": 1, "docker create": 1, "docker inspect": 1, "docker stop": 1, "docker kill": 1, "docker pause": 1, "docker unpause": 1,
	"docker start": 1, "docker restart": 1, "docker rm": 1, "docker rmi": 1, "docker logs": 1, "docker top": 1, "docker diff": 1, "docker export": 1,
	"docker commit": 1, "docker cp": 2, "docker pull": 1, "docker save": 1, "docker history": 1, "docker port": 1, "docker attach": 1, "docker update": 1,
	"docker network connect": 2, "docker network disconnect": 2, "docker network inspect": 1, "docker rename": 2, "docker tag": 2, "docker container inspect": 1,
	"docker container stop": 1, "docker container kill": 1, "docker container pause": 1, "docker container rm": 1, "docker container logs": 1,
	"kubectl cordon": 1, "kubectl uncordon": 1, "kubectl drain": 1, "kubectl port-forward": 2,
}

// most says how many operands a command takes at most.
var most = map[string]int{"docker logs": 1, "docker diff": 1, "docker export": 1, "docker attach": 1, "docker images": 1, "docker ps": 0, "docker info": 0, "docker version": 0,
	"docker events": 0, "docker network connect": 2, "docker network disconnect": 2, "docker commit": 2, "docker cp": 2}

func (v *viewer) operands(c *command, path string, args *parsed, sources []string) {
	for _, w := range args.operands {
		if w.dynamic {
			return
		}
	}
	if args.has("--help", "-h") || args.has("--selector", "-l", "--filename", "-f", "--all") && strings.HasPrefix(path, "kubectl") {
		return
	}
	need, ok := operandsOf[path]
	if ok && len(args.operands) < need && !c.piped() {
		v.broken(sources, "", "{} needs {}.", path, operandWords(need))
	} else if limit, ok := most[path]; ok && len(args.operands) > limit {
		v.broken(sources, "", "{} takes no operand {}.", path, args.operands[limit].text)
	}
	if (path == "docker exec" || path == "docker container exec") && len(args.operands) > 1 && strings.HasPrefix(args.operands[1].text, "-") {
		v.broken(sources, "", "Options of docker exec stand before the container: {} is taken for the command.", args.operands[1].text)
	}
	v.container(path, args)
}

// container sees the name that Falco gives to the host taken for a container.
func (v *viewer) container(path string, args *parsed) {
	if !strings.HasPrefix(path, "docker ") || len(args.operands) == 0 {
		return
	}
	if _, ok := operandsOf[path]; ok && args.operands[0].text == "host" && !strings.Contains(path, "network") && path != "docker pull" && path != "docker run" {
		v.broken(src("falco-fields"), "", "There is no container {}: in an alert, container.id=host says that the process ran in none.", "host")
	}
}

// piped reports whether the operands may come from xargs.
func (c *command) piped() bool { return c.nested }

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

// heredocLanguages are the files whose content is a script.
var scripts = pattern(`\.sh$|^/etc/cron\.(?:hourly|daily|weekly|monthly)/|^/usr/local/s?bin/`)

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
	switch {
	case form == "shell":
		inner.shell()
	case form != "":
		inner.config(form, 0, len(content))
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
var wantsRoot = pattern(`^/(?:etc|proc/sys|proc/sysrq-trigger|sys|usr|boot|root|lib|lib64|sbin|bin|opt|var/log|var/lib|var/spool|run/systemd)(?:/|$)`)

var inPrivate = pattern(`^/(?:root|opt)/`)

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
		v.path(r.target, true)
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
		if v.matches(r, plain, args, operands) && !r.Excused(plain, v.context()) {
			v.rule(r)
		}
	}
}

// undoes is said before steps that take back others.
var undoes = pattern(`(?i)\b(?:undo|revert|roll(?:ing)?[ -]?back|restor(?:e|ing)|put(?:ting)? back|back out|take(?:s)? (?:it|them) back|to remove)`)

func (v *viewer) rule(r *catalogue.Rule) {
	if r.Undo && undoes.MatchString(v.b.Intro) {
		return
	}
	v.say(issue{finding.Judgement(r.Judgement), say(r.Reason), r.Sources, r.Suggest})
}

// context is what stands around a command: the block and what introduces it.
func (k *check) context() string { return k.text + "\n" + k.b.Intro }

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
		if (r.Write == "any" || r.Write == op) && r.MatchText(target) && !r.Excused(target+" "+c.plain(), v.context()) {
			v.rule(r)
		}
	}
}
