//go:build cgo

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// OpenReadOnly opens the store at path to be read. It writes nothing to it, and works on a read-only disk too. A missing store is
// fs.ErrNotExist.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	return OpenReadOnlyWith(ctx, path, Options{})
}

// OpenReadOnlyWith is OpenReadOnly with options.
func OpenReadOnlyWith(ctx context.Context, path string, o Options) (*Store, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	there, err := inspect(path)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := o.openReadOnly(path, path, "mode=ro&_query_only=1")
	if errors.Is(err, errOld) {
		return openMigrated(path, err)
	}
	if err == nil || errors.Is(err, storage.ErrCorrupt) || errors.Is(err, storage.ErrTooNew) {
		return s, err
	}
	// SQLite reads a store with a log only through a file of shared memory, which it cannot make on a read-only disk. Without
	// a log the file can be read as it is; with one, a copy is.
	if wal, serr := os.Stat(path + "-wal"); serr != nil || wal.Size() == 0 {
		s, ierr := o.openReadOnly(path, path, "mode=ro&immutable=1&_query_only=1")
		return s, firstOf(ierr, err)
	}
	return openCopy(path, err)
}

// firstOf returns cause, the reason why another way was tried, unless that way worked.
func firstOf(err, cause error) error {
	if err == nil {
		return nil
	}
	return cause
}

func (o Options) openReadOnly(path, file, params string) (*Store, error) {
	open := func(string) (*conn, error) { return o.connect(file, params) }
	c, err := open(file)
	if err != nil {
		return nil, err
	}
	f, err := readFormat(c)
	if err == nil && f.minReader > len(migrations) {
		err = tooNew(path, f.version, len(migrations))
	}
	if err == nil && f.version < len(migrations) {
		err = fmt.Errorf("%s: %w: it has format %d and this binary reads %d", path, errOld, f.version, len(migrations))
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	s := &Store{path: path, readers: newPool(path, open)}
	<-s.readers.free
	s.readers.free <- c
	return s, nil
}

// errOld says that a store must be migrated before it is read.
var errOld = errors.New("the store was written by an older dagstergen")

// openMigrated reads a store of an older format from a temporary copy that is migrated: the store itself is for a command that writes. The
// copy is what one transaction sees, whoever writes meanwhile.
func openMigrated(path string, cause error) (*Store, error) {
	return withCopy(path, cause, func(file string) error {
		c, err := connect(path, "mode=ro")
		if err != nil {
			return err
		}
		_, _, err = c.run("VACUUM INTO ?", file)
		if err := errors.Join(err, c.close()); err != nil {
			return err
		}
		if c, err = connect(file, "mode=rw&_foreign_keys=1"); err != nil {
			return err
		}
		f, err := readFormat(c)
		if err == nil {
			err = migrateTo(c, f.version, migrations)
		}
		return errors.Join(err, c.close())
	})
}

// openCopy reads the store from a temporary copy of its files.
func openCopy(path string, cause error) (*Store, error) {
	s, err := withCopy(path, cause, func(file string) error {
		for _, suffix := range []string{"", "-wal"} {
			if err := copyFile(path+suffix, file+suffix); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errOld) {
		return openMigrated(path, err)
	}
	return s, err
}

// withCopy reads a store from a temporary copy that fill makes; Close removes it.
func withCopy(path string, cause error, fill func(file string) error) (_ *Store, err error) {
	dir, err := os.MkdirTemp("", "dagstergen-")
	if err != nil {
		return nil, cause
	}
	remove := func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(err, remove())
		}
	}()
	file := filepath.Join(dir, filepath.Base(path))
	if err := fill(file); err != nil {
		return nil, errors.Join(cause, err)
	}
	s, err := Options{}.openReadOnly(path, file, "mode=rw&_query_only=1")
	if err != nil {
		return nil, err
	}
	s.cleanup = remove
	return s, nil
}

func copyFile(from, to string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
