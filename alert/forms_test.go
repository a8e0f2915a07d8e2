package alert

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Each file holds the same two alerts; passed is what else is in it.
var twoAlerts = []struct {
	file   string
	lines  string
	passed int
}{
	{"lines.jsonl", "1 2", 0},
	{"crlf.jsonl", "1 2", 0},
	{"pretty.json", "1 32", 0},
	{"array.json", "2 33", 0},
	{"array-one-line.json", "1 1", 0},
	{"docker.log", "2 3", 1},
	{"cri.log", "2 6", 2},
	{"kubectl-prefix.log", "1 2", 0},
	{"kubectl-timestamps.log", "1 2", 0},
	{"journal.jsonl", "2 3", 1},
	{"rfc3164.log", "1 2", 0},
	{"rfc5424.log", "1 2", 0},
	{"rsyslog.log", "1 2", 0},
	{"compose.log", "1 2", 0},
}

func TestEveryFormGivesTheSameAlerts(t *testing.T) {
	for _, c := range twoAlerts {
		t.Run(c.file, func(t *testing.T) {
			res := readString(file(t, c.file))
			if len(res.alerts) != 2 || len(res.broken) > 0 || res.err != nil || res.passed != c.passed {
				t.Fatalf("%d alerts, broken %v, passed %d, error %v", len(res.alerts), res.broken, res.passed, res.err)
			}
			wantTerminalShell(t, res.alerts[0])
			wantFields(t, res.alerts[1], map[string]string{"proc.cmdline": "string sh", "user.uid": "int 0"})
			if got := fmt.Sprint(res.alerts[0].Origin.Line, res.alerts[1].Origin.Line); got != c.lines {
				t.Errorf("lines %s, want %s", got, c.lines)
			}
		})
	}
}

func wantTerminalShell(t *testing.T, a *Alert) {
	t.Helper()
	wantFields(t, a, map[string]string{
		"rule": "string Terminal shell in container", "source": "string syscall", "hostname": "string node-7",
		"evt.time": "int 1767942902000000321", "k8s.pod.name": "null ", "proc.aname[2]": "missing",
		"proc.cmdline": `string sh -c "id; uname -a"`, "user.loginuid": "int -1",
	})
	if a.Priority != Notice || a.Message != "A shell was spawned in a container with an attached terminal" {
		t.Errorf("priority %v, message %q", a.Priority, a.Message)
	}
	if want := time.Date(2026, 1, 9, 7, 15, 2, 321, time.UTC); !a.Time.Equal(want) || a.Time.Location() != time.UTC {
		t.Errorf("time %v", a.Time)
	}
	if strings.Join(a.Tags, " ") != "T1059 container maturity_stable mitre_execution shell" || a.Form != FormJSON {
		t.Errorf("tags %q, form %d", a.Tags, a.Form)
	}
}

func TestSeed(t *testing.T) {
	a := one(t, file(t, "seed.json"))
	wantFields(t, a, map[string]string{
		"container.start_ts": "int 1728133229850062067", "evt.time": "int 1728133246937782756",
		"proc.cmdline": "string 3 run helper.DoNothing", "proc.aname[2]": "string containerd-shim",
	})
	if a.UUID != "cec8d1cb-e854-45bf-a0bf-b7aa73707b4a" || a.Message != "Fileless execution via memfd_create" ||
		len(a.Fields) != 18 || a.Priority != Critical || a.Extra != nil {
		t.Errorf("%+v", a)
	}
}

func TestFalcosidekick(t *testing.T) {
	for _, name := range []string{"sidekick.json", "webui.json"} {
		a := one(t, file(t, name))
		wantFields(t, a, map[string]string{
			"uuid": "string 6f2c1d0e-5b7a-4c3d-9e8f-0a1b2c3d4e5f", "team": "string payments",
			"proc.aname[2]": "string containerd-shim",
		})
		if f, _ := a.Get("proc.aname[2]"); f.Name != "proc.aname_2" {
			t.Errorf("name %q", f.Name)
		}
		if fmt.Sprint(a.Cut) != "[proc.pcmdline]" {
			t.Errorf("cut %q", a.Cut)
		}
		if !bytes.HasPrefix(a.Raw, []byte(`{"uuid":"6f2c`)) || !bytes.HasSuffix(a.Raw, []byte(`"node-7"}`)) {
			t.Errorf("raw %s", a.Raw)
		}
	}
}

// What somebody types to look like a cut value is not one.
func TestOnlyFalcosidekicksLengthIsCut(t *testing.T) {
	for _, c := range []struct {
		value string
		cut   bool
	}{
		{"ls [...]", false},
		{strings.Repeat("x", 507) + "[...]", true},
		{strings.Repeat("x", 506) + "\ufffd[...]", true},
		{strings.Repeat("x", 600) + "[...]", false},
	} {
		a := one(t, `{"rule":"r","output_fields":{"proc.cmdline":"`+c.value+`"}}`)
		if (len(a.Cut) == 1) != c.cut {
			t.Errorf("%d bytes: cut %v", len(c.value), a.Cut)
		}
	}
}

func TestOtherSources(t *testing.T) {
	res := readString(file(t, "sources.jsonl"))
	if len(res.alerts) != 3 || len(res.broken) > 0 {
		t.Fatalf("%d alerts, broken %v", len(res.alerts), res.broken)
	}
	audit, trail, internal := res.alerts[0], res.alerts[1], res.alerts[2]
	wantFields(t, audit, map[string]string{"source": "string k8s_audit", "ka.user.groups": "list dev, system:authenticated",
		"ka.uri.param[command]": "string sh"})
	if audit.Message != "Attach/Exec to pod" {
		t.Errorf("message %q", audit.Message)
	}
	wantFields(t, trail, map[string]string{"source": "string aws_cloudtrail", "ct.srcip": "string 192.0.2.7"})
	wantFields(t, internal, map[string]string{"source": "string internal", "n_drops": "string 12", "tags": "missing"})
	if internal.Message != "Falco internal: syscall event drop. 12 system calls dropped in last second." {
		t.Errorf("message %q", internal.Message)
	}
}

func TestCompressed(t *testing.T) {
	plain := file(t, "lines.jsonl")
	half := len(plain) / 2
	for name, input := range map[string][]byte{
		"gzip":                packGzip(plain),
		"gzip, two members":   append(packGzip(plain[:half]), packGzip(plain[half:])...),
		"zstd":                packZstd(plain),
		"zstd, two frames":    append(packZstd(plain[:half]), packZstd(plain[half:])...),
		"zstd, skipped frame": append([]byte{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'}, packZstd(plain)...),
		"gzip of Docker":      packGzip(file(t, "docker.log")),
	} {
		res := read(bytes.NewReader(input), testOptions)
		if len(res.alerts) != 2 || res.err != nil {
			t.Errorf("%s: %d alerts, error %v", name, len(res.alerts), res.err)
		}
	}
}

func TestCompressedAndCutOff(t *testing.T) {
	var plain strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&plain, "{\"rule\":\"r\",\"output_fields\":{\"evt.num\":%d,\"x\":\"%x\"}}\n", i, i*7919)
	}
	for name, input := range map[string][]byte{"gzip": packGzip(plain.String()), "zstd": packZstd(plain.String())} {
		res := read(bytes.NewReader(input[:len(input)*9/10]), testOptions)
		if res.err == nil || !strings.Contains(res.err.Error(), name+": the input is cut off") {
			t.Errorf("%s: error %v", name, res.err)
		}
		if name == "gzip" && len(res.alerts) < 1000 {
			t.Errorf("%s: %d alerts", name, len(res.alerts))
		}
	}
}

func TestUTF16(t *testing.T) {
	for _, input := range []string{"\xff\xfe{\x00\"\x00", "\xfe\xff\x00{\x00\"", "{\x00\"\x00r\x00", "\x00{\x00\"\x00r"} {
		if res := readString(input); !errors.Is(res.err, ErrUTF16) {
			t.Errorf("%q: error %v", input, res.err)
		}
	}
}

func packGzip(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.Bytes()
}

func packZstd(s string) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll([]byte(s), nil)
}
