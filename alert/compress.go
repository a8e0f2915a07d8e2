package alert

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// ErrUTF16 is the error for an input in UTF-16, as PowerShell writes it.
var ErrUTF16 = errors.New("the input is UTF-16: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)")

// zstd's own programs refuse larger windows unless told otherwise; a header
// must not be able to take more memory from us.
const maxZstdWindow = 128 << 20

// begin looks at the first bytes, and decompresses what is compressed.
func (s *Scanner) begin() error {
	head := s.w.need(4)
	if open := decompressor(head); open != nil {
		r, err := open(io.MultiReader(bytes.NewReader(bytes.Clone(head)), failing{s.w.r, s.w.err}))
		if err != nil {
			return err
		}
		s.w = window{r: r}
		head = s.w.need(4)
	}
	s.empty = len(head) == 0 && errors.Is(s.w.err, io.EOF)
	if isUTF16(head) {
		return ErrUTF16
	}
	return nil
}

// failing reads from r, unless it has failed already.
type failing struct {
	r   io.Reader
	err error
}

func (f failing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.r.Read(p)
}

func decompressor(head []byte) func(io.Reader) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return openGzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), skippable(head):
		return openZstd
	}
	return nil
}

// skippable reports a zstd frame without data, as parallel compressors write first.
func skippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

func openGzip(r io.Reader) (io.Reader, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", spelled(err))
	}
	return named{z, "gzip"}, nil
}

func openZstd(r io.Reader) (io.Reader, error) {
	// One at a time: no goroutines that somebody would have to end.
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", spelled(err))
	}
	return named{z, "zstd"}, nil
}

// named says in its errors which format was read.
type named struct {
	r    io.Reader
	name string
}

func (n named) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	if err != nil && !isEnd(err) {
		err = fmt.Errorf("%s: %w", n.name, spelled(err))
	}
	return k, err
}

// isEnd: at its end a reader returns io.EOF itself; wrapped, it is another error.
func isEnd(err error) bool { return err == io.EOF } //nolint:errorlint // see above

// spelled makes an end inside the compressed data more than "unexpected EOF",
// and keeps callers from taking it for the end of a good input.
func spelled(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the input is cut off: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// isUTF16 knows the byte order marks, and JSON or text without one.
func isUTF16(head []byte) bool {
	if len(head) < 2 {
		return false
	}
	if head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff {
		return true
	}
	if len(head) < 4 {
		return false
	}
	little := head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0
	big := head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0
	return little || big
}
