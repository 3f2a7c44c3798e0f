package dag

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A File is a file as a value: an input from outside (returned by a source through [OpenFile]) or an output of a step (made
// by [WriteFile]). Its version is a digest of its name and its bytes, never of its path. The zero File is no file.
//
// A File stays readable as long as the place it stands in; a stored one is read-only.
type File struct {
	path, name string
	size       int64
	digest     canon.Digest // of the bytes
}

// ErrFileChanged is returned by the reader of [File.Open] at the end of a file whose bytes are not those of its version any more.
var ErrFileChanged = errors.New("file changed after its version was taken")

// OpenFile returns the file at path after reading it once for its digest. A relative path is looked up from the working folder of
// the process. A folder, a missing or an unreadable file is an error that names the path. A large file that has not been touched
// since it was last read for an instance is not read again.
func OpenFile(path string) (File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return File{}, err
	}
	info, err := os.Stat(path) // before it is opened: to open a pipe could wait for ever
	if err != nil {
		return File{}, err
	}
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("open %s: not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return File{}, err
	}
	memories := digestMemories()
	for _, m := range memories {
		if d, ok := m.Digest(abs, before); ok {
			return NewFile(abs, filepath.Base(path), before.Size(), d), nil
		}
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return File{}, err
	}
	d := canon.Digest(h.Sum(nil))
	if after, err := f.Stat(); err == nil && after.Size() == n {
		for _, m := range memories {
			m.Learn(abs, before, after, d)
		}
	}
	return NewFile(abs, filepath.Base(path), n, d), nil
}

// NewFile returns a File whose digest is known already. It is for IO managers and executors; user code calls [OpenFile] or [WriteFile].
func NewFile(path, name string, size int64, digest canon.Digest) File {
	return File{path: path, name: name, size: size, digest: digest}
}

// Path returns where the bytes are now. It is no part of the file's version and may differ from run to run.
func (f File) Path() string { return f.path }

// Name returns the base name, such as "chart.png".
func (f File) Name() string { return f.name }

// Size returns the length in bytes.
func (f File) Size() int64 { return f.size }

// Digest returns the SHA-256 of the bytes.
func (f File) Digest() canon.Digest { return f.digest }

// IsZero reports whether f is no file.
func (f File) IsZero() bool { return f == File{} }

// Version returns the data version of f: a digest of its name and its bytes.
func (f File) Version() canon.Digest {
	e := canon.New("dagstergen/file/v1")
	e.String("name", f.name)
	e.Int("size", f.size)
	e.Digest("bytes", f.digest)
	return e.Sum()
}

// String returns the name and size, for messages.
func (f File) String() string { return f.name + " (" + strconv.FormatInt(f.size, 10) + " bytes)" }

// Open opens the file for reading. The reader verifies: at the end of the file it returns [ErrFileChanged] instead of
// io.EOF if the bytes were not those of the version.
func (f File) Open() (io.ReadCloser, error) {
	if f.IsZero() {
		return nil, fmt.Errorf("open a zero dag.File: %w", os.ErrInvalid)
	}
	r, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	return &verifyingReader{file: f, r: r, h: sha256.New()}, nil
}

type verifyingReader struct {
	file File
	r    *os.File
	h    hash.Hash
}

func (v *verifyingReader) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.h.Write(p[:n])
	if err == io.EOF && canon.Digest(v.h.Sum(nil)) != v.file.digest {
		err = fmt.Errorf("%s: %w", v.file.path, ErrFileChanged)
	}
	return n, err
}

func (v *verifyingReader) Close() error { return v.r.Close() }

// WriteFile makes an output that is a file: write produces its bytes, name is its base name with the extension it keeps in the
// store. An error of write is returned and no file is left. Outside a run the file is a temporary one that the caller may remove.
func WriteFile(ctx context.Context, name string, write func(io.Writer) error) (File, error) {
	if err := CheckFileName(name); err != nil {
		return File{}, err
	}
	if s := scopeOf(ctx); s != nil && s.NewFile != nil {
		return s.NewFile(name, write)
	}
	dir, err := os.MkdirTemp("", "dagstergen-")
	if err != nil {
		return File{}, err
	}
	f, err := WriteTo(filepath.Join(dir, "file"+filepath.Ext(name)), name, write)
	if err != nil {
		return File{}, errors.Join(err, os.RemoveAll(dir))
	}
	return f, nil
}

// syncedFrom is the size in bytes from which WriteTo syncs a file. The bytes of a large one need not be read again once they are on disk, which costs more than another sync does.
const syncedFrom = 8 << 20

// WriteTo creates path, which must not exist, lets write fill it and returns it as a File called name. On an error
// nothing is left at path. The file may not be durable yet: who moves it to where it stays syncs it, and a small one is not synced twice. It is for executors.
func WriteTo(path, name string, write func(io.Writer) error) (File, error) {
	return writeTo(path, name, syncedFrom, write)
}

// writeTo is WriteTo with the size from which the file is synced.
func writeTo(path, name string, synced int64, write func(io.Writer) error) (_ File, err error) {
	w, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return File{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	h := sha256.New()
	c := &countingWriter{w: io.MultiWriter(w, h)}
	if err := write(c); err != nil {
		_ = w.Close()
		return File{}, err
	}
	if c.n >= synced {
		if err := w.Sync(); err != nil {
			_ = w.Close()
			return File{}, err
		}
	}
	if err := w.Close(); err != nil {
		return File{}, err
	}
	return NewFile(path, name, c.n, canon.Digest(h.Sum(nil))), nil
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// CheckFileName returns an error unless name is a plain base name: not empty, at most 255 bytes, no separator, no control
// character, not "." or "..".
func CheckFileName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("file name %q: give a base name such as \"chart.png\"", name)
	case len(name) > 255:
		return fmt.Errorf("file name of %d bytes: at most 255 are allowed", len(name))
	case strings.ContainsAny(name, `/\`) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("file name %q: separators and control characters are not allowed", name)
	}
	return nil
}
