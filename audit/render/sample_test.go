package render

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// nasty has something for every format.
const nasty = "3 \x1b[2J\u202egnp.exe | a \\| `b` ```\n# Heading\n- [x](javascript:alert(1)) <script>alert(1)</script> </mark></div>&lt; *bold* \u200b\U000e0041\xff\x85 \"q\" 'q'"

// text is a report of no real alert, with a claim of every judgement: one
// inside of another, one over two lines, two that overlap.
const reportText = "# Verdict\r\n\r\n" +
	"A shell was opened by `nginx` on web-1,\nwhich is certainly the work of an APT.\n\n" +
	"| Field | Value |\n|---|---|\n| caf\u00e9.name | `nginx` |\n\n" +
	"```sh\nsudo chmod -R 777 /etc\ncat > /etc/x.conf <<EOF\na = b\nEOF\nfalco restart\n```\n\nThat makes it safe, says v9."

func field(name, v string) evidence.Evidence {
	return evidence.Evidence{Kind: evidence.Field, Ref: name, Value: v}
}

func because1(ref string) []evidence.Evidence {
	return []evidence.Evidence{{Kind: evidence.Source, Ref: ref}}
}

// say makes a statement: odd arguments are our words, even ones values.
func say(why []evidence.Evidence, texts ...string) evidence.Statement {
	s := evidence.Statement{Evidence: why}
	for i, t := range texts {
		s.Spans = append(s.Spans, evidence.Span{Text: t, Value: i%2 == 1})
	}
	return s
}

// sample audits the report by hand; every value goes through v.
func sample(t testing.TB, v func(string) string) *Audited {
	at := func(words string, kind finding.Kind, j finding.Judgement, why evidence.Statement, suggestion string) finding.Finding {
		i := strings.Index(reportText, words)
		if i < 0 {
			t.Fatalf("%q is not in the report", words)
		}
		return finding.Finding{Start: i, End: i + len(words), Kind: kind, Judgement: j, Reason: why, Suggestion: suggestion}
	}
	parent := []evidence.Evidence{field("proc.pname", v("bash")), {Kind: evidence.Field, Ref: v("proc.tty"), Value: "null", Literal: true}}
	return &Audited{
		Name: v("report.md"), Report: []byte(reportText), Alerts: 2,
		Broken: []report.Broken{{File: v("alerts.log"), Line: 3, Reason: v("unexpected end")}},
		Findings: []finding.Finding{
			at("which is certainly the work of an APT", finding.Inference, finding.Unsupported, say(because1("triage"), "No field of an alert names an author."), ""),
			at("A shell was opened by `nginx` on web-1,\nwhich", finding.Fact, finding.Contradicted, say(parent, "The parent was ", v("bash"), "."), "The parent is the field proc.pname."),
			at("web-1", finding.Fact, finding.Supported, say([]evidence.Evidence{field("hostname", v("web-1"))}, "The field hostname has ", v("web-1"), "."), ""),
			at("Verdict", finding.Inference, finding.Unchecked, say(because1("triage"), "Nothing says what is meant."), ""),
			at("caf\u00e9.name", finding.Identity, finding.Contradicted, say(because1("falco-docs#fields"), "Falco has no such field."), ""),
			at("sudo chmod -R 777 /etc", finding.Command, finding.Harmful, say(because1("man-chmod"), "Everybody could write all of /etc."), "Leave the modes as they are, or restore them:\ndpkg -V\napt-get install --reinstall base-files"),
			at("cat > /etc/x.conf <<EOF\na = b\nEOF", finding.Config, finding.Broken, say(because1("triage"), "No program reads this file."), ""),
			at("falco restart", finding.Command, finding.Broken, say(because1("falco-docs"), "falco has no command ", v("restart"), "."), "sudo systemctl restart falco"),
			at("v9", finding.Fact, finding.Supported, say(because1("falco-docs"), "There is a release 9."), ""),
		},
		Missing: []finding.Finding{{Kind: finding.Omission, Judgement: finding.Unsupported, Reason: say([]evidence.Evidence{field("rule", v("Terminal shell"))}, "The rule, ", v("Terminal shell"), ", is not named."), Suggestion: "Name it."}},
	}
}

func same(s string) string { return s }

func swallow(s string) func(string) string { return func(string) string { return s } }

// hostile is an audit of a report of any bytes, in which everything is a
// claim: the whole, its lines and pieces of them.
func hostile(text string) *Audited {
	a := &Audited{Name: text, Report: []byte(text), Alerts: 1}
	judgements := worstFirst
	add := func(start, end int) {
		n := len(a.Findings)
		kind := []finding.Kind{finding.Fact, finding.Command}[n%2]
		a.Findings = append(a.Findings, finding.Finding{Start: start, End: end, Kind: kind, Judgement: judgements[n%len(judgements)],
			Reason: say([]evidence.Evidence{field(text, text)}, "It says ", text, "."), Suggestion: text})
	}
	add(0, len(text))
	for i, step := 0, max(1, len(text)/7); i < len(text); i += step {
		add(i, min(len(text), i+step/2+1))
		add(i, min(len(text), i+2*step))
	}
	a.Missing = []finding.Finding{{Kind: finding.Omission, Judgement: finding.Unsupported, Reason: say([]evidence.Evidence{field("x", text)}, "Without ", text), Suggestion: text}}
	return a
}

func sources(ref string) (string, string) {
	if ref == "falco-docs" {
		return "Falco's documentation", "https://falco.org/docs/"
	}
	return "", ""
}

func show(t testing.TB, format string, a *Audited, opt Options) string {
	t.Helper()
	opt.Source = sources
	var b bytes.Buffer
	if err := Write(&b, format, a, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
