package alert

import (
	"bytes"
	"slices"
)

// parts are the long lines that a container runtime has split and that are not
// whole yet: at most one of each stream.
type parts []part

type part struct {
	kind   RecordKind
	stream string
	line   int    // of the first piece
	bytes  []byte // the pieces so far, joined
	tail   []byte // what stands behind the text in Docker's object
	long   bool   // longer than the limit: bytes are not kept
}

type partState uint8

const (
	partNone   partState = iota // nothing to do with parts: take the bytes as they are
	partHeld                    // kept until the rest comes
	partJoined                  // the last piece: take the joined bytes
	partLong                    // the last piece of something longer than the limit
	partStale                   // take the bytes of a line that never ended, then look at this one again
)

// dockerSplit is how much text Docker puts into one object of its log files.
const dockerSplit = 16 << 10

var (
	dockerStart  = []byte(`{"log":"`)
	dockerStream = []byte(`","stream":"`)
)

// docker takes an object of a Docker log file. A piece has the full length and
// no newline at its end.
func (p *parts) docker(rec *Record, obj []byte, limit int) ([]byte, partState) {
	cut := bytes.Index(obj, dockerStream)
	if cut < 0 {
		return obj, partNone
	}
	text, tail := obj[len(dockerStart):cut], obj[cut:]
	name, _, _ := bytes.Cut(tail[len(dockerStream):], []byte(`"`))
	goesOn := len(text) >= dockerSplit && !endsInNewline(text)
	at := p.find(JSONRecord, name)
	if at < 0 && !goesOn {
		return obj, partNone
	}
	if at < 0 {
		*p = append(*p, part{kind: JSONRecord, stream: string(name), line: rec.Line, bytes: bytes.Clone(dockerStart)})
		at = len(*p) - 1
	}
	(*p)[at].add(text, limit)
	(*p)[at].tail = append((*p)[at].tail[:0], tail...)
	if goesOn {
		return nil, partHeld
	}
	return p.finish(at, rec)
}

// endsInNewline reports whether JSON string text ends in \n.
func endsInNewline(text []byte) bool {
	return bytes.HasSuffix(text, []byte(`\n`)) && oddBackslashes(text[:len(text)-1])
}

// cri takes a line of a container's log as Kubernetes keeps it.
func (p *parts) cri(rec *Record, line []byte, limit int) ([]byte, partState) {
	text, stream, goesOn, ok := cutCRI(line)
	if !ok {
		return line, partNone
	}
	at := p.find(LineRecord, stream)
	switch {
	case at < 0 && !goesOn:
		return line, partNone
	case at < 0:
		*p = append(*p, part{kind: LineRecord, stream: string(stream), line: rec.Line})
		at = len(*p) - 1
		text = line
	case !goesOn && wholeObject(text) && !(*p)[at].wholeWith(text):
		b, _ := p.finish(at, rec)
		return b, partStale
	}
	(*p)[at].add(text, limit)
	if goesOn {
		return nil, partHeld
	}
	return p.finish(at, rec)
}

func (p parts) find(kind RecordKind, stream []byte) int {
	return slices.IndexFunc(p, func(x part) bool { return x.kind == kind && x.stream == string(stream) })
}

func (x *part) add(b []byte, limit int) {
	if x.long || len(x.bytes)+len(b) > limit {
		x.bytes, x.long = nil, true
		return
	}
	x.bytes = append(x.bytes, b...)
}

// finish makes part i the record and forgets it.
func (p *parts) finish(i int, rec *Record) ([]byte, partState) {
	x := (*p)[i]
	*p = slices.Delete(*p, i, i+1)
	rec.Kind, rec.Line = x.kind, x.line
	if x.long {
		return nil, partLong
	}
	return append(x.bytes, x.tail...), partJoined
}

// wholeWith reports whether text completes the object of a CRI part.
func (x *part) wholeWith(text []byte) bool {
	head, _, _, _ := cutCRI(x.bytes)
	return wholeObject(slices.Concat(head, text))
}

func wholeObject(b []byte) bool {
	var s shape
	return len(b) > 0 && b[0] == '{' && s.scan(b) && len(bytes.TrimSpace(b[s.i:])) == 0
}
