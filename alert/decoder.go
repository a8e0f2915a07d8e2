package alert

import (
	"bytes"
	"unsafe"

	"github.com/valyala/fastjson"
)

// Decoder makes alerts of records. It reuses its memory; use one for each
// goroutine.
type Decoder struct {
	keys   map[string]string // of text lines
	parser fastjson.Parser
	alert  Alert
	top    topLevel
	fields Fields
	extra  Fields
	others []*fastjson.Value // the values of extra, until they are read
	tags   []string
	items  []string
	names  names
	arena  []byte // what Values point to, apart from the parser's memory
	fixed  []byte
	inner  [maxWrappers + 1][]byte
	reason string // why the record that is being decoded is broken

	addField, addTop func(key []byte, v *fastjson.Value) // made once: a method value allocates
}

// maxWrappers is how many objects may stand around an alert's.
const maxWrappers = 3

// NewDecoder returns a Decoder; only the options' TextFields are of use to it.
func NewDecoder(opt Options) *Decoder {
	d := &Decoder{keys: textKeys(opt.TextFields)}
	d.addField, d.addTop = d.field, d.topKey
	return d
}

// Decode returns the alert that rec holds; nil, without an error, when it holds
// none. file is noted as its origin. The error is a *BrokenError. The alert is
// valid until the next Decode and as long as rec.Bytes are not changed.
func (d *Decoder) Decode(rec Record, file string) (*Alert, error) {
	if rec.Kind == BrokenRecord {
		return nil, &BrokenError{Line: rec.Line, Reason: rec.Reason}
	}
	d.reset()
	d.alert.Origin = Origin{File: file, Line: rec.Line}
	var a *Alert
	var reason string
	if rec.Kind == LineRecord {
		a, reason = d.line(rec.Bytes, 0)
	} else {
		a, reason = d.object(bytes.Trim(rec.Bytes, " \t\r\n"), 0)
	}
	if reason != "" {
		return nil, &BrokenError{Line: rec.Line, Reason: reason}
	}
	return a, nil
}

func (d *Decoder) reset() {
	d.alert = Alert{}
	d.fields = d.fields[:0]
	d.tags = d.tags[:0]
	d.items = d.items[:0]
	d.arena = d.arena[:0]
	d.reason = ""
}

// line decodes a line, in so many wrappers.
func (d *Decoder) line(b []byte, wrappers int) (*Alert, string) {
	b = unwrapLine(bytes.TrimRight(b, "\r\n"))
	if b == nil {
		return nil, ""
	}
	if b[0] == '{' {
		return d.object(bytes.TrimRight(b, " \t"), wrappers)
	}
	return d.text(b)
}

// object decodes an object, in so many wrappers.
func (d *Decoder) object(b []byte, wrappers int) (*Alert, string) {
	checked, reason := d.check(b)
	var v *fastjson.Value
	if reason == "" {
		var err error
		if v, err = d.parser.ParseBytes(checked); err != nil {
			reason = fault(b)
		}
	}
	if reason != "" {
		if likeAlert(b) {
			return nil, reason
		}
		return nil, ""
	}
	obj, err := v.Object()
	if err != nil {
		return nil, ""
	}
	d.top = topLevel{}
	d.extra, d.others = d.extra[:0], d.others[:0]
	d.names.begin(&d.extra)
	obj.Visit(d.addTop)
	if !d.top.isAlert() {
		return d.unwrap(b, wrappers)
	}
	return d.build(b)
}

// unwrap decodes what the object b holds, if it is a wrapper.
func (d *Decoder) unwrap(b []byte, wrappers int) (*Alert, string) {
	t := &d.top
	if reason := t.misfit(); reason != "" {
		return nil, reason
	}
	if wrappers == maxWrappers {
		return nil, ""
	}
	if isObject(t.values[keyEvent]) {
		if event := member(b, "event"); event != nil {
			return d.object(event, wrappers+1)
		}
		return nil, ""
	}
	for _, v := range []*fastjson.Value{t.values[keyLog], t.values[keyMessageField]} {
		if text, ok := lineOf(v, d.inner[wrappers][:0]); ok {
			d.inner[wrappers] = text
			return d.line(text, wrappers+1)
		}
	}
	return nil, ""
}

// lineOf appends the line that a wrapper's value holds to dst: a string or, in
// the journal's export, the bytes as numbers.
func lineOf(v *fastjson.Value, dst []byte) (line []byte, ok bool) {
	if v == nil {
		return nil, false
	}
	if v.Type() == fastjson.TypeString {
		return append(dst, text(v)...), true
	}
	list, err := v.Array()
	if err != nil || len(list) == 0 {
		return nil, false
	}
	for _, x := range list {
		n, err := x.Uint()
		if err != nil || n > 255 {
			return nil, false
		}
		dst = append(dst, byte(n))
	}
	return dst, true
}

// member returns the bytes of the object that the valid object b has under key.
func member(b []byte, key string) []byte {
	var s shape
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			s.depth++
		case '}', ']':
			s.depth--
		case '"':
			end, _ := (&shape{}).string(b, i+1)
			behind := bytes.TrimLeft(b[end:], " \t\r\n")
			if s.depth == 1 && string(b[i+1:end-1]) == key && behind[0] == ':' {
				return firstObject(bytes.TrimLeft(behind[1:], " \t\r\n"))
			}
			i = end - 1
		}
	}
	return nil
}

func firstObject(b []byte) []byte {
	var s shape
	if !s.scan(b) {
		return nil
	}
	return b[:s.i]
}

// keep copies b to memory that lasts until the next Decode.
func (d *Decoder) keep(b []byte) string {
	from := len(d.arena)
	d.arena = append(d.arena, b...)
	return view(d.arena[from:])
}

// view is b as a string, without copying.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// text is the string that v holds.
func text(v *fastjson.Value) string {
	b, err := v.StringBytes()
	if err != nil {
		return ""
	}
	return view(b)
}
