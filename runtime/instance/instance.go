// Package instance is the one place for a deployment's state: it opens the store, the files and the locks of a folder.
//
// Stage: below execute. It imports storage and its implementations, iomanager, internal/oslock and runtime/dag's types through them.
//
// Invariants: the folder is private to its user. A kill at any moment, also while the folder is made, leaves a state that the next
// [Open] completes. Whether a run lives is whether its lock is held: the kernel gives it back when the process is gone, so
// no clock, heartbeat or process id is asked. A reading instance writes nothing. What stands in the folder is reached through
// os.Root, under names made of digests and generated ids.
package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/plugin"
	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/memory"
)

// The names in the folder of an instance.
const (
	database   = "dagstergen.db"
	configFile = ConfigFile
	locks      = "locks"
	tmp        = "tmp"
)

// ConfigFile is the name of the file in an instance's folder that configures it.
const ConfigFile = "dagstergen.yaml"

// An Instance is a deployment's state, open. It is safe for concurrent use.
type Instance struct {
	dir      string // absolute; empty for one in memory that has no files yet
	root     *os.Root
	store    storage.Store
	io       *iomanager.Default
	readOnly bool
	remove   func() error // of an instance that ends with the process

	using   *os.File     // holds the shared lock on locks/instance
	forget  func()       // ends what Observe began
	release func() error // lets clean-ups have what was stored

	activeMu sync.Mutex
	active   int // runs of this process

	versions  *versions
	runs      *runLocks
	temp      *tempDir
	logs      computelog.Manager
	logFolder string                   // where logs stand, in dir; empty where they stand elsewhere
	pools     *pools                   // nil where there is nothing to share
	choices   map[string]plugin.Choice // of what is above: launchers, executors

	ephemeralFiles func() (*iomanager.Files, error) // of an instance in memory: makes dir, root, files and temp

	closeOnce sync.Once
	closeErr  error
}

// Options change how an instance is opened. The zero Options are right.
type Options struct {
	// AllowNetwork opens a folder on a network file system, where locks and shared memory may not work. The file
	// dagstergen.yaml can say so too.
	AllowNetwork bool
	// Wrap returns what stands in for the store that was opened: one that fails where a test wants it, or that counts. Nil: the store itself.
	Wrap func(storage.Store) storage.Store
}

// Open opens the instance in a folder for reading and writing, and makes what is missing of it. Errors wrap those of storage; a bad
// dagstergen.yaml is an error of type *ConfigError.
func Open(ctx context.Context, dir string, o Options) (_ *Instance, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, storage.FileError("create", dir, err)
	}
	if !o.AllowNetwork && !c.allowsNetwork() {
		if err := refuseNetwork(dir); err != nil {
			return nil, err
		}
	}
	i := &Instance{dir: dir, choices: c.choices()}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.Close())
		}
	}()
	if i.root, err = os.OpenRoot(dir); err != nil {
		return nil, storage.FileError("open", dir, err)
	}
	if err := i.prepare(); err != nil {
		return nil, err
	}
	if err := i.openPlugins(ctx, c); err != nil {
		return nil, err
	}
	if o.Wrap != nil {
		i.store = o.Wrap(i.store)
	}
	i.pools = c.pools(i.root, dir)
	i.runs = &runLocks{root: i.root, dir: dir}
	i.versions = &versions{root: i.root, dir: dir}
	i.temp = &tempDir{root: i.root, dir: dir}
	files := iomanager.NewFiles(i.root, dir, i.store, i.temp.get)
	files.GuardFrom(objectsFile)
	i.release = files.Release
	i.io = iomanager.NewDefault(i.store, files)
	i.forget = i.io.Observe()
	return i, nil
}

// prepare makes the folders and takes part in the use of the instance: who has to have it alone (a clean-up, later) waits.
func (i *Instance) prepare() error {
	made := false
	for _, name := range []string{locks, tmp, "objects"} {
		switch err := i.root.Mkdir(name, 0o700); {
		case err == nil:
			made = true
		case !errors.Is(err, fs.ErrExist):
			return storage.FileError("create", filepath.Join(i.dir, name), err)
		}
	}
	if made { // what is stored below must not lose the way to it; the folder itself may be new too
		if err := errors.Join(syncDir(i.dir), syncDir(filepath.Dir(i.dir))); err != nil {
			return storage.FileError("create", i.dir, err)
		}
	}
	// State must not end up in a repository by accident.
	if f, err := i.root.OpenFile(".gitignore", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
		_, err = f.WriteString("*\n")
		if err := errors.Join(err, f.Close()); err != nil {
			return storage.FileError("write", filepath.Join(i.dir, ".gitignore"), err)
		}
	}
	name := filepath.Join(locks, "instance")
	f, err := i.root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return storage.FileError("open", filepath.Join(i.dir, name), err)
	}
	i.using = f
	ok, err := oslock.TryShared(f)
	if err == nil && !ok {
		err = errors.New("another process has the instance for itself")
	}
	return storage.FileError("lock", filepath.Join(i.dir, name), err)
}

// syncDir makes what was added to a folder durable. One that its user may enter but not read cannot be synced, and was not made by us.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenReadOnly opens the instance in a folder to be read, also on a read-only disk; nothing is written. A folder without an instance is an
// empty one.
func OpenReadOnly(ctx context.Context, dir string) (_ *Instance, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	i := &Instance{dir: dir, readOnly: true, choices: c.choices(), logs: computelog.Noop()}
	i.root, err = os.OpenRoot(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.store = memory.Empty(dir)
	case err != nil:
		return nil, storage.FileError("open", dir, err)
	default:
		if err := i.openPlugins(ctx, c); err != nil {
			return nil, errors.Join(err, i.Close())
		}
		if i.store == nil {
			i.store = memory.Empty(dir)
		}
	}
	if i.root != nil {
		i.io = iomanager.NewDefault(i.store, iomanager.NewFiles(i.root, dir, i.store, func() (string, error) {
			return "", fmt.Errorf("%s: %w: it was opened for reading", dir, storage.ErrReadOnly)
		}))
		i.forget = i.io.Observe()
		i.runs = &runLocks{root: i.root, dir: dir}
	} else {
		i.io = iomanager.NewInMemory(i.store, func() (*iomanager.Files, error) {
			return nil, fmt.Errorf("%s: %w: it was opened for reading", dir, storage.ErrReadOnly)
		})
	}
	return i, nil
}

// Ephemeral opens an instance in memory: it is gone when it is closed. Outputs that are files stand in a temporary folder, which is
// made when it is needed first and removed by Close. (Dagster's DagsterInstance.ephemeral.)
func Ephemeral() *Instance {
	i := &Instance{store: memory.New(), versions: &versions{}, logs: computelog.Noop()}
	i.ephemeralFiles = sync.OnceValues(i.openTemporary)
	i.io = iomanager.NewInMemory(i.store, i.ephemeralFiles)
	return i
}

// openTemporary makes the folder of an instance in memory.
func (i *Instance) openTemporary() (*iomanager.Files, error) {
	dir, err := os.MkdirTemp("", "dagstergen-")
	if err != nil {
		return nil, storage.FileError("create", os.TempDir(), err)
	}
	root, err := os.OpenRoot(dir)
	if err == nil {
		err = root.Mkdir(tmp, 0o700)
	}
	if err != nil {
		return nil, errors.Join(storage.FileError("create", dir, err), os.RemoveAll(dir))
	}
	i.dir, i.root, i.remove = dir, root, func() error { return os.RemoveAll(dir) }
	i.temp = &tempDir{root: root, dir: dir}
	return iomanager.NewFiles(root, dir, i.store, i.temp.get), nil
}

// LocalTemp opens an instance like that of a deployment in a temporary folder, which Close removes. (Dagster's
// DagsterInstance.local_temp.)
func LocalTemp(ctx context.Context) (*Instance, error) {
	dir, err := os.MkdirTemp("", "dagstergen-")
	if err != nil {
		return nil, storage.FileError("create", os.TempDir(), err)
	}
	remove := func() error { return os.RemoveAll(dir) }
	i, err := Open(ctx, dir, Options{AllowNetwork: true})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	i.remove = remove
	return i, nil
}

// Dir returns the absolute path of the instance's folder; empty for one in memory.
func (i *Instance) Dir() string {
	if i.ephemeralFiles != nil {
		return ""
	}
	return i.dir
}

// ReadOnly reports whether the instance was opened to be read.
func (i *Instance) ReadOnly() bool { return i.readOnly }

// Store returns what the instance remembers.
func (i *Instance) Store() storage.Store { return i.store }

// IO returns the instance's IO manager.
func (i *Instance) IO() *iomanager.Default { return i.io }

// ComputeLogs returns what keeps the stdout and stderr of steps: files in the instance's folder, or what dagstergen.yaml says.
func (i *Instance) ComputeLogs() computelog.Manager { return i.logs }

func (i *Instance) writable() error {
	if i.readOnly {
		return fmt.Errorf("%s: %w: it was opened for reading", i.dir, storage.ErrReadOnly)
	}
	return nil
}

// Close waits for what was submitted to the store and gives everything back. A temporary instance is removed.
func (i *Instance) Close() error {
	i.closeOnce.Do(func() {
		var errs []error
		if i.forget != nil {
			i.forget()
		}
		if i.store != nil {
			errs = append(errs, i.store.Close())
		}
		if i.temp != nil {
			errs = append(errs, i.temp.close())
		}
		if i.versions != nil {
			errs = append(errs, i.versions.close())
		}
		if i.release != nil {
			errs = append(errs, i.release())
		}
		if i.pools != nil {
			errs = append(errs, i.pools.close())
		}
		if i.using != nil {
			errs = append(errs, i.using.Close())
		}
		if i.root != nil {
			errs = append(errs, i.root.Close())
		}
		if i.remove != nil {
			errs = append(errs, i.remove())
		}
		i.closeErr = errors.Join(errs...)
	})
	return i.closeErr
}
