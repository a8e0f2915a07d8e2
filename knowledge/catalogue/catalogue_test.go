package catalogue_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

func TestBuiltinIsCurrent(t *testing.T) {
	set, problems := catalogue.ReadSet(os.DirFS("../data/catalogue"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want, err := catalogue.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("compiled.zip")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("compiled.zip is not what the files say: run go generate ./knowledge/catalogue")
	}
}

func TestSourcesExist(t *testing.T) {
	set, problems := catalogue.ReadSet(os.DirFS("../data/catalogue"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	known := map[string]bool{}
	entries, err := os.ReadDir("../data/sources")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile("../data/sources/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		var list []*knowledge.Source
		if err := knowledge.DecodeYAML(e.Name(), text, &list); err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			known[s.ID] = true
		}
	}
	for _, id := range set.Cited() {
		if !known[id] {
			t.Errorf("source %q is in no file of data/sources", id)
		}
	}
}

func TestReadSetRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"an unknown file":            {"other.yaml", "[]", "not one of programs"},
		"an unknown key":             {"programs.yaml", "- {program: [a], colour: red}\n", "programs.yaml:1"},
		"a program without a name":   {"programs.yaml", "- {kind: cli}\n", "program: is missing"},
		"an unknown kind":            {"programs.yaml", "\n\n- {program: [a], kind: robot}\n", "programs.yaml:3: kind"},
		"a name that is twice there": {"programs.yaml", "- {program: [a]}\n- {program: [a]}\n", "twice"},
		"a rule without a source":    {"rules.yaml", "- {rule: a, judgement: harmful, programs: [x], text: y, reason: z}\n", "sources"},
		"a rule about nothing":       {"rules.yaml", "- {rule: a, judgement: harmful, reason: z, sources: [s]}\n", "needs one of"},
		"a bad expression":           {"rules.yaml", "- {rule: a, judgement: harmful, programs: [x], text: '(', reason: z, sources: [s]}\n", "missing closing"},
		"a judgement that is none":   {"rules.yaml", "- {rule: a, judgement: evil, programs: [x], reason: z, sources: [s]}\n", "judgement"},
		"an empty entry":             {"names.yaml", "-\n", "empty"},
		"a bad path":                 {"places.yaml", "- {path: '[', exists: 'no'}\n", "missing closing"},
	} {
		_, problems := catalogue.ReadSet(fstest.MapFS{c.file: {Data: []byte(c.text)}})
		if text := problems.Error(); !strings.Contains(text, c.want) {
			t.Errorf("%s: problems are %q, want one with %q", name, text, c.want)
		}
	}
}

func TestLookups(t *testing.T) {
	c := catalogue.Builtin()
	for name, want := range map[string]bool{"bash": true, "zzuf": true, "0ad": true, "psutil": false, "auditd": true, "": false, "falco": false, "#": false} {
		if got := c.DebianPackage(name); got != want {
			t.Errorf("DebianPackage(%q) = %v, want %v", name, got, want)
		}
	}
	if got := c.DebianProgram("auditctl"); got != "auditd" {
		t.Errorf("auditctl is of package %q, want auditd", got)
	}
	if got := c.DebianUnit("rsyslog.service"); got != "rsyslog" {
		t.Errorf("rsyslog.service is of package %q, want rsyslog", got)
	}
	for key, want := range map[string][2]bool{"vm.memfd_noexec": {true, true}, "kernel.memfd_create": {false, true}, "net.ipv4.conf.eth0.rp_filter": {true, true},
		"kernel.yama.ptrace_scope": {true, true}, "net.netfilter.something": {false, false}, "memfd.create": {false, true}, "kernel": {false, true}, "fs.xfs.whatever": {false, false}} {
		exists, sure := c.Sysctl(key)
		if exists != want[0] || sure != want[1] {
			t.Errorf("Sysctl(%q) = %v, %v, want %v", key, exists, sure, want)
		}
	}
	for field, want := range map[string][2]bool{"proc.name": {true, true}, "proc.aname[2]": {true, true}, "evt.arg.flags": {true, true}, "proc.memfd": {false, true}, "process.name": {false, true}, "plugin.x": {false, false}, "ka.verb": {true, true}} {
		exists, sure := c.FalcoField(field)
		if exists != want[0] || sure != want[1] {
			t.Errorf("FalcoField(%q) = %v, %v, want %v", field, exists, sure, want)
		}
	}
	if o := c.Options("journalctl"); o == nil || !o.Names["--since"] || !o.Names["-u"] {
		t.Error("journalctl's options --since and -u with their values are missing")
	}
	if o := c.Command("docker network"); o == nil || !o.Commands["disconnect"] {
		t.Error("docker network disconnect is missing")
	}
	if p := c.Product("splashtop"); p == nil || p.Kinds[0] != "remote-desktop" {
		t.Error("Splashtop is remote-desktop software")
	}
}

func FuzzReadSet(f *testing.F) {
	f.Add("- {program: [a]}\n")
	f.Add("- {rule: a, judgement: harmful, programs: [x], text: '(', reason: z, sources: [s]}\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"programs", "rules", "products", "places", "names", "formats"} {
			_, _ = catalogue.ReadSet(fstest.MapFS{name + ".yaml": {Data: []byte(text)}})
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	text, err := os.ReadFile("compiled.zip")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := catalogue.Open(text); err != nil {
			b.Fatal(err)
		}
	}
}
