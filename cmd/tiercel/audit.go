package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit"
	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/audit/render"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/catalogue"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/source"
)

type auditCmd struct {
	Report string `arg:"" name:"report" help:"The report to check: markdown or plain text, at most 16 MiB; - is standard input."`

	Alert     string `short:"a" placeholder:"FILE" help:"The alert or alerts that it speaks of, in any form that analyze reads; - is standard input. Without, those that the report quotes are used; if it quotes none, what it says of the event is not checked."`
	Format    string `short:"f" enum:"auto,markdown,terminal,html,json" default:"auto" help:"auto, markdown, terminal, html or json. auto is terminal on a terminal, else markdown."`
	Output    string `short:"o" placeholder:"FILE" help:"Write there instead of standard output."`
	FailOn    string `enum:"unchecked,unsupported,contradicted,broken,harmful,never" default:"contradicted" help:"Exit with 1 if anything is judged so or worse: unchecked, unsupported, contradicted, broken (does not work), harmful; never."`
	All       bool   `help:"List what holds or could not be checked one by one too (terminal and markdown)."`
	Knowledge string `placeholder:"DIR" help:"Your own knowledge, on top of the built-in one."`
}

// Help shows examples.
func (auditCmd) Help() string {
	return `Examples:
  tiercel audit report.md --alert alert.json
  tiercel audit --format html -o audit.html --alert falco.log report.md
  ask-a-model alert.json | tiercel audit - --alert alert.json --fail-on harmful

Exit codes: 0 fine, 1 something is judged as --fail-on says or worse, 2 bad usage or input (also when only some of the
alerts could be read: the audit is written all the same), 3 could not finish.`
}

// Limits of what is read; more is refused, as it is surely the wrong file.
const (
	auditReportLimit = 16 << 20
	auditAlertLimit  = 10_000
)

// Run audits a report.
func (c *auditCmd) Run(t terminal) error {
	if c.Report == source.Stdin && c.Alert == source.Stdin {
		return usageError{errors.New("only one of the report and --alert can be standard input")}
	}
	base, err := (&analyzeCmd{Knowledge: c.Knowledge}).openBase()
	if err != nil {
		return usageError{err}
	}
	text, err := readReport(c.Report, t.in)
	if err != nil {
		return usageError{err}
	}
	alerts, broken, err := c.alerts(t, base)
	if err != nil {
		return usageError{err}
	}
	auditor, err := audit.New(base, code.Open(catalogue.Builtin()))
	if err != nil {
		return err
	}
	res := auditor.Audit(text, alerts)
	found := &render.Audited{Name: shownName(c.Report), Report: text, Findings: res.Findings, Missing: res.Missing,
		Alerts: len(alerts), Quoted: res.Quoted, Broken: broken}
	if err := c.write(t, found, report.NewBuilder(base).SourceTitle); err != nil {
		return err
	}
	switch {
	case len(broken) > 0:
		return exitCode(exitBadInput)
	case c.FailOn != "never" && len(found.Findings)+len(found.Missing) > 0 &&
		render.Worst(found).Rank() >= finding.Judgement(c.FailOn).Rank():
		return exitCode(exitFindings)
	}
	return nil
}

func shownName(name string) string {
	if name == source.Stdin {
		return "stdin"
	}
	return name
}

func readReport(name string, stdin io.Reader) ([]byte, error) {
	f, err := source.Open(name, stdin)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, auditReportLimit+1))
	shown := printable(shownName(name))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", shown, err)
	case len(text) > auditReportLimit:
		return nil, fmt.Errorf("%s: is larger than %d MiB; a report is not", shown, auditReportLimit>>20)
	case len(bytes.TrimSpace(text)) == 0:
		return nil, fmt.Errorf("%s: is empty", shown)
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		return nil, fmt.Errorf("%s: is UTF-16; save it as UTF-8", shown)
	}
	return text, nil
}

// alerts reads all alerts of the file. Broken records are named and left out.
func (c *auditCmd) alerts(t terminal, base *knowledge.Base) (alerts []*alert.Alert, broken []report.Broken, err error) {
	if c.Alert == "" {
		return nil, nil, nil
	}
	f, err := source.Open(c.Alert, t.in)
	if err != nil {
		return nil, nil, fmt.Errorf("--alert: %w", err)
	}
	defer f.Close()
	name := shownName(c.Alert)
	for a, err := range alert.All(f, name, alert.Options{TextFields: base.TextKeys()}) {
		var bad *alert.BrokenError
		switch {
		case errors.As(err, &bad):
			broken = append(broken, report.Broken{File: name, Line: bad.Line, Reason: bad.Reason})
			fmt.Fprintf(t.err, "%s:%d: %s\n", printable(name), bad.Line, bad.Reason)
		case err != nil:
			return nil, nil, fmt.Errorf("--alert: %s: %w", printable(name), err)
		default:
			alerts = append(alerts, a.Clone())
		}
		if len(alerts)+len(broken) > auditAlertLimit {
			return nil, nil, fmt.Errorf("--alert: %s: has more than %d alerts; give those that the report is about", printable(name), auditAlertLimit)
		}
	}
	if len(alerts) == 0 {
		return nil, nil, fmt.Errorf("--alert: %s: no Falco alert in it that can be read", printable(name))
	}
	return alerts, broken, nil
}

func (c *auditCmd) write(t terminal, found *render.Audited, name func(string) (string, string)) error {
	opt := render.Options{Width: 100, All: c.All, Source: name}
	if width, _, err := term.GetSize(int(t.out.Fd())); err == nil && width > 0 {
		opt.Width = width
	}
	onScreen := c.Output == "" && isTerminal(t.out)
	opt.Color = onScreen && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	format := c.Format
	if format == "auto" {
		format = "markdown"
		if onScreen {
			format = "terminal"
		}
	}
	if c.Output == "" {
		return render.Write(t.out, format, found, opt)
	}
	if strings.HasSuffix(c.Output, "/") {
		return usageError{fmt.Errorf("-o %s: is a folder; name a file", printable(c.Output))}
	}
	f, err := os.CreateTemp(filepath.Dir(c.Output), ".tiercel-*")
	if err != nil {
		return usageError{fmt.Errorf("-o: %w", err)}
	}
	if err := render.Write(f, format, found, opt); err != nil {
		f.Close()
		return errors.Join(err, os.Remove(f.Name()))
	}
	return keep(f, c.Output)
}
