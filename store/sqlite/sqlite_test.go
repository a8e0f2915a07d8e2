package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/tiercel/tiercel/store"
	"github.com/tiercel/tiercel/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return openAt(t, filepath.Join(t.TempDir(), "tiercel.db")) })
}

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
