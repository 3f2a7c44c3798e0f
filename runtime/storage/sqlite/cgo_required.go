//go:build !cgo

// Package sqlite cannot be built like this: its driver is C. Build with CGO_ENABLED=1 and a C compiler.
package sqlite

var _ = dagstergen_needs_CGO_ENABLED_1_and_a_C_compiler
