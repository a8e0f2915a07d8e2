//go:build unix

package sqlite

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// noRoom reports whether a folder's file system has next to no room left.
func noRoom(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && float64(st.Bavail)*float64(st.Bsize) < 1<<20
}
