package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// AssetKeys returns the keys of the assets that were ever materialized, observed or reported, sorted; by prefix, and page by page: the next one begins After the last key.
// (Dagster's get_asset_keys.)
func (i *Instance) AssetKeys(ctx context.Context, f storage.AssetFilter) ([]string, error) {
	return i.store.AssetKeys(ctx, f)
}

// HasAsset reports whether anything was ever recorded of an asset. (Dagster's has_asset_key.)
func (i *Instance) HasAsset(ctx context.Context, key string) (bool, error) {
	keys, err := i.store.AssetKeys(ctx, storage.AssetFilter{Prefix: key, Limit: 1}) // the key itself is the first of those that begin with it
	return err == nil && len(keys) == 1 && keys[0] == key, err
}

// An AssetRecord is what is known of an asset. (Dagster's AssetRecord.)
type AssetRecord struct {
	Key    string
	Output *storage.Output // its current value, or the last observation of a source; nil where there is none
	Record *storage.Record // that it is in: code, config, inputs, run
	// The newest events about it; nil where there is none, or where their run was deleted.
	Materialization, Observation *storage.EventRecord
}

// AssetRecords returns what is known of assets, in the order of the keys; those of which nothing was ever recorded are left out. The current value is the one that a run reused or computed
// last, which is not the newest where an edit was taken back.
func (i *Instance) AssetRecords(ctx context.Context, keys ...string) ([]AssetRecord, error) {
	out := make([]AssetRecord, 0, len(keys))
	current, err := i.current(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		a := AssetRecord{Key: key, Record: current[key]}
		if a.Record != nil {
			a.Output = outputOf(a.Record, key)
		}
		if a.Materialization, err = i.newest(ctx, key, storage.EventMaterialization); err != nil {
			return nil, err
		}
		if a.Observation, err = i.newest(ctx, key, storage.EventObservation); err != nil {
			return nil, err
		}
		if a.Record == nil && a.Materialization == nil && a.Observation == nil {
			if known, err := i.HasAsset(ctx, key); err != nil || !known {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// FindAssetRecords is [Instance.AssetRecords] of the assets that a filter selects, sorted by key; page by page: the next one begins After the last key. (Dagster's
// get_asset_records without keys.)
func (i *Instance) FindAssetRecords(ctx context.Context, f storage.AssetFilter) ([]AssetRecord, error) {
	keys, err := i.store.AssetKeys(ctx, f)
	if err != nil {
		return nil, err
	}
	return i.AssetRecords(ctx, keys...)
}

// current returns the record of the current value of each asset that has one.
func (i *Instance) current(ctx context.Context, keys []string) (map[string]*storage.Record, error) {
	out := make(map[string]*storage.Record, len(keys))
	var identities []string
	for _, key := range keys {
		records, err := i.store.AssetRecords(ctx, key, 1)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			continue
		}
		out[key] = &records[0]
		if r := &records[0]; !r.Newest && r.Identity != "" {
			identities = append(identities, r.Identity)
		}
	}
	if len(identities) == 0 {
		return out, nil
	}
	latest, err := i.store.Latest(ctx, identities)
	if err != nil {
		return nil, err
	}
	for key, r := range out {
		if now := latest[r.Identity]; now != nil && outputOf(now, key) != nil {
			out[key] = now
		}
	}
	return out, nil
}

func outputOf(r *storage.Record, asset string) *storage.Output {
	at := slices.IndexFunc(r.Outputs, func(o storage.Output) bool { return o.Asset == asset })
	if at < 0 {
		return nil
	}
	return &r.Outputs[at]
}

// newest returns the newest event of a type about an asset, or nil.
func (i *Instance) newest(ctx context.Context, asset string, typ storage.EventType) (*storage.EventRecord, error) {
	page, err := i.store.EventRecords(ctx, storage.EventFilter{Asset: asset, Types: []storage.EventType{typ}, Limit: 1})
	if err != nil || len(page.Records) == 0 {
		return nil, err
	}
	return &page.Records[0], nil
}

// LatestMaterialization returns the newest ASSET_MATERIALIZATION of an asset; nil where there is none. (Dagster's get_latest_materialization_event.)
func (i *Instance) LatestMaterialization(ctx context.Context, asset string) (*storage.EventRecord, error) {
	return i.newest(ctx, asset, storage.EventMaterialization)
}

// LatestCodeVersions returns for each key the code version that the asset's current value was computed with: a source hash, or what version= or a strategy said; nil where the asset was
// never materialized. (Dagster's get_latest_materialization_code_versions.)
func (i *Instance) LatestCodeVersions(ctx context.Context, keys ...string) (map[string]*string, error) {
	current, err := i.current(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*string, len(keys))
	for _, key := range keys {
		out[key] = nil
		if r := current[key]; r != nil && r.Code != "" { // that of an observation has none
			out[key] = &r.Code
		}
	}
	return out, nil
}

// Materializations is EventRecords, of ASSET_MATERIALIZATION alone; by asset, partitions, run, time, and page by page. (Dagster's fetch_materializations.)
func (i *Instance) Materializations(ctx context.Context, f storage.EventFilter) (storage.EventPage, error) {
	return i.eventsOf(ctx, f, storage.EventMaterialization)
}

// PlannedMaterializations is EventRecords, of ASSET_MATERIALIZATION_PLANNED alone: which runs were going to compute an asset, or a partition of it. (Dagster's fetch_planned_materializations.)
func (i *Instance) PlannedMaterializations(ctx context.Context, f storage.EventFilter) (storage.EventPage, error) {
	return i.eventsOf(ctx, f, storage.EventMaterializationPlanned)
}

// Observations is EventRecords, of ASSET_OBSERVATION alone. (Dagster's fetch_observations.)
func (i *Instance) Observations(ctx context.Context, f storage.EventFilter) (storage.EventPage, error) {
	return i.eventsOf(ctx, f, storage.EventObservation)
}

func (i *Instance) eventsOf(ctx context.Context, f storage.EventFilter, typ storage.EventType) (storage.EventPage, error) {
	for _, t := range f.Types {
		if t != typ {
			return storage.EventPage{}, fmt.Errorf("%s is no %s", t, typ)
		}
	}
	f.Types = []storage.EventType{typ}
	return i.store.EventRecords(ctx, f)
}

// An AssetEvent is something that happened to an asset outside of any run.
type AssetEvent struct {
	Type        storage.EventType // EventMaterialization or EventObservation
	Asset       string            // key
	Partition   string            // empty for none
	DataVersion dag.DataVersion   // empty where it is not known
	Description string
	Metadata    []dag.MetadataEntry
	Time        time.Time // zero for now
}

// ReportAssetEvent records what happened to an asset outside of any run: somebody loaded a table, or looked at it. It stands in the catalog and among the events, without a run. It is a
// note: it stores no value, and no plan relies on it but for an external source, whose data version it is. (Dagster's report_runless_asset_event.)
func (i *Instance) ReportAssetEvent(ctx context.Context, e AssetEvent) error {
	if err := i.writable(); err != nil {
		return err
	}
	var data any
	said, metadata := mask.Hide(string(e.DataVersion)), dag.MaskedMetadata(e.Metadata)
	switch e.Type {
	case storage.EventMaterialization:
		data = &storage.MaterializationData{Asset: e.Asset, Said: said, Metadata: metadata}
	case storage.EventObservation:
		data = &storage.ObservationData{Asset: e.Asset, Said: said, Text: mask.Hide(e.Description), Metadata: metadata}
	default:
		return fmt.Errorf("an event about an asset outside of a run is %s or %s, not %q", storage.EventMaterialization, storage.EventObservation, e.Type)
	}
	if e.Asset == "" || !utf8.ValidString(e.Asset) || strings.ContainsRune(e.Asset, 0) {
		return fmt.Errorf("%q is no key of an asset", e.Asset)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("event about asset %q: %w", e.Asset, err)
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	return i.store.Submit(&storage.Batch{Events: []storage.Event{{
		Time: e.Time.UTC(), Type: e.Type, Level: "INFO", Message: mask.Hide(e.Description), Data: text, Asset: e.Asset, Partition: e.Partition,
	}}}).Wait(ctx)
}

// WipeAssets lets the instance forget assets: their records, so that they have never been materialized and the next run computes them, and their place among the events, which stay in the logs
// of their runs. All of them, or none where nothing was ever recorded of one: that is storage.ErrNotFound. A function with several assets runs again for all of them; the history of the others
// stays until the next clean-up. With data, what was stored and nothing else needs is removed too: at once, or by the next clean-up where living runs may use it; what an IO
// manager of the user's stored is left to him. One that is at work already is [ErrBusy]. (Dagster's wipe_assets.)
func (i *Instance) WipeAssets(ctx context.Context, data bool, keys ...string) (*Collected, error) {
	if err := i.writable(); err != nil {
		return nil, err
	}
	var missing []error
	for _, key := range keys {
		if known, err := i.HasAsset(ctx, key); err != nil {
			return nil, err
		} else if !known {
			missing = append(missing, fmt.Errorf("asset %q: %w", key, storage.ErrNotFound))
		}
	}
	if missing != nil {
		return nil, errors.Join(missing...)
	}
	var copies []string // for people, of values: one of each partition, else one
	for _, key := range keys {
		copies = append(copies, key)
		records, err := i.store.AssetRecords(ctx, key, 0)
		if err != nil {
			return nil, err
		}
		for k := range records {
			if p := records[k].Partition; p != "" {
				copies = append(copies, dag.PartitionStep(key, dag.PartitionKey(p)))
			}
		}
	}
	slices.Sort(copies)
	copies = slices.Compact(copies)
	if err := i.wipe(ctx, keys); err != nil {
		return nil, err
	}
	if !data {
		return &Collected{}, nil
	}
	if i.ephemeralFiles == nil { // else they go with the instance
		for _, key := range copies {
			if err := i.io.RemoveReadable(key); err != nil {
				return nil, err
			}
		}
	}
	return i.Collect(ctx, Retention{}, false)
}

// wipe retires the records of assets as a clean-up does: what living runs may have found stays until they have ended.
func (i *Instance) wipe(ctx context.Context, keys []string) (err error) {
	if i.runs != nil { // not in memory
		c := &collection{inst: i}
		end, err := c.begin()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, end()) }()
		waits, err := c.readWaits()
		if err == nil {
			err = c.writeWaits(append(waits, anyRun))
		}
		if err != nil {
			return err
		}
	}
	return i.store.Submit(&storage.Batch{Wipe: keys}).Wait(ctx)
}
