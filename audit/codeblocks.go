package audit

import (
	"strings"
	"time"

	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/audit/finding"
)

// codeBlocks hands commands and configuration to the checker of those, and
// reads the comments in them as what the report says.
func (r *run) codeBlocks() {
	var comments []*block
	intro, label := "", "" // label: bold words that a paragraph before began with, as "Undo:"
	under := ""
	facts := r.factsForCode()
	for _, b := range r.blocks {
		switch b.form {
		case codeBlock:
			if r.isAlertText(b) {
				continue
			}
			r.check(b, code.Block{Language: b.language, Text: b.text, Intro: strings.TrimSpace(under + "\n" + label + intro), Facts: facts}, 0)
			comments = append(comments, commentsOf(b)...)
		case heading:
			under, intro, label = b.text, "", ""
		default:
			r.codeSpans(b, under, facts)
			intro = b.text
			if len(b.marks) > 0 && b.marks[0].kind == strongMark && b.marks[0].start == 0 {
				label = b.text[:b.marks[0].end] + "\n"
			}
		}
	}
	r.blocks = append(r.blocks, comments...)
}

// factsForCode are the fields that all alerts agree on: a command that kills
// the traced process is one thing, one that kills the tracer another.
func (r *run) factsForCode() map[string]string {
	if !r.held() {
		return nil
	}
	out := map[string]string{}
	for _, f := range fieldsOf(r.alerts[0]) {
		if g, ok := r.view.Get(f.Name); ok && g.Value.Known() {
			out[f.Name] = g.Value.Text
		}
	}
	return out
}

// longestBefore bounds how far back a command is held against what the report
// has typed before, in bytes.
const longestBefore = 20000

// hostTime is the time of the event, of several the first's, and what the
// host's clock is ahead of UTC, as the text of the alert tells.
func (r *run) hostTime() (time.Time, *time.Duration) {
	if len(r.alerts) != 1 {
		return time.Time{}, nil
	}
	a := r.alerts[0]
	m := hostClock.FindStringSubmatch(a.Output)
	if m == nil || a.Time.IsZero() {
		return a.Time, nil
	}
	clock, err := time.Parse("15:04:05", m[1])
	if err != nil {
		return a.Time, nil
	}
	utc := a.Time.UTC()
	ahead := clock.Sub(time.Date(0, 1, 1, utc.Hour(), utc.Minute(), utc.Second(), 0, time.UTC)).Round(15 * time.Minute)
	switch {
	case ahead > 14*time.Hour:
		ahead -= 24 * time.Hour
	case ahead <= -12*time.Hour:
		ahead += 24 * time.Hour
	}
	return a.Time, &ahead
}

var hostClock = expr.New(`^(\d{2}:\d{2}:\d{2})\.\d+: `)

// check judges one block of code; its text begins at this place of b.
func (r *run) check(b *block, c code.Block, at int) {
	if r.code == nil {
		return
	}
	own := r.own != nil
	if r.held() {
		c.Alert, c.Own = r.view, r.ownCommand
		c.Time, c.Zone = r.hostTime()
	}
	c.Before = r.typed
	r.typed += c.Text + "\n"
	if len(r.typed) > longestBefore {
		r.typed = r.typed[len(r.typed)-longestBefore:]
	}
	for _, f := range r.code.Check(c) {
		if own && !f.Judgement.Bad() {
			if ev, ok := r.own.blocks[strings.TrimSpace(c.Text)]; ok {
				f.Judgement = finding.Supported
				f.Reason = say("Tiercel gives the same for this alert.")
				cite(&f.Reason, ev...)
			}
		}
		r.add(b, at+f.Start, at+f.End, f.Kind, f.Judgement, f.Reason, f.Suggestion)
	}
}

// codeSpans judges code spans that are commands and not names.
func (r *run) codeSpans(b *block, under string, facts map[string]string) {
	if r.code == nil {
		return
	}
	for _, m := range b.code() {
		text := b.text[m.start:m.end]
		if _, isValue := r.known.elsewhere(text); isValue || r.isJudged(b, m) || r.known.within(text) || r.own.hasValue(text) || !r.code.Looks(text) || !r.toRun(b, m) {
			continue
		}
		r.check(b, code.Block{Text: text, Intro: strings.TrimSpace(under + "\n" + b.text), Inline: true, Facts: facts}, m.start)
	}
}

// running are the words by which a sentence tells to run what follows.
var running = expr.New(`(?i)\b(?:run|running|execute|executing|use|using|with|by|via|type|issue|enter|call|invoke|commands?|do|try|check|add|set|then|and|or|make|helps?|fix\w*|solves?|needed|required|steps?)\b[^.;]{0,24}$|:\s*$`)

// toRun reports whether a code span is to be run and not only mentioned: an
// account of what happened names commands, and a name may lack its operands.
func (r *run) toRun(b *block, m mark) bool {
	words := strings.Fields(b.text[m.start:m.end])
	if n := len(words); n > 1 && n < 4 && strings.HasPrefix(words[n-1], "-") && mentions.MatchString(b.text[max(0, m.start-60):m.start]) {
		return false
	}
	return b.advice || b.form == cell || b.form == comment || running.MatchString(b.text[max(0, m.start-40):m.start]) || strings.TrimSpace(b.text) == b.text[m.start:m.end]
}

// mentions are the words by which a sentence speaks of a command in general.
var mentions = expr.New(`(?i)\b(?:like|such as|e\.g\.?|for example|usually|often|typical\w*|attackers?|may|might|could|would|can|called|option|was|were|had|has|have|cannot|not|no)\b[^.;]{0,50}$`)

func (r *run) isJudged(b *block, m mark) bool {
	list := r.judged[b]
	for i := m.start; list != nil && i < m.end; i++ {
		if list[i] {
			return true
		}
	}
	return false
}

// commentsOf makes blocks of the comments in a script or configuration.
func commentsOf(b *block) []*block {
	switch b.language {
	case "json", "c", "go", "python", "diff":
		return nil
	}
	var out []*block
	at := 0
	for at < len(b.text) {
		end := strings.IndexByte(b.text[at:], '\n')
		if end < 0 {
			end = len(b.text)
		} else {
			end += at
		}
		line := b.text[at:end]
		if t := strings.TrimLeft(line, " \t"); len(t) > 8 && t[0] == '#' && t[1] != '!' {
			start := end - len(strings.TrimLeft(t, "# \t"))
			from, _ := b.source(start, end)
			c := &block{form: comment, text: b.text[start:end], under: b.under, advice: true,
				segs: []segment{{0, from, end - start, end - start}}}
			out = append(out, c)
		}
		at = end + 1
	}
	return out
}
