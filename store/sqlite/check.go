package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// maxFaults bounds what one part of Check tells.
const maxFaults = 100

// invariants are queries for what must not be; each gives sentences.
var invariants = []string{
	`SELECT format('%d alerts, the first of them %d, are of kind %d, which is not there', count(*), min(seq), kind)
		FROM alert WHERE kind <> 0 AND kind NOT IN (SELECT id FROM kind) GROUP BY kind`,
	`SELECT format('kind %d says that it has %d alerts here, and has %d', k.id, k.held, n) FROM
		(SELECT id, held, (SELECT count(*) FROM alert a WHERE a.kind = kind.id) n FROM kind) k WHERE k.held <> n`,
	`SELECT format('kind %d is of an incident that is not there', id) FROM kind WHERE incident NOT IN (SELECT num FROM incident)`,
	`SELECT format('kind %d is of incident %s, which is gone', k.id, i.id) FROM kind k JOIN incident i ON i.num = k.incident WHERE i.into_id IS NOT NULL`,
	`SELECT format('kind %d has no text', id) FROM kind WHERE id NOT IN (SELECT kind FROM body)`,
	`SELECT format('text of kind %d, which is not there', kind) FROM body WHERE kind NOT IN (SELECT id FROM kind)`,
	`SELECT format('the full text of kind %d is missing', kind) FROM body WHERE searchable <> '' AND kind NOT IN (SELECT rowid FROM kind_text)`,
	`SELECT format('full text of kind %d, which has none', rowid) FROM kind_text WHERE rowid NOT IN (SELECT kind FROM body WHERE searchable <> '')`,
	`SELECT format('incident %s was merged into %s, which is not there', id, into_id) FROM incident
		WHERE into_id <> '' AND into_id NOT IN (SELECT id FROM incident)`,
	`SELECT format('block %d says that it has %d alerts, and has %d', b.id, b.alerts, coalesce(a.n, 0)) FROM block b
		LEFT JOIN (SELECT block, count(*) n FROM alert GROUP BY block) a ON a.block = b.id WHERE b.alerts <> coalesce(a.n, 0)`,
	`SELECT format('%d alerts, the first of them %d, are in block %d, which is not there', count(*), min(seq), block)
		FROM alert WHERE block NOT IN (SELECT id FROM block) GROUP BY block`,
	`SELECT format('alert %d lies outside its block %d', a.seq, b.id) FROM alert a JOIN block b ON b.id = a.block
		WHERE a.start < 0 OR a.length < 0 OR a.start + a.length > b.size OR a.seq NOT BETWEEN b.first_seq AND b.last_seq`,
	`SELECT format('%d alerts are counted, and %d are there', alerts, n) FROM meta, (SELECT count(*) n FROM alert) WHERE alerts <> n`,
}

// Check implements store.Store. It reads the whole file; writing goes on
// meanwhile, and what is checked is of one moment.
func (s *Store) Check(ctx context.Context) []error {
	var faults []error
	err := s.view(ctx, "check", func(tx *sql.Tx) error {
		for _, query := range append([]string{"PRAGMA integrity_check(100)"}, invariants...) {
			n := 0
			err := each(ctx, tx, func(scan func(...any) error) error {
				var text string
				if err := scan(&text); err != nil {
					return err
				}
				if text == "ok" {
					return nil
				}
				if n++; n <= maxFaults {
					faults = append(faults, fmt.Errorf("store %s: %s", s.path, text))
				}
				return nil
			}, query)
			if n > maxFaults {
				faults = append(faults, fmt.Errorf("store %s: and %d more of these", s.path, n-maxFaults))
			}
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				faults = append(faults, s.wrap("check", err))
			}
		}
		return s.checkBlocks(ctx, tx, &faults)
	})
	if err != nil {
		faults = append(faults, err)
	}
	return faults
}

// checkBlocks unpacks every block; each has a checksum.
func (s *Store) checkBlocks(ctx context.Context, tx *sql.Tx, faults *[]error) error {
	var buffer []byte
	n := 0
	err := each(ctx, tx, func(scan func(...any) error) error {
		var id int64
		var size int
		var data []byte
		if err := scan(&id, &size, &data); err != nil {
			return err
		}
		var err error
		buffer, err = s.dec.DecodeAll(data, buffer[:0])
		if err == nil && len(buffer) != size {
			err = fmt.Errorf("it has %d bytes and says %d", len(buffer), size)
		}
		if err == nil {
			return nil
		}
		if n++; n <= maxFaults {
			*faults = append(*faults, fmt.Errorf("store %s: block %d cannot be unpacked: %w", s.path, id, err))
		}
		return nil
	}, "SELECT id, size, data FROM block")
	if n > maxFaults {
		*faults = append(*faults, fmt.Errorf("store %s: and %d more blocks", s.path, n-maxFaults))
	}
	return errors.Join(err, ctx.Err())
}
