package sqlite

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/tiercel/tiercel/store"
)

// The orders of pages; a cursor of one is refused by another.
const (
	byRank   = 'r' // rank, last, number of the incident
	byNum    = 'n' // number of the incident
	bySeq    = 's' // Seq, the latest first
	bySeqOld = 'o' // Seq
)

// cursor is the keys of the last item of a page in the page's order.
func cursor(order byte, keys ...int64) string {
	b := []byte{1, order}
	for _, k := range keys {
		b = binary.AppendVarint(b, k)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor returns the keys, which are n.
func parseCursor(text string, order byte, n int) ([]int64, error) {
	bad := func(why string) ([]int64, error) { return nil, fmt.Errorf("%w: %s", store.ErrCursor, why) }
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return bad("it is not base64")
	}
	if len(b) < 2 || b[0] != 1 {
		return bad("it is of another version")
	}
	if b[1] != order {
		return bad("it is of a query in another order")
	}
	b = b[2:]
	keys := make([]int64, n)
	for i := range keys {
		k, size := binary.Varint(b)
		if size <= 0 {
			return bad("it is cut")
		}
		keys[i], b = k, b[size:]
	}
	if len(b) > 0 {
		return bad("it is too long")
	}
	return keys, nil
}

// pageSize is how many items a page has.
func pageSize(limit int) int {
	switch {
	case limit <= 0:
		return store.DefaultPage
	case limit > store.MaxPage:
		return store.MaxPage
	}
	return limit
}
