package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// private refuses a folder in a place that others can write to, unless it is ours alone: what lies in it is executed.
func private(dir string) error {
	var s unix.Stat_t
	if err := unix.Lstat(dir, &s); err != nil {
		return &os.PathError{Op: "lstat", Path: dir, Err: err}
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR || int(s.Uid) != os.Getuid() || s.Mode&0o077 != 0 {
		return inputError{fmt.Errorf("%s belongs to somebody else; set XDG_CACHE_HOME to a folder of yours", dir)}
	}
	return nil
}
