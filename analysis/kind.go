package analysis

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"sort"
	"strings"

	"github.com/dchest/siphash"

	"github.com/tiercel/tiercel/alert"
)

// Kinder tells alerts of the same kind from others. Two keys do it:
//
// The shape of an alert is its rule, source, priority, host and fields, but for
// what differs between repeats of the same thing (times, process ids, client
// ports). Alerts of one shape get one verdict.
//
// The kind is the shape without the fields that name the object of the event
// (a file, an address), plus the verdict and what the rule's profile says of
// that object: 50 files read by one backup are one kind, but a private key
// among them is another.
//
// One Kinder serves one goroutine.
type Kinder struct {
	z    *Analyzer
	hash maphash.Hash
	key  *[2]uint64 // nil: hash is used
	buf  []byte
}

// NewKinder returns a Kinder for one goroutine. Kinders with the same seed
// give the same keys.
func (z *Analyzer) NewKinder(seed maphash.Seed) *Kinder {
	k := &Kinder{z: z}
	k.hash.SetSeed(seed)
	return k
}

// NewKeyedKinder returns a Kinder whose keys are the same in every run with this
// key of 16 bytes. It has to be secret: who knows it can make two alerts look
// like one.
func (z *Analyzer) NewKeyedKinder(key [16]byte) *Kinder {
	return &Kinder{z: z, key: &[2]uint64{binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])}}
}

// Shape returns the shape of an alert as a number, the same for all Kinders of
// one seed or key. The order of the fields does not matter.
func (k *Kinder) Shape(a *alert.Alert) uint64 { return k.sum(a, false) }

// Print is the same for two deliveries of one alert: it takes in all that its
// shape leaves out, but for the id that is new with each delivery. shape is
// that of the alert; 0 is returned when the alert has no exact time, so that two
// events that look the same are not taken for one.
func (k *Kinder) Print(a *alert.Alert, shape uint64) uint64 {
	if _, exact := a.Fields.Get("evt.time"); a.Time.IsZero() || !exact && a.Time.Nanosecond() == 0 {
		return 0
	}
	key := shape + k.one("time", a.TimeText)
	for i := range a.Fields {
		f := &a.Fields[i]
		if k.z.base.Volatile(f.Name) || strings.HasPrefix(f.Name, "fd.name") {
			key += k.one(f.Name, f.Value.Text)
		}
	}
	return max(key, 1)
}

// Kind returns the kind of an alert with this verdict, likewise.
func (k *Kinder) Kind(a *alert.Alert, j Judgement) uint64 {
	return k.sum(a, true) + k.one("verdict", j.Class.String()) + k.one("severity", j.Severity.String()) +
		k.one("said", k.z.said(a))
}

// said tells which of the profile's sentences on the object of the event can be
// said of an alert, a character each.
func (z *Analyzer) said(a *alert.Alert) string {
	p := z.profile(a)
	if !p.Reviewed() {
		return ""
	}
	var b [64]byte
	out := b[:0]
	for _, c := range p.Conditions {
		for _, name := range c.Fields() {
			if z.base.Target(name) {
				out = append(out, byte('0'+c.Truth(a)))
				break
			}
		}
	}
	return string(out)
}

func (k *Kinder) sum(a *alert.Alert, withoutTargets bool) uint64 {
	key := k.one("rule", ruleOrMessage(a)) + k.one("source", a.Source) + k.one("hostname", a.Hostname) +
		k.one("priority", a.Priority.String())
	for i := range a.Fields {
		f := &a.Fields[i]
		if k.z.base.Volatile(f.Name) || withoutTargets && k.z.base.Target(f.Name) {
			continue
		}
		key += k.one(f.Name, stableValue(f)) ^ uint64(f.Value.Kind)
	}
	if k.z.context != nil {
		for s, w := range k.z.context.windows {
			if w.holds(a.Time) {
				key += k.one("window", s.ID)
			}
		}
	}
	return key
}

func (k *Kinder) one(name, value string) uint64 {
	if k.key != nil {
		k.buf = append(append(append(k.buf[:0], name...), 0), value...)
		return siphash.Hash(k.key[0], k.key[1], k.buf)
	}
	k.hash.Reset()
	k.hash.WriteString(name)
	k.hash.WriteByte(0)
	k.hash.WriteString(value)
	return k.hash.Sum64()
}

// stableValue is a value without the client's port of a connection, which is
// a new one each time.
func stableValue(f *alert.Field) string {
	if !strings.HasPrefix(f.Name, "fd.name") {
		return f.Value.Text
	}
	client, server, ok := strings.Cut(f.Value.Text, "->")
	if !ok {
		return f.Value.Text
	}
	if i := strings.LastIndexByte(client, ':'); i > 0 {
		client = client[:i]
	}
	return client + "->" + server
}

// ID names a kind of alert, the same in every run and on every machine.
type ID uint64

func (id ID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// KindID names the kind of an alert with this verdict, from the alert's stable
// fields alone. It is never 0.
func (z *Analyzer) KindID(a *alert.Alert, j Judgement) ID {
	lines := []string{"rule\x00" + a.Rule, "source\x00" + a.Source, "hostname\x00" + a.Hostname,
		"priority\x00" + a.Priority.String(), "verdict\x00" + j.Class.String(), "severity\x00" + j.Severity.String(),
		"said\x00" + z.said(a)}
	if a.Rule == "" {
		lines = append(lines, "message\x00"+a.Message)
	}
	for i := range a.Fields {
		if f := &a.Fields[i]; !z.base.Volatile(f.Name) && !z.base.Target(f.Name) {
			lines = append(lines, f.Name+"\x00"+stableValue(f))
		}
	}
	sort.Strings(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\x01")))
	return max(1, ID(binary.BigEndian.Uint64(sum[:])))
}

// Targets returns the fields of an alert that name the object of the event.
func (z *Analyzer) Targets(a *alert.Alert) []alert.Field {
	var out []alert.Field
	for i := range a.Fields {
		if f := a.Fields[i]; z.base.Target(f.Name) && f.Value.Known() && f.Value.Text != "" {
			f.Value.Text = stableValue(&f)
			out = append(out, f)
		}
	}
	return out
}

// Volatile returns the fields of an alert that its kind leaves out.
func (z *Analyzer) Volatile(a *alert.Alert) []string {
	var out []string
	for i := range a.Fields {
		if z.base.Volatile(a.Fields[i].Name) {
			out = append(out, a.Fields[i].Name)
		}
	}
	return out
}
