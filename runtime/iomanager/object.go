package iomanager

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// Pack returns the encoding of an output as it stands in a file, and the codec that says so.
func Pack(data []byte) (packed []byte, codec string) {
	packed, coding := squeeze.Pack(data)
	if coding == squeeze.Zstd {
		return packed, CodecCBORZstd
	}
	return packed, CodecCBOR
}

// StageEncoded is [Default.Stage] for a value that another process has encoded.
func (m *Default) StageEncoded(ctx context.Context, data []byte) (*Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d := canon.Sum(data)
	s := &Staged{Data: data, Output: storage.Output{DataVersion: d, Blob: d, Size: int64(len(data)), Codec: CodecCBOR, Inline: true}}
	return s, nil
}

// StageObject is [Default.Stage] for a value that another process of the same program has encoded and packed into a temporary file of this instance: it is moved to
// its place. The digest is believed.
func (m *Default) StageObject(ctx context.Context, o Object) (*Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &Staged{Output: storage.Output{DataVersion: o.Digest, Blob: o.Digest, Size: o.Size, Codec: o.Codec}}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	state, err := files.adopt(ctx, o, objectOf(&s.Output))
	if err != nil {
		return nil, err
	}
	s.Files = []storage.FileState{state}
	return s, nil
}

// adopt makes a temporary file the one at name.
func (f *Files) adopt(ctx context.Context, o Object, name string) (storage.FileState, error) {
	if err := f.holds.take(ctx, o.Digest); err != nil {
		return storage.FileState{}, err
	}
	temp, ok := f.oursAt(o.Path)
	if !ok {
		return storage.FileState{}, fmt.Errorf("%s is no temporary file of this instance", o.Path)
	}
	packed, err := f.root.Stat(temp)
	if err != nil {
		return storage.FileState{}, f.writeError(temp, err)
	}
	whole := func(r io.Reader) (canon.Digest, error) {
		stored, err := io.ReadAll(io.LimitReader(r, packed.Size()+1))
		if err != nil || o.Codec == CodecCBOR {
			return canon.Sum(stored), err
		}
		data, err := squeeze.Unpack(stored, squeeze.Zstd, o.Size)
		return canon.Sum(data), err
	}
	if s, ok := f.present(ctx, name, o.Digest, whole, packed.Size()); ok {
		return s, f.root.Remove(temp)
	}
	w, err := f.root.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return storage.FileState{}, f.writeError(temp, err)
	}
	return f.publish(ctx, temp, w, name, o.Digest, nil, nil)
}
