package iomanager

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/testdisk"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// faults are what can happen to a file in the store.
var faults = map[string]func(t *testing.T, path string){
	"bit flip": func(t *testing.T, path string) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		overwrite(t, path, data)
	},
	"empty": func(t *testing.T, path string) { overwrite(t, path, nil) },
	"half": func(t *testing.T, path string) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.Truncate(path, info.Size()/2))
	},
	"extended": func(t *testing.T, path string) {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		overwrite(t, path, append(data, 0))
	},
	"other bytes of the same size": func(t *testing.T, path string) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, noise(int(info.Size()) + 1)[1:], 0o400))
	},
	"missing":        func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
	"folder missing": func(t *testing.T, path string) { require.NoError(t, os.RemoveAll(filepath.Dir(path))) },
	"a folder": func(t *testing.T, path string) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.MkdirAll(filepath.Join(path, "below"), 0o700))
	},
	"a link out of the store": func(t *testing.T, path string) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Symlink("/etc/passwd", path))
	},
	"a pipe-like link to itself": func(t *testing.T, path string) {
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.Symlink(filepath.Base(path), path))
	},
}

func overwrite(t *testing.T, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

func TestDamagedFilesAreNoticedAndHealed(t *testing.T) {
	values := map[string]struct {
		typ *dag.Type
		v   func(t *testing.T, h *home) any
	}{
		"raw":        {bytesType, func(*testing.T, *home) any { return noise(100_000) }},
		"compressed": {rowsType, func(*testing.T, *home) any { return manyRows() }},
		"file": {fileType, func(t *testing.T, h *home) any {
			f, err := h.io.NewFile("a.bin", func(w io.Writer) error { _, err := w.Write(noise(100_000)); return err })
			require.NoError(t, err)
			return f
		}},
	}
	for vname, v := range values {
		for fname, fault := range faults {
			t.Run(vname+"/"+fname, func(t *testing.T) {
				h := newHome(t, t.TempDir())
				s := h.commit(t, v.typ, v.v(t, h))
				path := h.objects(t)[0]
				fault(t, path)
				for _, h := range []*home{h, h.again(t)} { // with and without what this process remembers
					_, err := h.io.Load(t.Context(), &s.Output, v.typ)
					require.ErrorIs(t, err, ErrDamaged)
					require.ErrorContains(t, err, path)
					errs, err := h.io.Check(t.Context(), []*storage.Output{{Inline: true}, &s.Output, {IO: "other"}})
					require.NoError(t, err)
					require.ErrorIs(t, errs[1], ErrDamaged)
					require.NoError(t, errors.Join(errs[0], errs[2]))
				}
				again := h.commit(t, v.typ, v.v(t, h))
				assert.Equal(t, s.Output, again.Output)
				h.load(t, s, v.typ)
				h.again(t).load(t, s, v.typ)
			})
		}
	}
}

func TestUnreadableFileIsDamaged(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root reads files of any mode: the file must load as ever")
	}
	h := newHome(t, t.TempDir())
	s := h.commit(t, bytesType, noise(100_000))
	require.NoError(t, os.Chmod(h.objects(t)[0], 0))
	v, err := h.io.Load(t.Context(), &s.Output, bytesType)
	if os.Geteuid() == 0 {
		require.NoError(t, err)
		assert.Equal(t, noise(100_000), v)
		return
	}
	require.ErrorIs(t, err, ErrDamaged)
}

func TestDamagedInlineOutput(t *testing.T) {
	h := newHome(t, t.TempDir())
	s, err := h.io.Stage(t.Context(), rowsType, []row{{1, "x"}})
	require.NoError(t, err)
	_, err = h.io.Load(t.Context(), &s.Output, rowsType)
	require.ErrorIs(t, err, ErrDamaged, "not committed")
	require.NoError(t, h.store.Submit(&storage.Batch{Blobs: map[canon.Digest][]byte{s.Blob: []byte("other")}}).Wait(t.Context()))
	_, err = h.io.Load(t.Context(), &s.Output, rowsType)
	require.ErrorIs(t, err, ErrDamaged)
	h.commit(t, rowsType, []row{{1, "x"}})
	assert.Equal(t, []row{{1, "x"}}, h.load(t, s, rowsType))
	_, err = h.io.Load(t.Context(), &s.Output, fileType)
	require.ErrorIs(t, err, ErrDamaged, "an encoding of another type is as good as none")
	o := s.Output
	o.Inline, o.Codec = false, "avro"
	_, err = h.io.Load(t.Context(), &o, rowsType)
	require.ErrorIs(t, err, ErrDamaged)
	require.ErrorContains(t, err, `"avro"`)
}

// What was read once is not read again while it looks the same: in this process, and by what a run stored, in the next.
func TestUnchangedFilesAreNotReadAgain(t *testing.T) {
	h := newHome(t, t.TempDir())
	s := h.commit(t, bytesType, noise(100_000))
	reads := func(h *home) int {
		n := 0
		files, err := h.io.files()
		require.NoError(t, err)
		c := fileCheck(files, &s.Output)
		hash := c.hash
		c.hash = func(name string) (canon.Digest, error) { n++; return hash(name) }
		require.NoError(t, files.verify(t.Context(), []*check{c}))
		require.NoError(t, c.err)
		return n
	}
	assert.Equal(t, 0, reads(h))
	next := h.again(t)
	assert.Equal(t, 0, reads(next))
	require.NoError(t, os.Chmod(h.objects(t)[0], 0o440)) // its inode changed: who knows what else
	next = h.again(t)
	assert.Equal(t, 1, reads(next))
	assert.Equal(t, 0, reads(next))
	assert.Equal(t, 1, reads(h.again(t)), "a plan stores nothing")
	states := next.io.States()
	require.Len(t, states, 1)
	assert.Empty(t, next.io.States())
	require.NoError(t, next.store.Submit(&storage.Batch{Files: states}).Wait(t.Context()))
	assert.Equal(t, 0, reads(h.again(t)))
	other := h.again(t)
	files, err := other.io.files()
	require.NoError(t, err)
	files.boot = "another start of the system"
	assert.Equal(t, 1, reads(other))
}

// homeOn is a home whose files stand on a disk of their own and whose store does not.
func homeOn(t *testing.T, disk string) *home {
	h := newHome(t, t.TempDir())
	require.NoError(t, os.MkdirAll(filepath.Join(disk, "tmp", "p"), 0o700))
	root, err := os.OpenRoot(disk)
	require.NoError(t, err)
	h.dir = disk
	h.io = NewDefault(h.store, NewFiles(root, disk, h.store, func() (string, error) { return "tmp/p", nil }))
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	return h
}

func TestFullDisk(t *testing.T) {
	h := homeOn(t, testdisk.New(t, "size=200k"))
	_, err := h.io.Stage(t.Context(), bytesType, noise(300_000))
	require.ErrorIs(t, err, storage.ErrFull)
	require.ErrorContains(t, err, filepath.Join(h.dir, "objects"))
	_, err = h.io.NewFile("large.bin", func(w io.Writer) error { _, err := w.Write(noise(300_000)); return err })
	require.ErrorIs(t, err, storage.ErrFull)
	outside := writeFile(t, filepath.Join(t.TempDir(), "a.png"), noise(300_000))
	_, err = h.io.Stage(t.Context(), fileType, outside)
	require.ErrorIs(t, err, storage.ErrFull)
	h.noTemp(t)
	for _, name := range h.objects(t) {
		t.Errorf("%s is left", name)
	}
	testdisk.Change(t, h.dir, "size=2m")
	s := h.commit(t, bytesType, noise(300_000))
	assert.Equal(t, noise(300_000), h.load(t, s, bytesType))
}

func TestReadOnlyDisk(t *testing.T) {
	h := homeOn(t, testdisk.New(t, "size=2m"))
	s := h.commit(t, bytesType, noise(100_000))
	testdisk.Change(t, h.dir, "ro,size=2m")
	assert.Equal(t, noise(100_000), h.load(t, s, bytesType))
	_, err := h.io.Stage(t.Context(), bytesType, noise(100_001))
	require.ErrorIs(t, err, storage.ErrReadOnly)
	_, err = h.io.NewFile("x", func(io.Writer) error { return nil })
	require.ErrorIs(t, err, storage.ErrReadOnly)
}

// A process that has run out of descriptors knows nothing of a file: it must not take it for damaged and compute it again.
func TestNoDescriptorsIsNoDamage(t *testing.T) {
	h := newHome(t, t.TempDir())
	s := h.commit(t, bytesType, noise(100_000))
	f := h.commit(t, fileType, writeFile(t, filepath.Join(t.TempDir(), "a.png"), noise(100_000)))
	require.NoError(t, os.Chmod(h.objects(t)[0], 0o440)) // so that it is read again
	require.NoError(t, os.Chmod(h.objects(t)[1], 0o440))
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	low := limit
	low.Cur = 200
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
	var open []*os.File
	for {
		d, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		open = append(open, d)
	}
	_, loadErr := h.io.Load(t.Context(), &s.Output, bytesType)
	_, fileErr := h.io.Load(t.Context(), &f.Output, fileType)
	_, checkErr := h.io.Check(t.Context(), []*storage.Output{&s.Output})
	for _, d := range open {
		require.NoError(t, d.Close())
	}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	for _, err := range []error{loadErr, fileErr, checkErr} {
		require.ErrorIs(t, err, syscall.EMFILE)
		require.NotErrorIs(t, err, ErrDamaged)
	}
	h.load(t, s, bytesType)
}
