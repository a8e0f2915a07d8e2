package envelope

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/tiercel/tiercel/alert"
)

func TestRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 24, 16, 6, 31, 123456789, time.UTC)
	for name, e := range map[string]Envelope{
		"bare":      {Received: at, Raw: []byte("x")},
		"ipv4":      {Received: at, Token: 7, From: netip.MustParseAddr("192.0.2.1"), Raw: []byte(`{"rule":"r"}`)},
		"ipv6":      {Received: at, Way: File, Token: 1 << 40, From: netip.MustParseAddr("2001:db8::1"), Raw: []byte{0, 255, '\n'}},
		"before 70": {Received: time.Date(1969, 1, 1, 0, 0, 0, 5, time.UTC), Way: Replay, Raw: bytes.Repeat([]byte("a"), 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(Append([]byte("before")[:0], e))
			if err != nil {
				t.Fatal(err)
			}
			if !got.Received.Equal(e.Received) || got.Way != e.Way || got.Token != e.Token || got.From != e.From || !bytes.Equal(got.Raw, e.Raw) {
				t.Errorf("got %+v, want %+v", got, e)
			}
		})
	}
}

func TestMappedAddressIsOne(t *testing.T) {
	got, err := Parse(Append(nil, Envelope{From: netip.MustParseAddr("::ffff:192.0.2.1"), Raw: []byte("x")}))
	if err != nil || got.From != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("got %v, %v", got.From, err)
	}
	got, err = Parse(Append(nil, Envelope{From: netip.MustParseAddr("fe80::1%eth0"), Raw: []byte("x")}))
	if err != nil || got.From != netip.MustParseAddr("fe80::1") {
		t.Errorf("got %v, %v", got.From, err)
	}
}

// TestVersion1 holds the bytes that version 1 writes: a journal of today must
// be read by every Tiercel to come.
func TestVersion1(t *testing.T) {
	e := Envelope{Received: time.Unix(1, 0), Token: 3, From: netip.MustParseAddr("10.0.0.1"), Raw: []byte("{}")}
	want := []byte{1, 0, 0x80, 0xa8, 0xd6, 0xb9, 0x7, 3, 4, 10, 0, 0, 1, '{', '}'}
	if got := Append(nil, e); !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBroken(t *testing.T) {
	whole := Append(nil, Envelope{Received: time.Unix(1, 0), Token: 300, From: netip.MustParseAddr("10.0.0.1"), Raw: []byte("r")})
	for n := range whole {
		if _, err := Parse(whole[:n]); !errors.Is(err, ErrBroken) {
			t.Errorf("%d of %d bytes: error %v", n, len(whole), err)
		}
	}
	for name, b := range map[string][]byte{
		"version 0":       {0, 0, 2, 0, 0, 'x'},
		"unknown way":     {1, 9, 2, 0, 0, 'x'},
		"address of 5":    {1, 0, 2, 0, 5, 1, 2, 3, 4, 5, 'x'},
		"token too large": {1, 0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 'x'},
	} {
		if _, err := Parse(b); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := Parse([]byte{2, 0, 2, 0, 0, 'x'}); !errors.Is(err, ErrNewer) {
		t.Errorf("newer: error %v", err)
	}
}

func TestRecord(t *testing.T) {
	d := alert.NewDecoder(alert.Options{})
	for raw, rule := range map[string]string{
		`{"rule":"A","priority":"Notice","time":"2026-01-01T00:00:00Z","output_fields":{}}`:                                     "A",
		`Nov 24 16:06:31 host falco[1]: {"rule":"B","priority":"Notice","time":"2026-01-01T00:00:00Z","output_fields":{"a":1}}`: "B",
	} {
		a, err := d.Decode(Envelope{Raw: []byte(raw)}.Record(), "journal")
		if err != nil || a == nil || a.Rule != rule {
			t.Errorf("%s: %+v, %v", raw, a, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Append(nil, Envelope{Received: time.Unix(1, 0), Token: 300, From: netip.MustParseAddr("10.0.0.1"), Raw: []byte("r")}))
	f.Add([]byte{1, 0, 2, 0, 0, 'x'})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrNewer) {
				t.Fatalf("error %v is of no known kind", err)
			}
			return
		}
		again, err := Parse(Append(nil, e))
		if err != nil || !again.Received.Equal(e.Received) || again.Way != e.Way || again.Token != e.Token ||
			again.From != e.From.Unmap() || !bytes.Equal(again.Raw, e.Raw) {
			t.Fatalf("%+v became %+v, %v", e, again, err)
		}
	})
}
