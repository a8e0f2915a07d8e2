package report

import (
	"strings"

	"github.com/tiercel/tiercel/evidence"
)

// references numbers the evidence of a document in the order of its use.
func (b *Builder) references(d *Document) Section {
	seen := map[evidence.Evidence]bool{}
	var refs References
	note := func(list ...evidence.Evidence) {
		for _, e := range list {
			if seen[e] {
				continue
			}
			seen[e] = true
			r := Reference{Number: len(refs.Items) + 1, Evidence: e}
			if e.Kind == evidence.Source {
				r.Title, r.URL = b.SourceTitle(e.Ref)
			}
			refs.Items = append(refs.Items, r)
		}
	}
	for _, s := range d.Statements() {
		note(s.Evidence...)
	}
	return Section{ID: EvidenceList, Title: "Evidence", Blocks: []Block{refs}}
}

// SourceTitle names a source; a context file or a rule file names itself.
func (b *Builder) SourceTitle(ref string) (title, url string) {
	id, place, _ := strings.Cut(ref, "#")
	src := b.base.Source(id)
	if src == nil {
		return ref, ""
	}
	title, url = src.Title, src.URL
	if id == "attack" && place != "" {
		url = "https://attack.mitre.org/techniques/" + strings.ReplaceAll(place, ".", "/") + "/"
		if strings.HasPrefix(place, "TA") {
			url = "https://attack.mitre.org/tactics/" + place + "/"
		}
	}
	return title, url
}

// Statements returns every statement of the document, in reading order.
func (d *Document) Statements() []evidence.Statement {
	var out []evidence.Statement
	add := func(list ...evidence.Statement) {
		for _, s := range list {
			if !s.Empty() {
				out = append(out, s)
			}
		}
	}
	add(d.Headline)
	add(d.Verdict.Reasons...)
	add(d.Verdict.Unknowns...)
	add(d.Alerts.Why)
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			switch b := b.(type) {
			case Paragraph:
				add(b.Statements...)
			case List:
				add(b.Items...)
			case Table:
				for _, r := range b.Rows {
					add(r.Meaning)
				}
			case Timeline:
				for _, m := range b.Rows {
					add(m.What, m.Process, m.User)
				}
			case Tree:
				for _, x := range b.Items {
					add(x.Say)
				}
			case Steps:
				for _, st := range b.Items {
					add(st.Statements()...)
				}
			}
		}
	}
	return out
}

// Statements returns every statement of the step, in reading order.
func (s *Step) Statements() []evidence.Statement {
	out := append([]evidence.Statement{s.Say}, s.Needs...)
	out = append(out, s.Effects...)
	out = append(out, s.Expect...)
	for _, list := range [][]Code{s.Code, s.Check, s.Undo} {
		for _, c := range list {
			out = append(out, c.Note)
		}
	}
	return append(out, s.FitReason)
}
