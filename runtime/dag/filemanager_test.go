package dag

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocalFileManager(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	base := filepath.Join(t.TempDir(), "made", "on", "need")
	for _, dir := range []string{"", base} {
		m, err := NewLocalFileManager(dir)
		require.NoError(t, err)
		one, err := m.WriteData(t.Context(), []byte("foo"), ".txt")
		require.NoError(t, err)
		assert.Equal(t, "file.txt", one.Name())
		assert.Equal(t, ".txt", filepath.Ext(one.Path()))
		two, err := m.Write(t.Context(), strings.NewReader("bar"), "")
		require.NoError(t, err)
		assert.Equal(t, "file", two.Name())
		data, err := m.ReadData(t.Context(), two)
		require.NoError(t, err)
		assert.Equal(t, "bar", string(data))
		r, err := m.Read(t.Context(), one)
		require.NoError(t, err)
		require.NoError(t, iotest.TestReader(r, []byte("foo")))
		require.NoError(t, r.Close())

		other, err := NewLocalFileManager(t.TempDir())
		require.NoError(t, err)
		same, err := other.WriteData(t.Context(), []byte("foo"), ".txt")
		require.NoError(t, err)
		assert.Equal(t, one.Version(), same.Version(), "where it is counts in no version")
		assert.NotEqual(t, one.Path(), same.Path())

		path, err := m.CopyToLocalTemp(t.Context(), one)
		require.NoError(t, err)
		assert.Equal(t, "file.txt", filepath.Base(path))
		require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600), "it may be changed")
		_, err = m.CopyToLocalTemp(t.Context(), two)
		require.NoError(t, err)
		require.NoError(t, m.DeleteLocalTemp())
		assert.NoFileExists(t, path)
		require.NoError(t, m.DeleteLocalTemp(), "there is nothing left")
		data, err = m.ReadData(t.Context(), one)
		require.NoError(t, err)
		assert.Equal(t, "foo", string(data))
	}
	left, err := os.ReadDir(base)
	require.NoError(t, err)
	assert.Len(t, left, 2)
}

func TestLocalFileManagerErrors(t *testing.T) {
	dir := t.TempDir()
	m, err := NewLocalFileManager(dir)
	require.NoError(t, err)
	for _, ext := range []string{"txt", ".", ".a/b", "..", ".\x00", ".a..b"} {
		_, err := m.WriteData(t.Context(), nil, ext)
		require.Error(t, err, ext)
	}
	boom := errors.New("boom")
	_, err = m.Write(t.Context(), iotest.ErrReader(boom), ".txt")
	require.ErrorIs(t, err, boom)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = m.WriteData(done, []byte("x"), "")
	require.ErrorIs(t, err, context.Canceled)
	_, err = m.ReadData(t.Context(), File{})
	require.ErrorIs(t, err, os.ErrInvalid)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing half written stays")

	// A file that was changed is not read for what it was, and is mended by the next write.
	f, err := m.WriteData(t.Context(), []byte("good"), ".txt")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.Path(), []byte("evil"), 0o600))
	_, err = m.ReadData(t.Context(), f)
	require.ErrorIs(t, err, ErrFileChanged)
	_, err = m.CopyToLocalTemp(t.Context(), f)
	require.ErrorIs(t, err, ErrFileChanged)
	assert.Empty(t, m.temp)
	again, err := m.WriteData(t.Context(), []byte("good"), ".txt")
	require.NoError(t, err)
	assert.Equal(t, f, again)
	data, err := m.ReadData(t.Context(), f)
	require.NoError(t, err)
	assert.Equal(t, "good", string(data))
}

func TestLocalFileManagerAtOnce(t *testing.T) {
	m, err := NewLocalFileManager(t.TempDir())
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f, err := m.Write(t.Context(), strings.NewReader("same"), ".txt")
			assert.NoError(t, err)
			r, err := m.Read(t.Context(), f)
			if assert.NoError(t, err) {
				_, err = io.ReadAll(r)
				assert.NoError(t, err)
				assert.NoError(t, r.Close())
			}
			_, err = m.CopyToLocalTemp(t.Context(), f)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, m.temp, 8)
	require.NoError(t, m.DeleteLocalTemp())
}
