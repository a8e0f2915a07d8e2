package knowledge

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// DecodeYAML reads a YAML text into v. A key that v does not know is refused.
// The error is a Problem of file name, with its line.
func DecodeYAML(name string, text []byte, v any) error {
	if err := decodeYAML(name, text, v); err != nil {
		return *err
	}
	return nil
}

// YAMLLine returns the line of a path such as $[3] in a YAML text, 1 if unknown.
func YAMLLine(text []byte, yamlPath string) int {
	file, err := parseYAML("", text)
	if err != nil {
		return 1
	}
	return (&document{ast: file}).line(yamlPath)
}

func decodeYAML(name string, text []byte, v any) *Problem {
	return guard(name, func() error { return yaml.UnmarshalWithOptions(text, v, yaml.Strict()) })
}

func parseYAML(name string, text []byte) (file *ast.File, problem *Problem) {
	problem = guard(name, func() (err error) {
		file, err = parser.ParseBytes(text, 0)
		return err
	})
	return file, problem
}

// guard makes a Problem of an error, and of a panic: the YAML library panics on
// some malformed texts.
func guard(name string, f func() error) (problem *Problem) {
	defer func() {
		if r := recover(); r != nil {
			problem = &Problem{File: name, Line: 1, Reason: fmt.Sprintf("not YAML that can be read (%v)", r)}
		}
	}()
	if err := f(); err != nil {
		p := yamlProblem(name, err)
		return &p
	}
	return nil
}

var yamlPosition = regexp.MustCompile(`^\[(\d+):\d+\] (.*)`)

// yamlProblem takes line and reason out of the YAML library's error.
func yamlProblem(name string, err error) Problem {
	var text yaml.Error
	message := err.Error()
	if errors.As(err, &text) {
		message = text.FormatError(false, false)
	}
	if m := yamlPosition.FindStringSubmatch(message); m != nil {
		line, _ := strconv.Atoi(m[1])
		return Problem{name, line, m[2]}
	}
	return Problem{File: name, Reason: firstLine(message)}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// document is one file as it was read: for turning a path into a line.
type document struct {
	name string
	ast  *ast.File
}

// line finds the line of a YAML path such as $.saw[0].say; 0 when there is none.
func (d *document) line(yamlPath string) int {
	if d == nil || d.ast == nil {
		return 0
	}
	for p := yamlPath; p != "$" && p != ""; p = parentPath(p) {
		yp, err := yaml.PathString(p)
		if err != nil {
			continue
		}
		node, err := yp.FilterFile(d.ast)
		if err == nil && node != nil {
			return node.GetToken().Position.Line
		}
	}
	return 1
}

func parentPath(p string) string {
	if i := strings.LastIndexAny(p, ".["); i > 0 {
		return p[:i]
	}
	return "$"
}
