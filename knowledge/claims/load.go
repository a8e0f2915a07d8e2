package claims

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge"
)

// entry is one entry of a file: a claim, names, words or headings.
type entry struct {
	Pattern  `yaml:",inline"`
	WordList string   `yaml:"words,omitempty"`
	Items    []string `yaml:"items,omitempty"`
	Tells    string   `yaml:"tells,omitempty"`
	Claimed  string   `yaml:"claimed,omitempty"`
	Headings []string `yaml:"advice_headings,omitempty"`

	Phrases []string `yaml:"phrases,omitempty"`
	Kinds   []string `yaml:"kinds,omitempty"`

	Names  []string `yaml:"names,omitempty"`
	Fields []string `yaml:"fields,omitempty"`
	Strict bool     `yaml:"strict,omitempty"`
	Behind bool     `yaml:"behind,omitempty"`
	Only   string   `yaml:"only,omitempty"`
	Cell   bool     `yaml:"cell,omitempty"`
}

// loader reads a folder and checks it against a base.
type loader struct {
	base     *knowledge.Base
	out      Claims
	words    map[string]string
	problems knowledge.Problems
	seen     map[string]string
	file     string
	text     []byte
}

// Read reads a folder of claims and checks it against what base knows. What is
// wrong is returned with file and line.
func Read(fsys fs.FS, base *knowledge.Base) (*Claims, knowledge.Problems) {
	l := &loader{base: base, words: map[string]string{}, seen: map[string]string{}}
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, knowledge.Problems{{File: ".", Reason: err.Error()}}
	}
	slices.Sort(names)
	type file struct {
		name    string
		text    []byte
		entries []*entry
	}
	var files []file
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			l.problems = append(l.problems, knowledge.Problem{File: name, Reason: err.Error()})
			continue
		}
		f := file{name: path.Base(name), text: text}
		if err := knowledge.DecodeYAML(f.name, text, &f.entries); err != nil {
			var p knowledge.Problem
			if !errors.As(err, &p) {
				p = knowledge.Problem{File: name, Reason: err.Error()}
			}
			l.problems = append(l.problems, p)
			continue
		}
		files = append(files, f)
	}
	for _, words := range []bool{true, false} {
		for _, f := range files {
			l.file, l.text = f.name, f.text
			for i, e := range f.entries {
				if e != nil && (e.WordList != "") == words {
					l.entry(e, "$["+strconv.Itoa(i)+"]")
				}
			}
		}
	}
	l.out.prepare(base)
	return &l.out, l.problems
}

func (l *loader) fail(at, format string, args ...any) {
	l.problems = append(l.problems, knowledge.Problem{File: l.file, Line: knowledge.YAMLLine(l.text, at), Reason: fmt.Sprintf(format, args...)})
}

func (l *loader) entry(e *entry, at string) {
	switch {
	case e.WordList != "":
		var items []string
		for _, item := range e.Items {
			items = append(items, l.expand(item, at))
		}
		l.words[e.WordList] = "(?:" + strings.Join(items, "|") + ")"
		l.expression(l.words[e.WordList], at)
		if l.out.Words == nil {
			l.out.Words = map[string][]string{}
		}
		l.out.Words[e.WordList] = items
	case e.Tells != "":
		l.expression(e.Claimed, at)
		l.out.Tells = append(l.out.Tells, &Tell{e.Tells, e.Claimed})
	case len(e.Headings) > 0:
		for _, h := range e.Headings {
			h = l.expand(h, at)
			l.expression(h, at)
			l.out.Advice = append(l.out.Advice, h)
		}
	case len(e.Names) > 0:
		l.name(e, at)
	case len(e.Phrases) > 0:
		for _, p := range e.Phrases {
			l.expression(p, at)
		}
		l.out.Kinds = append(l.out.Kinds, &Kind{e.Phrases, e.Kinds})
	case e.ID != "":
		l.pattern(&e.Pattern, at)
	default:
		l.fail(at, "an entry is one of: claim, names, words, phrases, tells, advice_headings")
	}
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

// expand puts the lists of words in their places.
func (l *loader) expand(expr, at string) string {
	return placeholder.ReplaceAllStringFunc(expr, func(m string) string {
		words, ok := l.words[m[1:len(m)-1]]
		if !ok {
			l.fail(at, "no words %s", m)
		}
		return words
	})
}

func (l *loader) expression(expr, at string) {
	if _, err := regexp.Compile(expr); err != nil {
		l.fail(at, "%v", err)
	}
}

func (l *loader) name(e *entry, at string) {
	n := &Name{Names: e.Names, Fields: e.Fields, Strict: e.Strict, Behind: e.Behind, Only: e.Only, Cell: e.Cell}
	for _, name := range n.Names {
		if name != strings.ToLower(name) {
			l.fail(at, "name %q is not in lower case", name)
		}
		if old, ok := l.seen["name "+name]; ok {
			l.fail(at, "name %q is already in %s", name, old)
		}
		l.seen["name "+name] = l.file
	}
	if len(n.Fields) == 0 {
		l.fail(at, "names without fields")
	}
	for _, f := range n.Fields {
		l.field(f, at)
	}
	l.expression(n.Only, at)
	l.out.Names = append(l.out.Names, n)
}

// ReportFields are names that conditions of claims may read beside the
// fields of the alert: what Tiercel thinks of the alert, and what it found in
// the report.
var ReportFields = []string{
	"verdict",            // attack, suspicious, test, benign, unknown
	"alerts",             // how many alerts the report is held against
	"report.commands",    // commands and configuration lines in it
	"report.faulty",      // how many of them of 100 are broken or harmful
	"rule.maturity",      // of the profile
	"rule.success",       // implied, stated, open
	"rule.techniques",    // ATT&CK ids of tags and profile
	"rule.is_memory",     // the rule is about programs that run from memory
	"rule.is_network",    // the alert tells of a connection
	"alert.in_container", // true, false
	"alert.maturity",     // of the rule, from its tags
	"report.code",        // all code blocks of the report
}

func (l *loader) field(name, at string) {
	if slices.Contains(ReportFields, name) || l.base == nil {
		return
	}
	if l.base.Field(name) == nil {
		l.fail(at, "unknown field %s", name)
	}
}

func (l *loader) pattern(p *Pattern, at string) {
	if old, ok := l.seen[p.ID]; ok {
		l.fail(at, "claim %q is already in %s", p.ID, old)
	}
	l.seen[p.ID] = l.file
	if len(p.Match)+len(p.All) == 0 {
		l.fail(at, "claim without match")
	}
	for i := range p.Match {
		p.Match[i] = l.expand(p.Match[i], at)
		l.expression(p.Match[i], at)
		p.Needs = append(p.Needs, literals(p.Match[i]))
	}
	var all [][]string
	for i := range p.All {
		p.All[i] = l.expand(p.All[i], at)
		l.expression(p.All[i], at)
		all = append(all, literals(p.All[i])...)
	}
	if len(p.All) > 0 {
		p.Needs = append(p.Needs, all)
	}
	for i := range p.Unless {
		p.Unless[i] = l.expand(p.Unless[i], at)
		l.expression(p.Unless[i], at)
	}
	for _, f := range p.Of {
		l.field(f, at)
	}
	if !slices.Contains([]string{"", "advice", "account", "heading", "meaning"}, p.In) {
		l.fail(at, "in: %q is none of advice, account, heading, meaning", p.In)
	}
	if !slices.Contains([]string{"", string(finding.Fact), string(finding.Identity), string(finding.Inference)}, p.Kind) {
		l.fail(at, "kind: %q is none of fact, identity, inference", p.Kind)
	}
	if len(p.Cases) > 0 && p.Judge != "" {
		l.fail(at, "either cases or judge")
	}
	for i, c := range p.Every() {
		l.judged(&c, at, i)
	}
	l.out.Patterns = append(l.out.Patterns, p)
}

func (l *loader) judged(c *Case, at string, i int) {
	j := finding.Judgement(c.Judge)
	if j.Rank() < 0 || j == finding.Broken {
		l.fail(at, "judge: %q is none of supported, unchecked, unsupported, contradicted, harmful", c.Judge)
	}
	if c.Because == "" {
		l.fail(at, "case %d without because", i+1)
	}
	t, err := knowledge.ParseTemplate(c.Because)
	if err != nil {
		l.fail(at, "%v", err)
	}
	for _, name := range t.Fields() {
		l.field(name, at)
	}
	read := len(t.Fields())
	if c.When != "" {
		cond, err := condition.Parse(c.When, l.definitions())
		if err != nil {
			l.fail(at, "%v", err)
		} else {
			read += len(cond.Fields())
			for _, name := range cond.Fields() {
				l.field(name, at)
			}
		}
	}
	if read == 0 && len(c.Sources) == 0 {
		l.fail(at, "no evidence: a reason without {field} and when: needs sources:")
	}
	for _, ref := range c.Sources {
		if l.base != nil && l.base.Source(ref) == nil {
			l.fail(at, "source %q is not listed in sources/", ref)
		}
	}
}

func (l *loader) definitions() *condition.Definitions {
	if l.base == nil {
		return nil
	}
	return l.base.Definitions()
}

// Compile turns checked claims into the bytes that Open reads.
func Compile(c *Claims) ([]byte, error) { return json.MarshalIndent(c, "", " ") }
