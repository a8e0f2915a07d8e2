package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/renameio/v2"

	"github.com/tiercel/tiercel/incident"
)

// readMemory reads what earlier runs remembered; there may have been none.
func readMemory(file string) (*incident.Memory, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return incident.NewMemory(), nil
	}
	if err != nil {
		return nil, err
	}
	m, err := incident.ReadMemory(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// writeMemory replaces the file as a whole, so that a crash leaves the old one.
func writeMemory(file string, m *incident.Memory, kinds *incident.Kinds, now time.Time) error {
	text, err := m.Write(kinds, now)
	if err != nil {
		return err
	}
	return renameio.WriteFile(file, append(text, '\n'), 0o600)
}
