// Package e2e holds the tests that see the product as a user does: the tool and the pipeline binaries it makes, as processes, in a
// module of their own outside this one. There is one script in testdata/script for each promise of the README.
//
// Stage: above everything. It imports no package of ours, so that nothing but the documented surface is relied on.
//
// A script is a txtar archive for testscript; what our commands add is described at [commands] in the test file.
package e2e
