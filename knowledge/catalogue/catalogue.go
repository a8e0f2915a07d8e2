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
	"regexp"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/condition"
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
	// Extensions are subcommands of other makers, whose options are not known.
	Extensions []string `yaml:"extensions,omitempty" json:"extensions,omitempty"`
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
	// When is a condition that the alert has to meet.
	When string `yaml:"when,omitempty" json:"when,omitempty"`

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

// Name is a package or unit that is known although Debian has none of that name;
// or, of kind plain, a program whose name with any word behind it is a command and
// no phrase of a sentence.
type Name struct {
	Names   []string `yaml:"names" json:"names"`
	Kind    string   `yaml:"kind" json:"kind"` // package, unit, api, sysctl, python, plain
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

// Purpose is what a command, or a line of configuration, is good for.
type Purpose struct {
	ID string `yaml:"purpose" json:"purpose"`
	// Commands are names of programs, with their subcommands if only those are
	// meant: "kubectl get". Text and Unless match the command in plain words.
	Commands []string `yaml:"commands,omitempty" json:"commands,omitempty"`
	Text     string   `yaml:"text,omitempty" json:"text,omitempty"`
	Unless   string   `yaml:"unless,omitempty" json:"unless,omitempty"`
	// Write matches the path of a file that is written; Format and Line match a
	// line of configuration.
	Write  string `yaml:"write,omitempty" json:"write,omitempty"`
	Format string `yaml:"format,omitempty" json:"format,omitempty"`
	Line   string `yaml:"line,omitempty" json:"line,omitempty"`
	// Reads: it changes nothing.
	Reads bool   `yaml:"reads,omitempty" json:"reads,omitempty"`
	Does  string `yaml:"does,omitempty" json:"does,omitempty"` // "holds the process"
	// Layer is where it acts: host, container, pod-network, kubernetes, cloud,
	// package, log, kernel.
	Layer string `yaml:"layer,omitempty" json:"layer,omitempty"`
	// For is a condition over the alert that it answers; empty is any.
	For string `yaml:"for,omitempty" json:"for,omitempty"`
	// Not is said of an alert that it does not answer, and Judgement of the
	// command then: unsupported if nothing is given.
	Not       string   `yaml:"not,omitempty" json:"not,omitempty"`
	Judgement string   `yaml:"judgement,omitempty" json:"judgement,omitempty"`
	After     string   `yaml:"after,omitempty" json:"after,omitempty"`       // the report has this before it
	Needs     string   `yaml:"needs,omitempty" json:"needs,omitempty"`       // what has to be there
	Persists  string   `yaml:"persists,omitempty" json:"persists,omitempty"` // how long it holds: "until the next boot"
	Undo      string   `yaml:"undo,omitempty" json:"undo,omitempty"`         // the command that takes it back
	Sources   []string `yaml:"sources,omitempty" json:"sources,omitempty"`

	text, unless, write, line, after expression
}

// Follows reports whether a report, up to the command, has what has to come first.
func (p *Purpose) Follows(before string) bool { return p.after.match(p.After, before) }

// Matches reports whether a command in plain words, without sudo, is meant.
func (p *Purpose) Matches(plain string) bool {
	if p.Unless != "" && p.unless.match(p.Unless, plain) || p.Text != "" && !p.text.match(p.Text, plain) {
		return false
	}
	given := strings.Fields(plain)
	for _, c := range p.Commands {
		if inOrder(strings.Fields(c), given) {
			return true
		}
	}
	return false
}

// subcommandsWithin is how many words, options and their values included, may
// stand before a subcommand.
const subcommandsWithin = 8

func inOrder(want, given []string) bool {
	if len(given) == 0 || len(want) == 0 || want[0] != given[0] {
		return false
	}
	i := 1
	for _, w := range given[1:min(len(given), subcommandsWithin)] {
		if i < len(want) && w == want[i] {
			i++
		}
	}
	return i == len(want)
}

// Writes reports whether it is about writing to a file.
func (p *Purpose) Writes(file string) bool { return p.Write != "" && p.write.match(p.Write, file) }

// MatchLine reports whether it is about a line of configuration.
func (p *Purpose) MatchLine(line string) bool { return p.Line == "" || p.line.match(p.Line, line) }

// Macro is a condition over alerts with a name.
type Macro struct {
	Name string `yaml:"macro" json:"macro"`
	When string `yaml:"when" json:"when"`
}

// Data is what people wrote.
type Data struct {
	Purposes []*Purpose `json:"purposes"`
	Macros   []*Macro   `json:"macros"`
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
	byRule   map[string][]*Rule    // by program; "" are those for files
	purposes map[string][]*Purpose // by program; "" are those for files, "format NAME" those for lines
	whens    sync.Map              // of *condition.Condition by text

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
	c.purposes = map[string][]*Purpose{}
	for _, p := range c.Purposes {
		switch {
		case p.Format != "":
			c.purposes["format "+p.Format] = append(c.purposes["format "+p.Format], p)
		case p.Write != "":
			c.purposes[""] = append(c.purposes[""], p)
		}
		for _, command := range p.Commands {
			name, _, _ := strings.Cut(command, " ")
			if list := c.purposes[name]; len(list) == 0 || list[len(list)-1] != p {
				c.purposes[name] = append(list, p)
			}
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

// PurposesOf returns what the commands of a program are good for.
func (c *Catalogue) PurposesOf(program string) []*Purpose { return c.purposes[program] }

// PurposesIn returns what lines of a format are good for.
func (c *Catalogue) PurposesIn(format string) []*Purpose { return c.purposes["format "+format] }

// PurposesOfFiles returns what writing to files is good for.
func (c *Catalogue) PurposesOfFiles() []*Purpose { return c.purposes[""] }

// Truth evaluates a condition of the catalogue over an alert.
func (c *Catalogue) Truth(text string, v condition.Values) condition.Truth {
	if text == "" {
		return condition.True
	}
	if parsed, ok := c.whens.Load(text); ok {
		return parsed.(*condition.Condition).Truth(v)
	}
	parsed, err := condition.Parse(text, c.definitions())
	if err != nil {
		return condition.Unknown // was checked when the catalogue was made
	}
	c.whens.Store(text, parsed)
	return parsed.Truth(v)
}

func (d *Data) definitions() *condition.Definitions {
	defs := &condition.Definitions{Macros: map[string]string{}}
	for _, m := range d.Macros {
		defs.Macros[m.Name] = m.When
	}
	return defs
}

// RulesIn returns the rules about lines of a format.
func (c *Catalogue) RulesIn(format string) []*Rule { return c.byRule["format "+format] }
