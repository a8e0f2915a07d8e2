package knowledge

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Template is a text with {field} placeholders.
type Template []Part

// Part is literal text, or a placeholder: a field, or a time near the event's.
type Part struct {
	Text   string        // literal, when Field is empty
	Field  string        // a field's name, or "time" with Offset
	Offset time.Duration // of {time-5m}
	Format string        // "" or "utc", of {time-5m|utc}
	Timed  bool          // a {time±d} placeholder rather than the field time
}

var timePlaceholder = regexp.MustCompile(`^time(?:([+-][0-9]+[smh])|([+-]0))?(?:\|(utc))?$`)

// ParseTemplate reads a text with {field} placeholders; {{ and }} are braces.
func ParseTemplate(text string) (Template, error) {
	var t Template
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			t = append(t, Part{Text: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case (c == '{' || c == '}') && i+1 < len(text) && text[i+1] == c:
			literal.WriteByte(c)
			i++
		case c == '{':
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("placeholder without }: %q", text[i:])
			}
			flush()
			part, err := parsePlaceholder(text[i+1 : i+end])
			if err != nil {
				return nil, err
			}
			t = append(t, part)
			i += end
		case c == '}':
			return nil, fmt.Errorf("a single } in %q: write }} for a brace", text)
		default:
			literal.WriteByte(c)
		}
	}
	flush()
	return t, nil
}

func parsePlaceholder(name string) (Part, error) {
	if m := timePlaceholder.FindStringSubmatch(name); m != nil && name != "time" {
		p := Part{Field: "time", Timed: true, Format: m[3]}
		if m[1] != "" {
			d, err := time.ParseDuration(m[1])
			if err != nil {
				return Part{}, err
			}
			p.Offset = d
		}
		return p, nil
	}
	if name == "" || strings.ContainsAny(name, " {") {
		return Part{}, fmt.Errorf("not a field name: {%s}", name)
	}
	return Part{Field: name}, nil
}

// Fields returns the names of the fields that the template shows.
func (t Template) Fields() []string {
	var names []string
	for _, p := range t {
		if p.Field != "" {
			names = append(names, p.Field)
		}
	}
	return names
}

// Time returns the text of a {time±d} placeholder for an event at t.
func (p Part) Time(t time.Time) string {
	t = t.Add(p.Offset).UTC().Truncate(time.Second)
	if p.Format == "utc" {
		return t.Format("2006-01-02 15:04:05") + " UTC"
	}
	return t.Format(time.RFC3339)
}
