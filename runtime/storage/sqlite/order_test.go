//go:build cgo

package sqlite

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// A batch that failed for want of room, or because the database was locked, is overtaken by no later record of its run: what the later one was computed from
// would not be there. Other runs go on, and the run can be ended.
func TestNoRecordOvertakesOneThatFailed(t *testing.T) {
	s := openTest(t)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r2")})
	require.NoError(t, s.writer.c.exec("PRAGMA busy_timeout = 5"))
	s.writer.patience = 20 * time.Millisecond
	other, err := connect(s.Path(), "mode=rw&_txlock=immediate")
	require.NoError(t, err)
	require.NoError(t, other.exec("BEGIN IMMEDIATE"))
	record := func(run string, n int) *storage.Batch {
		rec := storagetest.Record(n)
		rec.RunID = run
		return &storage.Batch{Records: []storage.Record{rec}}
	}
	require.ErrorIs(t, s.Submit(record("r1", 1)).Wait(t.Context()), storage.ErrLocked)
	require.NoError(t, errors.Join(other.exec("COMMIT"), other.close()))

	require.ErrorIs(t, s.Submit(record("r1", 2)).Wait(t.Context()), storage.ErrLocked)
	require.NoError(t, s.Submit(record("r2", 3)).Wait(t.Context()))
	end := storagetest.NewRun("r1")
	end.Status, end.Ended = storage.RunFailure, time.Now()
	require.NoError(t, s.Submit(&storage.Batch{Finish: end}).Wait(t.Context()))
	require.NoError(t, s.Close())
}
