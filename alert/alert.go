// Package alert holds the Falco alert and every form in which one arrives.
//
// It is exact and has no opinions: integers keep all their digits, null, empty
// and missing stay apart, unknown keys are kept.
package alert

import (
	"strings"
	"time"
)

// Alert is one Falco alert as it was delivered.
type Alert struct {
	UUID     string // Falcosidekick's; new at each delivery, so it identifies nothing
	Rule     string // "" when only the text line was delivered
	Priority Priority
	Source   string // syscall, k8s_audit, aws_cloudtrail, …; internal for Falco's own health
	Hostname string
	Time     time.Time // the event's time in UTC; zero when the alert does not tell
	TimeText string    // as delivered, "" when missing
	Output   string    // the rendered text; its time is the host's local time and is never used
	Message  string    // Output without time, priority and fields
	Tags     []string
	Fields   Fields // output_fields, or the k=v pairs of a text line
	Extra    Fields // top-level keys that are none of the above
	Form     Form   // how it was delivered
	Origin   Origin
	Raw      []byte // the object or line as it stood in the input, without its wrapper
	// FromText is set for an object without output_fields, whose Fields were
	// read from the text of its output instead.
	FromText bool
	// Ambiguous names the fields of a text line that were given twice: their
	// value cannot be known, so they are not in Fields.
	Ambiguous []string
	// Uncertain names the fields of a text line of whose value the end cannot be
	// known, so that they are not in Fields either: a field of Ambiguous stands
	// behind them and may be part of their text, or an unknown key does.
	Uncertain []string
	// Cut names the fields whose value Falcosidekick cut: 507 bytes and "[...]".
	Cut []string
}

// Origin is where a record was read.
type Origin struct {
	File string
	Line int // first line of the record, from 1
}

// Form is how an alert was delivered.
type Form uint8

// The forms of an alert.
const (
	FormJSON Form = iota // Falco's or Falcosidekick's object
	FormText             // Falco's plain text line: no rule, no exact types
)

// Priority is a Falco priority; a higher value is more urgent.
type Priority int8

// Falco's priorities.
const (
	NoPriority Priority = iota // not given
	Debug
	Informational
	Notice
	Warning
	Error
	Critical
	Alarm // Falco's "Alert"
	Emergency
)

var priorityNames = [...]string{"", "Debug", "Informational", "Notice", "Warning", "Error", "Critical", "Alert", "Emergency"}

// String returns Falco's spelling.
func (p Priority) String() string { return priorityNames[p] }

// ParsePriority reads a priority in any case; "Info" is Informational.
// ok is false when there is no such priority.
func ParsePriority(s string) (p Priority, ok bool) {
	if strings.EqualFold(s, "info") {
		return Informational, true
	}
	for i, name := range priorityNames {
		if i > 0 && strings.EqualFold(s, name) {
			return Priority(i), true
		}
	}
	return NoPriority, false
}

// Clone returns a copy that shares no memory with a, for keeping an alert
// beyond the reader's next record.
func (a *Alert) Clone() *Alert {
	c := *a
	for _, s := range []*string{&c.UUID, &c.Rule, &c.Source, &c.Hostname, &c.TimeText, &c.Output, &c.Message} {
		*s = strings.Clone(*s)
	}
	c.Tags = cloneStrings(a.Tags)
	c.Ambiguous = cloneStrings(a.Ambiguous)
	c.Uncertain = cloneStrings(a.Uncertain)
	c.Cut = cloneStrings(a.Cut)
	c.Fields = a.Fields.clone()
	c.Extra = a.Extra.clone()
	c.Raw = append([]byte(nil), a.Raw...)
	return &c
}

// Top returns one of the alert's own keys (rule, priority, source, hostname,
// time, tags, uuid, output) as a value; ok is false when it was not delivered
// or there is no such key.
func (a *Alert) Top(name string) (v Value, ok bool) {
	var text string
	switch name {
	case "rule":
		text = a.Rule
	case "priority":
		text = a.Priority.String()
	case "source":
		text = a.Source
	case "hostname":
		text = a.Hostname
	case "time":
		text = a.TimeText
	case "uuid":
		text = a.UUID
	case "output":
		text = a.Output
	case "tags":
		if len(a.Tags) == 0 {
			return Value{}, false
		}
		return Value{Kind: List, Text: strings.Join(a.Tags, ", "), Items: a.Tags}, true
	}
	return Value{Kind: String, Text: text}, text != ""
}

// Get finds a field, or one of the alert's own keys, by Falco's name. It also
// finds a name whose brackets Falcosidekick replaced (proc.aname_2 for
// proc.aname[2]); Field.Name is the name as it stands in the alert.
func (a *Alert) Get(name string) (f Field, ok bool) {
	if f, ok := a.Fields.Get(name); ok {
		return f, true
	}
	if v, ok := a.Top(name); ok {
		return Field{Name: name, Value: v}, true
	}
	return Field{}, false
}

func cloneStrings(in []string) []string {
	if in == nil {
		return nil
	}
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = strings.Clone(s)
	}
	return out
}
