package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/sqlite"
)

type storeCmd struct {
	Check   storeCheckCmd   `cmd:"" help:"Check the whole store; a server may use it meanwhile."`
	Backup  storeBackupCmd  `cmd:"" help:"Write a copy of the store; a server may use it meanwhile."`
	Restore storeRestoreCmd `cmd:"" help:"Put a backup in the place of the store."`
}

type storeCheckCmd struct{ dataFlags }

// Help shows an example.
func (storeCheckCmd) Help() string {
	return "Exits with 1 when something is wrong.\n\nExample: tiercel store check --data /var/lib/tiercel"
}

// Run checks the store.
func (c *storeCheckCmd) Run(ctx context.Context, t terminal) error {
	st, err := c.openOld(ctx)
	if errors.Is(err, store.ErrDamaged) {
		fmt.Fprintln(t.out, printable(err.Error()))
		return exitCode(exitFindings)
	}
	if err != nil {
		return err
	}
	defer st.Close()
	wrong := st.Check(ctx)
	for _, w := range wrong {
		fmt.Fprintln(t.out, printable(w.Error()))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(wrong) > 0 {
		return exitCode(exitFindings)
	}
	stats, err := st.Stats(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is sound: %d alerts, %d kinds, %d incidents, %d bytes.\n", c.Data, stats.Alerts, stats.Kinds, stats.Incidents, stats.Bytes)
	return err
}

type storeBackupCmd struct {
	dataFlags
	File string `arg:"" help:"Where to; - is standard output. A file that is there is not overwritten."`
}

// Help shows an example.
func (storeBackupCmd) Help() string {
	return `What the journal holds and is not analysed yet is not in it.

Example: tiercel store backup tiercel-$(date +%F).db`
}

// Run writes a backup.
func (c *storeBackupCmd) Run(ctx context.Context, t terminal) (err error) {
	if c.File == "-" {
		st, err := c.openOld(ctx)
		if err != nil {
			return err
		}
		defer st.Close()
		return st.Backup(ctx, t.out)
	}
	// Opened before root becomes the store's owner, who need not be able to.
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return usageError{err}
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(c.File))
		}
	}()
	st, err := c.openOld(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.Backup(ctx, f); err != nil {
		return err
	}
	return f.Sync()
}

type storeRestoreCmd struct {
	dataFlags
	File string `arg:"" help:"The backup; - is standard input."`
}

// Help shows an example.
func (storeRestoreCmd) Help() string {
	return `The server has to be stopped. The store that was there is kept beside it.

Example: tiercel store restore tiercel-2026-11-24.db`
}

// Run restores a backup.
func (c *storeRestoreCmd) Run(ctx context.Context, t terminal) error {
	path, err := c.storePath()
	if err != nil {
		return usageError{err}
	}
	in := t.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		in = f
	}
	if err := becomeOwner(filepath.Dir(path)); err != nil {
		return err
	}
	kept, err := sqlite.Restore(ctx, path, in)
	if err != nil {
		return err
	}
	if kept != "" {
		fmt.Fprintf(t.out, "The store that was there is now %s.\n", kept)
	}
	_, err = fmt.Fprintf(t.out, "%s is restored.\n", path)
	return err
}
