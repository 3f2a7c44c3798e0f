package instance

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// exportFormat is the number of the format of an exported run. Fields may be added to it; a reader leaves out what it does not know.
const exportFormat = 1

// maxExport bounds an exported run in bytes, unpacked: a file from elsewhere must not fill the memory.
const maxExport = 4 << 30

// An exportHead is the first line of an exported run: JSON, as the events that follow it, one on each line, all of it packed by gzip.
type exportHead struct {
	Format   int         `json:"dagstergen_run"`
	Run      exportedRun `json:"run"`
	Snapshot []byte      `json:"snapshot,omitempty"`
}

// An exportedRun has the fields of storage.Run. Times that are not set are left out.
type exportedRun struct {
	ID        string            `json:"run_id"`
	Job       string            `json:"job,omitempty"`
	Selection string            `json:"selection,omitempty"`
	Status    storage.RunStatus `json:"status"`
	Cause     string            `json:"cause,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	Config    string            `json:"config,omitempty"`
	Parent    string            `json:"parent,omitempty"`
	Root      string            `json:"root,omitempty"`
	Created   time.Time         `json:"created,omitzero"`
	Started   time.Time         `json:"started,omitzero"`
	Ended     time.Time         `json:"ended,omitzero"`
	Steps     int               `json:"steps"`
	Ran       int               `json:"ran"`
	Reused    int               `json:"reused"`
	Failed    int               `json:"failed"`
	Skipped   int               `json:"skipped"`
}

// An exportedEvent has the fields of storage.Event.
type exportedEvent struct {
	Time      time.Time         `json:"time"`
	Type      storage.EventType `json:"type"`
	Step      string            `json:"step,omitempty"`
	Level     string            `json:"level,omitempty"`
	Message   string            `json:"message,omitempty"`
	Data      []byte            `json:"data,omitempty"`
	Asset     string            `json:"asset,omitempty"`
	Partition string            `json:"partition,omitempty"`
}

// ExportRun writes a run with its events and its job snapshot, for [Instance.ImportRun] elsewhere. Outputs are not part of it.
func (i *Instance) ExportRun(ctx context.Context, id string, w io.Writer) error {
	r, err := i.Run(ctx, id)
	if err != nil {
		return err
	}
	head := exportHead{Format: exportFormat, Run: exportedRun{
		ID: r.ID, Job: r.Job, Selection: r.Selection, Status: r.Status, Cause: r.Cause, Tags: r.Tags, Config: r.Config, Parent: r.Parent, Root: r.Root,
		Created: r.Created, Started: r.Started, Ended: r.Ended, Steps: r.Steps, Ran: r.Ran, Reused: r.Reused, Failed: r.Failed, Skipped: r.Skipped,
	}}
	if !r.Snapshot.IsZero() {
		head.Snapshot, err = i.store.Snapshot(ctx, r.Snapshot)
		if err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrCorrupt) { // then the run is shown without it
			return err
		}
	}
	z := gzip.NewWriter(w)
	enc := json.NewEncoder(z)
	if err := enc.Encode(head); err != nil {
		return err
	}
	const page = 10_000
	for after := int64(0); ; {
		events, err := i.store.Events(ctx, id, after, page)
		if err != nil {
			return err
		}
		for _, e := range events {
			after = e.Seq
			if err := enc.Encode(exportedEvent{e.Time, e.Type, e.StepKey, e.Level, e.Message, e.Data, e.Asset, e.Partition}); err != nil {
				return err
			}
		}
		if len(events) < page {
			return z.Close()
		}
	}
}

// ImportRun stores a run that [Instance.ExportRun] wrote, with its events, and returns it. A run that was not finished when it was exported is
// stored as a failure with cause [CauseCrashed]: nobody executes it here. A run that is there already is an error, and nothing changes.
func (i *Instance) ImportRun(ctx context.Context, from io.Reader) (*storage.Run, error) {
	if err := i.writable(); err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("it is no exported run: %w", err)
	}
	dec := json.NewDecoder(io.LimitReader(z, maxExport))
	var head exportHead
	if err := dec.Decode(&head); err != nil {
		return nil, fmt.Errorf("it is no exported run: %w", err)
	}
	if head.Format < 1 || head.Format > exportFormat {
		return nil, fmt.Errorf("it is an exported run of format %d; this binary reads %d", head.Format, exportFormat)
	}
	x := &head.Run
	if err := checkRunID(x.ID); err != nil {
		return nil, err
	}
	switch _, err := i.store.Run(ctx, x.ID); {
	case err == nil:
		return nil, fmt.Errorf("run %s is there already", x.ID)
	case !errors.Is(err, storage.ErrNotFound):
		return nil, err
	}
	end := storage.Run{
		ID: x.ID, Job: x.Job, Selection: x.Selection, Status: x.Status, Cause: x.Cause, Tags: x.Tags, Config: x.Config, Parent: x.Parent, Root: x.Root,
		Created: x.Created.UTC(), Started: x.Started.UTC(), Ended: x.Ended.UTC(), Steps: x.Steps, Ran: x.Ran, Reused: x.Reused, Failed: x.Failed, Skipped: x.Skipped,
	}
	if !end.Status.Finished() {
		end.Status, end.Cause = storage.RunFailure, CauseCrashed
	}
	b := &storage.Batch{}
	if len(head.Snapshot) > 0 {
		end.Snapshot = canon.Sum(head.Snapshot)
		b.Snapshots = map[canon.Digest][]byte{end.Snapshot: head.Snapshot}
	}
	start := end
	start.Status, start.Cause, start.Ended = storage.RunStarted, "", time.Time{}
	b.NewRun, b.Finish = &start, &end
	for {
		var e exportedEvent
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is damaged: %w", err)
		}
		b.Events = append(b.Events, storage.Event{
			RunID: x.ID, Time: e.Time.UTC(), Type: e.Type, StepKey: e.Step, Level: e.Level, Message: e.Message, Data: withoutRecords(e.Type, e.Data), Asset: e.Asset, Partition: e.Partition,
		})
	}
	if err := i.store.Submit(b).Wait(ctx); err != nil {
		return nil, err
	}
	return i.store.Run(ctx, x.ID)
}

// withoutRecords is the data of an event without the numbers of records, which are those of the store that the run comes from.
func withoutRecords(t storage.EventType, data []byte) []byte {
	var fields map[string]json.RawMessage
	if t != storage.EventEngine || json.Unmarshal(data, &fields) != nil || fields["records"] == nil {
		return data
	}
	delete(fields, "records")
	data, _ = json.Marshal(fields) // of what was read: no error
	return data
}
