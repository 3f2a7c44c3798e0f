package iomanager

import "golang.org/x/sys/unix"

// isLocal reports whether path is on a file system whose times of change can be relied on.
func isLocal(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(path, &s) == nil && unix.ByteSliceToString(s.Fstypename[:]) == "apfs"
}
