package execute

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// heedEvery is how often a run asks the store whether somebody wants it to stop: what a cancel takes at most to be noticed, and a read of
// one row.
const heedEvery = 100 * time.Millisecond

// ErrCancelRequested is why a run was canceled that another process asked to stop, see instance.CancelRun.
var ErrCancelRequested = errors.New("canceled on request")

// heed lets the run stop when the store says that it should, and lets the store say so when the run is stopped from outside. It ends with the
// function that it returns.
func (r *run) heed() (done func()) {
	if r.private {
		return func() {}
	}
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(heedEvery)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-r.ctx.Done():
				r.sayCanceling()
				return
			case <-tick.C:
				// An error of the store shows in what the run itself writes.
				if row, err := r.store.Run(r.ctx, r.id); err == nil && row.Status == storage.RunCanceling {
					r.stop(ErrCancelRequested)
					return
				}
			}
		}
	})
	return func() {
		close(end)
		wg.Wait()
	}
}

// sayCanceling records that the run is about to stop because its context ended. It does not go through the journal: where another process was
// faster, it fails, and must not take with it what else waits there.
func (r *run) sayCanceling() {
	cause := context.Cause(r.ctx)
	var store *StoreError
	var busy *BusyError
	if errors.As(cause, &store) || errors.As(cause, &busy) {
		return
	}
	data, _ := json.Marshal(storage.RunStartData{Job: r.name(), Selection: r.target.Selection, Because: cause.Error()}) // of texts: no error
	e := r.log.event(storage.EventRunCanceling, "", cause.Error(), data)
	e.Level = "WARN"
	_ = r.store.Submit(&storage.Batch{Events: []storage.Event{e}, Move: &storage.Move{RunID: r.id, To: storage.RunCanceling, Time: e.Time.UTC()}}).Wait(context.Background())
}
