package instance

import (
	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// refuseNetwork returns an error if dir is on a network file system.
func refuseNetwork(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return storage.FileError("open", dir, err)
	}
	if s.Flags&unix.MNT_LOCAL != 0 {
		return nil
	}
	return networkError(dir, unix.ByteSliceToString(s.Fstypename[:]))
}
