//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dagstergen/dagstergen/internal/failpoint"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// applicationID marks the file as one of ours, for `file` and for readFormat: "dgst".
const applicationID = 0x64677374

// A migration brings a store from one format to the next.
type migration struct {
	script string
	// minReader and minWriter are the oldest formats a binary must know to read or write a store of the new format. A migration
	// that only adds may leave them low, so that binaries of two releases can work on one store.
	minReader, minWriter int
}

//go:embed migrations/*.sql
var scripts embed.FS

// migrations are all steps from nothing to the newest format; the format's number is their count.
var migrations = []migration{
	{script: script("0001"), minReader: 1, minWriter: 1},
	{script: script("0002"), minReader: 1, minWriter: 2}, // a binary of format 1 would write runs without their tags and times
	{script: script("0003"), minReader: 1, minWriter: 2}, // only a table more
	{script: script("0004"), minReader: 1, minWriter: 2}, // backfills, which older binaries do not know of and leave alone
	{script: script("0005"), minReader: 1, minWriter: 5}, // an older binary would go on with the backfill of a job as if it were one of assets
	{script: script("0006"), minReader: 1, minWriter: 5}, // briefs: those that an older binary leaves behind are of a record that is not the newest
}

func script(name string) string {
	b, err := scripts.ReadFile("migrations/" + name + ".sql")
	if err != nil {
		panic(err) // the list above and the folder are compiled together
	}
	return string(b)
}

// A format is what a store says about itself.
type format struct{ version, minReader, minWriter int }

// readFormat returns the format of the store behind c. A database of somebody else's is ErrCorrupt.
func readFormat(c *conn) (format, error) {
	app, err := c.number("PRAGMA application_id")
	if err != nil {
		return format{}, err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return format{}, err
	}
	if app != applicationID || version < 1 {
		return format{}, fmt.Errorf("%s: %w: it is a SQLite database, but not a store of dagstergen", c.path, storage.ErrCorrupt)
	}
	f := format{version: int(version), minReader: int(version), minWriter: int(version)}
	err = c.query(context.Background(), "SELECT min_reader, min_writer FROM format", func(v []driver.Value) error {
		r, rerr := column[int64](v[0])
		w, werr := column[int64](v[1])
		f.minReader, f.minWriter = int(r), int(w)
		return errors.Join(rerr, werr)
	})
	switch {
	case err == nil || storage.IsUnavailable(err):
		return f, err
	case f.version > len(migrations):
		return f, nil // so new that it says it elsewhere
	}
	return f, fmt.Errorf("%w: %w", storage.ErrCorrupt, err)
}

// migrate brings the store from a format to the newest one, one transaction for each step. A store that is newer than the
// binary and may be written is left as it is.
func migrate(c *conn, from int, steps []migration) error {
	if from > 0 && from < len(steps) {
		if err := backup(c, from); err != nil {
			return err
		}
	}
	return migrateTo(c, from, steps)
}

func migrateTo(c *conn, from int, steps []migration) error {
	for i := from; i < len(steps); i++ {
		m := steps[i]
		err := c.exec("BEGIN IMMEDIATE;\n" + m.script +
			"\nCREATE TABLE IF NOT EXISTS format (min_reader INTEGER NOT NULL, min_writer INTEGER NOT NULL) STRICT;" +
			"\nDELETE FROM format; INSERT INTO format VALUES (" + strconv.Itoa(m.minReader) + ", " + strconv.Itoa(m.minWriter) + ");" +
			"\nPRAGMA application_id = " + strconv.Itoa(applicationID) + "; PRAGMA user_version = " + strconv.Itoa(i+1) + "; COMMIT")
		if err != nil {
			return fmt.Errorf("migrate to format %d: %w", i+1, errors.Join(err, rollback(c)))
		}
	}
	return nil
}

func rollback(c *conn) error {
	if c.c.AutoCommit() {
		return nil
	}
	return c.exec("ROLLBACK")
}

// backup keeps a copy of a store before it is migrated, beside it.
func backup(c *conn, from int) error {
	name := c.path + ".format" + strconv.Itoa(from)
	if _, err := os.Stat(name); err == nil {
		return nil // an earlier attempt made it; the store has not changed its format since
	}
	if err := removeDatabase(name + ".new"); err != nil {
		return err
	}
	if _, _, err := c.run("VACUUM INTO ?", name+".new"); err != nil {
		return fmt.Errorf("back up before a migration: %w", err)
	}
	return publish(name+".new", name)
}

// create makes an empty store at path, under another name first, so that a kill leaves either nothing or a whole store. The
// caller holds the turn.
func create(path string, steps []migration) (err error) {
	temp := path + ".new"
	if err := removeDatabase(temp); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return storage.FileError("create", path, err)
	}
	if err := f.Close(); err != nil {
		return storage.FileError("create", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeDatabase(temp))
		}
	}()
	// Nothing is synced on the way, and no journal kept: what a kill or a power cut leaves has the other name, and is made again. All of it is synced before it gets its own.
	c, err := connect(temp, "mode=rw&_synchronous=OFF&_journal_mode=MEMORY")
	if err != nil {
		return err
	}
	err = migrate(c, 0, steps)
	if err == nil { // as it stays: to change it later takes syncs of its own
		_, err = c.text("PRAGMA journal_mode = WAL") // where that cannot be, opening the store says so
	}
	if err := errors.Join(err, c.close()); err != nil {
		return err
	}
	if err := storage.FileError("create", path, failpoint.Hit(failpoint.StoreMade)); err != nil {
		return err
	}
	if err := publish(temp, path); err != nil {
		return err
	}
	return storage.FileError("create", path, failpoint.Hit(failpoint.StorePublished))
}

// publish gives a database that nobody has open its final name, durably.
func publish(temp, path string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return storage.FileError("create", path, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return storage.FileError("create", path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return storage.FileError("create", path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return storage.FileError("create", path, err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return storage.FileError("create", path, err)
	}
	return nil
}

// removeDatabase removes a database that was left half made.
func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return storage.FileError("create", path, err)
		}
	}
	return nil
}
