package alert

import "github.com/valyala/fastjson"

// value fills in out from v, which stands at the depth given.
func (d *Decoder) value(out *Value, v *fastjson.Value, depth int) {
	switch v.Type() {
	case fastjson.TypeString:
		out.Kind, out.Text = String, text(v)
	case fastjson.TypeNumber:
		d.number(out, v)
	case fastjson.TypeTrue:
		out.Kind, out.Text = Bool, "true"
	case fastjson.TypeFalse:
		out.Kind, out.Text = Bool, "false"
	case fastjson.TypeArray:
		d.list(out, v, depth)
	case fastjson.TypeObject:
		d.nested(out, v, depth)
	}
}

func (d *Decoder) number(out *Value, v *fastjson.Value) {
	from := len(d.arena)
	d.arena = v.MarshalTo(d.arena) // the literal
	out.Text = view(d.arena[from:])
	kind, ok := numberKind(out.Text)
	if !ok {
		d.fail("not JSON: a bad number")
	}
	out.Kind = kind
}

// list makes a List of strings; any other list keeps its JSON.
func (d *Decoder) list(out *Value, v *fastjson.Value, depth int) {
	list := v.GetArray()
	for _, x := range list {
		if x.Type() != fastjson.TypeString {
			d.nested(out, v, depth)
			return
		}
	}
	out.Kind = List
	items, from := len(d.items), len(d.arena)
	for i, x := range list {
		if i > 0 {
			d.arena = append(d.arena, ", "...)
		}
		d.arena = append(d.arena, text(x)...)
		d.items = append(d.items, text(x))
	}
	out.Items = d.items[items:len(d.items):len(d.items)]
	out.Text = view(d.arena[from:])
}

func (d *Decoder) nested(out *Value, v *fastjson.Value, depth int) {
	from := len(d.arena)
	d.json(v, depth)
	out.Kind, out.Text = Object, view(d.arena[from:])
}

// json appends v to the arena as JSON without blanks; fastjson's own writer
// escapes as Go does.
func (d *Decoder) json(v *fastjson.Value, depth int) {
	if depth > maxDepth && (v.Type() == fastjson.TypeObject || v.Type() == fastjson.TypeArray) {
		d.fail(tooDeep)
		return
	}
	switch v.Type() {
	case fastjson.TypeString:
		d.arena = appendString(d.arena, text(v))
	case fastjson.TypeArray:
		d.jsonArray(v.GetArray(), depth)
	case fastjson.TypeObject:
		d.jsonObject(v.GetObject(), depth)
	case fastjson.TypeNumber:
		var number Value
		d.number(&number, v)
	default:
		d.arena = v.MarshalTo(d.arena)
	}
}

func (d *Decoder) jsonArray(list []*fastjson.Value, depth int) {
	d.arena = append(d.arena, '[')
	for i, x := range list {
		if i > 0 {
			d.arena = append(d.arena, ',')
		}
		d.json(x, depth+1)
	}
	d.arena = append(d.arena, ']')
}

func (d *Decoder) jsonObject(obj *fastjson.Object, depth int) {
	d.arena = append(d.arena, '{')
	comma := false
	obj.Visit(func(key []byte, v *fastjson.Value) {
		if comma {
			d.arena = append(d.arena, ',')
		}
		comma = true
		d.arena = append(appendString(d.arena, view(key)), ':')
		d.json(v, depth+1)
	})
	d.arena = append(d.arena, '}')
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
