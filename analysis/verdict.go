package analysis

import (
	"slices"
	"sort"
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

// Verdict is a Judgement with its reasons.
type Verdict struct {
	Judgement
	Base      evidence.Statement   // what the rule weighs by itself
	Reasons   []evidence.Statement // signs that speak for the class
	Against   []evidence.Statement // signs that speak for another one
	Otherwise evidence.Statement   // the strongest other explanation
	Change    evidence.Statement   // what would change our mind
	Unknowns  []evidence.Statement // what could not be weighed, and why
	Assets    []evidence.Statement // what the user's context says of the worth
	Rising    []evidence.Statement // signs of attack, whatever the class
}

// reason is a true sign with its words.
type reason struct {
	side   int
	weight int
	st     evidence.Statement
}

// verdict weighs an alert and gives the words for it; as is the class of the
// incident that it belongs to, nil when it stands for itself.
func (z *Analyzer) verdict(s *speaker, p *knowledge.Profile, as *Class) Verdict {
	if s.alert.Source == "internal" {
		return z.healthVerdict(s)
	}
	var sc scale
	z.weigh(s.alert, p, &sc)
	v := Verdict{Judgement: z.judgement(s.alert, &sc)}
	own := v.Class
	if as != nil {
		v.Class = *as
	}
	v.Base = z.baseStatement(s, p)
	reasons := z.reasons(s, p, &sc)
	for _, r := range reasons {
		if r.side == towardsAttack {
			v.Rising = append(v.Rising, r.st)
		}
		if speaksFor(r.side, v.Class) {
			v.Reasons = append(v.Reasons, r.st)
		} else {
			v.Against = append(v.Against, r.st)
		}
	}
	if own == v.Class && len(v.Reasons) == 0 || v.Class == Unknown {
		v.Reasons = append([]evidence.Statement{v.Base}, v.Reasons...)
	}
	v.Otherwise = z.otherwise(s, &sc, v.Class)
	v.Change = z.change(s, v.Class)
	v.Unknowns = z.unweighed(s)
	v.Assets = z.assets(s)
	return v
}

// speaksFor reports whether a sign of a side supports a class. For an unknown
// verdict everything is a reason: they outweigh each other.
func speaksFor(side int, c Class) bool {
	switch c {
	case Attack, Suspicious:
		return side == towardsAttack
	case Test:
		return side == towardsTest
	case Benign:
		return side == towardsBenign
	}
	return true
}

func (z *Analyzer) reasons(s *speaker, p *knowledge.Profile, sc *scale) []reason {
	var out []reason
	for _, sign := range sc.best {
		if sign != nil {
			out = append(out, reason{towards[sign.Towards], sign.Weight, z.signStatement(s, sign)})
		}
	}
	if sc.action {
		st := phrase("The event is what the event-generator's action ")
		addText(&st, p.EventGenerator.Action)
		addText(&st, " does.")
		_, read := s.holds(p.EventGenerator.Cond)
		citing(&st, read...)
		citing(&st, sourceEvidence("event-generator#"+p.EventGenerator.Action)...)
		out = append(out, reason{towardsTest, actionWeight, st})
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].weight > out[j].weight })
	return out
}

// signStatement is a true sign in words. A sign whose sentence shows a field
// that is not there is told without it: a sign that counted must be named.
func (z *Analyzer) signStatement(s *speaker, sign *knowledge.Sign) evidence.Statement {
	quiet := &speaker{alert: s.alert, missing: map[string]bool{}}
	_, read := quiet.holds(sign.Cond)
	st := quiet.say(sign.Template, nil)
	if st.Empty() {
		st = phrase("The sign " + strings.ReplaceAll(sign.ID, "-", " ") + " is there.")
	}
	citing(&st, read...)
	citing(&st, sourceEvidence(sign.Sources...)...)
	if sign.Context != "" {
		citing(&st, sourceEvidence("context:"+sign.Context)...)
	}
	return st
}

func (z *Analyzer) baseStatement(s *speaker, p *knowledge.Profile) evidence.Statement {
	var st evidence.Statement
	if p.Reviewed() {
		st = phrase(baseWords(p.Base))
		citing(&st, sourceEvidence("triage#base")...)
	} else {
		st = phrase("No reviewed profile exists for this rule; its author's priority is all that is known of its weight.")
		if f, ok := fieldOr(s.alert, "priority"); ok {
			citing(&st, FieldEvidence(f))
		}
		citing(&st, sourceEvidence("triage#base")...)
	}
	if f, ok := fieldOr(s.alert, "rule"); ok {
		citing(&st, FieldEvidence(f))
	}
	return st
}

func baseWords(base int) string {
	switch {
	case base >= 8:
		return "This rule rarely fires without an attack or a test behind it."
	case base >= 6:
		return "This rule fires more often for attacks and tests than for ordinary work."
	case base >= 4:
		return "This rule fires for attacks and for ordinary work alike."
	}
	return "This rule fires mostly for ordinary work."
}

// otherwise names the strongest other explanation.
func (z *Analyzer) otherwise(s *speaker, sc *scale, c Class) evidence.Statement {
	var st evidence.Statement
	switch c {
	case Test:
		other, _ := sc.classify(towardsTest)
		st = phrase("Somebody imitates the test tool: every one of these strings can be borrowed. Without them this alert would be called " + className(other) + ".")
	case Benign:
		other, _ := sc.classify(towardsBenign)
		st = phrase("Somebody with stolen access works like an administrator. Without the signs of ordinary work this alert would be called " + className(other) + ".")
	case Attack, Suspicious:
		if sc.sides[towardsTest].groups > 0 {
			st = phrase("A security test: some of its marks are there, but not enough of them.")
		} else {
			st = phrase("Ordinary work that looks the same; what it would look like is listed below.")
		}
	default:
		return st
	}
	citing(&st, sourceEvidence("triage#classes")...)
	if f, ok := fieldOr(s.alert, "rule", "proc.cmdline", "output"); ok {
		citing(&st, FieldEvidence(f))
	}
	return st
}

func className(c Class) string {
	switch c {
	case Test:
		return "a security test"
	case Benign:
		return "ordinary work"
	case Unknown:
		return "unknown"
	case Attack:
		return "an attack"
	}
	return c.String()
}

// change says what would change our mind.
func (z *Analyzer) change(s *speaker, c Class) evidence.Statement {
	var text string
	switch c {
	case Test:
		text = "It is not a test if nobody who may run tests started one at that time, if the image is another one, or if the same place raises alerts that the tool does not."
	case Benign:
		text = "It is not ordinary if the person behind the login did not do it, or if other alerts come from the same session."
	case Attack, Suspicious:
		text = "It is ordinary if the owner of the workload can name the job, the change or the person that did exactly this."
	default:
		text = "A second alert from the same session, container or parent within minutes, or the owner's word, decides it."
	}
	st := phrase(text)
	citing(&st, sourceEvidence("triage#classes")...)
	if f, ok := fieldOr(s.alert, "hostname", "container.id", "rule"); ok {
		citing(&st, FieldEvidence(f))
	}
	return st
}

// unweighed names the fields that signs would have needed. Only then is a
// verdict of unknown honest: it says what was missing. Fields that belong to
// other kinds of event are not missing here.
func (z *Analyzer) unweighed(s *speaker) []evidence.Statement {
	if s.alert.Source != "syscall" && s.alert.Source != "syscalls" && s.alert.Source != "" {
		return nil
	}
	var names []string
	for _, sign := range z.candidates(s.alert.Rule) {
		if sign.Cond.Truth(s.alert) != condition.Unknown {
			continue
		}
		for _, name := range sign.Cond.Explain(s.alert).Missing {
			if ofAnyEvent(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	sort.Strings(names)
	st := phrase("Some signs could not be weighed, because this alert does not tell " + listWords(names) + ".")
	if f, ok := fieldOr(s.alert, "rule", "output"); ok {
		citing(&st, FieldEvidence(f))
	}
	citing(&st, sourceEvidence("falco-fields")...)
	return []evidence.Statement{st}
}

// ofAnyEvent reports whether a field exists for every system call.
func ofAnyEvent(name string) bool {
	for _, class := range []string{"proc.", "user.", "container.", "group.", "thread."} {
		if strings.HasPrefix(name, class) {
			return true
		}
	}
	return false
}

func listWords(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// assets says what the user's context says of the worth of what is concerned.
func (z *Analyzer) assets(s *speaker) []evidence.Statement {
	if z.context == nil {
		return nil
	}
	var out []evidence.Statement
	for _, a := range z.context.assets {
		ok, read := s.holds(a.when)
		if !ok {
			continue
		}
		text := a.say
		if text == "" {
			text = a.name + " is of " + a.value + " value."
		}
		st := phrase(text)
		citing(&st, read...)
		citing(&st, sourceEvidence("context:"+z.context.file+"#"+a.name)...)
		out = append(out, st)
	}
	return out
}

// adjust raises or lowers the severity by the worth of what is concerned.
func (c *Context) adjust(a *alert.Alert, j Judgement) Severity {
	if c == nil || j.Class <= Test {
		return j.Severity
	}
	for _, x := range c.assets {
		if x.when.Truth(a) != condition.True {
			continue
		}
		switch {
		case x.value == "high" && j.Severity < Critical:
			return j.Severity + 1
		case x.value == "low" && j.Severity > Low:
			return j.Severity - 1
		}
	}
	return j.Severity
}

// healthVerdict is the verdict on a message of Falco about itself.
func (z *Analyzer) healthVerdict(s *speaker) Verdict {
	v := Verdict{Judgement: Judgement{Class: Benign, Severity: healthSeverity(s.alert), Confidence: 0.95}}
	st := phrase("This is a message of Falco about itself, not a detection.")
	if f, ok := fieldOr(s.alert, "source"); ok {
		citing(&st, FieldEvidence(f))
	}
	citing(&st, sourceEvidence("falco-docs")...)
	v.Reasons = []evidence.Statement{st}
	v.Base = st
	if isDrop(s.alert) {
		drop := phrase("Falco lost events: what happened on this host at that time may have raised no alert, and the picture that other alerts give is incomplete.")
		citing(&drop, st.Evidence...)
		v.Unknowns = []evidence.Statement{drop}
	}
	v.Change = z.change(s, Benign)
	return v
}
