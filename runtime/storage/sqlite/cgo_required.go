//go:build !cgo

package sqlite

// The driver of the database is C: build with CGO_ENABLED=1 and a C compiler.
var _ = dagstergen_needs_CGO_ENABLED_1_and_a_C_compiler
