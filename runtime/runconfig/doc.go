// Package runconfig reads run config: what a person says about one run, in Dagster's shape, under the root keys ops,
// resources, inputs, loggers and execution.
//
// Stage: beside plan, below execute and cli. It knows dag and internal/canon, and no other package of the runtime.
//
// A document is parsed from YAML or JSON ([Parse]), documents are merged in order and single values set on top
// ([Document.Merge], [Document.Set]); [Resolve] then holds the result against the definitions and gives typed Go values with
// their canonical form, or every problem at once.
//
// Invariants: no input makes it panic or use memory out of proportion; every problem has a path and, where something
// was written, a position; the value of a secret is in no problem, no canonical form and no record; equal Go values
// have equal digests wherever they came from, and unequal ones (1 and "1", nil and empty) have unequal ones.
package runconfig
