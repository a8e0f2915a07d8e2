package condition

import (
	"testing"

	"github.com/tiercel/tiercel/alert"
)

func TestTruthTable(t *testing.T) {
	a := &alert.Alert{Fields: fields("t.t", "x", "f.f", "y")}
	expr := map[Truth]string{True: "t.t = x", False: "f.f = x", Unknown: "u.u = x"}
	all := []Truth{False, Unknown, True}
	for _, p := range all {
		if got := must(t, "not "+expr[p], nil).Truth(a); got != map[Truth]Truth{True: False, False: True, Unknown: Unknown}[p] {
			t.Errorf("not %s is %s", p, got)
		}
		for _, q := range all {
			and, or := min(p, q), max(p, q)
			for op, want := range map[string]Truth{" and ": and, " or ": or} {
				c := must(t, expr[p]+op+expr[q], nil)
				if got := c.Truth(a); got != want {
					t.Errorf("%s%s%s is %s, want %s", p, op, q, got, want)
				}
				if got := c.Explain(a).Truth; got != want {
					t.Errorf("%s%s%s is explained as %s, want %s", p, op, q, got, want)
				}
			}
		}
	}
	if False.String()+Unknown.String()+True.String() != "falseunknowntrue" {
		t.Error("names of the truths")
	}
}

type truthTest struct {
	text string
	want Truth
}

func check3(t *testing.T, a *alert.Alert, tests []truthTest) {
	t.Helper()
	for _, tt := range tests {
		c := must(t, tt.text, someDefs)
		if got := c.Truth(a); got != tt.want {
			t.Errorf("%s\n\tis %s, want %s", tt.text, got, tt.want)
		}
		e := c.Explain(a)
		if e.Truth != tt.want {
			t.Errorf("%s\n\tis explained as %s, want %s", tt.text, e.Truth, tt.want)
		}
		if (tt.want == Unknown) != (len(e.Missing) > 0) || tt.want == Unknown && len(e.Read) > 0 {
			t.Errorf("%s\n\tis %s, read %s, missing %v", tt.text, tt.want, names(e.Read), e.Missing)
		}
		if got := c.Truth(getter{a}); got != tt.want {
			t.Errorf("%s\n\tis %s over other values, want %s", tt.text, got, tt.want)
		}
		if got := must(t, c.String(), nil).Truth(a); got != tt.want {
			t.Errorf("%s\n\tis %s, want %s", c, got, tt.want)
		}
	}
}

func TestTruth(t *testing.T) {
	check3(t, sample(), []truthTest{
		// equality
		{"proc.name = sh", True}, {"proc.name == sh", True}, {"proc.name = SH", False}, {"proc.name != sh", False},
		{"proc.name != bash", True}, {"container.id != host", True}, {"container.image.repository = ''", True},
		{"proc.is_exe_writable = true", True}, {"proc.is_exe_writable = false", False},
		// numbers: exact, whatever their size
		{"proc.tty = 34816", True}, {"proc.tty = 0x8800", True}, {"proc.tty = 034816", True}, {"proc.tty = +34816", True},
		{"proc.tty != 34816", False}, {"proc.tty in (0, 034816)", True}, {"proc.tty in (1, 2, 3, 4, 5, 0x8800)", True},
		{"proc.tty in (1, 2, 3, 4, 5)", False}, {"user.loginuid = -1", True}, {"user.loginuid < 0", True},
		{"user.loginuid >= 0", False}, {"user.uid >= 1000", True}, {"user.uid > 1000", False}, {"user.uid <= 1000", True},
		{"user.uid < 1000.5", True}, {"user.uid > 999.5", True},
		{"container.start_ts = 1728133229850062067", True}, {"container.start_ts = 1728133229850062068", False},
		{"container.start_ts < 1728133229850062068", True}, {"container.start_ts > 1728133229850062066", True},
		{"container.start_ts < 18446744073709551615", True}, {"container.start_ts > -9223372036854775808", True},
		{"container.start_ts < 99999999999999999999999999", True},
		{"cpu = 1.5", True}, {"cpu = 1.50", True}, {"cpu > 1", True}, {"cpu < 1", False}, {"cpu in (1, 1.50)", True},
		{"cpu in (1, 2, 3, 4, 5.5, 1.50)", True}, {"proc.name < 5", False}, // text is ordered by bytes
		// strings
		{"proc.cmdline contains uname", True}, {"proc.cmdline contains UNAME", False}, {"proc.cmdline icontains UNAME", True},
		{"proc.cmdline icontains unamee", False}, {"proc.cmdline startswith sh", True}, {"proc.cmdline startswith h", False},
		{"proc.cmdline endswith ' -a'", True}, {"proc.cmdline endswith a-", False}, {"proc.cmdline contains ''", True},
		{"evt.arg.flags contains EXE_UPPER_LAYER", True}, {"evt.arg.flags contains EXE_FROM_MEMFD", False},
		{"evt.arg[flags] contains EXE_WRITABLE", True}, {"thread.cap_effective icontains sys_module", True},
		{"proc.env contains '\"B\"=2'", True}, {"proc.cmdline bcontains 756e616d65", True}, {"proc.cmdline bstartswith 7368", True},
		{"proc.cmdline bstartswith 68", False},
		// lists of values
		{"proc.name in (shells)", True}, {"proc.name in (a, b, c, d, e, sh)", True}, {"proc.name in (a, b, c, d, e)", False},
		{"proc.name in (a)", False}, {"proc.name in sh", True}, {"not proc.name in (shells)", False},
		{"proc.name intersects (bash, sh)", True}, {"proc.args intersects ('-c', '-l')", False},
		{"proc.name in (nothing)", False}, {"not missing.field in (nothing)", True}, {"missing.field pmatch ()", False},
		// paths and patterns
		{"proc.exepath pmatch (/usr)", True}, {"proc.exepath pmatch (/usr/bin/)", True}, {"proc.exepath pmatch (/us)", False},
		{"proc.exepath pmatch (/usr/bin/dash/x)", False}, {"proc.exepath pmatch (/opt, /usr/*/dash)", True},
		{"proc.exepath pmatch (/)", True}, {"proc.exepath pmatch (/usr/bin/dash)", True},
		{"proc.exepath glob /usr/*", True}, {"proc.exepath glob /usr", False}, {"proc.exepath glob '/usr/bin/d[a-c]s?'", True},
		{"proc.exepath glob /USR/*", False}, {"proc.exepath iglob /USR/*", True},
		{"proc.exepath regex '/usr/(s)?bin/[a-z]+'", True}, {"proc.exepath regex usr", False}, {"proc.exepath regex '.*dash'", True},
		{"proc.exepath regex '/usr/bin/dash|x'", True}, {"proc.exepath regex 'x|/usr'", False},
		// quantified lists
		{"proc.exepath startswith anyof (/etc, /usr)", True}, {"proc.exepath startswith allof (/, /usr)", True},
		{"proc.exepath startswith allof (/etc, /usr)", False}, {"proc.exepath startswith oneof (/, /usr)", False},
		{"proc.exepath startswith oneof (/etc, /usr)", True}, {"proc.name != allof (a, b)", True}, {"proc.name != allof (sh, b)", False},
		{"proc.name != anyof (sh, b)", True}, {"proc.name = anyof (sh, b)", True}, {"proc.name regex oneof (s., .h)", False},
		{"proc.name = anyof ()", False},
		// transformers
		{"toupper(proc.name) = SH", True}, {"tolower(proc.name) = sh", True}, {"basename(proc.exepath) = dash", True},
		{"toupper(basename(proc.exepath)) = DASH", True}, {"len(proc.name) = 2", True}, {"len(proc.name) > 2", False},
		{"len(ka.user.groups) = 2", True}, {"tolower(ka.user.groups) intersects (dev)", True}, {"b64(proc.name) exists", False},
		{"b64(proc.name) != x", False}, {"tolower(missing.field) = x", Unknown}, {"len(fd.name) > 0", Unknown},
		// fields on both sides
		{"proc.name = val(proc.pname)", False}, {"proc.name != val(proc.pname)", True}, {"proc.cmdline startswith val(proc.name)", True},
		{"proc.exepath endswith val(proc.name)", True}, {"proc.cmdline icontains toupper(proc.name)", True},
		{"user.uid > val(user.loginuid)", True}, {"len(proc.name) < len(proc.pname)", True}, {"proc.name in val(proc.pname)", False},
		{"proc.name = val(missing.field)", Unknown}, {"proc.name = val(fd.name)", Unknown}, {"proc.name = b64(proc.name)", False},
		{"proc.cmdline glob val(proc.name)", False}, {"tags intersects val(tags)", True}, {"proc.name in val(tags)", False},
		{"proc.cmdline contains val(proc.args)", True}, {"proc.args = val(missing.field)", Unknown},
		{"tags startswith val(proc.name)", True}, {"proc.name = val(tags)", False}, {"proc.name != val(tags)", True}, {"proc.name endswith val(tags)", False}, {"proc.name = val(fd.directory)", Unknown},
		// exists
		{"proc.name exists", True}, {"container.name exists", False}, {"user.name exists", False}, {"missing.field exists", Unknown},
		{"not container.name exists", True}, {"not missing.field exists", Unknown}, {"container.image.repository exists", True},
		// unknown: not there, null, or <NA>
		{"missing.field = x", Unknown}, {"missing.field != x", Unknown}, {"not missing.field = x", Unknown}, {"container.name = x", Unknown},
		{"container.name in (shells)", Unknown}, {"user.name = root", Unknown}, {"user.name != root", Unknown},
		// … unless the placeholder itself is asked for
		{`user.name in ("<NA>", "N/A", "")`, True}, {`not user.name in ("<NA>", "N/A", "")`, False}, {`user.name != "<NA>"`, False},
		{`user.name = "N/A"`, Unknown}, {`container.name in ("<NA>", "N/A")`, Unknown}, {`proc.name in ("<NA>", "N/A")`, False},
		{"proc.name = sh and missing.field = x", Unknown}, {"proc.name = x and missing.field = x", False},
		{"missing.field = x or proc.name = sh", True}, {"missing.field = x or proc.name = x", Unknown},
		// list-valued fields
		{"tags intersects (T1059, T9999)", True}, {"tags intersects (T9999)", False}, {"tags in (T1059, container, shell, other)", True},
		{"tags in (T1059)", False}, {"tags contains T10", True}, {"tags contains T2", False}, {"tags = shell", True}, {"tags != shell", False},
		{"tags != host", True}, {"ka.user.groups intersects ('system:masters')", True}, {"ka.user.groups in (dev)", False},
		// the alert's own keys
		{"rule = 'Run shell'", True}, {"source = syscall", True}, {"hostname startswith node-", True}, {"output exists", Unknown},
		{"priority = warning", True}, {"priority in (Warning, error)", True}, {"priority >= Notice", True}, {"priority > Warning", False},
		{"priority < error", True}, {"priority <= info", False}, {"time startswith 2026-03-01", True},
		// what no event and every event fulfils
		{"evt.num = 0", False}, {"evt.num >= 0", True}, {"evt.num < 0", False}, {"evt.num != 0", True}, {"evt.num > 0", True},
		{"evt.num = 5", Unknown}, {"evt.num in (0)", False},
	})
}

func TestTextAlert(t *testing.T) {
	// A plain text line has no types: numbers are strings there.
	a := &alert.Alert{Form: alert.FormText, Fields: fields("user.uid", "1000", "proc.tty", "0", "user.loginuid", "4294967295")}
	check3(t, a, []truthTest{
		{"user.uid >= 1000", True}, {"user.uid > 999", True}, {"user.uid = 1000", True}, {"user.uid < 0", False}, {"proc.tty = 0", True},
		{"user.uid >= 0x3e8", True}, {"user.loginuid = -1", True}, {"user.loginuid = 4294967295", True}, {"user.loginuid >= 0", False},
		{"user.loginuid in (0, 4294967295)", True}, {"user.loginuid = val(user.uid)", False},
	})
}

func TestAncestors(t *testing.T) {
	check3(t, sample(), []truthTest{
		{"proc.aname in (nginx, x)", True}, {"proc.aname = containerd-shim", True}, {"proc.aname startswith ngi", True},
		{"proc.aname = sh", Unknown}, // the process itself is no ancestor
		{"proc.aname in (sshd)", Unknown}, {"not proc.aname in (sshd)", Unknown}, {"not proc.aname in (nginx)", False},
		{"proc.aname != nginx", True}, // Falco: some ancestor is another
		{"proc.aname exists", True}, {"proc.apid = 1", Unknown}, {"proc.apid exists", Unknown}, {"proc.acmdline contains x", Unknown},
		{"proc.aname[1] = nginx", True}, {"proc.aname[0] = sh", True}, {"proc.aname[2] = containerd-shim", True}, {"proc.aname[3] = x", Unknown},
		{"proc.aname[9] = x", Unknown}, {"proc.aname in ()", False},
	})
	ended := &alert.Alert{Fields: fields("proc.aname[1]", "bash", "proc.ppid", 40, "proc.aname[2]", "sshd", "proc.apid[2]", 7,
		"proc.aname[3]", "systemd", "proc.apid[3]", 1)}
	check3(t, ended, []truthTest{
		{"proc.pname = bash", True}, {"proc.apid[1] = 40", True}, {"proc.aname in (cron, sudo)", False}, {"not proc.aname = cron", True},
		{"proc.aname = sshd", True}, {"proc.apid = 7", True}, {"proc.apid > 100", False}, {"proc.aexe = x", Unknown},
	})
	child := &alert.Alert{Fields: fields("proc.pname", "systemd", "proc.ppid", 1)}
	check3(t, child, []truthTest{{"proc.aname = cron", False}, {"proc.aname = systemd", True}, {"proc.acmdline = x", Unknown}})
	lost := &alert.Alert{Fields: fields("proc.pname", "bash", "proc.aname[2]", nil, "proc.apid[3]", 1, "proc.aname[3]", "systemd")}
	check3(t, lost, []truthTest{{"proc.aname = cron", Unknown}})
	joined := &alert.Alert{Fields: fields("proc.aname", "bash sshd systemd")}
	check3(t, joined, []truthTest{{"proc.aname = sshd", True}, {"proc.aname in (cron, systemd)", True}, {"proc.aname = cron", Unknown}, {"proc.aname exists", True}})
	sidekick := &alert.Alert{Fields: fields("proc.aname_2", "sshd", "proc.aname_0", "cron")}
	check3(t, sidekick, []truthTest{{"proc.aname[2] = sshd", True}, {"proc.aname = sshd", True}, {"proc.aname = cron", Unknown}})
}

func TestNetwork(t *testing.T) {
	check3(t, connect(), []truthTest{
		{"fd.ip = 192.0.2.9", True}, {"fd.ip = 10.1.2.3", True}, {"fd.ip = 10.1.2.4", False}, {"fd.ip != 192.0.2.9", False},
		{"fd.ip != 10.1.2.4", True}, {"fd.net = 10.0.0.0/8", True}, {"fd.net != '127.0.0.0/8'", True}, {"fd.net in (127.0.0.0/8, 192.0.2.0/24)", True},
		{"fd.net intersects ('fd00::/8')", False}, {"fd.port = 53", True}, {"fd.port in (53, 80)", True}, {"fd.port != 53", False},
		{"fd.port > 5000", False}, {"fd.port > 4000", True}, {"fd.port exists", True},
		// the local port tells which end is which
		{"fd.rip = 192.0.2.9", True}, {"fd.lip = 10.1.2.3", True}, {"fd.rport = 53", True}, {"fd.rnet = 192.0.2.0/24", True},
		{"fd.lnet in (192.0.2.0/24)", False}, {"fd.rip != 192.0.2.9", False}, {"fd.rip exists", True}, {"fd.rip startswith 192.", True},
		// nothing tells which is the client of a datagram
		{"fd.sip = 192.0.2.9", Unknown}, {"fd.cport = 4444", Unknown}, {"fd.snet = 192.0.2.0/24", Unknown}, {"fd.sip exists", Unknown},
		{"fd.typechar = 4", True}, {"fd.typechar in (f, d)", False}, {"fd.directory = /etc", Unknown},
	})
	event := func(kind, name string) *alert.Alert {
		return &alert.Alert{Fields: fields("evt.type", kind, "fd.name", name)}
	}
	check3(t, event("connect", "::1:52030->::1:2222"), []truthTest{
		{"fd.sip = ::1", True}, {"fd.sip = '0:0:0:0:0:0:0:1'", True}, {"fd.sport = 2222", True}, {"fd.cport = 52030", True},
		{"fd.rport = 2222", True}, {"fd.lport = 2222", False}, {"fd.snet = '::/0'", True}, {"fd.snet = 127.0.0.0/8", False},
		{"fd.sport >= 1024", True}, {"fd.sport = val(fd.rport)", True},
	})
	check3(t, event("accept4", "10.0.0.1:40000->10.0.0.2:22"), []truthTest{
		{"fd.cip = 10.0.0.1", True}, {"fd.rip = 10.0.0.1", True}, {"fd.lport = 22", True}, {"fd.sport = 22", True},
	})
	check3(t, event("listen", "0.0.0.0:8080"), []truthTest{
		{"fd.port = 8080", True}, {"fd.ip = 0.0.0.0", True}, {"fd.net != 10.0.0.0/8", True}, {"fd.sport = 8080", Unknown},
	})
	check3(t, event("openat", "/etc/passwd"), []truthTest{
		// a file has no address: Falco's comparisons are false, also "!="
		{"fd.net = 10.0.0.0/8", False}, {"fd.ip != 10.0.0.1", False}, {"fd.rip = 10.0.0.1", False}, {"fd.sport exists", False}, {"fd.rport >= 1", False},
	})
	check3(t, event("read", "pipe:[123]"), []truthTest{{"fd.ip = 10.0.0.1", Unknown}, {"fd.rip = 10.0.0.1", Unknown}})
	check3(t, event("sendto", "10.0.0.1:53->10.0.0.2:53"), []truthTest{{"fd.rport = 53", Unknown}, {"fd.port = 53", True}})
	check3(t, event("sendto", "10.0.0.1:x->10.0.0.2:53"), []truthTest{{"fd.port = 53", Unknown}})
	printed := &alert.Alert{Fields: fields("fd.sip", "192.168.1.5", "fd.rport", 80, "fd.cip", nil)}
	check3(t, printed, []truthTest{
		{"fd.snet in (192.168.0.0/16)", True}, {"fd.sip = 192.168.1.5", True}, {"fd.ip = 192.168.1.5", True}, {"fd.ip = 10.0.0.1", Unknown},
		{"fd.ip != 192.168.1.5", False}, {"fd.ip != 10.0.0.1", Unknown}, {"fd.port = 80", True}, {"fd.port > 100", Unknown}, {"fd.cnet = 10.0.0.0/8", Unknown},
	})
	both := &alert.Alert{Fields: fields("fd.lip", "192.168.1.5", "fd.rip", "192.0.2.1")}
	check3(t, both, []truthTest{{"fd.ip = 10.0.0.1", False}, {"fd.net != 10.0.0.0/8", True}})
	odd := &alert.Alert{Fields: fields("fd.sip", "not an address")}
	check3(t, odd, []truthTest{{"fd.sip = 10.0.0.1", False}, {"fd.snet = 10.0.0.0/8", False}})
}

func TestDerived(t *testing.T) {
	check3(t, sample(), []truthTest{
		{"proc.args = '-c id; uname -a'", True}, {"proc.args startswith -c", True}, {"proc.args contains sh", False}, {"proc.args exists", True},
		{"proc.args[0] = -c", Unknown},
	})
	check3(t, &alert.Alert{Fields: fields("proc.name", "ls", "proc.cmdline", "ls")}, []truthTest{{"proc.args = ''", True}})
	check3(t, &alert.Alert{Fields: fields("proc.name", "l", "proc.cmdline", "ls")}, []truthTest{{"proc.args = ''", Unknown}})
	check3(t, &alert.Alert{Fields: fields("proc.cmdline", "ls -a")}, []truthTest{{"proc.args = -a", Unknown}})
	check3(t, &alert.Alert{Fields: fields("fd.name", "/etc/cron.d/job")}, []truthTest{
		{"fd.directory in (/bin, /sbin)", False}, {"fd.directory = /etc/cron.d", Unknown}, {"fd.filename = job", Unknown}, {"fd.directory startswith /etc/", True},
		{"not fd.directory startswith /etc/", False}, {"fd.directory exists", True},
	})
	check3(t, &alert.Alert{Fields: fields("fd.name", "/x")}, []truthTest{{"fd.directory in (/, /x)", True}, {"fd.directory = /x", Unknown}})
	check3(t, &alert.Alert{Fields: fields("fd.directory", "/a", "fd.name", "/b/c")}, []truthTest{{"fd.directory = /a", True}})
	check3(t, &alert.Alert{Fields: fields("fd.directory", nil, "fd.name", "/b/c")}, []truthTest{{"fd.directory = /a", Unknown}, {"fd.directory exists", False}})
	check3(t, &alert.Alert{Fields: fields("empty", []string{})}, []truthTest{{"empty in (a)", False}, {"empty intersects (a)", False}, {"empty != a", True}})
}

func TestCutValue(t *testing.T) {
	a := &alert.Alert{Cut: []string{"proc.cmdline", "proc.pcmdline"}, Fields: fields("proc.cmdline", "curl http://a[...]", "proc.name", "curl[...]",
		"proc.pcmdline", "sh -c curl http://a[...]", "proc.ppid", 1, "proc.acmdline[2]", "passwd")}
	tests := []truthTest{
		{"proc.cmdline contains http", True}, {"proc.cmdline contains evil", Unknown}, {"not proc.cmdline contains evil", Unknown},
		{"proc.cmdline startswith curl", True}, {"proc.cmdline startswith wget", False}, {"proc.cmdline startswith 'curl http://a.example/'", Unknown},
		{"proc.cmdline endswith sh", Unknown}, {"proc.cmdline = 'wget x'", False}, {"proc.cmdline != 'wget x'", True},
		{"proc.cmdline = 'curl http://a.example'", Unknown}, {"proc.cmdline in ('wget x', 'curl http://a.example')", Unknown},
		{"proc.cmdline icontains HTTP", True}, {"proc.cmdline regex '.*'", Unknown}, {"proc.cmdline exists", True}, {"len(proc.cmdline) > 3", Unknown},
		{"proc.name = 'curl[...]'", True}, {"proc.args contains http", Unknown}, {"proc.name = val(proc.cmdline)", Unknown},
		{"proc.acmdline contains http", True}, {"proc.acmdline contains evil", Unknown}, {"proc.acmdline contains passwd", True},
	}
	for _, tt := range tests {
		c := must(t, tt.text, nil)
		if got := c.Truth(a); got != tt.want {
			t.Errorf("%s\n\tis %s, want %s", tt.text, got, tt.want)
		}
		if e := c.Explain(a); e.Truth != tt.want || (tt.want == Unknown) != (len(e.Missing) > 0) {
			t.Errorf("%s\n\t%+v", tt.text, e)
		}
	}
}

func TestTruthDoesNotAllocate(t *testing.T) {
	a := sample()
	for _, text := range []string{
		"proc.pname in (a, b, c, d, e, f, g, nginx) and not proc.exepath startswith /usr/",
		"proc.cmdline icontains UNAME and proc.exepath glob /usr/* and proc.exepath pmatch (/opt, /usr/*/dash)",
		"proc.exepath regex '/usr/(s)?bin/[a-z]+' or missing.field = x", "not proc.aname in (sshd, cron) or proc.apid = 1",
		"user.uid >= 1000 and container.start_ts > 5 and cpu < 7", "proc.args contains uname and tolower(proc.name) = sh",
		"container.name exists or proc.name = val(proc.pname)", "priority >= error or rule = x", "ka.user.groups intersects (a, b)",
	} {
		c := must(t, text, nil)
		if n := testing.AllocsPerRun(100, func() { c.Truth(a) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
	conn := must(t, "fd.net in (127.0.0.0/8, '::1/128') or fd.rip = 10.0.0.1 or fd.port = 80", nil)
	b := connect()
	if n := testing.AllocsPerRun(100, func() { conn.Truth(b) }); n != 0 {
		t.Errorf("%s: %v allocations", conn, n)
	}
}
