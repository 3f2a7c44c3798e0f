package iomanager

import (
	"errors"
	"fmt"
	"os"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An Object is where the encoding of an output stands in a file, for a process that has no instance open.
type Object struct {
	Path   string // absolute
	Codec  string
	Size   int64 // of the encoding, in bytes
	Digest canon.Digest
}

// Object returns where an output stands; ok is false for one that is no file of its own, and for a dag.File.
func (m *Default) Object(o *storage.Output) (_ Object, ok bool, err error) {
	if o.Inline || o.IO != "" || o.Codec != CodecCBOR && o.Codec != CodecCBORZstd {
		return Object{}, false, nil
	}
	files, err := m.files()
	if err != nil {
		return Object{}, false, err
	}
	return Object{files.abs(objectOf(o)), o.Codec, o.Size, o.Blob}, true, nil
}

// Read returns the encoding, verified. Bytes that are not there or not right are ErrDamaged.
func (o Object) Read() ([]byte, error) {
	stored, err := os.ReadFile(o.Path)
	if err != nil {
		return nil, damaged(o.Path, err)
	}
	var coding squeeze.Coding
	switch o.Codec {
	case CodecCBOR:
	case CodecCBORZstd:
		coding = squeeze.Zstd
	default:
		return nil, damaged(o.Path, fmt.Errorf("it is stored with codec %q, which this binary does not know", o.Codec))
	}
	data, err := squeeze.Unpack(stored, coding, o.Size)
	if err != nil {
		return nil, damaged(o.Path, err)
	}
	if int64(len(data)) != o.Size {
		return nil, damaged(o.Path, errors.New("it has another length"))
	}
	if got := canon.Sum(data); got != o.Digest {
		return nil, damaged(o.Path, digestError{got, o.Digest})
	}
	return data, nil
}
