package journal

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment is a file named after its first position. It begins with two
// copies of its header, in two sectors, and goes on with frames; one frame is
// the records of one Append. All numbers are little endian.
//
//	header: "TIERCELJ" | version u32 | seed u32 | first u64 | crc u32
//	frame:  payload length u32 | records u32 | first u64 | synced u32 | payload crc u32 | frame header crc u32 | payload
//	payload: for each record its length u32 and its bytes
//
// Checksums are CRC-32C that start from the segment's random seed, so that
// nobody who can get text into a record can make it look like a frame.
//
// synced says how much of the segment was known to be on disk when the frame
// was written. A bad frame at the end of the journal is what a crash leaves
// behind; a bad frame that a later one knows to have been on disk is damage.
//
// A frame without records is a gap: positions before its first are lost.
const (
	magic       = "TIERCELJ"
	version     = 1
	sectorSize  = 512
	headerSize  = 2 * sectorSize
	headerBytes = 28
	frameHeader = 28
	lengthSize  = 4 // of a record's length
	readSize    = 256 << 10
	suffix      = ".log"
	tmpSuffix   = ".tmp"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is what is known to be on disk of one segment file.
type segment struct {
	first, next Position
	size        int64
	seed        uint32
}

func segmentName(first Position) string { return fmt.Sprintf("%020d%s", uint64(first), suffix) }

func parseSegmentName(name string) (Position, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return Position(n), err == nil && n > 0
}

func newSeed() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}

func encodeHeader(first Position, seed uint32) []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint32(b, seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(first))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	b = b[:headerSize]
	copy(b[sectorSize:], b[:headerBytes])
	return b
}

// readHeader returns first and seed from whichever copy is good.
func readHeader(f io.ReaderAt) (first Position, seed uint32, err error) {
	b := make([]byte, headerSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return 0, 0, err
	}
	for h := b[:n]; len(h) >= headerBytes; h = h[min(sectorSize, len(h)):] {
		if !bytes.HasPrefix(h, []byte(magic)) ||
			binary.LittleEndian.Uint32(h[24:]) != crc32.Checksum(h[:24], castagnoli) {
			continue
		}
		if v := binary.LittleEndian.Uint32(h[8:]); v != version {
			return 0, 0, fmt.Errorf("format %d is not known to this version of Tiercel, which writes %d", v, version)
		}
		return Position(binary.LittleEndian.Uint64(h[16:])), binary.LittleEndian.Uint32(h[12:]), nil
	}
	return 0, 0, badFrame("no readable header")
}

// createSegment makes an empty segment that is on disk under its name when it
// returns. It takes the place of a file of that name: such a file is an empty
// segment that cannot be trusted after a failed fsync.
func createSegment(dir string, first Position, sync func(*os.File) error) (f *os.File, s segment, err error) {
	s = segment{first: first, next: first, size: headerSize, seed: newSeed()}
	path := filepath.Join(dir, segmentName(first))
	f, err = os.OpenFile(path+tmpSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, s, err
	}
	if _, err = f.Write(encodeHeader(first, s.seed)); err == nil {
		if err = sync(f); err == nil {
			if err = os.Rename(path+tmpSuffix, path); err == nil {
				err = syncDir(dir)
			}
		}
	}
	if err != nil {
		f.Close()
		os.Remove(path + tmpSuffix)
		return nil, s, err
	}
	return f, s, nil
}

func frameSize(records [][]byte) int64 {
	n := int64(frameHeader)
	for _, r := range records {
		n += lengthSize + int64(len(r))
	}
	return n
}

func appendFrame(b []byte, seed uint32, first Position, synced int64, records [][]byte) []byte {
	start := len(b)
	b = append(b, make([]byte, frameHeader)...)
	for _, r := range records {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(r)))
		b = append(b, r...)
	}
	h := b[start:]
	payload := h[frameHeader:]
	binary.LittleEndian.PutUint32(h, uint32(len(payload)))
	binary.LittleEndian.PutUint32(h[4:], uint32(len(records)))
	binary.LittleEndian.PutUint64(h[8:], uint64(first))
	binary.LittleEndian.PutUint32(h[16:], uint32(synced))
	binary.LittleEndian.PutUint32(h[20:], crc32.Update(seed, castagnoli, payload))
	binary.LittleEndian.PutUint32(h[24:], crc32.Update(seed, castagnoli, h[:24]))
	return b
}

// badFrame says why bytes are no frame, as opposed to an error of reading.
type badFrame string

func (e badFrame) Error() string { return string(e) }

// frame is a frame that was read. Its records are good until the next one is
// read.
type frame struct {
	first   Position
	synced  int64
	end     int64 // offset behind it
	records [][]byte
}

// next is the position after the frame.
func (f frame) next() Position { return f.first + Position(len(f.records)) }

// scanner reads frames from a segment through a window.
type scanner struct {
	f       io.ReaderAt
	seed    uint32
	off     int64 // of the window in the file
	window  []byte
	records [][]byte
}

// bytes returns n bytes at off, of which limit says where the segment ends.
func (s *scanner) bytes(off, n, limit int64) ([]byte, error) {
	if n > limit-off {
		return nil, badFrame("cut off by the end of the file")
	}
	if off < s.off || off+n > s.off+int64(len(s.window)) {
		want := min(max(n, readSize), limit-off)
		if int64(cap(s.window)) < want || (cap(s.window) > 4*readSize && want <= readSize) {
			s.window = make([]byte, want, max(want, readSize))
		}
		s.off, s.window = off, s.window[:want]
		got, err := s.f.ReadAt(s.window, off)
		s.window = s.window[:got]
		if err != nil && err != io.EOF {
			return nil, err
		}
		if int64(got) < n {
			return nil, badFrame("cut off by the end of the file")
		}
	}
	return s.window[off-s.off:][:n:n], nil
}

// header reads and checks a frame's header.
func (s *scanner) header(off, limit int64) (fr frame, records, sum uint32, err error) {
	h, err := s.bytes(off, frameHeader, limit)
	if err != nil {
		return fr, 0, 0, err
	}
	if binary.LittleEndian.Uint32(h[24:]) != crc32.Update(s.seed, castagnoli, h[:24]) {
		return fr, 0, 0, badFrame("checksum of a frame header is wrong")
	}
	fr.end = off + frameHeader + int64(binary.LittleEndian.Uint32(h))
	fr.first = Position(binary.LittleEndian.Uint64(h[8:]))
	fr.synced = int64(binary.LittleEndian.Uint32(h[16:]))
	return fr, binary.LittleEndian.Uint32(h[4:]), binary.LittleEndian.Uint32(h[20:]), nil
}

// frame reads the frame at off. The error is a badFrame if there is none.
func (s *scanner) frame(off, limit int64) (frame, error) {
	fr, n, sum, err := s.header(off, limit)
	if err != nil {
		return fr, err
	}
	b, err := s.bytes(off, fr.end-off, limit)
	if err != nil {
		return fr, err
	}
	b = b[frameHeader:]
	if crc32.Update(s.seed, castagnoli, b) != sum {
		return fr, badFrame("checksum of records is wrong")
	}
	s.records = s.records[:0]
	for len(b) >= lengthSize {
		size := int64(binary.LittleEndian.Uint32(b))
		if size > int64(len(b)-lengthSize) {
			break
		}
		s.records = append(s.records, b[lengthSize:][:size:size])
		b = b[lengthSize+size:]
	}
	if len(b) > 0 || len(s.records) != int(n) {
		return fr, badFrame("lengths of records do not add up")
	}
	fr.records = s.records
	return fr, nil
}

// follows reports whether fr may stand where position pos is due: with pos as
// its first, or as a gap that leads on; limit, if not 0, is not passed.
func (fr frame) follows(pos, limit Position) bool {
	ok := fr.first == pos && len(fr.records) > 0 || fr.first > pos && len(fr.records) == 0
	return ok && fr.next() >= fr.first && (limit == 0 || fr.next() <= limit)
}
