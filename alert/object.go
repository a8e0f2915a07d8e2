package alert

import (
	"strings"

	"github.com/valyala/fastjson"
)

// topKeys are the keys of an object that Tiercel knows.
const (
	keyRule = iota
	keyPriority
	keyTime
	keySource
	keyHostname
	keyOutput
	keyMessage
	keyUUID
	keyFields
	keyTags
	keyEvent        // Falcosidekick's web UI
	keyLog          // Docker
	keyMessageField // the journal
	keyCount
)

var keyNames = [keyCount]string{"rule", "priority", "time", "source", "hostname", "output", "message", "uuid",
	"output_fields", "tags", "event", "log", "MESSAGE"}

func keyIndex(key []byte) int {
	switch string(key) {
	case "rule":
		return keyRule
	case "priority":
		return keyPriority
	case "time":
		return keyTime
	case "source":
		return keySource
	case "hostname":
		return keyHostname
	case "output":
		return keyOutput
	case "message":
		return keyMessage
	case "uuid":
		return keyUUID
	case "output_fields":
		return keyFields
	case "tags":
		return keyTags
	case "event":
		return keyEvent
	case "log":
		return keyLog
	case "MESSAGE":
		return keyMessageField
	}
	return keyCount
}

// topLevel is what an object has on its top level.
type topLevel struct {
	values [keyCount]*fastjson.Value
	twice  *string // a key that was given twice
}

func (d *Decoder) topKey(key []byte, v *fastjson.Value) {
	t := &d.top
	k := keyIndex(key)
	if k < keyCount && t.values[k] == nil {
		t.values[k] = v
		if k < keyEvent {
			return
		}
	} else if k < keyCount {
		t.twice = &keyNames[k]
		return
	}
	if d.names.taken(view(key)) {
		name := view(key)
		t.twice = &name
		return
	}
	d.extra = append(d.extra, Field{Name: view(key)})
	d.others = append(d.others, v)
}

// isAlert: a rule's name, and anything else that only alerts have with it.
func (t *topLevel) isAlert() bool {
	return isString(t.values[keyRule]) && (t.given(keyOutput) || t.given(keyFields) || t.given(keyPriority) ||
		isString(t.values[keyTime]))
}

func (t *topLevel) given(k int) bool { return t.values[k] != nil }

// misfit says what is wrong with an object that has the parts of an alert but
// no rule's name; "" if it has not.
func (t *topLevel) misfit() string {
	if !t.given(keyPriority) && !t.given(keyFields) {
		return ""
	}
	switch rule := t.values[keyRule]; {
	case rule != nil && !isString(rule):
		return wrongType(keyRule, rule, "a string")
	case rule == nil && isObject(t.values[keyFields]):
		return "output_fields without a rule"
	}
	return ""
}

func isString(v *fastjson.Value) bool { return v != nil && v.Type() == fastjson.TypeString }

func isObject(v *fastjson.Value) bool { return v != nil && v.Type() == fastjson.TypeObject }

// missing: Go programs write null for an empty list.
func missing(v *fastjson.Value) bool { return v == nil || v.Type() == fastjson.TypeNull }

func wrongType(k int, v *fastjson.Value, want string) string {
	return keyNames[k] + " is " + typeName(v) + ", not " + want
}

func typeName(v *fastjson.Value) string {
	switch v.Type() {
	case fastjson.TypeObject:
		return "an object"
	case fastjson.TypeArray:
		return "a list"
	case fastjson.TypeString:
		return "a string"
	case fastjson.TypeNumber:
		return "a number"
	case fastjson.TypeNull:
		return "null"
	}
	return "true or false"
}

// build makes the alert of the object b, whose keys are in d.top.
func (d *Decoder) build(b []byte) (*Alert, string) {
	a := &d.alert
	a.Form, a.Raw = FormJSON, b
	if d.top.twice != nil {
		return nil, givenTwice(*d.top.twice)
	}
	d.strings()
	d.tagList()
	d.outputFields()
	d.extraFields()
	if d.reason != "" {
		return nil, d.reason
	}
	if a.Rule == "" {
		return nil, "rule is empty"
	}
	a.Time = parseTime(a.TimeText)
	return a, ""
}

func givenTwice(key string) string { return "the key " + printable(key) + " is given twice" }

// printable makes a key fit for a reason: its bytes are not ours.
func printable(key string) string {
	const most = 80
	cut := key[:min(len(key), most)]
	cut = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, cut)
	if len(key) > most {
		cut += "..."
	}
	return cut
}

func (d *Decoder) fail(reason string) {
	if d.reason == "" {
		d.reason = reason
	}
}

func (d *Decoder) strings() {
	a := &d.alert
	a.Rule = d.str(keyRule)
	a.TimeText = d.str(keyTime)
	a.Source = d.str(keySource)
	a.Hostname = d.str(keyHostname)
	a.UUID = d.str(keyUUID)
	a.Output = d.str(keyOutput)
	message, fields := d.messageOf(a.Output)
	if given := d.str(keyMessage); given != "" {
		message, _ = d.splitOutput(given)
	}
	a.Message = message
	if !d.top.given(keyFields) && d.reason == "" {
		d.pairs(fields)
		a.FromText = len(a.Fields) > 0
	}
	priority := d.str(keyPriority)
	var known bool
	if a.Priority, known = ParsePriority(priority); !known && priority != "" {
		d.extra = append(d.extra, Field{Name: "priority", Value: Value{Kind: String, Text: priority}})
	}
}

// str is the string under a key, "" when it is missing.
func (d *Decoder) str(k int) string {
	v := d.top.values[k]
	if missing(v) {
		return ""
	}
	if v.Type() != fastjson.TypeString {
		d.fail(wrongType(k, v, "a string"))
		return ""
	}
	return text(v)
}

func (d *Decoder) tagList() {
	v := d.top.values[keyTags]
	if missing(v) {
		return
	}
	list, err := v.Array()
	if err != nil {
		d.fail(wrongType(keyTags, v, "a list"))
		return
	}
	for _, x := range list {
		if !isString(x) {
			d.fail("a tag is " + typeName(x) + ", not a string")
			return
		}
		d.tags = append(d.tags, text(x))
	}
	d.alert.Tags = d.tags
}

func (d *Decoder) outputFields() {
	v := d.top.values[keyFields]
	if missing(v) {
		return
	}
	obj, err := v.Object()
	if err != nil {
		d.fail(wrongType(keyFields, v, "an object"))
		return
	}
	d.names.begin(&d.fields)
	obj.Visit(d.addField)
	d.alert.Fields = d.fields
}

// field takes one of output_fields.
func (d *Decoder) field(key []byte, v *fastjson.Value) {
	if d.reason != "" {
		return
	}
	name := view(key)
	if d.names.taken(name) {
		d.fail("in output_fields: " + givenTwice(name))
		return
	}
	d.fields = append(d.fields, Field{Name: name})
	value := &d.fields[len(d.fields)-1].Value
	d.value(value, v, 3)
	if value.Kind == String && isCut(value.Text) {
		d.alert.Cut = append(d.alert.Cut, name)
	}
}

// isCut: Falcosidekick keeps 507 bytes of a longer string and puts "[...]"
// behind; a character that it cuts in two becomes at most three U+FFFD.
func isCut(s string) bool {
	return len(s) >= 512 && len(s) <= 518 && strings.HasSuffix(s, "[...]")
}

func (d *Decoder) extraFields() {
	for i, v := range d.others {
		d.value(&d.extra[i].Value, v, 2)
	}
	if len(d.extra) > 0 {
		d.alert.Extra = d.extra
	}
}
