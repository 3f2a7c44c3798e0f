package iomanager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"reflect"
	"strings"
	"syscall"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

const assets = "assets"

// Readable makes a copy of what is stored of an asset where people find it, and returns its absolute path: assets/<asset>/<name> below the instance's folder. A dag.File
// keeps its name; JSON is <asset>.json, a table <asset>.parquet, an image with codec=png <asset>.png, a string <asset>.txt, a []byte <asset>.bin; ok is false for what is stored in no form that other programs read. Each part of a key with slashes is a
// folder. t is the type of the value, nil where no code defines it. Nothing reads the copy: changing or removing it is harmless, and the next call repairs it. It is made
// however large the value is; a run calls [Default.KeepReadable].
func (m *Default) Readable(ctx context.Context, asset string, o *storage.Output, t *dag.Type) (file string, ok bool, err error) {
	name, err := m.readableName(asset, o, t)
	if name == "" || err != nil {
		return "", false, err
	}
	f, err := m.files()
	if err != nil {
		return "", false, err
	}
	want := &check{name: name, digest: o.Blob, size: o.Size}
	from := readableObject(f, o)
	if !whole(o) {
		data, err := m.readableBytes(ctx, o, t)
		if err != nil {
			return "", false, err
		}
		want.digest, want.size = canon.Sum(data), int64(len(data))
		from = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	}
	want.hash = func(name string) (canon.Digest, error) {
		r, err := f.root.Open(name)
		if err != nil {
			return canon.Digest{}, err
		}
		d, err := hashFile(r)
		return d, errors.Join(err, r.Close())
	}
	if err := f.verify(ctx, []*check{want}); err != nil {
		return "", false, err
	}
	if want.err != nil {
		err = f.copyTo(ctx, name, from, want.digest)
	}
	return f.abs(name), true, err
}

// RemoveReadable removes the copies that [Default.Readable] has made of an asset's files. What somebody else put beside them stays.
func (m *Default) RemoveReadable(asset string) error {
	f, err := m.files()
	if err != nil {
		return err
	}
	above, leaf := splitKey(asset)
	dir := path.Join(assets, above, leaf)
	f.clear(dir, "")
	if err := f.root.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return f.writeError(dir, err)
	}
	return nil
}

// readableLimit is the size in bytes of the largest value that a run copies for people. To write a value twice halves the speed of what is large, and the copy of a small one is lost in the cost of its step:
// 16 MiB are a tenth of a second on a common disk, and few pictures, tables and reports are larger.
const readableLimit = 16 << 20

// KeepReadable is what a run does about the copy that [Default.Readable] makes: it makes one where that is cheap, of a value of up to 16 MiB and where the file system lets the copy share the blocks of what is
// stored. Of any other value it makes none, and it removes the copy of an earlier one, which would pass for the newest; unchanged says that there is none: this value was the newest before. file is where the
// bytes can be read: the copy, or what is stored of a large dag.File; ok is false where they are nowhere in a form that other programs read.
func (m *Default) KeepReadable(ctx context.Context, asset string, o *storage.Output, t *dag.Type, unchanged bool) (file string, ok bool, err error) {
	if o.Size <= readableLimit {
		return m.Readable(ctx, asset, o, t)
	}
	name, err := m.readableName(asset, o, t)
	if name == "" || err != nil {
		return "", false, err
	}
	f, err := m.files()
	if err != nil {
		return "", false, err
	}
	if whole(o) {
		switch shared, err := f.shareTo(ctx, name, o); {
		case err != nil:
			return "", false, err
		case shared:
			return f.abs(name), true, nil
		}
	}
	if !unchanged {
		f.clear(path.Dir(name), "")
		if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // one that somebody has made writable too
			return "", false, f.writeError(name, err)
		}
	}
	if o.Codec == CodecFile {
		return f.abs(objectOf(o)), true, nil
	}
	return "", false, nil
}

// HasReadable reports whether the copy that [Default.KeepReadable] would make is there, right or wrong; also where it would make none. It is for many outputs that have not
// changed: one look each, and none for what is large.
func (m *Default) HasReadable(asset string, o *storage.Output, t *dag.Type) bool {
	name, err := m.readableName(asset, o, t)
	if name == "" || err != nil {
		return true
	}
	f, err := m.files()
	if err != nil || o.Size > readableLimit && (!whole(o) || f.apart.Load()) {
		return true
	}
	_, err = f.root.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// whole reports whether the object of an output is, byte for byte, what its copy is.
func whole(o *storage.Output) bool { return o.Codec == CodecFile || foreign(o) && !o.Inline }

// readableName is where a copy of an output stands below the instance's folder; empty where there is none.
func (m *Default) readableName(asset string, o *storage.Output, t *dag.Type) (string, error) {
	dir, leaf := splitKey(asset)
	ext := readableExtension(o, t)
	switch {
	case o.IO != "":
		return "", nil
	case t.IsStream() && o.File == "stream."+CodecParquet:
		return path.Join(assets, dir, leaf, leaf+"."+CodecParquet), nil
	case t.IsStream(): // elements in our own encoding, and many of them
		return "", nil
	case ext != "" && m.inline == math.MaxInt: // it keeps values in memory, for a run that leaves nothing
		return "", nil
	case ext != "":
		return path.Join(assets, dir, leaf, leaf+ext), nil
	case o.Codec != CodecFile || o.File == "":
		return "", nil
	}
	return path.Join(assets, dir, leaf, o.File), dag.CheckFileName(o.File)
}

// readableExtension is that of a copy of a value that is no dag.File; empty where there is none.
func readableExtension(o *storage.Output, t *dag.Type) string {
	if form, ok := forms[o.Codec]; ok {
		return form.extension
	}
	switch {
	case o.Codec != CodecCBOR && o.Codec != CodecCBORZstd || t == nil:
		return ""
	case t.Go.Kind() == reflect.String:
		return ".txt"
	case t.Go.Kind() == reflect.Slice && t.Go.Elem().Kind() == reflect.Uint8:
		return ".bin"
	}
	return ""
}

// readableBytes is what a copy of a value holds that is not whole.
func (m *Default) readableBytes(ctx context.Context, o *storage.Output, t *dag.Type) ([]byte, error) {
	if foreign(o) {
		return m.Blob(ctx, o)
	}
	v, err := m.Load(ctx, o, t)
	if err != nil {
		return nil, err
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Slice {
		return rv.Bytes(), nil
	}
	return []byte(reflect.ValueOf(v).String()), nil
}

// readableObject opens the object of what is whole.
func readableObject(f *Files, o *storage.Output) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, err := f.root.Open(objectOf(o))
		if err != nil {
			return nil, damaged(f.abs(objectOf(o)), err)
		}
		return r, nil
	}
}

// splitKey turns an asset key into a folder and a name in it, all escaped.
func splitKey(key string) (dir, leaf string) {
	parts := strings.Split(key, "/")
	for i := range parts {
		parts[i] = escape(parts[i])
	}
	last := len(parts) - 1
	return path.Join(parts[:last]...), parts[last]
}

// escape turns a key into a file name of its own: two different keys never share one, on file systems that ignore case neither.
func escape(key string) string {
	const maxName = 200
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '-', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	s := b.String()
	switch {
	case s == "":
		return "%"
	case len(s) > maxName: // "~" is in no other name
		return s[:maxName-65] + "~" + canon.Sum([]byte(key)).Hex()
	case strings.HasSuffix(s, "."): // some systems drop it
		return s[:len(s)-1] + "%2e"
	}
	return s
}
