//go:build cgo

package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// dbError says what failed, on which file, and wraps one of the errors of storage besides the driver's own.
func dbError(doing, path string, err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s %s: %w", doing, path, err)
	}
	kind := storage.ErrIO
	switch e.Code {
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrFormat:
		kind = storage.ErrCorrupt
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		kind = storage.ErrReadOnly
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		kind = storage.ErrLocked
	case sqlite3.ErrFull:
		kind = storage.ErrFull
	case sqlite3.ErrCantOpen, sqlite3.ErrIoErr:
		switch {
		case e.SystemErrno == syscall.EROFS, e.SystemErrno == syscall.EACCES, e.SystemErrno == syscall.EPERM:
			kind = storage.ErrReadOnly
		case e.SystemErrno == syscall.ENOSPC, e.SystemErrno == syscall.EDQUOT, noRoom(path):
			kind = storage.ErrFull
		}
	case sqlite3.ErrConstraint, sqlite3.ErrTooBig, sqlite3.ErrMismatch, sqlite3.ErrRange, sqlite3.ErrError, sqlite3.ErrMisuse:
		return fmt.Errorf("%s %s: %w", doing, path, err) // the fault of one batch, not of the store
	}
	return fmt.Errorf("%s %s: %w: %w", doing, path, kind, err)
}

// noRoom reports whether no file can be made beside path. SQLite does not tell: it says that it cannot open one.
func noRoom(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(filepath.Dir(path), &s) == nil && (s.Bavail == 0 || s.Files > 0 && s.Ffree == 0)
}

// ofStore reports whether err is about the store as a whole, so that every batch of the group must fail with it.
func ofStore(err error) bool { return storage.IsUnavailable(err) }

func isBusy(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

func tooNew(path string, format, known int) error {
	return fmt.Errorf("%s: %w: it has format %d, this binary knows %d; use a newer release or another DAGSTERGEN_HOME", path, storage.ErrTooNew, format, known)
}
