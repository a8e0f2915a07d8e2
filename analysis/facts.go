package analysis

import (
	"slices"
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/evidence"
)

// Fact is one field of the alert and what its value means.
type Fact struct {
	Field   alert.Field
	Meaning evidence.Statement // may be empty
}

// topKeys are the alert's own keys that a reader wants first.
var topKeys = []string{"time", "rule", "priority", "source", "hostname", "tags"}

// facts lists every key and field of the alert with its meaning: the alert's
// own keys first, then the fields in the order of delivery.
func (z *Analyzer) facts(s *speaker) []Fact {
	var out []Fact
	for _, name := range topKeys {
		if v, ok := s.alert.Top(name); ok {
			out = append(out, z.fact(s, alert.Field{Name: name, Value: v}))
		}
	}
	for _, fs := range []alert.Fields{s.alert.Fields, s.alert.Extra} {
		for _, f := range fs {
			out = append(out, z.fact(s, f))
		}
	}
	return out
}

func (z *Analyzer) fact(s *speaker, f alert.Field) Fact {
	fact := Fact{Field: f}
	info := z.base.Field(f.Name)
	switch {
	case f.Value.Kind == alert.Null, !f.Value.Known():
		fact.Meaning = phrase("Not known to Falco, which is not the same as none.")
		if id, ok := s.alert.Get("container.id"); ok && id.Value.Text == "host" && strings.HasPrefix(f.Name, "k8s.") {
			fact.Meaning = phrase("None: a process of the host.")
			citing(&fact.Meaning, FieldEvidence(id))
		}
		citing(&fact.Meaning, FieldEvidence(f))
		return fact
	case slices.Contains(s.alert.Cut, f.Name):
		fact.Meaning = phrase("Cut by Falcosidekick; the rest was lost on the way.")
		citing(&fact.Meaning, FieldEvidence(f))
		return fact
	case info == nil:
		return fact
	}
	quiet := &speaker{alert: s.alert, missing: map[string]bool{}} // a missing reading is no gap of the report
	for i := range info.Read {
		r := &info.Read[i]
		ok, read := quiet.holds(r.Cond)
		if !ok {
			continue
		}
		st := quiet.say(r.Template, &f)
		if st.Empty() {
			continue
		}
		citing(&st, read...)
		citing(&st, FieldEvidence(f))
		citing(&st, sourceEvidence(r.Sources...)...)
		fact.Meaning = st
		break
	}
	if decode := decoders[info.Decode]; decode != nil {
		if text := decode(f.Value, s.alert); text != "" && !saysTheSame(fact.Meaning.Text(), text) {
			z.addDecoded(&fact, text)
		}
	}
	if fact.Meaning.Empty() {
		fact.Meaning = phrase(info.Means)
	}
	citing(&fact.Meaning, FieldEvidence(f))
	citing(&fact.Meaning, sourceEvidence(info.Sources...)...)
	return fact
}

// addDecoded puts what a decoder read in front of what the reading says.
func (z *Analyzer) addDecoded(fact *Fact, text string) {
	spans := []evidence.Span{{Text: capital(text) + "."}}
	if !fact.Meaning.Empty() {
		spans = append(spans, evidence.Span{Text: " "})
	}
	fact.Meaning.Spans = append(spans, fact.Meaning.Spans...)
}

// saysTheSame spares the reader a decoded text that the reading also gives.
func saysTheSame(reading, decoded string) bool {
	return reading != "" && (strings.Contains(decoded, "no terminal") || strings.Contains(decoded, "not set") ||
		strings.Contains(decoded, "no container"))
}

func capital(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
