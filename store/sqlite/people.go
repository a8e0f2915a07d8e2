package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tiercel/tiercel/store"
)

// Handle implements store.Store.
func (s *Store) Handle(ctx context.Context, incident string, h store.Handling) error {
	switch {
	case h.Status != store.Open && h.Status != store.Handled && h.Status != store.Closed:
		return s.wrap("handle", fmt.Errorf("status %q is none of open, handled, closed", h.Status))
	case h.Status == store.Closed && h.Finding == "":
		return s.wrap("handle", errors.New("closed without a finding"))
	case h.Status != store.Closed && h.Finding != "":
		return s.wrap("handle", fmt.Errorf("a finding (%s) and not closed", h.Finding))
	}
	if h.At.IsZero() {
		h.At = s.now()
	}
	return s.begin(ctx, "handle", func(tx *sql.Tx) error {
		num, id, err := resolve(ctx, tx, incident)
		if err != nil {
			return err
		}
		var before store.Status
		if err := tx.QueryRowContext(ctx, "SELECT status FROM incident WHERE num = ?", num).Scan(&before); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE incident SET status = ?, finding = ?, by = ?, why = ?, at = ?, since = 0, closed_rank = rank
			WHERE num = ?`, h.Status, h.Finding, h.By, h.Why, nanos(h.At), num); err != nil {
			return err
		}
		e := store.AuditEntry{At: h.At, Who: h.By, What: string(h.Status), Object: id, Detail: h.Why}
		if before == store.Closed && h.Status == store.Open {
			e.What = "reopen"
		}
		if h.Finding != "" {
			e.Detail = h.Finding + ": " + h.Why
		}
		return putAudit(ctx, tx, e)
	})
}

// History implements store.Store.
func (s *Store) History(ctx context.Context, incident string) (list []store.AuditEntry, err error) {
	err = s.view(ctx, "history", func(tx *sql.Tx) error {
		_, id, err := resolve(ctx, tx, incident)
		if err != nil {
			return err
		}
		// UNION, not UNION ALL: a circle ends it.
		list, err = auditEntries(ctx, tx, `WITH RECURSIVE family (id) AS (
				SELECT ? UNION SELECT i.id FROM incident i JOIN family f ON i.into_id = f.id)
			SELECT id, at, who, what, object, detail FROM audit WHERE object IN (SELECT id FROM family) ORDER BY id`, id)
		return err
	})
	return list, err
}

func putAudit(ctx context.Context, tx *sql.Tx, e store.AuditEntry) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO audit (at, who, what, object, detail) VALUES (?, ?, ?, ?, ?)",
		nanos(e.At), e.Who, e.What, e.Object, e.Detail)
	return err
}

func auditEntries(ctx context.Context, tx *sql.Tx, query string, args ...any) (list []store.AuditEntry, err error) {
	err = each(ctx, tx, func(scan func(...any) error) error {
		var e store.AuditEntry
		var at int64
		if err := scan(&e.ID, &at, &e.Who, &e.What, &e.Object, &e.Detail); err != nil {
			return err
		}
		e.At = moment(at)
		list = append(list, e)
		return nil
	}, query, args...)
	return list, err
}

// Audit implements store.Store.
func (s *Store) Audit(ctx context.Context, e store.AuditEntry) error {
	if e.At.IsZero() {
		e.At = s.now()
	}
	return s.begin(ctx, "audit", func(tx *sql.Tx) error { return putAudit(ctx, tx, e) })
}

// AuditTrail implements store.Store.
func (s *Store) AuditTrail(ctx context.Context, after int64, limit int) (list []store.AuditEntry, err error) {
	err = s.view(ctx, "audit trail", func(tx *sql.Tx) error {
		list, err = auditEntries(ctx, tx, "SELECT id, at, who, what, object, detail FROM audit WHERE id > ? ORDER BY id LIMIT ?", after, pageSize(limit))
		return err
	})
	return list, err
}

// PutSilence implements store.Store.
func (s *Store) PutSilence(ctx context.Context, x store.Silence) (id int64, err error) {
	err = s.begin(ctx, "silence", func(tx *sql.Tx) error {
		if x.ID != 0 {
			id = x.ID
			return changed(tx.ExecContext(ctx, "UPDATE silence SET condition = ?, why = ?, until = ? WHERE id = ?",
				x.Condition, x.Why, nanos(x.Until), x.ID))
		}
		id, err = inserted(tx.ExecContext(ctx, `INSERT INTO silence (condition, why, by, created, until, ended)
			VALUES (?, ?, ?, ?, ?, ?)`, x.Condition, x.Why, x.By, nanos(x.Created), nanos(x.Until), nanos(x.Ended)))
		return err
	})
	return id, err
}

// changed is ErrNotFound when nothing was.
func changed(r sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	return err
}

func inserted(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// EndSilence implements store.Store.
func (s *Store) EndSilence(ctx context.Context, id int64, by string, at time.Time) error {
	return s.begin(ctx, "silence", func(tx *sql.Tx) error {
		var ended int64
		err := tx.QueryRowContext(ctx, "SELECT ended FROM silence WHERE id = ?", id).Scan(&ended)
		if err != nil || ended != none {
			return missing(err)
		}
		if _, err := tx.ExecContext(ctx, "UPDATE silence SET ended = ? WHERE id = ?", nanos(at), id); err != nil {
			return err
		}
		return putAudit(ctx, tx, store.AuditEntry{At: at, Who: by, What: "end silence", Object: fmt.Sprintf("silence %d", id)})
	})
}

func missing(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}

// Silences implements store.Store.
func (s *Store) Silences(ctx context.Context, ended bool) (list []store.Silence, err error) {
	err = s.view(ctx, "silences", func(tx *sql.Tx) error {
		return each(ctx, tx, func(scan func(...any) error) error {
			var x store.Silence
			var created, until, end int64
			if err := scan(&x.ID, &x.Condition, &x.Why, &x.By, &created, &until, &end); err != nil {
				return err
			}
			x.Created, x.Until, x.Ended = moment(created), moment(until), moment(end)
			list = append(list, x)
			return nil
		}, "SELECT id, condition, why, by, created, until, ended FROM silence WHERE ? OR ended = ? ORDER BY id", ended, int64(none))
	})
	return list, err
}

// PutDeadLetter implements store.Store.
func (s *Store) PutDeadLetter(ctx context.Context, d store.DeadLetter) (id int64, err error) {
	if d.Received.IsZero() {
		d.Received = s.now()
	}
	err = s.begin(ctx, "dead letter", func(tx *sql.Tx) error {
		id, err = inserted(tx.ExecContext(ctx, "INSERT INTO dead_letter (received, sender, reason, raw, replayed) VALUES (?, ?, ?, ?, ?)",
			nanos(d.Received), d.From, d.Reason, blob(d.Raw), nanos(d.Replayed)))
		return err
	})
	return id, err
}

// DeadLetters implements store.Store.
func (s *Store) DeadLetters(ctx context.Context, after int64, limit int) (list []store.DeadLetter, err error) {
	err = s.view(ctx, "dead letters", func(tx *sql.Tx) error {
		return each(ctx, tx, func(scan func(...any) error) error {
			var d store.DeadLetter
			var received, replayed int64
			if err := scan(&d.ID, &received, &d.From, &d.Reason, &d.Raw, &replayed); err != nil {
				return err
			}
			d.Received, d.Replayed = moment(received), moment(replayed)
			list = append(list, d)
			return nil
		}, "SELECT id, received, sender, reason, raw, replayed FROM dead_letter WHERE id > ? ORDER BY id LIMIT ?", after, pageSize(limit))
	})
	return list, err
}

// MarkReplayed implements store.Store.
func (s *Store) MarkReplayed(ctx context.Context, id int64, at time.Time) error {
	return s.begin(ctx, "dead letter", func(tx *sql.Tx) error {
		return changed(tx.ExecContext(ctx, "UPDATE dead_letter SET replayed = ? WHERE id = ?", nanos(at), id))
	})
}

// PutToken implements store.Store.
func (s *Store) PutToken(ctx context.Context, t store.Token) (id int64, err error) {
	if len(t.Hash) == 0 {
		return 0, s.wrap("token", errors.New("it has no hash"))
	}
	err = s.begin(ctx, "token", func(tx *sql.Tx) error {
		if t.ID != 0 {
			id = t.ID
			return changed(tx.ExecContext(ctx, "UPDATE token SET name = ?, scopes = ? WHERE id = ?", t.Name, list2json(t.Scopes), t.ID))
		}
		id, err = inserted(tx.ExecContext(ctx, "INSERT INTO token (name, hash, scopes, created, used, revoked) VALUES (?, ?, ?, ?, ?, ?)",
			t.Name, t.Hash, list2json(t.Scopes), nanos(t.Created), nanos(t.Used), nanos(t.Revoked)))
		return err
	})
	return id, err
}

const tokenColumns = "id, name, hash, scopes, created, used, revoked"

func scanToken(scan func(...any) error) (t store.Token, err error) {
	var scopes string
	var created, used, revoked int64
	if err := scan(&t.ID, &t.Name, &t.Hash, &scopes, &created, &used, &revoked); err != nil {
		return t, missing(err)
	}
	t.Created, t.Used, t.Revoked = moment(created), moment(used), moment(revoked)
	t.Scopes, err = strings2(scopes)
	return t, err
}

// TokenByHash implements store.Store.
func (s *Store) TokenByHash(ctx context.Context, hash []byte) (t store.Token, err error) {
	err = s.view(ctx, "token", func(tx *sql.Tx) error {
		t, err = scanToken(tx.QueryRowContext(ctx, "SELECT "+tokenColumns+" FROM token WHERE hash = ? AND revoked = ?", blob(hash), int64(none)).Scan)
		return err
	})
	return t, err
}

// Tokens implements store.Store.
func (s *Store) Tokens(ctx context.Context) (list []store.Token, err error) {
	err = s.view(ctx, "tokens", func(tx *sql.Tx) error {
		return each(ctx, tx, func(scan func(...any) error) error {
			t, err := scanToken(scan)
			list = append(list, t)
			return err
		}, "SELECT "+tokenColumns+" FROM token ORDER BY id")
	})
	return list, err
}

// RevokeToken implements store.Store.
func (s *Store) RevokeToken(ctx context.Context, id int64, at time.Time) error {
	return s.begin(ctx, "token", func(tx *sql.Tx) error {
		return changed(tx.ExecContext(ctx, "UPDATE token SET revoked = iif(revoked = ?, ?, revoked) WHERE id = ?", int64(none), nanos(at), id))
	})
}

// TokenUsed implements store.Store.
func (s *Store) TokenUsed(ctx context.Context, id int64, at time.Time) error {
	var used int64
	err := s.view(ctx, "token", func(tx *sql.Tx) error {
		return missing(tx.QueryRowContext(ctx, "SELECT used FROM token WHERE id = ?", id).Scan(&used))
	})
	if err != nil || used != none && at.Before(moment(used).Add(time.Minute)) {
		return err
	}
	return s.begin(ctx, "token", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE token SET used = max(used, ?) WHERE id = ?", nanos(at), id)
		return err
	})
}

// PutUser implements store.Store.
func (s *Store) PutUser(ctx context.Context, u store.User) error {
	if u.Name == "" {
		return s.wrap("user", errors.New("without a name"))
	}
	return s.begin(ctx, "user", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO user (name, password, scopes, created) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET password = excluded.password, scopes = excluded.scopes, created = excluded.created`,
			u.Name, u.Password, list2json(u.Scopes), nanos(u.Created))
		return err
	})
}

func scanUser(scan func(...any) error) (u store.User, err error) {
	var scopes string
	var created int64
	if err := scan(&u.Name, &u.Password, &scopes, &created); err != nil {
		return u, missing(err)
	}
	u.Created = moment(created)
	u.Scopes, err = strings2(scopes)
	return u, err
}

// User implements store.Store.
func (s *Store) User(ctx context.Context, name string) (u store.User, err error) {
	err = s.view(ctx, "user", func(tx *sql.Tx) error {
		u, err = scanUser(tx.QueryRowContext(ctx, "SELECT name, password, scopes, created FROM user WHERE name = ?", name).Scan)
		return err
	})
	return u, err
}

// Users implements store.Store.
func (s *Store) Users(ctx context.Context) (list []store.User, err error) {
	err = s.view(ctx, "users", func(tx *sql.Tx) error {
		return each(ctx, tx, func(scan func(...any) error) error {
			u, err := scanUser(scan)
			list = append(list, u)
			return err
		}, "SELECT name, password, scopes, created FROM user ORDER BY name")
	})
	return list, err
}

// DeleteUser implements store.Store.
func (s *Store) DeleteUser(ctx context.Context, name string) error {
	return s.begin(ctx, "user", func(tx *sql.Tx) error {
		return changed(tx.ExecContext(ctx, "DELETE FROM user WHERE name = ?", name))
	})
}
