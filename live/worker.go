package live

import (
	"strings"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/incident"
	"github.com/tiercel/tiercel/server/envelope"
)

// source is the name under which reports cite alerts of the store: "alerts:12"
// is the one at position 12.
const source = "alerts"

func (w *worker) decode(b *batch) {
	b.seen = make([]item, len(b.records))
	for i, record := range b.records {
		b.seen[i] = w.one(b.first+uint64(i), record)
	}
}

func (w *worker) one(seq uint64, record []byte) item {
	e, err := envelope.Parse(record)
	if err != nil {
		return item{raw: record, reason: err.Error()}
	}
	it := item{received: e.Received, raw: e.Raw}
	a, err := w.dec.Decode(e.Record(), source)
	switch {
	case err != nil:
		it.reason = err.Error()
		return it
	case a == nil:
		it.reason = "not a Falco alert"
		return it
	}
	z := w.l.opt.Analyzer
	s := incident.Seen{Line: int(seq), Time: a.Time, Arrived: e.Received, Rule: strings.Clone(z.RuleName(a)), Drop: z.IsDrop(a)}
	if s.Drop {
		s.Host = strings.Clone(a.Hostname)
	}
	key := w.kinder.Shape(a)
	known, ok := w.known[key]
	if !ok {
		j := w.judge.Judge(a)
		known = &shape{z.KindID(a, j), j, w.linker.Links(a, j.Class)}
		if len(w.known) >= shapesKnown {
			clear(w.known)
		}
		w.known[key] = known
		s.NewShape = true
		s.Targets = z.Targets(a.Clone())
	}
	s.Key, s.Judgement = uint64(known.id), known.judgement
	s.Links = w.linker.Processes(a, known.links)
	s.Print = w.kinder.Print(a, key)
	raw := e.Raw
	s.Load = func() (*alert.Alert, []alert.Field) {
		a, err := w.l.decodeRaw(raw)
		if err != nil {
			return nil, nil
		}
		return a, z.Targets(a)
	}
	it.seen = s
	return it
}
