// Package compare says what differs between two states of a project: which code versions change and why, what was added and removed, and what
// runs again because of it.
//
// Stage: behind the generator's analysis, beside its rendering. [Take] turns a gen.Analysis into a [Snapshot], a plain value; [Compare] is a function of
// two snapshots; the Write functions are functions of a [Comparison]. It imports gen, gen/model and internal packages; cmd/dagstergen calls it.
//
// Invariants: nothing here touches the disk or runs a program, and the same two snapshots always give the same text. A version that a comparison calls
// unchanged is equal on both sides; a step that is in neither of its lists has the same code, resources, wiring and upstream on both.
package compare
