package condition

import (
	"strings"
	"testing"
)

func TestFromException(t *testing.T) {
	tests := []struct {
		name          string
		fields, comps []string
		values        [][]string
		want          string
	}{
		{"pairs", []string{"proc.name", "fd.directory"}, []string{"=", "="}, [][]string{{"my-yum", "/usr/bin"}, {"my apt", "/opt"}},
			`(proc.name = "my-yum" and fd.directory = "/usr/bin") or (proc.name = "my apt" and fd.directory = "/opt")`},
		{"comps left out", []string{"proc.name", "fd.name"}, nil, [][]string{{"a", "/b"}}, `proc.name = "a" and fd.name = "/b"`},
		{"one field, comps left out", []string{"proc.name"}, nil, [][]string{{"a", "b"}, {"c"}}, `proc.name in ("a", "b", "c")`},
		{"one field", []string{"fd.name"}, []string{"pmatch"}, [][]string{{"/a"}, {"/b/*"}}, `fd.name pmatch ("/a", "/b/*")`},
		{"one field compared by =", []string{"proc.name"}, []string{"="}, [][]string{{"a"}, {"b"}}, `proc.name = "a" or proc.name = "b"`},
		{"a list in a row", []string{"proc.cmdline", "fd.name"}, []string{"startswith", "in"}, [][]string{{"sh -c", `(/a, "/b c", shells)`}, {"x", "/c"}},
			`(proc.cmdline startswith "sh -c" and fd.name in ("/a", "/b c", "sh", "bash", "dash")) or (proc.cmdline startswith "x" and fd.name in ("/c"))`},
		{"ListValue", []string{"proc.name", "fd.name"}, []string{"=", "in"}, [][]string{{"a", ListValue([]string{"/a", "/b c", `"(x)"`, "(y)", "a=b"})}},
			`proc.name = "a" and fd.name in ("/a", "/b c", "(x)", "(y)", "a=b")`},
		{"lists by name", []string{"proc.name", "user.name"}, []string{"in", "="}, [][]string{{"shells", "single"}}, `proc.name in ("sh", "bash", "dash") and user.name = "only"`},
		{"quoted", []string{"proc.name"}, []string{"in"}, [][]string{{`"(pam)"`, `"shells"`, "'x'"}}, `proc.name in ("(pam)", "shells", "x")`},
		{"numbers", []string{"user.uid", "proc.name"}, []string{">=", "="}, [][]string{{"1000", "x"}}, `user.uid >= 1000 and proc.name = "x"`},
		{"modifier", []string{"fd.name", "proc.name"}, []string{"startswith anyof", "="}, [][]string{{"(/a, /b)", "x"}}, `fd.name startswith anyof ("/a", "/b") and proc.name = "x"`},
		{"argument and transformer", []string{"proc.aname[2]", "tolower(proc.name)"}, nil, [][]string{{"x", "y"}}, `proc.aname[2] = "x" and tolower(proc.name) = "y"`},
		{"text that looks like a condition", []string{"proc.name", "proc.tty"}, nil, [][]string{{"x) or (proc.name exists", "0"}}, `proc.name = "x) or (proc.name exists" and proc.tty = "0"`},
		{"no values", []string{"proc.name", "fd.name"}, []string{"startswith", "="}, nil, "proc.name in ()"},
		{"no values of one field", []string{"proc.name"}, []string{"in"}, nil, "proc.name in ()"},
	}
	for _, tt := range tests {
		c, err := someDefs.FromException(tt.fields, tt.comps, tt.values)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if c.String() != tt.want {
			t.Errorf("%s\n\tgot  %s\n\twant %s", tt.name, c, tt.want)
		}
		if got := must(t, c.String(), nil).String(); got != tt.want {
			t.Errorf("%s: parsed again %s", tt.name, got)
		}
	}
	none, err := FromException([]string{"gone.a", "gone.b"}, nil, nil)
	if err != nil || none.Truth(sample()) != False {
		t.Errorf("an exception without values: %v, %v", none, err)
	}
	c, err := FromException([]string{"proc.name", "proc.pname"}, []string{"in", "startswith"}, [][]string{{"(sh, bash)", "ngi"}})
	if err != nil || c.Truth(sample()) != True {
		t.Errorf("%v, %v", c, err)
	}
}

func TestFromExceptionErrors(t *testing.T) {
	tests := []struct {
		fields, comps []string
		values        [][]string
		want          string
	}{
		{nil, nil, nil, "no fields"},
		{[]string{"a.a", "b.b"}, []string{"="}, nil, "2 fields and 1 comps"},
		{[]string{"a.a", "b.b"}, nil, [][]string{{"x", "y"}, {"z"}}, "line 2, column 1: the exception has 2 fields and 1 values in a row"},
		{[]string{"a.a", "b b"}, nil, [][]string{{"x", "y"}}, `field "b b": expected the end, found "b"`},
		{[]string{"a.a", "("}, nil, [][]string{{"x", "y"}}, "expected a field"},
		{[]string{"a.a"}, []string{"is"}, [][]string{{"x"}}, `unknown operator "is"`},
		{[]string{"a.a"}, []string{"in oneof"}, [][]string{{"x"}}, `unknown operator "in oneof"`},
		{[]string{"a.a"}, []string{"exists"}, [][]string{{"x"}}, `unknown operator "exists"`},
		{[]string{"a.a", "b.b"}, []string{"=", "in"}, [][]string{{"x", "(y"}}, `value "(y": expected "," or ")"`},
		{[]string{"a.a", "b.b"}, []string{"=", "in"}, [][]string{{"x", "(y) or c.c exists"}}, "expected the end"},
		{[]string{"a.a", "b.b"}, []string{"=", ">"}, [][]string{{"x", "y"}}, `value "y": expected a number`},
		{[]string{"a.a", "b.b"}, nil, [][]string{{"x", "shells"}}, "it is a list of 3 values and = takes one"},
		{[]string{"a.a"}, []string{"regex"}, [][]string{{"("}}, "is wrong"},
		{[]string{"fd.snet"}, []string{"in"}, [][]string{{"x"}}, "expected a network"},
	}
	for _, tt := range tests {
		c, err := someDefs.FromException(tt.fields, tt.comps, tt.values)
		if err == nil {
			t.Errorf("%v %v %v: %s", tt.fields, tt.comps, tt.values, c)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v %v %v\n\tgot  %v\n\twant %s", tt.fields, tt.comps, tt.values, err, tt.want)
		}
	}
}
