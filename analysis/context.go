package analysis

import (
	"fmt"
	"strings"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/knowledge"
)

// Context is what is normal in the user's own place: administrators, backup
// and CI tools, test windows, the value of hosts and images. Each use of it is
// cited with file and entry.
type Context struct {
	signs   []*knowledge.Sign
	windows map[*knowledge.Sign]window
	assets  []asset
	file    string
}

type window struct{ from, to time.Time } // zero: open

type asset struct {
	name  string
	value string // high or low
	when  *condition.Condition
	say   string
}

// contextEntry is one entry of a --context file.
type contextEntry struct {
	List      string   `yaml:"list,omitempty"`
	Items     []string `yaml:"items,omitempty"`
	Macro     string   `yaml:"macro,omitempty"`
	Condition string   `yaml:"condition,omitempty"`

	Normal string `yaml:"normal,omitempty"` // ordinary work here
	Test   string `yaml:"test,omitempty"`   // a test that is known to run
	Asset  string `yaml:"asset,omitempty"`  // worth of what is concerned
	When   string `yaml:"when,omitempty"`
	Say    string `yaml:"say,omitempty"`
	Weight int    `yaml:"weight,omitempty"` // 1 to 10; default 5
	Value  string `yaml:"value,omitempty"`
	From   string `yaml:"from,omitempty"` // RFC 3339
	To     string `yaml:"to,omitempty"`
}

const contextWeight = 5

// ReadContext reads a --context file. Errors name file and entry.
func ReadContext(file string, text []byte, defs *condition.Definitions) (*Context, error) {
	var entries []contextEntry
	if err := knowledge.DecodeYAML(file, text, &entries); err != nil {
		return nil, err
	}
	c := &Context{windows: map[*knowledge.Sign]window{}, file: file}
	own := condition.Definitions{Lists: map[string][]string{}, Macros: map[string]string{}}
	for name, items := range defs.Lists {
		own.Lists[name] = items
	}
	for name, text := range defs.Macros {
		own.Macros[name] = text
	}
	for _, e := range entries {
		if e.List != "" {
			own.Lists[e.List] = e.Items
		}
		if e.Macro != "" {
			own.Macros[e.Macro] = e.Condition
		}
	}
	for i, e := range entries {
		if err := c.add(e, &own); err != nil {
			line := knowledge.YAMLLine(text, fmt.Sprintf("$[%d]", i))
			return nil, knowledge.Problem{File: file, Line: line, Reason: err.Error()}
		}
	}
	return c, nil
}

func (c *Context) add(e contextEntry, defs *condition.Definitions) error {
	kinds := 0
	for _, s := range []string{e.List, e.Macro, e.Normal, e.Test, e.Asset} {
		if s != "" {
			kinds++
		}
	}
	if kinds != 1 {
		return fmt.Errorf("an entry is one of: list, macro, normal, test, asset")
	}
	if e.List != "" || e.Macro != "" {
		return nil
	}
	cond, err := condition.Parse(e.When, defs)
	if err != nil {
		return fmt.Errorf("when: %w", err)
	}
	if e.Asset != "" {
		if e.Value != "high" && e.Value != "low" {
			return fmt.Errorf("value: is high or low, not %q", e.Value)
		}
		c.assets = append(c.assets, asset{e.Asset, e.Value, cond, e.Say})
		return nil
	}
	return c.addSign(e, cond)
}

func (c *Context) addSign(e contextEntry, cond *condition.Condition) error {
	name, side := e.Normal, "benign"
	if e.Test != "" {
		name, side = e.Test, "test"
	}
	s := &knowledge.Sign{ID: name, Towards: side, Group: "context", Weight: e.Weight, When: e.When,
		Say: e.Say, Cond: cond, Context: c.file + "#" + name}
	if s.Weight == 0 {
		s.Weight = contextWeight
	}
	if s.Weight < 1 || s.Weight > 10 {
		return fmt.Errorf("weight: is 1 to 10, not %d", s.Weight)
	}
	if s.Say == "" {
		s.Say = strings.ReplaceAll(strings.ReplaceAll(name, "{", "{{"), "}", "}}") + ": known here."
	}
	t, err := knowledge.ParseTemplate(s.Say)
	if err != nil {
		return fmt.Errorf("say: %w", err)
	}
	s.Template = t
	var w window
	for _, bound := range []struct {
		text string
		to   *time.Time
	}{{e.From, &w.from}, {e.To, &w.to}} {
		if bound.text == "" {
			continue
		}
		if *bound.to, err = time.Parse(time.RFC3339, bound.text); err != nil {
			return fmt.Errorf("from/to: %q is not a time like 2026-11-24T09:00:00Z", bound.text)
		}
	}
	if !w.from.IsZero() || !w.to.IsZero() {
		c.windows[s] = w
	}
	c.signs = append(c.signs, s)
	return nil
}

// inTime reports whether a sign's time window, if it has one, holds the event.
func (z *Analyzer) inTime(s *knowledge.Sign, a *alert.Alert) bool {
	if z.context == nil {
		return true
	}
	w, ok := z.context.windows[s]
	return !ok || w.holds(a.Time)
}

func (w window) holds(t time.Time) bool {
	return !t.IsZero() && (w.from.IsZero() || !t.Before(w.from)) && (w.to.IsZero() || !t.After(w.to))
}
