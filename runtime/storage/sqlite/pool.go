//go:build cgo

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A pool lends out connections that read. They are opened when needed.
type pool struct {
	path string
	open func(path string) (*conn, error)
	free chan *conn // nil stands for one that is not open yet

	mu     sync.RWMutex // held for reading by every borrower
	closed bool
}

func newPool(path string, open func(string) (*conn, error)) *pool {
	n := min(max(2, runtime.GOMAXPROCS(0)), 8)
	p := &pool{path: path, open: open, free: make(chan *conn, n)}
	for range n {
		p.free <- nil
	}
	return p
}

// with calls do with a connection of its own.
func (p *pool) with(ctx context.Context, do func(c *conn) error) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return fmt.Errorf("%s: %w", p.path, storage.ErrClosed)
	}
	var c *conn
	select {
	case c = <-p.free:
	default:
		select {
		case c = <-p.free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { p.free <- c }()
	if c == nil {
		var err error
		if c, err = p.open(p.path); err != nil {
			return err
		}
	}
	return do(c)
}

// snapshot is with, all statements seeing one state of the store.
func (p *pool) snapshot(ctx context.Context, do func(c *conn) error) error {
	return p.with(ctx, func(c *conn) (err error) {
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rollback(c)) }()
		return do(c)
	})
}

// close waits for the borrowers and closes all connections.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for range cap(p.free) {
		if c := <-p.free; c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}
