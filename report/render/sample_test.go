package render

import (
	"bytes"
	"testing"
	"time"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

var ruleSource = evidence.Evidence{Kind: evidence.Source, Ref: "falco-rules#Fileless execution via memfd_create"}

func field(name, v string) evidence.Evidence {
	return evidence.Evidence{Kind: evidence.Field, Ref: name, Value: v}
}

// say makes a statement: odd arguments are our words, even ones values.
func say(because []evidence.Evidence, texts ...string) evidence.Statement {
	s := evidence.Statement{Evidence: because}
	for i, t := range texts {
		s.Spans = append(s.Spans, evidence.Span{Text: t, Value: i%2 == 1})
	}
	return s
}

func because(list ...evidence.Evidence) []evidence.Evidence { return list }

// shape is a document that has every kind of block. Every value in it goes
// through v, every word of ours through w.
type shape struct{ v, w func(string) string }

func same(s string) string { return s }

func (s shape) field(name, v string) evidence.Evidence {
	return evidence.Evidence{Kind: evidence.Field, Ref: s.v(name), Value: s.v(v)}
}

func (s shape) say(because []evidence.Evidence, texts ...string) evidence.Statement {
	for i := range texts {
		if i%2 == 1 {
			texts[i] = s.v(texts[i])
		} else {
			texts[i] = s.w(texts[i])
		}
	}
	return say(because, texts...)
}

func (s shape) facts() []evidence.Evidence {
	return []evidence.Evidence{
		s.field("proc.exepath", "memfd:program"), s.field("proc.pname", "event-generator"),
		s.field("container.name", "peaceful_mestorf"), s.field("container.id", "c61b4b13ae44"),
		s.field("proc.cmdline", "3 run helper.DoNothing"), ruleSource,
		{Kind: evidence.Observation, Ref: s.v("sysctl"), Value: s.v("vm.memfd_noexec = 0")},
		{Kind: evidence.Alert, Ref: s.v("falco.log:19"), Value: s.v("Terminal shell in container")},
	}
}

func (s shape) document() *report.Document {
	e := s.facts()
	at := time.Date(2024, 10, 5, 13, 0, 46, 937782756, time.UTC)
	return &report.Document{
		ID: "k-5f0c1e7a", Title: s.v("Fileless execution via memfd_create"),
		Headline: s.say(because(e[0], e[1]), "", "event-generator", " ran a program from memory in container ", "peaceful_mestorf"),
		Severity: "info",
		Verdict: report.Verdict{Class: "test", Confidence: 0.9,
			Reasons:  []evidence.Statement{s.say(because(e[1]), "The parent ", "event-generator", " is the test tool of the Falco project.")},
			Unknowns: []evidence.Statement{s.say(because(ruleSource), "Who started it.")}},
		Alerts: report.Alerts{Count: 2, First: at, Last: at.Add(75 * time.Second), Rule: s.v("Fileless execution via memfd_create"),
			Each: []report.AlertRef{
				{File: s.v("falco.log"), Line: 3, UUID: s.v("cec8d1cb-e854-45bf-a0bf-b7aa73707b4a"), Time: at},
				{File: s.v("falco.log"), Line: 19}},
			Why: s.say(because(e[3]), "They are the same rule, program and container ", "c61b4b13ae44", ".")},
		Sections: s.sections(e),
	}
}

func (s shape) sections(e []evidence.Evidence) []report.Section {
	section := func(id, title string, blocks ...report.Block) report.Section {
		return report.Section{ID: id, Title: s.w(title), Blocks: blocks}
	}
	return []report.Section{
		section(report.Summary, "Summary",
			report.Paragraph{Statements: []evidence.Statement{
				s.say(because(e[0], e[2], e[3]), "A program that was stored only in memory, ", "memfd:program", ", was executed in container ", "peaceful_mestorf", " (", "c61b4b13ae44", ")."),
				s.say(because(e[5]), "Falco's priority Critical is the fixed value of this rule, not a measure of this event."),
				s.say(because(e[7]), "", "falco.log:19", " came from the same container.")}},
			report.Paragraph{Statements: []evidence.Statement{
				s.say(because(e[1], e[4]), "It is what the action syscall.FilelessExecutionViaMemfdCreate of the Falco event-generator does.")}}),
		section(report.EventDetails, "Event Details", s.table(e), s.timeline(e), s.tree(e)),
		section(report.PossibleMisuse, "Possible Misuse", report.Heading{Text: s.w("What it is")}, report.List{Ordered: true, Items: []evidence.Statement{
			s.say(because(e[1], e[4]), "A security test: parent and arguments agree with the source of the tool."),
			s.say(because(e[1]), "An attacker who imitates the tool: the name ", "event-generator", " can be forged.")}}),
		section(report.Mitigation, "Mitigation Strategies", s.contain(e), s.prevent(e)),
		section(report.Unknown, "What this alert cannot tell", report.List{Items: []evidence.Statement{
			s.say(because(ruleSource), "Which process it was: proc.pid is not in the alert."),
			s.say(because(ruleSource), "Who started it: ask the operator.")}}),
		section(report.Conclusion, "Conclusion", report.Paragraph{Statements: []evidence.Statement{
			s.say(because(e[1]), "The alert is a correct detection of a harmless test.")}}),
		section(report.Recommendations, "Recommendations", report.List{Ordered: true, Items: []evidence.Statement{
			s.say(because(e[3]), "Ask the owner of container ", "c61b4b13ae44", " whether the test was intended.")}}),
		section(report.EvidenceList, "Evidence", s.references(e)),
	}
}

func (s shape) timeline(e []evidence.Evidence) report.Timeline {
	at := time.Date(2024, 10, 5, 13, 0, 46, 0, time.UTC)
	return report.Timeline{Rows: []report.Moment{
		{First: at, Last: at, Count: 1, What: s.say(because(e[7]), "", "Fileless execution via memfd_create", " (defense evasion)"),
			Process: s.say(because(e[7]), "", "3 run helper.DoNothing"), User: s.say(because(e[7]), "", "root", ", login ", "1000")},
		{First: at.Add(time.Minute), Last: at.Add(2 * time.Minute), Count: 12, What: s.say(because(e[7]), "", "Read sensitive file untrusted")},
	}}
}

func (s shape) tree(e []evidence.Evidence) report.Tree {
	return report.Tree{Items: []report.Branch{
		{Depth: 0, Say: s.say(because(e[7]), "", "containerd-shim")},
		{Depth: 1, Say: s.say(because(e[7]), "", "event-generator run syscall", ", 3 alerts")},
		{Depth: 20, Say: s.say(because(e[7]), "", "3 run helper.DoNothing")},
	}}
}

func (s shape) table(e []evidence.Evidence) report.Table {
	row := func(name, v string, meaning evidence.Statement) report.Row {
		return report.Row{Field: s.v(name), Value: s.v(v), Meaning: meaning, Evidence: s.field(name, v)}
	}
	return report.Table{Rows: []report.Row{
		row("proc.exepath", "memfd:program", s.say(because(e[0]), "No file on disk: the image is an anonymous memory file called ", "program", ".")),
		row("proc.cmdline", "3 run helper.DoNothing", s.say(because(e[4]), "Arguments of the copy in memory; helper.DoNothing returns at once.")),
		row("container.start_ts", "1728133229850062067", s.say(because(e[3]), "13:00:29 UTC, 17 s before the event.")),
		row("proc.aname[2]", "containerd-shim", evidence.Statement{}),
		{Field: s.v("proc.tty"), Null: true, Evidence: evidence.Evidence{Kind: evidence.Field, Ref: s.v("proc.tty"), Value: "null", Literal: true}},
		row("evt.arg.flags", "EXE_WRITABLE|EXE_FROM_MEMFD", s.say(because(e[5]), "The image is a memfd and the caller may write it.")),
	}}
}

func (s shape) contain(e []evidence.Evidence) report.Steps {
	return report.Steps{Title: s.w("Collect evidence"), Items: []report.Step{{
		Title: s.w("Find the container"), Control: "inspect-container",
		Say:     s.say(because(e[3]), "Shows image, arguments and privileges of ", "c61b4b13ae44", "."),
		Needs:   []evidence.Statement{s.say(because(e[5]), "Docker, and the container must still exist.")},
		Effects: []evidence.Statement{s.say(because(e[5]), "Changes nothing.")},
		Code: []report.Code{{Language: "sh", Text: "docker inspect -f '{{.Config.Image}} {{.Args}}' " + s.v("c61b4b13ae44") + "\n",
			Note: s.say(because(e[5]), "With Docker.")}},
		Expect: []evidence.Statement{s.say(because(e[5]), "For a test the image is ", "falcosecurity/event-generator", ".")},
	}, {
		Say:  s.say(because(e[5]), "Processes that run from a memfd right now."),
		Code: []report.Code{{Language: "sh", Text: "sudo find /proc -maxdepth 2 -name exe -lname '/memfd:*'"}},
	}}}
}

func (s shape) prevent(e []evidence.Evidence) report.Steps {
	return report.Steps{Title: s.w("Prevent"), Items: []report.Step{{
		Title: s.w("Refuse to execute memfds, host-wide (vm.memfd_noexec)"), Control: "memfd-noexec",
		Say: s.say(because(e[5]), "Programs that do not ask for an executable memfd get one that cannot be executed."),
		Needs: []evidence.Statement{s.say(because(e[5]), "Linux 6.3 or later."),
			s.say(because(e[5]), "runc 1.2 or later: with 1.1.15 no container starts.")},
		Effects: []evidence.Statement{s.say(because(e[5]), "Programs that execute memfds without MFD_EXEC fail.")},
		Code: []report.Code{{Language: "sh", Text: "sudo sysctl -w vm.memfd_noexec=1"},
			{Language: "sh", Note: s.say(because(e[5]), "Keep it over a reboot."),
				Text: "sudo tee /etc/sysctl.d/60-memfd-noexec.conf >/dev/null <<'EOF'\n\tvm.memfd_noexec = 1\nEOF\n"}},
		Check:     []report.Code{{Language: "sh", Text: "sysctl -n vm.memfd_noexec", Note: s.say(because(e[5]), "Prints 1.")}},
		Undo:      []report.Code{{Language: "sh", Text: "sudo rm /etc/sysctl.d/60-memfd-noexec.conf && sudo sysctl -w vm.memfd_noexec=0"}},
		Fit:       "fits",
		FitReason: s.say(because(e[6]), "Seen: ", "vm.memfd_noexec = 0", "."),
	}}}
}

func (s shape) references(e []evidence.Evidence) report.References {
	var refs report.References
	for i, one := range e {
		r := report.Reference{Number: i + 1, Evidence: one}
		if one.Kind == evidence.Source {
			r.Title, r.URL = s.w("Falco's rules, release 5.1.0"), "https://github.com/falcosecurity/rules"
		}
		refs.Items = append(refs.Items, r)
	}
	return refs
}

// small is a document that is only listed.
func (s shape) small() *report.Document {
	return &report.Document{ID: "k-2", Title: s.w("Alert Analysis Report"), Severity: "medium", Verdict: report.Verdict{Class: "suspicious", Confidence: 0.6},
		Headline: s.say(because(field("proc.name", "nc")), "", "nc", " opened a connection"), Alerts: report.Alerts{Count: 17}}
}

func (s shape) input() report.Input {
	return report.Input{Files: []string{s.v("falco.log"), s.v("old.log")}, Alerts: 20, Matched: 20, Passed: 4, Kinds: 3, Unreported: 1, Limit: 1,
		Broken: []report.Broken{{File: s.v("falco.log"), Line: 7, Reason: s.v("unexpected end of JSON")}}, BrokenTotal: 3}
}

// show renders the documents of the shape in a format.
func (s shape) show(t testing.TB, format string, opt Options) string {
	t.Helper()
	return show(t, format, opt, s.input(), s.document(), s.small(), s.small(), s.document())
}

func show(t testing.TB, format string, opt Options, in report.Input, docs ...*report.Document) string {
	t.Helper()
	var b bytes.Buffer
	r, err := New(format, &b, opt)
	if err != nil {
		t.Fatal(err)
	}
	early := in
	early.Broken = nil
	for _, d := range docs {
		if len(d.Sections) > 0 {
			early.Reports = append(early.Reports, d)
		}
	}
	if err := r.Begin(early); err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		if err := r.Document(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.End(in); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// swallow makes a shape's function that puts s in the place of every text.
func swallow(s string) func(string) string { return func(string) string { return s } }
