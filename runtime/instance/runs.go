package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/dagstergen/dagstergen/internal/failpoint"
	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// CauseCrashed is the cause of a run whose process died.
const CauseCrashed = "crashed"

// runLocks says which runs live: a living process holds the lock of each of its runs.
type runLocks struct {
	root *os.Root
	dir  string
}

// checkRunID accepts UUIDs in their usual form: the only ids that file names are made of.
func checkRunID(id string) error {
	if u, err := uuid.Parse(id); err != nil || u.String() != id {
		return fmt.Errorf("run id %q: want a UUID such as 0190163d-8694-739b-aea5-966c26f8ad90", id)
	}
	return nil
}

func runLockName(id string) string { return path.Join(locks, "run-"+id) }

// A RunLock is the lock of a run: whoever has it executes the run, or is about to.
type RunLock struct {
	root *os.Root // nil in memory: nobody else can ask
	name string
	file *os.File
	gone sync.Once
	end  func() // told once that this process has nothing to do with the run any more
}

// File is the open file that holds the lock: a process that inherits it has the lock too. It is nil for an instance in memory.
func (l *RunLock) File() *os.File { return l.file }

// Release gives the lock back when the end of the run is durable.
func (l *RunLock) Release() {
	if l.root == nil {
		return
	}
	defer l.gone.Do(l.end)
	_ = l.root.Remove(l.name) // while it is locked, so that nobody takes another file for it; a leftover is removed with dead runs
	_ = l.file.Close()
}

// HandedOver leaves the lock to a process that has inherited the file.
func (l *RunLock) HandedOver() {
	if l.file != nil {
		_ = l.file.Close()
		l.gone.Do(l.end)
	}
}

// lock takes the lock of a new run.
func (r *runLocks) lock(id string) (*RunLock, error) {
	name := runLockName(id)
	f, err := lockNew(r.root, name, lockTries)
	if err != nil {
		return nil, storage.FileError("lock", filepath.Join(r.dir, name), err)
	}
	return &RunLock{root: r.root, name: name, file: f, end: func() {}}, nil
}

// errTaken says that somebody holds a lock that should be new.
var errTaken = errors.New("somebody has it")

// Whoever cleans up asks for locks too, so one that nobody has may be taken for a moment.
const (
	lockTries = 50
	lockPause = 2 * time.Millisecond
)

// lockNew makes a lock file and locks it, in such a way that nobody can remove it in between. It tries a number of times while somebody
// else has it.
func lockNew(root *os.Root, name string, tries int) (*os.File, error) {
	for n := 1; ; {
		f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		ok, err := oslock.TryFile(f)
		same := false
		if err == nil && ok {
			same, err = isAt(root, name, f)
		}
		if err == nil && same {
			return f, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		if ok {
			continue // who cleans up was between our opening and our locking: make another
		}
		if n++; n > tries {
			return nil, errTaken
		}
		time.Sleep(lockPause)
	}
}

// isAt reports whether f is the file of this name.
func isAt(root *os.Root, name string, f *os.File) (bool, error) {
	there, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mine, err := f.Stat()
	return err == nil && os.SameFile(there, mine), err
}

// probe reports whether the process of a run lives. It takes nothing: the lock is asked for sharing and given back.
func (r *runLocks) alive(id string) (bool, error) {
	f, err := r.root.Open(runLockName(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, storage.FileError("open", filepath.Join(r.dir, runLockName(id)), err)
	}
	if mutant.Is(mutant.NoReap) {
		return true, f.Close()
	}
	ok, err := oslock.TryShared(f)
	return !ok && err == nil, errors.Join(err, f.Close())
}

// LockRun takes the lock of a new run. It is called before the run is stored and unlock when its end is durable: so a run that is
// stored, not finished and not locked has died.
func (i *Instance) LockRun(id string) (unlock func(), err error) {
	l, err := i.TakeRun(id)
	if err != nil {
		return nil, err
	}
	return l.Release, nil
}

// TakeRun is LockRun, for a run that may be handed over to another process.
func (i *Instance) TakeRun(id string) (*RunLock, error) {
	if err := checkRunID(id); err != nil {
		return nil, err
	}
	if err := i.writable(); err != nil {
		return nil, err
	}
	if i.runs == nil { // in memory: nobody else can ask
		return &RunLock{}, nil
	}
	end, err := i.beginRun()
	if err != nil {
		return nil, err
	}
	l, err := i.runs.lock(id)
	if err != nil {
		end()
		return nil, err
	}
	l.end = end
	if mutant.Is(mutant.NoRunLock) {
		l.Release()
		return &RunLock{}, nil
	}
	return l, nil
}

// beginRun counts the runs of this process. What earlier ones have stored was kept from clean-ups for who reads their results; now that another run begins it
// is not.
func (i *Instance) beginRun() (end func(), err error) {
	i.activeMu.Lock()
	defer i.activeMu.Unlock()
	if i.active == 0 && i.release != nil {
		if err := i.release(); err != nil {
			return nil, err
		}
	}
	i.active++
	return func() {
		i.activeMu.Lock()
		defer i.activeMu.Unlock()
		i.active--
	}, nil
}

// TakeOverRun takes the lock of a run from the process that has started this one, by the open file that it has handed over.
func (i *Instance) TakeOverRun(id string, f *os.File) (*RunLock, error) {
	if err := checkRunID(id); err != nil {
		return nil, err
	}
	if i.runs == nil {
		return nil, errors.New("an instance in memory has no run of another process")
	}
	name := runLockName(id)
	same, err := isAt(i.runs.root, name, f)
	if err == nil && same {
		same, err = oslock.TryFile(f) // held by this open file already, so it is taken again; by another one, it is not
	}
	if err != nil || !same {
		return nil, errors.Join(fmt.Errorf("run %s was not handed over", id), err)
	}
	end, err := i.beginRun()
	if err != nil {
		return nil, err
	}
	return &RunLock{root: i.runs.root, name: name, file: f, end: end}, nil
}

// dead reports whether a run that the store has as unfinished has died.
func (i *Instance) dead(ctx context.Context, id string) (bool, error) {
	if i.runs == nil || checkRunID(id) != nil {
		return false, nil
	}
	alive, err := i.runs.alive(id)
	if err != nil || alive {
		return false, err
	}
	// It may have finished between the two questions.
	r, err := i.store.Run(ctx, id)
	return err == nil && r.Status.InProgress(), err
}

// Runs is Store().Runs; a run whose process died reads as a failure with cause [CauseCrashed], whether that is recorded or not.
// A filter by status sees that too.
func (i *Instance) Runs(ctx context.Context, f storage.RunFilter) ([]storage.Run, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	var out []storage.Run
	for ask := widened(f); ; {
		runs, err := i.store.Runs(ctx, ask)
		if err != nil {
			return nil, err
		}
		for k := range runs {
			if err := i.mend(ctx, &runs[k]); err != nil {
				return nil, err
			}
			if matches(f, &runs[k]) {
				out = append(out, runs[k])
			}
			if len(out) == f.Limit {
				return out, nil
			}
		}
		if len(runs) < ask.Limit {
			return out, nil
		}
		ask.Cursor = runs[len(runs)-1].ID
	}
}

// inProgress are the statuses of runs that may have died.
var inProgress = []storage.RunStatus{storage.RunStarting, storage.RunStarted, storage.RunCanceling}

// widened also asks for runs in progress when failures are wanted: some may be dead.
func widened(f storage.RunFilter) storage.RunFilter {
	if !slices.Contains(f.Statuses, storage.RunFailure) {
		return f
	}
	f.Statuses = slices.Clone(f.Statuses)
	for _, s := range inProgress {
		if !slices.Contains(f.Statuses, s) {
			f.Statuses = append(f.Statuses, s)
		}
	}
	return f
}

func matches(f storage.RunFilter, r *storage.Run) bool {
	return len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status)
}

// Run is Store().Run; a run whose process died reads as a failure with cause [CauseCrashed].
func (i *Instance) Run(ctx context.Context, id string) (*storage.Run, error) {
	r, err := i.store.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	return r, i.mend(ctx, r)
}

// mend shows a dead run as what it is. When it died is not known.
func (i *Instance) mend(ctx context.Context, r *storage.Run) error {
	if !r.Status.InProgress() {
		return nil
	}
	dead, err := i.dead(ctx, r.ID)
	if dead {
		r.Status, r.Cause = storage.RunFailure, CauseCrashed
	}
	return err
}

// ReapDeadRuns records every run whose process died as a failure with cause [CauseCrashed], each in a transaction of its own, and
// removes the temporary files of processes that are gone. It returns the runs it recorded. Any number of processes may do it at once.
func (i *Instance) ReapDeadRuns(ctx context.Context) ([]string, error) {
	if err := i.writable(); err != nil {
		return nil, err
	}
	if i.runs == nil {
		return nil, nil
	}
	var reaped []string
	f := storage.RunFilter{Statuses: inProgress, Limit: 1000}
	for {
		runs, err := i.store.Runs(ctx, f)
		if err != nil {
			return reaped, err
		}
		for k := range runs {
			ok, err := i.reap(ctx, &runs[k])
			if err != nil {
				return reaped, err
			}
			if ok {
				reaped = append(reaped, runs[k].ID)
			}
		}
		if len(runs) < f.Limit {
			break
		}
		f.Cursor = runs[len(runs)-1].ID
	}
	if len(reaped) > 0 {
		if err := failpoint.Hit(failpoint.ReapRecorded); err != nil {
			return reaped, storage.FileError("write", i.dir, err)
		}
	}
	return reaped, errors.Join(i.removeDeadLocks(ctx), i.temp.clean())
}

// reap records one run if it is dead and reports whether this call did it.
func (i *Instance) reap(ctx context.Context, r *storage.Run) (bool, error) {
	dead, err := i.dead(ctx, r.ID)
	if err != nil || !dead {
		return false, err
	}
	if err := failpoint.Hit(failpoint.ReapFound); err != nil {
		return false, storage.FileError("write", i.dir, err)
	}
	now := time.Now()
	end := *r
	end.Status, end.Cause, end.Ended = storage.RunFailure, CauseCrashed, now
	data, err := json.Marshal(storage.RunEndData{Cause: CauseCrashed})
	if err != nil {
		return false, err
	}
	err = i.store.Submit(&storage.Batch{
		Events: []storage.Event{{
			RunID: r.ID, Time: now, Type: storage.EventRunFailure, Level: "ERROR",
			Message: "the process that executed this run ended without finishing it",
			Data:    data,
		}},
		Finish: &end,
	}).Wait(ctx)
	if errors.Is(err, storage.ErrFinished) { // another process was faster
		return false, nil
	}
	return err == nil, err
}

// removeDeadLocks removes lock files that dead processes left behind. One whose run is not finished stays: its process may be about to
// store the run. That of a backfill need not, whoever goes on with it makes another.
func (i *Instance) removeDeadLocks(ctx context.Context) error {
	entries, err := fs.ReadDir(i.root.FS(), locks)
	if err != nil {
		return storage.FileError("read", filepath.Join(i.dir, locks), err)
	}
	for _, e := range entries {
		if id, ok := strings.CutPrefix(e.Name(), backfillLock); ok && checkRunID(id) == nil {
			if err := removeIfDead(i.root, backfillLockName(id)); err != nil {
				return err
			}
		}
		id, ok := runOfLock(e.Name())
		if !ok {
			continue
		}
		if r, err := i.store.Run(ctx, id); err == nil && !r.Status.Finished() {
			continue
		} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if err := removeIfDead(i.root, runLockName(id)); err != nil {
			return err
		}
	}
	return nil
}

func runOfLock(name string) (id string, ok bool) {
	const prefix = "run-"
	if len(name) < len(prefix) || name[:len(prefix)] != prefix || checkRunID(name[len(prefix):]) != nil {
		return "", false
	}
	return name[len(prefix):], true
}

// removeIfDead removes a lock file that nobody holds.
func removeIfDead(root *os.Root, name string) error {
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ok, err := oslock.TryFile(f)
	if err == nil && ok {
		var same bool
		if same, err = isAt(root, name, f); err == nil && same {
			err = root.Remove(name)
		}
	}
	return errors.Join(err, f.Close())
}
