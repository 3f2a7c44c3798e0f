package dag

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "a.csv"), "1,2\n")
	f, err := OpenFile(path)
	require.NoError(t, err)
	assert.Equal(t, path, f.Path())
	assert.Equal(t, "a.csv", f.Name())
	assert.EqualValues(t, 4, f.Size())
	assert.Equal(t, canon.Sum([]byte("1,2\n")), f.Digest())
	assert.False(t, f.IsZero())

	r, err := f.Open()
	require.NoError(t, err)
	require.NoError(t, iotest.TestReader(readerOnly{r}, []byte("1,2\n")))
	require.NoError(t, r.Close())

	for name, path := range map[string]string{"missing": filepath.Join(dir, "none"), "a folder": dir} {
		_, err := OpenFile(path)
		assert.ErrorContains(t, err, path, name)
	}
}

type readerOnly struct{ io.Reader }

func TestFileVersionIsItsNameAndBytes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	open := func(name, text string) File {
		f, err := OpenFile(write(t, filepath.Join(dir, name), text))
		require.NoError(t, err)
		return f
	}
	a := open("a", "x")
	assert.Equal(t, a.Version(), open("sub/a", "x").Version(), "another folder")
	assert.NotEqual(t, a.Version(), open("b", "x").Version(), "another name")
	assert.NotEqual(t, a.Version(), open("a", "y").Version(), "other bytes")
	assert.NotEqual(t, a.Version(), open("a", "").Version(), "no bytes")
}

func TestReadingAChangedFileFailsAtItsEnd(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "before")
	f, err := OpenFile(path)
	require.NoError(t, err)
	write(t, path, "after!")
	r, err := f.Open()
	require.NoError(t, err)
	defer r.Close()
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, ErrFileChanged)
	assert.ErrorContains(t, err, path)
}

func TestZeroFile(t *testing.T) {
	var f File
	assert.True(t, f.IsZero())
	_, err := f.Open()
	assert.ErrorIs(t, err, os.ErrInvalid)
}

func TestWriteFileOutsideARun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f, err := WriteFile(context.Background(), "chart.png", func(w io.Writer) error {
		_, err := io.WriteString(w, "bytes")
		return err
	})
	require.NoError(t, err)
	assert.Equal(t, "chart.png", f.Name())
	assert.Equal(t, ".png", filepath.Ext(f.Path()))
	r, err := f.Open()
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.Equal(t, "bytes", string(data))

	boom := errors.New("boom")
	before, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	_, err = WriteFile(context.Background(), "half.txt", func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return boom })
	require.ErrorIs(t, err, boom)
	after, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	assert.Len(t, after, len(before), "nothing is left of a file whose writer failed")
}

func TestWriteFileInsideARunAsksTheEngine(t *testing.T) {
	want := NewFile("/store/x.txt", "x.txt", 1, canon.Sum(nil))
	ctx := WithScope(context.Background(), &Scope{NewFile: func(name string, write func(io.Writer) error) (File, error) {
		assert.Equal(t, "x.txt", name)
		return want, write(io.Discard)
	}})
	f, err := WriteFile(ctx, "x.txt", func(io.Writer) error { return nil })
	require.NoError(t, err)
	assert.Equal(t, want, f)
}

func TestFileNames(t *testing.T) {
	for _, name := range []string{"a", "a.b.c", ".hidden", "with space", "größe.csv", strings.Repeat("x", 255)} {
		assert.NoError(t, CheckFileName(name), "%q", name)
	}
	for _, name := range []string{"", ".", "..", "a/b", "../x", "/etc/passwd", `a\b`, "a\x00", "a\nb", "a\x7f", strings.Repeat("x", 256)} {
		assert.Error(t, CheckFileName(name), "%q", name)
		_, err := WriteFile(context.Background(), name, func(io.Writer) error { t.Error("written"); return nil })
		assert.Error(t, err, "%q", name)
	}
}

type memory map[string]canon.Digest

func (m memory) Digest(path string, info os.FileInfo) (canon.Digest, bool) {
	d, ok := m[path]
	return d, ok
}

func (m memory) Learn(path string, before, after os.FileInfo, d canon.Digest) { m[path] = d }

type pointerTo struct{ memory }

func TestOpenFileAsksDigestMemories(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a"), "x")
	m := &pointerTo{memory{}}
	forget := UseDigests(m)
	_, err := OpenFile(path)
	require.NoError(t, err)
	assert.Equal(t, canon.Sum([]byte("x")), m.memory[path], "it is told what was read")

	known := canon.Sum([]byte("known"))
	m.memory[path] = known
	f, err := OpenFile(path)
	require.NoError(t, err)
	assert.Equal(t, known, f.Digest(), "what it knows is not read")

	forget()
	forget()
	f, err = OpenFile(path)
	require.NoError(t, err)
	assert.Equal(t, canon.Sum([]byte("x")), f.Digest(), "a forgotten memory is not asked")
}
