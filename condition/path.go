package condition

import (
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// pathTree holds the paths of a pmatch. A path matches if one of them is a
// prefix of it, component by component; empty components do not count, and a
// component may be a glob.
type pathTree struct {
	end   bool // a path ends here
	names map[string]*pathTree
	globs []globBranch
}

type globBranch struct {
	pattern string
	tree    *pathTree
}

func newPathTree(paths []string) *pathTree {
	root := &pathTree{}
	for _, path := range paths {
		t := root
		for name, rest := component(path); name != ""; name, rest = component(rest) {
			t = t.branch(name)
		}
		t.end = true
	}
	return root
}

// component splits the first component that is not empty off a path.
func component(path string) (name, rest string) {
	for path != "" && path[0] == '/' {
		path = path[1:]
	}
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

func (t *pathTree) branch(name string) *pathTree {
	if strings.ContainsAny(name, "?*[") {
		for _, g := range t.globs {
			if g.pattern == name {
				return g.tree
			}
		}
		b := &pathTree{}
		t.globs = append(t.globs, globBranch{name, b})
		return b
	}
	b := t.names[name]
	if b == nil {
		b = &pathTree{}
		if t.names == nil {
			t.names = map[string]*pathTree{}
		}
		t.names[name] = b
	}
	return b
}

func (t *pathTree) match(_ alert.Kind, path string) bool {
	if t.end {
		return true
	}
	name, rest := component(path)
	if name == "" {
		return false
	}
	if b := t.names[name]; b != nil && b.match(alert.String, rest) {
		return true
	}
	for _, g := range t.globs {
		if glob(g.pattern, name, false) && g.tree.match(alert.String, rest) {
			return true
		}
	}
	return false
}
