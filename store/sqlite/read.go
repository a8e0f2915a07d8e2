package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tiercel/tiercel/store"
)

// Position implements store.Store.
func (s *Store) Position(ctx context.Context) (uint64, error) {
	var next int64
	err := s.view(ctx, "position", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT next FROM meta").Scan(&next)
	})
	return uint64(next), err
}

// where is a condition in the making. Values are always bound; the text is
// ours.
type where struct {
	text strings.Builder
	args []any
}

func (w *where) and(cond string, args ...any) {
	if w.text.Len() > 0 {
		w.text.WriteString(" AND ")
	}
	w.text.WriteString(cond)
	w.args = append(w.args, args...)
}

func (w *where) String() string {
	if w.text.Len() == 0 {
		return "1"
	}
	return w.text.String()
}

func in[T ~string](w *where, column string, values []T) {
	if len(values) > 0 {
		w.and(column+" IN (SELECT value FROM json_each(?))", list2json(values))
	}
}

// kindQuery is what a query asks of kinds (as k).
type kindQuery struct {
	where
	match string // an expression of FTS5
}

// kindQueryOf says with asked whether anything is asked of kinds, and with ok
// whether anything can match.
func kindQueryOf(q *store.Query) (w kindQuery, asked, ok bool) {
	if q.Text != "" {
		if w.match = match(q.Text); w.match == "" {
			return w, true, false
		}
		asked = true
	}
	if q.Rule != "" {
		w.and("k.rule = ?", q.Rule)
	}
	if q.Host != "" {
		w.and("k.host = ?", q.Host)
	}
	if q.Container != "" {
		w.and("k.container = ? AND k.container <> ''", q.Container)
	}
	if q.Kind != 0 {
		w.and("k.id = ?", int64(q.Kind))
	}
	return w, asked || w.text.Len() > 0, true
}

// from is the kinds asked for, as what follows FROM.
func (w *kindQuery) from() (text string, args []any) {
	if w.match == "" {
		return "kind k WHERE " + w.String(), slices.Clone(w.args)
	}
	// From the text to the kinds: it can stop as soon as there are enough.
	return "kind_text CROSS JOIN kind k ON k.id = kind_text.rowid WHERE kind_text MATCH ? AND " + w.String(), append([]any{w.match}, w.args...)
}

// each is a condition on one kind k: quick to ask of few.
func (w *kindQuery) each() (cond string, args []any) {
	if w.match == "" {
		return w.String(), w.args
	}
	return "EXISTS (SELECT 1 FROM kind_text WHERE kind_text MATCH ? AND rowid = k.id) AND " + w.String(), append([]any{w.match}, w.args...)
}

// among is a condition on one kind k: quick to ask of many.
func (w *kindQuery) among() (cond string, args []any) {
	if w.match == "" {
		return w.String(), w.args
	}
	return "k.id IN (SELECT rowid FROM kind_text WHERE kind_text MATCH ?) AND " + w.String(), append([]any{w.match}, w.args...)
}

const manyKinds = 1000

// kindSet is the kinds that a query asks for.
type kindSet struct {
	ids  []int64
	nums []int64 // of their incidents
	high []int64
	held int64
	low  int64 // Seq of the first alert of any
	last int64
	all  bool // false: there are more
}

func kindsOf(ctx context.Context, tx *sql.Tx, w *kindQuery) (set kindSet, err error) {
	set.low, set.last = math.MaxInt64, -1
	from, args := w.from()
	err = each(ctx, tx, func(scan func(...any) error) error {
		var id, num, held, low, high int64
		if err := scan(&id, &num, &held, &low, &high); err != nil {
			return err
		}
		set.ids, set.nums, set.high = append(set.ids, id), append(set.nums, num), append(set.high, high)
		set.held += held
		set.low, set.last = min(set.low, low), max(set.last, high)
		return nil
	}, "SELECT k.id, k.incident, k.held, k.low, k.high FROM "+from+" LIMIT ?", append(args, manyKinds+1)...)
	set.all = len(set.ids) <= manyKinds
	return set, err
}

const incidentFields = `i.num, i.id, i.headline, i.class, i.severity, i.rank, i.kinds, i.count, i.repeats, i.first, i.last,
	i.hosts, i.rules, i.stages, i.changed, i.status, i.finding, i.by, i.why, i.at, i.since`

func scanIncident(scan func(...any) error) (in store.Incident, num, last int64, err error) {
	var first, changed, at int64
	var hosts, rules, stages string
	h := &in.Handling
	if err := scan(&num, &in.ID, &in.Headline, &in.Class, &in.Severity, &in.Rank, &in.Kinds, &in.Count, &in.Repeats, &first, &last,
		&hosts, &rules, &stages, &changed, &h.Status, &h.Finding, &h.By, &h.Why, &at, &h.Since); err != nil {
		return in, 0, 0, err
	}
	in.First, in.Last, in.Changed, h.At = moment(first), moment(last), moment(changed), moment(at)
	for _, l := range []struct {
		to   *[]string
		text string
	}{{&in.Hosts, hosts}, {&in.Rules, rules}, {&in.Stages, stages}} {
		if *l.to, err = strings2(l.text); err != nil {
			return in, 0, 0, fmt.Errorf("incident %q: %w", in.ID, err)
		}
	}
	return in, num, last, nil
}

func strings2(text string) (list []string, err error) {
	if text == "[]" {
		return nil, nil
	}
	err = json.Unmarshal([]byte(text), &list)
	return list, err
}

// Incidents implements store.Store.
func (s *Store) Incidents(ctx context.Context, q store.Query) (page store.Page[store.Incident], err error) {
	limit := pageSize(q.Limit)
	var w where
	w.and("i.into_id IS NULL")
	in(&w, "i.class", q.Classes)
	in(&w, "i.severity", q.Severities)
	in(&w, "i.status", q.Statuses)
	if !q.Since.IsZero() {
		w.and("i.last >= ?", nanos(q.Since))
	}
	if !q.Until.IsZero() {
		w.and("i.first < ?", nanos(q.Until))
	}
	order := "i.rank DESC, i.last DESC, i.num DESC"
	if q.OldestFirst {
		order = "i.num"
	}
	if q.After != "" {
		if q.OldestFirst {
			keys, err := parseCursor(q.After, byNum, 1)
			if err != nil {
				return page, err
			}
			w.and("i.num > ?", keys[0])
		} else {
			keys, err := parseCursor(q.After, byRank, 3)
			if err != nil {
				return page, err
			}
			w.and("(i.rank, i.last, i.num) < (?, ?, ?)", keys[0], keys[1], keys[2])
		}
	}
	kw, asked, ok := kindQueryOf(&q)
	if !ok {
		return page, nil
	}
	err = s.view(ctx, "incidents", func(tx *sql.Tx) error {
		if q.Incident != "" {
			num, _, err := resolve(ctx, tx, q.Incident)
			if err != nil {
				return none404(err)
			}
			w.and("i.num = ?", num)
		}
		if asked {
			set, err := kindsOf(ctx, tx, &kw)
			if err != nil || len(set.ids) == 0 {
				return err
			}
			if set.all {
				slices.Sort(set.nums)
				w.and("i.num IN (SELECT value FROM json_each(?))", list2json(slices.Compact(set.nums)))
			} else {
				// So many that the worst incidents soon have some.
				cond, args := kw.among()
				w.and("EXISTS (SELECT 1 FROM kind k INDEXED BY kind_incident WHERE k.incident = i.num AND "+cond+")", args...)
			}
		}
		var num, last int64
		return each(ctx, tx, func(scan func(...any) error) error {
			if len(page.Items) == limit {
				end := page.Items[limit-1]
				if q.OldestFirst {
					page.Next = cursor(byNum, num)
				} else {
					page.Next = cursor(byRank, int64(end.Rank), last, num)
				}
				return nil
			}
			var item store.Incident
			item, num, last, err = scanIncident(scan)
			page.Items = append(page.Items, item)
			return err
		}, "SELECT "+incidentFields+" FROM incident i WHERE "+w.String()+" ORDER BY "+order+" LIMIT ?", append(w.args, limit+1)...)
	})
	return page, err
}

// none404 makes an incident that is not there an empty page.
func none404(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// Incident implements store.Store.
func (s *Store) Incident(ctx context.Context, id string) (in store.Incident, kinds []store.Kind, err error) {
	err = s.view(ctx, "incident", func(tx *sql.Tx) error {
		num, _, err := resolve(ctx, tx, id)
		if err != nil {
			return err
		}
		if in, _, _, err = scanIncident(tx.QueryRowContext(ctx, "SELECT "+incidentFields+" FROM incident i WHERE i.num = ?", num).Scan); err != nil {
			return err
		}
		var total int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM kind WHERE incident = ?", num).Scan(&total); err != nil {
			return err
		}
		if kinds, err = readKinds(ctx, tx, "k.incident = ? ORDER BY k.first_seq, k.id LIMIT ?", num, store.MaxKinds); err != nil {
			return err
		}
		if total > len(kinds) {
			return fmt.Errorf("incident %q: %w: %d of its %d kinds", in.ID, store.ErrCut, len(kinds), total)
		}
		return nil
	})
	return in, kinds, err
}

func readKinds(ctx context.Context, tx *sql.Tx, cond string, args ...any) (kinds []store.Kind, err error) {
	err = each(ctx, tx, func(scan func(...any) error) error {
		var k store.Kind
		var id, first, last, firstSeq int64
		if err := scan(&id, &k.Incident, &k.Key, &k.Rule, &k.Source, &k.Priority, &k.Host, &k.Container, &k.Class, &k.Severity,
			&k.Count, &k.Repeats, &first, &last, &firstSeq, &k.State, &k.Searchable); err != nil {
			return err
		}
		k.ID, k.First, k.Last, k.FirstSeq = uint64(id), moment(first), moment(last), uint64(firstSeq)
		kinds = append(kinds, k)
		return nil
	}, `SELECT k.id, i.id, b.key, k.rule, b.source, b.priority, k.host, k.container, k.class, k.severity,
			k.count, k.repeats, k.first, k.last, k.first_seq, b.state, b.searchable
		FROM kind k JOIN incident i ON i.num = k.incident JOIN body b ON b.kind = k.id WHERE `+cond, args...)
	return kinds, err
}

// Kinds implements store.Store: those that are there, in the order of ids.
func (s *Store) Kinds(ctx context.Context, ids []uint64) (kinds []store.Kind, err error) {
	signed := make([]int64, len(ids))
	for i, id := range ids {
		signed[i] = int64(id)
	}
	err = s.view(ctx, "kinds", func(tx *sql.Tx) error {
		kinds, err = readKinds(ctx, tx, "k.id IN (SELECT value FROM json_each(?))", list2json(signed))
		return err
	})
	place := map[uint64]int{}
	for i, id := range ids {
		if _, ok := place[id]; !ok {
			place[id] = i
		}
	}
	slices.SortFunc(kinds, func(a, b store.Kind) int { return cmp.Compare(place[a.ID], place[b.ID]) })
	return kinds, err
}

// Live implements store.Store.
func (s *Store) Live(ctx context.Context, since time.Time) (list []store.Incident, kinds []store.Kind, err error) {
	err = s.view(ctx, "live", func(tx *sql.Tx) error {
		var nums []int64
		left, total, held := store.MaxLive, 0, 0
		err := each(ctx, tx, func(scan func(...any) error) error {
			var num int64
			var n int
			if err := scan(&num, &n); err != nil {
				return err
			}
			total++
			held += n
			if n > left || total > len(nums)+1 {
				return nil
			}
			left -= n
			nums = append(nums, num)
			return nil
		}, `SELECT i.num, (SELECT count(*) FROM kind k WHERE k.incident = i.num) FROM incident i
			WHERE i.into_id IS NULL AND i.last >= ? ORDER BY i.last DESC, i.num DESC`, nanos(since))
		if err != nil {
			return err
		}
		set := list2json(nums)
		if err := each(ctx, tx, func(scan func(...any) error) error {
			in, _, _, err := scanIncident(scan)
			list = append(list, in)
			return err
		}, "SELECT "+incidentFields+" FROM incident i WHERE i.num IN (SELECT value FROM json_each(?)) ORDER BY i.last DESC, i.num DESC", set); err != nil {
			return err
		}
		if kinds, err = readKinds(ctx, tx, "k.incident IN (SELECT value FROM json_each(?)) ORDER BY k.first_seq, k.id", set); err != nil {
			return err
		}
		if total > len(nums) {
			return fmt.Errorf("%w: %d of %d incidents, with %d of %d kinds", store.ErrCut, len(nums), total, len(kinds), held)
		}
		return nil
	})
	return list, kinds, err
}

// Stats implements store.Store.
func (s *Store) Stats(ctx context.Context) (st store.Stats, err error) {
	err = s.view(ctx, "stats", func(tx *sql.Tx) error {
		var next int64
		oldest := sql.NullInt64{}
		if err := tx.QueryRowContext(ctx, `SELECT next, alerts, removed, dead_removed, (SELECT count(*) FROM kind),
				(SELECT count(*) FROM incident WHERE into_id IS NULL), (SELECT count(*) FROM dead_letter),
				(SELECT received FROM alert ORDER BY seq LIMIT 1) FROM meta`).
			Scan(&next, &st.Alerts, &st.Removed, &st.DeadLettersRemoved, &st.Kinds, &st.Incidents, &st.DeadLetters, &oldest); err != nil {
			return err
		}
		st.Next = uint64(next)
		if oldest.Valid {
			st.Oldest = moment(oldest.Int64)
		}
		return nil
	})
	for _, suffix := range []string{"", "-wal"} {
		if info, statErr := os.Stat(s.path + suffix); statErr == nil {
			st.Bytes += info.Size()
		}
	}
	return st, err
}
