//go:build cgo

package sqlite

import (
	"context"
	"os"

	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A turn hands the right to write from process to process. SQLite's own lock is polled with growing pauses, so a process that writes
// without a break starves the others for seconds. This one is waited for in the kernel, which wakes who waits at once.
type turn struct{ f *os.File }

func openTurn(path string) (*turn, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &turn{f}, nil
}

// Lock waits for the right to write. The wait cannot be cancelled once it has begun; it ends with the process that writes.
func (t *turn) Lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return storage.FileError("lock", t.f.Name(), oslock.Wait(t.f, 0))
}

// Unlock gives the right back. Only a closed file could make it fail, and closing gives it back too.
func (t *turn) Unlock() { _ = oslock.Release(t.f, 0) }

func (t *turn) Close() error { return t.f.Close() }
