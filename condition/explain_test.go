package condition

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tiercel/tiercel/alert"
)

func TestExplain(t *testing.T) {
	defs := &Definitions{Macros: map[string]string{"in_container": "container.id != host", "web": "proc.pname in (nginx, apache2)"}}
	tests := []struct {
		text    string
		want    Truth
		read    string
		missing string
	}{
		{"proc.name = sh", True, "proc.name", ""},
		{"proc.name = bash", False, "proc.name", ""},
		{"gone.a = bash", Unknown, "", "gone.a"},
		{"container.name = x", Unknown, "", "container.name"},
		{"container.name exists", False, "container.name", ""},
		{"gone.a exists", Unknown, "", "gone.a"},
		// of a true and all, of a false one those that are false
		{"proc.name = sh and user.uid = 1000", True, "proc.name user.uid", ""},
		{"proc.name = sh and user.uid = 0 and proc.tty = 0", False, "user.uid proc.tty", ""},
		{"gone.a = x and user.uid = 0", False, "user.uid", ""},
		{"gone.a = x and user.uid = 1000 and gone.b exists", Unknown, "", "gone.a gone.b"},
		// of a true or those that are true, of a false one all
		{"proc.name = sh or user.uid = 0 or proc.tty > 0", True, "proc.name proc.tty", ""},
		{"proc.name = x or user.uid = 0", False, "proc.name user.uid", ""},
		{"gone.a = x or user.uid = 1000", True, "user.uid", ""},
		{"user.uid = 0 or gone.a = x or gone.b = x", Unknown, "", "gone.a gone.b"},
		{"not (user.uid = 0 or proc.name = bash)", True, "user.uid proc.name", ""},
		{"not (gone.a = x and user.uid = 1000)", Unknown, "", "gone.a"},
		{"(proc.name = sh or gone.a = x) and (gone.b = x or user.uid = 1000)", True, "proc.name user.uid", ""},
		{"(proc.name = x or gone.a = x) and (gone.b = x or user.uid = 1000)", Unknown, "", "gone.a"},
		// each once, in order of appearance
		{"user.uid = 1000 and proc.name = sh and user.uid > 5 and proc.name != x", True, "user.uid proc.name", ""},
		{"gone.b = x and gone.a = x and gone.b = y", Unknown, "", "gone.b gone.a"},
		{"in_container and web", True, "container.id proc.pname", ""},
		// both sides of a comparison
		{"proc.name != val(proc.pname)", True, "proc.name proc.pname", ""},
		{"proc.name = val(gone.a)", Unknown, "", "gone.a"},
		{"len(proc.name) = 2", True, "proc.name", ""},
		// ancestors: those that match; without a match the question stays open
		{"proc.aname in (nginx, containerd-shim)", True, "proc.pname proc.aname[2]", ""},
		{"proc.aname = nginx", True, "proc.pname", ""},
		{"not proc.aname = sshd", Unknown, "", "proc.aname"},
		{"proc.aname[1] = nginx", True, "proc.pname", ""},
		// what other fields tell
		{"proc.args startswith -c", True, "proc.cmdline proc.name", ""},
		{"fd.net = 10.0.0.0/8", Unknown, "", "fd.name"},
		{"fd.snet = 10.0.0.0/8", Unknown, "", "fd.sip"},
		{"fd.rip = 10.0.0.1", Unknown, "", "fd.rip"},
		// the alert's own keys, and what is always so
		{"tags intersects (shell) and source = syscall", True, "tags source", ""},
		{"evt.num >= 0", True, "", ""},
		{"gone.a in ()", False, "", ""},
		{`user.name in ("<NA>")`, True, "user.name", ""},
	}
	for _, tt := range tests {
		e := must(t, tt.text, defs).Explain(sample())
		if e.Truth != tt.want || names(e.Read) != tt.read || strings.Join(e.Missing, " ") != tt.missing {
			t.Errorf("%s\n\tgot  %s, read %q, missing %v\n\twant %s, read %q, missing %s", tt.text, e.Truth, names(e.Read), e.Missing, tt.want, tt.read, tt.missing)
		}
	}
}

func TestExplainGivesFieldsAsDelivered(t *testing.T) {
	a := &alert.Alert{Fields: fields("proc.aname_2", "sshd", "fd.name", "10.0.0.1:5->10.0.0.2:22", "fd.lport", 22, "proc.ppid", 1, "proc.pname", "init")}
	tests := []struct {
		text string
		read alert.Fields
	}{
		{"proc.aname[2] = sshd", fields("proc.aname_2", "sshd")},
		{"fd.rip = 10.0.0.1", fields("fd.name", "10.0.0.1:5->10.0.0.2:22", "fd.lport", 22)},
	}
	for _, tt := range tests {
		if e := must(t, tt.text, nil).Explain(a); e.Truth != True || !reflect.DeepEqual(alert.Fields(e.Read), tt.read) {
			t.Errorf("%s\n\t%+v", tt.text, e)
		}
	}
	b := &alert.Alert{Fields: fields("proc.ppid", 1, "proc.pname", "init")}
	if e := must(t, "not proc.aname = cron", nil).Explain(b); e.Truth != True || names(e.Read) != "proc.pname proc.ppid" {
		t.Errorf("the end of the ancestors: %+v", e)
	}
}
