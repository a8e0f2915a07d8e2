package knowledge

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"sort"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/condition"
)

// Base is everything that is known, ready to use by several goroutines.
// Profiles and controls are read when they are first needed, so that a start
// costs only what the alert at hand needs.
type Base struct {
	defs       *condition.Definitions
	signs      []*Sign
	fields     map[string]*FieldInfo
	volatile   map[string]bool
	target     map[string]bool
	textKeys   map[string]string
	techniques map[string]*Technique
	sources    map[string]*Source
	index      []RuleInfo
	controlIDs []string
	byRule     map[string]int // into index

	mu       sync.Mutex
	files    *zip.Reader
	profiles map[string]*Profile
	controls map[string]*Control
}

// RuleInfo is a line of the index of profiles.
type RuleInfo struct {
	Rule     string `json:"rule"`
	Maturity string `json:"maturity"`
	Status   string `json:"status"`
	Message  string `json:"message"`
	File     string `json:"file"`
}

// tables is what every run needs, in one file of compiled.zip.
type tables struct {
	Index      []RuleInfo
	Controls   []string
	Fields     []*FieldInfo
	Signs      []*Sign
	Lists      map[string][]string
	Macros     map[string]string
	Techniques []*Technique
	Sources    []*Source
}

// Open reads a compiled base (see Compile).
func Open(compiled []byte) (*Base, error) {
	files, err := zip.NewReader(bytes.NewReader(compiled), int64(len(compiled)))
	if err != nil {
		return nil, fmt.Errorf("compiled knowledge: %w", err)
	}
	b := &Base{files: files, profiles: map[string]*Profile{}, controls: map[string]*Control{}}
	var t tables
	if err := b.readJSON("tables.json", &t); err != nil {
		return nil, err
	}
	if err := b.use(&t); err != nil {
		return nil, err
	}
	return b, nil
}

// use makes t the base's tables.
func (b *Base) use(t *tables) error {
	b.defs = &condition.Definitions{Lists: t.Lists, Macros: t.Macros}
	b.signs, b.index, b.controlIDs = t.Signs, t.Index, t.Controls
	b.byRule = make(map[string]int, len(t.Index))
	for i, r := range t.Index {
		b.byRule[r.Rule] = i
	}
	b.fields = make(map[string]*FieldInfo, len(t.Fields))
	b.volatile, b.target, b.textKeys = map[string]bool{}, map[string]bool{}, map[string]string{}
	b.techniques = make(map[string]*Technique, len(t.Techniques))
	b.sources = make(map[string]*Source, len(t.Sources))
	var failed error
	bind := binder{defs: b.defs, fail: func(path string, err error) { failed = fmt.Errorf("compiled knowledge: %s: %w", path, err) }}
	for _, f := range t.Fields {
		b.fields[f.Field] = f
		if f.Volatile {
			b.volatile[f.Field] = true
		}
		if f.Target {
			b.target[f.Field] = true
		}
		for _, key := range f.Text {
			b.textKeys[key] = f.Field
		}
		if f.Shape != "" {
			f.shape = &lazyRegexp{text: f.Shape}
		}
	}
	for _, s := range t.Signs {
		bind.sign(s, "sign "+s.ID)
	}
	for _, x := range t.Techniques {
		b.techniques[x.ID] = x
	}
	for _, x := range t.Sources {
		b.sources[x.ID] = x
	}
	return failed
}

func (b *Base) readJSON(name string, v any) error {
	f, err := b.files.Open(name)
	if err != nil {
		return fmt.Errorf("compiled knowledge: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("compiled knowledge: %s: %w", name, err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("compiled knowledge: %s: %w", name, err)
	}
	return nil
}

// Definitions returns the lists and macros of the signs.
func (b *Base) Definitions() *condition.Definitions { return b.defs }

// Signs returns all signs.
func (b *Base) Signs() []*Sign { return b.signs }

// Rules returns the index of all profiles, sorted by maturity and name.
func (b *Base) Rules() []RuleInfo { return b.index }

// Profile returns the profile of a rule, nil when there is none.
func (b *Base) Profile(rule string) *Profile {
	i, ok := b.byRule[rule]
	if !ok {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok := b.profiles[rule]; ok {
		return p
	}
	p := new(Profile)
	if err := b.readJSON(b.index[i].File, p); err != nil {
		panic(err) // compiled.zip is ours and was checked when it was made
	}
	b.bind().profile(p)
	b.profiles[rule] = p
	return p
}

// ProfileByMessage returns the profile whose message an output begins with:
// the only way to know the rule of a text line. The longest message wins.
func (b *Base) ProfileByMessage(message string) *Profile {
	best := -1
	for i, r := range b.index {
		if r.Message != "" && strings.HasPrefix(message, r.Message) && (best < 0 || len(r.Message) > len(b.index[best].Message)) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return b.Profile(b.index[best].Rule)
}

// Control returns a control, nil when there is none.
func (b *Base) Control(id string) *Control {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.controls[id]; ok {
		return c
	}
	name := "controls/" + id + ".json"
	if f, err := b.files.Open(name); err != nil {
		return nil
	} else {
		f.Close()
	}
	c := new(Control)
	if err := b.readJSON(name, c); err != nil {
		panic(err) // as in Profile
	}
	b.bind().control(c)
	b.controls[id] = c
	return c
}

func (b *Base) bind() *binder {
	return &binder{defs: b.defs, fail: func(path string, err error) { panic(path + ": " + err.Error()) }}
}

// Field returns what is known about a field, nil when nothing is. An indexed
// name (proc.aname[4]) falls back to the entry without its index.
func (b *Base) Field(name string) *FieldInfo {
	f, ok := b.fields[name]
	if !ok {
		plain, _, indexed := strings.Cut(name, "[")
		if !indexed {
			return nil
		}
		if f = b.fields[plain]; f == nil {
			return nil
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(f.Read) > 0 && f.Read[0].Cond == nil {
		b.bind().field(f, f.Field)
	}
	return f
}

// Volatile reports whether a field differs between repeats of the same thing.
func (b *Base) Volatile(name string) bool { return b.volatile[name] }

// Target reports whether a field names the object of an event.
func (b *Base) Target(name string) bool { return b.target[name] }

// TextKeys maps the names of the text line (command=…) to fields (proc.cmdline).
func (b *Base) TextKeys() map[string]string { return b.textKeys }

// Technique returns an ATT&CK technique or tactic, nil when it is not known.
func (b *Base) Technique(id string) *Technique { return b.techniques[id] }

// Source returns a source by id or "id#place", nil when it is not listed.
func (b *Base) Source(ref string) *Source {
	id, _, _ := strings.Cut(ref, "#")
	return b.sources[id]
}

// Controls returns the ids of all controls, sorted.
func (b *Base) Controls() []string { return b.controlIDs }

// Fits reports whether a value may stand in a command: its field has a shape
// and the value has it.
func (f *FieldInfo) Fits(value string) bool {
	return f != nil && f.shape != nil && f.shape.match(value)
}

// Compile turns a checked set into the bytes that Open reads.
func Compile(s *Set) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	write := func(name string, v any) error {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		f, err := w.Create(name)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return err
	}
	t := s.tables()
	if err := write("tables.json", t); err != nil {
		return nil, err
	}
	for _, r := range t.Index {
		if err := write(r.File, s.Profiles[r.Rule]); err != nil {
			return nil, err
		}
	}
	for _, id := range t.Controls {
		if err := write("controls/"+id+".json", s.Controls[id]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

var maturities = []string{"stable", "incubating", "sandbox", "other"}

func (s *Set) tables() *tables {
	t := &tables{Fields: s.Fields, Signs: s.Signs, Lists: s.Lists, Macros: s.Macros,
		Techniques: s.Techniques, Sources: s.Sources}
	for _, m := range maturities {
		var rules []RuleInfo
		for _, p := range s.Profiles {
			if p.Maturity == m {
				rules = append(rules, RuleInfo{p.Rule, p.Maturity, p.Status, p.Message, "rules/" + Slug(p.Rule) + ".json"})
			}
		}
		sort.Slice(rules, func(i, j int) bool { return rules[i].Rule < rules[j].Rule })
		t.Index = append(t.Index, rules...)
	}
	for id := range s.Controls {
		t.Controls = append(t.Controls, id)
	}
	sort.Strings(t.Controls)
	return t
}

// Slug is a rule's name as a file name: lower case, other characters than
// letters and digits turned into one "-".
func Slug(rule string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(rule) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// Overlay adds a folder of the user's own: an entry there replaces the one of
// the same name. It returns what is wrong with the folder; then b is unchanged.
func (b *Base) Overlay(fsys fs.FS) error {
	s, problems := ReadSet(fsys)
	problems = append(problems, s.Lint(b)...)
	if len(problems) > 0 {
		return problems
	}
	merged := b.merge(s)
	if err := b.use(merged); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	bind := b.bind()
	for rule, p := range s.Profiles {
		bind.profile(p)
		b.profiles[rule] = p
	}
	for id, c := range s.Controls {
		bind.control(c)
		b.controls[id] = c
	}
	return nil
}

func (b *Base) merge(s *Set) *tables {
	t := &tables{Lists: map[string][]string{}, Macros: map[string]string{}}
	for name, items := range b.defs.Lists {
		t.Lists[name] = items
	}
	for name, text := range b.defs.Macros {
		t.Macros[name] = text
	}
	own := s.tables()
	for name, items := range own.Lists {
		t.Lists[name] = items
	}
	for name, text := range own.Macros {
		t.Macros[name] = text
	}
	t.Signs = replaceBy(b.signs, own.Signs, func(x *Sign) string { return x.ID })
	t.Controls = replaceBy(b.controlIDs, own.Controls, func(id string) string { return id })
	t.Index = replaceBy(b.index, own.Index, func(x RuleInfo) string { return x.Rule })
	t.Fields = replaceBy(values(b.fields), own.Fields, func(x *FieldInfo) string { return x.Field })
	t.Techniques = replaceBy(values(b.techniques), own.Techniques, func(x *Technique) string { return x.ID })
	t.Sources = replaceBy(values(b.sources), own.Sources, func(x *Source) string { return x.ID })
	return t
}

func values[T any](m map[string]*T) []*T {
	out := make([]*T, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// replaceBy returns old with each entry of the same name replaced by own's,
// and own's new ones behind.
func replaceBy[T any](old, own []T, name func(T) string) []T {
	at := make(map[string]int, len(old))
	out := append([]T(nil), old...)
	for i, x := range out {
		at[name(x)] = i
	}
	for _, x := range own {
		if i, ok := at[name(x)]; ok {
			out[i] = x
		} else {
			out = append(out, x)
		}
	}
	return out
}

// SameContent reports whether two compiled bases hold the same files, whatever
// the compression made of them.
func SameContent(a, b []byte) (bool, error) {
	left, err := contents(a)
	if err != nil {
		return false, err
	}
	right, err := contents(b)
	if err != nil {
		return false, err
	}
	return maps.Equal(left, right), nil
}

func contents(compiled []byte) (map[string]string, error) {
	r, err := zip.NewReader(bytes.NewReader(compiled), int64(len(compiled)))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(rc)
		rc.Close()
		if err != nil {
			return nil, err
		}
		out[f.Name] = string(text)
	}
	return out, nil
}
