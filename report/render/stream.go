package render

import (
	"reflect"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// layout is what the formats for people have to know; stream calls it in order.
type layout interface {
	begin(about *overview)
	document(d *report.Document, n numbers) error
	openList(title string) // a table with a row a document
	listed(d *report.Document) error
	closeList()
	end(about *overview) // about is nil when there is nothing to say
}

// stream is the Renderer of all formats for people.
type stream struct {
	out    out
	layout layout
	told   [][]evidence.Span // what the overview at the beginning said
	inList bool
}

func (s *stream) Begin(in report.Input) error {
	var about *overview
	if in.Kinds > 1 {
		about = overviewOf(in)
		s.told = about.Lines
	}
	s.layout.begin(about)
	if err := s.listReports(in.Reports); err != nil {
		return err
	}
	return s.out.Flush()
}

func (s *stream) Document(d *report.Document) error {
	if err := checkEvidence(d); err != nil {
		return err
	}
	if len(d.Sections) == 0 {
		if !s.inList {
			s.inList = true
			s.layout.openList(alsoSeen)
		}
		if err := s.layout.listed(d); err != nil {
			return err
		}
		return s.out.err()
	}
	s.leaveList()
	if err := s.layout.document(d, numbersOf(d)); err != nil {
		return err
	}
	return s.out.Flush()
}

func (s *stream) End(in report.Input) error {
	s.leaveList()
	about := overviewOf(in)
	switch {
	case in.Alerts > 0 && !notable(in):
		about = nil
	case reflect.DeepEqual(about.Lines, s.told):
		about.Lines = nil
		if len(about.Broken) == 0 {
			about = nil
		}
	}
	s.layout.end(about)
	return s.out.Flush()
}

func (s *stream) leaveList() {
	if s.inList {
		s.inList = false
		s.layout.closeList()
	}
}

// listReports gives each report to come a line, if there are several.
func (s *stream) listReports(docs []*report.Document) error {
	if len(docs) < 2 {
		return nil
	}
	s.layout.openList(allReports)
	for _, d := range docs {
		if err := s.layout.listed(d); err != nil {
			return err
		}
	}
	s.layout.closeList()
	return nil
}
