// Package pipeline wires the others: it reads inputs, decodes and judges their
// alerts in parallel, and counts them by kind, in the order of the input.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/analysis"
	"github.com/tiercel/tiercel/condition"
	"github.com/tiercel/tiercel/incident"
)

// Input is something to read alerts from.
type Input struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Filter says which alerts to keep. Messages of Falco about lost events are
// counted in any case: they lower the confidence in the others.
type Filter struct {
	MinPriority  alert.Priority
	Rules        map[string]bool // nil: all
	Where        *condition.Condition
	Since, Until time.Time // zero: open
}

// keeps reports whether an alert passes; undecided that Where needs a field
// which the alert does not have.
func (f *Filter) keeps(a *alert.Alert, rule string) (keep, undecided bool) {
	switch {
	case a.Priority < f.MinPriority && a.Priority != alert.NoPriority,
		f.Rules != nil && !f.Rules[rule],
		!f.Since.IsZero() && (a.Time.IsZero() || a.Time.Before(f.Since)),
		!f.Until.IsZero() && (a.Time.IsZero() || a.Time.After(f.Until)):
		return false, false
	}
	if f.Where == nil {
		return true, false
	}
	t := f.Where.Truth(a)
	return t == condition.True, t == condition.Unknown
}

// Options say how to run.
type Options struct {
	Read   alert.Options
	Filter Filter
	Limits incident.Limits
	Stable bool // give patterns a key that is the same in the next run
	// Broken is called for each record that cannot be read, in order.
	Broken func(file string, line int, reason string)
}

// Result is what was found.
type Result struct {
	Kinds     *incident.Kinds
	Alerts    int // understood
	Matched   int // left after the filter
	Undecided int // dropped because Where needs a field that they do not have
	Passed    int // lines that are no alert
	Broken    int
	Failed    []error // inputs that could not be read to their end
}

// batch is a run of records on its way through.
type batch struct {
	number int
	file   int
	name   string
	buf    []byte
	recs   []alert.Record
	err    error // the input ended badly after these records
	passed int

	seen      []incident.Seen
	from      []int // the record of each seen
	broken    []*alert.BrokenError
	alerts    int
	undecided int
	other     int // records that turned out to be no alert
}

const batchBytes = 256 << 10

// Run reads all inputs. It fails only if ctx ends; what cannot be read of an
// input is in the result.
func Run(ctx context.Context, z *analysis.Analyzer, inputs []Input, opt Options) (*Result, error) {
	workers := runtime.GOMAXPROCS(0)
	free := make(chan *batch, 2*workers+2)
	for range cap(free) {
		free <- new(batch)
	}
	work, done := make(chan *batch), make(chan *batch, cap(free))
	seed := maphash.MakeSeed()
	linker := incident.NewLinker(z.Definitions())
	res := &Result{Kinds: incident.NewKinds(opt.Limits)}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			w := newWorker(z, opt, seed, res.Kinds, linker)
			for b := range work {
				w.decode(b)
				done <- b
			}
		})
	}
	go func() {
		read(ctx, inputs, opt.Read, free, work)
		close(work)
		wg.Wait()
		close(done)
	}()
	collect(res, z, opt, done, free)
	return res, ctx.Err()
}

// read frames the inputs one after the other into numbered batches.
func read(ctx context.Context, inputs []Input, opt alert.Options, free <-chan *batch, work chan<- *batch) {
	number := 0
	for i, in := range inputs {
		r, err := in.Open()
		if err != nil {
			b := <-free
			b.reset(number, i, in.Name)
			b.err = err
			number++
			work <- b
			continue
		}
		number = frame(ctx, r, i, in.Name, opt, number, free, work)
		r.Close()
	}
}

func frame(ctx context.Context, r io.Reader, file int, name string, opt alert.Options, number int, free <-chan *batch, work chan<- *batch) int {
	s := alert.NewScanner(r, opt)
	passed := 0
	for {
		b := <-free
		b.reset(number, file, name)
		number++
		for len(b.buf) < batchBytes && len(b.recs) < 4096 && b.err == nil {
			var rec alert.Record
			rec, b.buf, b.err = s.Next(b.buf)
			if b.err == nil {
				b.recs = append(b.recs, rec)
			}
		}
		b.passed = s.Passed() - passed
		passed = s.Passed()
		last := b.err != nil || ctx.Err() != nil
		if errors.Is(b.err, io.EOF) {
			b.err = nil
			if s.Empty() {
				b.err = fmt.Errorf("%s: is empty", name)
			}
		} else if b.err != nil {
			b.err = fmt.Errorf("%s: %w", name, b.err)
		}
		work <- b
		if last {
			return number
		}
	}
}

func (b *batch) reset(number, file int, name string) {
	*b = batch{number: number, file: file, name: name, buf: b.buf[:0], recs: b.recs[:0], seen: b.seen[:0], from: b.from[:0], broken: b.broken[:0]}
}

// worker decodes and judges; one a goroutine.
type worker struct {
	z      *analysis.Analyzer
	opt    Options
	dec    *alert.Decoder
	kinder *analysis.Kinder
	judge  *analysis.Judge
	known  map[uint64]*shape // the shapes that this worker has seen
	names  map[string]string
	kinds  *incident.Kinds // only to ask what is Wanted
	linker *incident.Linker
}

// shape is what is found out once for all alerts of a shape.
type shape struct {
	kind      uint64
	judgement analysis.Judgement
	links     []incident.Link
	id        analysis.ID
	pattern   analysis.Pattern
}

// shapesKnown bounds how many shapes a worker keeps in mind; beyond it starts
// anew, as a log in which every line is new gains nothing from it.
const shapesKnown = 30_000

func newWorker(z *analysis.Analyzer, opt Options, seed maphash.Seed, kinds *incident.Kinds, linker *incident.Linker) *worker {
	return &worker{z: z, opt: opt, dec: alert.NewDecoder(opt.Read), kinder: z.NewKinder(seed),
		judge: z.NewJudge(), known: map[uint64]*shape{}, names: map[string]string{}, kinds: kinds, linker: linker}
}

func (w *worker) decode(b *batch) {
	for i := range b.recs {
		a, err := w.dec.Decode(b.recs[i], b.name)
		var broken *alert.BrokenError
		switch {
		case errors.As(err, &broken):
			b.broken = append(b.broken, broken)
		case err != nil:
			b.broken = append(b.broken, &alert.BrokenError{Line: b.recs[i].Line, Reason: err.Error()})
		case a == nil:
			b.other++
		default:
			b.alerts++
			w.note(b, a, i)
		}
	}
}

// note says of one alert what the count by kind needs.
func (w *worker) note(b *batch, a *alert.Alert, rec int) {
	rule := w.z.RuleName(a)
	drop := w.z.IsDrop(a)
	keep, undecided := w.opt.Filter.keeps(a, rule)
	if undecided {
		b.undecided++
	}
	if !keep && !drop {
		return
	}
	s := incident.Seen{File: b.file, Line: a.Origin.Line, Time: a.Time, Drop: drop, Hidden: !keep, Rule: w.intern(rule)}
	if w.opt.Limits.Each {
		s.UUID = strings.Clone(a.UUID)
	}
	if drop {
		s.Host = strings.Clone(a.Hostname)
	}
	if keep {
		w.sort(&s, a)
	}
	b.seen = append(b.seen, s)
	b.from = append(b.from, rec)
}

// sort finds the alert's kind. An alert of a shape that this worker has not
// seen is judged, and sent along whole.
func (w *worker) sort(s *incident.Seen, a *alert.Alert) {
	key := w.kinder.Shape(a)
	known, ok := w.known[key]
	if !ok {
		j := w.judge.Judge(a)
		known = &shape{kind: w.kinder.Kind(a, j), judgement: j, links: w.linker.Links(a, j.Class),
			pattern: w.kinder.Pattern(a, j.Class, w.opt.Stable)}
		if w.opt.Limits.Each {
			known.id = w.z.KindID(a, j)
		}
		if len(w.known) >= shapesKnown {
			clear(w.known)
		}
		w.known[key] = known
		s.NewShape = true
		if w.kinds.Wanted(j) {
			s.First = a.Clone()
			s.Targets = w.z.Targets(s.First)
		}
	}
	s.Key, s.Judgement, s.ID = known.kind, known.judgement, known.id
	s.Pattern = &known.pattern
	s.Links = w.linker.Processes(a, known.links)
	s.Print = w.kinder.Print(a, key)
}

// intern returns a copy of a rule's name that outlives the decoder's memory.
func (w *worker) intern(rule string) string {
	if name, ok := w.names[rule]; ok {
		return name
	}
	name := strings.Clone(rule)
	if len(w.names) < 10000 {
		w.names[name] = name
	}
	return name
}

// collect takes the batches in their order.
func collect(res *Result, z *analysis.Analyzer, opt Options, done <-chan *batch, free chan<- *batch) {
	again := &rereader{z: z, dec: alert.NewDecoder(opt.Read)}
	waiting := map[int]*batch{}
	next := 0
	for b := range done {
		waiting[b.number] = b
		for {
			b, ok := waiting[next]
			if !ok {
				break
			}
			delete(waiting, next)
			next++
			res.take(b, opt, again)
			free <- b
		}
	}
}

// rereader decodes an alert a second time, for the few that turn out to be
// wanted after their batch was judged.
type rereader struct {
	z   *analysis.Analyzer
	dec *alert.Decoder
}

func (r *rereader) alert(b *batch, rec int) (*alert.Alert, []alert.Field) {
	a, err := r.dec.Decode(b.recs[rec], b.name)
	if err != nil || a == nil {
		return nil, nil
	}
	a = a.Clone()
	return a, r.z.Targets(a)
}

func (r *Result) take(b *batch, opt Options, again *rereader) {
	at := 0
	load := func() (*alert.Alert, []alert.Field) { return again.alert(b, b.from[at]) }
	for i := range b.seen {
		s := &b.seen[i]
		at, s.Load = i, load
		if !s.Hidden {
			r.Matched++
		}
		r.Kinds.Add(s)
		s.First, s.Load = nil, nil
	}
	r.Alerts += b.alerts
	r.Undecided += b.undecided
	r.Passed += b.passed + b.other
	r.Broken += len(b.broken)
	if opt.Broken != nil {
		for _, x := range b.broken {
			opt.Broken(b.name, x.Line, x.Reason)
		}
	}
	if b.err != nil {
		r.Failed = append(r.Failed, b.err)
	}
}
