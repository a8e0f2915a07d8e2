package alert

import "strings"

// Kind is the JSON type of a value.
type Kind uint8

// The kinds of a value.
const (
	Null   Kind = iota // present, but null: Falco does not know it
	String             // Text is the string
	Int                // Text is the literal, all digits kept
	Float              // Text is the literal
	Bool               // Text is true or false
	List               // Items are the strings; Text joins them with ", "
	Object             // Text is the JSON
)

// Value is the value of a field. The zero Value is null.
type Value struct {
	Kind  Kind
	Text  string
	Items []string
}

// Known reports whether the value tells anything: null, "<NA>" and "N/A" do not.
func (v Value) Known() bool {
	return v.Kind != Null && (v.Kind != String || v.Text != "<NA>" && v.Text != "N/A")
}

// Field is one named value.
type Field struct {
	Name  string
	Value Value
}

// Fields are named values in the order in which they were delivered, each
// name once.
type Fields []Field

// Get finds a field by Falco's name, also when Falcosidekick replaced its
// brackets.
func (fs Fields) Get(name string) (Field, bool) {
	for i := range fs {
		if fs[i].Name == name {
			return fs[i], true
		}
	}
	if strings.IndexByte(name, '[') < 0 {
		return Field{}, false
	}
	for i := range fs {
		if unbracketed(fs[i].Name, name) {
			return fs[i], true
		}
	}
	return Field{}, false
}

// unbracketed reports whether got is want (a[b]) with "[" replaced by any
// short run of punctuation and "]" dropped: Falcosidekick's bracketreplacer.
func unbracketed(got, want string) bool {
	open := strings.IndexByte(want, '[')
	index := strings.TrimSuffix(want[open+1:], "]")
	if len(got) <= open || got[:open] != want[:open] || !strings.HasSuffix(got, index) {
		return false
	}
	between := got[open : len(got)-min(len(index), len(got)-open)]
	return between != "" && len(between) <= 3 && strings.Trim(between, "_-.:/|") == ""
}

func (fs Fields) clone() Fields {
	if fs == nil {
		return nil
	}
	out := make(Fields, len(fs))
	for i, f := range fs {
		out[i] = Field{Name: strings.Clone(f.Name), Value: Value{
			Kind: f.Value.Kind, Text: strings.Clone(f.Value.Text), Items: cloneStrings(f.Value.Items)}}
	}
	return out
}
