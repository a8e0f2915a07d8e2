// Package builtin holds the knowledge that Tiercel is shipped with.
package builtin

import (
	_ "embed"
	"sync"

	"github.com/tiercel/tiercel/knowledge"
)

//go:generate go run ../generate ../data compiled.zip

//go:embed compiled.zip
var compiled []byte

// Open returns a fresh base of the built-in knowledge, which the caller may
// overlay with its own.
func Open() (*knowledge.Base, error) { return knowledge.Open(compiled) }

// Base returns the built-in knowledge, shared; do not overlay it.
var Base = sync.OnceValue(func() *knowledge.Base {
	b, err := Open()
	if err != nil {
		panic(err) // compiled.zip is ours and was checked when it was made
	}
	return b
})
