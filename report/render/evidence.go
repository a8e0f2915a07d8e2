package render

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// ErrNoEvidence is returned for a document with a statement that has text but
// no evidence: such a statement is a bug and is not shown.
var ErrNoEvidence = errors.New("render: statement without evidence")

// numbers are the numbers by which a document's text refers to its evidence.
type numbers map[evidence.Evidence]int

func numbersOf(d *report.Document) numbers {
	n := numbers{}
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			refs, _ := b.(report.References)
			for _, r := range refs.Items {
				n[r.Evidence] = r.Number
			}
		}
	}
	return n
}

// of returns the numbers of a statement's evidence, ascending, each once.
func (n numbers) of(s evidence.Statement) []int {
	var found []int
	for _, e := range s.Evidence {
		if number, ok := n[e]; ok {
			found = append(found, number)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func checkEvidence(d *report.Document) error {
	var err error
	eachStatement(d, func(s evidence.Statement) {
		if err == nil && !s.Empty() && len(s.Evidence) == 0 {
			err = fmt.Errorf("%w: document %q: %q", ErrNoEvidence, d.ID, s.Text())
		}
	})
	return err
}

func eachStatement(d *report.Document, do func(evidence.Statement)) {
	all := func(list []evidence.Statement) {
		for _, s := range list {
			do(s)
		}
	}
	do(d.Headline)
	do(d.Alerts.Why)
	for i := range d.Alerts.Each {
		if why := d.Alerts.Each[i].Why; why != nil {
			do(*why)
		}
	}
	all(d.Standing.Statements)
	all(d.Verdict.Reasons)
	all(d.Verdict.Unknowns)
	for _, section := range d.Sections {
		for _, b := range section.Blocks {
			switch b := b.(type) {
			case report.Paragraph:
				all(b.Statements)
			case report.List:
				all(b.Items)
			case report.Table:
				for _, row := range b.Rows {
					do(row.Meaning)
				}
			case report.Timeline:
				for _, m := range b.Rows {
					all([]evidence.Statement{m.What, m.Process, m.User})
				}
			case report.Tree:
				for _, x := range b.Items {
					do(x.Say)
				}
			case report.Steps:
				eachStepStatement(b, do)
			}
		}
	}
}

func eachStepStatement(b report.Steps, do func(evidence.Statement)) {
	for _, step := range b.Items {
		do(step.Say)
		do(step.FitReason)
		for _, list := range [][]evidence.Statement{step.Needs, step.Effects, step.Expect} {
			for _, s := range list {
				do(s)
			}
		}
		for _, codes := range [][]report.Code{step.Code, step.Check, step.Undo} {
			for _, c := range codes {
				do(c.Note)
			}
		}
	}
}
