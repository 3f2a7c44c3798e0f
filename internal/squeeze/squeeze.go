// Package squeeze makes stored bytes smaller where that pays, and reads them back.
//
// Stage: below storage and iomanager; it imports a compressor and nothing of this project. Digests are always taken of the
// uncompressed bytes, so neither this package nor a newer compressor can change a version.
//
// Invariants: [Unpack] of what [Pack] gave is the input; bytes that claim to be larger than the caller allows are an error
// before memory is taken for them.
package squeeze

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Threshold is the size in bytes from which compression is tried. Below it the gain is smaller than a disk block.
const Threshold = 4 << 10

// A Coding says how bytes are stored. The numbers are stored too: append only.
type Coding uint8

// The codings.
const (
	Raw  Coding = 0
	Zstd Coding = 1
)

// Both coders are used for whole buffers alone and are safe for concurrent use that way; they start no goroutine.
var (
	encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	})
	decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(1<<40))
	})
)

// Large values are judged by samples first: to compress what has been compressed already, or is noise, costs more than to write it.
const sampledFrom, samples, sampleSize = 1 << 20, 16, 16 << 10

// Pack returns b compressed, or b itself where it is short or where compression saves less than an eighth: of all of it, or of samples of what is large.
func Pack(b []byte) ([]byte, Coding) {
	if len(b) < Threshold {
		return b, Raw
	}
	e, err := encoder()
	if err != nil {
		return b, Raw // only impossible options give an error; uncompressed is always right
	}
	if len(b) >= sampledFrom {
		if sample := sampleOf(b); !saves(e.EncodeAll(sample, make([]byte, 0, len(sample))), sample) {
			return b, Raw
		}
	}
	packed := e.EncodeAll(b, make([]byte, 0, len(b)/2))
	if !saves(packed, b) {
		return b, Raw
	}
	return packed, Zstd
}

// saves reports whether packed is worth having in place of b.
func saves(packed, b []byte) bool { return len(packed) <= len(b)-len(b)/8 }

// sampleOf returns parts of b, from its start to its end.
func sampleOf(b []byte) []byte {
	out := make([]byte, 0, samples*sampleSize)
	for i := range samples {
		at := i * (len(b) - sampleSize) / (samples - 1)
		out = append(out, b[at:at+sampleSize]...)
	}
	return out
}

// Unpack returns the bytes that Pack was given. size is how many they must be; -1 accepts any number up to 1 GiB.
// The result may share memory with b.
func Unpack(b []byte, c Coding, size int64) ([]byte, error) {
	switch c {
	case Raw:
		if size >= 0 && int64(len(b)) != size {
			return nil, fmt.Errorf("stored with %d bytes, want %d", len(b), size)
		}
		return b, nil
	case Zstd:
	default:
		return nil, fmt.Errorf("unknown coding %d", c)
	}
	limit := size
	if size < 0 {
		limit = 1 << 30
	}
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return nil, err
	}
	if !h.HasFCS || h.FrameContentSize > uint64(limit) || size >= 0 && h.FrameContentSize != uint64(size) {
		return nil, fmt.Errorf("compressed from %d bytes, want %d", h.FrameContentSize, size)
	}
	d, err := decoder()
	if err != nil {
		return nil, err
	}
	out, err := d.DecodeAll(b, make([]byte, 0, h.FrameContentSize))
	if err != nil {
		return nil, err
	}
	if uint64(len(out)) != h.FrameContentSize { // a second frame may follow the first
		return nil, fmt.Errorf("holds %d bytes, says %d", len(out), h.FrameContentSize)
	}
	return out, nil
}
