//go:build linux || darwin

// Package oslock takes locks that the kernel gives back when their holder dies: on whole files and on single bytes of one.
//
// Stage: below storage and instance; it imports the standard library and golang.org/x/sys alone.
//
// Invariants: a lock belongs to the open file, not to the process, so two openings of one file exclude each other within a
// process too, and closing one never drops the lock of another. Descriptors are close-on-exec, so a child never keeps a lock.
// Two users of one *os.File are not told apart: they need a lock of their own between them.
package oslock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Wait locks byte offset of f exclusively and waits as long as another holder has it. It cannot be cancelled.
func Wait(f *os.File, offset int64) error {
	return byteLock(f, cmdWait, unix.F_WRLCK, offset)
}

// Try locks byte offset of f exclusively if nobody has it; ok is false if somebody does.
func Try(f *os.File, offset int64) (ok bool, err error) {
	err = byteLock(f, cmdTry, unix.F_WRLCK, offset)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// TryShare locks byte offset of f for sharing if nobody has it exclusively. Who has it so already keeps it.
func TryShare(f *os.File, offset int64) (ok bool, err error) {
	err = byteLock(f, cmdTry, unix.F_RDLCK, offset)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// Release gives byte offset of f back.
func Release(f *os.File, offset int64) error {
	return byteLock(f, cmdTry, unix.F_UNLCK, offset)
}

func byteLock(f *os.File, cmd int, kind int16, offset int64) error {
	return control(f, func(fd uintptr) error {
		for {
			l := unix.Flock_t{Type: kind, Whence: 0, Start: offset, Len: 1}
			err := unix.FcntlFlock(fd, cmd, &l)
			if !errors.Is(err, unix.EINTR) {
				return err
			}
		}
	})
}

// TryFile locks the whole of f exclusively if nobody has it; ok is false if somebody does. It does not see byte locks.
func TryFile(f *os.File) (ok bool, err error) { return flock(f, unix.LOCK_EX|unix.LOCK_NB) }

// TryShared locks the whole of f for sharing if nobody has it exclusively.
func TryShared(f *os.File) (ok bool, err error) { return flock(f, unix.LOCK_SH|unix.LOCK_NB) }

func flock(f *os.File, how int) (bool, error) {
	err := control(f, func(fd uintptr) error {
		for {
			err := unix.Flock(int(fd), how)
			if !errors.Is(err, unix.EINTR) {
				return err
			}
		}
	})
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// control calls do with the descriptor of f while f cannot be closed.
func control(f *os.File, do func(fd uintptr) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	if err := raw.Control(func(fd uintptr) { done = do(fd) }); err != nil {
		return err
	}
	if done != nil {
		return &os.PathError{Op: "lock", Path: f.Name(), Err: done}
	}
	return nil
}
