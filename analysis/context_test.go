package analysis

import (
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge/builtin"
)

func only(t *testing.T, text string) *alert.Alert {
	t.Helper()
	for a, err := range alert.All(strings.NewReader(text), "test", alert.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		return a.Clone()
	}
	t.Fatal("no alert")
	return nil
}

const shadowRead = `{"hostname":"db1","rule":"Read sensitive file untrusted","priority":"Warning","source":"syscall","time":"2026-11-24T09:00:00Z","output":"x",` +
	`"output_fields":{"container.id":"host","fd.name":"/etc/shadow","proc.cmdline":"nightly /etc/shadow","proc.exepath":"/usr/local/bin/nightly","proc.name":"nightly","proc.pname":"cron","proc.tty":0,"user.name":"root","user.uid":0,"user.loginuid":-1}}`

func TestContextChangesTheVerdict(t *testing.T) {
	a := only(t, shadowRead)
	for _, c := range []struct {
		name, context string
		class         Class
	}{
		{"nothing is known", "", Unknown},
		{"it is normal here", "- normal: nightly\n  when: proc.name = nightly and proc.pname = cron\n", Benign},
		{"another host's normal", "- normal: nightly\n  when: proc.name = nightly and hostname = db2\n", Unknown},
		{"a field that is missing excuses nothing", "- normal: nightly\n  when: proc.pid = 1\n", Unknown},
		{"a test runs now", "- test: drill\n  when: hostname = db1\n  from: 2026-11-24T08:00:00Z\n  to: 2026-11-24T10:00:00Z\n", Test},
		{"the test is over", "- test: drill\n  when: hostname = db1\n  to: 2026-11-24T08:59:59Z\n", Unknown},
		{"with a list", "- list: ours\n  items: [nightly]\n- normal: ours\n  when: proc.name in (ours)\n", Benign},
	} {
		t.Run(c.name, func(t *testing.T) {
			var opt Options
			if c.context != "" {
				ctx, err := ReadContext("here.yaml", []byte(c.context), builtin.Base().Definitions())
				if err != nil {
					t.Fatal(err)
				}
				opt.Context = ctx
			}
			z := New(builtin.Base(), opt)
			if got := z.NewJudge().Judge(a); got.Class != c.class {
				t.Errorf("%v, want %v", got.Class, c.class)
			}
			if got := z.Analyze(a).Verdict; got.Class != c.class {
				t.Errorf("Analyze says %v, want %v", got.Class, c.class)
			}
		})
	}
}

func TestContextNeverExcusesASignOfAttack(t *testing.T) {
	a := only(t, strings.Replace(shadowRead, `"proc.pname":"cron"`, `"proc.pname":"nginx"`, 1))
	ctx, err := ReadContext("here.yaml", []byte("- normal: nightly\n  when: proc.name = nightly\n"), builtin.Base().Definitions())
	if err != nil {
		t.Fatal(err)
	}
	if got := New(builtin.Base(), Options{Context: ctx}).NewJudge().Judge(a); got.Class == Benign {
		t.Error("a child of nginx was excused by its name")
	}
}

func TestAssetMovesTheSeverity(t *testing.T) {
	a := only(t, shadowRead)
	severity := func(context string) Severity {
		ctx, err := ReadContext("here.yaml", []byte(context), &condition.Definitions{})
		if err != nil {
			t.Fatal(err)
		}
		return New(builtin.Base(), Options{Context: ctx}).NewJudge().Judge(a).Severity
	}
	plain := severity("- list: x\n  items: [a]\n")
	if got := severity("- asset: db\n  when: hostname = db1\n  value: high\n"); got != plain+1 {
		t.Errorf("high value: %v, plain %v", got, plain)
	}
}

func TestContextMistakesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"- normal: a\n  when: proc.name =\n":                              "here.yaml:1: when: ",
		"- list: l\n  items: [a]\n- normal: a\n  when: nothing_like_it\n": "here.yaml:3: when: ",
		"- normal: a\n  test: b\n  when: proc.name = a\n":                 "here.yaml:1: an entry is one of: list, macro, normal, test, asset",
		"- asset: a\n  when: proc.name = a\n  value: huge\n":              `here.yaml:1: value: is high or low, not "huge"`,
		"- test: a\n  when: proc.name = a\n  from: yesterday\n":           `here.yaml:1: from/to: "yesterday" is not a time like 2026-11-24T09:00:00Z`,
		"- normal: a\n  when: proc.name = a\n  weight: 99\n":              "here.yaml:1: weight: is 1 to 10, not 99",
		"- normal: a\n  wenn: proc.name = a\n":                            "here.yaml:2: unknown field \"wenn\"",
		"- normal: a\n  when: proc.name = a\n  say: \"{broken\"\n":        "here.yaml:1: say: placeholder without }",
	} {
		if _, err := ReadContext("here.yaml", []byte(text), &condition.Definitions{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
	}
}

func FuzzReadContext(f *testing.F) {
	f.Add("- normal: a\n  when: proc.name = a\n  say: \"{proc.name}\"\n")
	f.Add("- test: a\n  when: proc.tty > 0\n  from: 2026-11-24T09:00:00Z\n")
	f.Add("- asset: a\n  when: hostname = b\n  value: low\n")
	a := &alert.Alert{Rule: "x", Source: "syscall", Hostname: "b", Time: time.Unix(1, 0)}
	f.Fuzz(func(t *testing.T, text string) {
		ctx, err := ReadContext("here.yaml", []byte(text), &condition.Definitions{})
		if err == nil {
			New(builtin.Base(), Options{Context: ctx}).Analyze(a)
		}
	})
}

func TestDecoders(t *testing.T) {
	a := only(t, shadowRead)
	for _, c := range []struct{ decoder, in, want string }{
		{"tty", "0", "no terminal"},
		{"tty", "34816", "0x8800 = /dev/pts/0: "},
		{"tty", "34817", "0x8801 = /dev/pts/1: "},
		{"tty", "4229120", "= /dev/pts/1024"},
		{"tty", "1025", "0x401 = /dev/tty1: the console"},
		{"tty", "1088", "/dev/ttyS0: a serial line"},
		{"tty", "x", ""},
		{"loginuid", "-1", "not set: "},
		{"loginuid", "4294967295", "not set: "},
		{"loginuid", "1003", "getent passwd 1003"},
		{"ns-epoch", "1728133229850062067", "2024-10-05 13:00:29.850 UTC"},
		{"duration-ns", "553872", "554 µs"},
		{"duration-ns", "17090000000", "17.09 s"},
		{"exe-flags", "EXE_WRITABLE|EXE_FROM_MEMFD", "EXE_FROM_MEMFD: the executed file is a memfd"},
		{"exe-flags", "O_RDONLY", ""},
		{"fd", "127.0.0.1:40000->127.0.0.1:22", "does not leave the host"},
		{"fd", "10.0.0.1:40000->1.2.3.4:22", ""},
		{"container-id", "host", "no container"},
		{"port", "443", "usually https"},
	} {
		got := decoders[c.decoder](alert.Value{Kind: alert.String, Text: c.in}, a)
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s(%s) = %q, want %q in it", c.decoder, c.in, got, c.want)
		}
	}
}
