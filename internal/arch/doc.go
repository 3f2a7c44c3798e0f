// Package arch holds the test that keeps the arrows pointing down: which package may import which, and that the picture in
// docs/architecture.md shows it.
//
// Stage: beside everything. It imports no package of ours; it reads import lines.
package arch
