// Package render writes the Go code of a package's definitions: dag_gen.go and dag_proof_gen.go.
//
// Stage: after model. It turns a checked model into text and can only fail on a bug of ours. It imports gen/model and internal/load of ours, and
// no package of the runtime: it writes their names. jennifer does the layout; which name each import and each local variable has is
// decided in names.go alone, because jennifer knows neither the package's scope nor its parameters.
//
// Invariants: the same model gives the same bytes. Nothing depends on a host, a folder, a time or the order of files. Everything that belongs to one
// op, resource, config or job stands in one block, blocks are sorted by key, and the first two lines never change, so
// that branches merge and a file full of conflict markers is still recognised. The text has no trace of function bodies.
package render
