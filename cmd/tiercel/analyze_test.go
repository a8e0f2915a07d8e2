package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// result is what a user gets of one call.
type result struct {
	code        int
	out, stderr string
}

// call runs the command as main does, with files in the place of a terminal.
func call(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	out, errs := file("out"), file("err")
	r := result{code: run(context.Background(), args, terminal{strings.NewReader(stdin), out, errs})}
	for _, x := range []struct {
		f    *os.File
		text *string
	}{{out, &r.out}, {errs, &r.stderr}} {
		text, err := os.ReadFile(x.f.Name())
		if err != nil {
			t.Fatal(err)
		}
		*x.text = string(text)
	}
	return r
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "falco.log")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const seedFile = "../../testdata/seed.json"

// TestSeedReports holds the report of the seed's alert in every format.
func TestSeedReports(t *testing.T) {
	for format, golden := range map[string]string{"markdown": "seed.md", "terminal": "seed.txt", "html": "seed.html", "json": "seed.out.json"} {
		t.Run(format, func(t *testing.T) {
			r := call(t, read(t, seedFile), "analyze", "-f", format, "-")
			if r.code != exitFine || r.stderr != "" {
				t.Fatalf("exit code %d, stderr %q", r.code, r.stderr)
			}
			path := filepath.Join("testdata", golden)
			if *update {
				if err := os.WriteFile(path, []byte(r.out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, path); r.out != want {
				t.Errorf("differs from %s; make golden, then look at the difference", path)
			}
		})
	}
}

// TestIncidentReports holds the report of a recorded attack: root's session in
// which secrets were read, with what a daemon did beside it.
func TestIncidentReports(t *testing.T) {
	log := read(t, "../../testdata/corpus/atk-06-credential-theft.jsonl")
	for format, golden := range map[string]string{"markdown": "incident.md", "terminal": "incident.txt", "html": "incident.html", "json": "incident.out.json", "jsonl": "incident.out.jsonl"} {
		t.Run(format, func(t *testing.T) {
			r := call(t, log, "analyze", "-f", format, "-")
			if r.code != exitFine || r.stderr != "" {
				t.Fatalf("exit code %d, stderr %q", r.code, r.stderr)
			}
			path := filepath.Join("testdata", golden)
			if *update {
				if err := os.WriteFile(path, []byte(r.out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, path); r.out != want {
				t.Errorf("differs from %s; make golden, then look at the difference", path)
			}
		})
	}
}

// TestAttackUnderNoise reads what a person sees of an attack among the work of
// others: the attack first, all ordinary work below as one line each, and every
// alert counted once.
func TestAttackUnderNoise(t *testing.T) {
	log := read(t, "../../testdata/corpus/mix-01-attack-under-noise.jsonl")
	out := call(t, log, "analyze", "-f", "markdown", "-").out
	alerts, rows := 0, regexp.MustCompile(`(?m)^\| (critical|high|medium|low|informational) \| ([a-z ]+) \| (\d+) \|`).FindAllStringSubmatch(out, -1)
	for _, row := range rows {
		n, err := strconv.Atoi(row[3])
		if err != nil {
			t.Fatal(err)
		}
		alerts += n
	}
	if want := strings.Count(log, "\n"); alerts != want || len(rows) > 10 || rows[0][1] != "critical" || rows[0][2] != "attack" {
		t.Errorf("%d of %d alerts in %q", alerts, want, rows)
	}
	if n := strings.Count(out, "# Also seen"); n != 1 || strings.Contains(out, "\n# Ordinary work") {
		t.Errorf("ordinary work is not one list: %d", n)
	}
}

// TestEveryAlertIsAssignedOnce holds the lines of jsonl against the input and
// against the incidents of JSON.
func TestEveryAlertIsAssignedOnce(t *testing.T) {
	log := read(t, "../../testdata/corpus/mix-01-attack-under-noise.jsonl")
	schema := schemaFile(t, "assignment")
	var whole struct {
		Incidents []struct {
			ID     string `json:"id"`
			Count  int    `json:"count"`
			Alerts []struct {
				Line int `json:"line"`
			} `json:"alerts"`
		} `json:"incidents"`
	}
	if err := json.Unmarshal([]byte(call(t, log, "analyze", "-f", "json", "-").out), &whole); err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for _, i := range whole.Incidents {
		if i.Count != len(i.Alerts) {
			t.Errorf("%s: %d alerts, %d named", i.ID, i.Count, len(i.Alerts))
		}
		for _, a := range i.Alerts {
			want[a.Line] = i.ID
		}
	}
	lines := strings.Split(strings.TrimSpace(call(t, log, "analyze", "-f", "jsonl", "-").out), "\n")
	got := map[int]string{}
	for _, line := range lines {
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(parsed); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		var a struct {
			Line     int    `json:"line"`
			Incident string `json:"incident"`
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if a.Incident == "" {
			continue // the counts
		}
		if got[a.Line] != "" {
			t.Errorf("line %d is in two incidents", a.Line)
		}
		got[a.Line] = a.Incident
	}
	if n := strings.Count(log, "\n"); len(got) != n || len(lines) != n+1 || !maps.Equal(got, want) {
		t.Errorf("%d of %d alerts, %d lines", len(got), n, len(lines))
	}
}

// TestSeedSaysWhatAnExpertWould names the facts that decide the seed's case.
func TestSeedSaysWhatAnExpertWould(t *testing.T) {
	out := call(t, "", "analyze", seedFile).out
	for _, want := range []string{
		"security test", "Confidence: high", "Our severity: informational",
		"Not a PID. The program was executed through a file descriptor", "gave to memfd_create", "event-generator, the test tool of the Falco project",
		"syscall.FilelessExecutionViaMemfdCreate", "/dev/pts/0", "17.09 s before the event", "1728133229850062067",
		"No containment is advised", "Ask whether the test was intended", "imitates the test tool",
		"Which process was it", "proc.pid", "T1620",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	for _, never := range []string{"APT", "malware of", "compromised host", "/etc/mtab", "psutil"} {
		if strings.Contains(out, never) {
			t.Errorf("the report says %q", never)
		}
	}
}

func TestExitCodes(t *testing.T) {
	seed := strings.TrimSpace(read(t, seedFile))
	for _, c := range []struct {
		name   string
		stdin  string
		args   []string
		code   int
		stderr string // a part of it
	}{
		{"fine", seed, []string{"analyze", "-"}, exitFine, ""},
		{"a finding", seed, []string{"analyze", "--fail-on", "info", "-"}, exitFindings, ""},
		{"no finding of that severity", seed, []string{"analyze", "--fail-on", "low", "-"}, exitFine, ""},
		{"a broken line", seed + "\n{\"rule\": \"cut off\n", []string{"analyze", "-"}, exitBadInput, "stdin:2: "},
		{"no such file", "", []string{"analyze", "/no/such/file"}, exitBadInput, "/no/such/file: no such file"},
		{"a directory", "", []string{"analyze", "/tmp"}, exitBadInput, "/tmp: is a directory"},
		{"empty input", "", []string{"analyze", "-"}, exitBadInput, "stdin: is empty"},
		{"no alert", "$ ls\n", []string{"analyze", "-"}, exitFine, "no Falco alert found in - (1 other lines)"},
		{"no file", "", []string{"analyze"}, exitBadInput, "no file given"},
		{"unknown flag", "", []string{"analyze", "--frobnicate", "-"}, exitBadInput, "unknown flag --frobnicate"},
		{"unknown severity", "", []string{"analyze", "--fail-on", "awful", "-"}, exitBadInput, `no severity "awful"`},
		{"unknown priority", "", []string{"analyze", "--min-priority", "loud", "-"}, exitBadInput, `no priority "loud"`},
		{"wrong condition", "", []string{"analyze", "--where", "proc.name =", "-"}, exitBadInput, "--where: "},
		{"unknown rule", "", []string{"knowledge", "show", "No such rule"}, exitBadInput, `"No such rule"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call(t, c.stdin, c.args...)
			if r.code != c.code || !strings.Contains(r.stderr, c.stderr) {
				t.Errorf("exit code %d, want %d; stderr %q, want %q in it", r.code, c.code, r.stderr, c.stderr)
			}
		})
	}
}

// TestBadInputLosesNothingGood has a good alert on each side of what is bad.
func TestBadInputLosesNothingGood(t *testing.T) {
	seed := strings.TrimSpace(read(t, seedFile))
	good := func(host string) string { return strings.Replace(seed, "mini-debian-lab", host, 1) }
	for name, bad := range map[string]string{
		"cut off": `{"rule": "cut off`, "NUL": `{"rule":"a` + "\x00" + `","priority":"Notice","output":"x"}`,
		"broken UTF-8": `{"rule":"a` + "\xff" + `","priority":"Notice","output":"x"}`,
		"too deep":     `{"rule":"a","output":"x","x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}",
		"too long":     `{"rule":"a","output":"` + strings.Repeat("a", 20<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := call(t, good("one")+"\n"+bad+"\n"+good("two")+"\n", "analyze", "-f", "json", "-")
			var got struct {
				Input struct {
					Alerts int
					Broken []struct{ Line int }
				}
				Incidents []struct{}
			}
			if err := json.Unmarshal([]byte(r.out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Input.Alerts != 2 || len(got.Input.Broken) != 1 || got.Input.Broken[0].Line != 2 || len(got.Incidents) != 2 {
				t.Errorf("got %+v", got)
			}
			if r.code != exitBadInput || !strings.HasPrefix(r.stderr, "stdin:2: ") {
				t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
			}
		})
	}
}

func TestGzipAndTwoFiles(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(read(t, seedFile))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := call(t, "", "analyze", "-f", "json", write(t, zipped.String()), seedFile)
	if strings.Count(r.out, `"line":`) < 2 || !strings.Contains(r.out, `"alerts":2`) && !strings.Contains(r.out, `"alerts": 2`) {
		t.Errorf("not two alerts: %.300s", r.out)
	}
}

func TestFiltersKeepAndDrop(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		kept bool
	}{
		{"priority reached", []string{"--min-priority", "critical"}, true},
		{"priority not reached", []string{"--min-priority", "Emergency"}, false},
		{"rule", []string{"--rule", "Fileless execution via memfd_create"}, true},
		{"other rule", []string{"--rule", "Find AWS Credentials"}, false},
		{"condition", []string{"--where", "container.id != host and proc.tty > 0"}, true},
		{"condition false", []string{"--where", "proc.pname = bash"}, false},
		{"since", []string{"--since", "2024-10-05T13:00:00Z"}, true},
		{"until", []string{"--until", "2024-10-05T13:00:00Z"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call(t, "", append([]string{"analyze", seedFile}, c.args...)...)
			if got := strings.Contains(r.out, "memfd:program"); got != c.kept {
				t.Errorf("kept %v, want %v: %.200s", got, c.kept, r.out)
			}
		})
	}
}

func TestUndecidedFilterIsSaid(t *testing.T) {
	r := call(t, "", "analyze", "--where", "proc.pid = 1", seedFile)
	if !strings.Contains(r.stderr, "--where could not be decided for 1 alerts that lack one of proc.pid") {
		t.Errorf("stderr %q", r.stderr)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	log := `{"rule":"Custom","priority":"Notice","source":"syscall","time":"2026-01-01T00:00:00Z","output":"00:00:00.0: Notice x | command=mysql -pS3cret",` +
		`"output_fields":{"proc.cmdline":"mysql -pS3cret db","proc.env":"AWS_SECRET_ACCESS_KEY=abcdef"}}`
	for _, format := range []string{"markdown", "terminal", "html", "json"} {
		r := call(t, log, "analyze", "-f", format, "-")
		if strings.Contains(r.out, "S3cret") || strings.Contains(r.out, "abcdef") {
			t.Errorf("%s shows a secret", format)
		}
		if !strings.Contains(r.stderr, "--show-secrets") {
			t.Errorf("%s: stderr does not say so: %q", format, r.stderr)
		}
		if r = call(t, log, "analyze", "-f", format, "--show-secrets", "-"); !strings.Contains(r.out, "S3cret") {
			t.Errorf("%s --show-secrets hides it", format)
		}
	}
}

func TestOutputFileAndFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "report.md")
	if r := call(t, "", "analyze", "-o", file, seedFile); r.code != exitFine || r.out != "" {
		t.Fatalf("exit code %d, stdout %q, stderr %q", r.code, r.out, r.stderr)
	}
	if !strings.Contains(read(t, file), "security test") {
		t.Error("the file has no report")
	}
	folder := filepath.Join(dir, "reports") + "/"
	if r := call(t, "", "analyze", "-f", "html", "-o", folder, seedFile, "../../testdata/corpus/atk-01-memfd-exec.jsonl"); r.code != exitFine {
		t.Fatalf("exit code %d, stderr %q", r.code, r.stderr)
	}
	names, err := filepath.Glob(folder + "*.html")
	if err != nil || len(names) != 3 { // the attack, the test, the index; the login beside the attack is only listed
		t.Errorf("files: %v, %v", names, err)
	}
	if !strings.Contains(read(t, folder+"index.html"), "security test") {
		t.Error("the index does not list the seed")
	}
}

func TestContextIsCited(t *testing.T) {
	context := write(t, `- test: game-day
  when: hostname = mini-debian-lab
  from: 2024-10-05T12:00:00Z
  to: 2024-10-05T14:00:00Z
  say: "Game day on {hostname}."
- asset: lab
  when: hostname startswith mini-
  value: low
`)
	r := call(t, "", "analyze", "--context", context, "-f", "json", seedFile)
	if !strings.Contains(r.out, "Game day on mini-debian-lab.") || !strings.Contains(r.out, "context:"+context+"#game-day") {
		t.Errorf("not cited; stderr %q", r.stderr)
	}
	bad := write(t, "- test: x\n  when: proc.name =\n")
	if r := call(t, "", "analyze", "--context", bad, seedFile); r.code != exitBadInput || !strings.Contains(r.stderr, bad+":1: when: ") {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
}

func TestOwnRuleFileExplainsACustomRule(t *testing.T) {
	rules := write(t, "- rule: Canary token read\n  desc: Somebody read the canary file.\n  condition: open_read\n  output: canary (file=%fd.name)\n  priority: ERROR\n  tags: [T1083]\n")
	log := `{"rule":"Canary token read","priority":"Error","source":"syscall","hostname":"h","time":"2026-01-01T00:00:00Z","tags":["T1083"],"output":"00:00:00.0: Error canary (file=/srv/canary)","output_fields":{"fd.name":"/srv/canary"}}`
	r := call(t, log, "analyze", "--rules", rules, "-")
	for _, want := range []string{"no reviewed profile", "Somebody read the canary file.", "T1083"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the report does not say %q:\n%.1500s", want, r.out)
		}
	}
}

func TestLostEventsLowerTheConfidence(t *testing.T) {
	drop := `{"rule":"Falco internal: syscall event drop","priority":"Debug","source":"internal","hostname":"mini-debian-lab","time":"2024-10-05T13:01:00Z","output":"Falco internal: syscall event drop. 12 system calls dropped in last second.","output_fields":{"n_drops":"12"}}`
	confidence := func(stdin string) float64 {
		var got struct {
			Incidents []struct {
				Verdict struct {
					Class      string
					Confidence float64
				}
			}
		}
		if err := json.Unmarshal([]byte(call(t, stdin, "analyze", "-f", "json", "-").out), &got); err != nil {
			t.Fatal(err)
		}
		for _, i := range got.Incidents {
			if i.Verdict.Class == "test" {
				return i.Verdict.Confidence
			}
		}
		t.Fatal("no test found")
		return 0
	}
	seed := strings.TrimSpace(read(t, seedFile))
	if whole, shaken := confidence(seed), confidence(seed+"\n"+drop+"\n"); shaken >= whole {
		t.Errorf("confidence %v with lost events, %v without", shaken, whole)
	}
}

func TestSameInputGivesTheSameOutput(t *testing.T) {
	args := []string{"analyze", "-f", "json", "../../testdata/corpus/mix-01-attack-under-noise.jsonl"}
	first := call(t, "", args...).out
	for range 5 {
		if again := call(t, "", args...).out; again != first {
			t.Fatal("the output differs from run to run")
		}
	}
}

func TestHelpShowsExamples(t *testing.T) {
	for _, args := range [][]string{{"analyze", "--help"}, {"knowledge", "list", "--help"}, {"knowledge", "show", "--help"}, {"knowledge", "lint", "--help"}, {"version", "--help"}} {
		r := call(t, "", args...)
		if r.code != exitFine || !strings.Contains(r.out, "Example") {
			t.Errorf("%v: exit code %d, %q", args, r.code, r.out)
		}
	}
}

func schemaFile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/" + name + "-v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestJSONKeepsItsSchema validates what is written for the whole corpus.
func TestJSONKeepsItsSchema(t *testing.T) {
	schema := schemaFile(t, "analysis")
	files, err := filepath.Glob("../../testdata/corpus/*.jsonl")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, args := range [][]string{append(files, seedFile), append([]string{"--max-reports", "1"}, files...), {"-"}} {
		r := call(t, "", append([]string{"analyze", "-q", "-f", "json"}, args...)...)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(r.out))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}
