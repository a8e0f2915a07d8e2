package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/expr"
)

var (
	tomlTable = expr.New(`^\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$`)
	tomlKey   = expr.New(`^("?[\w./-]+"?(?:\.[\w-]+)*)\s*=`)
)

// toml judges containerd's configuration, of which the sections and keys are known.
func (c *config) toml() {
	f := c.cat.Format("containerd")
	if c.form != "containerd" && !strings.Contains(c.text, "io.containerd") && !strings.Contains(strings.ToLower(c.b.Intro), "containerd") || f == nil {
		c.unknown("It is not known what file this is for; it was not checked.")
		return
	}
	section := "top"
	open := 0
	c.each(func(line int, text string) {
		if open > 0 {
			open += strings.Count(text, "[") - strings.Count(text, "]")
			return
		}
		if m := tomlTable.FindStringSubmatch(text); m != nil {
			parts := tomlParts.FindAllString(m[1], -1)
			section = strings.Trim(parts[0], `"'`)
			switch {
			case section == "plugins" && len(parts) > 1:
				id := strings.Trim(parts[1], `"'`)
				if !contains(f.Words, id) {
					c.broken(line, f.Sources, "", "containerd has no plugin {}.", id)
				}
			case f.Shapes["top"][section] == "" && section != "plugins":
				c.broken(line, f.Sources, "", "containerd's configuration has no section {}.", section)
			default:
				c.good(line, f.Sources...)
			}
			return
		}
		m := tomlKey.FindStringSubmatch(text)
		if m == nil {
			if !elided(text) {
				c.broken(line, f.Sources, "", "It is not TOML: a line is key = value.")
			}
			return
		}
		if rest := text[len(m[0]):]; strings.Count(rest, "[") > strings.Count(rest, "]") {
			open = strings.Count(rest, "[") - strings.Count(rest, "]")
		}
		keys := f.Shapes[section]
		if section == "plugins" {
			keys = f.Shapes["plugins"]
		}
		key := strings.Trim(m[1], `"`)
		switch _, ok := keys[key]; {
		case ok:
			c.good(line, f.Sources...)
		case section == "plugins" || section == "top":
			c.broken(line, f.Sources, "", "containerd's configuration has no key {} here.", key)
		default:
			c.at(line, unchecked("The key {} is in no catalogue.", key))
		}
	})
}

var tomlParts = expr.New(`"[^"]*"|'[^']*'|[\w-]+`)
