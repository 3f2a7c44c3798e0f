package iomanager

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A StoredObject is something that stands among the objects under a name that is one of theirs.
type StoredObject struct {
	Name   string       // below the instance's folder
	Digest canon.Digest // that its name promises
	Size   int64        // in bytes, on disk
}

// Objects calls each for all objects, in the order of their names, whether anything refers to them or not. What has another kind of name is not ours, and is
// left out.
func (f *Files) Objects(ctx context.Context, each func(StoredObject) error) error {
	shardDirs, err := fs.ReadDir(f.root.FS(), objects)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return storage.FileError("read", f.abs(objects), err)
	}
	for _, dir := range shardDirs {
		if len(dir.Name()) != 2 || !dir.IsDir() {
			continue
		}
		at := path.Join(objects, dir.Name())
		entries, err := fs.ReadDir(f.root.FS(), at)
		if err != nil {
			return storage.FileError("read", f.abs(at), err)
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			stem, _, _ := strings.Cut(e.Name(), ".")
			raw, err := hex.DecodeString(stem)
			if err != nil || len(raw) != len(canon.Digest{}) || stem[:2] != dir.Name() {
				continue
			}
			o := StoredObject{Name: path.Join(at, e.Name()), Digest: canon.Digest(raw)}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // a clean-up was here
			}
			if err != nil {
				return storage.FileError("read", f.abs(o.Name), err)
			}
			o.Size = info.Size()
			if err := each(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// Inspect reads an object in full: nil if its bytes are those that its name promises, else an error that wraps [ErrDamaged].
func (f *Files) Inspect(o StoredObject) error {
	info, err := f.root.Lstat(o.Name)
	if err != nil {
		return damaged(f.abs(o.Name), err)
	}
	if !info.Mode().IsRegular() {
		return damaged(f.abs(o.Name), errors.New("it is not a regular file"))
	}
	r, err := f.root.Open(o.Name)
	if err != nil {
		return damaged(f.abs(o.Name), err)
	}
	defer func() { _ = r.Close() }() // opened for reading: nothing can be lost
	var got canon.Digest
	if strings.HasSuffix(o.Name, ".cbor.zst") {
		var stored, data []byte
		if stored, err = io.ReadAll(r); err == nil {
			data, err = squeeze.Unpack(stored, squeeze.Zstd, -1)
		}
		got = canon.Sum(data)
	} else {
		got, err = hashFile(r)
	}
	if err == nil && got != o.Digest {
		err = digestError{got, o.Digest}
	}
	if err != nil {
		return damaged(f.abs(o.Name), err)
	}
	return nil
}

// ObjectName is where the file of an output stands below the instance's folder; empty for an output that has none of its own.
func ObjectName(o *storage.Output) string {
	if o.Inline || o.IO != "" || o.Blob.IsZero() || o.Codec == CodecFile && o.File == "" {
		return ""
	}
	switch {
	case o.Codec == CodecFile, o.Codec == CodecCBOR, o.Codec == CodecCBORZstd, foreign(o):
		return objectOf(o)
	}
	return "" // an observation of a source, or what a newer release stores in another way
}

// forget drops what is known of a file.
func (f *Files) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.states, name)
	delete(f.fresh, name)
}

// Files returns the files of m; they are made where m makes them on first need.
func (m *Default) Files() (*Files, error) { return m.files() }

// Hold keeps clean-ups away from the object of an output until the runs of this process have ended. Who commits an output that another process has
// stored calls it while that process still lives.
func (m *Default) Hold(ctx context.Context, o *storage.Output) error {
	if ObjectName(o) == "" {
		return nil
	}
	files, err := m.files()
	if err != nil {
		return err
	}
	return files.holds.take(ctx, o.Blob)
}
