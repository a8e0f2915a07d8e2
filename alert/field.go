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
	open := strings.IndexByte(name, '[')
	if open < 0 {
		return Field{}, false
	}
	for i := range fs {
		got := fs[i].Name
		if len(got) > open && got[open] != '[' && got[:open] == name[:open] && unbracketed(got[open:], name[open+1:]) {
			return fs[i], true
		}
	}
	return Field{}, false
}

// unbracketed reports whether rest is a short run of punctuation and then the
// index, which ends with "]" in Falco's name: Falcosidekick's bracketreplacer
// puts such a run in the place of "[" and drops the "]".
func unbracketed(rest, index string) bool {
	index = strings.TrimSuffix(index, "]")
	between, ok := strings.CutSuffix(rest, index)
	return ok && between != "" && len(between) <= 3 && strings.Trim(between, "_-.:/|") == ""
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
