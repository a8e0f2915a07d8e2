package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/builtin"
	"github.com/tiercel/tiercel/observe"
	"github.com/tiercel/tiercel/pipeline"
	"github.com/tiercel/tiercel/redact"
	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/source"
)

type analyzeCmd struct {
	Files []string `arg:"" optional:"" name:"file" help:"Logs to read; - is standard input. Any form: JSON, text, wrapped by Docker, CRI, journald, syslog or Falcosidekick, gzip, zstd."`

	Format string `short:"f" enum:"auto,markdown,terminal,html,json,jsonl" default:"auto" help:"auto, markdown, terminal, html, json, or jsonl: a line for each alert with its incident, without reports. auto is terminal on a terminal, else markdown."`
	Output string `short:"o" placeholder:"FILE|DIR/" help:"Write there instead of standard output; DIR/ gets a file per report."`

	MinPriority string    `placeholder:"PRIORITY" help:"Only alerts of this Falco priority or above."`
	Rule        []string  `placeholder:"NAME" sep:"none" help:"Only alerts of this rule; may be given several times."`
	Where       string    `placeholder:"CONDITION" help:"Only alerts for which this is true, in Falco's condition language."`
	Since       time.Time `placeholder:"TIME" format:"2006-01-02T15:04:05Z07:00" help:"Only alerts from this time on (RFC 3339)."`
	Until       time.Time `placeholder:"TIME" format:"2006-01-02T15:04:05Z07:00" help:"Only alerts up to this time (RFC 3339)."`

	Context     string   `placeholder:"FILE" help:"What is normal here (YAML, see docs/context.md)."`
	Rules       []string `placeholder:"FILE" sep:"none" help:"Your own Falco rule file, for rules that have no profile; may be given several times."`
	Knowledge   string   `placeholder:"DIR" help:"Your own knowledge, on top of the built-in one."`
	Observe     bool     `help:"Look at this host and say which steps fit it. Reads only, and only for alerts of this host."`
	ShowSecrets bool     `help:"Do not mask passwords and tokens in command lines."`

	State      string `placeholder:"FILE" help:"Remember there which patterns of alerts were seen, and say what is new since the last run."`
	FailOn     string `placeholder:"SEVERITY" help:"Exit with 1 if there is a finding of this severity or above: info, low, medium, high, critical."`
	MaxReports int    `default:"-1" placeholder:"N" help:"How many incidents get a full report, the worst first; the others are listed. 0 is no limit; if not given, 25, or 10000 with json."`
	Quiet      bool   `short:"q" help:"No progress and no warnings on standard error."`
}

// Help shows examples.
func (analyzeCmd) Help() string {
	return `Examples:
  tiercel analyze /var/log/falco/falco.log
  kubectl logs -n falco ds/falco | tiercel analyze -
  tiercel analyze --format html -o report.html falco.log.gz
  tiercel analyze --where 'container.id != host and proc.tty > 0' --fail-on high falco.log`
}

// keptKinds bounds how many kinds are told apart; alerts beyond are counted.
const keptKinds = 1_000_000

// listedKinds is how many further kinds are listed one by one for people; the
// rest is folded by rule and verdict.
const listedKinds = 500

// keptAlerts is how many kinds keep an alert at least, so that an incident can
// speak of all of its kinds.
const keptAlerts = 2000

// refsNamed bounds how many alerts of an incident are named in JSON.
const refsNamed = 10_000

// largeGC is the collector's growth for large inputs: with a million kinds it
// saves a seventh of the memory and, measured, no time.
const largeGC = 50

// brokenNamed bounds how many broken records are named in the output.
const brokenNamed = 10_000

// Run analyses the files.
func (c *analyzeCmd) Run(ctx context.Context, t terminal) error {
	if len(c.Files) == 0 {
		return usageError{fmt.Errorf("no file given; - reads standard input")}
	}
	run, err := c.prepare(t)
	if err != nil {
		return usageError{err}
	}
	return run.do(ctx)
}

// analyzeRun is one run of analyze.
type analyzeRun struct {
	*analyzeCmd
	t        terminal
	base     *knowledge.Base
	analyzer *analysis.Analyzer
	opt      pipeline.Options
	format   string
	failOn   analysis.Severity
	fails    bool
	memory   *incident.Memory // of earlier runs, nil without --state
	broken   []report.Broken
}

func (c *analyzeCmd) prepare(t terminal) (*analyzeRun, error) {
	r := &analyzeRun{analyzeCmd: c, t: t, format: c.Format}
	var err error
	if r.base, err = c.openBase(); err != nil {
		return nil, err
	}
	opt, err := c.analysisOptions(r.base)
	if err != nil {
		return nil, err
	}
	r.analyzer = analysis.New(r.base, opt)
	if r.opt.Filter, err = c.filter(r.base); err != nil {
		return nil, err
	}
	if c.FailOn != "" {
		if r.failOn, r.fails = analysis.ParseSeverity(c.FailOn); !r.fails {
			return nil, fmt.Errorf("--fail-on: there is no severity %q; there are info, low, medium, high, critical", c.FailOn)
		}
	}
	if r.format == "auto" {
		r.format = "markdown"
		if c.Output == "" && isTerminal(t.out) {
			r.format = "terminal"
		}
	}
	if c.MaxReports < 0 {
		c.MaxReports = 25
		if r.format == "json" {
			c.MaxReports = 10_000
		}
	}
	if r.format == "jsonl" {
		c.MaxReports = keptAlerts
	}
	kept := keptKinds
	if c.MaxReports > 0 {
		kept = max(c.MaxReports+listedKinds, keptAlerts)
	}
	r.opt.Read = alert.Options{TextFields: r.base.TextKeys()}
	r.opt.Limits = incident.Limits{Kinds: keptKinds, Kept: kept, Each: r.machine(), Refs: r.refs()}
	r.opt.Broken = r.noteBroken
	if c.State != "" {
		r.opt.Stable = true
		if r.memory, err = readMemory(c.State); err != nil {
			return nil, fmt.Errorf("--state: %w", err)
		}
	}
	return r, nil
}

// machine reports whether every incident is written, and each alert named.
func (r *analyzeRun) machine() bool { return r.format == "json" || r.format == "jsonl" }

// refs is how many alerts of an incident are named; 0 is all.
func (r *analyzeRun) refs() int {
	if r.format == "jsonl" {
		return 0
	}
	return refsNamed
}

func (c *analyzeCmd) openBase() (*knowledge.Base, error) {
	if c.Knowledge == "" {
		return builtin.Base(), nil
	}
	base, err := builtin.Open()
	if err != nil {
		return nil, err
	}
	if err := base.Overlay(os.DirFS(c.Knowledge)); err != nil {
		return nil, fmt.Errorf("--knowledge %s:\n%w", c.Knowledge, err)
	}
	return base, nil
}

func (c *analyzeCmd) analysisOptions(base *knowledge.Base) (analysis.Options, error) {
	var opt analysis.Options
	if c.Context != "" {
		text, err := os.ReadFile(c.Context)
		if err != nil {
			return opt, fmt.Errorf("--context: %w", err)
		}
		if opt.Context, err = analysis.ReadContext(c.Context, text, base.Definitions()); err != nil {
			return opt, fmt.Errorf("--context: %w", err)
		}
	}
	for _, file := range c.Rules {
		text, err := os.ReadFile(file)
		if err != nil {
			return opt, fmt.Errorf("--rules: %w", err)
		}
		rules, err := knowledge.ReadRuleFile(file, text)
		if err != nil {
			return opt, fmt.Errorf("--rules: %w", err)
		}
		opt.Rules = append(opt.Rules, rules...)
	}
	if c.Observe {
		opt.Observed = observe.Host(base)
	}
	return opt, nil
}

func (c *analyzeCmd) filter(base *knowledge.Base) (f pipeline.Filter, err error) {
	if c.MinPriority != "" {
		var ok bool
		if f.MinPriority, ok = alert.ParsePriority(c.MinPriority); !ok {
			return f, fmt.Errorf("--min-priority: Falco has no priority %q", c.MinPriority)
		}
	}
	if len(c.Rule) > 0 {
		f.Rules = map[string]bool{}
		for _, name := range c.Rule {
			f.Rules[name] = true
		}
	}
	if c.Where != "" {
		if f.Where, err = condition.Parse(c.Where, base.Definitions()); err != nil {
			return f, fmt.Errorf("--where: %w", err)
		}
	}
	f.Since, f.Until = c.Since, c.Until
	return f, nil
}

func (r *analyzeRun) noteBroken(file string, line int, reason string) {
	if len(r.broken) < brokenNamed {
		r.broken = append(r.broken, report.Broken{File: file, Line: line, Reason: reason})
	}
	if !r.Quiet {
		fmt.Fprintf(r.t.err, "%s:%d: %s\n", printable(file), line, reason)
	}
}

func (r *analyzeRun) do(ctx context.Context) error {
	if os.Getenv("GOGC") == "" && sizeOf(r.Files) >= progressFrom {
		debug.SetGCPercent(largeGC)
	}
	progress := newProgress(r.t.err, r.Files, r.Quiet)
	var inputs []pipeline.Input
	var names []string
	for _, name := range r.Files {
		shown := name
		if name == source.Stdin {
			shown = "stdin"
		}
		names = append(names, shown)
		inputs = append(inputs, pipeline.Input{Name: shown, Open: func() (io.ReadCloser, error) {
			f, err := source.Open(name, r.t.in)
			if err != nil {
				return nil, err
			}
			return progress.wrap(f), nil
		}})
	}
	res, err := pipeline.Run(ctx, r.analyzer, inputs, r.opt)
	progress.end()
	if err != nil {
		return err
	}
	for _, failed := range res.Failed {
		fmt.Fprintf(r.t.err, "tiercel: %s\n", printable(failed.Error()))
	}
	if len(res.Failed) == len(inputs) && res.Alerts == 0 && !r.machine() {
		return exitCode(exitBadInput) // nothing was read: nothing to report
	}
	worst, err := r.write(names, res)
	if err != nil {
		return err
	}
	if r.memory != nil {
		if err := writeMemory(r.State, r.memory, res.Kinds, time.Now()); err != nil {
			return fmt.Errorf("--state: %w", err)
		}
	}
	r.say(res)
	switch {
	case res.Broken > 0 || len(res.Failed) > 0:
		return exitCode(exitBadInput)
	case r.fails && res.Kinds.Len() > 0 && worst >= r.failOn:
		return exitCode(exitFindings)
	}
	return nil
}

// say tells what a reader of the reports alone would not know.
func (r *analyzeRun) say(res *pipeline.Result) {
	if r.Quiet {
		return
	}
	if res.Alerts == 0 && len(res.Failed) == 0 {
		fmt.Fprintf(r.t.err, "tiercel: no Falco alert found in %s (%d other lines)\n", printable(strings.Join(r.Files, ", ")), res.Passed)
	}
	if res.Undecided > 0 {
		fmt.Fprintf(r.t.err, "tiercel: --where could not be decided for %d alerts that lack one of %s; they are left out\n",
			res.Undecided, strings.Join(r.opt.Filter.Where.Fields(), ", "))
	}
	if res.Broken > 0 {
		fmt.Fprintf(r.t.err, "tiercel: %d broken records were left out\n", res.Broken)
	}
}

func (r *analyzeRun) input(names []string, res *pipeline.Result, incidents int) report.Input {
	in := report.Input{Files: names, Alerts: res.Alerts, Matched: res.Matched, Passed: res.Passed,
		Broken: r.broken, BrokenTotal: res.Broken, Kinds: res.Kinds.Len(), Limit: r.MaxReports,
		Incidents: incidents, Repeated: res.Kinds.Repeats, Forgotten: res.Kinds.Forgotten(), Late: res.Kinds.Late()}
	for _, n := range res.Kinds.Overflow {
		in.Overflow += n
	}
	return in
}

// write renders all incidents, the worst first, and returns the worst severity.
func (r *analyzeRun) write(names []string, res *pipeline.Result) (analysis.Severity, error) {
	w, err := r.newWriter()
	if err != nil {
		return 0, usageError{err}
	}
	m, incidents := r.newMaker(names, res.Kinds)
	in := r.input(names, res, incidents)
	if r.machine() {
		in.Unreported = max(0, incidents-r.MaxReports)
	} else {
		in.Unreported = m.unreported()
	}
	if !r.machine() {
		in.Reports = m.coming()
	}
	err = w.begin(in)
	if err == nil {
		err = m.documents(w.document)
	}
	if err == nil {
		err = w.end(in)
	}
	if m.masked > 0 && !r.Quiet {
		fmt.Fprintf(r.t.err, "tiercel: passwords or tokens were masked (%s); --show-secrets shows them\n", redact.Mask)
	}
	return m.worst, err
}

// printable is text that cannot move the cursor: names of files are the
// user's, but may come from a shell's glob over an attacker's files.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) && c != '\n' }) {
		return s
	}
	return strings.Trim(fmt.Sprintf("%+q", s), `"`)
}
