package code

import (
	"strings"

	"github.com/tiercel/tiercel/audit/finding"
	"github.com/tiercel/tiercel/knowledge/catalogue"
)

// looksLike reports whether most keys of an object are those of a format.
func (c *config) looksLike(form string, n *node) bool {
	f := c.cat.Format(form)
	if f == nil || len(n.keys) == 0 {
		return false
	}
	hits, telling := 0, false
	for _, p := range n.keys {
		if _, ok := f.Shapes["top"][p.key]; ok {
			telling = telling || p.key == "icc" || strings.Contains(p.key, "-")
			hits++
		}
	}
	return hits*2 > len(n.keys) || hits*2 == len(n.keys) && telling
}

// shaped holds an object against the shapes of a format of the catalogue.
func (c *config) shaped(form string, n *node) {
	f := c.cat.Format(form)
	if f == nil {
		return
	}
	if c.shape(&catalogue.Shapes{Types: f.Shapes}, "top", n, form, orOwn(f.Sources)) {
		c.at(n.line, issue{finding.Supported, say("Its keys exist, and it has the form that is needed."), orOwn(f.Sources), ""})
	}
	for _, p := range n.keys {
		start, end := c.bounds(p.line)
		c.rule(form, p.line, strings.TrimSpace(c.check.text[start:end]))
	}
}

// shape holds a value against a type; it reports whether all is well.
func (c *config) shape(shapes *catalogue.Shapes, kind string, n *node, what string, sources []string) bool {
	switch {
	case n == nil || n.kind == "null" || kind == "any" || kind == "":
		return true
	case strings.HasPrefix(kind, "[]"):
		if n.kind != "list" {
			if n.kind == "string" && (isPlaceholder(n.text) || templated.MatchString(n.text)) {
				return true
			}
			c.broken(n.line, sources, "", "In {} a list belongs here.", what)
			return false
		}
		fine := true
		for _, i := range n.items {
			fine = c.shape(shapes, kind[2:], i, what, sources) && fine
		}
		return fine
	case strings.HasPrefix(kind, "map:"):
		if n.kind != "map" {
			if n.kind == "string" && isPlaceholder(n.text) {
				return true
			}
			c.broken(n.line, sources, "", "In {} keys with values belong here.", what)
			return false
		}
		fine := true
		for _, p := range n.keys {
			fine = c.shape(shapes, kind[4:], p.value, what, sources) && fine
		}
		return fine
	}
	keys, ok := shapes.Types[kind]
	if !ok {
		return c.scalar(kind, n, what, sources)
	}
	if _, ok := keys["*"]; ok {
		return true
	}
	if n.kind != "map" {
		if n.kind == "string" && (isPlaceholder(n.text) || templated.MatchString(n.text)) {
			return true
		}
		c.broken(n.line, sources, "", "In {} keys with values belong here.", what)
		return false
	}
	fine := true
	for _, p := range n.keys {
		sub, ok := keys[p.key]
		if !ok {
			if elided(p.key) || isPlaceholder(p.key) {
				continue
			}
			c.broken(p.line, sources, nearest(keys, p.key), "{} has no key {} here.", what, p.key)
			fine = false
			continue
		}
		fine = c.shape(shapes, sub, p.value, what, sources) && fine
	}
	return fine
}

// nearest is the key that differs in case only, "" if none does.
func nearest(keys map[string]string, key string) string {
	for k := range keys {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return ""
}

func (c *config) scalar(kind string, n *node, what string, sources []string) bool {
	if n.kind == "string" && (isPlaceholder(n.text) || templated.MatchString(n.text) || elided(n.text)) {
		return true
	}
	fine := true
	switch kind {
	case "bool":
		fine = n.kind == "bool" || n.kind == "string" && !n.quote && words("yes no on off true false y n")[strings.ToLower(n.text)]
	case "number":
		fine = n.kind == "number"
	case "string":
		fine = n.kind != "map" && n.kind != "list"
	}
	if !fine {
		c.broken(n.line, sources, "", "In {} a "+map[string]string{"bool": "true or false", "number": "number", "string": "text"}[kind]+" belongs here.", what)
	}
	return fine
}
