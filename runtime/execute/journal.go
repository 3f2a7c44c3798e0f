package execute

import (
	"context"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// backlog is how many batches may wait for the disk before steps wait for them: it bounds the memory of a run that computes
// faster than it can store.
const backlog = 1024

// flushEvery is how long an event may wait for a batch to travel in.
const flushEvery = 100 * time.Millisecond

// journal is the one way of a run into the store. Events that have no batch of their own wait for the next one; batches become durable in
// the order in which they were submitted, and what should happen then is done in that order, in one goroutine.
type journal struct {
	runID   string
	store   storage.Store
	private bool        // batches are done when they are submitted: no goroutine
	fail    func(error) // told the first error of the store

	mu      sync.Mutex
	pending []storage.Event
	sent    map[canon.Digest]bool // code manifests of this run

	slots chan struct{}
	queue chan receipt
	ended chan struct{}
	err   error // the first one; read after close
}

// receipt is a batch that is on its way, and what to do when it has arrived.
type receipt struct {
	ticket storage.Ticket
	after  func(error)
}

// newJournal returns a journal that only collects events until it is opened: what happens before there is a run is part of its log.
func newJournal(runID string, store storage.Store, private bool, fail func(error)) *journal {
	return &journal{runID: runID, store: store, private: private, fail: fail, sent: map[canon.Digest]bool{}}
}

// open sends the first batch, which inserts the run, and waits for it. On an error the journal stays closed.
func (j *journal) open(first *storage.Batch) error {
	if err := j.send(first).Wait(context.Background()); err != nil {
		return err
	}
	if !j.private {
		j.slots = make(chan struct{}, backlog)
		j.queue = make(chan receipt, backlog)
		j.ended = make(chan struct{})
		go j.confirm()
	}
	return nil
}

// event returns an event of this run that happened now.
func (j *journal) event(typ storage.EventType, step, message string, data []byte) storage.Event {
	return storage.Event{RunID: j.runID, Time: time.Now(), Type: typ, StepKey: step, Level: "INFO", Message: message, Data: data}
}

// add lets events travel with the next batch.
func (j *journal) add(events ...storage.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, events...)
}

// submit sends a batch with all events that wait in front of its own. after is called once it is durable, or with why it is not. It blocks while the
// backlog is full.
func (j *journal) submit(b *storage.Batch, after func(error)) {
	if j.private {
		err := j.send(b).Wait(context.Background())
		if err != nil {
			j.failed(err)
		}
		after(err)
		return
	}
	j.slots <- struct{}{}
	j.mu.Lock()
	defer j.mu.Unlock()
	// Under the same lock as Submit, so that the queue has the order of the store. A slot is free, so this does not block.
	j.queue <- receipt{j.sendLocked(b), after}
}

func (j *journal) send(b *storage.Batch) storage.Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sendLocked(b)
}

func (j *journal) sendLocked(b *storage.Batch) storage.Ticket {
	if len(j.pending) > 0 {
		b.Events = append(j.pending, b.Events...)
		j.pending = nil
	}
	for d := range b.Manifests {
		if j.sent[d] {
			delete(b.Manifests, d)
		}
		j.sent[d] = true
	}
	return j.store.Submit(b)
}

// now sends a batch and waits until it is durable.
func (j *journal) now(b *storage.Batch) error {
	err := j.send(b).Wait(context.Background())
	if err != nil {
		j.failed(err)
	}
	return err
}

// confirm waits for one batch after the other.
func (j *journal) confirm() {
	defer close(j.ended)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case r, ok := <-j.queue:
			if !ok {
				return
			}
			err := r.ticket.Wait(context.Background())
			<-j.slots
			if err != nil {
				j.failed(err)
			}
			r.after(err)
		case <-tick.C:
			if j.waiting() {
				_ = j.now(&storage.Batch{}) // an error has been taken note of
			}
		}
	}
}

func (j *journal) waiting() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.pending) > 0
}

func (j *journal) failed(err error) {
	j.mu.Lock()
	first := j.err == nil
	if first {
		j.err = err
	}
	j.mu.Unlock()
	if first {
		j.fail(err)
	}
}

// close waits until all submitted batches are durable or failed. Nothing must be submitted after; now still works.
func (j *journal) close() error {
	if !j.private {
		close(j.queue)
		<-j.ended
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}
