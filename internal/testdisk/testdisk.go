// Package testdisk gives tests a small file system of their own: one that can be full, or become read-only.
//
// Stage: tests alone import it.
package testdisk

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// New mounts a file system in memory with options such as "size=600k,nr_inodes=10" and returns its folder. It is unmounted at the end
// of the test. Where mounting is not allowed (it takes root, on Linux) the test is skipped.
func New(t testing.TB, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := mount(dir, options); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, unmount(dir)) })
	return dir
}

// Change gives the file system in dir other options, such as "ro,size=2m".
func Change(t testing.TB, dir, options string) {
	t.Helper()
	assert.NoError(t, mount(dir, "remount,"+options))
}
