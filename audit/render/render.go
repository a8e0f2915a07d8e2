// Package render shows what an audit found: for a terminal, as markdown, HTML
// and JSON. It is pure: findings in, an io.Writer out. The audited report and
// its alerts are taken to be hostile; escaping is done here and only here.
package render

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// Audited is a report and what was found in it.
type Audited struct {
	Name     string // of the report; hostile
	Report   []byte
	Findings []finding.Finding
	Missing  []finding.Finding // what a reader needed and did not get; without a place
	Alerts   int               // how many alerts it was held against
	Quoted   bool              // they are the report's own quotation
	Broken   []report.Broken   // what could not be read of the alerts
}

// Options say how the output looks. The zero value is fine for all formats.
type Options struct {
	Color bool // terminal only
	Width int  // terminal only: columns; 0 is 80, less than 40 is 40
	All   bool // terminal and markdown: claims that hold or were not checked one by one too
	// Source names a source of evidence, by id or "id#place"; nil shows ids.
	Source func(ref string) (title, url string)
}

// ErrNoEvidence is returned for a finding whose reason has no evidence or no
// words: such a finding is a bug and nothing is shown.
var ErrNoEvidence = errors.New("audit: finding without a reason or evidence")

// Formats returns the names that Write knows.
func Formats() []string { return []string{"markdown", "terminal", "html", "json"} }

// Write shows what was found in a format. It fails if there is no such format,
// if a finding has no evidence or lies outside of the report, and if w does.
func Write(w io.Writer, format string, a *Audited, opt Options) error {
	write := map[string]func(io.Writer, *view, Options) error{
		"markdown": writeMarkdown, "terminal": writeTerminal, "html": writeHTML, "json": writeJSON,
	}[format]
	if write == nil {
		return fmt.Errorf("audit: no format %q; there are %s", format, strings.Join(Formats(), ", "))
	}
	v, err := viewOf(a, opt)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(w, 1<<16)
	if err := write(b, v, opt); err != nil {
		return err
	}
	return b.Flush()
}

// view is what every format shows.
type view struct {
	*Audited
	found   []found // by place
	missing []found
	count   map[finding.Judgement]int // of found
}

// found is a finding with what is looked up once.
type found struct {
	finding.Finding
	place  place
	number int // from 1, by place
	refs   []report.Reference
}

func viewOf(a *Audited, opt Options) (*view, error) {
	v := &view{Audited: a, count: map[finding.Judgement]int{}}
	list := slices.Clone(a.Findings)
	finding.Sort(list)
	for _, f := range list {
		if f.Start < 0 || f.End < f.Start || f.End > len(a.Report) {
			return nil, fmt.Errorf("audit: a finding at %d to %d of a report of %d bytes", f.Start, f.End, len(a.Report))
		}
		if f.Kind == finding.Omission {
			v.missing = append(v.missing, found{Finding: f})
		} else {
			v.found = append(v.found, found{Finding: f})
			v.count[f.Judgement]++
		}
	}
	for _, f := range a.Missing {
		v.missing = append(v.missing, found{Finding: f})
	}
	places(a.Report, v.found)
	for _, all := range [][]found{v.found, v.missing} {
		for i := range all {
			if err := all[i].complete(i, opt.Source); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func (f *found) complete(i int, source func(string) (string, string)) error {
	if f.Reason.Empty() || len(f.Reason.Evidence) == 0 {
		return fmt.Errorf("%w: line %d: %q", ErrNoEvidence, f.place.line, f.Reason.Text())
	}
	if f.Judgement.Rank() < 0 {
		return fmt.Errorf("audit: line %d: no judgement %q", f.place.line, f.Judgement)
	}
	f.number = i + 1
	for _, e := range f.Reason.Evidence {
		r := report.Reference{Evidence: e}
		if source != nil && e.Kind == evidence.Source {
			r.Title, r.URL = source(e.Ref)
		}
		f.refs = append(f.refs, r)
	}
	return nil
}

// words are those that the finding speaks of, as they stand in the report.
func (v *view) words(f *found) string { return string(v.Report[f.Start:f.End]) }

// lines are the words as they are shown: a command in its lines, a sentence in
// one, however the report wraps it.
func (v *view) lines(f *found) []string {
	text := strings.ReplaceAll(strings.Trim(v.words(f), "\r\n"), "\r\n", "\n")
	if f.Kind == finding.Command || f.Kind == finding.Config {
		return strings.Split(text, "\n")
	}
	parts := strings.Split(text, "\n")
	for i := range parts {
		parts[i] = strings.Trim(parts[i], " \t")
	}
	return []string{strings.Join(parts, " ")}
}

// judged returns the findings of a judgement, by place.
func (v *view) judged(j finding.Judgement) []*found {
	var list []*found
	for i := range v.found {
		if v.found[i].Judgement == j {
			list = append(list, &v.found[i])
		}
	}
	return list
}

// told is what the formats list one by one, the worst first.
var told = []finding.Judgement{finding.Harmful, finding.Broken, finding.Contradicted, finding.Unsupported}

// folded is what they only count, if not asked for all.
var folded = []finding.Judgement{finding.Unchecked, finding.Supported}

var worstFirst = append(slices.Clone(told), folded...)

// Worst returns the worst judgement of all, what is left out included;
// Supported when there is nothing.
func Worst(a *Audited) finding.Judgement {
	worst := finding.Supported
	for _, list := range [][]finding.Finding{a.Findings, a.Missing} {
		for _, f := range list {
			if cmp.Compare(f.Judgement.Rank(), worst.Rank()) > 0 {
				worst = f.Judgement
			}
		}
	}
	return worst
}
