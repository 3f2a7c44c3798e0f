package instance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plugin"
	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/sqlite"
)

// Storages are what the key storage of dagstergen.yaml can name: what runs, events and records are kept in. A plug-in that is asked to read a store that is not there
// returns fs.ErrNotExist.
var Storages = plugin.NewKind[storage.Store]("storage")

// ComputeLogs are what the key compute_logs of dagstergen.yaml can name: what keeps the output of steps.
var ComputeLogs = plugin.NewKind[computelog.Manager]("compute_logs")

// IOManagers are what the key io_manager of dagstergen.yaml can name: what stores the outputs of ops that name no IO manager by io=. Each run makes one, and so does each child of a
// run; one that is an io.Closer is closed at its end.
var IOManagers = plugin.NewKind[dag.IOManager]("io_manager")

// OwnStore is the name of the instance's own store among [IOManagers], which is what counts where none is named.
const OwnStore = "local"

// The plug-ins that are always there.
const (
	storageSQLite = "sqlite" // one file in the instance's folder
	logsLocal     = "local"  // files in the instance's folder
	logsNoop      = "noop"   // nothing is kept
)

// sqliteConfig is what dagstergen.yaml says below storage.sqlite.
type sqliteConfig struct {
	// AllowNetwork is for a folder on a network file system whose locks are known to work.
	AllowNetwork bool `yaml:"allow_network"`
	// LockTimeout is how long a write waits for a program that is none of ours and has the database locked.
	LockTimeout time.Duration `yaml:"lock_timeout"`
}

// localLogs is what it says below compute_logs.local.
type localLogs struct {
	Folder string `yaml:"folder"` // in the instance's; logs where it is empty
}

func (c localLogs) folder() string { return cmp.Or(c.Folder, "logs") }

// logFolder is where the config has what steps print, in the instance's folder; empty where that is elsewhere.
func (c *config) logFolder() string {
	var l localLogs
	if cmp.Or(c.ComputeLogs.Name, logsLocal) != logsLocal || c.ComputeLogs.Decode(&l) != nil {
		return ""
	}
	folder := path.Clean(filepath.ToSlash(l.folder()))
	if slices.Contains([]string{tmp, locks, launched}, folder) { // what has an id for a name there is not all of runs
		return ""
	}
	return folder
}

func init() {
	plugin.Register(Storages, storageSQLite, func(ctx plugin.Context, c sqliteConfig) (storage.Store, error) {
		path := filepath.Join(ctx.Folder, database)
		if ctx.ReadOnly {
			return opened(sqlite.OpenReadOnlyWith(ctx, path, sqlite.Options{LockTimeout: c.LockTimeout}))
		}
		return opened(sqlite.OpenWith(ctx, path, sqlite.Options{LockTimeout: c.LockTimeout}))
	})
	plugin.Register(IOManagers, OwnStore, func(plugin.Context, struct{}) (dag.IOManager, error) {
		return nil, errors.New("the instance's own store is no dag.IOManager: it takes part in the transactions of a run")
	})
	plugin.Register(ComputeLogs, logsNoop, func(plugin.Context, struct{}) (computelog.Manager, error) { return computelog.Noop(), nil })
	plugin.Register(ComputeLogs, logsLocal, func(ctx plugin.Context, c localLogs) (computelog.Manager, error) {
		folder := c.folder()
		if !filepath.IsLocal(folder) || folder == "." {
			return nil, fmt.Errorf("compute_logs.local.folder: %q is not a folder in that of the instance", folder)
		}
		return computelog.Local(ctx.Root, ctx.Folder, folder), nil
	})
}

// opened makes an interface of a store, or of its absence.
func opened(s *sqlite.Store, err error) (storage.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// allowsNetwork reports whether the config allows a folder on a network file system.
func (c *config) allowsNetwork() bool {
	var s sqliteConfig
	return (c.Storage.Name == storageSQLite) && c.Storage.Decode(&s) == nil && s.AllowNetwork
}

// checkSQLite finds what is wrong below storage.sqlite before a folder is made.
func (c *config) checkSQLite() error {
	if c.Storage.Name != storageSQLite {
		return nil
	}
	var s sqliteConfig
	if err := c.Storage.Decode(&s); err != nil {
		return fmt.Errorf("storage.sqlite: %w", err)
	}
	if s.LockTimeout < 0 {
		return fmt.Errorf("storage.sqlite.lock_timeout: %s is less than no time; leave it out for a minute", s.LockTimeout)
	}
	return nil
}

// openPlugins opens the store and the manager of compute logs that the config names. A store that is not there and is only read is nil.
func (i *Instance) openPlugins(ctx context.Context, c *config) error {
	at := plugin.Context{Context: ctx, Folder: i.dir, Root: i.root, ReadOnly: i.readOnly}
	s, err := Storages.Make(at, c.Storage, storageSQLite)
	switch {
	case i.readOnly && errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		i.store = s
	}
	if i.logs, err = ComputeLogs.Make(at, c.ComputeLogs, logsLocal); err != nil {
		return &ConfigError{filepath.Join(i.dir, configFile), err}
	}
	i.logFolder = c.logFolder()
	return nil
}

// Choice returns what dagstergen.yaml says below one of the keys executor, io_manager, run_launcher and run_coordinator; the zero Choice where it says nothing.
func (i *Instance) Choice(key string) plugin.Choice { return i.choices[key] }

func (c *config) choices() map[string]plugin.Choice {
	return map[string]plugin.Choice{"executor": c.Executor, "run_launcher": c.RunLauncher, "run_coordinator": c.RunCoordinator, "io_manager": c.IOManager}
}
