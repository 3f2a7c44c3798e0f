package execute

import (
	"slices"

	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// plannedAtOnce is how many assets one batch says to be planned: a run of a million partitions does not hold an event for each of them in memory.
const plannedAtOnce = 4096

// materializationsPlanned appends ASSET_MATERIALIZATION_PLANNED of each asset that a step gives, with the partition: of what runs, and of what may run, which is not known before what is
// above it has been computed.
func (r *run) materializationsPlanned(to []storage.Event, s *plan.Step) []storage.Event {
	if s.Action != plan.Run && s.Action != plan.Maybe || s.Observed != nil {
		return to
	}
	for k := range s.Op.Outputs {
		asset := r.assetOf(s, &s.Op.Outputs[k])
		if asset == "" {
			continue
		}
		o := newObject(make([]byte, 0, 16+len(asset)))
		o.str("asset", asset)
		e := r.log.event(storage.EventMaterializationPlanned, s.Key, "", o.end())
		e.Asset, e.Partition = asset, partitionKey(s)
		to = append(to, e)
	}
	return to
}

// planned adds to the first batch what the run is going to materialize, as much as one takes, and returns what sends the rest once the run is there: all of it stands in the
// log before the first step does. Where the store fails the run ends as it does anywhere else.
func (r *run) planned(first *storage.Batch) (rest func()) {
	var at int
	next := func(to []storage.Event) []storage.Event {
		to = slices.Grow(to, min(plannedAtOnce, len(r.plan.Steps)-at))
		for before := len(to); at < len(r.plan.Steps) && len(to)-before < plannedAtOnce; at++ {
			to = r.materializationsPlanned(to, r.plan.Steps[at])
		}
		return to
	}
	first.Events = next(first.Events)
	return func() {
		for at < len(r.plan.Steps) && r.ctx.Err() == nil {
			if events := next(nil); len(events) > 0 {
				_ = r.log.now(&storage.Batch{Events: events}) // the journal tells the run
			}
		}
	}
}
