//go:build cgo

package sqlite

import (
	"math"
	"unsafe"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// The parts of CBOR that records use.
const (
	majorUint  byte = 0 << 5
	majorInt   byte = 1 << 5
	majorBytes byte = 2 << 5
	majorText  byte = 3 << 5
	majorArray byte = 4 << 5
	majorMap   byte = 5 << 5
	majorOther byte = 7 << 5

	cborNull = majorOther | 22
)

// A cborReader reads items from bytes that it shares with what it returns. After a failure everything is zero.
type cborReader struct {
	b      []byte
	failed bool
}

func (r *cborReader) fail() { r.b, r.failed = nil, true }

func (r *cborReader) head() (major byte, n uint64) {
	if len(r.b) == 0 {
		r.fail()
		return majorOther, 0
	}
	c := r.b[0]
	major, info := c&0xe0, c&0x1f
	size := 0
	switch {
	case info < 24:
		r.b = r.b[1:]
		return major, uint64(info)
	case info <= 27:
		size = 1 << (info - 24)
	}
	if size == 0 || len(r.b) < 1+size {
		r.fail()
		return majorOther, 0
	}
	for _, x := range r.b[1 : 1+size] {
		n = n<<8 | uint64(x)
	}
	r.b = r.b[1+size:]
	return major, n
}

func (r *cborReader) expect(major byte) uint64 {
	if len(r.b) > 1 && r.b[0]&0xe0 == major { // the short forms, which nearly all heads have
		switch info := r.b[0] & 0x1f; {
		case info < 24:
			r.b = r.b[1:]
			return uint64(info)
		case info == 24:
			n := r.b[1]
			r.b = r.b[2:]
			return uint64(n)
		}
	}
	m, n := r.head()
	if m != major {
		r.fail()
		return 0
	}
	return n
}

// count reads the head of an array or a map of n items each. There cannot be more than there are bytes.
func (r *cborReader) count(major byte) int {
	if len(r.b) > 0 && r.b[0] == cborNull { // how nil slices and maps are written
		r.b = r.b[1:]
		return 0
	}
	n := r.expect(major)
	if n > uint64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *cborReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// text shares its memory with the bytes that are read, which nobody modifies.
func (r *cborReader) text() string {
	b := r.take(r.expect(majorText))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (r *cborReader) bytes() []byte {
	if len(r.b) > 0 && r.b[0] == cborNull {
		r.b = r.b[1:]
		return nil
	}
	return r.take(r.expect(majorBytes))
}

func (r *cborReader) digest() (d canon.Digest) {
	b := r.take(r.expect(majorBytes))
	if len(b) != len(d) {
		r.fail()
		return canon.Digest{}
	}
	copy(d[:], b)
	return d
}

func (r *cborReader) bool() bool {
	major, n := r.head()
	if major != majorOther || n != 20 && n != 21 {
		r.fail()
	}
	return n == 21
}

func (r *cborReader) int() int64 {
	major, n := r.head()
	if major != majorUint && major != majorInt || n > math.MaxInt64 {
		r.fail()
		return 0
	}
	if major == majorInt {
		return ^int64(n)
	}
	return int64(n)
}
