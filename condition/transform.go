package condition

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// transform is a function that a condition applies to a value.
type transform uint8

const (
	toLower transform = iota
	toUpper
	fromBase64
	baseName
	length
)

var transformNames = [...]string{toLower: "tolower", toUpper: "toupper", fromBase64: "b64", baseName: "basename", length: "len"}

func (t transform) String() string { return transformNames[t] }

func transformNamed(name string) (transform, bool) {
	for t, n := range transformNames {
		if n == name {
			return transform(t), true
		}
	}
	return 0, false
}

func unknownTransform(name string) string {
	switch name {
	case "join", "concat", "getopt":
		return name + "() is not supported"
	case "val":
		return "val() stands only on the right-hand side of an operator"
	}
	return fmt.Sprintf("unknown transformer %s(): expected one of %s", name, strings.Join(transformNames[:], " "))
}

// apply transforms each item of a list, except that len counts them.
func (t transform) apply(v alert.Value) (_ alert.Value, ok bool) {
	if t == length {
		n := len(v.Text)
		if v.Kind == alert.List {
			n = len(v.Items)
		}
		return alert.Value{Kind: alert.Int, Text: strconv.Itoa(n)}, true
	}
	if v.Kind != alert.List {
		v.Text, ok = t.text(v.Text)
		return v, ok
	}
	items := make([]string, len(v.Items))
	for i, item := range v.Items {
		if items[i], ok = t.text(item); !ok {
			return v, false
		}
	}
	v.Items = items
	return v, true
}

func (t transform) text(s string) (_ string, ok bool) {
	switch t {
	case toLower:
		return lower(s), true
	case toUpper:
		return upper(s), true
	case baseName:
		return s[strings.LastIndexByte(s, '/')+1:], true
	case fromBase64:
		raw, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(s, "="))
		return string(raw), err == nil && !strings.ContainsAny(s, "\r\n")
	}
	return s, true
}
