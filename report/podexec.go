package report

import (
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/incident"
)

// execLead is how long before something happens in a pod a request to run a
// command there may have been made to be told as its likely cause.
const execLead = time.Minute

// podExecs tells who asked the API server to run something in a pod, and from
// where, shortly before Falco saw a process there.
func (c *Case) podExecs() []evidence.Statement {
	var out []evidence.Statement
	for _, k := range c.Kinds {
		a := k.Alert()
		if a == nil || a.Source != "k8s_audit" {
			continue
		}
		if sub, ok := known(a, "ka.target.subresource"); !ok || sub.Value.Text != "exec" && sub.Value.Text != "attach" {
			continue
		}
		if after := c.inPodAfter(a, k.First()); after != nil {
			out = append(out, c.podExec(k, after))
		}
	}
	return out
}

// inPodAfter is the first kind of alert of a process in the pod that a request
// was about.
func (c *Case) inPodAfter(request *alert.Alert, at time.Time) *incident.Kind {
	namespace, _ := known(request, "ka.target.namespace")
	pod, ok := known(request, "ka.target.pod.name", "ka.target.name")
	if !ok || at.IsZero() {
		return nil
	}
	for _, k := range c.Kinds { // by time
		a := k.Alert()
		if a == nil || a.Source == "k8s_audit" || k.First().Before(at) || k.First().Sub(at) > execLead {
			continue
		}
		ns, _ := known(a, "k8s.ns.name")
		name, ok := known(a, "k8s.pod.name")
		if ok && name.Value.Text == pod.Value.Text && ns.Value.Text == namespace.Value.Text {
			return k
		}
	}
	return nil
}

func (c *Case) podExec(request, after *incident.Kind) evidence.Statement {
	a := request.Alert()
	st := evidence.Statement{Evidence: []evidence.Evidence{c.at(request), c.at(after)}}
	put := func(before string, names ...string) {
		if f, ok := known(a, names...); ok {
			text(&st, before)
			st.Spans = append(st.Spans, evidence.Span{Text: f.Value.Text, Value: true})
		}
	}
	if _, ok := known(a, "ka.user.name"); !ok {
		text(&st, "Somebody")
	}
	put("", "ka.user.name")
	text(&st, " asked the API server to run a command in the pod ")
	put("", "ka.target.pod.name", "ka.target.name")
	put(" of ", "ka.target.namespace")
	put(": ", "ka.uri.param[command]")
	put(", from ", "ka.sourceips")
	put(", with a client that calls itself ", "ka.useragent")
	text(&st, "; ")
	if p, ok := known(after.Alert(), "proc.cmdline", "proc.name"); ok {
		st.Spans = append(st.Spans, evidence.Span{Text: p.Value.Text, Value: true})
		text(&st, " ran there ")
	} else {
		text(&st, "Falco saw a process there ")
	}
	text(&st, duration(after.First().Sub(request.First()))+" later.")
	return st
}
