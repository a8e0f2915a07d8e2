package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tiercel/tiercel/store"
)

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// row is an alert without what it said.
type row struct {
	seq, at, received, kind int64
	repeat                  bool
	block                   int64
	start, length           int
}

const rowFields = "a.seq, a.time, a.received, a.kind, a.repeat, a.block, a.start, a.length"

func scanRow(scan func(...any) error) (r row, err error) {
	err = scan(&r.seq, &r.at, &r.received, &r.kind, &r.repeat, &r.block, &r.start, &r.length)
	return r, err
}

// span is the stretch of the journal in which a query's alerts are.
type span struct{ from, to int64 }

// search is a query for alerts under way.
type search struct {
	ctx   context.Context
	tx    *sql.Tx
	span  span
	where where // of alerts (as a)
	old   bool
	limit int
}

// Alerts implements store.Store.
//
// There is no index on time: alerts arrive roughly by time, so each block tells
// the span of its own. Nor is there one on what an alert's kind is; see pick.
func (s *Store) Alerts(ctx context.Context, q store.Query) (page store.Page[store.Alert], err error) {
	limit := pageSize(q.Limit)
	f := search{ctx: ctx, span: span{0, math.MaxInt64}, old: q.OldestFirst, limit: limit + 1}
	order := byte(bySeq)
	if q.OldestFirst {
		order = bySeqOld
	}
	if q.After != "" {
		keys, err := parseCursor(q.After, order, 1)
		if err != nil {
			return page, err
		}
		switch {
		case q.OldestFirst && keys[0] < math.MaxInt64:
			f.span.from = keys[0] + 1
		case !q.OldestFirst && keys[0] > math.MinInt64:
			f.span.to = keys[0] - 1
		}
	}
	kw, asked, ok := kindQueryOf(&q)
	if !ok {
		return page, nil
	}
	for _, list := range []struct {
		column string
		values []string
	}{{"k.class", q.Classes}, {"k.severity", q.Severities}} {
		asked = asked || len(list.values) > 0
		in(&kw.where, list.column, list.values)
	}
	if len(q.Statuses) > 0 {
		asked = true
		kw.and("k.incident IN (SELECT num FROM incident WHERE status IN (SELECT value FROM json_each(?)))", list2json(q.Statuses))
	}
	err = s.view(ctx, "alerts", func(tx *sql.Tx) error {
		f.tx = tx
		if q.Incident != "" {
			num, _, err := resolve(ctx, tx, q.Incident)
			if err != nil {
				return none404(err)
			}
			asked = true
			kw.and("k.incident = ?", num)
		}
		if !q.Since.IsZero() || !q.Until.IsZero() {
			if err := f.window(&q); err != nil {
				return err
			}
		}
		rows, err := f.rows(asked, &kw)
		if err != nil {
			return err
		}
		if n := fits(rows, limit); n < len(rows) {
			rows = rows[:n]
			page.Next = cursor(order, rows[n-1].seq)
		}
		page.Items, err = s.raw(ctx, tx, rows)
		return err
	})
	return page, err
}

// fits is how many of the rows go on one page.
func fits(rows []row, limit int) int {
	bytes := 0
	for i, r := range rows {
		if bytes += r.length; i == limit || i > 0 && bytes > store.MaxPageBytes {
			return i
		}
	}
	return len(rows)
}

// window narrows the search to the blocks that have alerts of that time.
func (f *search) window(q *store.Query) error {
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.Since.IsZero() {
		since = nanos(q.Since)
	}
	if !q.Until.IsZero() {
		until = nanos(q.Until)
	}
	var from, to sql.NullInt64
	if err := f.tx.QueryRowContext(f.ctx, "SELECT min(first_seq), max(last_seq) FROM block WHERE last_time >= ? AND first_time < ?", since, until).
		Scan(&from, &to); err != nil {
		return err
	}
	if !from.Valid {
		f.span = span{0, -1}
		return nil
	}
	f.narrow(from.Int64, to.Int64)
	f.where.and("iif(a.time = ?, a.received, a.time) BETWEEN ? AND ? - 1", int64(none), since, until)
	return nil
}

func (f *search) narrow(from, to int64) {
	f.span = span{max(f.span.from, from), min(f.span.to, to)}
}

// rows finds the rows of a page. Which way is quick depends on how many kinds
// are asked for and how many alerts they have.
func (f *search) rows(asked bool, kw *kindQuery) ([]row, error) {
	if f.span.from > f.span.to {
		return nil, nil
	}
	if !asked {
		return f.walk("", "")
	}
	set, err := kindsOf(f.ctx, f.tx, kw)
	if err != nil || len(set.ids) == 0 {
		return nil, err
	}
	if !set.all {
		return f.dense(kw)
	}
	f.narrow(set.low, set.last)
	if f.span.from > f.span.to {
		return nil, nil
	}
	if set.held <= 5000 {
		return f.walk("INDEXED BY alert_kind", "a.kind IN (SELECT value FROM json_each(?))", list2json(set.ids))
	}
	var total int64
	if err := f.tx.QueryRowContext(f.ctx, "SELECT alerts FROM meta").Scan(&total); err != nil {
		return nil, err
	}
	// A walk looks at about total/held alerts for each one found; asking kind by
	// kind costs as much as looking at some thirty for each.
	if int64(f.limit)*(total/set.held) < 30*int64(len(set.ids)) {
		return f.walk("NOT INDEXED", "a.kind IN (SELECT value FROM json_each(?))", list2json(set.ids))
	}
	return f.merge(&set)
}

// firstLook is how many places of the journal a search looks at before it asks
// where to look.
const firstLook = 2000

// dense is for so many kinds that their alerts are most likely not far between.
func (f *search) dense(kw *kindQuery) ([]row, error) {
	whole, direction := f.span, "max(seq)"
	if f.old {
		direction = "min(seq)"
	}
	var end sql.NullInt64
	if err := f.tx.QueryRowContext(f.ctx, "SELECT "+direction+" FROM alert WHERE seq BETWEEN ? AND ?", whole.from, whole.to).Scan(&end); err != nil || !end.Valid {
		return nil, err
	}
	if f.old {
		f.narrow(end.Int64, end.Int64+firstLook)
	} else {
		f.narrow(end.Int64-firstLook, end.Int64)
	}
	cond, args := kw.each()
	list, err := f.walk("NOT INDEXED", "EXISTS (SELECT 1 FROM kind k WHERE k.id = a.kind AND "+cond+")", args...)
	if err != nil || len(list) == f.limit {
		return list, err
	}
	f.span = whole
	from, args := kw.from()
	var low, high sql.NullInt64
	if err := f.tx.QueryRowContext(f.ctx, "SELECT min(k.low), max(k.high) FROM "+from, args...).Scan(&low, &high); err != nil || !low.Valid {
		return nil, err
	}
	f.narrow(low.Int64, high.Int64)
	cond, args = kw.among()
	return f.walk("NOT INDEXED", "EXISTS (SELECT 1 FROM kind k WHERE k.id = a.kind AND "+cond+")", args...)
}

// walk goes through the alerts, by the index that is named.
func (f *search) walk(index, cond string, args ...any) (list []row, err error) {
	w := where{}
	w.and("a.seq BETWEEN ? AND ?", f.span.from, f.span.to)
	if cond != "" {
		w.and(cond, args...)
	}
	if f.where.text.Len() > 0 {
		w.and(f.where.String(), f.where.args...)
	}
	err = each(f.ctx, f.tx, func(scan func(...any) error) error {
		r, err := scanRow(scan)
		list = append(list, r)
		return err
	}, "SELECT "+rowFields+" FROM alert a "+index+" WHERE "+w.String()+" ORDER BY a.seq "+f.direction()+" LIMIT ?", append(w.args, f.limit)...)
	return list, err
}

func (f *search) direction() string {
	if f.old {
		return "ASC"
	}
	return "DESC"
}

// merge asks kind by kind and puts the answers together.
func (f *search) merge(set *kindSet) ([]row, error) {
	w := where{}
	w.and("a.kind = ? AND a.seq BETWEEN ? AND ?", nil, nil, nil)
	if f.where.text.Len() > 0 {
		w.and(f.where.String(), f.where.args...)
	}
	stmt, err := f.tx.PrepareContext(f.ctx, "SELECT "+rowFields+" FROM alert a INDEXED BY alert_kind WHERE "+w.String()+" ORDER BY a.seq "+f.direction()+" LIMIT ?")
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	args := append(slices.Clone(w.args), f.limit)
	type head struct{ id, high int64 }
	heads := make([]head, len(set.ids))
	for i := range heads {
		heads[i] = head{set.ids[i], set.high[i]}
	}
	// Those with the latest alerts first: the others soon have nothing to add.
	slices.SortFunc(heads, func(a, b head) int { return cmp.Compare(b.high, a.high) })
	compare := func(a, b row) int { return cmp.Compare(b.seq, a.seq) }
	if f.old {
		compare = func(a, b row) int { return cmp.Compare(a.seq, b.seq) }
	}
	var list []row
	span := f.span
	for _, h := range heads {
		if h.high < span.from || span.from > span.to {
			continue
		}
		args[0], args[1], args[2] = h.id, span.from, span.to
		if err := func() error {
			rows, err := stmt.QueryContext(f.ctx, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				r, err := scanRow(rows.Scan)
				if err != nil {
					return err
				}
				list = append(list, r)
			}
			return rows.Err()
		}(); err != nil {
			return nil, err
		}
		slices.SortFunc(list, compare)
		if len(list) >= f.limit {
			list = list[:f.limit]
			if end := list[f.limit-1].seq; f.old {
				span.to = end
			} else {
				span.from = end
			}
		}
	}
	return list, nil
}

// raw reads what the alerts said.
func (s *Store) raw(ctx context.Context, tx *sql.Tx, rows []row) ([]store.Alert, error) {
	list := make([]store.Alert, len(rows))
	byBlock := map[int64][]int{}
	for i, r := range rows {
		list[i] = store.Alert{Seq: uint64(r.seq), Time: moment(r.at), Received: moment(r.received), Kind: uint64(r.kind), Repeat: r.repeat}
		byBlock[r.block] = append(byBlock[r.block], i)
	}
	var buffer []byte
	for block, of := range byBlock {
		var data []byte
		var size int
		if err := tx.QueryRowContext(ctx, "SELECT data, size FROM block WHERE id = ?", block).Scan(&data, &size); err != nil {
			return nil, s.damaged(fmt.Sprintf("block %d", block), err)
		}
		var err error
		if buffer, err = s.dec.DecodeAll(data, buffer[:0]); err != nil || len(buffer) != size {
			return nil, s.damaged(fmt.Sprintf("block %d", block), cmp.Or(err, fmt.Errorf("%d bytes, not %d", len(buffer), size)))
		}
		for _, i := range of {
			r := rows[i]
			if r.start < 0 || r.length < 0 || r.start > len(buffer)-r.length {
				return nil, s.damaged(fmt.Sprintf("alert %d", r.seq), errors.New("it lies outside its block"))
			}
			list[i].Raw = slices.Clone(buffer[r.start : r.start+r.length])
		}
	}
	return list, nil
}

// Alert implements store.Store.
func (s *Store) Alert(ctx context.Context, seq uint64) (a store.Alert, err error) {
	if seq > math.MaxInt64 {
		return a, s.wrap("alert", store.ErrNotFound)
	}
	err = s.view(ctx, "alert", func(tx *sql.Tx) error {
		r, err := scanRow(tx.QueryRowContext(ctx, "SELECT "+rowFields+" FROM alert a WHERE a.seq = ?", int64(seq)).Scan)
		if err != nil {
			return missing(err)
		}
		list, err := s.raw(ctx, tx, []row{r})
		if err == nil {
			a = list[0]
		}
		return err
	})
	return a, err
}
