// Package analysis says what an alert means. It is pure: an alert, what is
// known and, if given, what is normal here and what was seen on the host go
// in; facts, statements with evidence and a verdict come out.
package analysis

import (
	"slices"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/evidence"
	"github.com/tiercel/tiercel/knowledge"
)

// Analyzer analyses alerts. It may be used by several goroutines.
type Analyzer struct {
	base     *knowledge.Base
	signs    []*knowledge.Sign
	groups   groupIndex
	context  *Context
	rules    map[string]*knowledge.RuleText
	observed *Observed

	mu     sync.RWMutex
	byRule map[string][]*knowledge.Sign // see candidates
}

// Options are what a user brings along.
type Options struct {
	Context  *Context              // what is normal here; may be nil
	Rules    []*knowledge.RuleText // the user's own Falco rules; may be nil
	Observed *Observed             // what was seen on this host; may be nil
}

// New returns an Analyzer.
func New(base *knowledge.Base, opt Options) *Analyzer {
	z := &Analyzer{base: base, context: opt.Context, observed: opt.Observed, rules: map[string]*knowledge.RuleText{},
		byRule: map[string][]*knowledge.Sign{}}
	z.signs = append(z.signs, base.Signs()...)
	if opt.Context != nil {
		z.signs = append(z.signs, opt.Context.signs...)
	}
	z.groups = indexGroups(z.signs)
	for _, r := range opt.Rules {
		z.rules[r.Name] = r
	}
	return z
}

// Definitions are the lists and macros of the knowledge.
func (z *Analyzer) Definitions() *condition.Definitions { return z.base.Definitions() }

// profile finds the profile of an alert's rule; of a text line by its message.
func (z *Analyzer) profile(a *alert.Alert) *knowledge.Profile {
	if a.Rule != "" {
		return z.base.Profile(a.Rule)
	}
	if a.Form == alert.FormText {
		return z.base.ProfileByMessage(a.Message)
	}
	return nil
}

// RuleName returns the alert's rule; of a text line the one whose message it
// is, "" when no profile has it.
func (z *Analyzer) RuleName(a *alert.Alert) string {
	if a.Rule != "" {
		return a.Rule
	}
	if p := z.profile(a); p != nil {
		return p.Rule
	}
	return ""
}

// IsDrop reports whether Falco says in this alert that it lost events.
func (z *Analyzer) IsDrop(a *alert.Alert) bool { return isDrop(a) }

// isDrop reports whether Falco says that it lost events.
func isDrop(a *alert.Alert) bool {
	return a.Source == "internal" && strings.Contains(a.Rule, "drop")
}

// Analysis is everything that can be said about one alert.
type Analysis struct {
	Alert    *alert.Alert
	Rule     string             // also of a text line, if its message is known
	Profile  *knowledge.Profile // nil when no reviewed profile exists
	RuleText *knowledge.RuleText
	Verdict  Verdict

	Headline evidence.Statement
	Saw      []evidence.Statement
	Means    []evidence.Statement
	Misuse   []evidence.Statement
	Ordinary []evidence.Statement
	Limits   []evidence.Statement
	Attack   []evidence.Statement // the ATT&CK techniques, each with its reason
	Facts    []Fact
	Unknown  []evidence.Statement
	Looks    []Step
	Controls []Step
}

// Analyze says everything that can be said about an alert.
func (z *Analyzer) Analyze(a *alert.Alert) *Analysis { return z.analyze(a, nil) }

// AnalyzeAs says everything that can be said about an alert that belongs to an
// incident of this class.
func (z *Analyzer) AnalyzeAs(a *alert.Alert, c Class) *Analysis { return z.analyze(a, &c) }

func (z *Analyzer) analyze(a *alert.Alert, as *Class) *Analysis {
	s := &speaker{alert: a, missing: map[string]bool{}}
	p := z.profile(a)
	if !p.Reviewed() {
		p = nil
	}
	n := &Analysis{Alert: a, Rule: z.RuleName(a), Profile: p, RuleText: z.rules[a.Rule]}
	n.Verdict = z.verdict(s, p, as)
	n.Facts = z.facts(s)
	if p != nil {
		n.Saw = s.sentences(p.Saw, p.Sources...)
		n.Means = s.sentences(p.Means, p.Sources...)
		n.Misuse = s.sentences(p.Misuse, p.Sources...)
		n.Ordinary = s.sentences(p.Ordinary, p.Sources...)
		n.Limits = s.sentences(p.Limits, p.Sources...)
		n.Looks = z.looks(s, p)
		n.Controls = z.controls(s, p)
	}
	n.Headline = z.headline(s, p)
	z.fallbacks(s, n)
	n.Attack = z.techniques(s, p)
	n.Unknown = z.questions(s, p)
	return n
}

// fallbacks says from the fields alone what no profile says.
func (z *Analyzer) fallbacks(s *speaker, n *Analysis) {
	if r := n.RuleText; r != nil && n.Profile == nil {
		if r.Desc != "" {
			st := evidence.Statement{Spans: []evidence.Span{{Text: "Its rule file says: "}, {Text: r.Desc, Value: true}}}
			citing(&st, sourceEvidence("rule:"+r.Ref())...)
			n.Means = append(n.Means, st)
		}
	}
	if len(n.Saw) == 0 {
		n.Saw = []evidence.Statement{z.plainEvent(s)}
	}
}

// Headline is the one line that a person on call reads of an alert.
func (z *Analyzer) Headline(a *alert.Alert) evidence.Statement {
	return z.headline(&speaker{alert: a, missing: map[string]bool{}}, z.profile(a))
}

func (z *Analyzer) headline(s *speaker, p *knowledge.Profile) evidence.Statement {
	if !p.Reviewed() {
		return z.plainHeadline(s)
	}
	st := s.say(p.HeadlineTemplate, nil)
	if st.Empty() {
		return z.plainHeadline(s)
	}
	if len(st.Evidence) == 0 {
		if f, ok := fieldOr(s.alert, "rule", "output"); ok {
			citing(&st, FieldEvidence(f))
		}
	}
	return st
}

// plainHeadline names rule, process and place.
func (z *Analyzer) plainHeadline(s *speaker) evidence.Statement {
	var st evidence.Statement
	f, ok := fieldOr(s.alert, "rule")
	if !ok {
		f = alert.Field{Name: "output", Value: alert.Value{Kind: alert.String, Text: s.alert.Message}}
		addText(&st, "Falco reported: ")
		st.Spans = append(st.Spans, evidence.Span{Text: f.Value.Text, Value: true})
		citing(&st, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: s.alert.Output})
		return st
	}
	addField(&st, f)
	if who, ok := fieldOr(s.alert, "proc.name", "ka.user.name", "ct.user", "github.user", "okta.actor.alternateID", "gcp.user"); ok {
		addText(&st, " by ")
		addField(&st, who)
	}
	return st
}

// plainEvent quotes the alert's own message.
func (z *Analyzer) plainEvent(s *speaker) evidence.Statement {
	var st evidence.Statement
	if s.alert.Message != "" {
		addText(&st, "Falco's message: ")
		st.Spans = append(st.Spans, evidence.Span{Text: s.alert.Message, Value: true}, evidence.Span{Text: "."})
		citing(&st, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: s.alert.Output})
		return st
	}
	addText(&st, "The alert carries no message, only its fields.")
	if f, ok := fieldOr(s.alert, "rule", "source", "priority"); ok {
		citing(&st, FieldEvidence(f))
	}
	return st
}

// techniques names the ATT&CK techniques: those of the profile and those of
// the alert's own tags.
func (z *Analyzer) techniques(s *speaker, p *knowledge.Profile) []evidence.Statement {
	var out []evidence.Statement
	seen := map[string]bool{}
	name := func(id string, why string, e ...evidence.Evidence) {
		t := z.base.Technique(id)
		if t == nil || seen[id] {
			return
		}
		seen[id] = true
		st := phrase(id + " " + t.Name + why)
		citing(&st, e...)
		citing(&st, sourceEvidence("attack#"+id)...)
		out = append(out, st)
	}
	tags, _ := s.alert.Top("tags")
	tagEvidence := FieldEvidence(alert.Field{Name: "tags", Value: tags})
	tagged := func(id string) bool { return slices.Contains(s.alert.Tags, id) }
	if p != nil {
		for _, a := range p.Attack {
			switch {
			case tagged(a.ID):
				name(a.ID, " (a tag of the rule).", tagEvidence)
			case a.Tagged && len(s.alert.Tags) == 0:
				name(a.ID, " (a tag of the rule upstream).", sourceEvidence("falco-rules#"+p.Rule)...)
			default:
				name(a.ID, " (not among the rule's tags).", sourceEvidence("attack#"+a.ID)...)
			}
		}
	}
	for _, id := range s.alert.Tags {
		name(id, " (a tag of the rule).", tagEvidence)
	}
	return out
}

// questions are what the alert cannot tell.
func (z *Analyzer) questions(s *speaker, p *knowledge.Profile) []evidence.Statement {
	var out []evidence.Statement
	if p != nil {
		for i := range p.Unknown {
			if st := z.question(s, &p.Unknown[i]); !st.Empty() {
				out = append(out, st)
			}
		}
	}
	if st := z.unknownToFalco(s); !st.Empty() {
		out = append(out, st)
	}
	if s.alert.FromText || s.alert.Form == alert.FormText {
		st := phrase("The exact fields: they were read from the text of output, where a part of a value can look like a field; json_output with output_fields would give them.")
		citing(&st, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: s.alert.Output})
		out = append(out, st)
	}
	for _, name := range s.alert.Ambiguous {
		st := phrase("The text line gives " + name + " twice; which one is Falco's and which one is part of a value cannot be told.")
		citing(&st, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: s.alert.Output})
		out = append(out, st)
	}
	for _, name := range s.alert.Uncertain {
		st := phrase("The text line does not show where " + name + " ends, so its value is left out; JSON output of Falco would tell.")
		citing(&st, evidence.Evidence{Kind: evidence.Field, Ref: "output", Value: s.alert.Output})
		out = append(out, st)
	}
	for _, name := range s.alert.Cut {
		if f, ok := s.alert.Get(name); ok {
			st := phrase("The end of " + name + ": Falcosidekick cut it.")
			citing(&st, FieldEvidence(f))
			out = append(out, st)
		}
	}
	if s.alert.Time.IsZero() {
		st := phrase("When it happened: the alert has no time of its own, and the time in its text has neither date nor zone.")
		if f, ok := fieldOr(s.alert, "output", "rule"); ok {
			citing(&st, FieldEvidence(f))
		}
		out = append(out, st)
	}
	return append(out, z.unweighed(s)...)
}

// unknownToFalco names the fields that Falco printed without knowing them. On
// the host itself there is no container and no pod to know.
func (z *Analyzer) unknownToFalco(s *speaker) evidence.Statement {
	id, _ := s.alert.Get("container.id")
	onHost := id.Value.Text == "host"
	var names []string
	var st evidence.Statement
	for _, f := range s.alert.Fields {
		if f.Value.Known() || onHost && (strings.HasPrefix(f.Name, "k8s.") || strings.HasPrefix(f.Name, "container.")) {
			continue
		}
		names = append(names, f.Name)
		citing(&st, FieldEvidence(f))
	}
	if len(names) > 0 {
		addText(&st, "Falco asked for "+listWords(names)+" and did not know it; that is not the same as none.")
	}
	return st
}

func (z *Analyzer) question(s *speaker, q *knowledge.Question) evidence.Statement {
	if q.Field != "" {
		if f, ok := s.alert.Get(q.Field); ok && f.Value.Known() && f.Value.Text != "" {
			return evidence.Statement{}
		}
	}
	st := s.sentence(&knowledge.Sentence{Template: q.Template, Cond: q.Cond, Sources: q.Sources}, "falco-rules")
	if st.Empty() {
		return st
	}
	if answer := s.say(q.Answer, nil); !answer.Empty() {
		addText(&st, " ")
		st.Spans = append(st.Spans, answer.Spans...)
		citing(&st, answer.Evidence...)
	}
	if info := z.base.Field(q.Field); info != nil && info.Get != "" {
		addText(&st, " To have it next time: "+strings.TrimSuffix(info.Get, ".")+".")
	}
	citing(&st, sourceEvidence(q.Sources...)...)
	return st
}
