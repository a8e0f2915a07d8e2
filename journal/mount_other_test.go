//go:build !linux

package journal

import "errors"

func mountTmpfs(dir, options string) error { return errors.ErrUnsupported }

func unmount(dir string) error { return errors.ErrUnsupported }
