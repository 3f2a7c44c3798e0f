// Package storage says what an instance remembers: runs, events, memo records, small blobs and code manifests. The default
// implementation is in sqlite.
//
// Stage: below plan and execute. It imports runtime/dag and internal/canon alone; implementations import it.
//
// Invariants: a [Batch] is one transaction. What [Store.Submit] reports done is on disk. Batches of one Store become
// durable in the order they were submitted. A failed look-up is the caller's miss, never a wrong answer.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Errors that a Store returns, wrapped with details.
var (
	ErrNotFound = errors.New("not found")
	ErrTooNew   = errors.New("the store was written by a newer dagstergen") // exit code 4
	ErrCorrupt  = errors.New("the store is damaged")                        // exit code 74
	ErrReadOnly = errors.New("the store cannot be written")                 // exit code 74
	ErrFull     = errors.New("the disk is full")                            // exit code 74
	ErrIO       = errors.New("the store cannot be read or written")         // exit code 74
	ErrClosed   = errors.New("the store is closed")
	ErrFinished = errors.New("the run is finished") // no more events, and no second end

	ErrTransition = errors.New("the run cannot take this status now")
	ErrUnfinished = errors.New("the run is not finished") // it cannot be deleted
	// ErrNoSnapshot is for a batch that counts on a job snapshot which is not stored, or not any more: it is sent again with that.
	ErrNoSnapshot = errors.New("the job snapshot is not stored")
)

// IsUnavailable reports whether err is about the store as a whole and not about one request: nothing more can be kept now.
// A command ends with exit code 74 for it.
func IsUnavailable(err error) bool {
	return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrReadOnly) || errors.Is(err, ErrFull) || errors.Is(err, ErrIO) || errors.Is(err, ErrLocked)
}

// FileError says what could not be done with which file, and wraps ErrFull, ErrReadOnly or ErrIO besides err.
func FileError(doing, path string, err error) error {
	if err == nil {
		return nil
	}
	kind := ErrIO
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		kind = ErrFull
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind = ErrReadOnly
	}
	return fmt.Errorf("%s %s: %w: %w", doing, path, kind, err)
}

// MaxInline is the size in bytes up to which an encoded output is stored in the same transaction as its record.
const MaxInline = 32 << 10

// An Output is what a record knows of one output of a step.
type Output struct {
	Name        string              `cbor:"1,keyasint"`
	Asset       string              `cbor:"2,keyasint,omitempty"`
	DataVersion canon.Digest        `cbor:"3,keyasint"`
	Blob        canon.Digest        `cbor:"4,keyasint"`           // digest of the stored, uncompressed bytes; zero where an IO manager of the user's stored it
	Size        int64               `cbor:"5,keyasint"`           // of those bytes
	Inline      bool                `cbor:"6,keyasint,omitempty"` // the blob is in the Store, not in a file
	Codec       string              `cbor:"7,keyasint"`           // "cbor", "file", ...
	File        string              `cbor:"8,keyasint,omitempty"` // name of a dag.File
	IO          string              `cbor:"9,keyasint,omitempty"` // key of the IO manager; empty for the default
	Version     canon.Digest        `cbor:"10,keyasint"`          // output version it was stored under
	RunID       string              `cbor:"11,keyasint"`          // run it was stored in
	Metadata    []dag.MetadataEntry `cbor:"12,keyasint,omitempty"`
	Step        string              `cbor:"13,keyasint,omitempty"` // step key it was stored under, where an IO manager of the user's stored it
	Said        string              `cbor:"14,keyasint,omitempty"` // the data version as the step said it, which DataVersion is made of; empty where that is the digest of the data
}

// An Input is what a record knows of one input of a step.
type Input struct {
	Name        string       `cbor:"1,keyasint"`
	From        string       `cbor:"2,keyasint"`           // step key or asset key it came from; empty for a literal or a parameter
	Version     canon.Digest `cbor:"3,keyasint"`           // the cause
	DataVersion canon.Digest `cbor:"4,keyasint"`           // the truth
	Partitions  string       `cbor:"5,keyasint,omitempty"` // of an asset with partitions: which ones, as a selection says them; empty for that of the step itself
}

// A Record is one computed step: the causes it was computed from and the outputs it gave.
type Record struct {
	ID        int64             `cbor:"-"` // assigned by the Store, increasing
	Step      canon.Digest      `cbor:"-"` // step version
	Content   canon.Digest      `cbor:"-"`
	Identity  string            `cbor:"-"` // what the record is the latest of: "asset:KEY", "asset:KEY[PARTITION]" or "op:JOB/STEP"
	RunID     string            `cbor:"1,keyasint"`
	StepKey   string            `cbor:"2,keyasint"`
	Symbol    string            `cbor:"3,keyasint"` // of the op
	Code      string            `cbor:"4,keyasint"` // code version as counted
	Manifest  canon.Digest      `cbor:"5,keyasint"` // code manifest it was made with; zero for none
	Config    []byte            `cbor:"6,keyasint"` // canonical JSON of the counted config; nil for none
	Inputs    []Input           `cbor:"7,keyasint"`
	Resources map[string]string `cbor:"8,keyasint"` // parameter name to version
	Outputs   []Output          `cbor:"9,keyasint"`
	Time      time.Time         `cbor:"10,keyasint"`
	Reached   []ResourceState   `cbor:"11,keyasint,omitempty"` // the resources behind Resources, for explanations
	Env       map[string]string `cbor:"12,keyasint,omitempty"` // environment variables that counted, by the digests of their values
	Partition string            `cbor:"13,keyasint,omitempty"` // key of the partition that was computed; empty for none
	Newest    bool              `cbor:"-"`                     // set by look-ups: Latest(Identity) would return this record
}

// A LatestRecord is the newest record of an identity.
type LatestRecord struct {
	Record
	Usable bool // a version finds it; false for one that was dropped or retired
}

// A ResourceState is what a record knows of one resource that its step reached, directly or through another resource. It
// explains a change; the version alone decides.
type ResourceState struct {
	Key      string       `cbor:"1,keyasint"`
	Code     string       `cbor:"2,keyasint"`
	Config   []byte       `cbor:"3,keyasint,omitempty"` // canonical JSON of the counted config
	Manifest canon.Digest `cbor:"4,keyasint"`           // code manifest; zero for none

	Env map[string]string `cbor:"5,keyasint,omitempty"` // as in [Record]
}

// A Batch is written in one transaction: all of it or nothing.
type Batch struct {
	NewRun    *Run    // inserted
	Start     *Run    // a stored run begins: the row takes its Status, Selection, Tags, Config, Snapshot, Started, Steps and Cause
	Move      *Move   // another status for a stored run, and nothing else
	Finish    *Run    // its terminal state; the row must be unfinished
	Events    []Event // in order; one without a RunID is about an asset, and of no run
	Records   []Record
	Aliases   []Alias
	Blobs     map[canon.Digest][]byte // inline blobs, uncompressed; existing ones are left as they are
	Manifests map[canon.Digest][]byte // code manifests, likewise
	Snapshots map[canon.Digest][]byte // job snapshots, likewise
	Counts    canon.Digest            // a job snapshot that must be stored already, or nothing of the batch is: ErrNoSnapshot; zero for none
	Drop      []int64                 // ids of records that turned out to be damaged
	Wipe      []string                // keys of assets of which nothing is known any more: see [Store.AssetKeys]
	Files     []FileState             // replace what is known of these paths
	Delete    []string                // ids of runs that go with their events; each must be finished. Records and blobs stay

	DeletePartitions []DynamicKeys // removed; those that are not there are silently left out
	AddPartitions    []DynamicKeys // then added, after those that there are, in order; those that are there stay where they are

	NewBackfill *Backfill       // inserted
	Backfill    *BackfillChange // of a stored backfill
}

// DynamicKeys are keys of the dynamic partitions definitions with a name.
type DynamicKeys struct {
	Name string
	Keys []string
}

// A FileState says that a file had a digest at a time when it looked like this. As long as it looks the same it need not be read
// again. Two states of one path are equal when the file was not touched in between.
type FileState struct {
	Path     string // an absolute path, or one relative to the instance's folder
	Size     int64  // in bytes
	Device   uint64
	Inode    uint64
	Modified int64  // nanoseconds since 1970
	Changed  int64  // likewise: the last change of the file or of what the system knows of it
	Boot     string // of the system; after a restart nothing is taken on trust
	Digest   canon.Digest
}

// An Alias makes a record found by one more step version: the step was reused by content.
type Alias struct {
	Step     canon.Digest
	Record   int64
	Identity string
}

// A Ticket is the promise of a submitted batch.
type Ticket interface {
	// Wait blocks until the batch is durable or failed, or ctx is done.
	Wait(ctx context.Context) error
}

// A Store keeps what an instance remembers. It is safe for concurrent use by any number of goroutines and, through other Stores
// on the same data, of processes.
type Store interface {
	// Submit queues a batch, which belongs to the store from then on. Batches queued together share one commit; a batch that fails
	// alone fails alone. Events of a run that is finished, and a second end of it, are ErrFinished; a status that may not follow the stored
	// one is ErrTransition, see [Transition] and [BackfillTransition]; a deleted run that still runs is ErrUnfinished.
	Submit(b *Batch) Ticket

	// RecordsByStep returns the newest record for each of the step versions that has one. One round trip for any number.
	RecordsByStep(ctx context.Context, steps []canon.Digest) (map[canon.Digest]*Record, error)
	// RecordsByContent is the same for content versions.
	RecordsByContent(ctx context.Context, contents []canon.Digest) (map[canon.Digest]*Record, error)
	// Latest returns the newest record of each identity that has one, reuse through an alias counting as new.
	Latest(ctx context.Context, identities []string) (map[string]*Record, error)

	// LatestOf is Latest for all identities that begin with a prefix, which is not empty: page by page, sorted by their bytes, at most limit, from after the given one on.
	LatestOf(ctx context.Context, prefix, after string, limit int) ([]LatestRecord, error)
	// BriefsOf is LatestOf for who mostly needs no more than briefs, which are many times as fast. ok is false, and there are none, where one of the page has no brief: then LatestOf tells.
	// They go into the memory of a slice, if they have room there; what is in it is lost.
	BriefsOf(ctx context.Context, prefix, after string, limit int, into []Brief) (briefs []Brief, ok bool, err error)

	// Blob returns an inline blob, which must not be modified. It is verified against its digest; ErrNotFound and ErrCorrupt are the
	// caller's miss. A batch with the same blob heals a damaged one.
	Blob(ctx context.Context, d canon.Digest) ([]byte, error)
	// Manifests returns those of the code manifests that are stored, verified: one that is damaged is not in the answer. One round trip for any
	// number; they may be large, so who wants many asks in parts.
	Manifests(ctx context.Context, digests []canon.Digest) (map[canon.Digest][]byte, error)

	// FileStates returns what is known of the files at these paths.
	FileStates(ctx context.Context, paths []string) (map[string]FileState, error)

	// Snapshot returns a job snapshot, verified; ErrNotFound and ErrCorrupt where it cannot be had.
	Snapshot(ctx context.Context, d canon.Digest) ([]byte, error)

	// Runs, Run and Events read history. Events returns those with Seq > after, in order, at most limit (0: all).
	Runs(ctx context.Context, f RunFilter) ([]Run, error)
	Run(ctx context.Context, id string) (*Run, error)
	Events(ctx context.Context, runID string, after int64, limit int) ([]Event, error)
	// EventRecords reads the events of all runs, by filter.
	EventRecords(ctx context.Context, f EventFilter) (EventPage, error)

	// Record returns the record with a number, also one that no version finds any more; ErrNotFound where it is purged.
	Record(ctx context.Context, id int64) (*Record, error)
	// AssetRecords returns the newest records of an asset, newest first, at most limit.
	AssetRecords(ctx context.Context, asset string, limit int) ([]Record, error)
	// AssetKeys returns the keys of all assets that were ever materialized, observed or reported, sorted. Those in Batch.Wipe are gone: no version and no identity
	// finds their records, which an Upkeeper may purge, and events are not about them any more, but stay in the logs of their runs. A record that gave
	// other assets, too, is found by no version either, and stays in their history until it is purged.
	AssetKeys(ctx context.Context, f AssetFilter) ([]string, error)

	// DynamicPartitions returns the keys of the dynamic partitions with a name, in the order in which they were added; none for a name that is not known.
	DynamicPartitions(ctx context.Context, name string) ([]string, error)
	// HasDynamicPartition reports whether a key is one of them. It costs the same for any number of keys.
	HasDynamicPartition(ctx context.Context, name, key string) (bool, error)
	// DynamicPartitionNames returns the names that have keys, sorted.
	DynamicPartitionNames(ctx context.Context) ([]string, error)
	// Backfills returns backfills without their runs, the newest first.
	Backfills(ctx context.Context, f BackfillFilter) ([]Backfill, error)
	// Backfill returns a backfill and those of its runs that its progress does not hold, in their order, as they are at one moment. Its runs have its id in the tag [TagBackfill].
	Backfill(ctx context.Context, id string) (*Backfill, []BackfillRun, error)

	// Verify checks the whole store (PRAGMA integrity_check or its like) and calls problem for each finding.
	Verify(ctx context.Context, problem func(string)) error
	Close() error
}
