package condition

import (
	"errors"
	"strings"
	"testing"
)

var someDefs = &Definitions{
	Lists: map[string][]string{
		"shells":  {"sh", "bash", "dash"},
		"more":    {"zsh", "shells", `"two words"`, `'(pam)'`},
		"nothing": {},
		"single":  {"only"},
		"holes":   {"nothing", "x"},
	},
	Macros: map[string]string{
		"in_container": "(container.id != host)",
		"shell":        "proc.name in (shells)",
		"both":         "in_container and shell",
		"either":       "in_container or shell",
	},
}

func TestParse(t *testing.T) {
	tests := []struct{ text, want string }{
		// precedence: not, then and, then or
		{"a.a=1 or b.b=2 and not c.c=3", `a.a = "1" or (b.b = "2" and not c.c = "3")`},
		{"(a.a=1 or b.b=2) and c.c=3", `(a.a = "1" or b.b = "2") and c.c = "3"`},
		{"not a.a=1 and b.b=2", `not a.a = "1" and b.b = "2"`},
		{"not (a.a=1 and b.b=2)", `not (a.a = "1" and b.b = "2")`},
		{"not not a.a exists", "a.a exists"},
		{"not(not(not a.a exists))", "not a.a exists"},
		{"a.a=1 and(b.b=2)or(c.c=3)", `(a.a = "1" and b.b = "2") or c.c = "3"`},
		{"a.a=1 and (b.b=2 and (c.c=3))", `a.a = "1" and b.b = "2" and c.c = "3"`},
		{"\n  a.a\texists\r\n and b.b exists \n", "a.a exists and b.b exists"},
		// operators and values
		{"a.a == x", `a.a = "x"`},
		{"a.a=x", `a.a = "x"`},
		{"a.a != x", `a.a != "x"`},
		{"evt.dir=<", `evt.dir = "<"`},
		{"evt.dir = <", `evt.dir = "<"`},
		{"user.loginuid=-1", `user.loginuid = "-1"`},
		{"a.a >= -5 and a.a<0x1F and a.a > 1.5 and a.a <= 1e+3", "a.a >= -5 and a.a < 0x1F and a.a > 1.5 and a.a <= 1e+3"},
		{"fd.name startswith /etc/", `fd.name startswith "/etc/"`},
		{`proc.args endswith \`, `proc.args endswith "\\"`},
		{`proc.args contains "\ "`, `proc.args contains "\\"`},
		{`a.a = "x\"y\\z\n\t\x41\/"`, `a.a = "x\"y\\z\n\tA/"`},
		{`a.a = 'it\'s "so"'`, `a.a = "it's \"so\""`},
		{`a.a = ""`, `a.a = ""`},
		{"a.a = \"h\u00f6he \\xff\"", `a.a = "höhe \xff"`},
		{"proc.name in (vi, \"vim.tiny\",'b c' , runc:[0:PARENT])", `proc.name in ("vi", "vim.tiny", "b c", "runc:[0:PARENT]")`},
		{"proc.name in(a,b)", `proc.name in ("a", "b")`},
		{"proc.name in ()", "proc.name in ()"},
		{"proc.name in vi", `proc.name in ("vi")`},
		{"evt.buffer bcontains CAFE and evt.buffer bstartswith 7f45", `evt.buffer bcontains "CAFE" and evt.buffer bstartswith "7f45"`},
		{"fd.name startswith anyof (/a, /b)", `fd.name startswith anyof ("/a", "/b")`},
		{"proc.name = oneof", `proc.name = "oneof"`},
		{"proc.name = oneof shells", `proc.name = oneof ("sh", "bash", "dash")`},
		{"proc.name = anyof and a.a exists", `proc.name = "anyof" and a.a exists`},
		// fields
		{"proc.aname[2]=x", `proc.aname[2] = "x"`},
		{`f.f["a b"] = x`, `f.f["a b"] = "x"`},
		{`f.f["plain"] exists`, "f.f[plain] exists"},
		{`f.f[""] exists`, `f.f[""] exists`},
		{"json.value[/a/b] exists and proc.env[LD_PRELOAD] exists", "json.value[/a/b] exists and proc.env[LD_PRELOAD] exists"},
		{"evt.arg[flags] contains X and k8s.ns.name exists", `evt.arg[flags] contains "X" and k8s.ns.name exists`},
		{"source = syscall and tags intersects (a)", `source = "syscall" and tags intersects ("a")`},
		{"priority >= warning and priority = CRITICAL", `priority >= "warning" and priority = "CRITICAL"`},
		// transformers
		{"tolower(proc.name)=bash", `tolower(proc.name) = "bash"`},
		{"tolower( basename( proc.exepath ) ) in (a)", `tolower(basename(proc.exepath)) in ("a")`},
		{"len(proc.args) > 5", "len(proc.args) > 5"},
		{"proc.name = val(proc.pname)", "proc.name = val(proc.pname)"},
		{"tolower(proc.name) = toupper(proc.pname)", "tolower(proc.name) = toupper(proc.pname)"},
		{"proc.name in val( proc.pname )", "proc.name in val(proc.pname)"},
		{"len(a.a) >= len(b.b)", "len(a.a) >= len(b.b)"},
		// lists and macros
		{"proc.name in (shells, fish)", `proc.name in ("sh", "bash", "dash", "fish")`},
		{"proc.name in shells", `proc.name in ("sh", "bash", "dash")`},
		{"proc.name in (more)", `proc.name in ("zsh", "sh", "bash", "dash", "two words", "(pam)")`},
		{`proc.name in ("shells")`, `proc.name in ("shells")`},
		{"proc.name in (nothing)", "proc.name in ()"},
		{"proc.name in (nothing, x)", `proc.name in ("x")`},
		{"proc.name in (holes)", `proc.name in ("x")`},
		{"proc.name = single", `proc.name = "only"`},
		{`proc.name = "single"`, `proc.name = "single"`},
		{"in_container", `container.id != "host"`},
		{"not both", `not (container.id != "host" and proc.name in ("sh", "bash", "dash"))`},
		{"both and a.a exists", `container.id != "host" and proc.name in ("sh", "bash", "dash") and a.a exists`},
		{"either and a.a exists", `(container.id != "host" or proc.name in ("sh", "bash", "dash")) and a.a exists`},
	}
	for _, tt := range tests {
		c, err := Parse(tt.text, someDefs)
		if err != nil {
			t.Errorf("%s\n\t%v", tt.text, err)
			continue
		}
		if got := c.String(); got != tt.want {
			t.Errorf("%s\n\tgot  %s\n\twant %s", tt.text, got, tt.want)
			continue
		}
		for _, defs := range []*Definitions{nil, someDefs} {
			if again := must(t, c.String(), defs).String(); again != tt.want {
				t.Errorf("%s\n\tparsed again %s", tt.want, again)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	defs := &Definitions{
		Lists: map[string][]string{
			"shells": {"sh", "bash"}, "l1": {"x", "l2"}, "l2": {"l1"}, "self": {"self"},
		},
		Macros: map[string]string{
			"bad": "proc.name =", "uses_bad": "a.a exists and bad",
			"m1": "m2 or a.a exists", "m2": "a.a exists and\n m3", "m3": "not m1", "me": "me",
		},
	}
	tests := []struct{ text, want string }{
		{"", "line 1, column 1: the condition is empty"},
		{" \n ", "line 2, column 2: the condition is empty"},
		{"proc.name", "line 1, column 10: expected an operator (= != <"},
		{"proc.name bash", `after proc.name, found "bash"`},
		{"proc.name is bash", "line 1, column 11: expected an operator"},
		{"proc.name =", "line 1, column 12: expected a value after =, found the end"},
		{"proc.name = ) and", `line 1, column 13: expected a value after =, found ")"`},
		{"proc.name = a b", `line 1, column 15: expected "and", "or" or the end, found "b"`},
		{"proc.name = a=b", `line 1, column 14: expected "and", "or" or the end, found "="`},
		{"a.a exists and", `line 1, column 15: expected a field, a macro or "(", found the end`},
		{"a.a exists\nand or b.b exists", `line 2, column 5: expected a field, a macro or "(", found "or"`},
		{"and a.a exists", `line 1, column 1: expected a field`},
		{"(a.a exists", `line 1, column 12: expected "and", "or" or ")", found the end`},
		{"a.a exists)", `line 1, column 11: expected "and", "or" or the end, found ")"`},
		{"5 > 3", `line 1, column 1: expected a field, a macro or "(", found "5"`},
		{"proc.name in", `line 1, column 13: expected "(" and values after in, found the end`},
		{"proc.name in (a b)", `line 1, column 17: expected "," or ")", found "b"`},
		{"proc.name in (a,)", `line 1, column 17: expected a value, found ")"`},
		{"proc.name in (a", `line 1, column 16: expected "," or ")", found the end`},
		{"fd.num >= x", `line 1, column 11: expected a number after >=, found "x"`},
		{"fd.num > 5x", `line 1, column 11: expected "and", "or" or the end, found "x"`},
		{"priority >= high", `line 1, column 13: expected a priority (Emergency`},
		{"priority = 3", `expected a priority`},
		{"fd.sport = ssh", `line 1, column 12: expected a port number, found "ssh"`},
		{"fd.sip = localhost", `line 1, column 10: expected an IP address, found "localhost"`},
		{"fd.snet in (10.0.0.1)", `line 1, column 12: expected a network such as 10.0.0.0/8, found "10.0.0.1"`},
		{"fd.net startswith 10.", "fd.net takes only = != in intersects exists"},
		{`proc.name = "abc`, `line 1, column 13: the string has no closing "`},
		{`proc.name = "a\d"`, `line 1, column 15: unknown escape \d: a backslash is written \\`},
		{`proc.name = "a\'"`, `line 1, column 15: unknown escape \'`},
		{`proc.name = "\x4"`, `two hexadecimal digits`},
		{"a.b[ = x", `line 1, column 5: expected the field's argument, found " "`},
		{"a.b[x = y", `line 1, column 6: expected "]" for the "[" in column 4, found " "`},
		{"proc.cmdline regex '('", `line 1, column 20: the regular expression "(" is wrong: missing closing )`},
		{"proc.cmdline regex 'a)(b'", `is wrong: unexpected )`},
		{"evt.buffer bcontains xyz", `line 1, column 22: bcontains takes bytes in hexadecimal such as CAFE, not "xyz"`},
		{"evt.buffer bcontains abc", `not "abc"`},
		{"upcase(proc.name) = A", `line 1, column 1: unknown transformer upcase(): expected one of tolower toupper b64 basename len`},
		{"join(proc.name) = A", "join() is not supported"},
		{"val(proc.name) = A", "val() stands only on the right-hand side"},
		{"tolower(proc.name = A", `line 1, column 19: expected ")", found "="`},
		{"tolower() = A", `line 1, column 9: expected a field, found ")"`},
		{"tolower(a.b)[1] = A", `tolower() takes no argument in brackets`},
		{"proc.name = val(tolower(proc.pname))", "val() takes a field"},
		{"proc.name = val()", `expected a field, found ")"`},
		{"proc.name pmatch val(proc.pname)", "pmatch takes no field on its right-hand side"},
		{"proc.aname = val(proc.pname)", "proc.aname cannot be compared with a field"},
		{"proc.pname = val(proc.aname)", "proc.aname cannot stand on the right-hand side"},
		{"tolower(proc.aname) = x", "proc.aname takes no transformer"},
		{"tolower(fd.net) = x", "fd.net takes no transformer"},
		{"fd.net = val(fd.sip)", "fd.net cannot be compared with a field"},
		{"fd.sip = val(fd.ip)", "fd.ip cannot stand on the right-hand side"},
		// lists and macros
		{"a.a exists and spawned", `line 1, column 16: unknown macro "spawned" (a field is followed by an operator)`},
		{"shells", `line 1, column 1: "shells" is a list: write FIELD in (shells)`},
		{"proc.name = shells", `line 1, column 13: "shells" is a list of 2 values and = takes one: use "in", or quote the word`},
		{"a.a exists and uses_bad", `macro "bad", line 1, column 12: expected a value after =, found the end`},
		{"m1", `macro "m3", line 1, column 5: macro "m1" uses itself: m1 → m2 → m3 → m1`},
		{"a.a exists or m2", `macro "m1", line 1, column 1: macro "m2" uses itself: m2 → m3 → m1 → m2`},
		{"me", `macro "me", line 1, column 1: macro "me" uses itself: me → me`},
		{"proc.name in (a, l1)", `line 1, column 18: list "l1" uses itself: l1 → l2 → l1`},
		{"proc.name in (self)", `list "self" uses itself: self → self`},
		{"ä.b = x", `line 1, column 1: expected a field, a macro or "(", found "ä.b"`},
		{"a.a = ü and ü", `line 1, column 13: expected a field`},
		{"a.a exists xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", `found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"`},
	}
	for _, tt := range tests {
		c, err := Parse(tt.text, defs)
		if err == nil {
			t.Errorf("%s\n\tparsed as %s", tt.text, c)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s\n\tgot  %s\n\twant %s", tt.text, err, tt.want)
		}
		if e := (*Error)(nil); !errors.As(err, &e) {
			t.Errorf("%s: error is a %T", tt.text, err)
		}
	}
}

func TestLimits(t *testing.T) {
	doubling := &Definitions{Macros: map[string]string{}, Lists: map[string][]string{}}
	chain := &Definitions{Macros: map[string]string{}, Lists: map[string][]string{}}
	name := func(kind string, i int) string { return kind + strings.Repeat("x", i) }
	doubling.Macros[name("m", 0)], doubling.Lists[name("l", 0)] = "a.a exists", []string{"v"}
	chain.Macros[name("m", 0)], chain.Lists[name("l", 0)] = "a.a exists", []string{"v"}
	for i := 1; i < 400; i++ {
		p, q := name("m", i-1), name("l", i-1)
		doubling.Macros[name("m", i)] = p + " and not (" + p + " or b.b exists)"
		doubling.Lists[name("l", i)] = []string{q, q}
		chain.Macros[name("m", i)] = p
		chain.Lists[name("l", i)] = []string{q}
	}
	tests := []struct {
		text string
		defs *Definitions
		want string // "" for no error
	}{
		{strings.Repeat("(", 200) + "a.a exists" + strings.Repeat(")", 200), nil, ""},
		{strings.Repeat("(", 201) + "a.a exists" + strings.Repeat(")", 201), nil, "column 201: the condition is nested too deeply"},
		{strings.Repeat("(", 1_000_000), nil, "nested too deeply"},
		{strings.Repeat("not ", 100_000) + "a.a exists", nil, ""},
		{strings.Repeat("(a.a exists or b.b exists and ", 99) + "a.a exists" + strings.Repeat(")", 99), nil, ""},
		{strings.Repeat("(a.a exists or b.b exists and ", 120) + "a.a exists" + strings.Repeat(")", 120), nil, "nested too deeply"},
		{strings.Repeat("tolower(", 300) + "a.a", nil, "nested too deeply"},
		{strings.Repeat("a.a exists or ", 19_999) + "a.a exists", nil, ""},
		{strings.Repeat("a.a exists or ", 20_000) + "a.a exists", nil, "too big: more than 20000 checks"},
		{name("m", 10), doubling, ""},
		{name("m", 80), doubling, "too big: more than 20000 checks"},
		{name("m", 150), chain, ""},
		{name("m", 399), chain, "nested too deeply"},
		{"a.a in (" + name("l", 15) + ")", doubling, ""},
		{"a.a in (" + name("l", 100) + ")", doubling, "more than 1000000 values"},
		{strings.Repeat("a.a in ("+name("l", 16)+") or ", 20) + "b.b exists", doubling, "more than 1000000 values"},
		{"a.a in (" + name("l", 399) + ")", chain, "nested too deeply"},
		{strings.Repeat("a.a regex b and ", 600) + "a.a exists", nil, "more than 500 regular expressions"},
		{"a.a regex '" + strings.Repeat("(", 300) + strings.Repeat("x{1000}", 20) + "'", nil, "is wrong"},
		{"a.a regex '((x{100}){100}){100}'", nil, "is wrong"},
	}
	for _, tt := range tests {
		_, err := Parse(tt.text, tt.defs)
		switch {
		case err == nil && tt.want != "":
			t.Errorf("%.60s: no error, want %s", tt.text, tt.want)
		case err != nil && tt.want == "":
			t.Errorf("%.60s: %v", tt.text, err)
		case err != nil && !strings.Contains(err.Error(), tt.want):
			t.Errorf("%.60s: %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestFields(t *testing.T) {
	c := must(t, "both and (proc.aname in (x) or fd.net = 10.0.0.0/8 or proc.name = val(proc.pname)) and tolower(evt.arg[flags]) = x and f.f in () and source = syscall", someDefs)
	want := "container.id proc.name proc.aname fd.net proc.pname evt.arg[flags] f.f source"
	if got := strings.Join(c.Fields(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNilCondition(t *testing.T) {
	var c *Condition
	if c.Truth(sample()) != True || c.Explain(sample()).Truth != True || c.String() != "" || c.Fields() != nil {
		t.Error("a nil condition is not always true")
	}
}

func TestDefinitionsUnchanged(t *testing.T) {
	defs := &Definitions{Lists: map[string][]string{"a": {"b", "x"}, "b": {"y"}}, Macros: map[string]string{"m": "f.f in (a)"}}
	must(t, "m and g.g in (b, a)", defs)
	if len(defs.Lists["a"]) != 2 || defs.Lists["a"][0] != "b" || len(defs.Macros) != 1 {
		t.Errorf("changed: %v", defs)
	}
}
