package knowledge

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// RuleText is a rule as it stands in a user's own Falco rule file.
type RuleText struct {
	Name     string   `yaml:"rule"`
	Desc     string   `yaml:"desc"`
	Output   string   `yaml:"output"`
	Priority string   `yaml:"priority"`
	Tags     []string `yaml:"tags"`
	Source   string   `yaml:"source"`

	File string `yaml:"-"`
	Line int    `yaml:"-"`
}

// ReadRuleFile reads the rules of a Falco rule file (falco_rules.local.yaml).
// Lists, macros, and entries that only override or append are passed over:
// they say nothing about what a rule means.
func ReadRuleFile(name string, text []byte) ([]*RuleText, error) {
	file, problem := parseYAML(name, text)
	if problem != nil {
		return nil, *problem
	}
	var rules []*RuleText
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		seq, ok := doc.Body.(*ast.SequenceNode)
		if !ok {
			return nil, Problem{File: name, Line: doc.Body.GetToken().Position.Line, Reason: "a Falco rule file is a list of rules, macros and lists"}
		}
		for _, node := range seq.Values {
			line := node.GetToken().Position.Line
			r := &RuleText{File: name, Line: line}
			if p := guard(name, func() error { return yaml.NodeToValue(node, r) }); p != nil {
				p.Line = line
				return nil, *p
			}
			if r.Name != "" && (r.Desc != "" || r.Output != "") {
				r.Desc = strings.Join(strings.Fields(r.Desc), " ")
				rules = append(rules, r)
			}
		}
	}
	return rules, nil
}

// Ref is how a statement cites the rule: file and line.
func (r *RuleText) Ref() string { return fmt.Sprintf("%s:%d", r.File, r.Line) }
