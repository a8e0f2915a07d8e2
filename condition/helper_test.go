package condition

import (
	"strconv"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/alert"
)

// sample is an alert of a shell below a web server in a container.
func sample() *alert.Alert {
	return &alert.Alert{
		Rule: "Run shell", Priority: alert.Warning, Source: "syscall", Hostname: "node-7",
		TimeText: "2026-03-01T10:00:00.123456789Z", Tags: []string{"T1059", "container", "shell"},
		Fields: fields(
			"container.id", "3f2a9c0b11de", "container.name", nil, "container.start_ts", 1728133229850062067,
			"evt.arg.flags", "EXE_WRITABLE|EXE_UPPER_LAYER", "evt.type", "execve", "evt.res", "SUCCESS",
			"proc.name", "sh", "proc.cmdline", "sh -c id; uname -a", "proc.exepath", "/usr/bin/dash",
			"proc.pname", "nginx", "proc.aname[2]", "containerd-shim", "proc.aname[3]", nil,
			"proc.tty", 34816, "proc.is_exe_writable", true, "thread.cap_effective", "CAP_CHOWN CAP_SYS_MODULE",
			"user.name", "<NA>", "user.uid", 1000, "user.loginuid", -1,
			"fd.name", nil, "ka.user.groups", []string{"system:masters", "dev"}, "cpu", 1.5,
			"proc.env", `A=1 "B"=2`, "container.image.repository", "",
		),
	}
}

func connect() *alert.Alert {
	return &alert.Alert{Source: "syscall", Fields: fields(
		"evt.type", "sendto", "fd.name", "10.1.2.3:4444->192.0.2.9:53", "fd.lport", 4444, "fd.type", "ipv4", "fd.l4proto", "udp")}
}

// fields makes fields of names and values in turn.
func fields(pairs ...any) alert.Fields {
	var out alert.Fields
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, alert.Field{Name: pairs[i].(string), Value: value(pairs[i+1])})
	}
	return out
}

func value(x any) alert.Value {
	switch x := x.(type) {
	case string:
		return alert.Value{Kind: alert.String, Text: x}
	case int:
		return alert.Value{Kind: alert.Int, Text: strconv.Itoa(x)}
	case float64:
		return alert.Value{Kind: alert.Float, Text: strconv.FormatFloat(x, 'g', -1, 64)}
	case bool:
		return alert.Value{Kind: alert.Bool, Text: map[bool]string{true: "true", false: "false"}[x]}
	case []string:
		return alert.Value{Kind: alert.List, Text: strings.Join(x, ", "), Items: x}
	}
	return alert.Value{}
}

// getter hides that the values are an alert.
type getter struct{ a *alert.Alert }

func (g getter) Get(name string) (alert.Field, bool) { return g.a.Get(name) }

func must(t testing.TB, text string, defs *Definitions) *Condition {
	t.Helper()
	c, err := Parse(text, defs)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return c
}

func names(fs []alert.Field) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}
