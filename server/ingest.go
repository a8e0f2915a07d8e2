package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tiercel/tiercel/alert"
	"github.com/tiercel/tiercel/journal"
	"github.com/tiercel/tiercel/server/envelope"
	"github.com/tiercel/tiercel/store"
)

// Rejected is one record of a request that was not accepted.
type Rejected struct {
	Line   int    `json:"line"` // of the body, from 1
	Reason string `json:"reason"`
}

// Receipt is the answer to alerts.
type Receipt struct {
	Accepted int        `json:"accepted"`
	Rejected []Rejected `json:"rejected"` // the first rejectedNamed
	// RejectedTotal is how many there were, if Rejected does not name them all.
	RejectedTotal int       `json:"rejected_total,omitempty"`
	Error         *APIError `json:"error,omitempty"`
}

const (
	rejectedNamed = 100
	lettersEach   = 100 // dead letters that one request may leave
	fastBody      = 256 << 10
	keepBuffer    = 512 << 10 // longer ones are not kept for the next request
)

// Why a record is not accepted.
const (
	reasonText = "Falco's text output, without exact fields: set json_output: true in falco.yaml"
	reasonNone = "not a Falco alert"
)

// whatReasons are the labels of tiercel_alerts_rejected_total.
const (
	rejectedText   = "text"
	rejectedBroken = "broken"
	rejectedOther  = "no_alert"
	rejectedLong   = "too_long"
)

var acceptedOne = []byte(`{"accepted":1,"rejected":[]}` + "\n")

// handleAlerts takes alerts in.
func (s *Server) handleAlerts(w http.ResponseWriter, r *http.Request) {
	if !s.ingest.enter(r.Context()) {
		s.metrics.dropped("busy", 1)
		s.busy(w, "too many requests wait")
		return
	}
	defer s.ingest.leave()
	id := From(r.Context())
	head := envelope.Envelope{Received: s.now(), Token: id.TokenID, From: remoteAddr(r)}
	if s.takeOne(w, r, head) {
		return
	}
	s.takeMany(w, r, head)
}

func (s *Server) busy(w http.ResponseWriter, why string) {
	w.Header().Set("Retry-After", "2")
	s.writeReceipt(w, http.StatusServiceUnavailable, &Receipt{Error: &APIError{Code: "busy", Message: why}})
}

// takeOne serves the common case, one alert of known length; false: it is not
// that case, and r.Body gives the whole body still.
func (s *Server) takeOne(w http.ResponseWriter, r *http.Request, head envelope.Envelope) bool {
	if r.ContentLength <= 0 || r.ContentLength > fastBody || r.Header.Get("Content-Encoding") != "" {
		return false
	}
	held := s.buffers.Get().(*[]byte)
	buf := envelope.AppendHead((*held)[:0], head)
	from := len(buf)
	buf = slices.Grow(buf, int(r.ContentLength))[:from+int(r.ContentLength)]
	if _, err := io.ReadFull(r.Body, buf[from:]); err != nil {
		s.metrics.aborted()
		s.writeReceipt(w, http.StatusBadRequest, &Receipt{Error: &APIError{Code: "body_cut", Message: "the body ended early"}})
		return true
	}
	raw := buf[from:]
	trimmed := bytes.TrimRight(raw, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' || !s.isAlert(trimmed) {
		r.Body = io.NopCloser(bytes.NewReader(raw))
		return false
	}
	if _, err := s.opt.Journal.Append(context.WithoutCancel(r.Context()), buf[:from+len(trimmed)]); err != nil {
		s.notKept(w, err, &Receipt{}, 1)
		return true
	}
	s.metrics.received(head.Way, 1)
	if cap(buf) <= keepBuffer {
		*held = buf
		s.buffers.Put(held)
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = acceptedOneLength
	_, _ = w.Write(acceptedOne)
	return true
}

var (
	jsonType          = []string{"application/json"}
	acceptedOneLength = []string{strconv.Itoa(len(acceptedOne))}
)

// isAlert reports whether b is one JSON object that is or holds a Falco alert
// with its fields.
func (s *Server) isAlert(b []byte) bool {
	d := s.decoders.Get().(*alert.Decoder)
	a, err := d.Decode(alert.Record{Bytes: b, Line: 1, Kind: alert.JSONRecord}, "")
	ok := err == nil && a != nil && a.Form == alert.FormJSON
	s.decoders.Put(d)
	return ok
}

// TakeFile takes lines of a file that is followed. It returns when all that is
// an alert in them is on disk; other lines are passed over and counted. The error
// says that the journal could not take what is good.
func (s *Server) TakeFile(ctx context.Context, lines []byte) error {
	t := s.newTaking(envelope.Envelope{Received: s.now(), Way: envelope.File})
	err := t.all(ctx, bytes.NewReader(lines))
	var full *notKeptError
	if errors.As(err, &full) {
		return full.err
	}
	return nil // what is damaged in the lines is a dead letter
}

// takeMany serves everything else: arrays, lines, compressed bodies, and what
// has to be refused with a reason.
func (s *Server) takeMany(w http.ResponseWriter, r *http.Request, head envelope.Envelope) {
	if r.ContentLength > s.limits.Body {
		s.metrics.rejected(rejectedLong, 1)
		s.writeReceipt(w, http.StatusRequestEntityTooLarge, &Receipt{Error: s.tooLarge()})
		return
	}
	if r.ContentLength > fastBody || r.ContentLength < 0 {
		if !s.bulk.enter(r.Context()) {
			s.metrics.dropped("busy", 1)
			s.busy(w, "too many large requests wait")
			return
		}
		defer s.bulk.leave()
	}
	body, done, err := s.decompress(r)
	if err != nil {
		s.metrics.rejected(rejectedBroken, 1)
		status := http.StatusBadRequest
		if errors.Is(err, errEncoding) {
			status = http.StatusUnsupportedMediaType
		}
		s.writeReceipt(w, status, &Receipt{Error: &APIError{Code: "encoding", Message: err.Error()}})
		return
	}
	defer done()
	t := s.newTaking(head)
	err = t.all(context.WithoutCancel(r.Context()), body)
	s.answer(w, r, t, err)
}

// answer tells what came of it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, t *taking, err error) {
	rec := &t.receipt
	var full *notKeptError
	switch {
	case errors.As(err, &full):
		s.notKept(w, full.err, rec, full.records)
	case errors.Is(err, errTooLarge):
		rec.Error = s.tooLarge()
		s.writeReceipt(w, http.StatusRequestEntityTooLarge, rec)
	case err != nil:
		s.metrics.aborted()
		rec.Error = &APIError{Code: "body_cut", Message: "the body could not be read to its end: " + readable(err)}
		s.writeReceipt(w, http.StatusBadRequest, rec)
	case rec.Accepted > 0:
		s.writeReceipt(w, http.StatusOK, rec)
	case t.seen == 0:
		rec.Error = &APIError{Code: "empty", Message: "the body is empty; one alert, JSON lines or an array of alerts is expected"}
		s.writeReceipt(w, http.StatusBadRequest, rec)
	default:
		status := http.StatusBadRequest
		rec.Error = &APIError{Code: "no_alert", Message: "nothing in the body is a Falco alert; kept as a dead letter"}
		switch {
		case t.text == t.rejects:
			status = http.StatusUnsupportedMediaType
			rec.Error = &APIError{Code: "text_output", Message: reasonText}
		case t.long == t.rejects:
			status = http.StatusRequestEntityTooLarge
			rec.Error = s.tooLarge()
		default:
			if mt, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mt == "application/x-www-form-urlencoded" {
				rec.Error.Message += " (with curl, give --data-binary and -H 'Content-Type: application/json')"
			}
		}
		s.writeReceipt(w, status, rec)
	}
}

// readable is err without what the other side wrote in it.
func readable(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ended early"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "it took too long"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return "it is no sound gzip"
	case errors.Is(err, errTwice), errors.Is(err, alert.ErrUTF16):
		return err.Error()
	}
	return "it is damaged"
}

func (s *Server) tooLarge() *APIError {
	return &APIError{Code: "too_large", Message: fmt.Sprintf("one alert may have %d bytes and one request %d, decompressed", s.limits.Record, s.limits.Body)}
}

// notKept answers that so many good records could not be kept.
func (s *Server) notKept(w http.ResponseWriter, err error, rec *Receipt, records int) {
	w.Header().Set("Retry-After", "5")
	code, why := "journal", "the journal cannot be written"
	switch {
	case errors.Is(err, journal.ErrFull):
		code, why = "full", "no space left for alerts; what was not accepted has to be sent again"
	case errors.Is(err, journal.ErrClosed):
		code, why = "closing", "the server is shutting down"
	}
	s.metrics.dropped(code, records)
	if s.metrics.sometimes.Allow() {
		s.log.Error("alerts are lost: they cannot be kept", "reason", err, "alerts", records)
	}
	rec.Error = &APIError{Code: code, Message: why}
	s.writeReceipt(w, http.StatusServiceUnavailable, rec)
}

func (s *Server) writeReceipt(w http.ResponseWriter, status int, rec *Receipt) {
	if rec.Rejected == nil {
		rec.Rejected = []Rejected{}
	}
	if status >= 400 {
		// What is left of the body is not worth reading.
		w.Header().Set("Connection", "close")
	}
	writeJSON(w, status, rec)
}

var (
	errEncoding = errors.New("encoding not known")
	errTooLarge = errors.New("too large")
	errTwice    = errors.New("it is compressed twice")
)

// decompress returns the body as it was before it was compressed, bounded.
func (s *Server) decompress(r *http.Request) (body io.Reader, done func(), err error) {
	done = func() {}
	wire := &limited{r: r.Body, left: s.limits.Body}
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	first := make([]byte, 4)
	n, err := io.ReadFull(wire, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, done, errors.New(readable(err))
	}
	first = first[:n]
	all := io.MultiReader(bytes.NewReader(first), wire)
	if encoding == "" || encoding == "identity" {
		encoding = compression(first)
	}
	switch encoding {
	case "":
		return all, done, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(all)
		if err != nil {
			return nil, done, fmt.Errorf("the body is no gzip, though it is said to be")
		}
		return &once{r: &limited{r: z, left: s.limits.Body}}, done, nil
	case "zstd":
		z, err := zstd.NewReader(all, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(8<<20))
		if err != nil {
			return nil, done, fmt.Errorf("the body is no zstd, though it is said to be")
		}
		return &once{r: &limited{r: z, left: s.limits.Body}}, z.Close, nil
	}
	return nil, done, fmt.Errorf("Content-Encoding: %w; gzip, zstd and identity are", errEncoding)
}

func compression(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	}
	return ""
}

// limited is an io.LimitReader that fails at its end.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, errTooLarge
	}
	return n, err
}

// once refuses what is compressed still: package alert would go on and unpack
// it without a limit.
type once struct {
	r     io.Reader
	begun bool
}

func (o *once) Read(p []byte) (n int, err error) {
	if o.begun || len(p) < 4 {
		return o.r.Read(p)
	}
	o.begun = true
	for n < 4 && err == nil {
		var more int
		more, err = o.r.Read(p[n:])
		n += more
	}
	if compression(p[:n]) != "" {
		return 0, errTwice
	}
	return n, err
}

// taking is one request with alerts on its way to the journal.
type taking struct {
	s       *Server
	head    envelope.Envelope
	receipt Receipt
	seen    int // records and gaps
	rejects int
	text    int // rejected as text output
	long    int // rejected as too long
	letters int

	buf  []byte
	ends []int // of the envelopes in buf
}

func (s *Server) newTaking(head envelope.Envelope) *taking { return &taking{s: s, head: head} }

// notKeptError says how many good records the journal did not take.
type notKeptError struct {
	err     error
	records int
}

func (e *notKeptError) Error() string { return e.err.Error() }
func (e *notKeptError) Unwrap() error { return e.err }

// all takes the whole body.
func (t *taking) all(ctx context.Context, body io.Reader) error {
	seen := &recorder{r: body, line: 1}
	opt := alert.Options{MaxRecord: int(t.s.limits.Record), TextFields: t.s.opt.TextFields}
	sc := alert.NewScanner(seen, opt)
	d := t.s.decoders.Get().(*alert.Decoder)
	defer t.s.decoders.Put(d)
	passed, behind := 0, 1 // behind: the first line that no record covers
	var err error
	for {
		from := len(t.buf)
		t.buf = envelope.AppendHead(t.buf, t.head)
		start := len(t.buf)
		var rec alert.Record
		if rec, t.buf, err = sc.Next(t.buf); err != nil {
			t.buf = t.buf[:from]
			break
		}
		if n := sc.Passed(); n > passed {
			t.gap(ctx, seen, behind, rec.Line-1, n-passed)
			passed = n
		}
		a, derr := d.Decode(rec, "")
		t.seen++
		if derr == nil && a != nil && (a.Form == alert.FormJSON || t.head.Way == envelope.File) {
			t.ends = append(t.ends, len(t.buf))
		} else {
			t.refuse(ctx, seen, rec, a != nil, derr)
			t.buf = t.buf[:from]
		}
		behind = max(behind, rec.Line+1)
		if rec.Kind != alert.BrokenRecord && len(t.buf) > start {
			behind = max(behind, rec.Line+1+newlines(t.buf[start:]))
		}
		seen.forget(rec.Line)
		if len(t.buf) >= t.s.limits.Chunk {
			if err := t.flush(ctx); err != nil {
				return err
			}
		}
	}
	if n := sc.Passed(); n > passed {
		t.gap(ctx, seen, behind, seen.lines(), n-passed)
	}
	if ferr := t.flush(ctx); ferr != nil {
		return ferr
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func newlines(b []byte) int { return bytes.Count(b, []byte("\n")) }

// flush appends what is held to the journal.
func (t *taking) flush(ctx context.Context) error {
	if len(t.ends) == 0 {
		return nil
	}
	records := make([][]byte, len(t.ends))
	from := 0
	for i, end := range t.ends {
		records[i] = t.buf[from:end:end]
		from = end
	}
	n := len(records)
	if _, err := t.s.opt.Journal.Append(ctx, records...); err != nil {
		return &notKeptError{err, n}
	}
	t.receipt.Accepted += n
	t.s.metrics.received(t.head.Way, n)
	t.buf, t.ends = t.buf[:0], t.ends[:0]
	return nil
}

// refuse notes a record that is no alert.
func (t *taking) refuse(ctx context.Context, seen *recorder, rec alert.Record, text bool, err error) {
	reason, label := reasonNone, rejectedOther
	raw := rec.Bytes
	var broken *alert.BrokenError
	switch {
	case text:
		reason, label = reasonText, rejectedText
		t.text++
	case errors.As(err, &broken):
		reason, label = broken.Reason, rejectedBroken
		if strings.HasPrefix(reason, "longer than") {
			label = rejectedLong
			t.long++
		}
	case bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")):
		reason += ": rule, priority and time are looked for"
	}
	t.reject(ctx, rec.Line, reason, label, 1, func() []byte {
		if raw == nil {
			return seen.text(rec.Line, rec.Line+1)
		}
		return raw
	})
}

// gap notes lines in which nothing is an alert.
func (t *taking) gap(ctx context.Context, seen *recorder, from, to, lines int) {
	t.seen++
	if t.head.Way == envelope.File {
		t.s.metrics.rejected(rejectedOther, lines)
		return // a log has other lines too
	}
	reason := reasonNone
	if lines > 1 {
		reason = fmt.Sprintf("%d lines, none of them a Falco alert", lines)
	}
	t.reject(ctx, from, reason, rejectedOther, lines, func() []byte { return seen.text(from, to+1) })
}

// reject notes what is no alert. raw is called only for a dead letter that is
// kept: finding it takes time, and a body may have a million bad lines.
func (t *taking) reject(ctx context.Context, line int, reason, label string, n int, raw func() []byte) {
	t.rejects++
	t.s.metrics.rejected(label, n)
	if len(t.receipt.Rejected) < rejectedNamed {
		t.receipt.Rejected = append(t.receipt.Rejected, Rejected{Line: line, Reason: reason})
	} else {
		t.receipt.RejectedTotal = t.rejects
	}
	if t.head.Way == envelope.Replay {
		return // it is a dead letter already
	}
	if t.letters++; t.letters > lettersEach {
		t.s.metrics.lettersDropped("too many in one request")
		return
	}
	t.s.bury(ctx, store.DeadLetter{Received: t.head.Received.UTC(), From: t.head.From.String(), Reason: reason, Raw: raw()})
}

// bury keeps a dead letter, if there is room; if not, that is counted.
func (s *Server) bury(ctx context.Context, d store.DeadLetter) {
	if !s.letters.enter(ctx) {
		s.metrics.lettersDropped("too many at a time")
		return
	}
	defer s.letters.leave()
	st, err := s.stats.value(ctx)
	if err == nil && st.DeadLetters >= s.limits.DeadLetters {
		s.metrics.lettersDropped("too many are kept")
		return
	}
	if len(d.Raw) > s.limits.DeadLetter {
		d.Reason += fmt.Sprintf(" (cut: the first %d of %d bytes are kept)", s.limits.DeadLetter, len(d.Raw))
		d.Raw = d.Raw[:s.limits.DeadLetter]
	}
	d.Raw = bytes.Clone(d.Raw)
	if _, err := s.store.PutDeadLetter(ctx, d); err != nil {
		s.metrics.lettersDropped("the store failed")
		if s.metrics.sometimes.Allow() {
			s.log.Error("a dead letter cannot be kept", "reason", err)
		}
		return
	}
	s.metrics.lettersKept()
}

// recorder keeps what was read last, so that what is refused can be kept.
type recorder struct {
	r    io.Reader
	held []byte
	line int // of the first byte that is held, from 1
}

// recorderSize bounds what is kept of a body.
const recorderSize = 1 << 20

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.held = append(r.held, p[:n]...)
	if over := len(r.held) - recorderSize; over > recorderSize/2 {
		r.drop(over)
	}
	return n, err
}

func (r *recorder) drop(n int) {
	r.line += newlines(r.held[:n])
	r.held = r.held[:copy(r.held, r.held[n:])]
}

// forget lets go what is before a line.
func (r *recorder) forget(line int) {
	if len(r.held) < recorderSize/2 {
		return
	}
	if i := r.offset(line); i > 0 {
		r.drop(i)
	}
}

// offset is where a line begins in held; len(held) if it is not there yet.
func (r *recorder) offset(line int) int {
	i := 0
	for at := r.line; at < line; at++ {
		n := bytes.IndexByte(r.held[i:], '\n')
		if n < 0 {
			return len(r.held)
		}
		i += n + 1
	}
	return i
}

// text returns the lines from one up to and without another, as far as they
// are held.
func (r *recorder) text(from, to int) []byte {
	i, j := r.offset(from), r.offset(to)
	return bytes.TrimRight(r.held[i:max(i, j)], "\r\n")
}

// lines is the number of the last line that was read.
func (r *recorder) lines() int { return r.line + newlines(r.held) }

// handleTest takes an alert in that says it is a test, as Falcosidekick's /test
// does.
func (s *Server) handleTest(w http.ResponseWriter, r *http.Request) {
	now := s.now().UTC()
	host, _ := os.Hostname()
	raw, err := json.Marshal(map[string]any{
		"hostname": host, "time": now.Format(time.RFC3339Nano), "rule": "Test rule", "priority": "Debug", "source": "internal",
		"output": "A test alert, made by Tiercel's /test", "tags": []string{"test"},
		"output_fields": map[string]any{"evt.time": now.UnixNano(), "proc.name": "tiercel"},
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	e := envelope.Envelope{Received: now, Token: From(r.Context()).TokenID, From: remoteAddr(r), Raw: raw}
	if _, err := s.opt.Journal.Append(context.WithoutCancel(r.Context()), envelope.Append(nil, e)); err != nil {
		s.notKept(w, err, &Receipt{}, 1)
		return
	}
	s.metrics.received(envelope.HTTP, 1)
	s.writeReceipt(w, http.StatusOK, &Receipt{Accepted: 1})
}
