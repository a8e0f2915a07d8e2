package analysis

import (
	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

// speaker turns sentences of the knowledge into statements about one alert.
type speaker struct {
	alert   *alert.Alert
	missing map[string]bool // fields that a sentence would have needed
}

// FieldEvidence cites a field as it stands in the alert.
func FieldEvidence(f alert.Field) evidence.Evidence {
	e := evidence.Evidence{Kind: evidence.Field, Ref: f.Name, Value: f.Value.Text}
	switch f.Value.Kind {
	case alert.Null:
		e.Value, e.Literal = "null", true
	case alert.Bool:
		e.Literal = true
	}
	return e
}

func sourceEvidence(refs ...string) []evidence.Evidence {
	out := make([]evidence.Evidence, len(refs))
	for i, ref := range refs {
		out[i] = evidence.Evidence{Kind: evidence.Source, Ref: ref}
	}
	return out
}

// citing adds evidence to a statement, each piece once.
func citing(s *evidence.Statement, add ...evidence.Evidence) {
	for _, e := range add {
		known := false
		for _, old := range s.Evidence {
			known = known || old == e
		}
		if !known {
			s.Evidence = append(s.Evidence, e)
		}
	}
}

// say builds the statement of a template. It is empty when the template shows
// a field that the alert does not tell; the field is then noted as missing.
// self is the field that {value} stands for, if any.
func (s *speaker) say(t knowledge.Template, self *alert.Field) evidence.Statement {
	var st evidence.Statement
	for _, p := range t {
		switch {
		case p.Field == "":
			st.Spans = append(st.Spans, evidence.Span{Text: p.Text})
		case p.Timed:
			if s.alert.Time.IsZero() {
				s.missing["time"] = true
				return evidence.Statement{}
			}
			st.Spans = append(st.Spans, evidence.Span{Text: p.Time(s.alert.Time), Value: true})
			citing(&st, s.time())
		default:
			f, ok := s.field(p.Field, self)
			if !ok {
				return evidence.Statement{}
			}
			st.Spans = append(st.Spans, evidence.Span{Text: f.Value.Text, Value: true})
			citing(&st, FieldEvidence(f))
		}
	}
	return st
}

func (s *speaker) field(name string, self *alert.Field) (alert.Field, bool) {
	if name == "value" && self != nil {
		return *self, true
	}
	f, ok := s.alert.Get(name)
	if !ok || !f.Value.Known() || f.Value.Text == "" {
		s.missing[name] = true
		return alert.Field{}, false
	}
	return f, true
}

func (s *speaker) time() evidence.Evidence {
	return evidence.Evidence{Kind: evidence.Field, Ref: "time", Value: s.alert.TimeText}
}

// holds reports whether a condition is true, and what it read to be so. A nil
// condition always holds.
func (s *speaker) holds(c *condition.Condition) (bool, []evidence.Evidence) {
	if c == nil {
		return true, nil
	}
	ex := c.Explain(s.alert)
	if ex.Truth == condition.Unknown {
		for _, name := range ex.Missing {
			s.missing[name] = true
		}
	}
	if ex.Truth != condition.True {
		return false, nil
	}
	var read []evidence.Evidence
	for _, f := range ex.Read {
		read = append(read, FieldEvidence(f))
	}
	return true, read
}

// sentence says one sentence, if its condition is true and its fields are
// there; otherwise the statement is empty. fallback is cited when the sentence
// itself carries no evidence.
func (s *speaker) sentence(x *knowledge.Sentence, fallback ...string) evidence.Statement {
	ok, read := s.holds(x.Cond)
	if !ok {
		return evidence.Statement{}
	}
	st := s.say(x.Template, nil)
	if st.Empty() {
		return st
	}
	citing(&st, read...)
	for _, ref := range x.Sources {
		if ref == "attack" && x.Attack != "" {
			ref = "attack#" + x.Attack
		}
		citing(&st, sourceEvidence(ref)...)
	}
	if len(st.Evidence) == 0 {
		citing(&st, sourceEvidence(fallback...)...)
	}
	return st
}

func (s *speaker) sentences(list []knowledge.Sentence, fallback ...string) []evidence.Statement {
	var out []evidence.Statement
	for i := range list {
		if st := s.sentence(&list[i], fallback...); !st.Empty() {
			out = append(out, st)
		}
	}
	return out
}

// phrase starts a statement of our own words; value and text add to it.
func phrase(text string) evidence.Statement {
	return evidence.Statement{Spans: []evidence.Span{{Text: text}}}
}

func addText(s *evidence.Statement, text string) {
	s.Spans = append(s.Spans, evidence.Span{Text: text})
}

func addField(s *evidence.Statement, f alert.Field) {
	s.Spans = append(s.Spans, evidence.Span{Text: f.Value.Text, Value: true})
	citing(s, FieldEvidence(f))
}
