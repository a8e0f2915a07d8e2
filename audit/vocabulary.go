package audit

import (
	"sort"
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
	"github.com/tiercel/tiercel/knowledge"
	"github.com/tiercel/tiercel/knowledge/claims"
)

// vocabulary finds the names of fields in a text.
type vocabulary struct {
	base  *knowledge.Base
	names map[string]*claims.Name
	// longest is, for the first word of a name, how many words a name that
	// begins so has at most.
	longest map[string]int
}

func newVocabulary(c *claims.Claims, base *knowledge.Base) *vocabulary {
	v := &vocabulary{base: base, names: map[string]*claims.Name{}, longest: map[string]int{}}
	for _, n := range c.Names {
		for _, name := range n.Names {
			v.names[name] = n
			words := strings.Fields(name)
			v.longest[words[0]] = max(v.longest[words[0]], len(words))
		}
	}
	return v
}

// named is a name as a report uses it, and the fields that may be meant.
type named struct {
	fields []string
	entry  *claims.Name // nil for the exact name of a field
	name   string
	firm   bool // it has one meaning here, although the name can have others
}

func (n *named) exact() bool  { return n.entry == nil }
func (n *named) strict() bool { return n.firm || n.entry == nil || n.entry.Strict }

var fieldName = expr.New(`^(?:proc|thread|evt|syscall|fd|fs|fdlist|user|group|container|k8s|k8smeta|ka|jevt|json|ct|github|okta|gcp|falco|scap)\.[a-zA-Z][a-zA-Z0-9_.]*(?:\[[^\[\]]{1,60}\])?$`)

var plainKey = strings.NewReplacer("`", "", "*", "", "_", " ")

// key looks a key of a table, list or pair up: "**Process Name (`proc.name`):**".
func (v *vocabulary) key(text string) *named {
	t := strings.TrimSpace(strings.Trim(strings.TrimSpace(text), "*`_:\"' \t"))
	if len(t) == 0 || len(t) > 80 {
		return nil
	}
	if n := v.exactly(t); n != nil {
		return n
	}
	lower := strings.ToLower(squeeze(plainKey.Replace(t)))
	lower = strings.TrimPrefix(lower, "the ")
	if e, ok := v.names[lower]; ok {
		return &named{fields: e.Fields, entry: e, name: lower}
	}
	head, inside, ok := strings.Cut(lower, "(")
	if ok && strings.HasSuffix(inside, ")") {
		if n := v.exactly(strings.Trim(strings.TrimSpace(text[strings.IndexByte(text, '(')+1:]), "`):* ")); n != nil {
			return n
		}
		if e, ok := v.names[strings.TrimSpace(head)]; ok {
			return &named{fields: e.Fields, entry: e, name: strings.TrimSpace(head)}
		}
	}
	return nil
}

// exactly finds the exact name of a field or of a text line's key.
func (v *vocabulary) exactly(t string) *named {
	t = strings.TrimPrefix(t, "output_fields.")
	if fieldName.MatchString(t) {
		return &named{fields: []string{t}, name: t}
	}
	switch t {
	case "rule", "priority", "source", "hostname", "time", "tags", "uuid", "output":
		return &named{fields: []string{t}, name: t}
	}
	if f, ok := v.base.TextKeys()[t]; ok && strings.Contains(t, "_") {
		return &named{fields: []string{f, strings.ReplaceAll(t, "_", ".")}, name: f}
	}
	if dotted := strings.Replace(t, "_", ".", 1); dotted != t && v.base.Field(dotted) != nil {
		return &named{fields: []string{dotted}, name: dotted}
	}
	return nil
}

// mention is a name within a sentence, in bytes of its plain text.
type mention struct {
	named
	start, end int
}

// exactMentions finds exact names of fields that are set off as code.
func (v *vocabulary) exactMentions(s *sentence) []mention {
	var out []mention
	if s.in.form == cell {
		return nil
	}
	for _, m := range s.in.codeIn(s.start, s.end) {
		if m.start < s.start || m.end > s.end {
			continue
		}
		n := v.exactly(s.in.text[m.start:m.end])
		if n == nil || !strings.ContainsAny(n.name, "._") {
			continue
		}
		start := sort.SearchInts(s.places, m.start)
		end := sort.SearchInts(s.places, m.end)
		out = append(out, mention{*n, start, end})
	}
	return out
}

var word = expr.New(`[a-z0-9_]+(?:[-./][a-z0-9_]+)*`)

// mentions finds names in a sentence, the longest at each place.
func (v *vocabulary) mentions(s *sentence) []mention {
	if !s.hasNames {
		s.names, s.hasNames = v.find(s.plain), true
	}
	return s.names
}

func (v *vocabulary) find(plain string) []mention {
	words := word.FindAllStringIndex(plain, -1)
	var out []mention
	for i := 0; i < len(words); i++ {
		first := plain[words[i][0]:words[i][1]]
		most, ok := v.longest[first]
		if !ok {
			continue
		}
		for n := min(most, len(words)-i); n > 0; n-- {
			start, end := words[i][0], words[i+n-1][1]
			if end-start > 60 {
				continue
			}
			if e, ok := v.names[plain[start:end]]; ok && !e.Cell {
				out = append(out, mention{named{fields: e.Fields, entry: e, name: plain[start:end]}, start, end})
				i += n - 1
				break
			}
		}
	}
	return out
}
