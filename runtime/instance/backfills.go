package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// backfillLock is what the name of the lock of a backfill begins with; its id follows.
const backfillLock = "backfill-"

func backfillLockName(id string) string { return path.Join(locks, backfillLock+id) }

// LockBackfill takes the lock of a backfill: whoever has it works on it. It is taken before the backfill is stored, so one that is stored, not finished and not locked waits for
// somebody to go on with it. One that a living process works on is [ErrBusy].
func (i *Instance) LockBackfill(id string) (unlock func(), err error) {
	if err := checkRunID(id); err != nil {
		return nil, err
	}
	if err := i.writable(); err != nil {
		return nil, err
	}
	if i.runs == nil { // in memory: nobody else can ask
		return func() {}, nil
	}
	name := backfillLockName(id)
	f, err := lockNew(i.root, name, lockTries)
	switch {
	case errors.Is(err, errTaken):
		return nil, busyError("a living process works on backfill " + id)
	case err != nil:
		return nil, storage.FileError("lock", filepath.Join(i.dir, name), err)
	}
	return func() {
		_ = i.root.Remove(name) // while it is locked, so that nobody takes another file for it
		_ = f.Close()
	}, nil
}

// BackfillLives reports whether a living process works on a backfill.
func (i *Instance) BackfillLives(id string) (bool, error) {
	if i.runs == nil || checkRunID(id) != nil {
		return false, nil
	}
	name := backfillLockName(id)
	f, err := i.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, storage.FileError("open", filepath.Join(i.dir, name), err)
	}
	ok, err := oslock.TryShared(f)
	return !ok && err == nil, errors.Join(err, f.Close())
}

// Backfills is Store().Backfills; one that was asked to stop, and whose process died before it did, reads as canceled. (Dagster's get_backfills.)
func (i *Instance) Backfills(ctx context.Context, f storage.BackfillFilter) ([]storage.Backfill, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	var out []storage.Backfill
	for ask := widenedBackfills(f); ; {
		list, err := i.store.Backfills(ctx, ask)
		if err != nil {
			return nil, err
		}
		for k := range list {
			if err := i.mendBackfill(&list[k]); err != nil {
				return nil, err
			}
			if matchesBackfill(f, &list[k]) {
				out = append(out, list[k])
			}
			if len(out) == f.Limit {
				return out, nil
			}
		}
		if len(list) < ask.Limit {
			return out, nil
		}
		ask.Cursor = list[len(list)-1].ID
	}
}

// widenedBackfills also asks for those that are being canceled when canceled ones are wanted: their processes may be dead.
func widenedBackfills(f storage.BackfillFilter) storage.BackfillFilter {
	if slices.Contains(f.Statuses, storage.BackfillCanceled) {
		f.Statuses = append(slices.Clone(f.Statuses), storage.BackfillCanceling)
	}
	return f
}

func matchesBackfill(f storage.BackfillFilter, b *storage.Backfill) bool {
	return len(f.Statuses) == 0 || slices.Contains(f.Statuses, b.Status)
}

// Backfill is Store().Backfill, with the backfill as [Instance.Backfills] has it and its runs as [Instance.Run] has them: all of one moment. (Dagster's get_backfill.)
func (i *Instance) Backfill(ctx context.Context, id string) (*storage.Backfill, []storage.BackfillRun, error) {
	b, runs, err := i.store.Backfill(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for k := range runs {
		r := &runs[k]
		if !r.Status.InProgress() {
			continue
		}
		row := storage.Run{ID: r.ID, Status: r.Status, Cause: r.Cause}
		if err := i.mend(ctx, &row); err != nil {
			return nil, nil, err
		}
		r.Status, r.Cause = row.Status, row.Cause
	}
	return b, runs, i.mendBackfill(b)
}

// mendBackfill shows a backfill that nobody is left to stop as stopped.
func (i *Instance) mendBackfill(b *storage.Backfill) error {
	if b.Status != storage.BackfillCanceling {
		return nil
	}
	lives, err := i.BackfillLives(b.ID)
	if err == nil && !lives {
		b.Status = storage.BackfillCanceled
	}
	return err
}

// CancelBackfill asks a backfill to stop and returns the status that it has then. Whoever works on it lets its runs stop, as [Instance.CancelRun] does, and begins no more; where nobody
// does, it has stopped by that. One that has ended is storage.ErrFinished.
func (i *Instance) CancelBackfill(ctx context.Context, id, because string) (storage.BackfillStatus, error) {
	if err := i.writable(); err != nil {
		return "", err
	}
	for range 10 { // it may take another status between the two questions
		b, _, err := i.store.Backfill(ctx, id)
		switch {
		case err != nil:
			return "", err
		case b.Status.Finished():
			return b.Status, fmt.Errorf("backfill %s has ended as %s: %w", id, b.Status, storage.ErrFinished)
		}
		to := storage.BackfillCanceling
		unlock, err := i.LockBackfill(id)
		switch {
		case err == nil: // nobody works on it, and nobody begins to meanwhile
			to = storage.BackfillCanceled
		case !errors.Is(err, ErrBusy):
			return "", err
		case b.Status == to:
			return to, nil
		default:
			unlock = func() {}
		}
		err = i.store.Submit(&storage.Batch{Backfill: &storage.BackfillChange{ID: id, To: to, Cause: because, Time: time.Now().UTC()}}).Wait(ctx)
		unlock()
		if !errors.Is(err, storage.ErrTransition) {
			return to, err
		}
	}
	return "", fmt.Errorf("backfill %s: %w", id, errTwice)
}
