package instance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// printed makes what a detached run prints, and one of its steps.
func printed(t *testing.T, i *Instance, id string) (files [2]string) {
	f, err := i.CreateLaunchOutput(id)
	require.NoError(t, err)
	_, err = f.WriteString("four")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	w, err := i.ComputeLogs().Append(t.Context(), computelog.Key{RunID: id, Step: "a"}, computelog.Stdout)
	require.NoError(t, err)
	_, err = w.Write([]byte("seven77"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return [2]string{filepath.Join(i.Dir(), "launched", id+".log"), filepath.Join(i.Dir(), "logs", id)}
}

func ended(t *testing.T, i *Instance, id string) {
	submit(t, i, &storage.Batch{NewRun: newRun(id)})
	end := newRun(id)
	end.Status = storage.RunSuccess
	submit(t, i, &storage.Batch{Finish: end})
}

func TestDeletedRunsLeaveNothingPrinted(t *testing.T) {
	i := openTest(t, t.TempDir())
	id := newID()
	ended(t, i, id)
	files := printed(t, i, id)
	require.NoError(t, i.DeleteRuns(t.Context(), id))
	for _, f := range files {
		assert.NoFileExists(t, f)
		assert.NoDirExists(t, f)
	}
}

// A process that dies between deleting a run and removing what it printed leaves files that nothing names.
func TestCollectRemovesWhatDeletedRunsPrinted(t *testing.T) {
	i := openTest(t, t.TempDir())
	kept, gone, starting := newID(), newID(), newID()
	ended(t, i, kept)
	ended(t, i, gone)
	keep, lost, begun := printed(t, i, kept), printed(t, i, gone), printed(t, i, starting)
	own := filepath.Join(i.Dir(), "launched", "notes.log")
	require.NoError(t, os.WriteFile(own, []byte("mine"), 0o600))
	require.NoError(t, i.Store().Submit(&storage.Batch{Delete: []string{gone}}).Wait(t.Context()))
	unlock, err := i.LockRun(starting) // by somebody who has not stored it yet
	require.NoError(t, err)

	would, err := i.Collect(t.Context(), Retention{}, true)
	require.NoError(t, err)
	assert.Equal(t, 2, would.Printed, "a dry run asks for no lock: what a run in progress has would stay")
	assert.FileExists(t, lost[0])
	c, err := i.Collect(t.Context(), Retention{}, false)
	require.NoError(t, err)
	assert.Equal(t, 1, c.Printed)
	assert.EqualValues(t, len("four")+len("seven77"), c.Bytes)
	assert.NoFileExists(t, lost[0])
	assert.NoDirExists(t, lost[1])
	for _, f := range [][2]string{keep, begun} {
		assert.FileExists(t, f[0])
		assert.DirExists(t, f[1])
	}
	assert.FileExists(t, own)

	unlock()
	c = collect(t, i, Retention{})
	assert.Equal(t, 1, c.Printed)
	assert.NoFileExists(t, begun[0])
	assert.FileExists(t, keep[0])
	assert.Equal(t, &Collected{}, collect(t, i, Retention{}), "nothing is left to do")
}

// Logs that stand where processes have their temporary files are told from those by nothing.
func TestCollectLeavesFoldersThatAreNotOfLogsAlone(t *testing.T) {
	for folder, want := range map[string]string{"": "logs", "said/here": "said/here", "tmp": "", "./locks": "", "launched": ""} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, configFile), []byte("compute_logs: {local: {folder: \""+folder+"\"}}\n"), 0o600))
		assert.Equal(t, want, openTest(t, dir).logFolder, folder)
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, configFile), []byte("compute_logs: noop\n"), 0o600))
	assert.Empty(t, openTest(t, dir).logFolder)
}

// The process of a backfill may die when it has ended, before it has removed its lock.
func TestLocksOfDeadBackfillsGo(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	const dead, alive = "01a20075-d579-7926-9e7c-eec9739ff1db", "01a20075-d579-7926-9e7c-eec9739ff1dc"
	left := filepath.Join(dir, filepath.FromSlash(backfillLockName(dead)))
	require.NoError(t, os.WriteFile(left, nil, 0o600))
	unlock, err := i.LockBackfill(alive)
	require.NoError(t, err)
	t.Cleanup(unlock)
	_, err = openTest(t, dir).ReapDeadRuns(t.Context())
	require.NoError(t, err)
	assert.NoFileExists(t, left)
	lives, err := i.BackfillLives(alive)
	require.NoError(t, err)
	assert.True(t, lives)
	_, err = i.LockBackfill(alive)
	assert.ErrorIs(t, err, ErrBusy)
}
