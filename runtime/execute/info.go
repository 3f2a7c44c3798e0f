package execute

import (
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// runInfo is what user code can ask of the run.
func (r *run) runInfo(began time.Time) *dag.RunInfo {
	return &dag.RunInfo{
		ID: r.id, Job: r.name(), Selection: r.target.Selection, Tags: r.tags(), Config: r.asked.text, Started: began.UTC(), Parent: r.opts.Parent,
	}
}

// stepInfo is what it can ask of a step.
func (r *run) stepInfo(s *plan.Step, tries int) dag.StepInfo {
	info := dag.StepInfo{RunID: r.id, JobKey: r.name(), StepKey: s.Key, RetryNumber: tries, Tags: s.Tags, Partition: s.Partition, Run: r.info}
	info.MappingKeys = r.mappingKeys(s.Key, s.Partition)
	return info
}

// mappingKeys are the keys of the loops that a step stands in.
func (r *run) mappingKeys(step string, p *dag.Partition) []string {
	keys := elementKeys(step)
	if p != nil && r.target.Job == nil && len(keys) > 0 { // the first of an asset is no element of a loop
		return keys[1:]
	}
	return keys
}

// partitionKey is the key of the partition that a step computes; empty for none.
func partitionKey(s *plan.Step) string {
	if s.Partition == nil {
		return ""
	}
	return string(s.Partition.Key)
}

// elementKeys are the keys of the loops in the key of a step: of "outer[a].fit[b]" a and b. See [dag.MappingKey].
func elementKeys(key string) (keys []string) {
	for {
		_, rest, ok := strings.Cut(key, "[")
		if !ok {
			return keys
		}
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			k, _ := strconv.Unquote(quoted)
			keys, key = append(keys, k), rest[len(quoted):]
			continue
		}
		k, after, _ := strings.Cut(rest, "]")
		keys, key = append(keys, k), after
	}
}

// noted records what a step says of an asset that it does not give.
func (r *run) noted(step string, e dag.LoggedAsset) {
	o := newObject(nil)
	o.str("asset", e.Asset)
	o.opt("said_data_version", string(e.DataVersion))
	typ := storage.EventMaterialization
	if e.Observed {
		typ = storage.EventObservation
		o.str("text", e.Description)
	}
	if len(e.Metadata) > 0 {
		o.value("metadata", e.Metadata)
	}
	ev := r.log.event(typ, step, e.Description, o.end())
	ev.Asset, ev.Partition, ev.Noted = e.Asset, string(e.Partition), true
	r.log.add(ev)
}

// expected records an expectation.
func (r *run) expected(step string, e dag.Expectation) {
	o := newObject(nil)
	o.str("label", e.Label)
	o.bool("success", e.Success)
	o.opt("description", e.Description)
	if len(e.Metadata) > 0 {
		o.value("metadata", e.Metadata)
	}
	message := "expectation " + e.Label + " is met"
	if !e.Success {
		message = (&dag.ExpectationError{Expectation: e}).Error()
	}
	ev := r.log.event(storage.EventExpectation, step, message, o.end())
	if !e.Success {
		ev.Level = "WARN"
	}
	r.log.add(ev)
}
