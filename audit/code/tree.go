package code

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	yaml "sigs.k8s.io/yaml"

	"github.com/tiercel/tiercel/audit/expr"
)

// regexps are compiled once each.
var regexps sync.Map

func regexpOf(pattern string) *regexp.Regexp {
	if re, ok := regexps.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile(pattern)
	regexps.Store(pattern, re)
	return re
}

// node is a value of a YAML or JSON text.
type node struct {
	kind  string // map, list, string, number, bool, null
	quote bool   // a string in quotes
	text  string // of a scalar
	line  int    // 1 is the first
	keys  []pair // of a map
	items []*node
}

type pair struct {
	key   string
	line  int
	value *node
}

func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, p := range n.keys {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

func (n *node) has(key string) bool { return n.get(key) != nil }

// str is the text of a scalar below a key, "" if there is none.
func (n *node) str(key string) string {
	if v := n.get(key); v != nil && v.kind != "map" && v.kind != "list" {
		return v.text
	}
	return ""
}

// syntaxError says where a text is wrong; sure is false if only one of two
// parsers says so.
type syntaxError struct {
	line   int
	reason string
	sure   bool
}

var (
	deepLine   = expr.New(`(?m)^\s*(?:[-?:]\s+){50}`)
	yamlPlace  = expr.New(`^\[(\d+):\d+\] ([^\n]*)`)
	sigsPlace  = expr.New(`line (\d+): (.*)`)
	errTooDeep = "it is nested too deep, or its lines are too long"
)

// nestedTooDeep reports whether a text is one on which parsers take for ever:
// nobody writes such files.
func nestedTooDeep(text string) bool {
	depth, most := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	longest := 0
	eachLine(text, func(from, to int) { longest = max(longest, to-from) })
	return longest > 4000 || most > 200 || deepLine.MatchString(text) || strings.Count(text, "&")+strings.Count(text, "*") > 2000 && strings.Contains(text, "*")
}

// readYAML reads all documents of a text.
func readYAML(text string) (docs []*node, problem *syntaxError) {
	if nestedTooDeep(text) {
		return nil, &syntaxError{1, errTooDeep, false}
	}
	defer func() {
		if r := recover(); r != nil {
			docs, problem = nil, &syntaxError{1, "it cannot be read", false}
		}
	}()
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		p := &syntaxError{1, firstLineOf(err.Error()), false}
		if m := yamlPlace.FindStringSubmatch(err.Error()); m != nil {
			p.line, _ = strconv.Atoi(m[1])
			p.reason = m[2]
		}
		parts := regexpOf(`(?m)^---.*$`).Split(text, -1)
		for _, doc := range parts {
			if _, err := yaml.YAMLToJSON([]byte(doc)); err != nil {
				p.sure = true
				if m := sigsPlace.FindStringSubmatch(err.Error()); m != nil && len(parts) == 1 {
					p.line, _ = strconv.Atoi(m[1])
				}
			}
		}
		return nil, p
	}
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, fromAST(d.Body, map[string]*node{}))
		}
	}
	return docs, nil
}

func firstLineOf(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func fromAST(n ast.Node, anchors map[string]*node) *node {
	line := 1
	if t := n.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		out := &node{kind: "map", line: line}
		for _, v := range n.Values {
			out.pair(v, anchors)
		}
		return out
	case *ast.MappingValueNode:
		out := &node{kind: "map", line: line}
		out.pair(n, anchors)
		return out
	case *ast.SequenceNode:
		out := &node{kind: "list", line: line}
		for _, v := range n.Values {
			out.items = append(out.items, fromAST(v, anchors))
		}
		return out
	case *ast.AnchorNode:
		v := fromAST(n.Value, anchors)
		if n.Name != nil {
			anchors[n.Name.GetToken().Value] = v
		}
		return v
	case *ast.AliasNode:
		if v := anchors[n.Value.GetToken().Value]; v != nil {
			return v
		}
		return &node{kind: "null", line: line}
	case *ast.TagNode:
		return fromAST(n.Value, anchors)
	case *ast.LiteralNode:
		return &node{kind: "string", text: n.Value.Value, line: line}
	case *ast.StringNode:
		quoted := n.Token != nil && (n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType)
		return &node{kind: "string", text: n.Value, line: line, quote: quoted}
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &node{kind: "number", text: n.GetToken().Value, line: line}
	case *ast.BoolNode:
		return &node{kind: "bool", text: n.GetToken().Value, line: line}
	case *ast.NullNode:
		return &node{kind: "null", line: line}
	case *ast.CommentGroupNode, *ast.CommentNode:
		return &node{kind: "null", line: line}
	}
	return &node{kind: "string", text: n.String(), line: line}
}

func (n *node) pair(v *ast.MappingValueNode, anchors map[string]*node) {
	key, line := "", n.line
	if v.Key != nil {
		t := v.Key.GetToken()
		key = t.Value
		if t.Position != nil {
			line = t.Position.Line
		}
		if s, ok := v.Key.(*ast.StringNode); ok {
			key = s.Value
		}
		if v.Key.Type() == ast.MergeKeyType {
			if m := fromAST(v.Value, anchors); m.kind == "map" {
				n.keys = append(n.keys, m.keys...)
			}
			return
		}
	}
	value := &node{kind: "null", line: line}
	if v.Value != nil {
		value = fromAST(v.Value, anchors)
	}
	n.keys = append(n.keys, pair{key, line, value})
}

// readJSON reads one JSON value.
func readJSON(text string) (*node, *syntaxError) {
	if nestedTooDeep(text) {
		return nil, &syntaxError{1, errTooDeep, false}
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	r := &jsonReader{dec: dec, text: text}
	n, err := r.value()
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err == nil {
			err = errors.New("there is more behind the end of the value")
		}
	}
	at := int(dec.InputOffset())
	var bad *json.SyntaxError
	if errors.As(err, &bad) {
		at = int(bad.Offset)
	}
	return nil, &syntaxError{lineAt(text, min(at, len(text))), err.Error(), true}
}

func lineAt(text string, at int) int { return 1 + strings.Count(text[:max(0, at)], "\n") }

type jsonReader struct {
	dec        *json.Decoder
	text       string
	seen, line int
}

// here is the line of the token just read.
func (r *jsonReader) here() int {
	at := min(int(r.dec.InputOffset()), len(r.text))
	r.line += strings.Count(r.text[r.seen:at], "\n")
	r.seen = at
	return 1 + r.line
}

func (r *jsonReader) value() (*node, error) {
	t, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	line := r.here()
	switch t := t.(type) {
	case json.Delim:
		if t == '[' {
			n := &node{kind: "list", line: line}
			for r.dec.More() {
				v, err := r.value()
				if err != nil {
					return nil, err
				}
				n.items = append(n.items, v)
			}
			_, err := r.dec.Token()
			return n, err
		}
		n := &node{kind: "map", line: line}
		for r.dec.More() {
			key, err := r.dec.Token()
			if err != nil {
				return nil, err
			}
			at := r.here()
			v, err := r.value()
			if err != nil {
				return nil, err
			}
			n.keys = append(n.keys, pair{fmt.Sprint(key), at, v})
		}
		_, err := r.dec.Token()
		return n, err
	case string:
		return &node{kind: "string", text: t, line: line}, nil
	case json.Number:
		return &node{kind: "number", text: t.String(), line: line}, nil
	case bool:
		return &node{kind: "bool", text: strconv.FormatBool(t), line: line}, nil
	}
	return &node{kind: "null", line: line}, nil
}
