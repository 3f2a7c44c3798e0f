package load

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDebugSettings(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "m", "pkg")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(text), 0o644))
	}
	m := Module{Path: "example.com/m", Dir: filepath.Join(root, "m")}
	assert.Empty(t, debugSettings(dir, m, nil), "no go.mod at all")
	write("m/go.mod", "module example.com/m\n\ngo 1.26\n\ngodebug (\n\tpanicnil=1\n\tasynctimerchan=1\n)\n")
	off := []string{"GOWORK=off"}
	assert.Equal(t, []string{"asynctimerchan=1", "panicnil=1"}, debugSettings(dir, m, off))
	write("go.work", "go 1.26\n\nuse ./m\n\ngodebug default=go1.25\n")
	assert.Equal(t, []string{"default=go1.25"}, debugSettings(dir, m, []string{"GOWORK=off", "GOWORK="}), "a workspace decides for all its modules")
	assert.Equal(t, []string{"asynctimerchan=1", "panicnil=1"}, debugSettings(dir, m, off))
	write("other.work", "go 1.26\n\ngodebug panicnil=0\n")
	assert.Equal(t, []string{"panicnil=0"}, debugSettings(dir, m, []string{"GOWORK=" + filepath.Join(root, "other.work")}))
	write("m/go.mod", "module example.com/m\n\ngodebug ((\n")
	assert.Empty(t, debugSettings(dir, m, off), "the go command says what is wrong")
}
