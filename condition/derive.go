package condition

import (
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// derivation finds the value of a field that the alert does not have in fields
// that it has. It only does so where Falco makes one out of the other.
type derivation func(v Values) derived

// derived is what other fields tell of a field.
type derived struct {
	how     certainty
	values  [2]alert.Value
	n       int            // of values
	from    [2]alert.Field // where they stand
	missing string         // the field that would tell, if it is not the one asked for
}

type certainty uint8

const (
	untold  certainty = iota // nothing is known
	absent                   // there is no such value: Falco's comparisons are false
	either                   // it is one of the values
	all                      // it is each of the values, as fd.ip is both addresses
	atLeast                  // as all, but there may be more
)

var derivations = map[string]derivation{
	"proc.args":    argsOfCommandLine,
	"fd.directory": directoryOfName,
	"fd.typechar":  charOfType,
}

func text(s string) alert.Value { return alert.Value{Kind: alert.String, Text: s} }

// known looks a field up; ok is false unless its whole value is known.
func known(v Values, name string) (f alert.Field, ok bool) {
	f, ok = v.Get(name)
	return f, ok && f.Value.Known() && !isCut(v, f.Name)
}

// argsOfCommandLine: the command line is the process name and the arguments.
func argsOfCommandLine(v Values) derived {
	line, ok := known(v, "proc.cmdline")
	if !ok {
		return derived{}
	}
	name, ok := known(v, "proc.name")
	if !ok {
		return derived{missing: "proc.name"}
	}
	rest, ok := strings.CutPrefix(line.Value.Text, name.Value.Text)
	if !ok || rest != "" && rest[0] != ' ' {
		return derived{}
	}
	return derived{how: either, n: 1, values: [2]alert.Value{text(strings.TrimPrefix(rest, " "))}, from: [2]alert.Field{line, name}}
}

// directoryOfName: for a file Falco cuts off the last component; a directory
// is its own directory. The name alone does not tell which of them it is.
func directoryOfName(v Values) derived {
	f, ok := known(v, "fd.name")
	if !ok || !strings.HasPrefix(f.Value.Text, "/") {
		return derived{}
	}
	name := f.Value.Text
	parent := name
	switch slash := strings.LastIndexByte(name, '/'); {
	case slash == 0:
		parent = "/"
	case slash < len(name)-1:
		parent = name[:slash]
	}
	return derived{how: either, n: 2, values: [2]alert.Value{text(parent), text(name)}, from: [2]alert.Field{f}}
}

func charOfType(v Values) derived {
	f, ok := known(v, "fd.type")
	if !ok {
		return derived{}
	}
	var char string
	switch f.Value.Text {
	case "file":
		char = "f"
	case "directory":
		char = "d"
	case "ipv4":
		char = "4"
	case "ipv6":
		char = "6"
	case "unix":
		char = "u"
	case "pipe":
		char = "p"
	default:
		return derived{}
	}
	return derived{how: either, n: 1, values: [2]alert.Value{text(char)}, from: [2]alert.Field{f}}
}
