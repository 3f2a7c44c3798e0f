package iomanager

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	bytesType = dag.TypeOf[[]byte]("[]byte")
	rowsType  = dag.TypeOf[[]row]("[]iomanager.row")
	fileType  = dag.TypeOf[dag.File]("dag.File")
)

type row struct {
	N    int
	Name string
}

// A home is a folder with a store and a manager.
type home struct {
	dir   string
	root  *os.Root
	store storage.Store
	io    *Default
}

func newHome(t testing.TB, dir string) *home {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tmp", "p"), 0o700))
	h := &home{dir: dir}
	var err error
	h.root, err = os.OpenRoot(dir)
	require.NoError(t, err)
	h.store, err = sqlite.Open(t.Context(), filepath.Join(dir, "x.db"))
	require.NoError(t, err)
	h.io = NewDefault(h.store, NewFiles(h.root, dir, h.store, func() (string, error) { return "tmp/p", nil }))
	t.Cleanup(func() { require.NoError(t, errors.Join(h.store.Close(), h.root.Close())) })
	return h
}

// again is another process on the same folder.
func (h *home) again(t testing.TB) *home { return newHome(t, h.dir) }

// commit stages a value and submits what belongs to it.
func (h *home) commit(t testing.TB, typ *dag.Type, v any) *Staged {
	t.Helper()
	s, err := h.io.Stage(t.Context(), typ, v)
	require.NoError(t, err)
	b := &storage.Batch{}
	s.AddTo(b)
	require.NoError(t, h.store.Submit(b).Wait(t.Context()))
	return s
}

func (h *home) load(t testing.TB, s *Staged, typ *dag.Type) any {
	t.Helper()
	v, err := h.io.Load(t.Context(), &s.Output, typ)
	require.NoError(t, err)
	return v
}

func (h *home) objects(t testing.TB) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(h.dir, "objects", "*", "*"))
	require.NoError(t, err)
	return list
}

func (h *home) noTemp(t testing.TB) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(h.dir, "tmp", "p", "*"))
	require.NoError(t, err)
	assert.Empty(t, list)
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}

func manyRows() []row {
	rows := make([]row, 5000)
	for i := range rows {
		rows[i] = row{i, "the same name"}
	}
	return rows
}

func writeFile(t testing.TB, path string, data []byte) dag.File {
	t.Helper()
	require.NoError(t, os.WriteFile(path, data, 0o600))
	f, err := dag.OpenFile(path)
	require.NoError(t, err)
	return f
}

func TestStageAndLoad(t *testing.T) {
	for _, tt := range []struct {
		name  string
		typ   *dag.Type
		v     any
		codec string
		files int
	}{
		{"small", rowsType, []row{{1, "a"}}, CodecCBOR, 0},
		{"nil", rowsType, []row(nil), CodecCBOR, 0},
		{"untyped nil", rowsType, nil, CodecCBOR, 0},
		{"largest inline", bytesType, noise(storage.MaxInline - 3), CodecCBOR, 0},
		{"smallest file", bytesType, noise(storage.MaxInline - 2), CodecCBOR, 1},
		{"large and random", bytesType, noise(300_000), CodecCBOR, 1},
		{"large and repetitive", rowsType, manyRows(), CodecCBORZstd, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHome(t, t.TempDir())
			s := h.commit(t, tt.typ, tt.v)
			assert.Equal(t, tt.codec, s.Codec)
			assert.Equal(t, tt.files == 0, s.Inline)
			assert.Equal(t, canon.Sum(s.Data), s.DataVersion)
			assert.Equal(t, int64(len(s.Data)), s.Size)
			require.Len(t, h.objects(t), tt.files)
			h.noTemp(t)
			want := tt.v
			if want == nil {
				want = []row(nil)
			}
			assert.Equal(t, want, h.load(t, s, tt.typ))
			assert.Equal(t, want, h.again(t).load(t, s, tt.typ))
			errs, err := h.io.Check(t.Context(), []*storage.Output{&s.Output})
			require.NoError(t, err)
			assert.Equal(t, []error{nil}, errs)
			for _, name := range h.objects(t) {
				info, err := os.Stat(name)
				require.NoError(t, err)
				assert.Equal(t, os.FileMode(0o400), info.Mode().Perm())
			}
		})
	}
}

func TestStageRefuses(t *testing.T) {
	h := newHome(t, t.TempDir())
	_, err := h.io.Stage(t.Context(), dag.TypeOf[chan int]("chan int"), make(chan int))
	require.ErrorContains(t, err, "a chan cannot be stored")
	assert.False(t, storage.IsUnavailable(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.io.Stage(ctx, bytesType, noise(100_000))
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, h.objects(t))
}

func TestFiles(t *testing.T) {
	h := newHome(t, t.TempDir())
	outside := filepath.Join(t.TempDir(), "input.CSV")
	for _, tt := range []struct {
		name, ext string
		file      dag.File
	}{
		{"a file from outside", ".CSV", writeFile(t, outside, []byte("a,b\n"))},
		{"an empty file", ".txt", writeFile(t, filepath.Join(t.TempDir(), "empty.txt"), nil)},
		{"a large file", ".png", writeFile(t, filepath.Join(t.TempDir(), "a.png"), noise(3_000_000))},
		{"no extension", "", writeFile(t, filepath.Join(t.TempDir(), "README"), []byte("x"))},
		{"an odd extension", "", writeFile(t, filepath.Join(t.TempDir(), "a.b c"), []byte("y"))},
		{"a dot file", "", writeFile(t, filepath.Join(t.TempDir(), "x."), []byte("z"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := h.commit(t, fileType, tt.file)
			assert.Equal(t, tt.file.Version(), s.DataVersion)
			assert.Equal(t, CodecFile, s.Codec)
			assert.Nil(t, s.Data)
			for _, v := range []any{s.Value, h.load(t, s, fileType), h.again(t).load(t, s, fileType)} {
				f := v.(dag.File)
				assert.Equal(t, tt.file.Version(), f.Version())
				assert.Equal(t, tt.file.Name(), f.Name())
				assert.Equal(t, filepath.Join(h.dir, "objects", f.Digest().Hex()[:2], f.Digest().Hex()+tt.ext), f.Path())
				r, err := f.Open()
				require.NoError(t, err)
				n, err := io.Copy(io.Discard, r)
				require.NoError(t, errors.Join(err, r.Close()))
				assert.Equal(t, f.Size(), n)
			}
		})
	}
	assert.FileExists(t, outside, "an input stays where it is")
	h.noTemp(t)
}

func TestZeroFile(t *testing.T) {
	h := newHome(t, t.TempDir())
	s := h.commit(t, fileType, dag.File{})
	assert.Equal(t, dag.File{}.Version(), s.DataVersion)
	assert.Equal(t, dag.File{}, h.load(t, s, fileType))
	assert.Empty(t, h.objects(t))
}

func TestFileOfAStepIsMoved(t *testing.T) {
	h := newHome(t, t.TempDir())
	write := func(text string) dag.File {
		f, err := h.io.NewFile("chart.png", func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
		require.NoError(t, err)
		return f
	}
	f := write("picture")
	s := h.commit(t, fileType, f)
	assert.NoFileExists(t, f.Path())
	assert.Equal(t, "chart.png", s.File)
	again := h.commit(t, fileType, s.Value) // an op that returns its input
	assert.Equal(t, s.Output, again.Output)
	same := write("picture") // made again, as --no-memo does
	again = h.commit(t, fileType, same)
	assert.Equal(t, s.Output, again.Output)
	assert.NoFileExists(t, same.Path())
	twice := h.commit(t, fileType, f) // two outputs that are one file: it was moved for the first
	assert.Equal(t, s.Output, twice.Output)
	h.noTemp(t)

	boom := errors.New("boom")
	_, err := h.io.NewFile("x.png", func(w io.Writer) error { return boom })
	require.ErrorIs(t, err, boom)
	_, err = h.io.NewFile("../x", nil)
	require.Error(t, dag.CheckFileName("../x"))
	require.Error(t, err)
	h.noTemp(t)
}

func TestFileThatChangesIsNoOutput(t *testing.T) {
	h := newHome(t, t.TempDir())
	path := filepath.Join(t.TempDir(), "x.csv")
	f := writeFile(t, path, []byte("one"))
	require.NoError(t, os.WriteFile(path, []byte("two"), 0o600))
	_, err := h.io.Stage(t.Context(), fileType, f)
	require.ErrorIs(t, err, dag.ErrFileChanged)
	require.ErrorContains(t, err, path)
	mine, err := h.io.NewFile("x.csv", func(w io.Writer) error { _, err := io.WriteString(w, "one"); return err })
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(mine.Path(), []byte("longer"), 0o600))
	_, err = h.io.Stage(t.Context(), fileType, mine)
	require.ErrorIs(t, err, dag.ErrFileChanged)
	require.NoError(t, os.Remove(path))
	_, err = h.io.Stage(t.Context(), fileType, f)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.False(t, storage.IsUnavailable(err), "the step's fault")
	assert.Empty(t, h.objects(t))
	h.noTemp(t)
}

func TestManyStagersOfOneValue(t *testing.T) {
	h := newHome(t, t.TempDir())
	homes := []*home{h, h.again(t)}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := range 5 {
				s, err := homes[i%2].io.Stage(t.Context(), bytesType, noise(40_000+n))
				if assert.NoError(t, err) {
					_, err = homes[(i+1)%2].io.Load(t.Context(), &s.Output, bytesType)
					assert.NoError(t, err)
				}
			}
		})
	}
	wg.Wait()
	assert.Len(t, h.objects(t), 5)
	h.noTemp(t)
}

func TestMemory(t *testing.T) {
	var m Memory
	ctx := t.Context()
	out := func(step string) *dag.OutputContext {
		return &dag.OutputContext{RunID: "r", StepKey: step, Name: "result", Version: "sha256:1", Type: rowsType}
	}
	load := func(step string, typ *dag.Type) (any, error) {
		return m.LoadInput(ctx, &dag.InputContext{Upstream: out(step), Type: typ})
	}
	_, err := load("a", rowsType)
	require.ErrorIs(t, err, ErrDamaged)
	rows := []row{{1, "x"}}
	require.NoError(t, m.HandleOutput(ctx, out("a"), rows))
	rows[0].N = 99
	first, err := load("a", rowsType)
	require.NoError(t, err)
	first.([]row)[0].N = 5
	second, err := load("a", rowsType)
	require.NoError(t, err)
	assert.Equal(t, []row{{1, "x"}}, second, "every value is one's own")
	has, err := m.HasOutputs(ctx, []*dag.OutputContext{out("a"), out("b")})
	require.NoError(t, err)
	assert.Equal(t, []bool{true, false}, has)

	file := out("f")
	file.Type = fileType
	f := dag.NewFile("/x/y", "y", 1, canon.Digest{1})
	require.NoError(t, m.HandleOutput(ctx, file, f))
	got, err := load("f", fileType)
	require.NoError(t, err)
	assert.Equal(t, f, got)
	bad := out("c")
	bad.Type = dag.TypeOf[chan int]("chan int")
	require.Error(t, m.HandleOutput(ctx, bad, make(chan int)))
}
