package instance

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/plugin"
	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/memory"
)

// A storage and a manager of compute logs as a user's package registers them, each with a config of its own.
type shared struct {
	Name string `yaml:"name"`
}

var stores = map[string]*memory.Store{}

func init() {
	plugin.Register(Storages, "test_shared", func(ctx plugin.Context, c shared) (storage.Store, error) {
		if stores[c.Name] == nil {
			if ctx.ReadOnly {
				return nil, fs.ErrNotExist
			}
			stores[c.Name] = memory.New()
		}
		return stores[c.Name], nil
	})
	plugin.Register(ComputeLogs, "test_logs", func(plugin.Context, shared) (computelog.Manager, error) { return computelog.Noop(), nil })
}

func TestStorageByName(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ConfigFile), []byte("storage:\n  test_shared:\n    name: one\ncompute_logs: test_logs\n"), 0o600))
	r, err := OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	runs, err := r.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs)
	require.NoError(t, r.Close())

	i, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	assert.Same(t, stores["one"], i.Store())
	run := newRun(newID())
	unlock, err := i.LockRun(run.ID)
	require.NoError(t, err)
	submit(t, i, &storage.Batch{NewRun: run})
	r, err = OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	got, err := r.Run(t.Context(), run.ID)
	require.NoError(t, err)
	assert.Equal(t, storage.RunStarted, got.Status)
	unlock()
	assert.NoFileExists(t, filepath.Join(dir, database))
	require.NoError(t, i.Close())

	require.NoError(t, os.WriteFile(filepath.Join(dir, ConfigFile), []byte("compute_logs: {local: {folder: ../x}}"), 0o600))
	_, err = Open(t.Context(), dir, Options{})
	var wrong *ConfigError
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, `"../x" is not a folder in that of the instance`)
}
