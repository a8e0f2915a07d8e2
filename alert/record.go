package alert

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// Options say how to read. The zero Options are usable.
type Options struct {
	// MaxRecord is the longest record that is read, in bytes; 0 is 16 MiB.
	// A longer one is reported as broken without being held in memory.
	MaxRecord int
	// TextFields names the field that a rule's text output shows under a key:
	// command → proc.cmdline. The underscored and the plain names of these
	// fields are known as well (proc_cmdline, proc.cmdline). A field with an
	// unknown key behind it is uncertain; in a command line such a key is taken
	// for an argument. Without TextFields a text line has no Fields.
	TextFields map[string]string
}

const defaultMaxRecord = 16 << 20

func (o Options) maxRecord() int {
	if o.MaxRecord > 0 {
		return o.MaxRecord
	}
	return defaultMaxRecord
}

// Record is one piece of the input that may be an alert.
type Record struct {
	Bytes  []byte // the JSON object or the line, with its wrapper; nil when broken
	Line   int    // its first line, from 1
	Kind   RecordKind
	Reason string // why it is broken
}

// RecordKind says what a Scanner found.
type RecordKind uint8

// The kinds of a record.
const (
	JSONRecord   RecordKind = iota // one JSON object, whole by its brackets
	LineRecord                     // a line that may be an alert's text or hold an alert behind a prefix
	BrokenRecord                   // something that began like an alert and cannot be read
)

// BrokenError reports a record that began like an alert and cannot be read.
type BrokenError struct {
	Line   int
	Reason string // holds no bytes of the record but printable ASCII
}

func (e *BrokenError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// All reads every alert of r: detected by its bytes, decompressed, unwrapped.
// It yields a *BrokenError for each broken record and goes on; any other error
// ends it. file is noted as the alerts' origin. An alert is valid until the
// next one is asked for: Clone it to keep it.
func All(r io.Reader, file string, opt Options) iter.Seq2[*Alert, error] {
	return func(yield func(*Alert, error) bool) {
		s, d := NewScanner(r, opt), NewDecoder(opt)
		var buf []byte
		for {
			var rec Record
			var err error
			rec, buf, err = s.Next(buf[:0])
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			a, err := d.Decode(rec, file)
			if a == nil && err == nil {
				continue
			}
			if !yield(a, err) {
				return
			}
		}
	}
}
