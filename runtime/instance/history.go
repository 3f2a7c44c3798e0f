package instance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Events returns the events of a run with Seq > after, in order, at most limit (0: all).
func (i *Instance) Events(ctx context.Context, runID string, after int64, limit int) ([]storage.Event, error) {
	return i.store.Events(ctx, runID, after, limit)
}

// EventRecords returns events of all runs by filter, page by page.
func (i *Instance) EventRecords(ctx context.Context, f storage.EventFilter) (storage.EventPage, error) {
	return i.store.EventRecords(ctx, f)
}

// RunStatusChanges is EventRecords, of the events that stand for a change of a run's status; a filter with types selects among them.
func (i *Instance) RunStatusChanges(ctx context.Context, f storage.EventFilter) (storage.EventPage, error) {
	changes := storage.RunEvents()
	if len(f.Types) == 0 {
		f.Types = changes
	}
	for _, typ := range f.Types {
		if !slices.Contains(changes, typ) {
			return storage.EventPage{}, fmt.Errorf("%s is no change of a run's status", typ)
		}
	}
	return i.store.EventRecords(ctx, f)
}

// DeleteRuns removes runs with their events: all of them, or none where one is not finished (storage.ErrUnfinished) or not there
// (storage.ErrNotFound). What they computed stays: other runs reuse it. A run whose process died can be deleted.
func (i *Instance) DeleteRuns(ctx context.Context, ids ...string) error {
	if err := i.writable(); err != nil {
		return err
	}
	for _, id := range ids {
		r, err := i.store.Run(ctx, id)
		if err != nil {
			return err
		}
		if r.Status.InProgress() {
			if _, err := i.reap(ctx, r); err != nil {
				return err
			}
		}
	}
	if err := i.store.Submit(&storage.Batch{Delete: ids}).Wait(ctx); err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		errs = append(errs, i.removeLaunchOutput(id))
		errs = append(errs, i.logs.Delete(ctx, id))
	}
	return errors.Join(errs...)
}

// errTwice says that two processes changed a run at once.
var errTwice = errors.New("its status changes all the time")

// CancelRun asks a run to stop and returns its status after that: CANCELING for one that a process executes, which sees it within a moment,
// lets its running steps end and records CANCELED; CANCELED for one that has not begun. Another request changes nothing. A finished run is
// storage.ErrFinished. because says who asks.
func (i *Instance) CancelRun(ctx context.Context, id, because string) (storage.RunStatus, error) {
	if err := i.writable(); err != nil {
		return "", err
	}
	for range 10 { // the run may take another status between the two questions
		r, err := i.Run(ctx, id)
		switch {
		case err != nil:
			return "", err
		case r.Status == storage.RunCanceling:
			return r.Status, nil
		case r.Status.Finished():
			return r.Status, fmt.Errorf("run %s has ended as %s: %w", id, r.Status, storage.ErrFinished)
		}
		b, to := canceling(r, because)
		err = i.store.Submit(b).Wait(ctx)
		if !errors.Is(err, storage.ErrTransition) && !errors.Is(err, storage.ErrFinished) {
			return to, err
		}
	}
	return "", fmt.Errorf("run %s: %w", id, errTwice)
}
