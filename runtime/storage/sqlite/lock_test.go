//go:build cgo

package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// A program that is not ours and holds the database is waited for.
func TestForeignLockIsWaitedFor(t *testing.T) {
	s := openTest(t)
	other, err := connect(s.Path(), "mode=rw&_txlock=immediate")
	require.NoError(t, err)
	require.NoError(t, other.exec("BEGIN IMMEDIATE"))
	ticket := s.Submit(&storage.Batch{NewRun: storagetest.NewRun("r1")})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	require.ErrorIs(t, ticket.Wait(ctx), context.DeadlineExceeded)
	cancel()
	_, err = s.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err, "readers do not wait")
	require.NoError(t, errors.Join(other.exec("COMMIT"), other.close()))
	require.NoError(t, ticket.Wait(t.Context()))
	require.NoError(t, s.Close())
}

// A program that keeps the database to itself for longer is an error that says so; when it is gone the store goes on.
func TestForeignLockThatStays(t *testing.T) {
	s, err := OpenWith(t.Context(), filepath.Join(t.TempDir(), "x.db"), Options{LockTimeout: 20 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	other, err := connect(s.Path(), "mode=rw&_txlock=immediate")
	require.NoError(t, err)
	require.NoError(t, other.exec("BEGIN IMMEDIATE"))
	err = s.Submit(&storage.Batch{NewRun: storagetest.NewRun("r1")}).Wait(t.Context())
	require.ErrorIs(t, err, storage.ErrLocked)
	require.True(t, storage.IsUnavailable(err))
	require.ErrorContains(t, err, s.Path()+": another program has locked the store")
	require.ErrorContains(t, err, "waited for")
	require.NoError(t, errors.Join(other.exec("COMMIT"), other.close()))
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	require.NoError(t, s.Close())
}

// No statement waits longer for a lock than the options say, whichever connection it runs on.
func TestLockTimeoutIsOfEveryConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	o := Options{LockTimeout: 20 * time.Millisecond}
	s, err := OpenWith(t.Context(), path, o)
	require.NoError(t, err)
	busy := func(c *conn) error {
		n, err := c.number("PRAGMA busy_timeout")
		require.EqualValues(t, 20, n)
		return err
	}
	require.NoError(t, busy(s.writer.c))
	require.NoError(t, s.readers.with(t.Context(), busy))
	require.NoError(t, s.inTurn(t.Context(), busy))
	require.NoError(t, s.Close())
	r, err := OpenReadOnlyWith(t.Context(), path, o)
	require.NoError(t, err)
	require.NoError(t, r.readers.with(t.Context(), busy))
	require.NoError(t, r.Close())
}
