package iomanager

import (
	"os"

	"golang.org/x/sys/unix"
)

// clone makes w share the blocks of r, on file systems that can do that. An error means that the bytes must be copied.
func clone(w, r *os.File) error {
	rc, err := r.SyscallConn()
	if err != nil {
		return err
	}
	wc, err := w.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	if err := rc.Control(func(from uintptr) {
		if err := wc.Control(func(to uintptr) { done = unix.IoctlFileClone(int(to), int(from)) }); err != nil {
			done = err
		}
	}); err != nil {
		return err
	}
	return done
}
