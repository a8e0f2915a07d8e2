package knowledge

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/shell"
)

// Lint checks a set against itself and, when base is not nil, against what the
// base already knows. Each problem names file and line.
func (s *Set) Lint(base *Base) Problems {
	l := &linter{set: s, base: base}
	l.prepare()
	for _, p := range s.Profiles {
		l.profile(p)
	}
	for _, c := range s.Controls {
		l.control(c)
	}
	for _, f := range s.Fields {
		l.field(f)
	}
	for _, x := range s.Signs {
		l.sign(x)
	}
	for _, x := range s.Techniques {
		l.technique(x)
	}
	for _, x := range s.Sources {
		if x.Title == "" || !strings.HasPrefix(x.URL, "http") && !strings.HasPrefix(x.URL, "docs/") {
			l.fail(x, "", "source %q needs a title and a url (http… or docs/…)", x.ID)
		}
	}
	slices.SortFunc(l.problems, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return l.problems
}

type linter struct {
	set  *Set
	base *Base
	defs *condition.Definitions

	fields     map[string]*FieldInfo
	techniques map[string]bool
	sources    map[string]bool
	controls   map[string]bool
	problems   Problems
}

// fail records a problem of entry x, at a path below it (".saw[0].say").
func (l *linter) fail(x any, below, format string, args ...any) {
	at := l.set.places[x]
	p := Problem{Reason: fmt.Sprintf(format, args...)}
	if at.doc != nil {
		p.File, p.Line = at.doc.name, at.doc.line(at.path+below)
	}
	l.problems = append(l.problems, p)
}

func (l *linter) prepare() {
	l.defs = &condition.Definitions{Lists: map[string][]string{}, Macros: map[string]string{}}
	l.fields, l.techniques = map[string]*FieldInfo{}, map[string]bool{}
	l.sources, l.controls = map[string]bool{}, map[string]bool{}
	if l.base != nil {
		for name, items := range l.base.defs.Lists {
			l.defs.Lists[name] = items
		}
		for name, text := range l.base.defs.Macros {
			l.defs.Macros[name] = text
		}
		for name, f := range l.base.fields {
			l.fields[name] = f
		}
		for id := range l.base.techniques {
			l.techniques[id] = true
		}
		for id := range l.base.sources {
			l.sources[id] = true
		}
	}
	for name, items := range l.set.Lists {
		l.defs.Lists[name] = items
	}
	for name, text := range l.set.Macros {
		l.defs.Macros[name] = text
	}
	own := map[string]bool{}
	once := func(x any, kind, id string) {
		if id == "" {
			l.fail(x, "", "%s without a name", kind)
		} else if own[kind+id] {
			l.fail(x, "", "%s %q is there twice", kind, id)
		}
		own[kind+id] = true
	}
	for _, f := range l.set.Fields {
		once(f, "field", f.Field)
		l.fields[f.Field] = f
	}
	for _, x := range l.set.Techniques {
		once(x, "technique", x.ID)
		l.techniques[x.ID] = true
	}
	for _, x := range l.set.Sources {
		once(x, "source", x.ID)
		l.sources[x.ID] = true
	}
	for _, x := range l.set.Signs {
		once(x, "sign", x.ID)
	}
	for id := range l.set.Controls {
		l.controls[id] = true
	}
}

func (l *linter) knownField(name string) *FieldInfo {
	if f, ok := l.fields[name]; ok {
		return f
	}
	plain, _, indexed := strings.Cut(name, "[")
	if indexed {
		return l.fields[plain]
	}
	return nil
}

// sentence checks a text, its condition and that it has evidence.
func (l *linter) sentence(x any, at, say, when string, sources []string) {
	if say == "" {
		l.fail(x, at, "say: is missing")
	}
	t := l.template(x, at+".say", say)
	c := l.condition(x, at+".when", when)
	l.cited(x, at+".sources", sources)
	if len(t.Fields()) == 0 && len(sources) == 0 && (c == nil || len(c.Fields()) == 0) {
		l.fail(x, at, "no evidence: a sentence without {field} and when: needs sources:")
	}
}

func (l *linter) template(x any, at, text string) Template {
	t, err := ParseTemplate(text)
	if err != nil {
		l.fail(x, at, "%v", err)
	}
	for _, name := range t.Fields() {
		if l.knownField(name) == nil && name != "value" {
			l.fail(x, at, "unknown field {%s}", name)
		}
	}
	return t
}

func (l *linter) condition(x any, at, text string) *condition.Condition {
	if text == "" {
		return nil
	}
	c, err := condition.Parse(text, l.defs)
	if err != nil {
		l.fail(x, at, "%v", err)
		return nil
	}
	for _, name := range c.Fields() {
		if l.knownField(name) == nil {
			l.fail(x, at, "unknown field %s", name)
		}
	}
	return c
}

func (l *linter) cited(x any, at string, sources []string) {
	for _, ref := range sources {
		id, _, _ := strings.Cut(ref, "#")
		if !l.sources[id] {
			l.fail(x, at, "source %q is not listed in sources/", id)
		}
	}
}

func (l *linter) techniqueID(x any, at, id string) {
	if id != "" && !l.techniques[id] {
		l.fail(x, at, "ATT&CK id %q is not listed in attack/", id)
	}
}

func (l *linter) sentences(x any, at string, list []Sentence) {
	for i, s := range list {
		here := fmt.Sprintf("%s[%d]", at, i)
		l.sentence(x, here, s.Say, s.When, s.Sources)
		l.techniqueID(x, here+".attack", s.Attack)
	}
}

func (l *linter) oneOf(x any, at, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		l.fail(x, at, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

func (l *linter) profile(p *Profile) {
	if name := l.set.places[p].doc.name; path.Base(name) != Slug(p.Rule)+".yaml" {
		l.fail(p, "", "the file of rule %q must be called %s.yaml", p.Rule, Slug(p.Rule))
	}
	l.oneOf(p, ".status", p.Status, "reviewed", "draft")
	l.oneOf(p, ".maturity", p.Maturity, maturities...)
	l.oneOf(p, ".success", p.Success, "implied", "stated", "open")
	l.oneOf(p, ".priority", p.Priority, "Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug")
	if p.Base < 0 || p.Base > 10 {
		l.fail(p, ".base", "base is 0 to 10, not %d", p.Base)
	}
	if p.Headline == "" || len(p.Saw) == 0 || len(p.Means) == 0 || len(p.Misuse) == 0 || len(p.Ordinary) == 0 || len(p.Look) == 0 {
		l.fail(p, "", "headline, saw, means, misuse, ordinary and look must all be there")
	}
	l.template(p, ".headline", p.Headline)
	for i, a := range p.Attack {
		l.techniqueID(p, fmt.Sprintf(".attack[%d]", i), a.ID)
	}
	l.sentences(p, ".saw", p.Saw)
	l.sentences(p, ".means", p.Means)
	l.sentences(p, ".misuse", p.Misuse)
	l.sentences(p, ".ordinary", p.Ordinary)
	l.sentences(p, ".limits", p.Limits)
	for i, q := range p.Unknown {
		at := fmt.Sprintf(".unknown[%d]", i)
		l.sentence(p, at, q.Question, q.When, q.Sources)
		l.template(p, at+".ask", q.Ask)
		if q.Field != "" && l.knownField(q.Field) == nil {
			l.fail(p, at+".field", "unknown field %s", q.Field)
		}
	}
	l.actions(p, ".look", p.Look)
	for i, id := range p.Controls {
		if !l.controls[id] && (l.base == nil || l.base.Control(id) == nil) {
			l.fail(p, fmt.Sprintf(".controls[%d]", i), "there is no control %q", id)
		}
	}
	if g := p.EventGenerator; g != nil {
		if c := l.condition(p, ".event_generator.when", g.When); c == nil {
			l.fail(p, ".event_generator", "when: is missing or wrong")
		}
	}
	l.cited(p, ".sources", p.Sources)
}

func (l *linter) actions(x any, at string, list []Action) {
	for i := range list {
		a, here := &list[i], fmt.Sprintf("%s[%d]", at, i)
		l.template(x, here+".say", a.Say)
		l.template(x, here+".expect", a.Expect)
		l.condition(x, here+".when", a.When)
		l.cited(x, here+".sources", a.Sources)
		forms := 0
		for _, is := range []bool{len(a.Run) > 0, len(a.Pipe) > 0, a.File != nil, a.Remove != ""} {
			if is {
				forms++
			}
		}
		if forms != 1 {
			l.fail(x, here, "needs one of run, pipe, file, remove")
		}
		for _, argv := range a.Argvs() {
			l.command(x, here, argv)
		}
		if a.File != nil && (!strings.HasPrefix(a.File.Path, "/") || a.File.Content == "" || a.File.Syntax == "") {
			l.fail(x, here+".file", "needs an absolute path, a syntax and a content")
		}
		if a.Remove != "" && !strings.HasPrefix(a.Remove, "/") {
			l.fail(x, here+".remove", "needs an absolute path")
		}
	}
}

// command checks that argv comes out as shell, that its placeholders have a
// shape, and that none stands inside a script for sh -c.
func (l *linter) command(x any, at string, argv []string) {
	plain := make([]string, len(argv))
	for i, arg := range argv {
		t := l.template(x, at, arg)
		for _, part := range t {
			plain[i] += part.Text
			if part.Field == "" || part.Timed {
				continue
			}
			if f := l.knownField(part.Field); f != nil && f.Shape == "" && part.Field != "time" {
				l.fail(x, at, "{%s} has no shape in fields/, so it cannot stand in a command", part.Field)
			}
			plain[i] += "VALUE"
		}
		if script := i >= 2 && argv[i-1] == "-c" && isShell(argv[i-2]); script {
			if len(t.Fields()) > 0 {
				l.fail(x, at, "a {field} inside a script for %s -c: pass it as an argument and use \"$1\"", argv[i-2])
			}
			if err := shell.Check(plain[i], path.Base(argv[i-2]) == "bash"); err != nil {
				l.fail(x, at, "not a shell script: %v", err)
			}
		}
	}
	text, err := shell.Join(plain)
	if err == nil {
		err = shell.Check(text, false)
	}
	if err != nil {
		l.fail(x, at, "not a shell command: %v", err)
	}
}

func isShell(name string) bool {
	switch path.Base(name) {
	case "sh", "bash", "dash", "ash":
		return true
	}
	return false
}

func (l *linter) control(c *Control) {
	if name := l.set.places[c].doc.name; path.Base(name) != c.ID+".yaml" {
		l.fail(c, "", "the file of control %q must be called %s.yaml", c.ID, c.ID)
	}
	l.oneOf(c, ".goal", c.Goal, "contain", "collect", "prevent", "detect")
	l.oneOf(c, ".scope", c.Scope, "host", "container", "kubernetes")
	if c.Title == "" || len(c.Say) == 0 || len(c.Effects) == 0 || len(c.Steps) == 0 || c.Verified == "" {
		l.fail(c, "", "title, say, effects, steps and verified must all be there")
	}
	if !c.ReadOnly && len(c.Undo) == 0 {
		l.fail(c, "", "no undo, and not read_only")
	}
	l.condition(c, ".when", c.When)
	for _, list := range []struct {
		at string
		of []Sentence
	}{{".say", c.Say}, {".effects", c.Effects}, {".gaps", c.Gaps}} {
		for i, s := range list.of {
			at := fmt.Sprintf("%s[%d]", list.at, i)
			l.sentence(c, at, s.Say, s.When, append(slices.Clone(c.Sources), s.Sources...))
		}
	}
	for i, n := range c.Needs {
		at := fmt.Sprintf(".needs[%d]", i)
		l.sentence(c, at, n.Say, "", append(slices.Clone(c.Sources), n.Sources...))
		if len(n.Check) > 0 {
			l.command(c, at+".check", n.Check)
		}
		if n.Kernel != "" && !kernelNeed.MatchString(n.Kernel) {
			l.fail(c, at+".kernel", "%q is not of the form \">= 6.3\"", n.Kernel)
		}
	}
	l.actions(c, ".steps", c.Steps)
	l.actions(c, ".check", c.Check)
	l.actions(c, ".undo", c.Undo)
	for i, id := range c.Stops.Techniques {
		l.techniqueID(c, fmt.Sprintf(".stops.techniques[%d]", i), id)
	}
	l.cited(c, ".sources", c.Sources)
}

var kernelNeed = regexp.MustCompile(`^(>=|<=|>|<) [0-9]+\.[0-9]+$`)

func (l *linter) field(f *FieldInfo) {
	if f.Means == "" || f.Type == "" {
		l.fail(f, "", "field %q needs type and means", f.Field)
	}
	if f.Shape != "" {
		if _, err := regexp.Compile(f.Shape); err != nil {
			l.fail(f, ".shape", "%v", err)
		} else if !strings.HasPrefix(f.Shape, "^") || !strings.HasSuffix(f.Shape, "$") {
			l.fail(f, ".shape", "a shape must match from ^ to $")
		}
	}
	if f.Decode != "" && !slices.Contains(Decoders, f.Decode) {
		l.fail(f, ".decode", "%q is not one of %s", f.Decode, strings.Join(Decoders, ", "))
	}
	for i, r := range f.Read {
		at := fmt.Sprintf(".read[%d]", i)
		if r.When == "" {
			l.fail(f, at, "when: is missing")
		}
		l.sentence(f, at, r.Say, r.When, r.Sources)
	}
	if len(f.Sources) == 0 {
		l.fail(f, "", "field %q cites no source", f.Field)
	}
	l.cited(f, ".sources", f.Sources)
}

// Decoders are the names that a field's decode: may have; package analysis
// has a function for each.
var Decoders = []string{"tty", "loginuid", "ns-epoch", "duration-ns", "exe-flags", "fd", "container-id", "port"}

func (l *linter) sign(x *Sign) {
	l.oneOf(x, ".towards", x.Towards, "attack", "test", "benign")
	if x.Weight < 1 || x.Weight > 10 {
		l.fail(x, ".weight", "weight is 1 to 10, not %d", x.Weight)
	}
	if x.Group == "" || x.When == "" {
		l.fail(x, "", "a sign needs group and when")
	}
	l.sentence(x, "", x.Say, x.When, x.Sources)
	c := l.condition(x, ".when", x.When)
	if c == nil {
		return
	}
	for _, name := range c.Fields() {
		if f := l.knownField(name); f != nil && f.Volatile {
			l.fail(x, ".when", "%s differs between alerts of one kind, so a sign may not read it", name)
		}
	}
}

var (
	techniqueID = regexp.MustCompile(`^(T[0-9]{4}(\.[0-9]{3})?|TA[0-9]{4})$`)
	tacticSlug  = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
)

func (l *linter) technique(x *Technique) {
	if !techniqueID.MatchString(x.ID) || x.Name == "" {
		l.fail(x, "", "%q is not an ATT&CK id with a name", x.ID)
	}
	for _, slug := range x.Tactics {
		if !tacticSlug.MatchString(slug) {
			l.fail(x, ".tactics", "%q is not a tactic's slug", slug)
		}
	}
}
