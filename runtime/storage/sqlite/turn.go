//go:build cgo

package sqlite

import (
	"context"
	"errors"
	"os"

	"github.com/dagstergen/dagstergen/internal/oslock"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A turn hands the right to write from process to process in a fair way. SQLite's own lock is polled with growing pauses, so a
// process that writes without a break starves the others for seconds. Here a writer waits at the gate, and who holds the
// gate is next: the one that writes has to queue behind it for its next turn.
type turn struct{ f *os.File }

// The byte ranges of the lock file.
const (
	byteGate   = 0
	byteWriter = 1
)

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
	if err := oslock.Wait(t.f, byteGate); err != nil {
		return storage.FileError("lock", t.f.Name(), err)
	}
	err := storage.FileError("lock", t.f.Name(), oslock.Wait(t.f, byteWriter))
	return errors.Join(err, oslock.Release(t.f, byteGate))
}

// Unlock gives the right back. Only a closed file could make it fail, and closing gives it back too.
func (t *turn) Unlock() { _ = oslock.Release(t.f, byteWriter) }

func (t *turn) Close() error { return t.f.Close() }
