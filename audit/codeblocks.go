package audit

import (
	"regexp"
	"strings"

	"github.com/tiercel/tiercel/audit/code"
	"github.com/tiercel/tiercel/audit/finding"
)

// codeBlocks hands commands and configuration to the checker of those, and
// reads the comments in them as what the report says.
func (r *run) codeBlocks() {
	var comments []*block
	intro := ""
	var installed []string
	under := ""
	facts := r.factsForCode()
	for _, b := range r.blocks {
		switch b.form {
		case codeBlock:
			if r.isAlertText(b) {
				continue
			}
			r.check(b, code.Block{Language: b.language, Text: b.text, Intro: strings.TrimSpace(under + "\n" + intro), Install: installed, Facts: facts}, 0)
			installed = append(installed, installs(b.text)...)
			comments = append(comments, commentsOf(b)...)
		case heading:
			under, intro = b.text, ""
		default:
			r.codeSpans(b, under, installed, facts)
			intro = b.text
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

var installing = regexp.MustCompile(`(?m)\b(?:apt|apt-get|aptitude|yum|dnf|microdnf|zypper|snap|brew|pip3?|pipx|npm|cargo|gem|go|helm|apk|pacman)\s+(?:-\S+\s+)*(?:install|add|-S\w*)\s+([^\n|;&#]+)`)

// installs lists what the commands of a block install.
func installs(text string) []string {
	var out []string
	for _, m := range installing.FindAllStringSubmatch(text, -1) {
		for _, w := range strings.Fields(m[1]) {
			if !strings.HasPrefix(w, "-") && len(out) < 1000 {
				out = append(out, strings.Trim(w, `"'\`))
			}
		}
	}
	return out
}

// check judges one block of code; its text begins at this place of b.
func (r *run) check(b *block, c code.Block, at int) {
	if r.code == nil {
		return
	}
	own := r.own != nil
	for _, f := range r.code.Check(c) {
		if own && !f.Judgement.Bad() {
			if ev, ok := r.own.blocks[strings.TrimSpace(c.Text)]; ok {
				f.Judgement = finding.Supported
				f.Reason = say("Tiercel gives the same for this alert.")
				cite(&f.Reason, ev...)
			}
		}
		if r.held() {
			r.effect(c.Text, &f)
		}
		r.add(b, at+f.Start, at+f.End, f.Kind, f.Judgement, f.Reason, f.Suggestion)
	}
}

// codeSpans judges code spans that are commands and not names.
func (r *run) codeSpans(b *block, under string, installed []string, facts map[string]string) {
	if r.code == nil {
		return
	}
	for _, m := range b.code() {
		text := b.text[m.start:m.end]
		if _, isValue := r.known.elsewhere(text); isValue || r.isJudged(b, m) || r.known.within(text) || r.own.hasValue(text) || !r.code.Looks(text) {
			continue
		}
		r.check(b, code.Block{Text: text, Intro: strings.TrimSpace(under + "\n" + b.text), Inline: true, Install: installed, Facts: facts}, m.start)
	}
}

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
