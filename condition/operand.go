package condition

import (
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// operand is a field of a condition, with the transformers around it.
type operand struct {
	name       string      // with its argument: proc.aname[2]
	also       string      // another name of the same thing, "" for none
	transforms []transform // outermost first
	family     *family     // ancestors: a field without an index stands for all of them
	derive     derivation  // how other fields tell its value, nil if none does
	kind       domain
	unset32    bool // 4294967295 is how older Falcos print -1
}

// domain is what a field's values are compared as.
type domain uint8

const (
	texts domain = iota
	addresses
	networks
	ports
)

const unset32 = "4294967295"

// sameField pairs names of the same thing: Falco can print either.
var sameField = func() map[string]string {
	pairs := map[string]string{}
	for _, f := range families {
		for i, name := range [...]string{f.self, f.parent} {
			if name != "" {
				pairs[name], pairs[f.indexed[i]] = f.indexed[i], name
			}
		}
	}
	return pairs
}()

func newOperand(name, arg string, hasArg bool, transforms []transform) *operand {
	o := &operand{name: name, transforms: transforms}
	if hasArg {
		o.name = name + "[" + arg + "]"
	} else if f := families[name]; f != nil {
		o.family = f
	}
	o.also = sameField[o.name]
	if param, ok := strings.CutPrefix(o.name, "evt.arg."); ok && !hasArg {
		o.also = "evt.arg[" + param + "]"
	} else if name == "evt.arg" && arg != "" && !isDigit(arg[0]) {
		o.also = "evt.arg." + arg
	}
	if n, ok := networkFields[o.name]; ok {
		o.kind, o.derive = n.kind, n.derive
	} else {
		o.derive = derivations[o.name]
	}
	o.unset32 = o.name == "user.loginuid"
	return o
}

// plain reports whether the operand is a field without a transformer.
func (o *operand) plain() bool { return len(o.transforms) == 0 }

// filterOnly reports whether the field stands for more than one value: Falco
// takes it only on the left-hand side and without transformers.
func (o *operand) filterOnly() bool {
	return o.family != nil || o.kind == networks || o.name == "fd.ip" || o.name == "fd.port"
}

func (o *operand) domain() domain {
	if o.plain() {
		return o.kind
	}
	return texts
}

// quick finds a known field in an alert, and returns nil if that did not work
// out: then find has to look. It is what makes Truth fast, as copying a field
// costs more than finding it.
func (o *operand) quick(v Values) *alert.Field {
	a, ok := v.(*alert.Alert)
	if !ok || len(a.Cut) > 0 {
		return nil
	}
	name, fields := o.name, a.Fields
	for i := range fields {
		if fields[i].Name == name {
			if fields[i].Value.Known() {
				return &fields[i]
			}
			return nil
		}
	}
	return nil
}

// find looks the field up by both of its names; ok is false when the alert
// does not have it.
func (o *operand) find(v Values) (f alert.Field, ok bool) {
	f, ok = v.Get(o.name)
	if o.also == "" || ok && f.Value.Known() {
		return f, ok
	}
	if g, found := v.Get(o.also); found && (!ok || g.Value.Known()) {
		return g, true
	}
	return f, ok
}

// transformed applies the transformers; ok is false when one has no result.
func (o *operand) transformed(v alert.Value) (_ alert.Value, ok bool) {
	if o.unset32 && v.Text == unset32 {
		v.Text = "-1"
	}
	for i := len(o.transforms) - 1; i >= 0; i-- {
		if v, ok = o.transforms[i].apply(v); !ok {
			return v, false
		}
	}
	return v, true
}
