// Package canon is the injective encoding that every version is the SHA-256 of.
//
// Stage: below everything; it imports the standard library alone and is shared by the generator
// (versionhash) and the runtime (plan, execute, storage).
//
// Invariants: an encoding starts with a domain tag; every field has a name and a type and every variable
// part a length, so that two different sequences of calls never give the same bytes ([Decode] is the
// proof: it reads back what was written). Nothing here depends on map order, time, host or path.
package canon

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// A Digest is a SHA-256 sum. The zero Digest means "none" and is never the sum of an encoding in practice.
type Digest [sha256.Size]byte

// Sum returns the SHA-256 of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// IsZero reports whether d is the zero Digest, which stands for "no digest".
func (d Digest) IsZero() bool { return d == Digest{} }

// Hex returns the 64 lower-case hexadecimal digits of d, without a prefix; it is safe in a path.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// String returns d with its algorithm: "sha256:" and 64 hexadecimal digits.
func (d Digest) String() string { return "sha256:" + d.Hex() }

// Short returns the first 12 hexadecimal digits of d, for people; never for a key.
func (d Digest) Short() string { return d.Hex()[:12] }

// ParseDigest reads what [Digest.String] or [Digest.Hex] wrote. Anything else is an error.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	h := strings.TrimPrefix(s, "sha256:")
	if len(h) != 2*len(d) {
		return Digest{}, fmt.Errorf("digest %q: want sha256: and 64 hexadecimal digits", s)
	}
	if _, err := hex.Decode(d[:], []byte(h)); err != nil {
		return Digest{}, fmt.Errorf("digest %q: %w", s, err)
	}
	return d, nil
}

// The type tags of the encoding. They are part of every version ever stored: append only, never renumber.
const (
	tagDomain byte = iota + 1
	tagNil
	tagBool
	tagInt
	tagUint
	tagFloat
	tagString
	tagBytes
	tagDigest
	tagList
	tagStruct
)

// An Encoder collects named, typed fields below a domain tag. The zero Encoder is not usable; call [New].
// It is not safe for concurrent use.
type Encoder struct{ buf []byte }

// New starts an encoding in a domain such as "dagstergen/step/v1". Encodings of different domains are never equal.
func New(domain string) *Encoder {
	e := &Encoder{buf: make([]byte, 0, 256)}
	e.buf = append(e.buf, tagDomain)
	e.str(domain)
	return e
}

// Reset empties e and starts again in domain, keeping its memory.
func (e *Encoder) Reset(domain string) {
	e.buf = append(e.buf[:0], tagDomain)
	e.str(domain)
}

func (e *Encoder) str(s string) {
	e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *Encoder) head(tag byte, name string) {
	e.buf = append(e.buf, tag)
	e.str(name)
}

// Nil adds a field that is there and has no value; it differs from an absent field and from every empty value.
func (e *Encoder) Nil(name string) { e.head(tagNil, name) }

// Bool adds a boolean field.
func (e *Encoder) Bool(name string, v bool) {
	e.head(tagBool, name)
	if v {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

// Int adds a signed integer field.
func (e *Encoder) Int(name string, v int64) {
	e.head(tagInt, name)
	e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(v))
}

// Uint adds an unsigned integer field; it differs from an Int field of the same value.
func (e *Encoder) Uint(name string, v uint64) {
	e.head(tagUint, name)
	e.buf = binary.BigEndian.AppendUint64(e.buf, v)
}

// Float adds a floating-point field by its bits, so that 0 and -0 differ and every NaN is itself.
func (e *Encoder) Float(name string, v float64) {
	e.head(tagFloat, name)
	e.buf = binary.BigEndian.AppendUint64(e.buf, math.Float64bits(v))
}

// String adds a text field.
func (e *Encoder) String(name, v string) {
	e.head(tagString, name)
	e.str(v)
}

// Bytes adds a field of raw bytes; it differs from a String field of the same bytes.
func (e *Encoder) Bytes(name string, v []byte) {
	e.head(tagBytes, name)
	e.buf = binary.AppendUvarint(e.buf, uint64(len(v)))
	e.buf = append(e.buf, v...)
}

// Digest adds the digest of something encoded elsewhere.
func (e *Encoder) Digest(name string, d Digest) {
	e.head(tagDigest, name)
	e.buf = append(e.buf, d[:]...)
}

// List announces that the next n fields are the elements of a list, in order. Elements usually have an empty name.
func (e *Encoder) List(name string, n int) {
	e.head(tagList, name)
	e.buf = binary.AppendUvarint(e.buf, uint64(n))
}

// Struct announces that the next n fields belong to a named group. Callers sort what has no order of its own.
func (e *Encoder) Struct(name string, n int) {
	e.head(tagStruct, name)
	e.buf = binary.AppendUvarint(e.buf, uint64(n))
}

// Len returns how many bytes there are so far.
func (e *Encoder) Len() int { return len(e.buf) }

// Truncate takes back all fields behind the first n bytes, which are those of some [Encoder.Len] before.
func (e *Encoder) Truncate(n int) { e.buf = e.buf[:n] }

// Replace makes the digest of the field that [Encoder.Digest] ended at byte end another one.
func (e *Encoder) Replace(end int, d Digest) { copy(e.buf[end-len(d):end], d[:]) }

// Fields adds fields that another Encoder encoded.
func (e *Encoder) Fields(encoded []byte) { e.buf = append(e.buf, encoded...) }

// Encoded returns the bytes so far. They are valid until the next call of a method of e.
func (e *Encoder) Encoded() []byte { return e.buf }

// Sum returns the SHA-256 of the bytes so far.
func (e *Encoder) Sum() Digest { return sha256.Sum256(e.buf) }
