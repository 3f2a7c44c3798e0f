package instance

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		os.Exit(runChild(dir))
	}
	goleak.VerifyTestMain(m)
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func openTest(t testing.TB, dir string) *Instance {
	t.Helper()
	i, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, i.Close()) })
	return i
}

func newRun(id string) *storage.Run {
	return &storage.Run{ID: id, Job: "nightly", Status: storage.RunStarted, Started: time.Now().UTC()}
}

func submit(t testing.TB, i *Instance, b *storage.Batch) {
	t.Helper()
	require.NoError(t, i.Store().Submit(b).Wait(t.Context()))
}

func TestFind(t *testing.T) {
	t.Setenv(HomeVariable, "")
	module := t.TempDir()
	deep := filepath.Join(module, "a", "b")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	_, err := Find(deep)
	require.ErrorIs(t, err, ErrNoHome)
	require.ErrorContains(t, err, "set DAGSTERGEN_HOME")
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.mod"), []byte("module x\n"), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(module, "a", "go.mod"), 0o755), "a folder is no module")
	for _, from := range []string{module, deep, filepath.Join(module, "not", "there")} {
		got, err := Find(from)
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(module, ".dagstergen"), got)
	}
	t.Setenv(HomeVariable, "some/place")
	got, err := Find(deep)
	require.NoError(t, err)
	cwd, err := os.Getwd()
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(cwd, "some/place"), got)
}

func TestOpenMakesAPrivateFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "home")
	i := openTest(t, dir)
	assert.Equal(t, dir, i.Dir())
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, path)
		return nil
	}))
	ignore, err := os.ReadFile(filepath.Join(dir, ".gitignore"))
	require.NoError(t, err)
	assert.Equal(t, "*\n", string(ignore))
}

func TestHalfMadeFolderIsCompleted(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	require.NoError(t, openTest(t, whole).Close())
	entries, err := os.ReadDir(whole)
	require.NoError(t, err)
	for _, e := range entries {
		dir := filepath.Join(t.TempDir(), "half")
		require.NoError(t, os.CopyFS(dir, os.DirFS(whole)))
		require.NoError(t, os.RemoveAll(filepath.Join(dir, e.Name())))
		// A database that was being made when the process died.
		require.NoError(t, os.WriteFile(filepath.Join(dir, database+".new"), []byte("half"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, database+".new-journal"), []byte("half"), 0o600))
		i := openTest(t, dir)
		submit(t, i, &storage.Batch{NewRun: newRun(newID())})
		require.NoError(t, i.Close())
	}
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(t.Context(), file, Options{})
	require.ErrorIs(t, err, storage.ErrIO)
	require.ErrorContains(t, err, file)
	_, err = Open(t.Context(), filepath.Join(file, "below"), Options{})
	require.ErrorIs(t, err, storage.ErrIO)
	_, err = OpenReadOnly(t.Context(), file)
	require.Error(t, err)

	for content, want := range map[string]string{
		"storage: {sqlite: {allow_network: true}}": "",
		"storage: sqlite":                          "", "compute_logs: local": "", "compute_logs: noop": "", "compute_logs: {local: {folder: prints}}": "", "storage:": "",
		"compute_logs: s3":                                          `line 1: compute_logs: "s3" is not registered; there is local, noop`,
		"compute_logs: s3\nstorage: postgres":                       `storage: "postgres" is not registered; there is`,
		"storage: {sqlite: {lock_timeout: 30s}}":                    "",
		"storage: {sqlite: {lock_timeout: -1s}}":                    "storage.sqlite.lock_timeout: -1s is less than no time; leave it out for a minute",
		"storage: {sqlite: {lock_timeout: soon}}":                   "cannot unmarshal",
		"storage: {sqlite: {allow: true}}":                          "storage.sqlite: below line 1: line 1: field allow not found",
		"executor: [multi]":                                         "line 1: want the name of a plug-in, or one name with its config below it",
		"concurrency: {pools: {default_limit: 2, limits: {db: 1}}}": "", "concurrency:": "", "concurrency: {pools: {limits: {db: 65536}}}": "",
		"concurrency: {pools: {default_limit: 0}}":    "concurrency.pools.default_limit: want a whole number from 1 to 65536, found 0; leave it out for no limit",
		"concurrency: {pools: {limits: {db: 65537}}}": "concurrency.pools.limits.db: want a whole number from 1 to 65536, found 65537",
		"concurrency: {pools: {limits: {db: many}}}":  "cannot unmarshal",
		"concurrency: {pool: {}}":                     "field pool not found",
		"":                                            "",
		"# nothing":                                   "",
		"storge: {}":                                  "line 1: field storge not found",
		"storage:\n  postgres: {}":                    `line 2: storage: "postgres" is not registered; there is`,
		"a: &a [*a]":                                  "field a not found",
		"- 1":                                         "cannot unmarshal",
		"storage: {}\n---\n{}":                        "more than one document",
		strings.Repeat("#", 2<<20):                    "larger than",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, configFile), []byte(content), 0o600))
		i, err := Open(t.Context(), dir, Options{})
		if want == "" {
			require.NoError(t, err)
			require.NoError(t, i.Close())
			continue
		}
		var c *ConfigError
		require.ErrorAs(t, err, &c)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, filepath.Join(dir, configFile))
		assert.NoFileExists(t, filepath.Join(dir, database), "nothing is made")
	}
}

func TestReadOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	r, err := OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	runs, err := r.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs)
	assert.NoDirExists(t, dir)
	_, err = r.LockRun(newID())
	require.ErrorIs(t, err, storage.ErrReadOnly)
	require.NoError(t, r.Close())

	i := openTest(t, dir)
	id := newID()
	unlock, err := i.LockRun(id)
	require.NoError(t, err)
	submit(t, i, &storage.Batch{NewRun: newRun(id)})
	before := tree(t, dir)
	r, err = OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	got, err := r.Run(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, storage.RunStarted, got.Status)
	for _, err := range []error{
		r.Store().Submit(&storage.Batch{}).Wait(t.Context()),
		func() error { _, err := r.ReapDeadRuns(t.Context()); return err }(),
		func() error { _, _, err := r.LockVersion(t.Context(), canon.Digest{1}, true); return err }(),
		func() error { _, err := r.TempDir(id); return err }(),
		func() error { _, err := r.IO().NewFile("x", nil); return err }(),
	} {
		require.ErrorIs(t, err, storage.ErrReadOnly)
	}
	require.NoError(t, r.Close())
	assert.Equal(t, before, tree(t, dir), "nothing was written")
	unlock()
}

// tree lists what is in a folder, with sizes and times, but for the shared memory of a database.
func tree(t *testing.T, dir string) string {
	var b strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		if strings.HasSuffix(path, "-shm") {
			return nil
		}
		info, err := e.Info()
		require.NoError(t, err)
		b.WriteString(path + " " + info.ModTime().String() + "\n")
		return nil
	}))
	return b.String()
}

func TestDeadRunReadsAsCrashed(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	i := openTest(t, dir)
	alive, dead, finished := newID(), newID(), newID()
	unlock, err := i.LockRun(alive)
	require.NoError(t, err)
	for _, id := range []string{alive, dead, finished} {
		submit(t, i, &storage.Batch{NewRun: newRun(id)})
	}
	end := newRun(finished)
	end.Status = storage.RunSuccess
	submit(t, i, &storage.Batch{Finish: end})
	stale := filepath.Join(dir, runLockName(dead))
	require.NoError(t, os.WriteFile(stale, nil, 0o600), "a lock file that nobody holds, as a kill leaves it")

	r, err := OpenReadOnly(ctx, dir)
	require.NoError(t, err)
	for _, inst := range []*Instance{i, r} {
		got, err := inst.Run(ctx, dead)
		require.NoError(t, err)
		assert.Equal(t, storage.RunFailure, got.Status)
		assert.Equal(t, CauseCrashed, got.Cause)
		list, err := inst.Runs(ctx, storage.RunFilter{Statuses: []storage.RunStatus{storage.RunFailure}})
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, dead, list[0].ID)
		list, err = inst.Runs(ctx, storage.RunFilter{Statuses: []storage.RunStatus{storage.RunStarted}})
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, alive, list[0].ID)
		list, err = inst.Runs(ctx, storage.RunFilter{Limit: 2})
		require.NoError(t, err)
		require.Len(t, list, 2)
	}
	require.NoError(t, r.Close())
	stored, err := i.Store().Run(ctx, dead)
	require.NoError(t, err)
	assert.Equal(t, storage.RunStarted, stored.Status, "reading wrote nothing")

	reaped, err := i.ReapDeadRuns(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{dead}, reaped)
	stored, err = i.Store().Run(ctx, dead)
	require.NoError(t, err)
	assert.Equal(t, storage.RunFailure, stored.Status)
	assert.Equal(t, CauseCrashed, stored.Cause)
	assert.False(t, stored.Ended.IsZero())
	events, err := i.Store().Events(ctx, dead, 0, 0)
	require.NoError(t, err)
	require.Len(t, events, 1)
	assert.Equal(t, storage.EventRunFailure, events[0].Type)
	assert.NoFileExists(t, stale)
	reaped, err = i.ReapDeadRuns(ctx)
	require.NoError(t, err)
	assert.Empty(t, reaped)
	assert.FileExists(t, filepath.Join(dir, runLockName(alive)))
	unlock()
	assert.NoFileExists(t, filepath.Join(dir, runLockName(alive)))
}

func TestRunIDsArePlain(t *testing.T) {
	i := openTest(t, t.TempDir())
	for _, id := range []string{"", "r1", "../../x", "0190163D-8694-739B-AEA5-966C26F8AD90", "{0190163d-8694-739b-aea5-966c26f8ad90}", "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad90"} {
		_, err := i.LockRun(id)
		require.ErrorContains(t, err, "want a UUID", id)
		_, err = i.TempDir(id)
		require.ErrorContains(t, err, "want a UUID", id)
	}
	id := newID()
	unlock, err := i.LockRun(id)
	require.NoError(t, err)
	_, err = i.LockRun(id)
	require.ErrorIs(t, err, errTaken)
	unlock()
}

// Whoever removes the locks of dead runs asks for locks too, and must not get in the way of a run that begins.
func TestRunsBeginBesideACleanUp(t *testing.T) {
	dir := t.TempDir()
	a, b := openTest(t, dir), openTest(t, dir)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, err := b.ReapDeadRuns(t.Context())
					assert.NoError(t, err)
				}
			}
		})
	}
	for range 300 {
		unlock, err := a.LockRun(newID())
		require.NoError(t, err)
		unlock()
	}
	close(stop)
	wg.Wait()
}

func TestTempDirs(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	id := newID()
	temp, err := i.TempDir(id)
	require.NoError(t, err)
	again, err := i.TempDir(id)
	require.NoError(t, err)
	assert.Equal(t, temp, again)
	require.NoError(t, os.WriteFile(filepath.Join(temp, "x"), nil, 0o600))

	left := filepath.Join(dir, tmp, newID())
	require.NoError(t, os.MkdirAll(filepath.Join(left, "run"), 0o700))
	require.NoError(t, os.WriteFile(left+lockSuffix, nil, 0o600))
	unlocked := filepath.Join(dir, tmp, newID())
	require.NoError(t, os.Mkdir(unlocked, 0o700))
	foreign := filepath.Join(dir, tmp, "mine")
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))

	other := openTest(t, dir)
	_, err = other.ReapDeadRuns(t.Context())
	require.NoError(t, err)
	assert.NoDirExists(t, left)
	assert.NoFileExists(t, left+lockSuffix)
	assert.NoDirExists(t, unlocked)
	assert.FileExists(t, foreign)
	assert.FileExists(t, filepath.Join(temp, "x"), "its process lives")
	require.NoError(t, i.Close())
	assert.NoDirExists(t, temp)
	entries, err := os.ReadDir(filepath.Join(dir, tmp))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestVersionLocks(t *testing.T) {
	dir := t.TempDir()
	a, b := openTest(t, dir), openTest(t, dir) // two openings exclude each other as two processes do
	d := canon.Sum([]byte("x"))
	unlock, waited, err := a.LockVersion(t.Context(), d, true)
	require.NoError(t, err)
	assert.False(t, waited)
	for _, i := range []*Instance{a, b} {
		_, _, err = i.LockVersion(t.Context(), d, false)
		require.ErrorIs(t, err, ErrBusy)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, waited, err = i.LockVersion(ctx, d, true)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, waited)
		cancel()
		other, _, err := i.LockVersion(t.Context(), canon.Sum([]byte("y")), false)
		require.NoError(t, err)
		other()
	}
	got := make(chan bool)
	for _, i := range []*Instance{a, b} {
		go func() {
			unlock, waited, err := i.LockVersion(context.WithoutCancel(t.Context()), d, true)
			assert.NoError(t, err)
			unlock()
			unlock() // once is enough
			got <- waited
		}()
	}
	time.Sleep(10 * time.Millisecond)
	unlock()
	assert.True(t, <-got)
	assert.True(t, <-got)
}

// Two versions on one position exclude each other and never deadlock.
func TestVersionLocksCollide(t *testing.T) {
	i := openTest(t, t.TempDir())
	a, b := canon.Digest{7: 4, 31: 1}, canon.Digest{7: 4, 31: 2}
	require.Equal(t, position(a), position(b))
	unlock, _, err := i.LockVersion(t.Context(), a, true)
	require.NoError(t, err)
	_, _, err = i.LockVersion(t.Context(), b, false)
	require.ErrorIs(t, err, ErrBusy)
	unlock()
	unlock, _, err = i.LockVersion(t.Context(), b, false)
	require.NoError(t, err)
	unlock()
	assert.GreaterOrEqual(t, position(canon.Digest{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), int64(0))
}

func TestVersionLocksExclude(t *testing.T) {
	dir := t.TempDir()
	instances := []*Instance{openTest(t, dir), openTest(t, dir), Ephemeral()}
	var inside [3]atomic.Int32
	var wg sync.WaitGroup
	for k := range 24 {
		wg.Go(func() {
			for n := range 20 {
				group, i := k%3/2, instances[k%3]
				unlock, _, err := i.LockVersion(t.Context(), canon.Sum([]byte{byte(n % 3)}), true)
				if !assert.NoError(t, err) {
					return
				}
				if n%3 == 0 {
					assert.Equal(t, int32(1), inside[group].Add(1))
					inside[group].Add(-1)
				}
				unlock()
			}
		})
	}
	wg.Wait()
	require.NoError(t, instances[2].Close())
}

func TestTemporaryInstances(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	local, err := LocalTemp(t.Context())
	require.NoError(t, err)
	for _, i := range []*Instance{Ephemeral(), local} {
		id := newID()
		unlock, err := i.LockRun(id)
		require.NoError(t, err)
		submit(t, i, &storage.Batch{NewRun: newRun(id)})
		got, err := i.Run(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, storage.RunStarted, got.Status)
		_, err = i.ReapDeadRuns(t.Context())
		require.NoError(t, err)

		f, err := i.IO().NewFile("a.txt", func(w io.Writer) error { _, err := w.Write([]byte("hello")); return err })
		require.NoError(t, err)
		s, err := i.IO().Stage(t.Context(), dag.TypeOf[dag.File]("dag.File"), f)
		require.NoError(t, err)
		data, err := os.ReadFile(s.Value.(dag.File).Path())
		require.NoError(t, err)
		assert.Equal(t, "hello", string(data))
		temp, err := i.TempDir(id)
		require.NoError(t, err)
		assert.DirExists(t, temp)
		big := bytes.Repeat([]byte("x"), 100_000)
		s, err = i.IO().Stage(t.Context(), dag.TypeOf[[]byte]("[]byte"), big)
		require.NoError(t, err)
		b := &storage.Batch{}
		s.AddTo(b)
		submit(t, i, b)
		v, err := i.IO().Load(t.Context(), &s.Output, dag.TypeOf[[]byte]("[]byte"))
		require.NoError(t, err)
		assert.Equal(t, big, v)
		unlock()
		require.NoError(t, i.Close())
		require.NoError(t, i.Close())
	}
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	assert.Empty(t, left)
	quiet := Ephemeral()
	assert.Empty(t, quiet.Dir())
	require.NoError(t, quiet.Close())
	require.ErrorIs(t, quiet.Store().Submit(&storage.Batch{}).Wait(t.Context()), storage.ErrClosed)
}

func TestNetworkError(t *testing.T) {
	require.ErrorContains(t, networkError("/mnt/x", "NFS"), "/mnt/x: it is on a network file system (NFS)")
	require.NoError(t, refuseNetwork(t.TempDir()))
	require.ErrorIs(t, refuseNetwork(filepath.Join(t.TempDir(), "missing")), storage.ErrIO)
}
