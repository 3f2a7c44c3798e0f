package dag

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A FileManager reads and writes files without saying where they are (Dagster's FileManager), so that the same ops work on a folder here and on an object store elsewhere. Use it as
// the type of a resource: [NewLocalFileManager] makes one.
//
// What it hands out is a [File]. Its version is that of its bytes, so an op that returns one is memoized by content; as an output the file is taken into the store
// of the instance, where gc keeps it as long as a record needs it, and where a file that is lost is made again.
type FileManager interface {
	// Read opens a file for reading. The reader verifies, see [File.Open].
	Read(ctx context.Context, f File) (io.ReadCloser, error)
	// ReadData returns the bytes of a file, verified.
	ReadData(ctx context.Context, f File) ([]byte, error)
	// Write stores what r gives. ext is the extension of the file, ".csv", or empty.
	Write(ctx context.Context, r io.Reader, ext string) (File, error)
	// WriteData stores data.
	WriteData(ctx context.Context, data []byte, ext string) (File, error)
	// CopyToLocalTemp makes a copy that the caller may change, for programs that want a path, and returns that. It is there until DeleteLocalTemp.
	CopyToLocalTemp(ctx context.Context, f File) (string, error)
	// DeleteLocalTemp removes all copies that CopyToLocalTemp has made.
	DeleteLocalTemp() error
}

// A LocalFileManager is a [FileManager] of a folder. It is safe for concurrent use.
type LocalFileManager struct {
	dir string

	mu   sync.Mutex
	temp []string // folders of CopyToLocalTemp, one for each copy
}

var _ FileManager = (*LocalFileManager)(nil)

// NewLocalFileManager returns the manager of a folder, which is made when the first file is written. The name of a file in it is the SHA-256 of its bytes and its
// extension; files that are there already are not written again. With an empty dir files are kept in the instance alone, and outside of a run in temporary folders, as
// those of [WriteFile].
func NewLocalFileManager(dir string) (*LocalFileManager, error) {
	if dir == "" {
		return &LocalFileManager{}, nil
	}
	abs, err := filepath.Abs(dir)
	return &LocalFileManager{dir: abs}, err
}

// Read implements [FileManager].
func (m *LocalFileManager) Read(ctx context.Context, f File) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f.Open()
}

// ReadData implements [FileManager].
func (m *LocalFileManager) ReadData(ctx context.Context, f File) ([]byte, error) {
	r, err := m.Read(ctx, f)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	return data, nil
}

// WriteData implements [FileManager].
func (m *LocalFileManager) WriteData(ctx context.Context, data []byte, ext string) (File, error) {
	return m.Write(ctx, bytes.NewReader(data), ext)
}

// Write implements [FileManager]. It reads r to its end, and stops at the end of ctx.
func (m *LocalFileManager) Write(ctx context.Context, r io.Reader, ext string) (File, error) {
	if ext != "" && (len(ext) < 2 || ext[0] != '.' || strings.Contains(ext, "..")) {
		return File{}, fmt.Errorf("extension %q: give one such as \".csv\", or none", ext)
	}
	name := "file" + ext // the same wherever it is, for it counts in the version
	if err := CheckFileName(name); err != nil {
		return File{}, err
	}
	fill := func(w io.Writer) error {
		_, err := io.Copy(w, &untilDone{ctx, r})
		return err
	}
	if m.dir == "" {
		return WriteFile(ctx, name, fill)
	}
	if err := os.MkdirAll(m.dir, 0o777); err != nil {
		return File{}, err
	}
	temp := filepath.Join(m.dir, ".dagstergen-"+rand.Text())
	f, err := writeTo(temp, name, 0, fill) // it stays here
	if err != nil {
		return File{}, err
	}
	path := filepath.Join(m.dir, f.digest.Hex()+ext)
	if d, err := digestOf(path); err == nil && d == f.digest {
		return NewFile(path, name, f.size, f.digest), os.Remove(temp)
	}
	if err := os.Rename(temp, path); err != nil {
		return File{}, errors.Join(err, os.Remove(temp))
	}
	return NewFile(path, name, f.size, f.digest), syncFolder(m.dir)
}

// CopyToLocalTemp implements [FileManager].
func (m *LocalFileManager) CopyToLocalTemp(ctx context.Context, f File) (string, error) {
	r, err := m.Read(ctx, f)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }() // opened for reading: nothing can be lost
	dir, err := os.MkdirTemp("", "dagstergen-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, f.name)
	w, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = io.Copy(w, &untilDone{ctx, r})
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.temp = append(m.temp, dir)
	return path, nil
}

// DeleteLocalTemp implements [FileManager]. Return it as the cleanup func of the resource.
func (m *LocalFileManager) DeleteLocalTemp() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, dir := range m.temp {
		errs = append(errs, os.RemoveAll(dir))
	}
	m.temp = nil
	return errors.Join(errs...)
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

// Read reads from the reader.
func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// digestOf is the digest of a file that is there.
func digestOf(path string) (d canon.Digest, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return d, err
	}
	if !info.Mode().IsRegular() {
		return d, fmt.Errorf("%s is not a regular file", path)
	}
	r, err := os.Open(path)
	if err != nil {
		return d, err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	return canon.Digest(h.Sum(nil)), errors.Join(err, r.Close())
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
