package audit

import (
	"bytes"
	"strings"
	"sync"

	"github.com/tiercel/tiercel/report"
	"github.com/tiercel/tiercel/report/render"
)

// ownCommand reports whether Tiercel itself gives a command, in plain words,
// for these alerts.
func (r *run) ownCommand(plain string) bool {
	if r.commands == nil {
		r.commands = sync.OnceValue(r.ownCommands)
	}
	given := strings.Fields(plain)
	for _, own := range r.commands()[firstWord(given)] {
		if sameCommand(own, given) {
			return true
		}
	}
	return false
}

// ownCommands are the commands of Tiercel's own report of the alerts, by program.
func (r *run) ownCommands() map[string][][]string {
	out := map[string][][]string{}
	for _, d := range r.ownDocuments() {
		var text bytes.Buffer
		w, err := render.New("markdown", &text, render.Options{})
		if err != nil || w.Begin(report.Input{}) != nil || w.Document(d) != nil || w.End(report.Input{}) != nil {
			continue
		}
		for _, b := range read(text.Bytes(), r.advice) {
			if b.form != codeBlock {
				continue
			}
			for _, line := range strings.Split(b.text, "\n") {
				words := strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(line))
				if len(words) > 1 && words[0] == "sudo" {
					words = words[1:]
				}
				if len(words) > 1 {
					out[words[0]] = append(out[words[0]], words)
				}
			}
		}
	}
	return out
}

func firstWord(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// sameCommand compares words; one of Tiercel's that the reader fills in stands
// for any.
func sameCommand(own, given []string) bool {
	if len(own) != len(given) {
		return false
	}
	for i, w := range own {
		if w != given[i] && (w != strings.ToUpper(w) || w == strings.ToLower(w)) {
			return false
		}
	}
	return true
}
