package code

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// table returns the options of a program, nil when none are known.
func (v *viewer) table(c *command) *catalogue.Options {
	if o := v.cat.Command(c.name()); o != nil {
		return o
	}
	return v.cat.Options(c.name())
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
		case strings.HasPrefix(t, "-") && len(t) > 1 && (!w.dynamic || !strings.HasPrefix(t, "-$")):
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
func (v *viewer) arguments(c *command, p *catalogue.Program, table *catalogue.Options) {
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
	if p != nil && len(args.operands) > 0 && contains(p.Extensions, args.operands[0].text) {
		v.good(first(p.Sources))
		return
	}
	complete := table != nil || p != nil && len(p.Options) > 0 && !p.Open
	if p != nil && len(p.Commands) > 0 {
		v.subcommand(name, p, args, sources)
	}
	if complete {
		v.options(name, words, takes, sources)
	} else if !allKnown(args.options, takes) {
		v.unchecked("The options of {} are in no catalogue.", name)
	}
	if p != nil && p.Operands > 0 && len(args.operands) < p.Operands && !args.has(p.Unless...) && c.before == nil && !hasInput(c) {
		v.needs(sources, "{} needs {} and does nothing without.", name, operandWords(p.Operands))
	}
	for _, s := range sources {
		v.good(s)
	}
}

func allKnown(options []string, takes func(string) (bool, bool)) bool {
	for _, o := range options {
		if known, _ := takes(o); !known {
			return false
		}
	}
	return true
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
		if !known && (t[1] < '0' || t[1] > '9') {
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
			if runnable := path != name && (len(at.Names) > 1 || name == "kubectl"); runnable && name != "docker" {
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
		v.needs(sources, "{} needs {}.", path, operandWords(need))
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
	if _, ok := operandsOf[path]; ok {
		for _, w := range args.operands[:min(2, len(args.operands))] {
			v.otherContainer(w.text)
		}
	}
	if _, ok := operandsOf[path]; ok && args.operands[0].text == "host" && !strings.Contains(path, "network") && path != "docker pull" && path != "docker run" {
		v.broken(src("falco-fields"), "", "There is no container {}: in an alert, container.id=host says that the process ran in none.", "host")
	}
}

var hexID = expr.New(`^(?:[0-9a-f]{12}|[0-9a-f]{64})$`)

// example are ids that nobody takes for real ones.
var exampleID = expr.New(`^(?:abc|123456|a1b2c3|deadbeef|0123|0000)`)

// otherContainer sees the id of a container that is not the alert's.
func (v *viewer) otherContainer(given string) {
	id := v.b.Facts["container.id"]
	if len(id) < 12 || !hexID.MatchString(given) || exampleID.MatchString(given) || strings.HasPrefix(given, id[:12]) {
		return
	}
	if full := v.b.Facts["container.full_id"]; full != "" && strings.HasPrefix(full, given[:12]) {
		return
	}
	v.broken(src("falco-fields"), id, "The container of the alert is {}, not {}.", id, given)
}

// piped reports whether the operands may come from xargs.
func (c *command) piped() bool { return c.nested }
