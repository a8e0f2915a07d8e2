// Package claims holds what Tiercel knows about the sentences of security
// reports: by which names people call the fields of an alert, and which claims
// writers make, with what decides whether they hold. It is data, YAML files
// under knowledge/data/claims, described in the README there.
package claims

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge"
)

//go:generate go run ./generate ../data/claims compiled.json

//go:embed compiled.json
var compiled []byte

// Name says how people call a field.
type Name struct {
	Names  []string `yaml:"names" json:"names"`   // lower case
	Fields []string `yaml:"fields" json:"fields"` // any of which may be meant; the first is meant most
	// Strict: a value that is none of these fields' is wrong. Otherwise it is
	// only not confirmed.
	Strict bool `yaml:"strict,omitempty" json:"strict,omitempty"`
	// Behind: in a sentence the name may also stand behind its value, as in
	// "the nginx process".
	Behind bool `yaml:"behind,omitempty" json:"behind,omitempty"`
	// Only: in a sentence nothing but a value of this regular expression is one.
	Only string `yaml:"only,omitempty" json:"only,omitempty"`
	// Cell: the name is used in tables and lists only.
	Cell bool `yaml:"cell,omitempty" json:"cell,omitempty"`

	only lazy
}

// Pattern is a claim that writers make, in the wordings that are known.
type Pattern struct {
	ID    string   `yaml:"claim" json:"claim"`
	Match []string `yaml:"match,omitempty" json:"match,omitempty"` // regular expressions over a sentence in lower case; {word} is a list of words
	// All is another wording: all of these expressions match, in any order and
	// near each other.
	All []string `yaml:"all,omitempty" json:"all,omitempty"`
	// Unless: sentences that say something else, although they match.
	Unless []string `yaml:"unless,omitempty" json:"unless,omitempty"`
	// In says where the claim is one: anywhere (""), advice (below a heading
	// that says what to do), account (elsewhere), heading, meaning (what a table or list says beside a field's
	// value; needs Of).
	In string `yaml:"in,omitempty" json:"in,omitempty"`
	// Of: fields; the claim is one only of a sentence that names one of them, or
	// in its row of a table.
	Of []string `yaml:"of,omitempty" json:"of,omitempty"`
	// Negated: the sentence is taken although it says no, not, never before
	// the words.
	Negated bool `yaml:"negated,omitempty" json:"negated,omitempty"`
	// Words: the finding is the matched words alone, not the whole sentence.
	Words bool   `yaml:"words_only,omitempty" json:"words_only,omitempty"`
	Kind  string `yaml:"kind,omitempty" json:"kind,omitempty"` // fact, identity, inference (the default)

	Case  `yaml:",inline"`
	Cases []Case `yaml:"cases,omitempty" json:"cases,omitempty"`

	// Needs are, for each wording, sets of texts: every sentence that it matches
	// has one of each set.
	Needs [][][]string `yaml:"-" json:"needs"`

	match, all, unless []lazy
	once               sync.Once
	conds              []*condition.Condition
}

// Kind says by which words writers call products of some kinds.
type Kind struct {
	Phrases []string `yaml:"phrases" json:"phrases"` // regular expressions, before "tool" and the like
	Kinds   []string `yaml:"kinds" json:"kinds"`     // of the catalogue's products
}

// Tell says where a thing could be seen that writers claim.
type Tell struct {
	Tells   string `yaml:"tells" json:"tells"`     // a sentence
	Claimed string `yaml:"claimed" json:"claimed"` // regular expression over a sentence in lower case
}

// Case is what holds of a claim under a condition.
type Case struct {
	When    string   `yaml:"when,omitempty" json:"when,omitempty"` // Falco's condition language, over the alert and the report
	Judge   string   `yaml:"judge,omitempty" json:"judge,omitempty"`
	Because string   `yaml:"because,omitempty" json:"because,omitempty"` // a template with {field}
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`
	Instead string   `yaml:"instead,omitempty" json:"instead,omitempty"`
}

// Claims is all that is known, ready to use by several goroutines.
type Claims struct {
	Names    []*Name
	Patterns []*Pattern
	Advice   []string
	Kinds    []*Kind
	Words    map[string][]string // lists of words by name
	Tells    []*Tell

	defs *condition.Definitions
}

// Open returns the built-in claims with their conditions bound to the
// definitions of base.
func Open(base *knowledge.Base) (*Claims, error) {
	c := new(Claims)
	if err := json.Unmarshal(compiled, c); err != nil {
		return nil, fmt.Errorf("compiled claims: %w", err)
	}
	c.prepare(base)
	return c, nil
}

func (c *Claims) prepare(base *knowledge.Base) {
	if base != nil {
		c.defs = base.Definitions()
	}
	for _, n := range c.Names {
		n.only.text = n.Only
	}
	for _, p := range c.Patterns {
		p.match, p.all, p.unless = lazies(p.Match), lazies(p.All), lazies(p.Unless)
	}
}

// lazy compiles its expression when it is first needed.
type lazy struct {
	once sync.Once
	text string
	re   *regexp.Regexp
}

func lazies(texts []string) []lazy {
	out := make([]lazy, len(texts))
	for i, t := range texts {
		out[i].text = t
	}
	return out
}

func (l *lazy) get() *regexp.Regexp {
	l.once.Do(func() { l.re = regexp.MustCompile(l.text) }) // checked by Lint
	return l.re
}

// Takes reports whether a value in a sentence may be one of this name.
func (n *Name) Takes(value string) bool {
	return n.Only == "" || n.only.get().MatchString(value)
}

// Wordings is how many there are: the expressions of Match, and All as one.
func (p *Pattern) Wordings() int {
	if len(p.All) > 0 {
		return len(p.Match) + 1
	}
	return len(p.Match)
}

// near is how far apart the words of All may stand, in bytes.
const near = 180

// Find returns the place of the claim's words in a sentence. skip says of each
// wording that it cannot match, by Needs.
func (p *Pattern) Find(sentence string, skip func(i int) bool) (start, end int, ok bool) {
	for i := range p.Wordings() {
		if skip != nil && skip(i) {
			continue
		}
		if i < len(p.match) {
			at := p.match[i].get().FindStringIndex(sentence)
			if at == nil {
				continue
			}
			start, end = at[0], at[1]
		} else if start, end, ok = p.findAll(sentence); !ok {
			continue
		}
		for k := range p.unless {
			if p.unless[k].get().MatchString(sentence) {
				return 0, 0, false
			}
		}
		return start, end, true
	}
	return 0, 0, false
}

func (p *Pattern) findAll(sentence string) (start, end int, ok bool) {
	taken := p.Pieces(sentence)
	if len(taken) == 0 {
		return 0, 0, false
	}
	start = len(sentence)
	for _, at := range taken {
		start, end = min(start, at[0]), max(end, at[1])
	}
	return start, end, end-start <= near
}

// Pieces returns where each expression of All matches, no two at one place; nil
// if one does not.
func (p *Pattern) Pieces(sentence string) [][]int {
	var taken [][]int
	for i := range p.all {
		var at []int
		for _, m := range p.all[i].get().FindAllStringIndex(sentence, 6) {
			if !slices.ContainsFunc(taken, func(t []int) bool { return t[0] < m[1] && m[0] < t[1] }) {
				at = m
				break
			}
		}
		if at == nil {
			return nil
		}
		taken = append(taken, at)
	}
	return taken
}

// Every returns the pattern's cases; a claim without any has one.
func (p *Pattern) Every() []Case {
	if len(p.Cases) > 0 {
		return p.Cases
	}
	return []Case{p.Case}
}

// Decide returns the first case whose condition is true, and its explanation.
func (c *Claims) Decide(p *Pattern, v condition.Values) (*Case, condition.Explanation) {
	cases := p.Every()
	p.once.Do(func() {
		p.conds = make([]*condition.Condition, len(cases))
		for i := range cases {
			if cases[i].When != "" {
				cond, err := condition.Parse(cases[i].When, c.defs)
				if err != nil {
					panic(p.ID + ": " + err.Error()) // checked by Lint
				}
				p.conds[i] = cond
			}
		}
	})
	for i := range cases {
		if p.conds[i] == nil {
			return &cases[i], condition.Explanation{Truth: condition.True}
		}
		if ex := p.conds[i].Explain(v); ex.Truth == condition.True {
			return &cases[i], ex
		}
	}
	return nil, condition.Explanation{}
}
