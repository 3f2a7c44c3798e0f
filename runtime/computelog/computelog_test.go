package computelog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/mask"
)

func newLocal(t *testing.T) (Manager, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	return Local(root, dir, "logs"), dir
}

func read(t *testing.T, m Manager, key Key, s Stream) string {
	t.Helper()
	r, err := m.Open(t.Context(), key, s)
	if errors.Is(err, fs.ErrNotExist) {
		return "(nothing)"
	}
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, errors.Join(err, r.Close()))
	return string(data)
}

func TestLocal(t *testing.T) {
	m, dir := newLocal(t)
	run, other := uuid.NewString(), uuid.NewString()
	for _, k := range []Key{{run, "fit[../../etc]"}, {run, ""}, {other, "a"}} {
		for _, s := range []Stream{Stdout, Stderr} {
			assert.Equal(t, "(nothing)", read(t, m, k, s))
			for _, text := range []string{"one\n", "two"} {
				sink := NewSink(t.Context(), m, k, s)
				n, err := io.WriteString(sink, text)
				require.NoError(t, err)
				kept, err := sink.Close()
				require.NoError(t, err)
				assert.EqualValues(t, n, kept)
			}
			assert.Equal(t, "one\ntwo", read(t, m, k, s), "%v", k)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "logs", "*", "*"))
	require.NoError(t, err)
	assert.Len(t, files, 6)
	require.NoError(t, m.Delete(t.Context(), run))
	require.NoError(t, m.Delete(t.Context(), run))
	assert.Equal(t, "(nothing)", read(t, m, Key{run, ""}, Stdout))
	assert.Equal(t, "one\ntwo", read(t, m, Key{other, "a"}, Stderr))
	sink := NewSink(t.Context(), m, Key{run, "again"}, Stdout)
	_, _ = sink.Write([]byte("x"))
	_, err = sink.Close()
	require.NoError(t, err, "the folder of a run is made again")

	for _, wrong := range []Key{{"..", ""}, {"", ""}, {strings.ToUpper(run), ""}} {
		_, err := m.Open(t.Context(), wrong, Stdout)
		assert.ErrorContains(t, err, "is no UUID")
		assert.Error(t, m.Delete(t.Context(), wrong.RunID))
	}
	_, err = m.Append(t.Context(), Key{run, ""}, "stdin")
	assert.EqualError(t, err, `there is no stream "stdin", only stdout and stderr`)
}

func TestNothingPrintedIsNothingKept(t *testing.T) {
	m, dir := newLocal(t)
	n, err := NewSink(t.Context(), m, Key{uuid.NewString(), "a"}, Stdout).Close()
	require.NoError(t, err)
	assert.Zero(t, n)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestSecretsAreMasked(t *testing.T) {
	mask.Add("c4n4ry-in-the-log")
	m, _ := newLocal(t)
	key := Key{uuid.NewString(), "a"}
	sink := NewSink(t.Context(), m, key, Stdout)
	for _, part := range []string{"it is c4n4", "ry-in-the-", "log, or\nc4n4ry-in-the-log"} {
		_, _ = sink.Write([]byte(part))
	}
	_, err := sink.Close()
	require.NoError(t, err)
	assert.NotContains(t, read(t, m, key, Stdout), "c4n4ry")
	assert.Contains(t, read(t, m, key, Stdout), "it is ***, or\n")
}

func TestLongLines(t *testing.T) {
	m, _ := newLocal(t)
	key := Key{uuid.NewString(), "a"}
	sink := NewSink(t.Context(), m, key, Stdout)
	for range 100 {
		_, _ = sink.Write([]byte(strings.Repeat("x", 1000)))
	}
	assert.Less(t, len(sink.line), longestLine)
	n, err := sink.Close()
	require.NoError(t, err)
	assert.EqualValues(t, 100_000, n)
}

func TestNoop(t *testing.T) {
	m := Noop()
	assert.True(t, IsNoop(m))
	assert.True(t, IsNoop(nil))
	local, _ := newLocal(t)
	assert.False(t, IsNoop(local))
	key := Key{uuid.NewString(), "a"}
	sink := NewSink(t.Context(), m, key, Stdout)
	_, _ = sink.Write([]byte("x\n"))
	_, err := sink.Close()
	require.NoError(t, err)
	assert.Equal(t, "(nothing)", read(t, m, key, Stdout))
	require.NoError(t, m.Delete(t.Context(), key.RunID))
}

// An error of the manager ends the log, never the one who prints.
func TestErrorOfTheManager(t *testing.T) {
	m, dir := newLocal(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "logs"), nil, 0o600))
	sink := NewSink(t.Context(), m, Key{uuid.NewString(), "a"}, Stdout)
	for range 3 {
		n, err := sink.Write([]byte("line\n"))
		assert.NoError(t, err)
		assert.Equal(t, 5, n)
	}
	_, err := sink.Close()
	assert.Error(t, err)
}
