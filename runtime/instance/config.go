package instance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/dagstergen/dagstergen/runtime/plugin"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// maxConfig bounds dagstergen.yaml in bytes, before anything parses it.
const maxConfig = 1 << 20

// A config is what dagstergen.yaml says. Every part has a default; an unknown key is an error.
type config struct {
	Storage     plugin.Choice `yaml:"storage"`
	ComputeLogs plugin.Choice `yaml:"compute_logs"`

	Concurrency struct {
		Pools struct {
			DefaultLimit *int           `yaml:"default_limit"` // of pools that limits does not name; none for no limit
			Limits       map[string]int `yaml:"limits"`
		} `yaml:"pools"`
	} `yaml:"concurrency"`

	// What execute chooses by, see [Instance.Choice].
	Executor       plugin.Choice `yaml:"executor"`
	IOManager      plugin.Choice `yaml:"io_manager"`
	RunLauncher    plugin.Choice `yaml:"run_launcher"`
	RunCoordinator plugin.Choice `yaml:"run_coordinator"`
}

// check says what is wrong with values that YAML alone cannot tell.
func (c *config) check() error {
	return errors.Join(Storages.Check(c.Storage), ComputeLogs.Check(c.ComputeLogs), IOManagers.Check(c.IOManager), c.checkOwnStore(), c.checkSQLite(), c.checkPools())
}

// checkOwnStore refuses a config of what takes none.
func (c *config) checkOwnStore() error {
	if c.IOManager.Name != OwnStore {
		return nil
	}
	if err := c.IOManager.Decode(new(struct{})); err != nil {
		return fmt.Errorf("io_manager.%s: %w", OwnStore, err)
	}
	return nil
}

// A ConfigError says what is wrong with the file dagstergen.yaml of an instance.
type ConfigError struct {
	Path string
	Err  error
}

// Error names the file and what is wrong with it.
func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap returns what is wrong.
func (e *ConfigError) Unwrap() error { return e.Err }

// readConfig reads dagstergen.yaml; a missing or empty one says nothing.
func readConfig(dir string) (*config, error) {
	name := filepath.Join(dir, configFile)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &config{}, nil
	}
	if err != nil {
		return nil, storage.FileError("read", name, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, storage.FileError("read", name, err)
	}
	if len(data) > maxConfig {
		return nil, &ConfigError{name, fmt.Errorf("it is larger than %d bytes", maxConfig)}
	}
	var c config
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && err != io.EOF {
		return nil, &ConfigError{name, err}
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return nil, &ConfigError{name, errors.New("it has more than one document")}
	}
	if err := c.check(); err != nil {
		return nil, &ConfigError{name, err}
	}
	return &c, nil
}

// networkError says why a folder is refused and what to do.
func networkError(dir, kind string) error {
	return fmt.Errorf("%s: it is on a network file system (%s), where locks may not work and a run may be lost: "+
		"set %s to a folder on a local disk, or storage.sqlite.allow_network: true in its %s if the locks are known to work", dir, kind, HomeVariable, configFile)
}

// pools are the limits of steps that name a pool.
func (c *config) pools(root *os.Root, dir string) *pools {
	p := &pools{root: root, dir: dir, limits: c.Concurrency.Pools.Limits}
	if n := c.Concurrency.Pools.DefaultLimit; n != nil {
		p.fallback = *n
	}
	return p
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
