// Package plaincall tests the promise that calling a job as a Go function gives what the engine gives. It writes random jobs and graphs
// over a fixed family of ops: nested loops and branches, projections, composite values, loop-carried values, graphs of other packages.
// They are generated and compiled like a user's, and each is called and run: in one worker and in several, with and without
// memoization, again with everything stored, and after a part of the store is gone.
//
// Stage: a test, above everything. Of our packages it imports none: the programs it writes use what a user uses.
//
// Invariants: the same seed writes the same programs. The ops are pure, so that any difference is ours.
package plaincall
