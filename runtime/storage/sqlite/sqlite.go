//go:build cgo

// Package sqlite keeps what an instance remembers in one SQLite file.
//
// Stage: below instance; it implements storage.Store. It imports storage, internal/canon, internal/squeeze and the driver.
//
// Invariants: all writing goes through one goroutine with one connection, in immediate transactions with synchronous=FULL, so
// that a batch reported done survives a power cut; a writer of another process is waited for in turn, without a time-out. Readers have
// connections of their own that cannot write. A file that is not a whole store of a known format is refused before anything is
// written to it. The database file is never opened but by the driver: closing any other descriptor of it would drop its locks.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Store is a storage.Store in a SQLite file. Open one with [Open] or [OpenReadOnly].
type Store struct {
	path    string
	options Options
	readers *pool
	writer  *writer // nil for a store that was opened to be read
	cleanup func() error

	closeOnce sync.Once
	closeErr  error
}

var _ storage.Store = (*Store)(nil)

// Open opens the store at path for reading and writing and creates it where nothing is there. A kill during creation leaves
// nothing at path. Errors wrap storage.ErrTooNew, storage.ErrCorrupt, storage.ErrReadOnly, storage.ErrFull or storage.ErrIO.
func Open(ctx context.Context, path string) (*Store, error) {
	return OpenWith(ctx, path, Options{})
}

// Options are what an installation chooses about a store. The zero value is the default.
type Options struct {
	// LockTimeout is how long a write waits for a program that is none of ours and keeps the database to itself; a minute where it is 0.
	// After that the write fails with storage.ErrLocked. No statement, be it one that reads, waits longer for a lock than that.
	LockTimeout time.Duration
}

// patience is LockTimeout or its default.
func (o Options) patience() time.Duration { return cmp.Or(o.LockTimeout, lockPatience) }

// OpenWith is Open with options.
func OpenWith(ctx context.Context, path string, o Options) (*Store, error) {
	return o.open(ctx, path, migrations)
}

func (o Options) open(ctx context.Context, path string, steps []migration) (_ *Store, err error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	turn, err := openTurn(path + ".lock")
	if err != nil {
		return nil, storage.FileError("open", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, turn.Close())
		}
	}()
	if err := turn.Lock(ctx); err != nil {
		return nil, err
	}
	c, err := o.openWriter(path, steps)
	turn.Unlock()
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, options: o, readers: newPool(path, func(path string) (*conn, error) { return o.connect(path, "mode=ro&_query_only=1") })}
	s.writer = newWriter(c, turn, o.patience())
	return s, nil
}

// openWriter returns the connection that writes, on a store that is complete and of the newest format.
func (o Options) openWriter(path string, steps []migration) (*conn, error) {
	there, err := inspect(path)
	if err != nil {
		return nil, err
	}
	if !there {
		if err := create(path, steps); err != nil {
			return nil, err
		}
	}
	synchronous := "FULL"
	if mutant.Is(mutant.LazyCommit) {
		synchronous = "OFF"
	}
	c, err := o.connect(path, "mode=rw&_txlock=immediate&_foreign_keys=1&_synchronous="+synchronous)
	if err != nil {
		return nil, err
	}
	if err := prepareWriter(c, steps); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func prepareWriter(c *conn, steps []migration) error {
	f, err := readFormat(c)
	if err != nil {
		return err
	}
	if f.minWriter > len(steps) {
		return tooNew(c.path, f.version, len(steps))
	}
	// An empty name means that the file system cannot hold the mode; only a folder without shared memory does that.
	mode, err := c.text("PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("%s: %w: it stays in journal mode %q", c.path, storage.ErrReadOnly, mode)
	}
	// Fewer checkpoints than by default: each one makes the writer wait for the main file. The limit gives the space back after a peak.
	if err := c.exec("PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864"); err != nil {
		return err
	}
	return migrate(c, f.version, steps)
}

// Path returns the file of the store.
func (s *Store) Path() string { return s.path }

// ReadOnly reports whether the store was opened to be read.
func (s *Store) ReadOnly() bool { return s.writer == nil }

// Close waits for what was submitted, then closes the store. Further use gives storage.ErrClosed.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		if s.writer != nil {
			s.writer.drain()
		}
		s.closeErr = s.readers.close()
		if s.writer != nil {
			s.closeErr = errors.Join(s.closeErr, s.writer.close())
		}
		if s.cleanup != nil {
			s.closeErr = errors.Join(s.closeErr, s.cleanup())
		}
	})
	return s.closeErr
}

// inspect reports whether a store is at path. What looks like one half of a store is an error: SQLite would take it for an
// empty database and throw the other half away.
func inspect(path string) (there bool, err error) {
	walSize := int64(0)
	if wal, err := os.Stat(path + "-wal"); err == nil {
		walSize = wal.Size()
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if walSize > 0 {
			return false, fmt.Errorf("%s: %w: the file is missing, but its log %s-wal is there", path, storage.ErrCorrupt, filepath.Base(path))
		}
		return false, nil
	case err != nil:
		return false, storage.FileError("open", path, err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s: %w: it is not a regular file", path, storage.ErrCorrupt)
	case info.Size() == 0:
		return false, fmt.Errorf("%s: %w: the file is empty", path, storage.ErrCorrupt)
	}
	return true, nil
}
