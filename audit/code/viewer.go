package code

import (
	"path"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
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
	badKey  string   // a kernel setting of the block that does not exist
}

func (v *viewer) say(i issue) { v.issues = append(v.issues, i) }

func (v *viewer) broken(sources []string, suggest, format string, values ...string) {
	v.say(broken(sources, suggest, format, values...))
}

// needs is broken, of a whole command: a code span often gives but its name.
func (v *viewer) needs(sources []string, format string, values ...string) {
	if !v.b.Inline {
		v.broken(sources, "", format, values...)
	}
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
	if v.happened(c) {
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

// happened reports whether a command is the alert's own, quoted: it is judged
// as a fact.
func (v *viewer) happened(c *command) bool {
	if len(c.words) < 2 || c.start < 0 || c.end > len(v.text) {
		return false
	}
	text := strings.TrimSpace(v.text[c.start:c.end])
	for _, field := range []string{"proc.cmdline", "proc.pcmdline"} {
		if line := v.b.Facts[field]; line != "" && (text == line || strings.HasSuffix(line, " -c "+text)) {
			return true
		}
	}
	return false
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

var plausible = expr.New(`^(?:\.{0,2}/|~/)?[A-Za-z0-9_][\w.+/@-]*$`)

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

var compound = expr.New(`^\s*(?:if (?:\[|!|grep|test|command|systemctl|docker|sudo|!)|for \w+ in |while (?:read|true|:|\[|!|IFS)|until \[|case \S+ in)`)

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
	v.effect(c)
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
	table := v.table(c)
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
	v.arguments(c, p, table)
}

var falcoName = expr.New(`^falco[-_a-z]`)

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
		v.broken(sources, p.Use, "There is no program {}: "+p.Is, name)
	case p.Kind == "library", p.Kind == "product", p.Kind == "desktop", p.Kind == "service":
		v.broken(sources, p.Use, "There is no command {}: it "+p.Is+".", name)
	case p.Kind == "windows", p.Kind == "macos":
		v.broken(sources, p.Use, "{} "+p.Is+"; it does not exist on Linux.", name)
	default:
		return false
	}
	return true
}
