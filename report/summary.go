package report

import (
	"fmt"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
)

// summary: when and where, what the rule saw, what we think and why.
func (b *Builder) summary(n *analysis.Analysis, g Group) Section {
	first := []evidence.Statement{whenAndWhere(n)}
	first = append(first, n.Saw...)
	if g.Count > 1 && g.Standing.Further == 0 {
		first = append(first, repeats(n, g))
	}
	first = append(first, g.Standing.Statements...)
	second := []evidence.Statement{verdictStatement(n, confidence(n.Verdict.Confidence, g))}
	second = append(second, firstOf(n.Verdict.Reasons, 4)...)
	second = append(second, n.Verdict.Assets...)
	if st, ok := priorityStatement(n); ok {
		second = append(second, st)
	}
	s := Section{ID: Summary, Title: "Summary", Blocks: []Block{Paragraph{first}, Paragraph{second}}}
	return s
}

func firstOf(list []evidence.Statement, n int) []evidence.Statement {
	return list[:min(n, len(list))]
}

func whenAndWhere(n *analysis.Analysis) evidence.Statement {
	a := n.Alert
	var st evidence.Statement
	if !a.Time.IsZero() {
		text(&st, "On "+a.Time.Format("2006-01-02")+" at "+a.Time.Format("15:04:05")+" UTC")
		st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Field, Ref: timeRef(a), Value: timeValue(a)})
	} else {
		text(&st, "At a time that the alert does not tell")
	}
	container, inContainer := known(a, "container.id")
	if inContainer && container.Value.Text != "host" {
		text(&st, ", in container ")
		if name, ok := known(a, "container.name"); ok {
			value(&st, name)
			text(&st, " (")
			value(&st, container)
			text(&st, ")")
		} else {
			value(&st, container)
		}
		if image, ok := known(a, "container.image.repository"); ok {
			text(&st, " of image ")
			value(&st, image)
		}
	}
	if pod, ok := known(a, "k8s.pod.name", "ka.target.pod.name"); ok {
		text(&st, ", pod ")
		value(&st, pod)
	}
	if host, ok := known(a, "hostname"); ok {
		if ofHost(a) {
			text(&st, ", on host ")
		} else {
			text(&st, ", reported by Falco on ")
		}
		value(&st, host)
	}
	text(&st, ", ")
	if n.Rule == "" {
		text(&st, "Falco wrote a line whose rule cannot be told from its text.")
		st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: a.Output})
		return st
	}
	if rule, ok := known(a, "rule"); ok {
		text(&st, "Falco's rule ")
		value(&st, rule)
		text(&st, " fired.")
		return st
	}
	text(&st, "Falco wrote the message of its rule "+n.Rule+".")
	st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: a.Output}, source("falco-rules#"+n.Rule))
	return st
}

// ofHost reports whether the event took place on the host that the alert names:
// so for system calls, not for audit logs that Falco reads from elsewhere.
func ofHost(a *alert.Alert) bool {
	return a.Source == "" || a.Source == "syscall" || a.Source == "syscalls" || a.Source == "internal"
}

// timeRef is the key that carried the alert's time.
func timeRef(a *alert.Alert) string {
	if a.TimeText == "" {
		return "output"
	}
	return "time"
}

func timeValue(a *alert.Alert) string {
	if a.TimeText == "" {
		return a.Output
	}
	return a.TimeText
}

func repeats(n *analysis.Analysis, g Group) evidence.Statement {
	st := say(fmt.Sprintf("There are %d such alerts; this report shows the first one.", g.Count))
	for i, r := range g.Each {
		if i == 3 {
			break
		}
		st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Alert, Ref: fmt.Sprintf("%s:%d", r.File, r.Line), Value: n.Rule})
	}
	if len(st.Evidence) == 0 {
		st.Evidence = whenAndWhere(n).Evidence
	}
	return st
}

func verdictStatement(n *analysis.Analysis, confidence float64) evidence.Statement {
	v := n.Verdict
	st := say("We take it for " + classPhrase(v.Class) + ", with " + ConfidenceWord(confidence) + " confidence.")
	for _, r := range firstOf(v.Reasons, 3) {
		st.Evidence = merge(st.Evidence, r.Evidence)
	}
	return st
}

func classPhrase(c analysis.Class) string {
	switch c {
	case analysis.Attack:
		return "an attack"
	case analysis.Suspicious:
		return "suspicious"
	case analysis.Test:
		return "a security test"
	case analysis.Benign:
		return "ordinary work"
	}
	return "something that this alert alone does not decide"
}

func merge(to []evidence.Evidence, add []evidence.Evidence) []evidence.Evidence {
	for _, e := range add {
		known := false
		for _, old := range to {
			known = known || old == e
		}
		if !known {
			to = append(to, e)
		}
	}
	return to
}

func priorityStatement(n *analysis.Analysis) (evidence.Statement, bool) {
	f, ok := known(n.Alert, "priority")
	if !ok || n.Alert.Priority == alert.NoPriority {
		return evidence.Statement{}, false
	}
	st := say("Falco's priority is ")
	value(&st, f)
	text(&st, "; that is a constant of the rule, not a measure of this event. Ours is "+SeverityWords[n.Verdict.Severity.String()]+".")
	st.Evidence = append(st.Evidence, source("falco-docs#priority"))
	return st, true
}
