//go:build !unix

package journal

import (
	"errors"
	"fmt"
	"os"
)

func lockDir(dir string) (*os.File, error) {
	return nil, fmt.Errorf("a journal needs a Unix system: %w", errors.ErrUnsupported)
}

func syncDir(string) error { return errors.ErrUnsupported }

func noSpace(error) bool { return false }
