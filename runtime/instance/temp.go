package instance

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A tempDir is the folder for the temporary files of this process: tmp/<id>, beside a file that is locked as long as the process
// lives. It is made when it is needed first.
type tempDir struct {
	root *os.Root
	dir  string

	mu   sync.Mutex
	name string // relative to root
	lock *os.File
}

const lockSuffix = ".lock"

// get returns the folder, relative to the instance's.
func (t *tempDir) get() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.name != "" {
		return t.name, nil
	}
	name := path.Join(tmp, uuid.NewString())
	lock, err := lockNew(t.root, name+lockSuffix, lockTries)
	if err == nil {
		err = t.root.Mkdir(name, 0o700)
	}
	if err != nil {
		if lock != nil {
			err = errors.Join(err, lock.Close())
		}
		return "", storage.FileError("create", filepath.Join(t.dir, name), err)
	}
	t.name, t.lock = name, lock
	return name, nil
}

// close removes the folder.
func (t *tempDir) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.name == "" {
		return nil
	}
	err := errors.Join(t.root.RemoveAll(t.name), t.root.Remove(t.name+lockSuffix), t.lock.Close())
	t.name, t.lock = "", nil
	return err
}

// clean removes the folders of processes that are gone. A folder is removed before its lock file, and made after it, so one without
// a lock file is nobody's.
func (t *tempDir) clean() error {
	if mutant.Is(mutant.LeakTemp) {
		return nil
	}
	entries, err := fs.ReadDir(t.root.FS(), tmp)
	if err != nil {
		return storage.FileError("read", filepath.Join(t.dir, tmp), err)
	}
	var errs []error
	for _, e := range entries {
		id := strings.TrimSuffix(e.Name(), lockSuffix)
		if uuid.Validate(id) != nil {
			continue
		}
		errs = append(errs, t.cleanOne(path.Join(tmp, id)))
	}
	return errors.Join(errs...)
}

func (t *tempDir) cleanOne(name string) error {
	lock, err := lockNew(t.root, name+lockSuffix, 1) // makes the file where it is missing: then the folder is nobody's
	if errors.Is(err, errTaken) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(t.root.RemoveAll(name), t.root.Remove(name+lockSuffix), lock.Close())
}

// TempDir returns a folder for the temporary files of a run. It is removed when the instance is closed, or after its process died.
func (i *Instance) TempDir(runID string) (string, error) {
	if err := checkRunID(runID); err != nil {
		return "", err
	}
	if err := i.writable(); err != nil {
		return "", err
	}
	if i.ephemeralFiles != nil {
		if _, err := i.ephemeralFiles(); err != nil {
			return "", err
		}
	}
	parent, err := i.temp.get()
	if err != nil {
		return "", err
	}
	name := path.Join(parent, "run-"+runID)
	if err := i.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", storage.FileError("create", filepath.Join(i.dir, name), err)
	}
	return filepath.Join(i.dir, filepath.FromSlash(name)), nil
}
