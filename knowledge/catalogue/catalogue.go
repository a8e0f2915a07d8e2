// Package catalogue holds what Tiercel knows about programs, packages, units,
// kernel settings and configuration files: what the commands and configuration
// of a report are held against. It is data, files under
// knowledge/data/catalogue, described in the README there.
package catalogue

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/knowledge"
)

//go:generate go run ./generate ../data/catalogue compiled.zip

//go:embed compiled.zip
var compiled []byte

// Program is what is known of a program, or of a name that is taken for one.
type Program struct {
	Names []string `yaml:"program" json:"program"`
	// Kind is cli, daemon, library, product, desktop, service, windows, macos
	// or none: a name that no program has.
	Kind string `yaml:"kind,omitempty" json:"kind,omitempty"`
	Is   string `yaml:"is,omitempty" json:"is,omitempty"` // what it is, to be said after its name: "is a Python library"
	// Path: the program lies there and not in a folder of PATH.
	Path     string            `yaml:"path,omitempty" json:"path,omitempty"`
	Packages map[string]string `yaml:"packages,omitempty" json:"packages,omitempty"` // by distribution: debian, rhel, alpine
	// Vendor: its packages are in a repository of its own, that has to be added first.
	Vendor string `yaml:"vendor,omitempty" json:"vendor,omitempty"`
	// Commands are its subcommands, Options its options. Each counts as complete
	// if it is given, unless Open is set: then only what is there is known.
	Commands []string `yaml:"commands,omitempty" json:"commands,omitempty"`
	Options  []string `yaml:"options,omitempty" json:"options,omitempty"` // "=" behind those that take a value
	Open     bool     `yaml:"open,omitempty" json:"open,omitempty"`
	// Also: options that exist although the manual page does not describe them,
	// or not of this version.
	Also []string `yaml:"also,omitempty" json:"also,omitempty"`
	// Exact: options are whole words, never letters joined, and the list is all there is.
	Exact bool `yaml:"exact,omitempty" json:"exact,omitempty"`
	// Words: its arguments do not follow the rules of options; they are not checked.
	Words bool `yaml:"words,omitempty" json:"words,omitempty"`
	// Operands: how many it needs at least, without which it does nothing.
	Operands int `yaml:"operands,omitempty" json:"operands,omitempty"`
	// Unless: options with which it needs none.
	Unless  []string `yaml:"unless,omitempty" json:"unless,omitempty"`
	Units   []string `yaml:"units,omitempty" json:"units,omitempty"` // names of its units
	Use     string   `yaml:"use,omitempty" json:"use,omitempty"`     // what to use in its place
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`
}

// Rule is a command, or a line of configuration, of which is known what it does.
type Rule struct {
	ID string `yaml:"rule" json:"rule"`
	// Judgement is harmful, broken or unsupported.
	Judgement string `yaml:"judgement" json:"judgement"`
	// Of a command: Programs are its names; of each group of Options one is
	// there; one operand matches Operand; the whole, in plain words, matches
	// Text. Write says it is a file that is written to: > (anew), >> or any.
	Programs []string   `yaml:"programs,omitempty" json:"programs,omitempty"`
	Options  [][]string `yaml:"options,omitempty" json:"options,omitempty"`
	Operand  string     `yaml:"operand,omitempty" json:"operand,omitempty"`
	Text     string     `yaml:"text,omitempty" json:"text,omitempty"`
	Write    string     `yaml:"write,omitempty" json:"write,omitempty"`
	// Of a line: the format it stands in and what it matches.
	Format string `yaml:"format,omitempty" json:"format,omitempty"`
	Line   string `yaml:"line,omitempty" json:"line,omitempty"`
	// Unless matches the whole of those that it is not.
	Unless string `yaml:"unless,omitempty" json:"unless,omitempty"`
	// Undo: it is right where it takes back what another step did.
	Undo bool `yaml:"undo,omitempty" json:"undo,omitempty"`
	// Block: what else in the same block, or in what introduces it, makes it right.
	Block string `yaml:"block,omitempty" json:"block,omitempty"`

	Reason  string   `yaml:"reason" json:"reason"`
	Suggest string   `yaml:"suggest,omitempty" json:"suggest,omitempty"`
	Sources []string `yaml:"sources" json:"sources"`

	operand, text, line, unless, block expression
}

// expression is compiled when it is first needed.
type expression struct {
	once sync.Once
	re   *regexp.Regexp
}

func (e *expression) match(pattern, s string) bool {
	e.once.Do(func() { e.re = regexp.MustCompile(pattern) })
	return e.re.MatchString(s)
}

// MatchOperand reports whether one of the operands is meant.
func (r *Rule) MatchOperand(operands []string) bool {
	if r.Operand == "" {
		return true
	}
	for _, o := range operands {
		if r.operand.match(r.Operand, o) {
			return true
		}
	}
	return false
}

// MatchText reports whether a command in plain words, or a file name, is meant.
func (r *Rule) MatchText(s string) bool { return r.Text == "" || r.text.match(r.Text, s) }

// MatchLine reports whether a line of configuration is meant.
func (r *Rule) MatchLine(s string) bool { return r.line.match(r.Line, s) }

// Excused reports whether the command or line is one that is not meant.
func (r *Rule) Excused(s, block string) bool {
	return r.Unless != "" && r.unless.match(r.Unless, s) || r.Block != "" && r.block.match(r.Block, block)
}

// Product is a name that reports give as a tool.
type Product struct {
	Names   []string `yaml:"product" json:"product"`
	Kinds   []string `yaml:"kinds" json:"kinds"` // what it is, of the list in the README
	Is      string   `yaml:"is" json:"is"`       // the same in words: "remote-desktop software"
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`
}

// Place is what is known about a path.
type Place struct {
	Path string `yaml:"path" json:"path"` // a regular expression for the whole path
	// Exists is yes, no (on no Linux system) or debian-no (not on Debian 12).
	Exists  string   `yaml:"exists" json:"exists"`
	Reason  string   `yaml:"reason,omitempty" json:"reason,omitempty"`
	Use     string   `yaml:"use,omitempty" json:"use,omitempty"`
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`

	re expression
}

// Match reports whether p is the path.
func (p *Place) Match(s string) bool { return p.re.match("^(?:"+p.Path+")$", s) }

// Name is a package or unit that is known although Debian has none of that name.
type Name struct {
	Names   []string `yaml:"names" json:"names"`
	Kind    string   `yaml:"kind" json:"kind"` // package, unit, api, sysctl, python
	Exists  string   `yaml:"exists" json:"exists"`
	Is      string   `yaml:"is,omitempty" json:"is,omitempty"`
	Use     string   `yaml:"use,omitempty" json:"use,omitempty"`
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`
}

// Format says how a kind of configuration file is recognised and which keys it has.
type Format struct {
	Name  string   `yaml:"format" json:"format"`
	Paths []string `yaml:"paths,omitempty" json:"paths,omitempty"` // regular expressions
	// Shapes are types of keys, as in the machine-made files: NAME: {key: TYPE}.
	Shapes  map[string]map[string]string `yaml:"shapes,omitempty" json:"shapes,omitempty"`
	Words   []string                     `yaml:"words,omitempty" json:"words,omitempty"`
	Sources []string                     `yaml:"sources,omitempty" json:"sources,omitempty"`
}

// Data is what people wrote.
type Data struct {
	Programs []*Program `json:"programs"`
	Rules    []*Rule    `json:"rules"`
	Products []*Product `json:"products"`
	Places   []*Place   `json:"places"`
	Names    []*Name    `json:"names"`
	Formats  []*Format  `json:"formats"`
}

// Catalogue answers what exists. It may be used by several goroutines.
type Catalogue struct {
	Data
	files    *zip.Reader
	programs map[string]*Program
	names    map[string]*Name // by kind and name
	formats  map[string]*Format
	products map[string]*Product
	byRule   map[string][]*Rule // by program; "" are those for files

	mu    sync.Mutex
	lists map[string]string
	sets  map[string]map[string]bool
	opts  map[string]*Options
	shape map[string]*Shapes
	tree  map[string]*Options
}

// Builtin returns the catalogue that Tiercel is shipped with.
var Builtin = sync.OnceValue(func() *Catalogue {
	c, err := Open(compiled)
	if err != nil {
		panic(err) // compiled.zip is ours and was checked when it was made
	}
	return c
})

// Open reads a compiled catalogue (see Compile).
func Open(compiled []byte) (*Catalogue, error) {
	files, err := zip.NewReader(bytes.NewReader(compiled), int64(len(compiled)))
	if err != nil {
		return nil, fmt.Errorf("compiled catalogue: %w", err)
	}
	c := &Catalogue{files: files, lists: map[string]string{}, sets: map[string]map[string]bool{}, opts: map[string]*Options{}, shape: map[string]*Shapes{}}
	text, err := c.read("data.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &c.Data); err != nil {
		return nil, fmt.Errorf("compiled catalogue: %w", err)
	}
	c.programs, c.names, c.formats, c.products, c.byRule = map[string]*Program{}, map[string]*Name{}, map[string]*Format{}, map[string]*Product{}, map[string][]*Rule{}
	for _, p := range c.Programs {
		for _, n := range p.Names {
			c.programs[n] = p
		}
	}
	for _, n := range c.Names {
		for _, name := range n.Names {
			c.names[n.Kind+" "+name] = n
		}
	}
	for _, f := range c.Formats {
		c.formats[f.Name] = f
	}
	for _, p := range c.Products {
		for _, n := range p.Names {
			c.products[strings.ToLower(n)] = p
		}
	}
	for _, r := range c.Rules {
		switch {
		case r.Format != "":
			c.byRule["format "+r.Format] = append(c.byRule["format "+r.Format], r)
		case r.Write != "":
			c.byRule[""] = append(c.byRule[""], r)
		}
		for _, p := range r.Programs {
			c.byRule[p] = append(c.byRule[p], r)
		}
	}
	return c, nil
}

func (c *Catalogue) read(name string) (string, error) {
	f, err := c.files.Open(name)
	if err != nil {
		return "", fmt.Errorf("compiled catalogue: %w", err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return "", fmt.Errorf("compiled catalogue: %s: %w", name, err)
		}
		in = z
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return "", fmt.Errorf("compiled catalogue: %s: %w", name, err)
	}
	return string(text), nil
}

// Program returns what people wrote about a program, nil when nothing.
func (c *Catalogue) Program(name string) *Program { return c.programs[name] }

// Product returns what is known of a product by any of its names, in any case.
func (c *Catalogue) Product(name string) *Product { return c.products[strings.ToLower(name)] }

// Name returns what people wrote about a name of a kind (package, unit, api, sysctl, python).
func (c *Catalogue) Name(kind, name string) *Name { return c.names[kind+" "+name] }

// Format returns a format of configuration files, nil when there is none.
func (c *Catalogue) Format(name string) *Format { return c.formats[name] }

// RulesFor returns the rules about a program, "" for those about written files.
func (c *Catalogue) RulesFor(program string) []*Rule { return c.byRule[program] }

// RulesIn returns the rules about lines of a format.
func (c *Catalogue) RulesIn(format string) []*Rule { return c.byRule["format "+format] }

// list returns the text of a machine-made file.
func (c *Catalogue) list(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.lists[name]
	if !ok {
		var err error
		if text, err = c.read("made/" + name); err != nil {
			panic(err) // as in Builtin
		}
		c.lists[name] = text
	}
	return text
}

// lookup finds the line of a sorted list that begins with name and returns
// what stands behind it.
func (c *Catalogue) lookup(file, name string) (rest string, ok bool) {
	if name == "" || strings.ContainsAny(name, " \n\t") {
		return "", false
	}
	text := c.list(file)
	low, high := 0, len(text)
	for low < high {
		middle := low + (high-low)/2
		start := strings.LastIndexByte(text[:middle], '\n') + 1
		end := start + strings.IndexByte(text[start:], '\n')
		line := text[start:end]
		key, value, _ := strings.Cut(line, " ")
		switch {
		case line != "" && line[0] == '#' || key < name:
			low = end + 1
		case key > name:
			high = start
		default:
			return value, true
		}
	}
	return "", false
}

// Words returns a machine-made list as a set. It must not be changed.
func (c *Catalogue) Words(file string) map[string]bool {
	text := c.list(file)
	c.mu.Lock()
	defer c.mu.Unlock()
	set, ok := c.sets[file]
	if !ok {
		set = map[string]bool{}
		for _, line := range strings.Split(text, "\n") {
			if line != "" && line[0] != '#' {
				set[line] = true
			}
		}
		c.sets[file] = set
	}
	return set
}

// DebianPackage reports whether Debian 12 main has a package.
func (c *Catalogue) DebianPackage(name string) bool {
	_, ok := c.lookup("debian12-packages.txt.gz", name)
	return ok
}

// DebianVirtual reports whether a package of Debian 12 main provides a name.
func (c *Catalogue) DebianVirtual(name string) bool {
	_, ok := c.lookup("debian12-virtual.txt.gz", name)
	return ok
}

// DebianProgram returns the package of Debian 12 main that has a program in a
// folder of PATH, "" when none has.
func (c *Catalogue) DebianProgram(name string) string {
	pkg, _ := c.lookup("debian12-programs.txt.gz", name)
	return pkg
}

// DebianUnit returns the package of Debian 12 main that has a systemd unit or
// an init script, "" when none has. name has its suffix (.service).
func (c *Catalogue) DebianUnit(name string) string {
	pkg, _ := c.lookup("debian12-units.txt.gz", name)
	return pkg
}

// DebianEtc returns the package of Debian 12 main that ships a file below
// /etc, "" when none does: the file may still be made at installation.
func (c *Catalogue) DebianEtc(file string) string {
	pkg, _ := c.lookup("debian12-etc.txt.gz", strings.TrimPrefix(file, "/etc/"))
	return pkg
}

// Module reports whether Debian 12's kernels have a loadable module.
func (c *Catalogue) Module(name string) bool {
	_, ok := c.lookup("debian12-modules.txt.gz", strings.ReplaceAll(name, "-", "_"))
	return ok
}

// Syscall reports whether a system call exists on x86_64, i386 or aarch64.
func (c *Catalogue) Syscall(name string) bool { return c.Words("syscalls.txt")[name] }

// Sysctl reports whether a kernel setting exists, in dots; sure is false where
// the catalogue does not cover its part of the tree.
func (c *Catalogue) Sysctl(key string) (exists, sure bool) {
	set := c.Words("sysctl.txt")
	if set[key] || c.Name("sysctl", key) != nil && c.Name("sysctl", key).Exists != "no" {
		return true, true
	}
	parts := strings.Split(key, ".")
	if len(parts) < 2 {
		return false, true
	}
	leaf := parts[len(parts)-1]
	if parts[0] == "net" && len(parts) >= 5 {
		if set[strings.Join(parts[:3], ".")+".*."+leaf] {
			return true, true
		}
	}
	covered := false
	switch parts[0] {
	case "kernel", "vm", "fs", "user", "abi":
		covered = true
		if set[parts[0]+"?."+leaf] || set[parts[0]+"?."+strings.Join(parts[1:], ".")] {
			return true, true
		}
	case "net":
		if len(parts) == 2 {
			return false, true
		}
		switch parts[1] {
		case "core":
			covered = true
			if set["net.core?."+leaf] {
				return true, true
			}
		case "ipv4", "ipv6":
			covered = true
			if set["net.ip?."+leaf] || set["net.ipv4.vs?."+leaf] {
				return true, true
			}
		}
	}
	known := map[string]bool{"kernel": true, "vm": true, "fs": true, "user": true, "abi": true, "net": true, "dev": true, "debug": true, "sunrpc": true, "crypto": true, "xpc": true}
	if !known[parts[0]] {
		return false, true
	}
	// Modules bring keys of their own below these.
	if parts[0] == "fs" && len(parts) > 2 || parts[0] == "kernel" && len(parts) > 3 {
		covered = !brought[parts[0]+"."+parts[1]]
	}
	return false, covered
}

// brought are folders whose settings depend on what is loaded or built in.
var brought = map[string]bool{"fs.xfs": true, "fs.nfs": true, "fs.quota": true, "fs.binfmt_misc": true, "fs.verity": true, "fs.mqueue": true, "fs.fanotify": true,
	"fs.ext4": true, "fs.btrfs": true, "fs.cifs": true, "fs.ocfs2": true, "fs.fuse": true, "fs.lustre": true, "fs.coda": true, "fs.ntfs": true, "kernel.sched_domain": true,
	"kernel.random": true, "kernel.keys": true, "kernel.pty": true, "kernel.usermodehelper": true, "kernel.firmware_config": true, "kernel.seccomp": true, "kernel.yama": true, "kernel.spl": true, "kernel.grsecurity": true, "kernel.pax": true}

// Options are the options and subcommands of a command.
type Options struct {
	Names    map[string]bool // true: takes a value
	Commands map[string]bool
	Package  string
}

// Options returns what the manual page of a program names; nil when none was read.
func (c *Catalogue) Options(program string) *Options {
	text := c.list("options.txt")
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.opts[program]; ok {
		return o
	}
	var o *Options
	at := strings.Index(text, "\n"+program+"\t")
	if at >= 0 {
		line, _, _ := strings.Cut(text[at+1:], "\n")
		fields := strings.SplitN(line, "\t", 3)
		o = &Options{Names: map[string]bool{}, Package: fields[1]}
		o.add(fields[2])
	}
	c.opts[program] = o
	return o
}

func (o *Options) add(words string) {
	for _, w := range strings.Fields(words) {
		name, value := strings.CutSuffix(w, "=")
		o.Names[name] = o.Names[name] || value
	}
}

// Command returns the options and subcommands of a command such as "docker
// network", as it prints them itself; nil when that was not asked.
func (c *Catalogue) Command(path string) *Options {
	text := c.list("commands.txt")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tree == nil {
		c.tree = map[string]*Options{}
		for _, line := range strings.Split(text, "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			name, words, _ := strings.Cut(line, "\t")
			o := c.tree[name]
			if o == nil {
				o = &Options{Names: map[string]bool{}, Commands: map[string]bool{}}
				c.tree[name] = o
			}
			o.add(words)
			if i := strings.LastIndexByte(name, ' '); i > 0 {
				parent := c.tree[name[:i]]
				if parent == nil {
					parent = &Options{Names: map[string]bool{}, Commands: map[string]bool{}}
					c.tree[name[:i]] = parent
				}
				parent.Commands[name[i+1:]] = true
			}
		}
	}
	return c.tree[path]
}

// Shapes are types of objects: which keys they have.
type Shapes struct {
	Types   map[string]map[string]string // by name: key, type
	Objects map[string]string            // Kubernetes: "apiVersion kind", type
}

// Shapes returns a machine-made file of shapes (kubernetes.txt,
// falco-rules.txt, falco-config.txt).
func (c *Catalogue) Shapes(file string) *Shapes {
	text := c.list(file)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.shape[file]; s != nil {
		return s
	}
	s := &Shapes{Types: map[string]map[string]string{}, Objects: map[string]string{}}
	for _, line := range strings.Split(text, "\n") {
		head, rest, _ := strings.Cut(line, "\t")
		what, name, _ := strings.Cut(head, " ")
		switch what {
		case "type":
			keys := map[string]string{}
			for _, f := range strings.Fields(rest) {
				key, kind, _ := strings.Cut(f, "=")
				keys[key] = kind
			}
			s.Types[name] = keys
		case "object":
			s.Objects[rest] = name
		}
	}
	c.shape[file] = s
	return s
}

// Set is a folder of catalogue files, read.
type Set struct {
	Data  Data
	Made  map[string][]byte
	files map[any]string
}

// ReadSet reads a folder with the layout of data/catalogue and checks it.
func ReadSet(fsys fs.FS) (*Set, knowledge.Problems) {
	s := &Set{Made: map[string][]byte{}}
	var problems knowledge.Problems
	fail := func(file string, err error) {
		problems = append(problems, knowledge.Problem{File: file, Reason: err.Error()})
	}
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) == ".md" {
			return err
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if path.Dir(name) == "made" {
			s.Made[path.Base(name)] = text
			return nil
		}
		folder, _, _ := strings.Cut(strings.TrimSuffix(name, ".yaml"), "/")
		switch folder {
		case "programs":
			problems = append(problems, readList(name, text, &s.Data.Programs, (*Program).check)...)
		case "rules":
			problems = append(problems, readList(name, text, &s.Data.Rules, (*Rule).check)...)
		case "products":
			problems = append(problems, readList(name, text, &s.Data.Products, (*Product).check)...)
		case "places":
			problems = append(problems, readList(name, text, &s.Data.Places, (*Place).check)...)
		case "names":
			problems = append(problems, readList(name, text, &s.Data.Names, (*Name).check)...)
		case "formats":
			problems = append(problems, readList(name, text, &s.Data.Formats, (*Format).check)...)
		default:
			fail(name, fmt.Errorf("not one of programs, rules, products, places, names, formats, made"))
		}
		return nil
	})
	if err != nil {
		fail(".", err)
	}
	seen := map[string]bool{}
	once := func(kind, name string) {
		if seen[kind+name] {
			fail(kind, fmt.Errorf("%q is there twice", name))
		}
		seen[kind+name] = true
	}
	for _, p := range s.Data.Programs {
		for _, n := range p.Names {
			once("programs", n)
		}
	}
	for _, r := range s.Data.Rules {
		once("rules", r.ID)
	}
	for _, p := range s.Data.Products {
		for _, n := range p.Names {
			once("products", strings.ToLower(n))
		}
	}
	return s, problems
}

func readList[T any](name string, text []byte, into *[]*T, check func(*T) error) knowledge.Problems {
	var list []*T
	if err := knowledge.DecodeYAML(name, text, &list); err != nil {
		return knowledge.Problems{{File: name, Reason: err.Error()}}
	}
	var problems knowledge.Problems
	for i, v := range list {
		err := fmt.Errorf("empty entry")
		if v != nil {
			err = check(v)
		}
		if err != nil {
			problems = append(problems, knowledge.Problem{File: name, Line: knowledge.YAMLLine(text, fmt.Sprintf("$[%d]", i)), Reason: err.Error()})
		}
	}
	*into = append(*into, list...)
	return problems
}

func oneOf(what, s string, allowed ...string) error {
	for _, a := range allowed {
		if s == a {
			return nil
		}
	}
	return fmt.Errorf("%s: %q is not one of %s", what, s, strings.Join(allowed, ", "))
}

func compile(patterns ...string) error {
	for _, p := range patterns {
		if _, err := regexp.Compile(p); err != nil {
			return err
		}
	}
	return nil
}

func (p *Program) check() error {
	if len(p.Names) == 0 {
		return fmt.Errorf("program: is missing")
	}
	return oneOf("kind", p.Kind, "", "cli", "daemon", "library", "product", "desktop", "service", "windows", "macos", "none")
}

func (r *Rule) check() error {
	switch {
	case r.ID == "":
		return fmt.Errorf("rule: is missing")
	case r.Reason == "" || len(r.Sources) == 0:
		return fmt.Errorf("rule %s needs a reason and sources", r.ID)
	case r.Format == "" && r.Write == "" && len(r.Programs) == 0:
		return fmt.Errorf("rule %s needs one of programs, write, format", r.ID)
	case r.Format != "" && r.Line == "":
		return fmt.Errorf("rule %s needs a line", r.ID)
	}
	if err := compile(r.Operand, r.Text, r.Line, r.Unless, r.Block); err != nil {
		return fmt.Errorf("rule %s: %w", r.ID, err)
	}
	if err := oneOf("write", r.Write, "", ">", ">>", "any"); err != nil {
		return err
	}
	return oneOf("judgement", r.Judgement, "harmful", "broken", "unsupported")
}

func (p *Product) check() error {
	if len(p.Names) == 0 || len(p.Kinds) == 0 || p.Is == "" {
		return fmt.Errorf("a product needs product, kinds and is")
	}
	return nil
}

func (p *Place) check() error {
	if err := compile(p.Path); err != nil {
		return err
	}
	return oneOf("exists", p.Exists, "yes", "no", "debian-no")
}

func (n *Name) check() error {
	if len(n.Names) == 0 {
		return fmt.Errorf("names: is missing")
	}
	if err := oneOf("exists", n.Exists, "yes", "no", "repository", "other"); err != nil {
		return err
	}
	return oneOf("kind", n.Kind, "package", "unit", "api", "sysctl", "python")
}

func (f *Format) check() error {
	if f.Name == "" {
		return fmt.Errorf("format: is missing")
	}
	return compile(f.Paths...)
}

// Cited returns the ids of all sources that the set cites.
func (s *Set) Cited() []string {
	ids := map[string]bool{}
	add := func(list []string) {
		for _, ref := range list {
			id, _, _ := strings.Cut(ref, "#")
			ids[id] = true
		}
	}
	for _, p := range s.Data.Programs {
		add(p.Sources)
	}
	for _, r := range s.Data.Rules {
		add(r.Sources)
	}
	for _, p := range s.Data.Products {
		add(p.Sources)
	}
	for _, p := range s.Data.Places {
		add(p.Sources)
	}
	for _, n := range s.Data.Names {
		add(n.Sources)
	}
	for _, f := range s.Data.Formats {
		add(f.Sources)
	}
	var list []string
	for id := range ids {
		list = append(list, id)
	}
	sort.Strings(list)
	return list
}

// Compile packs a set into the file that Open reads.
func Compile(s *Set) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name string, method uint16, text []byte) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}
	text, err := json.Marshal(s.Data)
	if err == nil {
		err = put("data.json", zip.Deflate, text)
	}
	var names []string
	for name := range s.Made {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		method := zip.Deflate
		if strings.HasSuffix(name, ".gz") {
			method = zip.Store
		}
		if err == nil {
			err = put("made/"+name, method, s.Made[name])
		}
	}
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
}

// FalcoField reports whether Falco, or one of its plugins, has a field; sure is
// false for classes of which not all are known. An index or argument behind it
// (proc.aname[2]) is passed over.
func (c *Catalogue) FalcoField(name string) (exists, sure bool) {
	name, _, _ = strings.Cut(name, "[")
	name = strings.TrimRight(name, ".")
	set := c.Words("falco-fields.txt")
	if set[name] {
		return true, true
	}
	class, _, _ := strings.Cut(name, ".")
	switch class {
	case "process", "file", "network", "event", "host", "image", "pod", "syscall", "kernel", "memory", "mem", "cmd", "net": // classes that people make up
		return false, true
	case "proc", "thread", "user", "group", "container", "fd", "fdlist", "fs", "k8s":
		return strings.HasPrefix(name, "k8s.") && (strings.Contains(name, ".label") || strings.HasPrefix(name, "k8s.rc") || strings.HasPrefix(name, "k8s.rs") || strings.HasPrefix(name, "k8s.svc") || strings.HasPrefix(name, "k8s.deployment")), true
	case "evt":
		if strings.HasPrefix(name, "evt.arg") || strings.HasPrefix(name, "evt.rawarg") {
			return true, true
		}
		return false, true
	}
	return false, false
}
