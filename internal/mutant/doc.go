// Package mutant lets the crash campaign run against bugs that are seeded on purpose: a campaign that has never failed proves
// nothing.
//
// Stage: the ground; it imports the standard library alone. Durable code asks [Is] at the places where a mistake would be fatal.
//
// Invariant: without the build tag crashmutant Is is a constant, and the compiler removes what hangs on it. With the tag the
// environment variable CRASHMUTANT names the bug of a process. internal/crash builds with the tag; nothing else does.
package mutant

// A Bug is a seeded mistake.
type Bug string

// The bugs. Each is caught by at least one campaign of internal/crash.
const (
	InPlace     Bug = "in-place"     // an output is written under its final name, not aside and renamed
	RecordFirst Bug = "record-first" // a record is committed before the output it speaks of
	NoVerify    Bug = "no-verify"    // stored bytes are believed, not checked
	NoLock      Bug = "no-lock"      // a version is computed without its lock
	EarlyAck    Bug = "early-ack"    // a batch is reported as durable before it is committed
	NoSync      Bug = "no-sync"      // a file is not synced before it is renamed
	NoDirSync   Bug = "no-dir-sync"  // a folder is not synced after a rename
	LazyCommit  Bug = "lazy-commit"  // the database does not sync what it commits
	SwallowErr  Bug = "swallow-err"  // a commit that failed is reported as durable
	NoReap      Bug = "no-reap"      // a dead process is taken for a living one
	NoRunLock   Bug = "no-run-lock"  // a run does not hold its lock
	LeakTemp    Bug = "leak-temp"    // temporary files of dead processes stay
	GreedyGC    Bug = "greedy-gc"    // a clean-up asks nobody whether he uses what it removes
	LooseGC     Bug = "loose-gc"     // a clean-up removes files before it retires the records that speak of them
	WrongExit   Bug = "wrong-exit"   // every command exits with 0
	Orphan      Bug = "orphan"       // a child process outlives its parent
)

// All are the bugs.
var All = []Bug{
	InPlace, RecordFirst, NoVerify, NoLock, EarlyAck, NoSync, NoDirSync, LazyCommit, SwallowErr, NoReap, NoRunLock, LeakTemp, GreedyGC, LooseGC, WrongExit, Orphan,
}
