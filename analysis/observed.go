package analysis

import (
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

// Observed is what was seen on the host that Tiercel runs on; package observe
// fills it. Keys of Seen are "kernel", "command NAME", "package NAME",
// "file PATH" and "lsm"; an empty value means: looked for and not there.
type Observed struct {
	Host string // its hostname
	Seen map[string]string
}

// fit says whether a control's needs are met on the observed host. Both are
// empty when nothing was observed, the alert is of another host, or the
// control has no need that can be looked at.
func (z *Analyzer) fit(a *alert.Alert, c *knowledge.Control) (string, evidence.Statement) {
	if z.observed == nil || a.Hostname == "" || a.Hostname != z.observed.Host {
		return "", evidence.Statement{}
	}
	fits, known := true, false
	var st evidence.Statement
	for _, n := range c.Needs {
		for _, w := range wants(n) {
			value, looked := z.observed.Seen[w.probe]
			if !looked {
				continue
			}
			known = true
			ok := w.met(value)
			fits = fits && ok
			if !st.Empty() {
				addText(&st, "; ")
			}
			addText(&st, w.probe+": ")
			if value == "" {
				addText(&st, "not there")
			} else {
				st.Spans = append(st.Spans, evidence.Span{Text: value, Value: true})
			}
			citing(&st, evidence.Evidence{Kind: evidence.Observation, Ref: z.observed.Host + ": " + w.probe, Value: value})
		}
	}
	switch {
	case !known:
		return "", evidence.Statement{}
	case fits:
		return "fits", st
	}
	return "does not fit", st
}

// want is one need that can be looked at.
type want struct {
	probe string
	met   func(value string) bool
}

func there(value string) bool { return value != "" }

func wants(n knowledge.Need) []want {
	var out []want
	if n.Kernel != "" {
		out = append(out, want{"kernel", func(v string) bool { return kernelMeets(v, n.Kernel) }})
	}
	if n.Command != "" {
		out = append(out, want{"command " + n.Command, there})
	}
	if n.Package != "" {
		out = append(out, want{"package " + n.Package, there})
	}
	if n.File != "" {
		out = append(out, want{"file " + n.File, there})
	}
	if n.LSM != "" {
		out = append(out, want{"lsm", func(v string) bool {
			for _, name := range strings.Split(v, ",") {
				if name == n.LSM {
					return true
				}
			}
			return false
		}})
	}
	return out
}

// Probes returns the keys of Observed.Seen that the needs of a control ask for.
func Probes(c *knowledge.Control) []string {
	var out []string
	for _, n := range c.Needs {
		for _, w := range wants(n) {
			out = append(out, w.probe)
		}
	}
	return out
}

// kernelMeets compares a release such as 6.1.0-50-amd64 with ">= 6.3".
func kernelMeets(release, need string) bool {
	op, version, ok := strings.Cut(need, " ")
	if !ok {
		return false
	}
	have, want := kernelNumber(release), kernelNumber(version)
	switch op {
	case ">=":
		return have >= want
	case ">":
		return have > want
	case "<":
		return have < want
	case "<=":
		return have <= want
	}
	return false
}

// kernelNumber is major*1000+minor of a release.
func kernelNumber(release string) int {
	major, rest, _ := strings.Cut(release, ".")
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	a, err := strconv.Atoi(major)
	b, err2 := strconv.Atoi(rest[:end])
	if err != nil || err2 != nil {
		return 0
	}
	return a*1000 + b
}
