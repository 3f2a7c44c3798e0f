package storage

import (
	"context"
	"errors"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// ErrLocked says that another program keeps the store to itself. Exit code 74.
var ErrLocked = errors.New("another program has locked the store")

// An Upkeeper is a [Store] that can be cleaned up. What is removed goes in two steps, so that nobody is robbed of what he has just found: a record
// that is retired is found no more, and is purged when all who may have found it before are gone. Who calls sees to that.
type Upkeeper interface {
	// ScanRecords calls each for the records with a number above after, in order. A record that cannot be read comes with an error in Err.
	ScanRecords(ctx context.Context, after int64, each func(*ScannedRecord) error) error
	// ScanBlobs calls each for all inline blobs with their sizes in bytes, as they are stored.
	ScanBlobs(ctx context.Context, each func(d canon.Digest, size int64) error) error
	// Retire lets records be found by no version any more, in one transaction. They stay what they are in history.
	Retire(ctx context.Context, records []int64) error
	// Purge removes retired records, and the inline blobs and manifests that no record is left to need, in one transaction. Records that are not
	// retired (any more) are left alone.
	Purge(ctx context.Context, p Purge) (Purged, error)
	// RemoveDamaged removes inline blobs, manifests and job snapshots whose bytes are not those of their digests, and returns how many. Records that need one must have been
	// dropped before.
	RemoveDamaged(ctx context.Context) (int, error)
	// Compact gives the space that is free in the store back to the system, if that is worth it, and returns how many bytes that were. It must not be
	// called while others use the store.
	Compact(ctx context.Context) (freed int64, err error)
	// Size returns the bytes that the store takes on disk.
	Size() (int64, error)
}

// A ScannedRecord is a record with what an Upkeeper knows about it.
type ScannedRecord struct {
	Record
	Usable bool  // false for one that was dropped or retired
	Found  bool  // some version leads to it; false once it was retired
	Latest bool  // it is the newest of some identity
	Err    error // it cannot be read: only ID and the three above are set
}

// A Purge says what to remove.
type Purge struct {
	Records   []int64
	Manifests bool     // code manifests too: only when nobody writes, because writers remember which ones are there
	Files     []string // the paths of file states to forget
}

// Purged counts what was removed. Bytes are those of the blobs as they were stored.
type Purged struct {
	Records, Blobs, Manifests int
	Bytes                     int64
}
