package code

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/tiercel/tiercel/audit/expr"
)

// word is one word of a command.
type word struct {
	text        string // without quotes; expansions as they are written
	dynamic     bool   // has a variable, a substitution or a pattern of the shell
	placeholder bool   // stands for something that the reader fills in
	quoted      bool
	start, end  int
}

// redir is a redirection.
type redir struct {
	op     string // >, >>, <, …
	target word
	body   int // where a here-document begins, -1 for none
	bodyTo int
}

func (r redir) writes() bool { return strings.HasPrefix(r.op, ">") || r.op == "&>" || r.op == "&>>" }

// command is one simple command.
type command struct {
	start, end int
	words      []word
	redirs     []redir
	before     *command // writes into its standard input
	after      *command
	sudo       bool
	foreign    bool // runs in a container or on another host
	nested     bool // inside another command
}

func (c *command) name() string {
	if len(c.words) == 0 {
		return ""
	}
	return path.Base(c.words[0].text)
}

func (c *command) args() []word {
	if len(c.words) == 0 {
		return nil
	}
	return c.words[1:]
}

// plain is the command in plain words.
func (c *command) plain() string {
	parts := make([]string, 0, len(c.words)+2*len(c.redirs))
	for i, w := range c.words {
		if i == 0 {
			parts = append(parts, path.Base(w.text))
			continue
		}
		parts = append(parts, w.text)
	}
	for _, r := range c.redirs {
		parts = append(parts, r.op, r.target.text)
	}
	return strings.Join(parts, " ")
}

var (
	angled    = expr.New(`<[A-Za-z][A-Za-z0-9 _./:|'-]*[A-Za-z0-9]>|<[A-Za-z]>`)
	squared   = expr.New(`\[(?i:[a-z]+[ _-])*(?i:id|pid|name|container|pod|node|namespace|user|username|ip|address|host|hostname|process|file|path|port|image|date|time|rule|key|service|url|number|value|interface|here)s?\]`)
	upperWord = expr.New(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|^[A-Z]{2,}$`)
	fillIn    = expr.New(`(?i)\bYOUR[_-]|path/to/|\bexample\b|^\.\.\.$|…|\bxxx+\b|\{\{?[a-z_. -]+\}\}?|<[^<>]+>|\[[a-z_ -]+\]|placeholder|%[a-z_]+%`)
)

// isPlaceholder reports whether a word stands for something else.
func isPlaceholder(s string) bool {
	return upperWord.MatchString(s) || fillIn.MatchString(s)
}

// words turns the words of a call into ours.
func (k *session) words(list []*syntax.Word) []word {
	out := make([]word, 0, len(list))
	for _, w := range list {
		out = append(out, k.word(w))
	}
	return out
}

func (k *session) word(w *syntax.Word) word {
	out := word{start: k.base + int(w.Pos().Offset()), end: k.base + int(w.End().Offset())}
	var b strings.Builder
	k.parts(w.Parts, &b, &out)
	out.text = b.String()
	raw := k.raw(out.start, out.end)
	for _, p := range k.placeholders {
		if p[0] < out.end && p[1] > out.start {
			out.placeholder = true
		}
	}
	if out.placeholder && !out.dynamic {
		out.text = strings.Trim(raw, `"'`)
	}
	out.placeholder = out.placeholder || isPlaceholder(raw)
	return out
}

func (k *session) raw(start, end int) string {
	if start < 0 || end > len(k.original) || start > end {
		return ""
	}
	return k.original[start:end]
}

func (k *session) parts(parts []syntax.WordPart, b *strings.Builder, out *word) {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value, out.quoted))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
			out.quoted = true
		case *syntax.DblQuoted:
			out.quoted = true
			k.parts(p.Parts, b, out)
		default:
			out.dynamic = true
			b.WriteString(k.raw(k.base+int(p.Pos().Offset()), k.base+int(p.End().Offset())))
		}
	}
}

func unescape(s string, quoted bool) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if quoted && strings.IndexByte("\"\\$`\n", s[i+1]) < 0 {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] != '\n' {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
