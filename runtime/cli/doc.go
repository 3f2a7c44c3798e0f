// Package cli is the command line of a pipeline binary: list, plan, run, materialize, and what an instance remembers.
//
// Stage: the top of the runtime. It turns arguments into calls of execute and plan, and their results into text or JSON; it
// decides nothing about steps. It may import every package of the runtime.
//
// Invariants: stdout carries results and nothing else, stderr logs and progress. What a person or a pipeline named is
// escaped before it reaches a terminal. Rendering is pure: values in, lines out, golden tests beside it. No command opens
// the store that does not need it. Every error becomes an exit code in one place.
package cli
