package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// open opens the instance for a command that writes. Where there is none yet, check runs before one is made: a mistake on the
// command line leaves nothing behind.
func (a *app) open(ctx context.Context, check func() error) (*instance.Instance, error) {
	dir, err := instance.Find(a.env.Dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return instance.Open(ctx, dir, instance.Options{})
}

// openThere opens the instance for a command that writes to what is there, and makes none: one that does not exist yet is empty.
func (a *app) openThere(ctx context.Context) (*instance.Instance, error) {
	dir, err := instance.Find(a.env.Dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return instance.OpenReadOnly(ctx, dir)
	}
	return instance.Open(ctx, dir, instance.Options{})
}

// openReadOnly opens the instance for a command that only looks; one that does not exist yet is empty.
func (a *app) openReadOnly(ctx context.Context) (*instance.Instance, error) {
	dir, err := instance.Find(a.env.Dir)
	if err != nil {
		return nil, err
	}
	return instance.OpenReadOnly(ctx, dir)
}

func isNotFound(err error) bool { return errors.Is(err, storage.ErrNotFound) }
