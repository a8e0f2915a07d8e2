package report

import "github.com/tiercel/tiercel/evidence"

// Redact puts every value that came from outside through mask, in place, and
// returns how many it changed. Our own words, names of fields and commands are
// left alone: a value with a secret has no shape that lets it into a command.
func (d *Document) Redact(mask func(string) string) int {
	r := redactor{mask: mask}
	r.statements(d.Headline)
	r.statements(d.Verdict.Reasons...)
	r.statements(d.Verdict.Unknowns...)
	r.statements(d.Alerts.Why)
	r.statements(d.Standing.Statements...)
	var last *evidence.Statement
	for i := range d.Alerts.Each {
		if why := d.Alerts.Each[i].Why; why != nil && why != last {
			last = why
			r.statements(*why)
		}
	}
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			r.block(b)
		}
	}
	return r.changed
}

type redactor struct {
	mask    func(string) string
	changed int
}

func (r *redactor) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		r.statements(b.Statements...)
	case List:
		r.statements(b.Items...)
	case Table:
		for i := range b.Rows {
			r.text(&b.Rows[i].Value)
			r.evidence(&b.Rows[i].Evidence)
			r.statements(b.Rows[i].Meaning)
		}
	case Timeline:
		for _, m := range b.Rows {
			r.statements(m.What, m.Process, m.User)
		}
	case Tree:
		for _, x := range b.Items {
			r.statements(x.Say)
		}
	case Steps:
		for i := range b.Items {
			r.statements(b.Items[i].Statements()...)
		}
	case References:
		for i := range b.Items {
			r.evidence(&b.Items[i].Evidence)
		}
	}
}

// statements changes spans and evidence where they are: a Statement shares them.
func (r *redactor) statements(list ...evidence.Statement) {
	for _, s := range list {
		for i := range s.Spans {
			if s.Spans[i].Value {
				r.text(&s.Spans[i].Text)
			}
		}
		for i := range s.Evidence {
			r.evidence(&s.Evidence[i])
		}
	}
}

func (r *redactor) evidence(e *evidence.Evidence) {
	if e.Kind == evidence.Field || e.Kind == evidence.Observation {
		r.text(&e.Value)
	}
}

func (r *redactor) text(s *string) {
	if t := r.mask(*s); t != *s {
		*s = t
		r.changed++
	}
}
