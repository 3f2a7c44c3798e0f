package iomanager

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// identify returns the device, the inode and the time of the last change of a file.
func identify(info fs.FileInfo) (device, inode uint64, changed int64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev), s.Ino, s.Ctim.Nano() //nolint:unconvert // Dev has another type on some machines
	}
	return 0, 0, 0
}

// readBootID is empty where it is not known; then nothing is taken on trust between processes.
func readBootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
