package iomanager

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// identify returns the device, the inode and the time of the last change of a file.
func identify(info fs.FileInfo) (device, inode uint64, changed int64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(uint32(s.Dev)), s.Ino, s.Ctimespec.Nano()
	}
	return 0, 0, 0
}

// readBootID is empty where it is not known; then nothing is taken on trust between processes.
func readBootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
