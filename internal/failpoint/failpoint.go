// Package failpoint lets the crash campaign strike at chosen places of a program: before and after each step that makes something durable.
//
// Stage: the ground; it imports the standard library alone. Durable code asks [Hit] between its steps.
//
// Invariant: without the build tag crashmutant Hit is a constant, and the compiler removes what hangs on it. With the tag the environment variable
// FAILPOINT says where and how a process is struck: "object.synced=kill", or "store.committed=error@3" at the third time. FAILPOINT_LOG names a file
// that takes the name of each point when it is first reached: a point that no campaign reaches proves nothing. internal/crash builds with the tag; nothing else
// does.
package failpoint

// A Point is a place between two durable steps.
type Point string

// The points, in the order of a run.
const (
	StoreMade      Point = "store.made"      // a new database is whole, under another name
	StorePublished Point = "store.published" // it has its own
	RunLocked      Point = "run.locked"      // the lock of a run is taken, the run is not stored
	RunStored      Point = "run.stored"      // its first batch is durable
	ObjectCreated  Point = "object.created"  // a temporary file is open
	ObjectWritten  Point = "object.written"  // it is full
	ObjectSynced   Point = "object.synced"   // and durable
	ObjectRenamed  Point = "object.renamed"  // under its name, which is not durable
	ObjectDurable  Point = "object.durable"  // which is
	StepStored     Point = "step.stored"     // all outputs of a step are durable, nothing speaks of them
	StoreBegun     Point = "store.begun"     // a transaction is open
	StoreApplied   Point = "store.applied"   // all is in it
	StoreCommitted Point = "store.committed" // it is durable, nobody has heard of it
	RunEnding      Point = "run.ending"      // all is durable but the end of the run
	RunEnded       Point = "run.ended"       // and that is; the lock is held
	ReapFound      Point = "reap.found"      // a dead run is found and not recorded
	ReapRecorded   Point = "reap.recorded"   // it is; its files are there
	GCRetiring     Point = "gc.retiring"     // what is retired waits for all runs
	GCRetired      Point = "gc.retired"      // records are found no more; who may have found them is not written down
	GCListed       Point = "gc.listed"       // it is
	GCPurged       Point = "gc.purged"       // their rows are gone, their files are there
	GCRemoved      Point = "gc.removed"      // a file is gone, and what is known of it is there
)

// All are the points, in order.
var All = []Point{
	StoreMade, StorePublished, RunLocked, RunStored, ObjectCreated, ObjectWritten, ObjectSynced, ObjectRenamed, ObjectDurable, StepStored,
	StoreBegun, StoreApplied, StoreCommitted, RunEnding, RunEnded, ReapFound, ReapRecorded, GCRetiring, GCRetired, GCListed, GCPurged, GCRemoved,
}
