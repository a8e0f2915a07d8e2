// Package source opens what alerts are read from.
package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Stdin is the name that stands for standard input.
const Stdin = "-"

// File is an opened input.
type File struct {
	io.ReadCloser
	Name string // as it is named in reports
	Size int64  // in bytes; 0 when unknown
}

// Open opens a file, or standard input for "-". Errors say what is wrong in
// the user's words: a directory, no permission, no such file.
func Open(name string, stdin io.Reader) (*File, error) {
	if name == Stdin {
		return &File{ReadCloser: io.NopCloser(stdin), Name: "stdin"}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, describe(name, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, describe(name, err)
	}
	if info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("%s: is a directory; name the files in it", name)
	}
	return &File{ReadCloser: f, Name: name, Size: info.Size()}, nil
}

func describe(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such file", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: not readable: permission denied", name)
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return fmt.Errorf("%s: %w", name, errno)
	}
	return fmt.Errorf("%s: %w", name, err)
}
