package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"
)

const (
	// step is how many alerts (or dead letters) one transaction of
	// Retain looks at, so that nobody waits for it long.
	step = 2000
	// stepKinds is smaller, as each kind has its full text to remove.
	stepKinds = 500
	// grace is how long a kind stays without alerts, as Live may go on with it.
	grace = 24 * time.Hour
)

// Retain implements store.Store.
func (s *Store) Retain(ctx context.Context, now time.Time, maxAge time.Duration, maxBytes int64) (removed int64, err error) {
	quiet := now.Add(-grace)
	if maxAge > 0 {
		soft, hard := now.Add(-maxAge), now.Add(-2*maxAge)
		if soft.After(quiet) {
			quiet = soft
		}
		n, err := s.byAge(ctx, nanos(soft), nanos(hard))
		removed += n
		if err != nil {
			return removed, err
		}
		if err := s.oldLetters(ctx, nanos(soft)); err != nil {
			return removed, err
		}
	}
	if err := s.empties(ctx, nanos(quiet)); err != nil {
		return removed, err
	}
	if maxBytes > 0 {
		n, err := s.bySize(ctx, maxBytes, nanos(quiet))
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, s.shrink(ctx)
}

// byAge removes the alerts received before soft whose incident is closed (or
// that are in none), and all received before hard.
func (s *Store) byAge(ctx context.Context, soft, hard int64) (removed int64, err error) {
	for after, more := int64(0), true; more; {
		var count int64
		err := s.begin(ctx, "retain", func(tx *sql.Tx) error {
			more, count = false, 0
			var ids []int64
			seen := 0
			if err := each(ctx, tx, func(scan func(...any) error) error {
				var id int64
				var n int
				if err := scan(&id, &n); err != nil {
					return err
				}
				if more = seen > step; !more {
					ids = append(ids, id)
					seen += n
				}
				return nil
			}, "SELECT id, alerts FROM block WHERE id > ? AND first_received < ? ORDER BY id LIMIT ?", after, soft, step); err != nil {
				return err
			}
			for _, id := range ids {
				n, err := s.thin(ctx, tx, id, func(r *row, open bool) bool {
					return r.received < hard || r.received < soft && !open
				})
				if err != nil {
					return err
				}
				count += n
				after = id
			}
			more = more || len(ids) == step
			return countRemoved(ctx, tx, count)
		})
		if err != nil {
			return removed, err
		}
		removed += count
	}
	return removed, nil
}

func countRemoved(ctx context.Context, tx *sql.Tx, n int64) error {
	_, err := tx.ExecContext(ctx, "UPDATE meta SET removed = removed + ?", n)
	return err
}

// thin removes alerts from a block; what stays of it is packed anew when that
// is less than half.
func (s *Store) thin(ctx context.Context, tx *sql.Tx, block int64, goes func(r *row, open bool) bool) (int64, error) {
	var from, to int64
	var size int
	if err := tx.QueryRowContext(ctx, "SELECT first_seq, last_seq, size FROM block WHERE id = ?", block).Scan(&from, &to, &size); err != nil {
		return 0, err
	}
	var stay []row
	var gone []int64
	kept := 0
	lost := map[int64]int{}
	if err := each(ctx, tx, func(scan func(...any) error) error {
		var r row
		var open bool
		if err := scan(&r.seq, &r.at, &r.received, &r.kind, &r.repeat, &r.block, &r.start, &r.length, &open); err != nil {
			return err
		}
		if !goes(&r, open) {
			stay = append(stay, r)
			kept += r.length
			return nil
		}
		gone = append(gone, r.seq)
		lost[r.kind]++
		return nil
	}, "SELECT "+rowFields+`, coalesce(i.status <> 'closed', 0) FROM alert a LEFT JOIN kind k ON k.id = a.kind LEFT JOIN incident i ON i.num = k.incident
		WHERE a.seq BETWEEN ? AND ? AND a.block = ? ORDER BY a.seq`, from, to, block); err != nil || len(gone) == 0 && len(stay) > 0 {
		return 0, err
	}
	run := func(query string, args ...any) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}
	if err := run("DELETE FROM alert WHERE seq IN (SELECT value FROM json_each(?))", list2json(gone)); err != nil {
		return 0, err
	}
	for kind, n := range lost {
		if err := run("UPDATE kind SET held = held - ? WHERE id = ?", n, kind); err != nil {
			return 0, err
		}
	}
	n := int64(len(gone))
	if err := run("UPDATE meta SET alerts = alerts - ?", n); err != nil {
		return 0, err
	}
	if len(stay) > 0 && kept >= size/2 {
		return n, run("UPDATE block SET alerts = ? WHERE id = ?", len(stay), block)
	}
	if len(stay) > 0 {
		if err := s.repack(ctx, tx, stay); err != nil {
			return 0, err
		}
	}
	return n, run("DELETE FROM block WHERE id = ?", block)
}

// Rewind implements store.Store.
func (s *Store) Rewind(ctx context.Context, seq uint64) error {
	from := int64(min(seq, math.MaxInt64))
	return s.begin(ctx, "rewind", func(tx *sql.Tx) error {
		for _, query := range []string{
			// They will be counted again when they come again.
			`UPDATE incident SET since = max(0, since - (SELECT count(*) FROM alert a JOIN kind k ON k.id = a.kind
				WHERE a.seq >= ? AND k.incident = incident.num AND NOT a.repeat AND a.received >= incident.at)) WHERE status = 'closed' AND since > 0`,
			"UPDATE meta SET next = min(next, ?)",
		} {
			if _, err := tx.ExecContext(ctx, query, from); err != nil {
				return err
			}
		}
		var blocks []int64
		if err := each(ctx, tx, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			blocks = append(blocks, id)
			return err
		}, "SELECT id FROM block WHERE last_seq >= ?", from); err != nil {
			return err
		}
		for _, id := range blocks {
			if _, err := s.thin(ctx, tx, id, func(r *row, _ bool) bool { return r.seq >= from }); err != nil {
				return err
			}
		}
		// A kind that has older alerts all the same is needed for them.
		const begun = "(SELECT id FROM kind WHERE first_seq >= ? AND held = 0)"
		for _, query := range []string{
			"DELETE FROM kind_text WHERE rowid IN " + begun,
			"DELETE FROM body WHERE kind IN " + begun,
			"DELETE FROM kind WHERE first_seq >= ? AND held = 0",
		} {
			if _, err := tx.ExecContext(ctx, query, from); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "UPDATE kind SET high = min(high, ? - 1) WHERE high >= ?", from, from)
		return err
	})
}

// repack puts the alerts of one block into a new one.
func (s *Store) repack(ctx context.Context, tx *sql.Tx, rows []row) error {
	alerts, err := s.raw(ctx, tx, rows)
	if err != nil {
		return err
	}
	h := blockHead{first: rows[0].seq, firstTime: math.MaxInt64, lastTime: math.MinInt64, firstReceived: math.MaxInt64}
	var raw []byte
	starts := make([]int, len(rows))
	for i, r := range rows {
		h.add(r.seq, r.at, r.received)
		starts[i] = len(raw)
		raw = append(raw, alerts[i].Raw...)
	}
	id, err := s.putBlock(ctx, tx, h, raw)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if _, err := tx.ExecContext(ctx, "UPDATE alert SET block = ?, start = ? WHERE seq = ?", id, starts[i], r.seq); err != nil {
			return err
		}
	}
	return nil
}

// empties removes the kinds that have no alert left and were last seen before
// quiet, and the incidents that have no kind left.
func (s *Store) empties(ctx context.Context, quiet int64) error {
	for more := true; more; {
		err := s.begin(ctx, "retain", func(tx *sql.Tx) error {
			var ids, nums []int64
			if err := each(ctx, tx, func(scan func(...any) error) error {
				var id, num int64
				err := scan(&id, &num)
				ids, nums = append(ids, id), append(nums, num)
				return err
			}, "SELECT id, incident FROM kind WHERE held = 0 AND seen < ? LIMIT ?", quiet, stepKinds); err != nil {
				return err
			}
			more = len(ids) == stepKinds
			if len(ids) == 0 {
				return nil
			}
			for _, query := range []string{
				"DELETE FROM kind_text WHERE rowid IN (SELECT value FROM json_each(?))",
				"DELETE FROM body WHERE kind IN (SELECT value FROM json_each(?))",
				"DELETE FROM kind WHERE id IN (SELECT value FROM json_each(?))",
			} {
				if _, err := tx.ExecContext(ctx, query, list2json(ids)); err != nil {
					return err
				}
			}
			// With an incident go those that were merged into it.
			_, err := tx.ExecContext(ctx, `WITH RECURSIVE gone (id) AS (
					SELECT i.id FROM incident i WHERE i.num IN (SELECT value FROM json_each(?)) AND i.into_id IS NULL
						AND NOT EXISTS (SELECT 1 FROM kind k WHERE k.incident = i.num)
					UNION SELECT i.id FROM incident i JOIN gone g ON i.into_id = g.id)
				DELETE FROM incident WHERE id IN (SELECT id FROM gone)`, list2json(nums))
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.begin(ctx, "retain", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM incident WHERE into_id = '' AND changed < ?", quiet)
		return err
	})
}

// bySize removes the oldest alerts and dead letters until what is in use of the
// file is no more than maxBytes.
func (s *Store) bySize(ctx context.Context, maxBytes, quiet int64) (removed int64, err error) {
	for done := false; !done; {
		var count int64
		err := s.begin(ctx, "retain", func(tx *sql.Tx) error {
			for seen := int64(0); seen < step; {
				used, err := inUse(ctx, tx)
				if err != nil {
					return err
				}
				if done = used <= maxBytes; done {
					return nil
				}
				var block, received sql.NullInt64
				if err := tx.QueryRowContext(ctx, "SELECT id, first_received FROM block ORDER BY id LIMIT 1").Scan(&block, &received); err != nil && !errors.Is(err, sql.ErrNoRows) {
					return err
				}
				if !received.Valid {
					received.Int64 = math.MaxInt64
				}
				n, err := dropLetters(ctx, tx, received.Int64, 50)
				if err != nil {
					return err
				}
				if n > 0 {
					seen += n
					continue
				}
				if done = !block.Valid; done {
					return nil
				}
				if n, err = s.thin(ctx, tx, block.Int64, func(*row, bool) bool { return true }); err != nil {
					return err
				}
				if err := countRemoved(ctx, tx, n); err != nil {
					return err
				}
				count += n
				seen += n + 1
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
		removed += count
		if err := s.empties(ctx, quiet); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (s *Store) oldLetters(ctx context.Context, before int64) error {
	for n := int64(step); n == step; {
		err := s.begin(ctx, "retain", func(tx *sql.Tx) (err error) {
			n, err = dropLetters(ctx, tx, before, step)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func dropLetters(ctx context.Context, tx *sql.Tx, before int64, limit int) (int64, error) {
	r, err := tx.ExecContext(ctx, "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter ORDER BY id LIMIT ?) AND received < ?", limit, before)
	if err != nil {
		return 0, err
	}
	n, err := r.RowsAffected()
	if err == nil && n > 0 {
		_, err = tx.ExecContext(ctx, "UPDATE meta SET dead_removed = dead_removed + ?", n)
	}
	return n, err
}

// inUse is how many bytes of the file hold something.
func inUse(ctx context.Context, tx *sql.Tx) (int64, error) {
	var pages, free, size int64
	for _, p := range []struct {
		to    *int64
		query string
	}{{&pages, "PRAGMA page_count"}, {&free, "PRAGMA freelist_count"}, {&size, "PRAGMA page_size"}} {
		if err := tx.QueryRowContext(ctx, p.query).Scan(p.to); err != nil {
			return 0, err
		}
	}
	return (pages - free) * size, nil
}

// shrink gives free pages back to the system, save for a few that the next
// batches take.
func (s *Store) shrink(ctx context.Context) error {
	for {
		var free, pages int64
		if err := s.view(ctx, "retain", func(tx *sql.Tx) error {
			if err := tx.QueryRowContext(ctx, "PRAGMA freelist_count").Scan(&free); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages)
		}); err != nil {
			return err
		}
		if free <= max(step, pages/50) {
			return nil
		}
		before := free
		rows, err := s.write.QueryContext(ctx, "PRAGMA incremental_vacuum(2000)")
		if err != nil {
			return s.wrap("retain", err)
		}
		// It gives one page back a row.
		for rows.Next() {
			free--
		}
		err = rows.Err()
		rows.Close()
		if err != nil {
			return s.wrap("retain", err)
		}
		if free == before {
			return nil
		}
	}
}
