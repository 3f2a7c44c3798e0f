//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/failpoint"
	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

const (
	maxGroup = 1000    // batches in one transaction, so that the first of them need not wait for ever
	maxBytes = 8 << 20 // of records, blobs and events in one transaction
	maxQueue = 10_000  // batches that wait; Submit blocks beyond that
)

// A pending is a submitted batch: encoded by the goroutine that submitted it, written by the writer.
type pending struct {
	batch   *storage.Batch
	encoded encodedBatch
	done    chan struct{} // closed when err is final
	err     error
}

// Wait implements storage.Ticket.
func (p *pending) Wait(ctx context.Context) error {
	if mutant.Is(mutant.EarlyAck) {
		return nil
	}
	select {
	case <-p.done:
		return p.err
	default:
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pending) finish(err error) {
	p.err = err
	close(p.done)
}

// A writer owns the connection that writes. It commits what is queued as one group: while one group reaches the disk the next
// one gathers, so the size of groups follows the speed of the disk by itself.
type writer struct {
	c     *conn
	turn  *turn
	state writerState
	args  []driver.Value // of the statement that is being made

	patience time.Duration // with a foreign program that keeps the database to itself

	mu      sync.Mutex
	changed sync.Cond // of mu: queue or closed
	queue   []*pending
	closed  bool
	broken  error            // set once, by an error after which nothing may be trusted to reach the disk
	behind  map[string]error // runs of which a batch with records failed: no later record of theirs may stand on what is not there

	stopped chan struct{} // closed when the last group is written
}

func newWriter(c *conn, t *turn, patience time.Duration) *writer {
	w := &writer{c: c, turn: t, state: newWriterState(), stopped: make(chan struct{}), patience: patience}
	w.changed.L = &w.mu
	go w.loop()
	return w
}

// Submit implements storage.Store. The batch must not be modified afterwards.
func (s *Store) Submit(b *storage.Batch) storage.Ticket {
	p := &pending{batch: b, done: make(chan struct{})}
	if s.writer == nil {
		p.finish(fmt.Errorf("%s: %w: it was opened for reading", s.path, storage.ErrReadOnly))
		return p
	}
	var err error
	if p.encoded, err = encodeBatch(b); err != nil {
		p.finish(err)
		return p
	}
	s.writer.submit(p)
	return p
}

func (w *writer) submit(p *pending) {
	w.mu.Lock()
	for len(w.queue) >= maxQueue && !w.closed && w.broken == nil {
		w.changed.Wait()
	}
	err := w.broken
	if err == nil {
		err = w.behindLocked(p)
	}
	if err == nil && w.closed {
		err = fmt.Errorf("%s: %w", w.c.path, storage.ErrClosed)
	}
	if err != nil {
		w.mu.Unlock()
		p.finish(err)
		return
	}
	w.queue = append(w.queue, p)
	if len(w.queue) == 1 {
		w.changed.Broadcast()
	}
	w.mu.Unlock()
}

// behindLocked is the error of an earlier batch of the same run that a batch with records would overtake. What has none, such as the end of the run, may pass.
func (w *writer) behindLocked(p *pending) error {
	for i := range p.batch.Records {
		if err, ok := w.behind[p.batch.Records[i].RunID]; ok {
			return err
		}
	}
	return nil
}

// take waits for batches and removes the next group from the queue; nil means that the writer was closed.
func (w *writer) take(group []*pending) []*pending {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 {
		if w.closed {
			return nil
		}
		w.changed.Wait()
	}
	full := len(w.queue) >= maxQueue
	n, bytes := 0, 0
	for n < len(w.queue) && n < maxGroup && (n == 0 || bytes < maxBytes) {
		bytes += w.queue[n].encoded.size
		n++
	}
	group = append(group[:0], w.queue[:n]...)
	rest := copy(w.queue, w.queue[n:])
	clear(w.queue[rest:])
	w.queue = w.queue[:rest]
	if full {
		w.changed.Broadcast()
	}
	return group
}

func (w *writer) loop() {
	defer close(w.stopped)
	var group []*pending
	for {
		group = w.take(group)
		if group == nil {
			break
		}
		err := w.commit(group)
		if err != nil {
			w.fail(group, err)
		}
		clear(group)
	}
}

// fail ends a group, and what was queued behind it, with an error of the store: batches become durable in order, so none
// may overtake one that did not. After a full disk or a busy database new batches are tried again, after anything else never:
// what the disk holds then is not known.
func (w *writer) fail(group []*pending, err error) {
	if mutant.Is(mutant.SwallowErr) {
		err = nil
	}
	w.mu.Lock()
	behind := w.queue
	w.queue = nil
	if err != nil && !errors.Is(err, storage.ErrFull) && !isBusy(err) {
		w.broken = err
	}
	for _, list := range [][]*pending{group, behind} {
		for _, p := range list {
			for i := range p.batch.Records {
				if w.behind == nil {
					w.behind = map[string]error{}
				}
				if err != nil {
					w.behind[p.batch.Records[i].RunID] = err
				}
			}
		}
	}
	w.changed.Broadcast()
	w.mu.Unlock()
	for _, p := range group {
		p.finish(err)
	}
	for _, p := range behind {
		p.finish(err)
	}
}

// commit writes a group in one transaction and finishes its tickets. An error is about the store, and no ticket is finished then.
func (w *writer) commit(group []*pending) error {
	if err := w.turn.Lock(context.Background()); err != nil {
		return err
	}
	defer w.turn.Unlock()

	failed, err := w.attempt(group, false)
	if err == nil && failed != nil {
		failed, err = w.attempt(group, true) // one batch is bad: find out which, at the price of a savepoint each
	}
	if err != nil {
		return err
	}
	for i, p := range group {
		if failed != nil {
			p.finish(failed[i])
		} else {
			p.finish(nil)
		}
	}
	return nil
}

// attempt tries to commit a group. Without savepoints the first batch that fails ends the attempt, and failed is not nil. With
// savepoints failed has the error of each batch and the others are durable.
func (w *writer) attempt(group []*pending, savepoints bool) (failed []error, err error) {
	defer func() {
		if err != nil || failed != nil && !savepoints {
			w.state.discard()
			if rerr := rollback(w.c); rerr != nil {
				err = errors.Join(err, rerr)
			}
		}
	}()
	if err := w.begin(); err != nil {
		return nil, err
	}
	if err := w.struck(failpoint.StoreBegun); err != nil {
		return nil, err
	}
	if savepoints {
		failed = make([]error, len(group))
	}
	for i, p := range group {
		if savepoints {
			if _, _, err := w.c.run("SAVEPOINT batch"); err != nil {
				return nil, err
			}
		}
		berr := w.apply(p)
		switch {
		case berr == nil:
		case ofStore(berr):
			return nil, berr
		case !savepoints:
			return []error{berr}, nil
		default:
			failed[i] = berr
			w.state.discard() // of the good batches before it too: it is read again inside the transaction
			if _, _, err := w.c.run("ROLLBACK TO batch"); err != nil {
				return nil, err
			}
		}
		if savepoints {
			if _, _, err := w.c.run("RELEASE batch"); err != nil {
				return nil, err
			}
		}
	}
	if err := w.struck(failpoint.StoreApplied); err != nil {
		return nil, err
	}
	if _, _, err := w.c.run("COMMIT"); err != nil {
		return nil, err
	}
	w.state.keep()
	if err := w.struck(failpoint.StoreCommitted); err != nil {
		return nil, err
	}
	return failed, nil
}

// struck is the error that a campaign wants at a point.
func (w *writer) struck(p failpoint.Point) error {
	return storage.FileError("write", w.c.path, failpoint.Hit(p))
}

// lockPatience is how long a foreign program may keep the database to itself before that is an error: longer than any of its transactions
// should take, and shorter than a person waits without asking why.
const lockPatience = time.Minute

// begin starts the transaction. Every writer of ours holds the turn, so only a foreign program can make it busy: it is waited for.
func (w *writer) begin() error {
	for began := time.Now(); ; {
		_, _, err := w.c.run("BEGIN IMMEDIATE")
		if err == nil || !isBusy(err) {
			return err
		}
		if waited := time.Since(began); waited > w.patience {
			return fmt.Errorf("%w (waited for %s)", err, waited.Round(time.Second))
		}
	}
}

// drain waits for what was submitted and takes nothing more.
func (w *writer) drain() {
	w.mu.Lock()
	w.closed = true
	w.changed.Broadcast()
	w.mu.Unlock()
	<-w.stopped
}

// close closes the connection. It is the last one of the store: SQLite then moves the log into the main file, which a
// connection that reads could not.
func (w *writer) close() error { return errors.Join(w.c.close(), w.turn.Close()) }
