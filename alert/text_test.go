package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTextLines(t *testing.T) {
	for _, name := range []string{"text-old.log", "text-new.log", "text-iso.log", "text-syslog.log", "text-docker.log"} {
		a := one(t, file(t, name))
		if a.Form != FormText || a.Rule != "" || a.Priority != Notice || a.Tags != nil || len(a.Ambiguous)+len(a.Uncertain) > 0 {
			t.Errorf("%s: %+v", name, a)
		}
		if a.Message != "A shell was spawned in a container with an attached terminal" {
			t.Errorf("%s: message %q", name, a.Message)
		}
		wantFields(t, a, map[string]string{
			"proc.cmdline": `string sh -c "id; uname -a"`, "user.uid": "string 1500", "proc.exepath": "string /bin/busybox",
			"evt.arg.flags": "string EXE_WRITABLE|EXE_LOWER_LAYER", "container.name": "string billing-api",
		})
		if a.Output != string(a.Raw) {
			t.Errorf("%s: output %q", name, a.Output)
		}
	}
}

// A time of day is the host's local time; only a zone makes it an event's time.
func TestTimeOfTextLines(t *testing.T) {
	for name, want := range map[string]time.Time{
		"text-new.log": {}, "text-syslog.log": {}, "text-docker.log": {},
		"text-iso.log": time.Date(2026, 1, 9, 7, 15, 2, 321, time.UTC),
	} {
		if a := one(t, file(t, name)); !a.Time.Equal(want) || want.IsZero() != (a.TimeText == "") {
			t.Errorf("%s: time %v, %q", name, a.Time, a.TimeText)
		}
	}
	for _, zone := range []string{"Z", "+00:00", "+0000"} {
		a := one(t, "2026-01-09T07:15:02.000000321"+zone+": Error x")
		if a.Time.Nanosecond() != 321 || a.TimeText != "2026-01-09T07:15:02.000000321"+zone {
			t.Errorf("%s: time %v, %q", zone, a.Time, a.TimeText)
		}
	}
	if a := one(t, "2026-01-09T09:15:02.000000321+0200: Error x"); a.Time.Hour() != 7 {
		t.Errorf("time %v", a.Time)
	}
}

func TestNoAlertText(t *testing.T) {
	for _, line := range []string{
		"08:15:02.000000321: Hint a shell",                                  // no priority of Falco's
		"08:15:02.000000321: notice a shell",                                // not as Falco writes it
		"08:15:02.000000321: Noticea shell",                                 // no blank
		"08:15:02.000000321: Notice ",                                       // no message
		"08:15:02.000000321:Notice a shell",                                 // no blank
		"08:15:02.00000321: Notice a shell",                                 // 8 decimals
		"8:15:02.0000003211: Notice a shell",                                // no time
		"x08:15:02.000000321: Notice a shell",                               // something before it
		"2026-01-09T07:14:58+0000: Error opening a file",                    // Falco's own log
		"2026-01-09 07:14:58.000000321+0000: Error opening a file",          // no ISO time
		"2026-01-09T07:14:58.000000321+00000: Error opening a file",         // no zone
		"Fri Jan  9 07:14:58 2026: Error opening a file",                    // Falco's own log
		"Jan  9 08:15:02 node-7 sshd[7]: said 08:15:02.000000321: Notice x", // not where a message begins
	} {
		if res := readString(line + "\n"); outline(res) != "passed 1" {
			t.Errorf("%q: %s", line, outline(res))
		}
	}
}

func fieldList(a *Alert) string {
	var list []string
	for _, f := range a.Fields {
		list = append(list, f.Name+"="+f.Value.Text)
	}
	return strings.Join(list, "; ")
}

func TestFieldsOfTextLines(t *testing.T) {
	for _, c := range []struct {
		name, text, message, fields, ambiguous, uncertain string
	}{
		{"old", "Shell spawned (user=root command=sh -c id terminal=0)", "Shell spawned",
			"user.name=root; proc.cmdline=sh -c id; proc.tty=0", "", ""},
		{"new", "Shell spawned | user=root command=sh -c id terminal=0", "Shell spawned",
			"user.name=root; proc.cmdline=sh -c id; proc.tty=0", "", ""},
		{"no value and unknown value", "Shell spawned | container_name= user=<NA> command=", "Shell spawned",
			"container.name=; user.name=<NA>; proc.cmdline=", "", ""},
		{"an old rule with fields that Falco 0.41 adds", "Shell spawned (user=root command=f (x) terminal=0) container_id=ab12 container_name=web",
			"Shell spawned", "user.name=root; proc.cmdline=f (x); proc.tty=0; container.id=ab12; container.name=web", "", ""},
		{"no separator", "Shell by user=root command=sh container_id=ab12", "Shell by",
			"user.name=root; proc.cmdline=sh; container.id=ab12", "", ""},
		{"brackets in the message", "Shell (interactive) spawned (user=root)", "Shell (interactive) spawned", "user.name=root", "", ""},
		{"no fields", "Falco internal: hot restart failure", "Falco internal: hot restart failure", "", "", ""},
		{"an equals sign in the message", "a = b and c=d here", "a = b and c=d here", "", "", ""},
		{"equals signs in a value", "x | command=dd if=/dev/zero of=/dev/sdb terminal=0", "x",
			"proc.cmdline=dd if=/dev/zero of=/dev/sdb; proc.tty=0", "", ""},
		{"a separator in a value", "x | command=ps | user=1 | grep (a=b) terminal=0", "x",
			"proc.cmdline=ps |; user.name=1 | grep (a=b); proc.tty=0", "", ""},
		{"the field's own name", "x | proc_pcmdline=sh proc.name=id fd.name=/x", "x", "proc.pcmdline=sh; proc.name=id; fd.name=/x", "", ""},
		{"a first key of one's own", "x | team=blue user=root", "x", "team=blue; user.name=root", "", ""},
		{"brackets in a key", "x | gparent=a proc.aname[2]=b", "x", "", "proc.aname[2]", ""},
		{"an unknown key", "x | terminal=0 exe=/bin/sh user=root", "x", "user.name=root", "", "proc.tty"},
		{"an event's arguments", "x | file=/x evt_args=res=0 dirfd=-100 user=root", "x", "fd.name=/x; user.name=root", "", "evt.args"},
		{"a literal of rules 2.0.0", "x | fd_proto=fd.l4proto user=root", "x", "user.name=root", "", ""},
		{"a forged key", "x | evt_type=execve user=root process=sh command=sh -c user=maya terminal=0 container_id=host",
			"x", "proc.name=sh; proc.tty=0; container.id=host", "user.name", "evt.type proc.cmdline"},
		{"a forged end", "x | user=root command=sh terminal=7 container_id=ab terminal=0 container_id=host", "x",
			"user.name=root", "container.id proc.tty", "proc.cmdline"},
		{"the same value twice", "x | user=root command=a user=root", "x", "", "user.name", "proc.cmdline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := one(t, "08:15:02.000000321: Warning "+c.text+"\n")
			if got := fieldList(a); a.Message != c.message || got != c.fields {
				t.Errorf("\nmessage %q, fields %s\nwant    %q, fields %s", a.Message, got, c.message, c.fields)
			}
			if got := strings.Join(a.Ambiguous, " "); got != c.ambiguous {
				t.Errorf("ambiguous %q, want %q", got, c.ambiguous)
			}
			if got := strings.Join(a.Uncertain, " "); got != c.uncertain {
				t.Errorf("uncertain %q, want %q", got, c.uncertain)
			}
		})
	}
}

func TestTextLinesWithoutATable(t *testing.T) {
	res := read(strings.NewReader(file(t, "text-new.log")), Options{})
	if len(res.alerts) != 1 || res.alerts[0].Fields != nil || res.alerts[0].Message == "" {
		t.Errorf("%+v", res)
	}
}

// The message is the rule's constant text, whatever the era of the output.
func TestMessageOfJSON(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{`"output":"08:15:02.000000321: Notice Shell spawned (user=root)"`, "Shell spawned"},
		{`"output":"08:15:02.000000321: Notice Shell spawned | user=root"`, "Shell spawned"},
		{`"output":"2026-01-09T07:15:02.000000321+0000: Notice Shell spawned | user=root"`, "Shell spawned"},
		{`"output":"Falco internal: metrics snapshot"`, "Falco internal: metrics snapshot"},
		{`"message":"Shell spawned | user=root","output":"08:15:02.000000321: Notice Shell spawned | user=root"`, "Shell spawned"},
		{`"message":"Shell spawned | user=root","priority":"Notice"`, "Shell spawned"},
		{`"priority":"Notice"`, ""},
	} {
		if a := one(t, `{"rule":"r",`+c.keys+`}`); a.Message != c.want {
			t.Errorf("%s: message %q", c.keys, a.Message)
		}
	}
}

func TestSyslogForms(t *testing.T) {
	text := "08:15:02.000000321: Notice Shell spawned | user=root"
	for _, head := range []string{
		"Jan  9 08:15:02 node-7 falco[811]: ", "Jan 19 08:15:02 node-7 falco: ", "Jan  9 08:15:02 falco[811]: ",
		"Jan  9 08:15:02.123456 node-7 falco[811]: ", "<13>Jan  9 08:15:02 node-7 falco[811]: ", "<13>falco[811]: ", "<13>",
		"2026-01-09T08:15:02+0100 node-7 falco[811]: ", "2026-01-09T08:15:02.123456+01:00 node-7 falco[811]: ",
		"Fri 2026-01-09 08:15:02 CET node-7 falco[811]: ", "1767942902.123456 node-7 falco[811]: ",
		"[  123.456789] node-7 falco[811]: ", "[pod/falco-x/falco] ", "[pod/falco-x/falco] 2026-01-09T07:15:02.1Z ",
		"2026-01-09T07:15:02.1Z stdout F ", "2026-01-09T07:15:02.1Z stderr F:x ", "falco-1  | ",
		"<13>1 2026-01-09T07:15:02Z node-7 falco 811 - - ", "<13>1 2026-01-09T07:15:02Z node-7 falco 811 - [a b=\"]\"] \xef\xbb\xbf",
		"<13>1 - - - - - - ",
	} {
		for _, body := range []string{text, good} {
			a := one(t, head+body+"\n")
			if string(a.Raw) != body {
				t.Errorf("%q: raw %q", head, a.Raw)
			}
		}
	}
}

func TestNoWrapper(t *testing.T) {
	for _, head := range []string{
		"[node-7] ", "[pod/falco-x/falco]", "<1234>", "<a>", "<13>1 2026-01-09T07:15:02Z ", "<13>1 - - - - - [a b=\"] ",
		"Foo  9 08:15:02 node-7 falco: ", "Jan 9th 08:15:02 node-7 falco: ", "Jan  9 8:15 node-7 falco: ",
		"2026-01-09T07:15:02.1Z stdin F ", "2026-01-09T07:15:02.1Z stdout X ", "falco-1  ", " | ",
		strings.Repeat("[pod/a/b] ", 7), "node-7 falco: ", "2026-13 node-7 falco: ",
	} {
		if res := readString(head + good + "\n"); len(res.alerts)+len(res.broken) != 0 {
			t.Errorf("%q: %s", head, outline(res))
		}
	}
}

// A container runtime cuts long lines; the parts of two streams may be mixed.
func TestSplitLines(t *testing.T) {
	long := fmt.Sprintf(`{"rule":"r","output_fields":{"proc.cmdline":"%s"}}`, strings.Repeat(`x \n é`, 9000))
	var docker, cri strings.Builder
	for i := 0; i < len(long); i += dockerSplit {
		piece := long[i:min(i+dockerSplit, len(long))]
		end := ""
		tag := "P"
		if i+dockerSplit >= len(long) {
			end, tag = "\n", "F"
		}
		fmt.Fprintf(&docker, "{\"log\":%s,\"stream\":\"stdout\",\"time\":\"t\"}\n", appendString(nil, piece+end))
		fmt.Fprintf(&docker, "{\"log\":\"working\\n\",\"stream\":\"stderr\",\"time\":\"t\"}\n")
		fmt.Fprintf(&cri, "2026-01-09T07:15:02Z stdout %s %s\n2026-01-09T07:15:02Z stderr F working\n", tag, piece)
	}
	want := one(t, long)
	for name, input := range map[string]string{"docker": docker.String(), "cri": cri.String()} {
		res := readString(input + strings.Replace(input, "stdout P", "stdout F", 1))
		if len(res.alerts) == 0 || res.alerts[0].Origin.Line != 1 || fieldList(res.alerts[0]) != fieldList(want) {
			t.Errorf("%s: %s", name, outline(res))
		}
	}
}

// What other shippers write in Docker's form without newlines is not joined.
func TestDockerWithoutNewlines(t *testing.T) {
	line := `{"log":` + string(appendString(nil, good)) + `,"stream":"stdout","time":"t"}` + "\n"
	if res := readString(line + line); outline(res) != "alert 1; alert 2" {
		t.Error(outline(res))
	}
}

// TestFieldsFromTheOutputOfAnObject: json_include_output_fields_property may
// be off; then the text is all there is.
func TestFieldsFromTheOutputOfAnObject(t *testing.T) {
	text := `{"rule":"R","priority":"Notice","source":"syscall","time":"2026-01-01T00:00:00Z","output":"10:00:00.123456789: Notice Something | process=cat command=cat /etc/shadow terminal=0"}`
	opt := Options{TextFields: map[string]string{"process": "proc.name", "command": "proc.cmdline", "terminal": "proc.tty"}}
	for a, err := range All(strings.NewReader(text), "x", opt) {
		if err != nil {
			t.Fatal(err)
		}
		f, ok := a.Fields.Get("proc.cmdline")
		if !ok || f.Value.Text != "cat /etc/shadow" || !a.FromText || a.Message != "Something" {
			t.Errorf("%+v", a)
		}
	}
	for a, err := range All(strings.NewReader(strings.Replace(text, `"time"`, `"output_fields":{},"time"`, 1)), "x", opt) {
		if err != nil || len(a.Fields) != 0 || a.FromText {
			t.Errorf("empty output_fields are empty: %+v %v", a, err)
		}
	}
}
