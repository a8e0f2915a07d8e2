package audit

import (
	"strings"

	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/evidence"
)

var (
	verdictWords = expr.New(`\b(?:verdict|false positive|true positive|benign|we (?:take|assess|judge|conclude)|assess(?:ed|ment)|classified as|likely (?:a )?(?:test|attack|benign|legitimate)|confidence|is (?:an|a) (?:attack|test|intrusion|compromise))\b`)
	testWords    = expr.New(`\b(?:test|simulat|event[- ]generator|atomic red team|drill|exercise|red team|demo)`)
	undoWords    = expr.New(`\b(?:undo|revert|roll ?back|restore|reverse|back out|uninstall|backup|back up)\b`)
	collectWords = expr.New(`\b(?:preserv|evidence|forensic|memory (?:dump|image|capture)|snapshot|collect|capture|dump|acquire|/proc/\$?\{?pid|gcore)`)
	containWords = expr.New(`\b(?:isolat|contain(?:ment| the| it)|kill|stop the|terminate|quarantine|delete the (?:pod|container)|remove the container|shut ?down|docker (?:stop|rm|kill)|kubectl delete)`)
	changing     = expr.New(`\b(?:sysctl -w|chmod|chown|chattr|iptables|nft |systemctl (?:disable|stop|mask|enable)|apt(?:-get)? (?:install|remove|purge)|yum |dnf |rm |kill|sed -i|tee |>>|usermod|useradd|kubectl (?:apply|delete|patch|edit)|docker (?:stop|rm|kill))`)
)

// missing lists what a reader of the report needed and did not get.
func (r *run) missing() []finding.Finding {
	if !r.held() || len(strings.TrimSpace(string(r.src))) == 0 {
		return nil
	}
	var prose, commands strings.Builder
	for _, b := range r.blocks {
		if b.form == codeBlock {
			commands.WriteString(b.text + "\n")
		}
		prose.WriteString(b.text + "\n")
	}
	all := strings.ToLower(prose.String())
	var out []finding.Finding
	add := func(reason evidence.Statement, suggestion string) {
		if len(reason.Evidence) == 0 {
			reason.Evidence = r.anyEvidence()
		}
		out = append(out, finding.Finding{Kind: finding.Omission, Judgement: finding.Unsupported, Reason: reason, Suggestion: suggestion})
	}
	n := r.analyses[0]
	verdict := n.Verdict.Class.String()
	because := func(st evidence.Statement) evidence.Statement {
		for _, reason := range n.Verdict.Reasons[:min(3, len(n.Verdict.Reasons))] {
			cite(&st, reason.Evidence...)
		}
		return st
	}
	if !verdictWords.MatchString(all) {
		add(because(say("No verdict: attack, test, ordinary work, or undecided. Tiercel says: "+verdict+".")), "")
	}
	if n.Verdict.Class == analysis.Test && !testWords.MatchString(all) {
		add(because(say("It is not said that this is a known security test.")), "")
	}
	if f, ok := n.Alert.Get("rule"); ok && !strings.Contains(all, strings.ToLower(f.Value.Text)) {
		add(say("The rule is not named: ", f, "."), f.Value.Text)
	}
	if f, ok := n.Alert.Get("time"); ok && !n.Alert.Time.IsZero() && !r.clocks {
		add(say("The time of the event is not given: ", f, "."), n.Alert.Time.Format("2006-01-02 15:04:05")+" UTC")
	}
	if changing.MatchString(commands.String()) && !undoWords.MatchString(all) {
		add(say("Commands change the host, and nothing says how to undo them."), "")
	}
	if containWords.MatchString(all) && !collectWords.MatchString(all) {
		add(say("Containment is advised, but not to keep what only lives in memory first.", source("triage#classes")), "")
	}
	r.decidingFields(n, all, add)
	return out
}

// decidingFields names the fields that the verdict rests on and that the
// report does not mention.
func (r *run) decidingFields(n *analysis.Analysis, all string, add func(evidence.Statement, string)) {
	done := map[string]bool{}
	for _, reason := range n.Verdict.Reasons[:min(3, len(n.Verdict.Reasons))] {
		for _, e := range reason.Evidence {
			if e.Kind != evidence.Field || done[e.Ref] || len(e.Value) < 2 || e.Ref == "rule" {
				continue
			}
			done[e.Ref] = true
			if f, ok := n.Alert.Get(e.Ref); ok && !strings.Contains(all, strings.ToLower(e.Value)) {
				add(say("The verdict rests on "+e.Ref+", which is not mentioned: ", f, "."), f.Value.Text)
			}
		}
	}
}
