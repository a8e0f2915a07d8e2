package report

import (
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/evidence"
)

// conclusion: the verdict in plain words, whether it succeeded, what it does
// not show.
func (b *Builder) conclusion(n *analysis.Analysis) Section {
	var list []evidence.Statement
	verdict := say(conclusionWords(n))
	for _, r := range firstOf(n.Verdict.Reasons, 3) {
		verdict.Evidence = merge(verdict.Evidence, r.Evidence)
	}
	list = append(list, verdict)
	if st, ok := success(n); ok {
		list = append(list, st)
	}
	return Section{ID: Conclusion, Title: "Conclusion", Blocks: []Block{Paragraph{list}}}
}

func conclusionWords(n *analysis.Analysis) string {
	if n.Alert.Source == "internal" {
		return "This is about the health of the sensor, not about an attack."
	}
	switch n.Verdict.Class {
	case analysis.Attack:
		return "Several independent signs agree: treat this as an attack until somebody who may know explains it."
	case analysis.Suspicious:
		return "This needs a look by a person now; the alert alone does not prove an attack."
	case analysis.Test:
		return "This looks like a deliberate security test. It shows that detection works; it shows no compromise. The owner's word is still needed, because the marks of the tool can be borrowed."
	case analysis.Benign:
		return "This looks like ordinary work: what was done fits what started it, and nothing in the alert speaks of an attack."
	}
	return "The alert can be either ordinary work or an attack. What would decide it is named above; until then it stays open."
}

// success says whether what the rule saw worked.
func success(n *analysis.Analysis) (evidence.Statement, bool) {
	if n.Profile == nil {
		return evidence.Statement{}, false
	}
	if res, ok := known(n.Alert, "evt.res"); ok && n.Profile.Success != "open" {
		st := say("It succeeded: evt.res is ")
		switch {
		case res.Value.Text == "SUCCESS":
		case n.Profile.Success == "implied":
			st = say("What the rule saw had succeeded before; the call that raised the alert returned ")
		default:
			st = say("It did not succeed: evt.res is ")
		}
		value(&st, res)
		text(&st, ".")
		return st, true
	}
	rule, ok := known(n.Alert, "rule", "output")
	if !ok {
		return evidence.Statement{}, false
	}
	switch n.Profile.Success {
	case "implied":
		return say("It succeeded: this rule fires only then.", fieldOf(rule), source("falco-rules#"+n.Profile.Rule)), true
	case "open":
		return say("Whether it succeeded, the alert does not tell.", fieldOf(rule), source("falco-rules#"+n.Profile.Rule)), true
	}
	return evidence.Statement{}, false
}

// recommendations: what to do, in order.
func (b *Builder) recommendations(n *analysis.Analysis) Section {
	var items []evidence.Statement
	add := func(st evidence.Statement) {
		if len(st.Evidence) == 0 {
			st.Evidence = n.Headline.Evidence
		}
		items = append(items, st)
	}
	if n.Alert.Source == "internal" {
		add(say("If events were lost, give Falco more room (syscall_event_drops, buf_size_preset in falco.yaml) or fewer rules, and treat the alerts of that time as incomplete.", source("falco-docs#drops")))
	} else {
		for _, st := range adviceFor(n) {
			add(st)
		}
	}
	if st, ok := wantedFields(n); ok {
		add(st)
	}
	return Section{ID: Recommendations, Title: "Recommendations", Blocks: []Block{List{Ordered: true, Items: items}}}
}

func adviceFor(n *analysis.Analysis) []evidence.Statement {
	change := n.Verdict.Change.Evidence
	triage := source("triage#classes")
	var out []evidence.Statement
	switch n.Verdict.Class {
	case analysis.Attack:
		out = append(out,
			say("Keep the evidence first, then contain, as under Mitigation Strategies: killing the process or removing the container destroys what only lives in memory.", triage),
			say("Look for other alerts from the same session, container, user and address, before and after.", triage),
			say("Change every secret that the account or the container could read.", triage))
	case analysis.Suspicious:
		out = append(out,
			withWho("Ask whether this was intended", n, change),
			say("Run the commands under Look closer while the process, the session or the container is still there; keep their output.", triage),
			say("If nobody explains it, go on as for an attack: keep evidence, contain, change what could have been read.", triage))
	case analysis.Test:
		out = append(out,
			withWho("Ask whether the test was intended", n, change),
			say("If it was, close this as a security test; every alert of the same run belongs to it, and any that the tool does not raise is judged by itself.", triage),
			say("If it was not, treat it as an attack that borrows the tool's name, and keep the host as it is.", triage),
			say("Do not silence the rule; if tests are regular, make an exception for image and path together, never for a name alone.", source("falco-docs#exceptions")))
	case analysis.Benign:
		out = append(out,
			say("Close it, unless other alerts of the same session, container or user say something else.", triage),
			say("If it comes often, say what is normal here in a file for --context, or make a narrow exception in Falco; do not silence the rule.", source("falco-docs#exceptions")))
	default:
		look := "Look at what came before and after in the same session, container and parent."
		if !ofHost(n.Alert) {
			look = "Look at what the same account did before and after, and from where."
		} else if len(n.Looks) > 0 {
			look = "Look at what came before and after in the same session, container and parent; the first command under Look closer is the most telling."
		}
		out = append(out,
			withWho("Ask whether this was intended", n, change),
			say(look, triage),
			say("If this is normal here, say so in a file for --context: it is the cheapest way to fewer false alarms.", triage))
	}
	return out
}

// withWho names who can be asked.
func withWho(question string, n *analysis.Analysis, ev []evidence.Evidence) evidence.Statement {
	st := say(question + ": ")
	if account, ok := known(n.Alert, "ka.user.name", "ct.user", "okta.actor.alternateID", "github.user", "gcp.user"); ok && !ofHost(n.Alert) {
		text(&st, "whoever stands behind the account ")
		value(&st, account)
	} else if uid, ok := known(n.Alert, "user.loginuid"); ok && uid.Value.Text != "-1" && uid.Value.Text != "4294967295" {
		text(&st, "the person with login id ")
		value(&st, uid)
		if host, ok := known(n.Alert, "hostname"); ok {
			text(&st, " on ")
			value(&st, host)
		}
	} else if host, ok := known(n.Alert, "hostname"); ok {
		text(&st, "the owner of host ")
		value(&st, host)
		if c, ok := known(n.Alert, "container.id"); ok && c.Value.Text != "host" {
			text(&st, " and of container ")
			value(&st, c)
		}
	} else {
		text(&st, "the owner of the workload")
	}
	if !n.Alert.Time.IsZero() {
		text(&st, ", about "+n.Alert.Time.Format("2006-01-02 15:04:05")+" UTC")
		st.Evidence = append(st.Evidence, evidence.Evidence{Kind: evidence.Field, Ref: timeRef(n.Alert), Value: timeValue(n.Alert)})
	}
	text(&st, ".")
	st.Evidence = merge(st.Evidence, ev)
	return st
}

// correlation are the fields that stock alerts lack and that every
// investigation misses first.
var correlation = []string{"proc.pid", "proc.ppid", "proc.sid", "proc.pcmdline"}

func wantedFields(n *analysis.Analysis) (evidence.Statement, bool) {
	if n.Alert.Source != "syscall" && n.Alert.Source != "syscalls" {
		return evidence.Statement{}, false
	}
	var missing []string
	for _, name := range correlation {
		if _, ok := n.Alert.Get(name); !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return evidence.Statement{}, false
	}
	return say("So that the next alert carries what this one lacks, add "+join(missing)+" with append_output in falco.yaml (Falco 0.39 or later).",
		source("falco-docs#append_output")), true
}
