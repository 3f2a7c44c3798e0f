package iomanager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Default is the IO manager of an instance: small outputs go into the store with their record, larger ones and files into the
// instance's folder. It is safe for concurrent use.
type Default struct {
	store  storage.Store
	open   func() (*Files, error) // the same ones each time
	opened atomic.Pointer[Files]
	inline int // size in bytes up to which an output is no file
}

// NewDefault returns the manager that keeps its files in files.
func NewDefault(store storage.Store, files *Files) *Default {
	m := &Default{store: store, inline: storage.MaxInline, open: func() (*Files, error) { return files, nil }}
	m.opened.Store(files)
	return m
}

// NewInMemory returns a manager that keeps everything in store, however large, but for a dag.File: open is called for the first of
// these.
func NewInMemory(store storage.Store, open func() (*Files, error)) *Default {
	return &Default{store: store, inline: math.MaxInt, open: sync.OnceValues(open)}
}

// files returns the files of m, opened.
func (m *Default) files() (*Files, error) {
	if f := m.opened.Load(); f != nil {
		return f, nil
	}
	f, err := m.open()
	if err == nil {
		m.opened.Store(f)
	}
	return f, err
}

// A Staged is an output that is ready to be committed: what belongs into files is durable there.
type Staged struct {
	storage.Output // DataVersion, Blob, Size, Inline, Codec and File are set
	// Data is the canonical encoding of the value, for consumers in the same run; nil for a dag.File.
	Data []byte
	// Value is what consumers of a dag.File get: the file in its place in the store. Nil for anything else.
	Value any
	// Files belong into the batch that has the record.
	Files []storage.FileState

	blob []byte // what is stored where Inline is set; nil for Data. It belongs into the Blobs of that batch
}

// AddTo puts into a batch what belongs there besides the record.
func (s *Staged) AddTo(b *storage.Batch) {
	if s.Inline {
		if b.Blobs == nil {
			b.Blobs = map[canon.Digest][]byte{}
		}
		b.Blobs[s.Blob] = s.Data
		if s.blob != nil {
			b.Blobs[s.Blob] = s.blob
		}
	}
	b.Files = append(b.Files, s.Files...)
}

// Stage stores a value of t, short of committing it. A value that cannot be encoded, and a dag.File whose bytes are not those of its version any
// more, are errors of the step; an error that storage.IsUnavailable knows is one of the store.
func (m *Default) Stage(ctx context.Context, t *dag.Type, v any) (*Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f, ok := v.(dag.File); ok {
		return m.stageFile(ctx, f)
	}
	data, err := codec.Encode(t, v)
	if err != nil {
		return nil, err
	}
	s := &Staged{Data: data}
	inline := len(data) <= m.inline
	packed, packedAs := data, CodecCBOR
	d := alongside(len(data) >= sideFrom, func() canon.Digest { return canon.Sum(data) }, func() {
		if !inline {
			packed, packedAs = Pack(data)
		}
	})
	s.Output = storage.Output{DataVersion: d, Blob: d, Size: int64(len(data)), Codec: packedAs}
	if inline {
		s.Inline = true
		return s, nil
	}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	state, err := files.put(ctx, objectOf(&s.Output), d, packed)
	if err != nil {
		return nil, err
	}
	s.Files = []storage.FileState{state}
	return s, nil
}

func (m *Default) stageFile(ctx context.Context, f dag.File) (*Staged, error) {
	s := &Staged{Value: f}
	s.Output = storage.Output{DataVersion: f.Version(), Codec: CodecFile, File: f.Name()}
	if f.IsZero() {
		return s, nil
	}
	s.Blob, s.Size = f.Digest(), f.Size()
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	name := objectOf(&s.Output)
	state, err := files.take(ctx, f, name)
	if err != nil {
		return nil, err
	}
	s.Files = []storage.FileState{state}
	s.Value = dag.NewFile(files.abs(name), f.Name(), f.Size(), f.Digest())
	return s, nil
}

// objectOf is where the file of an output stands.
func objectOf(o *storage.Output) string {
	switch o.Codec {
	case CodecFile:
		return object(o.Blob, extension(o.File))
	case CodecCBORZstd:
		return object(o.Blob, ".cbor.zst")
	}
	if form, ok := forms[o.Codec]; ok {
		return object(o.Blob, form.extension)
	}
	return object(o.Blob, ".cbor")
}

// extension returns the extension of a file name if it is harmless in a path on every system, otherwise nothing.
func extension(name string) string {
	ext := filepath.Ext(name)
	if len(ext) < 2 || len(ext) > 17 {
		return ""
	}
	if strings.Trim(ext[1:], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return ""
	}
	return ext
}

// Load returns the value of t that was stored as o. Each call gives a value of its own. Bytes that are not there or not right are
// ErrDamaged: the caller treats the output as not stored.
func (m *Default) Load(ctx context.Context, o *storage.Output, t *dag.Type) (any, error) {
	if o.Codec == CodecFile {
		return m.loadFile(ctx, o)
	}
	blob, err := m.Blob(ctx, o)
	if err != nil {
		return nil, err
	}
	if foreign(o) {
		v, _, err := FromForeign(o, t, blob)
		return v, err
	}
	v, err := codec.Decode(t, blob)
	if err != nil {
		return nil, damaged("output "+o.Name, err)
	}
	return v, nil
}

// Blob returns what is stored of an output that is no dag.File, unpacked and verified: its encoding by the codec that it names.
func (m *Default) Blob(ctx context.Context, o *storage.Output) ([]byte, error) {
	if o.Inline {
		data, err := m.store.Blob(ctx, o.Blob)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, storage.ErrClosed):
			return nil, err
		case err != nil:
			return nil, damaged("output "+o.Name, err)
		}
		return data, nil
	}
	var coding squeeze.Coding
	switch {
	case o.Codec == CodecCBOR, foreign(o):
	case o.Codec == CodecCBORZstd:
		coding = squeeze.Zstd
	default:
		return nil, damaged("output "+o.Name, fmt.Errorf("it is stored with codec %q, which this binary does not know", o.Codec))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	return files.read(objectOf(o), o.Blob, coding, o.Size)
}

func (m *Default) loadFile(ctx context.Context, o *storage.Output) (any, error) {
	if o.File == "" {
		return dag.File{}, nil
	}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	c := fileCheck(files, o)
	if err := files.verify(ctx, []*check{c}); err != nil {
		return nil, err
	}
	if c.err != nil {
		return nil, c.err
	}
	return dag.NewFile(files.abs(c.name), o.File, o.Size, o.Blob), nil
}

// Check reports for each output whether what is stored outside of the store is still there and right: nil, or an error that wraps
// ErrDamaged. A file that looks as it did when it was last read is not read again. Outputs of other IO managers are left
// to them, and inline ones are part of the record's own transaction.
func (m *Default) Check(ctx context.Context, outs []*storage.Output) ([]error, error) {
	errs := make([]error, len(outs))
	var files *Files
	var checks []*check
	var index []int
	for i, o := range outs {
		if o.Inline || o.IO != "" || o.Codec == CodecFile && o.File == "" {
			continue
		}
		if files == nil {
			var err error
			if files, err = m.files(); err != nil {
				return nil, err
			}
		}
		checks, index = append(checks, fileCheck(files, o)), append(index, i)
	}
	if files == nil {
		return errs, ctx.Err()
	}
	if err := files.verify(ctx, checks); err != nil {
		return nil, err
	}
	for i, c := range checks {
		errs[index[i]] = c.err
	}
	return errs, nil
}

func fileCheck(f *Files, o *storage.Output) *check {
	c := &check{name: objectOf(o), digest: o.Blob, size: o.Size}
	c.hash = func(name string) (canon.Digest, error) {
		r, err := f.root.Open(name)
		if err != nil {
			return canon.Digest{}, err
		}
		d, err := hashFile(r)
		return d, errors.Join(err, r.Close())
	}
	if o.Codec == CodecCBORZstd { // the size on disk is not known, and the digest is that of the contents
		c.size = -1
		c.hash = func(name string) (canon.Digest, error) {
			data, err := f.read(name, o.Blob, squeeze.Zstd, o.Size)
			return canon.Sum(data), err
		}
	}
	return c
}

// States returns what was learnt about files since the last call and is not stored yet. A run adds it to one of its batches; a plan
// writes nothing and forgets it.
func (m *Default) States() []storage.FileState {
	if f := m.opened.Load(); f != nil {
		return f.takeFresh()
	}
	return nil
}

// NewFile makes a file for a step: the function of dag.Scope.NewFile. It stands in a folder that is removed when the process has ended,
// until Stage moves it into the store.
func (m *Default) NewFile(name string, write func(io.Writer) error) (dag.File, error) {
	if err := dag.CheckFileName(name); err != nil {
		return dag.File{}, err
	}
	files, err := m.files()
	if err != nil {
		return dag.File{}, err
	}
	return files.newFile(name, write)
}

// read returns the verified contents of a file.
func (f *Files) read(name string, d canon.Digest, coding squeeze.Coding, size int64) ([]byte, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, damaged(f.abs(name), err)
	}
	if !info.Mode().IsRegular() {
		return nil, damaged(f.abs(name), errors.New("it is not a regular file"))
	}
	stored, err := f.root.ReadFile(name)
	if err != nil {
		return nil, damaged(f.abs(name), err)
	}
	data, err := squeeze.Unpack(stored, coding, size)
	if err != nil {
		return nil, damaged(f.abs(name), err)
	}
	if got := canon.Sum(data); got != d {
		return nil, damaged(f.abs(name), digestError{got, d})
	}
	return data, nil
}

// newFile lets write fill a temporary file.
func (f *Files) newFile(name string, write func(io.Writer) error) (dag.File, error) {
	temp, err := f.tempName(extension(name))
	if err != nil {
		return dag.File{}, err
	}
	file, err := dag.WriteTo(f.abs(temp), name, write)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) {
		err = f.writeError(temp, err) // not the step's fault
	}
	if err == nil {
		f.made(temp, file)
	}
	return file, err
}

// clockTick is more than any file system is behind the clock with the time of a change.
const clockTick = 50 * time.Millisecond

// made remembers the digest that a temporary file was written with. take believes it where the file looks the same then: that is certain where the last change is older than what the time of
// a change can tell apart, as it is after the sync of a large file, which is the one whose bytes take time to read again.
func (f *Files) made(temp string, file dag.File) {
	info, err := f.root.Lstat(temp)
	if err != nil {
		return // take says what is wrong
	}
	s := stateOf(temp, info, file.Digest(), f.boot)
	if now := time.Now(); s.Changed != 0 && s.Size == file.Size() && now.Sub(time.Unix(0, s.Changed)) > clockTick && now.Sub(info.ModTime()) > clockTick {
		f.remember(s, false)
	}
}

// unchanged reports whether a temporary file is the one that made saw, with this digest.
func (f *Files) unchanged(temp string, w *os.File, d canon.Digest) bool {
	f.mu.Lock()
	known, ok := f.states[temp]
	f.mu.Unlock()
	if !ok {
		return false
	}
	f.forget(temp)
	info, err := w.Stat()
	return err == nil && stateOf(temp, info, d, f.boot) == known
}

// take puts the bytes of a dag.File at name. One that newFile made is moved, any other is copied.
func (f *Files) take(ctx context.Context, file dag.File, name string) (storage.FileState, error) {
	if err := f.holds.take(ctx, file.Digest()); err != nil {
		return storage.FileState{}, err
	}
	if s, ok := f.present(ctx, name, file.Digest(), hashFile, file.Size()); ok {
		if temp, ok := f.ours(file); ok {
			return s, f.root.Remove(temp)
		}
		return s, nil
	}
	temp, w, err := f.own(file)
	if err != nil {
		return storage.FileState{}, err
	}
	if f.unchanged(temp, w, file.Digest()) {
		return f.publish(ctx, temp, w, name, file.Digest(), nil, nil)
	}
	return f.publish(ctx, temp, w, name, file.Digest(), nil, func() error {
		got, err := hashFile(io.NewSectionReader(w, 0, math.MaxInt64))
		if err == nil && got != file.Digest() {
			err = fmt.Errorf("%s: %w", file.Path(), dag.ErrFileChanged)
		}
		return err
	})
}

// ours returns the temporary file that newFile made for a dag.File, in this process or in one that computes for it, relative to root; ok is false if it is any other file.
func (f *Files) ours(file dag.File) (temp string, ok bool) { return f.oursAt(file.Path()) }

func (f *Files) oursAt(file string) (temp string, ok bool) {
	dir, err := f.temp()
	if err != nil {
		return "", false
	}
	below, err := filepath.Rel(f.abs(dir), file)
	if err != nil || !filepath.IsLocal(below) || below == "." {
		return "", false
	}
	temp = path.Join(dir, filepath.ToSlash(below))
	info, err := f.root.Lstat(temp)
	return temp, err == nil && info.Mode().IsRegular()
}

// own returns a temporary file with the bytes that are at the path of a dag.File, open at its start.
func (f *Files) own(file dag.File) (temp string, w *os.File, err error) {
	if temp, ok := f.ours(file); ok {
		w, err := f.root.OpenFile(temp, os.O_RDWR, 0)
		return temp, w, f.writeError(temp, err)
	}
	r, err := os.Open(file.Path())
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	temp, w, err = f.create(extension(file.Path()))
	if err != nil {
		return "", nil, err
	}
	if err = f.share(w, r); err != nil {
		_, err = io.Copy(w, r)
	}
	if err == nil {
		_, err = w.Seek(0, io.SeekStart)
	}
	if err != nil {
		return "", nil, errors.Join(f.writeError(temp, err), w.Close(), f.root.Remove(temp))
	}
	return temp, w, nil
}

// A digestError and a sizeError say how stored bytes differ from what they should be.
type digestError struct{ got, want canon.Digest }

func (e digestError) Error() string {
	return fmt.Sprintf("its contents have digest %s instead of %s", e.got.Short(), e.want.Short())
}

type sizeError struct{ got, want int64 }

func (e sizeError) Error() string {
	return fmt.Sprintf("it has %d bytes instead of %d", e.got, e.want)
}
