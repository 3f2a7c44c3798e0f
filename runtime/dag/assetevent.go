package dag

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// An AssetEvent is what a body says of an asset that dagstergen does not store: a table that it has loaded, an index that it looked at. All fields may be empty.
type AssetEvent struct {
	Partition   PartitionKey    `json:"partition,omitempty"`
	DataVersion DataVersion     `json:"data_version,omitempty"`
	Description string          `json:"description,omitempty"`
	Metadata    []MetadataEntry `json:"metadata,omitempty"`
}

// A LoggedAsset is an AssetEvent on its way to the log. It is for executors.
type LoggedAsset struct {
	AssetEvent
	Asset    string `json:"asset"`              // key
	Observed bool   `json:"observed,omitempty"` // it was looked at, not made
}

// ErrAssetEvent is wrapped by the errors of [LogMaterialization] and [LogObservation].
var ErrAssetEvent = errors.New("event about an asset")

// LogMaterialization records that the current step has made something of an asset that is not one of its outputs, as ASSET_MATERIALIZATION in the log of the run and in the catalog. It is a note: it
// stores no value, no plan relies on it, and it stays if the step fails later. A step that is reused says nothing again; what it said when it ran stands. The error is for a key that
// is none, and for an asset that the step gives by itself. Outside of a step nothing is recorded. (Dagster's context.log_event of an AssetMaterialization.)
func LogMaterialization(ctx context.Context, asset string, e AssetEvent) error {
	return logAsset(ctx, LoggedAsset{e, asset, false})
}

// LogObservation records that the current step has looked at an asset, as ASSET_OBSERVATION; see [LogMaterialization]. (Dagster's context.log_event of an AssetObservation.)
func LogObservation(ctx context.Context, asset string, e AssetEvent) error {
	return logAsset(ctx, LoggedAsset{e, asset, true})
}

func logAsset(ctx context.Context, e LoggedAsset) error {
	if e.Asset == "" || !utf8.ValidString(e.Asset) || strings.ContainsRune(e.Asset, 0) {
		return fmt.Errorf("%w: %q is no key of an asset", ErrAssetEvent, e.Asset)
	}
	s := scopeOf(ctx)
	if s == nil || s.LogAsset == nil {
		return nil
	}
	for i := range opOutputs(s.Op) {
		if s.Op.Outputs[i].Asset == e.Asset && !e.Observed {
			return fmt.Errorf("%w: %q is an output of this step, which is recorded when the function returns; add to that with AddMetadataTo", ErrAssetEvent, e.Asset)
		}
	}
	e.DataVersion, e.Description, e.Metadata = DataVersion(mask.Hide(string(e.DataVersion))), mask.Hide(e.Description), MaskedMetadata(e.Metadata)
	s.LogAsset(e)
	return nil
}

func opOutputs(op *Op) []Output {
	if op == nil {
		return nil
	}
	return op.Outputs
}
