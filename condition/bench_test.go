package condition

import (
	"fmt"
	"strings"
	"testing"
)

func names30() string {
	var out []string
	for i := range 29 {
		out = append(out, fmt.Sprintf("program-%d", i))
	}
	return strings.Join(append(out, "nginx"), ", ")
}

func BenchmarkTruth(b *testing.B) {
	for _, bb := range []struct{ name, text string }{
		{"list-and-prefix", "proc.pname in (" + names30() + ") and not proc.exepath startswith /usr/"},
		{"list-missed", "proc.sname in (" + names30() + ")"},
		{"ancestor-found", "proc.aname in (" + names30() + ")"},
		{"ancestor-unknown", "proc.aname in (sshd)"},
		{"number", "user.uid >= 1000"},
		{"regex", "proc.cmdline regex '.*uname +-a'"},
		{"icontains", "proc.cmdline icontains UNAME"},
		{"pmatch", "proc.exepath pmatch (/etc, /opt/*/bin, /usr/local)"},
		{"glob", "proc.exepath glob '/home/*/.ssh/*'"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c, a := must(b, bb.text, nil), sample()
			b.ReportAllocs()
			for b.Loop() {
				c.Truth(a)
			}
		})
	}
}

func BenchmarkExplain(b *testing.B) {
	c, a := must(b, "proc.pname in ("+names30()+") and not proc.exepath startswith /opt/", nil), sample()
	b.ReportAllocs()
	for b.Loop() {
		c.Explain(a)
	}
}

func BenchmarkParse(b *testing.B) {
	text := "proc.pname in (" + names30() + ") and not proc.exepath startswith /usr/ and (both or either)"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text, someDefs); err != nil {
			b.Fatal(err)
		}
	}
}
