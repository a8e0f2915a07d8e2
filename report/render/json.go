package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/report"
)

// Schema names the machine output; docs/schema/analysis-v1.schema.json
// describes it.
const Schema = "tiercel/analysis/v1"

// machine writes the machine output, one incident a line. "input" comes last,
// as its counts are known last.
type machine struct {
	out  out
	many bool
	err  error
}

func (m *machine) Begin(report.Input) error {
	m.out.put(`{"schema":`)
	m.write(Schema)
	m.out.put(`,"incidents":[`)
	return m.done()
}

func (m *machine) Document(d *report.Document) error {
	if err := checkEvidence(d); err != nil {
		return err
	}
	if m.many {
		m.out.put(",")
	}
	m.many = true
	m.out.put("\n{")
	m.member("id", d.ID, "")
	m.member("headline", d.Headline.Text(), ",")
	m.member("headline_evidence", jsonEvidence(d.Headline.Evidence), ",")
	m.member("severity", d.Severity, ",")
	m.member("verdict", jsonVerdict{d.Verdict.Class, d.Verdict.Confidence,
		jsonStatements(d.Verdict.Reasons), jsonStatements(d.Verdict.Unknowns)}, ",")
	m.member("count", d.Alerts.Count, ",")
	m.member("repeats", d.Alerts.Repeats, ",")
	m.member("kinds", max(1, d.Alerts.Kinds), ",")
	m.member("standing", jsonStanding{d.Standing.New, d.Standing.Rare, jsonStatements(d.Standing.Statements)}, ",")
	m.member("first", jsonTime(d.Alerts.First), ",")
	m.member("last", jsonTime(d.Alerts.Last), ",")
	m.alerts(d.Alerts)
	m.member("report", jsonReportOf(d), ",")
	m.out.put("}")
	return m.done()
}

func (m *machine) End(in report.Input) error {
	in.Files = append([]string{}, in.Files...)
	in.Broken = append([]report.Broken{}, in.Broken...)
	m.out.put("\n]")
	m.member("input", in, ",")
	m.out.put("}\n")
	if err := m.done(); err != nil {
		return err
	}
	return m.out.Flush()
}

// alerts writes one entry at a time: there may be millions, all with the same
// reason.
func (m *machine) alerts(a report.Alerts) {
	m.out.put(`,"alerts":[`)
	why := m.marshal(jsonStatementOf(a.Why))
	rule := m.marshal(a.Rule)
	for i, e := range a.Each {
		if i > 0 {
			m.out.put(",")
		}
		m.write(m.alert(e, rule, why))
	}
	m.out.put("]")
}

func (m *machine) alert(e report.AlertRef, rule, why json.RawMessage) jsonAlert {
	j := jsonAlert{e.File, e.Line, orNull(e.UUID), rule, jsonTime(e.Time), why, e.Repeat}
	if e.Rule != "" {
		j.Rule = m.marshal(e.Rule)
	}
	if e.Why != nil {
		j.Why = m.marshal(jsonStatementOf(*e.Why))
	}
	return j
}

func (m *machine) member(name string, v any, before string) {
	m.out.put(before, `"`, name, `":`)
	m.write(v)
}

func (m *machine) write(v any) { _, _ = m.out.Write(escapeJSON(m.marshal(v))) }

func (m *machine) marshal(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil && m.err == nil {
		m.err = fmt.Errorf("render: %w", err)
	}
	return text
}

func (m *machine) done() error {
	if m.err != nil {
		return m.err
	}
	return m.out.err()
}

// escapeJSON escapes what encoding/json leaves and a screen may obey: C1
// controls, bidi and other invisible characters. Only strings have such.
func escapeJSON(text []byte) []byte {
	start := bytes.IndexFunc(text, jsonHidden)
	if start < 0 {
		return text
	}
	safe := append(make([]byte, 0, len(text)+64), text[:start]...)
	for rest := text[start:]; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case !jsonHidden(r):
			safe = append(safe, rest[:n]...)
		case r < 0x10000:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			safe = fmt.Appendf(safe, `\u%04x\u%04x`, high, low)
		}
		rest = rest[n:]
	}
	return safe
}

func jsonHidden(r rune) bool { return r >= 0x7f && hidden(r) }

// jsonTime is null for no time, else RFC 3339 in UTC with all known digits.
func jsonTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339Nano)
	return &text
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func jsonStatementOf(s evidence.Statement) *jsonStatement {
	if s.Empty() {
		return nil
	}
	return &jsonStatement{Text: s.Text(), Evidence: jsonEvidence(s.Evidence)}
}

func jsonStatements(list []evidence.Statement) []jsonStatement {
	all := []jsonStatement{}
	for _, s := range list {
		if j := jsonStatementOf(s); j != nil {
			all = append(all, *j)
		}
	}
	return all
}

func jsonEvidence(list []evidence.Evidence) []jsonItem {
	all := make([]jsonItem, len(list))
	for i, e := range list {
		all[i] = jsonItem(e)
	}
	return all
}
