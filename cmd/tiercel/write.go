package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
)

// writer is where the documents go: one stream, or a file for each.
type writer interface {
	begin(report.Input) error
	document(*report.Document) error
	end(report.Input) error
}

func (r *analyzeRun) newWriter() (writer, error) {
	if r.Output == "" {
		return newStream(r.format, r.t.out, r.renderOptions())
	}
	if strings.HasSuffix(r.Output, "/") {
		if err := os.MkdirAll(r.Output, 0o755); err != nil {
			return nil, fmt.Errorf("-o: %w", err)
		}
		return &folder{run: r}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(r.Output), ".tiercel-*")
	if err != nil {
		return nil, fmt.Errorf("-o: %w", err)
	}
	s, err := newStream(r.format, f, r.renderOptions())
	if err != nil {
		return nil, err
	}
	s.file, s.name = f, r.Output
	return s, nil
}

func (r *analyzeRun) renderOptions() render.Options {
	opt := render.Options{Width: 100}
	if width, _, err := term.GetSize(int(r.t.out.Fd())); err == nil && width > 0 {
		opt.Width = width
	}
	opt.Color = r.Output == "" && isTerminal(r.t.out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return opt
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// stream is all documents in one output.
type stream struct {
	render.Renderer
	file *os.File // a temporary file that becomes name when it is whole
	name string
}

func newStream(format string, out *os.File, opt render.Options) (*stream, error) {
	r, err := render.New(format, out, opt)
	return &stream{Renderer: r}, err
}

func (s *stream) begin(in report.Input) error       { return s.Begin(in) }
func (s *stream) document(d *report.Document) error { return s.Document(d) }
func (s *stream) end(in report.Input) error {
	if err := s.End(in); err != nil || s.file == nil {
		return err
	}
	return keep(s.file, s.name)
}

// keep closes a temporary file and gives it its name.
func keep(f *os.File, name string) error {
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// extensions of the formats' files.
var extensions = map[string]string{"markdown": ".md", "terminal": ".txt", "html": ".html", "json": ".json", "jsonl": ".jsonl"}

// folder is a file for each report, named by its rank, and one that lists all.
type folder struct {
	run    *analyzeRun
	in     report.Input
	rank   int
	listed []*report.Document
}

func (f *folder) begin(in report.Input) error { f.in = in; return nil }

func (f *folder) document(d *report.Document) error {
	if len(d.Sections) == 0 {
		f.listed = append(f.listed, d)
		return nil
	}
	f.rank++
	name := fmt.Sprintf("%04d-%s-%s%s", f.rank, d.Severity, d.ID, extensions[f.run.format])
	if err := f.one(name, d); err != nil {
		return err
	}
	brief := *d
	brief.Sections = nil
	f.listed = append(f.listed, &brief)
	return nil
}

func (f *folder) one(name string, docs ...*report.Document) error {
	file, err := os.CreateTemp(f.run.Output, ".tiercel-*")
	if err != nil {
		return err
	}
	s, err := newStream(f.run.format, file, f.run.renderOptions())
	if err != nil {
		return err
	}
	if err := s.begin(f.in); err != nil {
		return err
	}
	for _, d := range docs {
		if err := s.document(d); err != nil {
			return err
		}
	}
	s.file, s.name = file, filepath.Join(f.run.Output, name)
	return s.end(f.in)
}

func (f *folder) end(in report.Input) error {
	f.in = in
	return f.one("index"+extensions[f.run.format], f.listed...)
}
