package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A report on the seed's alert: what holds, what does not, what harms.
const (
	trueReport = `# Fileless execution via memfd_create

| Field | Value |
| --- | --- |
| container.id | c61b4b13ae44 |
| container.name | peaceful_mestorf |
`
	falseClaim     = "| proc.pname | nginx |\n"
	harmfulCommand = "\n```sh\nsudo chmod -R 777 /etc\n```\n"
)

func writeReport(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.md")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

type audited struct {
	Headline string
	Input    struct {
		Alerts int
		Quoted bool
		Broken []struct{ Line int }
	}
	Summary  map[string]int
	Findings []struct {
		Line            int
		Text, Judgement string
	}
	Missing []struct{ Kind string }
}

func parseAudit(t *testing.T, out string) (a audited) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err == nil {
		err = schemaFile(t, "audit").Validate(value)
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &a)
	}
	if err != nil {
		t.Fatalf("%v: %.300q", err, out)
	}
	return a
}

func TestAuditJSON(t *testing.T) {
	r := call(t, trueReport+falseClaim+harmfulCommand, "audit", "-", "--alert", seedFile, "-f", "json")
	if r.code != exitFindings || r.stderr != "" {
		t.Fatalf("exit code %d, stderr %q", r.code, r.stderr)
	}
	a := parseAudit(t, r.out)
	got := map[string]string{}
	sum := 0
	for _, f := range a.Findings {
		got[f.Text] = f.Judgement
	}
	for _, j := range []string{"supported", "contradicted", "unsupported", "broken", "harmful", "unchecked"} {
		sum += a.Summary[j]
	}
	if sum != a.Summary["claims"] || sum != len(a.Findings) || a.Summary["missing"] != len(a.Missing) {
		t.Errorf("summary %v of %d findings", a.Summary, len(a.Findings))
	}
	for text, want := range map[string]string{"c61b4b13ae44": "supported", "nginx": "contradicted", "sudo chmod -R 777 /etc": "harmful"} {
		found := ""
		for have, j := range got {
			if strings.Contains(have, text) {
				found = j
			}
		}
		if found != want {
			t.Errorf("%s is %q, want %q: %v", text, found, want, got)
		}
	}
	if a.Input.Alerts != 1 || a.Input.Quoted {
		t.Errorf("input %+v", a.Input)
	}
}

func TestAuditFailOn(t *testing.T) {
	harmful, wrong := trueReport+harmfulCommand, trueReport+falseClaim
	for _, c := range []struct {
		text string
		args string
		want int
	}{
		{harmful, "", exitFindings},
		{wrong, "", exitFindings},
		{harmful, "--fail-on=harmful", exitFindings},
		{wrong, "--fail-on=contradicted", exitFindings},
		{wrong, "--fail-on=broken", exitFine},
		{wrong, "--fail-on=unsupported", exitFindings},
		{trueReport, "--fail-on=contradicted", exitFine},
		{harmful, "--fail-on=never", exitFine},
		{harmful, "--fail-on=bad", exitBadInput},
	} {
		args := []string{"audit", "-", "--alert", seedFile}
		if c.args != "" {
			args = append(args, c.args)
		}
		if r := call(t, c.text, args...); r.code != c.want {
			t.Errorf("%q: exit code %d, want %d: %s%s", c.args, r.code, c.want, r.out, r.stderr)
		}
	}
}

func TestAuditInput(t *testing.T) {
	alert := read(t, seedFile)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("report.md", trueReport)
	large := file("large.md", strings.Repeat("x\n", auditReportLimit/2+1))
	many := file("many.jsonl", strings.Repeat(strings.TrimSpace(alert)+"\n", auditAlertLimit+1))
	for name, c := range map[string]struct {
		args  []string
		stdin string
		want  string // on standard error
	}{
		"no report":        {[]string{}, "", "expected"},
		"no such report":   {[]string{filepath.Join(dir, "none.md")}, "", "no such file"},
		"a folder":         {[]string{dir}, "", "is a directory"},
		"too large":        {[]string{large}, "", "is larger than 16 MiB"},
		"empty":            {[]string{"-"}, " \n", "stdin: is empty"},
		"UTF-16":           {[]string{"-"}, "\xff\xfex\x00", "UTF-16"},
		"both from stdin":  {[]string{"-", "--alert", "-"}, alert, "only one"},
		"no such alert":    {[]string{good, "--alert", "none.json"}, "", "--alert: none.json: no such file"},
		"no alert in it":   {[]string{good, "--alert", "-"}, "hello\n", "no Falco alert"},
		"too many alerts":  {[]string{good, "--alert", many}, "", "more than 10000 alerts"},
		"no such format":   {[]string{good, "-f", "pdf"}, "", "--format"},
		"no such folder":   {[]string{good, "-o", filepath.Join(dir, "none", "x.md")}, "", "-o:"},
		"output folder":    {[]string{good, "-o", dir + "/"}, "", "is a folder"},
		"faulty knowledge": {[]string{good, "--knowledge", file("knowledge", "")}, "", "--knowledge"},
	} {
		r := call(t, c.stdin, append([]string{"audit"}, c.args...)...)
		if r.code != exitBadInput || !strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: exit code %d, stderr %q", name, r.code, r.stderr)
		}
	}
}

func TestAuditBrokenAlerts(t *testing.T) {
	log := strings.TrimSpace(read(t, seedFile)) + "\n{\"rule\": \"cut off\n"
	r := call(t, log, "audit", writeReport(t, trueReport), "--alert", "-", "-f", "json")
	a := parseAudit(t, r.out)
	if r.code != exitBadInput || !strings.Contains(r.stderr, "stdin:2: ") {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
	if len(a.Input.Broken) != 1 || a.Input.Broken[0].Line != 2 || a.Input.Alerts != 1 || a.Summary["supported"] == 0 {
		t.Errorf("%+v", a)
	}
}

// TestAuditUsesAllAlerts holds a report on two alerts against both.
func TestAuditUsesAllAlerts(t *testing.T) {
	one := strings.TrimSpace(read(t, seedFile))
	log := one + "\n" + strings.ReplaceAll(one, "c61b4b13ae44", "0123456789ab") + "\n"
	r := call(t, log, "audit", writeReport(t, "container.id is 0123456789ab, and container.id is c61b4b13ae44.\n"), "--alert", "-", "-f", "json")
	a := parseAudit(t, r.out)
	if a.Input.Alerts != 2 || a.Summary["supported"] < 2 || a.Summary["contradicted"] > 0 {
		t.Errorf("%+v", a)
	}
}

func TestAuditFormats(t *testing.T) {
	report := writeReport(t, trueReport+falseClaim+harmfulCommand)
	for format, want := range map[string]string{"markdown": "# Audit of", "terminal": "Harmful (1)", "html": "<!DOCTYPE html>", "auto": "# Audit of"} {
		out := filepath.Join(t.TempDir(), "out")
		r := call(t, "", "audit", report, "--alert", seedFile, "-f", format, "-o", out)
		if text := read(t, out); r.code != exitFindings || r.out != "" || !strings.Contains(text, want) || strings.Contains(text, "\x1b") {
			t.Errorf("%s: exit code %d, %q", format, r.code, text)
		}
	}
	if r := call(t, "", "audit", report, "--alert", seedFile, "-f", "terminal", "--all"); !strings.Contains(r.out, "Holds (") {
		t.Errorf("--all: %s", r.out)
	}
}

// TestAuditWithoutAlert finds what needs no alert, and says that there was none.
func TestAuditWithoutAlert(t *testing.T) {
	r := call(t, trueReport+harmfulCommand, "audit", "-", "-f", "json")
	a := parseAudit(t, r.out)
	if a.Input.Alerts != 0 || a.Summary["harmful"] != 1 || a.Summary["supported"] > 1 || a.Summary["contradicted"] > 0 {
		t.Errorf("%+v", a)
	}
	if r := call(t, trueReport, "audit", "-"); !strings.Contains(r.out, "held against no alert") {
		t.Errorf("%s", r.out)
	}
}

// TestAuditIsTheSameTwice would find an order that depends on a map.
func TestAuditIsTheSameTwice(t *testing.T) {
	text := trueReport + falseClaim + harmfulCommand
	first := call(t, text, "audit", "-", "--alert", seedFile, "-f", "json")
	for range 5 {
		if again := call(t, text, "audit", "-", "--alert", seedFile, "-f", "json"); again.out != first.out {
			t.Fatal("differs")
		}
	}
}
