// Package envelope is what stands in the journal for one received record: the
// bytes as they came, and how. It is pure.
package envelope

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tiercel/tiercel/alert"
)

// Way is how a record was received.
type Way uint8

// The ways in.
const (
	HTTP   Way = iota // posted by Falco, Falcosidekick or another program
	File              // read from a file that is followed
	Replay            // a dead letter that was tried again
)

const ways = 3

// Envelope is one received record.
type Envelope struct {
	Received time.Time // to the nanosecond; UTC when read
	Way      Way
	Token    int64      // store.Token.ID of the sender; 0: none
	From     netip.Addr // of the sender; the zero Addr when there is none
	Raw      []byte     // the record exactly as it came; never empty
}

// version is the first byte. A reader refuses what it does not know.
const version = 1

// Errors of Parse.
var (
	ErrNewer  = errors.New("envelope: written by a newer Tiercel")
	ErrBroken = errors.New("envelope: broken")
)

// AppendHead appends everything of e but Raw: the record's bytes go behind it.
func AppendHead(dst []byte, e Envelope) []byte {
	dst = append(dst, version, byte(e.Way))
	dst = binary.AppendVarint(dst, e.Received.UnixNano())
	dst = binary.AppendUvarint(dst, uint64(max(e.Token, 0)))
	from := e.From.WithZone("").Unmap()
	switch {
	case from.Is4():
		a := from.As4()
		dst = append(append(dst, 4), a[:]...)
	case from.Is6():
		a := from.As16()
		dst = append(append(dst, 16), a[:]...)
	default:
		dst = append(dst, 0)
	}
	return dst
}

// Append appends e.
func Append(dst []byte, e Envelope) []byte { return append(AppendHead(dst, e), e.Raw...) }

// Parse reads an envelope. Its Raw is a part of b. The error is ErrNewer or
// wraps ErrBroken.
func Parse(b []byte) (Envelope, error) {
	var e Envelope
	if len(b) == 0 {
		return e, broken("it is empty")
	}
	if b[0] > version {
		return e, ErrNewer
	}
	if b[0] == 0 || len(b) < 2 || b[1] >= ways {
		return e, broken("its head is none")
	}
	e.Way = Way(b[1])
	b = b[2:]
	nano, n := binary.Varint(b)
	if n <= 0 {
		return e, broken("it has no time")
	}
	b = b[n:]
	e.Received = time.Unix(0, nano).UTC()
	token, n := binary.Uvarint(b)
	if n <= 0 || token > 1<<63-1 {
		return e, broken("it has no token")
	}
	e.Token, b = int64(token), b[n:]
	if len(b) == 0 || b[0] != 0 && b[0] != 4 && b[0] != 16 || len(b) < 1+int(b[0]) {
		return e, broken("its address is none")
	}
	size := int(b[0])
	if size > 0 {
		e.From, _ = netip.AddrFromSlice(b[1 : 1+size])
	}
	if e.Raw = b[1+size:]; len(e.Raw) == 0 {
		return e, broken("it holds nothing")
	}
	return e, nil
}

func broken(why string) error { return fmt.Errorf("%w: %s", ErrBroken, why) }

// Record returns the record for an alert.Decoder.
func (e Envelope) Record() alert.Record {
	rec := alert.Record{Bytes: e.Raw, Line: 1, Kind: alert.LineRecord}
	if len(e.Raw) > 0 && e.Raw[0] == '{' {
		rec.Kind = alert.JSONRecord
	}
	return rec
}
