package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// configFile is a YAML file with options.
type configFile string

// BeforeResolve reads the file, before the options get their values.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path, _ := ctx.FlagValue(trace.Flag).(configFile)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(string(path))
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	node := ctx.Selected()
	if node == nil {
		return nil
	}
	values, err := readConfig(string(path), text, node.Flags)
	if err != nil {
		return err
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if v, ok := values[flag.Name]; ok && !inEnvironment(flag) {
			return v, nil
		}
		return nil, nil
	}))
	return nil
}

func inEnvironment(flag *kong.Flag) bool {
	return slices.ContainsFunc(flag.Envs, func(name string) bool { _, ok := os.LookupEnv(name); return ok })
}

// readConfig returns the options of a configuration file.
func readConfig(path string, text []byte, flags []*kong.Flag) (map[string]any, error) {
	known := map[string]bool{}
	for _, f := range flags {
		if f.Name != "help" && f.Name != "config" {
			known[f.Name] = true
		}
	}
	file, err := parseYAML(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	at := func(n ast.Node, format string, a ...any) error {
		return fmt.Errorf("%s:%d: %s", path, n.GetToken().Position.Line, fmt.Sprintf(format, a...))
	}
	values := map[string]any{}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		m, ok := doc.Body.(ast.MapNode)
		if !ok {
			return nil, at(doc.Body, "a mapping of options is expected")
		}
		for it := m.MapRange(); it.Next(); {
			name := strings.Trim(it.Key().String(), `"'`)
			if !known[name] {
				return nil, at(it.Key(), "there is no option %s; tiercel serve --help lists them", printable(name))
			}
			if _, twice := values[name]; twice {
				return nil, at(it.Key(), "%s is given twice", name)
			}
			v, err := configValue(it.Value())
			if err != nil {
				return nil, at(it.Value(), "%s: %v", name, err)
			}
			values[name] = v
		}
	}
	return values, nil
}

// parseYAML is parser.ParseBytes, which panics on some texts that are no YAML.
func parseYAML(text []byte) (f *ast.File, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("it is no YAML")
		}
	}()
	return parser.ParseBytes(text, 0)
}

func configValue(n ast.Node) (any, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode, *ast.LiteralNode:
		return n.GetToken().Value, nil
	case *ast.SequenceNode:
		var all []string
		for _, v := range n.Values {
			one, err := configValue(v)
			if err != nil {
				return nil, err
			}
			s, ok := one.(string)
			if !ok {
				return nil, errors.New("a list in a list")
			}
			all = append(all, s)
		}
		return strings.Join(all, ","), nil
	}
	return nil, errors.New("a text, a number, true, false or a list of these is expected")
}
