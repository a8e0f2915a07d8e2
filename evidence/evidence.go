// Package evidence holds the idea the whole project rests on: a statement
// carries the evidence that lets us make it.
package evidence

import (
	"encoding/json"
	"strings"
)

// Kind says where a piece of evidence was taken from.
type Kind string

const (
	// Field is a field of the alert: Ref is its name as it stands in the
	// alert, Value its exact value.
	Field Kind = "field"
	// Source is an entry of knowledge/data/sources: Ref is "id" or "id#place".
	Source Kind = "source"
	// Observation is something seen on a host: Ref is the probe, Value what
	// it saw.
	Observation Kind = "observation"
	// Alert is another alert of the same input: Ref is "file:line", Value its rule.
	Alert Kind = "alert"
)

// Evidence is one reason to believe a statement.
type Evidence struct {
	Kind  Kind
	Ref   string
	Value string
	// Literal is set when Value is not text but a JSON literal: true, false or null.
	Literal bool
}

// MarshalJSON writes kind, ref and the exact value. Numbers are written as
// strings: many readers of JSON would round 1728133229850062067.
func (e Evidence) MarshalJSON() ([]byte, error) {
	value := json.RawMessage(e.Value)
	if !e.Literal {
		text, err := json.Marshal(e.Value)
		if err != nil {
			return nil, err
		}
		value = text
	}
	return json.Marshal(struct {
		Kind  Kind            `json:"kind"`
		Ref   string          `json:"ref"`
		Value json.RawMessage `json:"value"`
	}{e.Kind, e.Ref, value})
}

// Span is a run of a statement's text: our own words, or a value that came
// from outside and may be hostile. A renderer escapes both for its format and
// marks values, so that nobody takes a value for our words.
type Span struct {
	Text  string
	Value bool // Text was taken from the alert or the host
}

// Statement is one sentence of a report and why we may say it.
type Statement struct {
	Spans    []Span
	Evidence []Evidence // never empty: a statement without evidence is a bug
}

// Text returns the statement as plain, unescaped text.
func (s Statement) Text() string {
	var b strings.Builder
	for _, span := range s.Spans {
		b.WriteString(span.Text)
	}
	return b.String()
}

// Empty reports whether there is nothing to say.
func (s Statement) Empty() bool { return len(s.Spans) == 0 }
