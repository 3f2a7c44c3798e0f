package dag

import (
	"context"
	"errors"
	"fmt"
)

// A DataVersion names the content of data that dagstergen does not store itself: a table's snapshot id, an ETag, a date.
// A source may return one; equal strings of one source mean equal data. (Dagster's DataVersion.)
// A body says one for what it computes with [SetDataVersion].
type DataVersion string

// DataVersionsByPartition is what a source with partitions may return: the data version of each partition that there is, all at once. Its function is called once then, whatever a
// run needs of it, and what is made from a partition takes the [DataVersion] of that. A partition that a run needs and that is missing is an error. (Dagster's class of this name.)
type DataVersionsByPartition map[PartitionKey]DataVersion

// ErrDataVersion is wrapped by the errors of [SetDataVersion].
var ErrDataVersion = errors.New("data version")

// SetDataVersion says which data an output of the current step is, in place of the digest of its bytes: "" means the only output. As long as the step says the same, what is made
// from that output is reused, whatever its bytes are; another string makes it run, although the bytes are the same. It counts for this asset alone, or this step of
// this job: others that say "2024-01-01" have other data. It may be said once for each output. Outside a run it does nothing. (Dagster's set_data_version, and
// data_version= of Output.)
func SetDataVersion(ctx context.Context, output string, v DataVersion) error {
	if v == "" {
		return fmt.Errorf("%w: it is empty; say one that names the state of the data", ErrDataVersion)
	}
	if s := scopeOf(ctx); s != nil && s.SetDataVersion != nil {
		return s.SetDataVersion(output, v)
	}
	return nil
}

// A VersionStrategy gives ops their code versions, in place of the source hash (Dagster's VersionStrategy). The string may be
// anything; it counts as it is. An error, or an empty string, fails the plan and names the op.
//
// A strategy that implements [ResourceVersionStrategy] too versions resources; otherwise they keep their source hash.
type VersionStrategy interface {
	OpVersion(OpVersionContext) (string, error)
}

// A ResourceVersionStrategy gives resources their code versions. A strategy that wants to version only resources
// embeds [SourceHashVersionStrategy] for the ops.
type ResourceVersionStrategy interface {
	ResourceVersion(ResourceVersionContext) (string, error)
}

// An OpVersionContext is what a strategy may look at. CodeVersion is the source hash.
type OpVersionContext struct {
	Op          *Op
	Config      any    // the typed, resolved config value; nil when the op takes none
	CodeVersion string // what SourceHashVersionStrategy would return
}

// A ResourceVersionContext is what a strategy may look at. CodeVersion is the source hash.
type ResourceVersionContext struct {
	Resource    *Resource
	Config      any
	CodeVersion string
}

// SourceHashVersionStrategy is the default: the transitive hash of the code, computed by dagstergen at generate time and read
// from the manifest. (Dagster's class of this name sees the immediate body only; so does this one in the mode "body".)
type SourceHashVersionStrategy struct{}

// OpVersion returns the source hash of the op.
func (SourceHashVersionStrategy) OpVersion(c OpVersionContext) (string, error) {
	return c.CodeVersion, nil
}

// ResourceVersion returns the source hash of the resource.
func (SourceHashVersionStrategy) ResourceVersion(c ResourceVersionContext) (string, error) {
	return c.CodeVersion, nil
}

// MemoizedRunTag turns memoization of a run off ("false") or on ("true"); it stands on a job or on a run, and the run wins.
// Any other value is an error. (Dagster's MEMOIZED_RUN_TAG.)
const MemoizedRunTag = "dagster/is_memoized_run"
