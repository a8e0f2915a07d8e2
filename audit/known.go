package audit

import (
	"slices"
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// knownValues finds values of the alerts.
type knownValues struct {
	alerts []*alert.Alert
	exact  map[string]alert.Field // by value, lower case
	byName map[string][]alert.Field
	text   string // everything that the alerts say, lower case
}

func newKnownValues(alerts []*alert.Alert) *knownValues {
	k := &knownValues{alerts: alerts, exact: map[string]alert.Field{}, byName: map[string][]alert.Field{}}
	var all strings.Builder
	size := 0
	for _, a := range alerts {
		for _, f := range fieldsOf(a) {
			if !f.Value.Known() || f.Value.Text == "" {
				continue
			}
			low := strings.ToLower(f.Value.Text)
			if _, ok := k.exact[low]; !ok {
				k.exact[low] = f
				if size += len(low); size < searched {
					all.WriteString(low)
					all.WriteByte('\n')
				}
			}
			for _, item := range f.Value.Items {
				if _, ok := k.exact[strings.ToLower(item)]; !ok {
					k.exact[strings.ToLower(item)] = f
				}
			}
		}
	}
	k.text = all.String()
	return k
}

// searched bounds the text in which parts of values are looked for.
const searched = 4 << 20

var topKeys = []string{"rule", "priority", "source", "hostname", "time", "tags", "uuid", "output"}

// fieldsOf lists what an alert tells, made-up fields that follow from others
// included.
func fieldsOf(a *alert.Alert) []alert.Field {
	var out []alert.Field
	for _, name := range topKeys {
		if f, ok := a.Get(name); ok {
			out = append(out, f)
		}
	}
	out = append(out, a.Fields...)
	return append(out, a.Extra...)
}

// get finds a field of an alert, or makes it of another one.
func get(a *alert.Alert, name string) (alert.Field, bool) {
	if f, ok := a.Get(name); ok {
		return f, f.Value.Known()
	}
	text := func(s string) (alert.Field, bool) {
		return alert.Field{Name: name, Value: alert.Value{Kind: alert.String, Text: s}}, s != ""
	}
	switch name {
	case "proc.args":
		if f, ok := a.Get("proc.cmdline"); ok {
			_, args, _ := strings.Cut(f.Value.Text, " ")
			return text(args)
		}
	case "proc.exe":
		if f, ok := a.Get("proc.cmdline"); ok {
			first, _, _ := strings.Cut(f.Value.Text, " ")
			return text(first)
		}
	case "container.image":
		repo, ok := a.Get("container.image.repository")
		if tag, tagged := a.Get("container.image.tag"); ok && tagged && tag.Value.Known() && repo.Value.Known() {
			return text(repo.Value.Text + ":" + tag.Value.Text)
		}
		return repo, ok && repo.Value.Known()
	case "fd.sip", "fd.rip", "fd.cip", "fd.lip":
		f, ok := a.Get("fd.name")
		return f, ok && f.Value.Known()
	case "fd.sport", "fd.rport", "fd.cport", "fd.lport":
		f, ok := a.Get("fd.name")
		if !ok || !strings.Contains(f.Value.Text, "->") {
			return alert.Field{}, false
		}
		client, server, _ := strings.Cut(f.Value.Text, "->")
		side := server
		if name == "fd.cport" || name == "fd.lport" {
			side = client
		}
		return text(side[strings.LastIndexByte(side, ':')+1:])
	case "alert.maturity":
		return text(maturity([]*alert.Alert{a}))
	case "proc.aname":
		for _, f := range a.Fields {
			if strings.HasPrefix(f.Name, "proc.aname") {
				return f, f.Value.Known()
			}
		}
	}
	return alert.Field{}, false
}

// among returns the values of fields of these names in the alerts, each once.
func (k *knownValues) among(names []string) []alert.Field {
	if len(names) == 1 {
		return k.values(names[0])
	}
	var out []alert.Field
	whole := false // the image with its tag
	for _, name := range names {
		list := k.values(name)
		if name == "container.image" {
			whole = len(list) > 0 && strings.Contains(list[0].Value.Text, ":")
		}
		if name == "container.image.repository" && whole {
			continue
		}
		out = append(out, list...)
	}
	return out
}

// values returns the values of a field, each once.
func (k *knownValues) values(name string) []alert.Field {
	if list, ok := k.byName[name]; ok {
		return list
	}
	var list []alert.Field
	seen := map[string]bool{}
	add := func(f alert.Field) {
		if f.Value.Known() && f.Value.Text != "" && !seen[f.Name+"\x00"+f.Value.Text] {
			seen[f.Name+"\x00"+f.Value.Text] = true
			list = append(list, f)
		}
	}
	for _, a := range k.alerts {
		if name == "proc.aname" {
			for _, f := range a.Fields {
				if strings.HasPrefix(f.Name, "proc.aname") {
					add(f)
				}
			}
		} else if f, ok := get(a, name); ok {
			add(f)
		}
	}
	k.byName[name] = list
	return list
}

// elsewhere returns the field whose value this is.
func (k *knownValues) elsewhere(value string) (alert.Field, bool) {
	f, ok := k.exact[strings.ToLower(clean(value))]
	return f, ok
}

// within reports whether the alerts say this anywhere.
func (k *knownValues) within(value string) bool {
	v := strings.ToLower(clean(value))
	return len(v) > 1 && onWords(k.text, v)
}

// has reports whether any alert tells one of the fields.
func (k *knownValues) has(names []string) bool { return len(k.among(names)) > 0 }

// lacking reports whether some alert tells none of the fields.
func (k *knownValues) lacking(names []string) bool {
	for _, a := range k.alerts {
		if !slices.ContainsFunc(names, func(n string) bool { f, ok := get(a, n); return ok && f.Value.Text != "" }) {
			return true
		}
	}
	return false
}
