package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/audit"
	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/audit/render"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// What an audit has to reach.
const (
	aimRecall    = 0.90 // of the false, broken and harmful claims, alarmed or called unsupported
	aimPrecision = 0.95 // of the alarms, right
	aimCalm      = 0.90 // of the true claims, not alarmed
	aimConfirmed = 0.50 // of the true claims, confirmed
)

// claim is a line of labels.jsonl: what a person judged.
type claim struct {
	ID        string            `json:"id"`
	Line      int               `json:"line"`
	EndLine   int               `json:"end_line"`
	Text      string            `json:"text"` // words of the report; empty: the lines say enough
	Claim     string            `json:"claim"`
	Judgement finding.Judgement `json:"judgement"`
	Why       string            `json:"why"`
}

// judged is a finding as users of the machine output see it.
type judged struct {
	Line      int               `json:"line"`
	EndLine   int               `json:"end_line"`
	Text      string            `json:"text"`
	Judgement finding.Judgement `json:"judgement"`
	Reason    string            `json:"reason"`
}

// auditMain is eval of audits: eval audit DIR...
func auditMain(args []string) (short bool, err error) {
	flags := flag.NewFlagSet("eval audit", flag.ExitOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "eval audit [flags] DIR...: audits DIR/NAME/report.md against alert.json and holds the findings against labels.jsonl")
		flags.PrintDefaults()
	}
	own := flags.String("knowledge", "", "folder of knowledge to use in the place of the built-in one, as it stands")
	verbose := flags.Bool("v", false, "list every label that was missed and every alarm that is wrong")
	aims := flags.Bool("aims", false, "fail if an aim is missed")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	base, err := openKnowledge(*own)
	if err != nil {
		return false, err
	}
	auditor, err := audit.New(base, code.Open(catalogue.Builtin()))
	if err != nil {
		return false, err
	}
	folders, err := labelled(flags.Args())
	if err != nil {
		return false, err
	}
	width := len("total")
	for _, f := range folders {
		width = max(width, len(filepath.Base(f)))
	}
	fmt.Printf("%-*s  %15s %15s %15s %15s %10s\n", width, "", "wrong, found", "alarms, right", "true, calm", "confirmed", "unlabelled")
	var total score
	for _, f := range folders {
		labels, findings, err := auditFolder(auditor, base, f)
		if err != nil {
			return false, err
		}
		m := matching(labels, findings, alarming)
		s := m.score(labels, findings)
		// The counting of the aims takes unsupported for a warning, too.
		s.lenient = matching(labels, findings, doubtful).score(labels, findings).pair
		s.print(filepath.Base(f), width)
		if *verbose {
			m.explain(labels, findings)
		}
		total.add(s)
	}
	total.print("total", width)
	fmt.Printf("unsupported counted as wrong too: found %s, alarms right %s\n", total.lenient.found, total.lenient.right)
	return *aims && total.missesAim(), nil
}

// labelled lists the folders below dirs that have labels.
func labelled(dirs []string) (folders []string, err error) {
	for _, dir := range dirs {
		list, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			name := filepath.Join(dir, e.Name())
			if _, err := os.Stat(filepath.Join(name, "labels.jsonl")); err == nil {
				folders = append(folders, name)
			} else if e.IsDir() {
				fmt.Fprintf(os.Stderr, "eval: %s has no labels.jsonl and is left out\n", name)
			}
		}
	}
	if len(folders) == 0 {
		return nil, errors.New("no folder with labels.jsonl")
	}
	return folders, nil
}

func auditFolder(auditor *audit.Auditor, base *knowledge.Base, folder string) ([]claim, []judged, error) {
	labels, err := readLabels(filepath.Join(folder, "labels.jsonl"))
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(filepath.Join(folder, "report.md"))
	if err != nil {
		return nil, nil, err
	}
	name := filepath.Join(folder, "alert.json")
	f, err := os.Open(name)
	var alerts []*alert.Alert
	switch {
	case errors.Is(err, fs.ErrNotExist): // the report has to quote it
	case err != nil:
		return nil, nil, err
	default:
		defer f.Close()
		for a, err := range alert.All(f, name, alert.Options{TextFields: base.TextKeys()}) {
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", name, err)
			}
			alerts = append(alerts, a.Clone())
		}
	}
	res := auditor.Audit(text, alerts)
	var out bytes.Buffer
	err = render.Write(&out, "json", &render.Audited{Report: text, Findings: res.Findings, Missing: res.Missing}, render.Options{})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", folder, err)
	}
	var parsed struct{ Findings []judged }
	err = json.Unmarshal(out.Bytes(), &parsed)
	return labels, parsed.Findings, err
}

func readLabels(name string) ([]claim, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var labels []claim
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var c claim
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if c.Judgement.Rank() < 0 || c.Line < 1 || c.EndLine < c.Line {
			return nil, fmt.Errorf("%s:%d: no such judgement or lines: %s, %d to %d", name, n, c.Judgement, c.Line, c.EndLine)
		}
		labels = append(labels, c)
	}
	return labels, lines.Err()
}

// touches reports whether a finding speaks of what is labelled: the lines
// overlap, the finding has at most two lines more, and the words are the same.
func touches(f judged, l claim) bool {
	return f.EndLine >= l.Line && f.Line <= l.EndLine && f.EndLine-f.Line <= l.EndLine-l.Line+2 &&
		(l.Text == "" || strings.Contains(f.Text, l.Text) || strings.Contains(l.Text, f.Text) || strings.Contains(l.Claim, f.Text))
}

// alarming and doubtful are what is taken for wrong, of labels and findings.
var (
	alarming = []finding.Judgement{finding.Contradicted, finding.Broken, finding.Harmful}
	doubtful = append(slices.Clone(alarming), finding.Unsupported)
)

// matched has for each label the finding that speaks of it, -1 for none.
type matched struct {
	of    []int
	wrong []finding.Judgement
}

// matching gives each finding to one label: to one with its own judgement if
// there is one, then to one that is wrong like it, then to any.
func matching(labels []claim, findings []judged, wrong []finding.Judgement) matched {
	m := matched{of: make([]int, len(labels)), wrong: wrong}
	for i := range m.of {
		m.of[i] = -1
	}
	used := make([]bool, len(findings))
	for _, fits := range []func(a, b finding.Judgement) bool{
		func(a, b finding.Judgement) bool { return a == b },
		func(a, b finding.Judgement) bool { return slices.Contains(wrong, a) && slices.Contains(wrong, b) },
		func(a, b finding.Judgement) bool { return true },
	} {
		for i, l := range labels {
			for k, f := range findings {
				if m.of[i] < 0 && !used[k] && touches(f, l) && fits(f.Judgement, l.Judgement) {
					m.of[i], used[k] = k, true
				}
			}
		}
	}
	return m
}

// ratio is some of all.
type ratio struct{ n, of int }

func (r ratio) share() float64 { return share(r.n, r.of) }
func (r ratio) String() string {
	if r.of == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d %.2f", r.n, r.of, r.share())
}

func (r *ratio) count(hit bool) {
	r.of++
	if hit {
		r.n++
	}
}

func (r *ratio) add(o ratio) { r.n, r.of = r.n+o.n, r.of+o.of }

type pair struct{ found, right ratio }

// score is what of a report was found.
type score struct {
	pair
	lenient         pair
	calm, confirmed ratio
	unlabelled      int // findings, alarms left out, that speak of no label
}

func (m matched) judgement(i int, findings []judged) finding.Judgement {
	if m.of[i] < 0 {
		return finding.Unchecked
	}
	return findings[m.of[i]].Judgement
}

// right reports whether an alarm speaks of something that is wrong.
func (m matched) right(f judged, labels []claim) bool {
	return slices.ContainsFunc(labels, func(l claim) bool { return slices.Contains(m.wrong, l.Judgement) && touches(f, l) })
}

func (m matched) score(labels []claim, findings []judged) (s score) {
	for i, l := range labels {
		j := m.judgement(i, findings)
		switch {
		case l.Judgement.Bad():
			s.found.count(slices.Contains(m.wrong, j))
		case l.Judgement == finding.Supported:
			s.calm.count(!j.Bad())
			s.confirmed.count(j == finding.Supported)
		}
	}
	for _, f := range findings {
		if f.Judgement.Bad() {
			s.right.count(m.right(f, labels))
		} else if !slices.ContainsFunc(labels, func(l claim) bool { return touches(f, l) }) {
			s.unlabelled++
		}
	}
	return s
}

func (m matched) explain(labels []claim, findings []judged) {
	for i, l := range labels {
		j := m.judgement(i, findings)
		switch {
		case l.Judgement.Bad() && !slices.Contains(m.wrong, j):
			said := "nothing said"
			if k := m.of[i]; k >= 0 {
				said = fmt.Sprintf("called %s: %s", j, findings[k].Reason)
			}
			fmt.Printf("  missed  %s line %d, %s: %q (%s); %s\n", l.ID, l.Line, l.Judgement, l.Claim, l.Why, said)
		case l.Judgement == finding.Supported && j.Bad():
			fmt.Printf("  true    %s line %d: %q called %s: %s\n", l.ID, l.Line, l.Claim, j, findings[m.of[i]].Reason)
		}
	}
	for _, f := range findings {
		if f.Judgement.Bad() && !m.right(f, labels) {
			fmt.Printf("  alarm   line %d, %s: %q; %s\n", f.Line, f.Judgement, f.Text, f.Reason)
		}
	}
}

func (s *score) add(o score) {
	s.found.add(o.found)
	s.right.add(o.right)
	s.lenient.found.add(o.lenient.found)
	s.lenient.right.add(o.lenient.right)
	s.calm.add(o.calm)
	s.confirmed.add(o.confirmed)
	s.unlabelled += o.unlabelled
}

func (s score) print(name string, width int) {
	fmt.Printf("%-*s  %15s %15s %15s %15s %10d\n", width, name, s.found, s.right, s.calm, s.confirmed, s.unlabelled)
}

// missesAim reports whether an aim is missed. Without alarms none is right.
func (s score) missesAim() bool {
	return s.lenient.found.share() < aimRecall || s.lenient.right.share() < aimPrecision || s.calm.share() < aimCalm || s.confirmed.share() < aimConfirmed
}
