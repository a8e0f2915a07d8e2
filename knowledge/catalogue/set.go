package catalogue

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strings"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge"
)

// Set is a folder of catalogue files, read.
type Set struct {
	Data Data
	Made map[string][]byte
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
		case "purposes":
			problems = append(problems, readList(name, text, &s.Data.Purposes, (*Purpose).check)...)
		case "alerts":
			problems = append(problems, readList(name, text, &s.Data.Macros, (*Macro).check)...)
		case "places":
			problems = append(problems, readList(name, text, &s.Data.Places, (*Place).check)...)
		case "names":
			problems = append(problems, readList(name, text, &s.Data.Names, (*Name).check)...)
		case "formats":
			problems = append(problems, readList(name, text, &s.Data.Formats, (*Format).check)...)
		default:
			fail(name, fmt.Errorf("not one of programs, rules, purposes, alerts, products, places, names, formats, made"))
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
	for _, m := range s.Data.Macros {
		once("alerts", m.Name)
	}
	for _, p := range s.Data.Purposes {
		once("purposes", p.ID)
		if err := s.Data.parses(p.For); err != nil {
			fail("purposes", fmt.Errorf("purpose %s: %w", p.ID, err))
		}
	}
	for _, r := range s.Data.Rules {
		if err := s.Data.parses(r.When); err != nil {
			fail("rules", fmt.Errorf("rule %s: %w", r.ID, err))
		}
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
		if v != nil {
			*into = append(*into, v)
		}
	}
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

// parses reports what is wrong with a condition over alerts.
func (d *Data) parses(text string) error {
	if text == "" {
		return nil
	}
	_, err := condition.Parse(text, d.definitions())
	return err
}

func (m *Macro) check() error {
	if m.Name == "" || m.When == "" {
		return fmt.Errorf("an alert needs macro and when")
	}
	return nil
}

func (p *Purpose) check() error {
	switch {
	case p.ID == "":
		return fmt.Errorf("purpose: is missing")
	case len(p.Commands) == 0 && p.Write == "" && p.Format == "":
		return fmt.Errorf("purpose %s needs one of commands, write, format", p.ID)
	case !p.Reads && (p.Does == "" || len(p.Sources) == 0):
		return fmt.Errorf("purpose %s needs does and sources, or reads", p.ID)
	case p.Judgement != "" && p.Not == "":
		return fmt.Errorf("purpose %s has a judgement and does not say why", p.ID)
	}
	if err := compile(p.Text, p.Unless, p.Write, p.Line, p.After); err != nil {
		return fmt.Errorf("purpose %s: %w", p.ID, err)
	}
	if err := oneOf("judgement", p.Judgement, "", "unsupported", "broken", "harmful"); err != nil {
		return err
	}
	return oneOf("layer", p.Layer, "", "host", "container", "pod-network", "kubernetes", "cloud", "package", "log", "kernel")
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
	return oneOf("kind", n.Kind, "package", "unit", "api", "sysctl", "python", "plain")
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
	for _, p := range s.Data.Purposes {
		add(p.Sources)
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
