package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tiercel/tiercel/store"
)

// blockSize is how much raw text goes into one block, in bytes. A page of
// alerts may come from as many blocks as it has alerts, and each has to be
// decompressed whole; larger blocks take little less room.
const blockSize = 64 << 10

// rowsAtOnce is how many rows one statement puts in.
const rowsAtOnce = 50

// bulk is an INSERT of many rows: prepared for rowsAtOnce and for one.
type bulk struct {
	columns   int
	many, one *sql.Stmt
}

func newBulk(ctx context.Context, db *sql.DB, into string, columns int) (bulk, error) {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	many, err := db.PrepareContext(ctx, into+" VALUES "+row+strings.Repeat(", "+row, rowsAtOnce-1))
	if err != nil {
		return bulk{}, err
	}
	one, err := db.PrepareContext(ctx, into+" VALUES "+row)
	return bulk{columns, many, one}, err
}

// insert puts in rows, whose values stand one after the other.
func (b bulk) insert(ctx context.Context, tx *sql.Tx, values []any) error {
	for _, part := range []struct {
		stmt *sql.Stmt
		size int
	}{{b.many, b.columns * rowsAtOnce}, {b.one, b.columns}} {
		if len(values) < part.size {
			continue
		}
		stmt := tx.StmtContext(ctx, part.stmt)
		for ; len(values) >= part.size; values = values[part.size:] {
			if _, err := stmt.ExecContext(ctx, values[:part.size]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// statements of Write.
type statements struct {
	alerts, kinds, bodies, texts           bulk
	block, kind, body, held, incident, add *sql.Stmt
}

const incidentColumns = `headline, class, severity, rank, kinds, count, repeats, first, last, hosts, rules, stages, changed`

func (s *statements) prepare(ctx context.Context, db *sql.DB) error {
	var errs []error
	many := func(b *bulk, into string, columns int) {
		var err error
		*b, err = newBulk(ctx, db, into, columns)
		errs = append(errs, err)
	}
	one := func(st **sql.Stmt, query string) {
		var err error
		*st, err = db.PrepareContext(ctx, query)
		errs = append(errs, err)
	}
	many(&s.alerts, "INSERT INTO alert (seq, time, received, kind, repeat, block, start, length)", 8)
	many(&s.kinds, "INSERT INTO kind (id, incident, rule, host, container, class, severity, count, repeats, first, last, first_seq, held, low, high, seen)", 16)
	many(&s.bodies, "INSERT INTO body (kind, key, source, priority, state, searchable)", 6)
	many(&s.texts, "INSERT INTO kind_text (rowid, searchable)", 2)
	one(&s.block, `INSERT INTO block (first_seq, last_seq, first_time, last_time, first_received, alerts, size, data)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
	one(&s.kind, `UPDATE kind SET incident = ?, rule = ?, host = ?, container = ?, class = ?, severity = ?,
		count = ?, repeats = ?, first = ?, last = ?, first_seq = ? WHERE id = ?`)
	one(&s.body, "UPDATE body SET key = ?, source = ?, priority = ?, state = ? WHERE kind = ?")
	one(&s.held, `UPDATE kind SET held = held + ?, low = min(low, ?), high = max(high, ?), seen = max(seen, ?)
		WHERE id = ? RETURNING incident`)
	one(&s.incident, `UPDATE incident SET into_id = NULL, headline = ?, class = ?, severity = ?, rank = ?, kinds = ?, count = ?,
		repeats = ?, first = ?, last = ?, hosts = ?, rules = ?, stages = ?, changed = ? WHERE num = ?`)
	one(&s.add, "INSERT INTO incident (id, "+incidentColumns+`, status, finding, by, why, at, since, closed_rank)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', '', '', '', ?, 0, 0)`)
	return errors.Join(errs...)
}

// tally is what a batch adds to a kind.
type tally struct {
	held      int
	fresh     int // of held, without repeats
	low, high int64
	seen      int64
}

func (t *tally) add(seq, received int64, repeat bool) {
	t.held++
	if !repeat {
		t.fresh++
	}
	t.low, t.high, t.seen = min(t.low, seq), max(t.high, seq), max(t.seen, received)
}

var emptyTally = tally{low: math.MaxInt64, high: -1, seen: none}

// Write implements store.Store.
func (s *Store) Write(ctx context.Context, b *store.Batch) error {
	alerts, err := ordered(b.Alerts)
	if err != nil {
		return s.wrap("write", err)
	}
	if b.Next > math.MaxInt64 {
		return s.wrap("write", fmt.Errorf("position %d is out of range", b.Next))
	}
	now := s.now()
	return s.begin(ctx, "write", func(tx *sql.Tx) error {
		w := &writing{s: s, ctx: ctx, tx: tx, now: now, tallies: map[int64]*tally{}, nums: map[string]int64{}, kindOf: map[int64]int64{}}
		for _, step := range []func() error{
			func() error { return w.incidents(b.Incidents) },
			func() error { return w.alerts(alerts) },
			func() error { return w.kinds(b.Kinds) },
			w.others,
			func() error { return w.closed(b.Incidents) },
			func() error { return w.gone(b.Gone) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "UPDATE meta SET next = ?, alerts = alerts + ?", int64(b.Next), w.stored)
		return err
	})
}

// ordered returns the alerts by Seq, each once.
func ordered(alerts []store.Alert) ([]store.Alert, error) {
	bySeq := func(a, b store.Alert) int { return cmp.Compare(a.Seq, b.Seq) }
	if !slices.IsSortedFunc(alerts, bySeq) {
		alerts = slices.Clone(alerts)
		slices.SortStableFunc(alerts, bySeq)
	}
	if n := len(alerts); n > 0 && alerts[n-1].Seq > math.MaxInt64 {
		return nil, fmt.Errorf("alert %d: its position is out of range", alerts[n-1].Seq)
	}
	for i := 1; i < len(alerts); i++ {
		if alerts[i].Seq == alerts[i-1].Seq {
			return slices.CompactFunc(slices.Clone(alerts), func(a, b store.Alert) bool { return a.Seq == b.Seq }), nil
		}
	}
	return alerts, nil
}

// writing is a Write under way.
type writing struct {
	s       *Store
	ctx     context.Context
	tx      *sql.Tx
	now     time.Time
	stored  int
	tallies map[int64]*tally // by kind
	kindOf  map[int64]int64  // incident of a kind, by num
	nums    map[string]int64 // of incidents of the batch
	handled map[int64]handling
}

// handling is what the store knew of an incident before the batch.
type handling struct {
	status, finding, by, why string
	rank                     int
}

func (w *writing) exec(query string, args ...any) error {
	_, err := w.tx.ExecContext(w.ctx, query, args...)
	return err
}

func (w *writing) incidents(list []store.Incident) error {
	w.handled = map[int64]handling{}
	if len(list) == 0 {
		return nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	err := each(w.ctx, w.tx, func(scan func(...any) error) error {
		var num int64
		var id string
		var h handling
		if err := scan(&num, &id, &h.status, &h.finding, &h.by, &h.why, &h.rank); err != nil {
			return err
		}
		w.nums[id], w.handled[num] = num, h
		return nil
	}, "SELECT num, id, status, finding, by, why, closed_rank FROM incident WHERE id IN (SELECT value FROM json_each(?))", list2json(ids))
	if err != nil {
		return err
	}
	update, add := w.tx.StmtContext(w.ctx, w.s.stmts.incident), w.tx.StmtContext(w.ctx, w.s.stmts.add)
	for i := range list {
		in := &list[i]
		if in.ID == "" {
			return errors.New("an incident has no ID")
		}
		values := []any{in.Headline, in.Class, in.Severity, in.Rank, in.Kinds, in.Count, in.Repeats, nanos(in.First), nanos(in.Last),
			list2json(in.Hosts), list2json(in.Rules), list2json(in.Stages), nanos(in.Changed)}
		if num, ok := w.nums[in.ID]; ok {
			if _, err := update.ExecContext(w.ctx, append(values, num)...); err != nil {
				return err
			}
			continue
		}
		r, err := add.ExecContext(w.ctx, append(append([]any{in.ID}, values...), int64(none))...)
		if err != nil {
			return err
		}
		if w.nums[in.ID], err = r.LastInsertId(); err != nil {
			return err
		}
	}
	return nil
}

// alerts puts in those that are not there yet.
func (w *writing) alerts(list []store.Alert) error {
	if len(list) == 0 {
		return nil
	}
	there := map[int64]int64{}
	err := each(w.ctx, w.tx, func(scan func(...any) error) error {
		var seq, kind int64
		if err := scan(&seq, &kind); err != nil {
			return err
		}
		there[seq] = kind
		return nil
	}, "SELECT seq, kind FROM alert WHERE seq BETWEEN ? AND ?", int64(list[0].Seq), int64(list[len(list)-1].Seq))
	if err != nil {
		return err
	}
	if len(there) > 0 {
		if list, err = w.again(list, there); err != nil {
			return err
		}
	}
	w.stored = len(list)
	rows := make([]any, 0, 8*len(list))
	for len(list) > 0 {
		n, err := w.block(list, &rows)
		if err != nil {
			return err
		}
		list = list[n:]
	}
	return w.s.stmts.alerts.insert(w.ctx, w.tx, rows)
}

// again returns the alerts that are not there, and moves those that are to the
// kind that they have now.
func (w *writing) again(list []store.Alert, there map[int64]int64) ([]store.Alert, error) {
	var fresh []store.Alert
	for _, a := range list {
		seq, kind := int64(a.Seq), int64(a.Kind)
		old, ok := there[seq]
		if !ok {
			fresh = append(fresh, a)
			continue
		}
		if old == kind {
			continue
		}
		var received int64
		if err := w.tx.QueryRowContext(w.ctx, "UPDATE alert SET kind = ? WHERE seq = ? RETURNING received", kind, seq).Scan(&received); err != nil {
			return nil, err
		}
		if kind != 0 {
			w.tally(kind).add(seq, received, true)
		}
		if err := w.exec("UPDATE kind SET held = held - 1 WHERE id = ?", old); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func (w *writing) tally(kind int64) *tally {
	t := w.tallies[kind]
	if t == nil {
		t = new(emptyTally)
		w.tallies[kind] = t
	}
	return t
}

// block puts as many alerts as fit into one block and appends their rows.
func (w *writing) block(list []store.Alert, rows *[]any) (int, error) {
	var raw []byte
	h := blockHead{first: int64(list[0].Seq), firstTime: math.MaxInt64, lastTime: math.MinInt64, firstReceived: math.MaxInt64}
	n := 0
	from := len(*rows)
	for ; n < len(list) && (n == 0 || len(raw)+len(list[n].Raw) <= blockSize); n++ {
		a := &list[n]
		received := nanos(a.Received)
		if received == none {
			received = nanos(w.now)
		}
		seq, at := int64(a.Seq), nanos(a.Time)
		h.add(seq, at, received)
		if a.Kind != 0 {
			w.tally(int64(a.Kind)).add(seq, received, a.Repeat)
		}
		*rows = append(*rows, seq, at, received, int64(a.Kind), bit(a.Repeat), nil, len(raw), len(a.Raw))
		raw = append(raw, a.Raw...)
	}
	id, err := w.s.putBlock(w.ctx, w.tx, h, raw)
	if err != nil {
		return 0, err
	}
	for i := from + 5; i < len(*rows); i += 8 {
		(*rows)[i] = id
	}
	return n, nil
}

// blockHead is what a block says of its alerts.
type blockHead struct {
	first, last         int64 // Seq
	firstTime, lastTime int64
	firstReceived       int64
	alerts              int
}

func (h *blockHead) add(seq, at, received int64) {
	if at == none {
		at = received
	}
	h.last = seq
	h.firstTime, h.lastTime = min(h.firstTime, at), max(h.lastTime, at)
	h.firstReceived = min(h.firstReceived, received)
	h.alerts++
}

func (s *Store) putBlock(ctx context.Context, tx *sql.Tx, h blockHead, raw []byte) (int64, error) {
	r, err := tx.StmtContext(ctx, s.stmts.block).ExecContext(ctx, h.first, h.last, h.firstTime, h.lastTime, h.firstReceived,
		h.alerts, len(raw), s.enc.EncodeAll(raw, []byte{}))
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

func (w *writing) kinds(list []store.Kind) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = int64(list[i].ID)
	}
	texts := map[int64]string{}
	err := each(w.ctx, w.tx, func(scan func(...any) error) error {
		var id int64
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		texts[id] = text
		return nil
	}, "SELECT kind, searchable FROM body WHERE kind IN (SELECT value FROM json_each(?))", list2json(ids))
	if err != nil {
		return err
	}
	var kinds, bodies, search []any
	var fresh []int64
	update, body := w.tx.StmtContext(w.ctx, w.s.stmts.kind), w.tx.StmtContext(w.ctx, w.s.stmts.body)
	for i := range list {
		k := &list[i]
		id := int64(k.ID)
		if id == 0 {
			return errors.New("a kind has no ID")
		}
		num, err := w.num(k.Incident)
		if err != nil {
			return fmt.Errorf("kind %d: %w", k.ID, err)
		}
		if _, twice := w.kindOf[id]; twice {
			return fmt.Errorf("kind %d is in the batch twice", k.ID)
		}
		w.kindOf[id] = num
		old, ok := texts[id]
		if !ok {
			fresh = append(fresh, id)
			t := w.tallies[id]
			if t == nil {
				t = new(emptyTally)
				t.seen = nanos(w.now)
			}
			kinds = append(kinds, id, num, k.Rule, k.Host, k.Container, k.Class, k.Severity, k.Count, k.Repeats,
				nanos(k.First), nanos(k.Last), int64(k.FirstSeq), t.held, t.low, t.high, t.seen)
			bodies = append(bodies, id, k.Key, k.Source, k.Priority, blob(k.State), k.Searchable)
			if k.Searchable != "" {
				search = append(search, id, k.Searchable)
			}
			continue
		}
		if _, err := update.ExecContext(w.ctx, num, k.Rule, k.Host, k.Container, k.Class, k.Severity, k.Count, k.Repeats,
			nanos(k.First), nanos(k.Last), int64(k.FirstSeq), id); err != nil {
			return err
		}
		if _, err := body.ExecContext(w.ctx, k.Key, k.Source, k.Priority, blob(k.State), id); err != nil {
			return err
		}
		if k.Searchable == "" || old == k.Searchable {
			continue
		}
		if err := w.exec("UPDATE body SET searchable = ? WHERE kind = ?", k.Searchable, id); err != nil {
			return err
		}
		if err := w.exec("DELETE FROM kind_text WHERE rowid = ?", id); err != nil {
			return err
		}
		search = append(search, id, k.Searchable)
	}
	if err := w.s.stmts.kinds.insert(w.ctx, w.tx, kinds); err != nil {
		return err
	}
	if err := w.s.stmts.bodies.insert(w.ctx, w.tx, bodies); err != nil {
		return err
	}
	if err := w.s.stmts.texts.insert(w.ctx, w.tx, search); err != nil {
		return err
	}
	// What the new ones hold went in with them; closed still wants to know.
	for _, id := range fresh {
		if t := w.tallies[id]; t != nil {
			t.held = 0
		}
	}
	return nil
}

// num is the number of an incident of the batch or the store.
func (w *writing) num(id string) (int64, error) {
	if n, ok := w.nums[id]; ok {
		return n, nil
	}
	var n int64
	err := w.tx.QueryRowContext(w.ctx, "SELECT num FROM incident WHERE id = ? AND into_id IS NULL", id).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("incident %q: %w", id, store.ErrNotFound)
	}
	if err == nil {
		w.nums[id] = n
	}
	return n, err
}

// others counts the alerts with kinds that were there before.
func (w *writing) others() error {
	held := w.tx.StmtContext(w.ctx, w.s.stmts.held)
	for id, t := range w.tallies {
		if t.held == 0 {
			continue
		}
		var num int64
		err := held.QueryRowContext(w.ctx, t.held, t.low, t.high, t.seen, id).Scan(&num)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("alert %d is of kind %d: %w", t.low, uint64(id), store.ErrNotFound)
		}
		if err != nil {
			return err
		}
		w.kindOf[id] = num
	}
	return nil
}

// closed opens closed incidents that got worse, and counts what came for the others.
func (w *writing) closed(list []store.Incident) error {
	came := map[int64]int{}
	for id, t := range w.tallies {
		if t.fresh > 0 {
			came[w.kindOf[id]] += t.fresh
		}
	}
	for num, n := range came {
		if h, ok := w.handled[num]; ok && h.status != string(store.Closed) {
			continue
		}
		if err := w.exec("UPDATE incident SET since = since + ? WHERE num = ? AND status = 'closed'", n, num); err != nil {
			return err
		}
	}
	for i := range list {
		num := w.nums[list[i].ID]
		h := w.handled[num]
		if h.status != string(store.Closed) || list[i].Rank <= h.rank {
			continue
		}
		why := fmt.Sprintf("reopened: rank %d is worse than %d, with which %s closed it as %s (%s)", list[i].Rank, h.rank, h.by, h.finding, h.why)
		if err := w.exec("UPDATE incident SET status = 'open', finding = '', by = ?, why = ?, at = ?, since = 0 WHERE num = ?",
			system, why, nanos(w.now), num); err != nil {
			return err
		}
		if err := w.audit("reopen", list[i].ID, why); err != nil {
			return err
		}
	}
	return nil
}

// system is who does what no person did.
const system = "tiercel"

func (w *writing) audit(what, object, detail string) error {
	return putAudit(w.ctx, w.tx, store.AuditEntry{At: w.now, Who: system, What: what, Object: object, Detail: detail})
}

func (w *writing) gone(list []store.Gone) error {
	for _, g := range list {
		// One that was merged before it was ever written may still be linked to.
		if err := w.exec("INSERT INTO incident (id, into_id, "+incidentColumns+`, status, finding, by, why, at, since, closed_rank)
			VALUES (?, ?, '', '', '', 0, 0, 0, 0, ?, ?, '[]', '[]', '[]', ?, 'open', '', '', '', ?, 0, 0)
			ON CONFLICT (id) DO UPDATE SET into_id = excluded.into_id, changed = excluded.changed`,
			g.ID, g.Into, int64(none), int64(none), nanos(w.now), int64(none)); err != nil {
			return err
		}
	}
	for _, g := range list {
		if err := w.merge(g); err != nil {
			return fmt.Errorf("incident %q is gone: %w", g.ID, err)
		}
	}
	return nil
}

func (w *writing) merge(g store.Gone) error {
	var num, at int64
	var h handling
	if err := w.tx.QueryRowContext(w.ctx, "SELECT num, status, finding, by, why, at FROM incident WHERE id = ?", g.ID).
		Scan(&num, &h.status, &h.finding, &h.by, &h.why, &at); err != nil {
		return err
	}
	if g.Into == "" {
		var left int
		if err := w.tx.QueryRowContext(w.ctx, "SELECT count(*) FROM kind WHERE incident = ?", num).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return fmt.Errorf("it was split, and %d of its kinds are in no other", left)
		}
		return nil
	}
	into, id, err := resolve(w.ctx, w.tx, g.ID)
	if err != nil {
		return fmt.Errorf("merged into %q: %w", g.Into, err)
	}
	if err := w.exec("UPDATE kind SET incident = ? WHERE incident = ?", into, num); err != nil {
		return err
	}
	if h.status == string(store.Open) && h.by == "" {
		return nil
	}
	// Told once: a batch may be written again.
	detail := fmt.Sprintf("%s was merged into this one; it was %s", g.ID, h.status)
	if h.finding != "" {
		detail += " as " + h.finding
	}
	detail += fmt.Sprintf(" by %s at %s: %s", h.by, moment(at).Format(time.RFC3339), h.why)
	var told bool
	if err := w.tx.QueryRowContext(w.ctx, "SELECT EXISTS (SELECT 1 FROM audit WHERE object = ? AND what = 'merge' AND detail = ?)", id, detail).Scan(&told); err != nil || told {
		return err
	}
	return w.audit("merge", id, detail)
}

// maxMerges bounds how far a merged incident is followed: a damaged file may
// have a circle.
const maxMerges = 1000

// resolve follows merges to the incident that is.
func resolve(ctx context.Context, tx *sql.Tx, id string) (num int64, into string, err error) {
	for range maxMerges {
		var next sql.NullString
		err := tx.QueryRowContext(ctx, "SELECT num, into_id FROM incident WHERE id = ?", id).Scan(&num, &next)
		switch {
		case errors.Is(err, sql.ErrNoRows), err == nil && next.Valid && next.String == "":
			return 0, "", fmt.Errorf("incident %q: %w", id, store.ErrNotFound)
		case err != nil:
			return 0, "", err
		case !next.Valid:
			return num, id, nil
		}
		id = next.String
	}
	return 0, "", fmt.Errorf("incident %q: merged in a circle, or more than %d times: %w", id, maxMerges, store.ErrNotFound)
}

// each calls f for every row of a query.
func each(ctx context.Context, tx *sql.Tx, f func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func list2json[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings and integers always can
	}
	return string(b)
}

func blob(b []byte) []byte {
	if b == nil {
		return []byte{} // NULL otherwise
	}
	return b
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
