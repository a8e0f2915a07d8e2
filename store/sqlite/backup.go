package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/tiercel/tiercel/store"
)

// Backup implements store.Store. The copy is made beside the file first, so
// there has to be room for it.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp(filepath.Dir(s.path), ".backup-")
	if err != nil {
		return s.wrap("backup", err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "copy")
	// A connection of its own: it takes long, and readers have better to do.
	db, err := sql.Open("sqlite", dsn(s.path, "&_pragma=busy_timeout(10000)"))
	if err != nil {
		return s.wrap("backup", err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", name); err != nil {
		return s.wrap("backup", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return s.wrap("backup", err)
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("store %s: backup: %w", s.path, full(err))
	}
	return nil
}

// Restore puts the backup that r gives in the place of the file at path, after
// it was checked; an older one gets the schema of today. It fails when the
// store is in use. The file that was there is kept, and its new name returned
// ("" when there was none).
func Restore(ctx context.Context, path string, r io.Reader) (kept string, err error) {
	fail := func(err error) (string, error) {
		return kept, fmt.Errorf("restore %s: %w", path, full(err))
	}
	if path, err = filepath.Abs(path); err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fail(err)
	}
	lock := flock.New(path + ".lock")
	ok, err := lock.TryLock()
	if err != nil {
		return fail(err)
	}
	if !ok {
		return fail(errors.New("the store is in use; stop the Tiercel that has it open"))
	}
	defer lock.Close()
	dir, err := os.MkdirTemp(filepath.Dir(path), ".restore-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "backup")
	if err := receive(name, r); err != nil {
		return fail(err)
	}
	if err := checked(ctx, name); err != nil {
		return fail(fmt.Errorf("the backup is not used: %w", err))
	}
	if kept, err = putAside(ctx, path); err != nil {
		return fail(err)
	}
	if err := os.Rename(name, path); err != nil {
		return fail(err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fail(err)
	}
	return kept, nil
}

func receive(name string, r io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(f, r)
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the backup is empty")
	}
	return f.Sync()
}

// checked opens a backup, with which its schema is brought up to date, and
// checks it.
func checked(ctx context.Context, name string) error {
	s, err := Open(ctx, name)
	if err != nil {
		return err
	}
	faults := s.Check(ctx)
	if err := s.Close(); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %w", store.ErrDamaged, errors.Join(faults...))
	}
	return nil
}

// putAside gives what is at path another name. The log beside it belongs to it:
// SQLite would play it into whatever file lies there next.
func putAside(ctx context.Context, path string) (string, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", errors.Join(removeIfThere(path+"-wal"), removeIfThere(path+"-shm"))
	}
	kept := path + ".before-restore-" + time.Now().UTC().Format("20060102T150405.000000000")
	// With a link there is never a moment without a file at path.
	if os.Link(path, kept) != nil {
		if err := os.Rename(path, kept); err != nil {
			return "", err
		}
	}
	if err := os.Rename(path+"-wal", kept+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return kept, errors.Join(removeIfThere(path+"-shm"), syncDir(filepath.Dir(path)), ctx.Err())
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
