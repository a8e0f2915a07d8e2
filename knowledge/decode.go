package knowledge

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Problem is something wrong in a knowledge file.
type Problem struct {
	File   string
	Line   int // 0 when it concerns the whole file
	Reason string
}

func (p Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Reason
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason)
}

// Problems is one or more of them, as an error.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// signEntry is one entry of a signs file: a sign, a list or a macro.
type signEntry struct {
	Sign      `yaml:",inline"`
	List      string   `yaml:"list,omitempty"`
	Items     []string `yaml:"items,omitempty"`
	Macro     string   `yaml:"macro,omitempty"`
	Condition string   `yaml:"condition,omitempty"`
}

// Set is a folder of knowledge files, read but not yet checked against others.
type Set struct {
	Profiles   map[string]*Profile
	Controls   map[string]*Control
	Fields     []*FieldInfo
	Signs      []*Sign
	Lists      map[string][]string
	Macros     map[string]string
	Techniques []*Technique
	Sources    []*Source

	places map[any]place // where an entry stands, for Lint
}

type place struct {
	doc  *document
	path string
}

// ReadSet reads a folder with the layout of data/. What cannot be read is a
// problem; the rest is returned all the same.
func ReadSet(fsys fs.FS) (*Set, Problems) {
	s := &Set{Profiles: map[string]*Profile{}, Controls: map[string]*Control{},
		Lists: map[string][]string{}, Macros: map[string]string{}, places: map[any]place{}}
	var problems Problems
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() && (path.Ext(name) == ".yaml" || path.Ext(name) == ".yml") {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return s, Problems{{File: ".", Reason: err.Error()}}
	}
	sort.Strings(names)
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			problems = append(problems, Problem{File: name, Reason: err.Error()})
			continue
		}
		problems = append(problems, s.read(name, text)...)
	}
	return s, problems
}

// read adds one file to the set; the first folder of its name says what it is.
func (s *Set) read(name string, text []byte) Problems {
	file, err := parseYAML(name, text)
	if err != nil {
		return Problems{*err}
	}
	doc := &document{name: name, ast: file}
	folder, _, _ := strings.Cut(name, "/")
	switch folder {
	case "claims", "catalogue":
		return nil // packages knowledge/claims and knowledge/catalogue read these
	case "rules":
		return readOne(doc, text, func(p *Profile) Problems { return add(s, doc, s.Profiles, p.Rule, p, "rule") })
	case "controls":
		return readOne(doc, text, func(c *Control) Problems { return add(s, doc, s.Controls, c.ID, c, "control") })
	case "fields":
		return readList(s, doc, text, func(f *FieldInfo, _ string) Problems { s.Fields = append(s.Fields, f); return nil })
	case "attack":
		return readList(s, doc, text, func(t *Technique, _ string) Problems { s.Techniques = append(s.Techniques, t); return nil })
	case "sources":
		return readList(s, doc, text, func(x *Source, _ string) Problems { s.Sources = append(s.Sources, x); return nil })
	case "signs":
		return readList(s, doc, text, func(e *signEntry, at string) Problems { return s.addSign(doc, e, at) })
	}
	return Problems{{File: name, Reason: "not in one of the folders rules, controls, fields, attack, sources, signs, claims, catalogue"}}
}

func (s *Set) addSign(doc *document, e *signEntry, at string) Problems {
	switch {
	case e.List != "" && e.Macro == "" && e.ID == "":
		s.Lists[e.List] = e.Items
	case e.Macro != "" && e.List == "" && e.ID == "":
		s.Macros[e.Macro] = e.Condition
	case e.ID != "" && e.List == "" && e.Macro == "":
		sign := e.Sign
		s.Signs = append(s.Signs, &sign)
		s.places[&sign] = place{doc, at}
	default:
		return Problems{{File: doc.name, Line: doc.line(at), Reason: "an entry is one of: sign, list, macro"}}
	}
	return nil
}

func add[T any](s *Set, doc *document, into map[string]*T, name string, v *T, what string) Problems {
	if name == "" {
		return Problems{{File: doc.name, Line: 1, Reason: what + ": is missing"}}
	}
	if old, ok := into[name]; ok {
		return Problems{{File: doc.name, Line: 1, Reason: fmt.Sprintf("%s %q is already in %s", what, name, s.places[old].doc.name)}}
	}
	into[name] = v
	s.places[v] = place{doc, "$"}
	return nil
}

func readOne[T any](doc *document, text []byte, use func(*T) Problems) Problems {
	v := new(T)
	if err := decodeYAML(doc.name, text, v); err != nil {
		return Problems{*err}
	}
	return use(v)
}

func readList[T any](s *Set, doc *document, text []byte, use func(v *T, at string) Problems) Problems {
	var list []*T
	if err := decodeYAML(doc.name, text, &list); err != nil {
		return Problems{*err}
	}
	var problems Problems
	for i, v := range list {
		at := "$[" + strconv.Itoa(i) + "]"
		if v == nil {
			problems = append(problems, Problem{doc.name, doc.line(at), "empty entry"})
			continue
		}
		s.places[v] = place{doc, at}
		problems = append(problems, use(v, at)...)
	}
	return problems
}

// Sentences is one sentence or several: "text", {say: …} or a list of them.
type Sentences []Sentence

// UnmarshalYAML reads the short forms too.
func (ss *Sentences) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		*ss = Sentences{{Say: text}}
		return nil
	}
	var one Sentence
	if unmarshal(&one) == nil {
		*ss = Sentences{one}
		return nil
	}
	var many []Sentences1
	if err := unmarshal(&many); err != nil {
		return err
	}
	for _, s := range many {
		*ss = append(*ss, Sentence(s))
	}
	return nil
}

// Sentences1 is an element of Sentences: "text" or {say: …}.
type Sentences1 Sentence

// UnmarshalYAML reads the short form too.
func (s *Sentences1) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		*s = Sentences1{Say: text}
		return nil
	}
	return unmarshal((*Sentence)(s))
}

// lazyRegexp compiles its expression when it is first needed.
type lazyRegexp struct {
	once sync.Once
	text string
	re   *regexp.Regexp
}

func (l *lazyRegexp) match(s string) bool {
	l.once.Do(func() { l.re = regexp.MustCompile(l.text) })
	return l.re.MatchString(s)
}
