//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A conn is one connection with its prepared statements. The driver is used directly: database/sql costs more than the statements
// that are run here. A conn is for one goroutine at a time.
type conn struct {
	c     *sqlite3.SQLiteConn
	path  string
	stmts map[string]*stmt
}

// minLibrary is the first release of SQLite without the bug that could reset a write-ahead log under a reader.
const minLibrary = 3_051_003

func checkLibrary() error {
	if name, number, _ := sqlite3.Version(); number < minLibrary {
		return fmt.Errorf("this binary was built with SQLite %s: build it with 3.51.3 or later, older ones can damage a store", name)
	}
	return nil
}

// busyTimeout is how long one statement waits for a lock at most.
const busyTimeout = 10 * time.Second

// connect opens path with parameters of the driver, for one that waits for locks as long as the default is.
func connect(path, params string) (*conn, error) { return Options{}.connect(path, params) }

// connect opens path with parameters of the driver. The busy time-out is set before all else: setting the journal mode may have to wait too.
func (o Options) connect(path, params string) (*conn, error) {
	u := url.URL{Path: path}
	dsn := "file:" + u.EscapedPath() + fmt.Sprintf("?_mutex=no&_busy_timeout=%d&_cache_size=-16000&", min(o.patience(), busyTimeout).Milliseconds()) + params
	c, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, dbError("open", path, err)
	}
	out := &conn{c: c.(*sqlite3.SQLiteConn), path: path, stmts: map[string]*stmt{}}
	if err := out.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0"); err != nil {
		return nil, errors.Join(err, out.close())
	}
	return out, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.s.Close())
	}
	if err := c.c.Close(); err != nil {
		errs = append(errs, dbError("close", c.path, err))
	}
	return errors.Join(errs...)
}

// exec runs a script without parameters.
func (c *conn) exec(script string) error {
	if _, err := c.c.ExecContext(context.Background(), script, nil); err != nil {
		return dbError("write", c.path, err)
	}
	return nil
}

// A stmt is a prepared statement with room for its arguments.
type stmt struct {
	s    *sqlite3.SQLiteStmt
	conn *conn
	args []driver.NamedValue
	row  []driver.Value
}

// prepare returns the statement for a constant text; it is prepared once per connection.
func (c *conn) prepare(text string) (*stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	ds, err := c.c.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, dbError("read", c.path, err)
	}
	s := &stmt{s: ds.(*sqlite3.SQLiteStmt), conn: c}
	s.args = make([]driver.NamedValue, s.s.NumInput())
	for i := range s.args {
		s.args[i].Ordinal = i + 1
	}
	c.stmts[text] = s
	return s, nil
}

// run executes a statement that returns no rows. Arguments are int64, string, []byte or nil.
func (c *conn) run(text string, args ...driver.Value) (lastID, changed int64, err error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, 0, err
	}
	for i, a := range args {
		s.args[i].Value = a
	}
	r, err := s.s.ExecContext(context.Background(), s.args)
	if err != nil {
		return 0, 0, dbError("write", c.path, err)
	}
	lastID, _ = r.LastInsertId() // of this driver, these two cannot fail
	changed, _ = r.RowsAffected()
	return lastID, changed, nil
}

// errStop ends a query early.
var errStop = errors.New("stop")

// query calls row for each row of a statement. The slice is used again for the next row; the values in it are not. A row that
// returns errStop ends the query without an error.
func (c *conn) query(ctx context.Context, text string, row func([]driver.Value) error, args ...driver.Value) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := c.prepare(text)
	if err != nil {
		return err
	}
	for i, a := range args {
		s.args[i].Value = a
	}
	rows, err := s.s.QueryContext(ctx, s.args)
	if err != nil {
		return c.readError(ctx, err)
	}
	defer func() {
		if cerr := rows.Close(); cerr != nil && err == nil {
			err = c.readError(ctx, cerr)
		}
	}()
	if s.row == nil {
		s.row = make([]driver.Value, len(rows.Columns()))
	}
	for {
		switch err := rows.Next(s.row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return c.readError(ctx, err)
		}
		switch err := row(s.row); {
		case err == errStop:
			return nil
		case err != nil:
			return err
		}
	}
}

func (c *conn) readError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return dbError("read", c.path, err)
}

// text returns the first column of the first row as text.
func (c *conn) text(text string) (string, error) {
	out := ""
	err := c.query(context.Background(), text, func(v []driver.Value) error {
		switch x := v[0].(type) {
		case string:
			out = x
		case []byte:
			out = string(x)
		}
		return errStop
	})
	return out, err
}

// number returns the first column of the first row, 0 when there is none.
func (c *conn) number(text string, args ...driver.Value) (int64, error) {
	out := int64(0)
	err := c.query(context.Background(), text, func(v []driver.Value) error {
		out, _ = v[0].(int64)
		return errStop
	}, args...)
	return out, err
}

// column reads a value that the schema (STRICT tables) promises to be a T. Another type can only come from a damaged file.
func column[T any](v driver.Value) (T, error) {
	t, ok := v.(T)
	if !ok {
		return t, fmt.Errorf("%w: a column holds %T instead of %T", storage.ErrCorrupt, v, t)
	}
	return t, nil
}
