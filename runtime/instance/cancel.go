package instance

import (
	"encoding/json"
	"time"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// canceling is the batch that asks a run to stop, and the status that the run has then. One that nobody executes has stopped by that.
func canceling(r *storage.Run, because string) (*storage.Batch, storage.RunStatus) {
	now := time.Now().UTC()
	data, _ := json.Marshal(storage.RunStartData{Job: r.Job, Selection: r.Selection, Because: because}) // of texts: no error
	asked := storage.Event{RunID: r.ID, Time: now, Type: storage.EventRunCanceling, Level: "WARN", Message: because, Data: data}
	if r.Status.InProgress() {
		return &storage.Batch{Events: []storage.Event{asked}, Move: &storage.Move{RunID: r.ID, To: storage.RunCanceling, Time: now}}, storage.RunCanceling
	}
	data, _ = json.Marshal(storage.RunEndData{Cause: because}) // likewise
	end := *r
	end.Status, end.Cause, end.Ended = storage.RunCanceled, because, now
	return &storage.Batch{Finish: &end, Events: []storage.Event{asked, {
		RunID: r.ID, Time: now, Type: storage.EventRunCanceled, Level: "WARN", Message: "canceled before it began", Data: data,
	}}}, storage.RunCanceled
}
