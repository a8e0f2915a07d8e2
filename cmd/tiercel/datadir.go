package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tiercel/tiercel/store/sqlite"
)

// dataFlags say where everything is kept.
type dataFlags struct {
	Data string `placeholder:"DIR" help:"Where everything is kept; if not given, /var/lib/tiercel if it is there, else ~/.local/state/tiercel."`
}

const systemData = "/var/lib/tiercel"

// dir returns the directory with everything; it sets Data.
func (d *dataFlags) dir() (string, error) {
	if d.Data == "" {
		if fi, err := os.Stat(systemData); err == nil && fi.IsDir() {
			d.Data = systemData
		} else {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("--data is needed: %w", err)
			}
			d.Data = filepath.Join(cmp.Or(os.Getenv("XDG_STATE_HOME"), filepath.Join(home, ".local", "state")), "tiercel")
		}
	}
	dir, err := filepath.Abs(d.Data)
	if err != nil {
		return "", fmt.Errorf("--data: %w", err)
	}
	d.Data = dir
	return dir, nil
}

// storePath is the store's file.
func (d *dataFlags) storePath() (string, error) {
	dir, err := d.dir()
	return filepath.Join(dir, "tiercel.db"), err
}

// open opens the store.
func (d *dataFlags) open(ctx context.Context) (*sqlite.Store, error) {
	path, err := d.storePath()
	if err != nil {
		return nil, usageError{err}
	}
	if err := becomeOwner(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, path)
}

// openOld is open for a store that is there.
func (d *dataFlags) openOld(ctx context.Context) (*sqlite.Store, error) {
	path, err := d.storePath()
	if err != nil {
		return nil, usageError{err}
	}
	if _, err := os.Stat(path); err != nil {
		return nil, usageError{fmt.Errorf("no store there: %w; --data says where", err)}
	}
	return d.open(ctx)
}

// becomeOwner makes root the owner of dir, for good: files that root makes in
// it could not be opened by the server.
func becomeOwner(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	fi, err := os.Stat(dir)
	if err != nil {
		return nil //nolint:nilerr // it is not there yet: who makes it owns it
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 {
		return nil
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(int(st.Gid)), syscall.Setuid(int(st.Uid))); err != nil {
		return fmt.Errorf("%s belongs to user %d, whom root cannot become: %w", dir, st.Uid, err)
	}
	return nil
}
