package analysis

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/tiercel/tiercel/alert"
)

// Pattern is what an alert has in common with others that only repeat it on
// other hosts, in other containers or with other numbers in the command line.
// Family is rule, image, executable and parent; the others are hashes of one
// value each, 0 for none. They are the same within one run.
type Pattern struct {
	Family  uint64
	Command uint64 // the shape of the command line, see CommandShape
	User    uint64
	Peer    uint64 // the address at the other end of a connection
	// Stable is of all of these and the class of the verdict, the same in every
	// run and on every machine; 0 unless the Kinder was asked for it.
	Stable uint64
}

// PatternField names the field that an alert has for a part of its pattern.
type PatternField uint8

// The parts that can be rare among alerts of one family.
const (
	ByCommand PatternField = iota
	ByUser
	ByPeer
)

// Value is the pattern's hash of a part.
func (p *Pattern) Value(f PatternField) uint64 {
	return [...]uint64{ByCommand: p.Command, ByUser: p.User, ByPeer: p.Peer}[f]
}

// Of returns the alert's own field for a part of its pattern.
func (f PatternField) Of(a *alert.Alert) (alert.Field, bool) {
	for _, name := range patternFields[f] {
		if v, ok := a.Get(name); ok && v.Value.Known() && v.Value.Text != "" {
			return v, true
		}
	}
	return alert.Field{}, false
}

var patternFields = [...][]string{
	ByCommand: {"proc.cmdline"},
	ByUser:    {"user.name", "user.uid", "ka.user.name", "ct.user", "okta.actor.alternateID", "github.user", "gcp.user"},
	ByPeer:    {"fd.sip.name", "fd.sip", "fd.rip", "fd.name"},
}

var familyFields = [...][]string{
	{"container.image.repository"}, {"proc.exepath", "proc.name", "ka.verb", "ct.name"}, {"proc.pname", "ka.target.resource"},
}

// Pattern returns the pattern of an alert with this class of verdict.
func (k *Kinder) Pattern(a *alert.Alert, class Class, stable bool) Pattern {
	var values [7]string
	values[0] = ruleOrMessage(a)
	for i, names := range familyFields {
		values[1+i] = firstKnown(a, names)
	}
	values[4] = CommandShape(firstKnown(a, patternFields[ByCommand]))
	values[5] = firstKnown(a, patternFields[ByUser])
	values[6] = peer(a)
	p := Pattern{Family: k.one("family", strings.Join(values[:4], "\x00"))}
	for i, to := range []*uint64{&p.Command, &p.User, &p.Peer} {
		if v := values[4+i]; v != "" {
			*to = k.one("part", v)
		}
	}
	if stable {
		sum := sha256.Sum256([]byte(class.String() + "\x00" + strings.Join(values[:], "\x00")))
		p.Stable = max(1, binary.LittleEndian.Uint64(sum[:]))
	}
	return p
}

func ruleOrMessage(a *alert.Alert) string {
	if a.Rule != "" {
		return a.Rule
	}
	return a.Message
}

func firstKnown(a *alert.Alert, names []string) string {
	for _, name := range names {
		if f, ok := a.Get(name); ok && f.Value.Known() && f.Value.Text != "" {
			return f.Value.Text
		}
	}
	return ""
}

// peer is the address at the other end, without ports of clients.
func peer(a *alert.Alert) string {
	v := firstKnown(a, patternFields[ByPeer])
	if _, server, ok := strings.Cut(v, "->"); ok {
		return server
	}
	if strings.HasPrefix(v, "/") {
		return "" // a file
	}
	return v
}

// CommandShape is a command line with its numbers, and the runs of hexadecimal
// digits that have a number in them, replaced by one '#'.
func CommandShape(line string) string {
	first := strings.IndexAny(line, "0123456789")
	if first < 0 {
		return line
	}
	var b strings.Builder
	for i := 0; i < len(line); {
		n, digits := hexRun(line[i:])
		switch {
		case n == 0:
			b.WriteByte(line[i])
			n = 1
		case digits == n || digits > 0 && n >= 6:
			b.WriteByte('#')
		default:
			writeWithoutNumbers(&b, line[i:i+n])
		}
		i += n
	}
	return b.String()
}

// hexRun is how long a run of hexadecimal digits text begins with, and how many
// of them are decimal ones.
func hexRun(text string) (n, digits int) {
	for ; n < len(text); n++ {
		switch c := text[n]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return n, digits
		}
	}
	return n, digits
}

func writeWithoutNumbers(b *strings.Builder, text string) {
	number := false
	for i := range len(text) {
		digit := text[i] >= '0' && text[i] <= '9'
		switch {
		case !digit:
			b.WriteByte(text[i])
		case !number:
			b.WriteByte('#')
		}
		number = digit
	}
}
