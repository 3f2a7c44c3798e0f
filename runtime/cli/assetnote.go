package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An assetNote is what was last said of an asset that no run computes: it was reported, or a step told of it.
type assetNote struct {
	Time        time.Time           `json:"time"`
	Type        storage.EventType   `json:"type"`
	Partition   string              `json:"partition,omitempty"`
	RunID       string              `json:"run_id,omitempty"` // empty for what was reported outside of any run
	StepKey     string              `json:"step,omitempty"`   // likewise
	DataVersion string              `json:"data_version,omitempty"`
	Description string              `json:"description,omitempty"`
	Metadata    []dag.MetadataEntry `json:"metadata,omitempty"`
}

// notes fills in what was said of assets that no run computes.
func (l *assetList) notes(ctx context.Context, inst *instance.Instance) (err error) {
	for i := range l.Assets {
		if s := &l.Assets[i]; s.Latest == nil || s.Kind == "external" {
			if s.Note, err = noteOf(ctx, inst, s.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// noteOf is the newest event about an asset; nil where there is none.
func noteOf(ctx context.Context, inst *instance.Instance, asset string) (*assetNote, error) {
	page, err := inst.EventRecords(ctx, storage.EventFilter{Asset: asset, Types: []storage.EventType{storage.EventMaterialization, storage.EventObservation}, Limit: 1})
	if err != nil || len(page.Records) == 0 {
		return nil, err
	}
	e := &page.Records[0]
	n := &assetNote{Time: e.Time.UTC(), Type: e.Type, Partition: e.Partition, RunID: e.RunID, StepKey: e.StepKey, Description: e.Message}
	data, err := e.Payload()
	if err != nil {
		return nil, err
	}
	switch data := data.(type) {
	case *storage.MaterializationData:
		n.DataVersion, n.Metadata = data.Said, data.Metadata
	case *storage.ObservationData:
		n.DataVersion, n.Metadata = data.Said, data.Metadata
	}
	return n, nil
}

// last is the value whose age counts: of an external source what was reported, which is newer than what a run has seen of it.
func (n *assetNote) last(kind string, latest *materialization) *materialization {
	if n == nil || kind != "external" {
		return latest
	}
	return &materialization{Time: n.Time}
}

// data is the data version in short.
func (n *assetNote) data() string {
	if n.DataVersion == "" {
		return "-"
	}
	if r := []rune(n.DataVersion); len(r) > 12 {
		return escape(string(r[:11])) + "…"
	}
	return escape(n.DataVersion)
}

// rows writes the note into the page of an asset.
func (n *assetNote) rows(row func(label string, lines ...string)) {
	what := "materialized"
	if n.Type == storage.EventObservation {
		what = "observed"
	}
	row("reported", what+" at "+n.Time.Local().Format(timeLayout))
	row("of partition", n.Partition)
	if n.DataVersion != "" {
		row("as version", strconv.Quote(n.DataVersion))
	}
	row("by run", n.RunID)
	row("in step", n.StepKey)
	row("message", n.Description)
}
