package audit

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/tiercel/tiercel/audit/finding"
)

func sane(t *testing.T, report []byte, found []finding.Finding) {
	t.Helper()
	for i, f := range found {
		if f.Start < 0 || f.Start >= f.End || f.End > len(report) {
			t.Fatalf("finding at %d:%d of %d bytes", f.Start, f.End, len(report))
		}
		if i > 0 && f.Start < found[i-1].Start {
			t.Fatal("findings are not sorted")
		}
		if f.Judgement.Rank() < 0 || len(f.Reason.Evidence) == 0 {
			t.Fatalf("%s without evidence", f.Judgement)
		}
	}
}

func FuzzAudit(f *testing.F) {
	for _, s := range []string{"| a | b |\n|---|---|\n| `proc.name` | `5` |\n", "**PID:** 5\n\nT1059.004 (x) at 25:61:99 UTC\n\n```\nproc.name=cat\n", "<table><tr><td>User<td>x</table><pre>&#0;</pre>",
		"> - 1. `host` is the parent process\n\n\tcode\r\n", "\xff\xfe| \x00 |\n|-|\n", "Falco blocked it, by implementing these steps you can", "[x]: y\n[x][x](<\n", "2025-13-41T99:99Z 1.2.3.4:5->6.7.8.9:10"} {
		f.Add([]byte(s))
	}
	alerts := decode(f, memfd, connect)
	f.Fuzz(func(t *testing.T, report []byte) {
		sane(t, report, auditor().Audit(report, alerts).Findings)
		sane(t, report, auditor().Audit(report, nil).Findings)
	})
}

// Hostile texts of any length take time by their length.
func TestHostile(t *testing.T) {
	const slow = 6 * time.Second
	alerts := decode(t, memfd)
	for i, unit := range []string{"> ", "- ", "[", "*a_ ", "`", "<a ", "|a", "|a|\n|-|\n", "![](", "\\", "&#x41;", "the parent process is `x`. ", "T1059 (X) ", "10:11:12 ", "```\n", "a\n\n", "<table><tr><td>", "\n    - ",
		"Falco can could may will block ", "PID: 5\n", "#\n", "=\n", "proc.name=", "\x00\xff", "[a]: b\n", "1.1.1.1 ", "* * * ", "\"", "(", "e.g. "} {
		size := 1 << 20
		if raced {
			size = 1 << 15
		} else if sampled() {
			size = 1 << 18
		} else if i < 4 {
			size = 10 << 20
		}
		report := bytes.Repeat([]byte(unit), size/len(unit))
		start := time.Now()
		res := auditor().Audit(report, alerts)
		took := time.Since(start)
		if took > slow { // what hangs ends with the time of go test
			t.Logf("%q: %v, %d findings", unit, took, len(res.Findings))
		}
		sane(t, report, res.Findings)
	}
}

func BenchmarkAudit(b *testing.B) {
	report := []byte(strings.Repeat("The parent process is `python3` on host oak-7. Falco is a runtime security tool, and the attacker could gain access.\n\n", 60))
	alerts := decode(b, memfd)
	auditor()
	b.SetBytes(int64(len(report)))
	for b.Loop() {
		auditor().Audit(report, alerts)
	}
}
