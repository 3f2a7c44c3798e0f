// Package plan decides what a run does: which steps there are, which versions they have, which stored results stand for them,
// and why the others run.
//
// Stage: between runtime/dag and runtime/execute. It imports dag, storage (for the shape of records) and the internal packages canon and
// manifest; it opens nothing and runs nothing. Whatever it needs from outside (observations of sources, records,
// whether an output is still there) comes in as values or through [Lookup], in batches.
//
// Invariants: a plan is a pure function of definitions, run config, selection, observations and what is stored: the same
// input gives the same plan, byte for byte, and nothing is written. A step is reused only if the data versions of its inputs as they
// are now give the content of a record whose outputs are all there. Graphs are walked without recursion, so that
// neither 100,000 steps nor a chain of 10,000 is a problem.
package plan
