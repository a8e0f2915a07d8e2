// Package render shows documents: markdown, terminal, HTML and JSON. It is
// pure: documents in, an io.Writer out. Documents stream, so any number of
// them can go through one Renderer. Escaping is done here and only here;
// values from outside (evidence.Span.Value) are taken to be hostile.
package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/tiercel/tiercel/report"
)

// Options say how the output looks. The zero value is fine for all formats.
type Options struct {
	Color bool // terminal only: colours and bold
	Width int  // terminal only: columns; 0 is 80, less than 40 is 40
}

// Renderer writes documents in one format. The order of calls is Begin,
// Document any number of times, End. A Renderer is not for concurrent use.
type Renderer interface {
	// Begin starts the output with what is known of the input so far; the
	// zero Input if nothing is.
	Begin(report.Input) error
	// Document writes one document. Consecutive documents without sections
	// are rows of one table. It returns ErrNoEvidence, and writes nothing of
	// the document, if a statement in it has no evidence.
	Document(*report.Document) error
	// End completes the output with the final counts and flushes it.
	End(report.Input) error
}

// Formats returns the names that New knows.
func Formats() []string { return []string{"markdown", "terminal", "html", "json", "jsonl"} }

// New returns the renderer of a format that writes to w. It fails if there is
// no such format.
func New(format string, w io.Writer, opt Options) (Renderer, error) {
	o := out{bufio.NewWriterSize(w, 1<<16)}
	switch format {
	case "markdown":
		return &stream{out: o, layout: &markdown{out: o}}, nil
	case "terminal":
		return &stream{out: o, layout: newTerminal(o, opt)}, nil
	case "html":
		return &stream{out: o, layout: &page{out: o}}, nil
	case "json":
		return &machine{out: o}, nil
	case "jsonl":
		return &assignments{machine{out: o}}, nil
	}
	return nil, fmt.Errorf("render: no format %q; there are %s", format, strings.Join(Formats(), ", "))
}

// out is a buffered writer that keeps its first error.
type out struct{ *bufio.Writer }

func (o out) put(parts ...string) {
	for _, p := range parts {
		_, _ = o.WriteString(p)
	}
}

func (o out) err() error {
	_, err := o.Write(nil)
	return err
}
