//go:build cgo

package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/testdisk"
	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// filled returns the path of a closed store with some content.
func filled(t *testing.T, steps int) string {
	t.Helper()
	s := openTest(t)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	var last storage.Ticket
	for i := range steps {
		last = s.Submit(stepBatch(i))
	}
	require.NoError(t, last.Wait(t.Context()))
	require.NoError(t, s.Close())
	return s.Path()
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func exec(t *testing.T, path, script string) {
	t.Helper()
	c, err := connect(path, "mode=rw")
	require.NoError(t, err)
	require.NoError(t, errors.Join(c.exec(script), c.close()))
}

func TestDamagedStoreIsRefused(t *testing.T) {
	damage := map[string]func(t *testing.T, path string){
		"random bytes": func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, noise(20_000), 0o600)) },
		"a text":       func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte("hello\n"), 0o600)) },
		"empty":        func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) },
		"half a page":  func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 2000)) },
		"half the file": func(t *testing.T, path string) {
			info, _ := os.Stat(path)
			require.NoError(t, os.Truncate(path, info.Size()/2))
		},
		"a folder": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Mkdir(path, 0o700))
		},
		"empty with a log": func(t *testing.T, path string) {
			require.NoError(t, os.Truncate(path, 0))
			require.NoError(t, os.WriteFile(path+"-wal", noise(5000), 0o600))
		},
		"missing with a log": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.WriteFile(path+"-wal", noise(5000), 0o600))
		},
		"somebody else's database": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			c, err := connect(path, "mode=rwc")
			require.NoError(t, err)
			require.NoError(t, errors.Join(c.exec("CREATE TABLE t (a)"), c.close()))
		},
		"no format": func(t *testing.T, path string) { exec(t, path, "DROP TABLE format") },
		"schema overwritten": func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			copy(data[100:4000], noise(3900))
			require.NoError(t, os.WriteFile(path, data, 0o600))
		},
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			path := filled(t, 50)
			do(t, path)
			before := listing(t, path)
			for _, open := range []func(context.Context, string) (*Store, error){OpenReadOnly, Open} {
				_, err := open(t.Context(), path)
				require.Error(t, err)
				require.ErrorIs(t, err, storage.ErrCorrupt)
				require.True(t, storage.IsUnavailable(err))
				require.ErrorContains(t, err, path)
			}
			assert.Equal(t, before, listing(t, path), "what is left must stay for those who can save it")
		})
	}
}

// listing is what stands beside a path and its contents, but for the files that are always there.
func listing(t *testing.T, path string) string {
	var b strings.Builder
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".lock") || strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		data, _ := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
		if len(data) == 0 && strings.HasSuffix(e.Name(), "-wal") {
			continue // made empty by looking
		}
		fmt.Fprintln(&b, e.Name(), canon.Sum(data).Short())
	}
	return b.String()
}

// A page in the middle may be damaged without anything showing when the store is opened: then reading says so, or reads what is right.
func TestDamagedPageIsNoticedOrHarmless(t *testing.T) {
	path := filled(t, 300)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	var steps []canon.Digest
	for i := range 300 {
		steps = append(steps, storagetest.Digest("step", i))
	}
	r := rand.New(rand.NewPCG(1, 2))
	noticed := 0
	for range 60 {
		data := bytes.Clone(whole)
		at := 4096 + r.IntN(len(data)-4096)
		end := min(at+1+r.IntN(200), len(data))
		copy(data[at:end], noise(end-at))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		s, err := OpenReadOnly(t.Context(), path)
		if err != nil {
			require.ErrorIs(t, err, storage.ErrCorrupt)
			noticed++
			continue
		}
		problems := 0
		if err := s.Verify(t.Context(), func(string) { problems++ }); err != nil {
			require.ErrorIs(t, err, storage.ErrCorrupt)
			problems++
		}
		recs, err := s.RecordsByStep(t.Context(), steps)
		if err != nil {
			require.ErrorIs(t, err, storage.ErrCorrupt)
		}
		for _, rec := range recs {
			if len(rec.Outputs) == 1 {
				if data, err := s.Blob(t.Context(), rec.Outputs[0].Blob); err == nil {
					require.Equal(t, rec.Outputs[0].Blob, canon.Sum(data))
				}
			}
		}
		_, err = s.Events(t.Context(), "r1", 0, 0)
		if err != nil {
			require.ErrorIs(t, err, storage.ErrCorrupt)
		}
		if problems > 0 {
			noticed++
		}
		require.NoError(t, s.Close())
	}
	assert.Greater(t, noticed, 10)
}

func TestNewerStoreIsRefused(t *testing.T) {
	path := filled(t, 1)
	exec(t, path, "PRAGMA user_version = 99; UPDATE format SET min_reader = 1, min_writer = 99")
	_, err := Open(t.Context(), path)
	require.ErrorIs(t, err, storage.ErrTooNew)
	require.ErrorContains(t, err, fmt.Sprintf("%s: the store was written by a newer dagstergen: it has format 99, this binary knows %d", path, len(migrations)))
	s, err := OpenReadOnly(t.Context(), path)
	require.NoError(t, err, "it says that this binary may read it")
	_, err = s.Run(t.Context(), "r1")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	exec(t, path, "UPDATE format SET min_reader = 99")
	_, err = OpenReadOnly(t.Context(), path)
	require.ErrorIs(t, err, storage.ErrTooNew)
	exec(t, path, "DROP TABLE format")
	_, err = OpenReadOnly(t.Context(), path)
	require.ErrorIs(t, err, storage.ErrTooNew)
	_, err = Open(t.Context(), path)
	require.ErrorIs(t, err, storage.ErrTooNew)
	exec(t, path, "CREATE TABLE format (min_reader, min_writer); INSERT INTO format VALUES (1, 2)")
	s, err = Open(t.Context(), path)
	require.NoError(t, err, "a newer release that only added lets older ones write")
	storagetest.Submit(t, s, stepBatch(5))
	require.NoError(t, s.Close())
}

func TestMigration(t *testing.T) {
	path := filled(t, 3)
	now := len(migrations)
	steps := append(append([]migration{}, migrations...),
		migration{script: "ALTER TABLE run ADD COLUMN color TEXT;", minReader: 1, minWriter: now + 1},
		migration{script: "CREATE TABLE later (a);", minReader: 1, minWriter: now + 1})
	bad := append(append([]migration{}, migrations...), steps[now], migration{script: "CREATE TABLE later (a); SELECT * FROM nothing;", minReader: 1, minWriter: now + 1})
	_, err := Options{}.open(t.Context(), path, bad)
	require.ErrorContains(t, err, fmt.Sprint("migrate to format ", now+2))
	s, err := Options{}.open(t.Context(), path, steps)
	require.NoError(t, err)
	storagetest.Submit(t, s, stepBatch(5))
	require.NoError(t, s.Close())
	_, err = Open(t.Context(), path)
	require.ErrorIs(t, err, storage.ErrTooNew)
	s, err = OpenReadOnly(t.Context(), path)
	require.NoError(t, err)
	recs, err := s.RecordsByStep(t.Context(), []canon.Digest{storagetest.Digest("step", 0), storagetest.Digest("step", 5)})
	require.NoError(t, err)
	assert.Len(t, recs, 2)
	require.NoError(t, s.Close())
	backup, err := Open(t.Context(), fmt.Sprint(path, ".format", now))
	require.NoError(t, err, "what it was before")
	_, err = backup.Run(t.Context(), "r1")
	require.NoError(t, err)
	require.NoError(t, backup.Close())
}

// A kill while a store is made leaves something under another name, or nothing.
func TestInterruptedCreation(t *testing.T) {
	for _, left := range []string{".new", ".new-journal", ".new-wal"} {
		path := filepath.Join(t.TempDir(), "x.db")
		require.NoError(t, os.WriteFile(path+left, noise(5000), 0o600))
		s, err := Open(t.Context(), path)
		require.NoError(t, err)
		storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
		require.NoError(t, s.Close())
		assert.NoFileExists(t, path+left)
	}
	_, err := OpenReadOnly(t.Context(), filepath.Join(t.TempDir(), "x.db"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestManyOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := Open(t.Context(), path)
			if assert.NoError(t, err) {
				assert.NoError(t, s.Submit(&storage.Batch{NewRun: storagetest.NewRun(strconv.Itoa(i))}).Wait(t.Context()))
				assert.NoError(t, s.Close())
			}
		})
	}
	wg.Wait()
	s, err := OpenReadOnly(t.Context(), path)
	require.NoError(t, err)
	runs, err := s.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Len(t, runs, 8)
	require.NoError(t, s.Close())
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(testdisk.New(t, "size=600k"), "x.db")
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	var done []canon.Digest
	var full error
	for i := 0; i < 2000 && full == nil; i++ {
		b := stepBatch(i)
		b.Blobs[storagetest.Digest("noise", i)] = noise(3000)
		if full = s.Submit(b).Wait(t.Context()); full == nil {
			done = append(done, storagetest.Digest("step", i))
		}
	}
	require.ErrorIs(t, full, storage.ErrFull)
	require.ErrorContains(t, full, path)
	require.ErrorContains(t, full, "the disk is full")
	recs, err := s.RecordsByStep(t.Context(), done)
	require.NoError(t, err)
	assert.Len(t, recs, len(done), "what was reported done is there")
	next, err := s.RecordsByStep(t.Context(), []canon.Digest{storagetest.Digest("step", len(done))})
	require.NoError(t, err)
	assert.Empty(t, next)
	require.NoError(t, s.Verify(t.Context(), func(p string) {
		if !strings.Contains(p, "blob") { // the noise has wrong digests on purpose
			t.Error(p)
		}
	}))
	require.NoError(t, s.Close())

	// With space again everything goes on, in this process and in the next.
	testdisk.Change(t, filepath.Dir(path), "size=2m")
	s, err = Open(t.Context(), path)
	require.NoError(t, err)
	storagetest.Submit(t, s, stepBatch(len(done)))
	require.NoError(t, s.Close())
}

func TestFullDiskRecoversInPlace(t *testing.T) {
	path := filepath.Join(testdisk.New(t, "size=600k"), "x.db")
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	big := &storage.Batch{Blobs: map[canon.Digest][]byte{storagetest.Digest("noise", 1): noise(2 << 20)}}
	first, second := s.Submit(big), s.Submit(stepBatch(1))
	require.ErrorIs(t, first.Wait(t.Context()), storage.ErrFull)
	if err := second.Wait(t.Context()); err != nil {
		require.ErrorIs(t, err, storage.ErrFull, "queued behind it")
	}
	end := storagetest.NewRun("r1")
	end.Status, end.Cause = storage.RunFailure, "the disk is full"
	testdisk.Change(t, filepath.Dir(path), "size=4m")
	storagetest.Submit(t, s, &storage.Batch{Finish: end})
	require.NoError(t, s.Close())
}

func TestNoSpaceToCreate(t *testing.T) {
	for _, options := range []string{"size=8k", "size=600k,nr_inodes=3"} {
		dir := testdisk.New(t, options)
		_, err := Open(t.Context(), filepath.Join(dir, "x.db"))
		require.ErrorIs(t, err, storage.ErrFull, options)
		testdisk.Change(t, dir, "size=2m,nr_inodes=100")
		s, err := Open(t.Context(), filepath.Join(dir, "x.db"))
		require.NoError(t, err, "what was left half made is no obstacle")
		require.NoError(t, s.Close())
	}
}

func TestReadOnlyDisk(t *testing.T) {
	for _, name := range []string{"closed", "open", "with a log"} {
		t.Run(name, func(t *testing.T) {
			dir := testdisk.New(t, "size=20m")
			path := filepath.Join(dir, "x.db")
			s, err := Open(t.Context(), path)
			require.NoError(t, err)
			storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
			storagetest.Submit(t, s, stepBatch(1))
			if name == "with a log" { // as a kill leaves it
				copyOf := filepath.Join(dir, "copy")
				require.NoError(t, os.Mkdir(copyOf, 0o700))
				for _, suffix := range []string{"", "-wal"} {
					require.NoError(t, copyFile(path+suffix, filepath.Join(copyOf, "x.db"+suffix)))
				}
				path = filepath.Join(copyOf, "x.db")
			}
			require.NoError(t, s.Close())
			testdisk.Change(t, dir, "ro,size=20m")
			_, err = Open(t.Context(), path)
			require.ErrorIs(t, err, storage.ErrReadOnly)
			require.ErrorContains(t, err, path)
			r, err := OpenReadOnly(t.Context(), path)
			require.NoError(t, err)
			recs, err := r.RecordsByStep(t.Context(), []canon.Digest{storagetest.Digest("step", 1)})
			require.NoError(t, err)
			assert.Len(t, recs, 1)
			require.ErrorIs(t, r.Submit(&storage.Batch{}).Wait(t.Context()), storage.ErrReadOnly)
			assert.True(t, r.ReadOnly())
			require.NoError(t, r.Close())
		})
	}
}

// A disk that becomes read-only under an open store.
func TestDiskBecomesReadOnly(t *testing.T) {
	dir := testdisk.New(t, "size=20m")
	path := filepath.Join(dir, "x.db")
	{
		s, err := Open(t.Context(), path)
		require.NoError(t, err)
		storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
		require.NoError(t, s.Close())
	}
	testdisk.Change(t, dir, "ro,size=20m")
	_, err := Open(t.Context(), path)
	require.ErrorIs(t, err, storage.ErrReadOnly)
}

// A reader that stays in one state for long makes the log grow; afterwards the space is given back.
func TestLogIsBounded(t *testing.T) {
	s := openTest(t)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	size := func() int64 {
		info, err := os.Stat(s.Path() + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	write := func(n int) {
		for i := range n {
			storagetest.Submit(t, s, &storage.Batch{Manifests: map[canon.Digest][]byte{storagetest.Digest("m", int(size())+i): noise(1 << 20)}})
		}
	}
	require.NoError(t, s.readers.snapshot(t.Context(), func(c *conn) error {
		if _, err := c.number("SELECT count(*) FROM run"); err != nil {
			return err
		}
		write(80)
		return nil
	}))
	require.Greater(t, size(), int64(80<<20))
	write(20)
	assert.LessOrEqual(t, size(), int64(64<<20))
	require.NoError(t, s.Close())
	assert.NoFileExists(t, s.Path()+"-wal")
}

// Queries that a person waits for use an index.
func TestPlansUseIndexes(t *testing.T) {
	s := openTest(t)
	err := s.readers.with(t.Context(), func(c *conn) error {
		for _, text := range []string{
			byStep.many, byStep.one, byContent.many, byContent.one,
			"SELECT " + runColumns + " FROM run WHERE job = ? AND number < ? ORDER BY number DESC LIMIT ?",
			"SELECT " + runColumns + " FROM run WHERE number < ? ORDER BY number DESC LIMIT ?",
			"SELECT " + runColumns + " FROM run WHERE status IN (?) ORDER BY number DESC LIMIT ?",
			"SELECT number, status, (SELECT coalesce(max(seq), 0) FROM event WHERE run = number) FROM run WHERE id = ?",
			"SELECT seq FROM event WHERE run = (SELECT number FROM run WHERE id = ?) AND seq > ? ORDER BY seq LIMIT ?",
			"SELECT " + recordColumns + " FROM asset_record a JOIN record r ON r.number = a.record WHERE a.asset = ? ORDER BY a.record DESC LIMIT ?",
			"SELECT size FROM file_state WHERE path = ?", "SELECT data FROM blob WHERE digest = ?", "SELECT data FROM manifest WHERE digest = ?",
		} {
			err := c.query(t.Context(), "EXPLAIN QUERY PLAN "+text, func(v []driver.Value) error {
				detail, _ := v[3].(string)
				if strings.HasPrefix(detail, "SCAN") && detail != "SCAN k" && detail != "SCAN CONSTANT ROW" && detail != "SCAN run" {
					t.Errorf("%s\n%s", text, detail)
				}
				if strings.Contains(detail, "TEMP B-TREE") {
					t.Errorf("%s\n%s", text, detail)
				}
				return nil
			}, make([]driver.Value, strings.Count(text, "?"))...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}
