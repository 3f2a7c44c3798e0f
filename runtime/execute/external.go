package execute

import (
	"cmp"
	"context"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// reported is the data version of an external source, or of a partition of it: what the newest event about it says that says one. A materialization that says none is new data all the same, and is known
// by its time; an observation without one says nothing of the data. It is empty where nothing was reported.
func (r *run) reported(ctx context.Context, op *dag.Op, of *dag.Partition) (dag.DataVersion, error) {
	if r.private || r.store == nil {
		return "", nil
	}
	partition := ""
	f := storage.EventFilter{Asset: cmp.Or(op.Outputs[0].Asset, op.Key), Types: []storage.EventType{storage.EventMaterialization, storage.EventObservation}}
	if of != nil {
		partition, f.Partitions = string(of.Key), []string{string(of.Key)}
	}
	for {
		page, err := r.store.EventRecords(ctx, f)
		if err != nil {
			return "", err
		}
		for i := range page.Records {
			e := &page.Records[i]
			if e.Partition != partition {
				continue
			}
			data, err := e.Payload()
			if err != nil {
				return "", err
			}
			switch data := data.(type) {
			case *storage.MaterializationData:
				return dag.DataVersion(cmp.Or(data.Said, "reported at "+e.Time.UTC().Format(time.RFC3339Nano))), nil
			case *storage.ObservationData:
				if data.Said != "" {
					return dag.DataVersion(data.Said), nil
				}
			}
		}
		if !page.More {
			return "", nil
		}
		f.Before = page.Cursor
	}
}
