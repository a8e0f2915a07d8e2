package condition

import (
	"errors"
	"testing"

	"github.com/tiercel/tiercel/alert"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"proc.name = sh", "not (a.a exists or b.b in (x, 'y z')) and both", "proc.args endswith \\", `a.a = "\x41\"\\"`,
		"fd.net in (10.0.0.0/8, '::1/128') or fd.sport >= 1024", "tolower(basename(proc.exepath)) in (shells)", "priority >= warning",
		"proc.name = val(proc.pname)", "proc.aname in (nginx) or proc.apid = 1", "fd.name glob '/[a-z]*/?' or fd.name pmatch (/a/*)",
		"proc.cmdline regex '(a|b)+'", "a.b[\"c d\"] != x", "fd.name startswith anyof (/a, /b)", "evt.buffer bcontains cafe", "tags intersects (T1059)",
		"a.a>=-1.5 and(b.b<0x1f)or not not c.c exists", "len(proc.args) > len(proc.name)", "proc.name = oneof shells", "evt.num=0", "a.a=<",
	} {
		f.Add(text, "proc.name", "sh")
	}
	f.Add("x.y iglob '[!A-[:alpha:]]*'", "x.y", "\xff[")
	f.Fuzz(func(t *testing.T, text, name, value string) {
		c, err := Parse(text, someDefs)
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Reason == "" {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		printed := c.String()
		again, err := Parse(printed, nil)
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if again.String() != printed {
			t.Fatalf("%q is printed as %q, then as %q", text, printed, again)
		}
		other := sample()
		for i := range other.Fields {
			if other.Fields[i].Name == name {
				other.Fields[i].Value = alert.Value{Kind: alert.String, Text: value}
			}
		}
		other.Fields = append(other.Fields, fields("a.a", value, "b.b", 5, "c.c", nil, "x.y", value)...)
		for _, a := range []*alert.Alert{sample(), connect(), other, {}} {
			truth := c.Truth(a)
			if got := again.Truth(a); got != truth {
				t.Fatalf("%q is %s, printed as %q it is %s", text, truth, printed, got)
			}
			e := c.Explain(a)
			if e.Truth != truth || (truth == Unknown) != (len(e.Missing) > 0) {
				t.Fatalf("%q is %s, but explained as %+v", text, truth, e)
			}
			if got := c.Truth(getter{a}); got != truth {
				t.Fatalf("%q is %s, over other values %s", text, truth, got)
			}
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("/[a-z]*/?", "/x/y", false)
	f.Add("[[:alpha:]", "[", true)
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		_ = glob(pattern, text, fold)
	})
}
