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

// journal is the one way of a run into the store, if it has one. Events that have no batch of their own wait for the next one; batches become durable in
// the order in which they were submitted, and what should happen then is done in that order, in one goroutine.
type journal struct {
	runID string
	store storage.Store // nil for a run that is kept nowhere
	fail  func(error)   // told the first error of the store

	mu      sync.Mutex
	pending []storage.Event       // without a store: all that are written out
	marks   []mark                // without a store: the log, in order
	sent    map[canon.Digest]bool // code manifests of this run
	sealed  bool                  // the run has ended: what a step says that was left behind is lost

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
func newJournal(runID string, store storage.Store, fail func(error)) *journal {
	return &journal{runID: runID, store: store, fail: fail, sent: map[canon.Digest]bool{}}
}

// A mark is an entry of the log of a run that is kept nowhere. What a step says when it starts and ends is not written out unless someone asks: it is
// most of the log, and all of it is known from the task.
type mark struct {
	kind markKind
	of   int32 // an event in pending, or a task
	at   int64 // nanoseconds since 1970, of a task's
}

type markKind uint8

const (
	markEvent markKind = iota
	markStart
	markEnd
)

// mark notes that a task started or ended.
func (j *journal) mark(kind markKind, task int32, at time.Time) {
	j.mu.Lock()
	j.marks = append(j.marks, mark{kind, task, at.UnixNano()})
	j.mu.Unlock()
}

// private reports whether the run is kept nowhere.
func (j *journal) private() bool { return j.store == nil }

// open sends the first batch, which inserts the run, and waits for it. On an error the journal stays closed.
func (j *journal) open(first *storage.Batch) error {
	if j.private() {
		j.add(first.Events...)
		return nil
	}
	if err := j.send(first).Wait(context.Background()); err != nil {
		return err
	}
	j.slots = make(chan struct{}, backlog)
	j.queue = make(chan receipt, backlog)
	j.ended = make(chan struct{})
	go j.confirm()
	return nil
}

// event returns an event of this run that happened now.
func (j *journal) event(typ storage.EventType, step, message string, data []byte) storage.Event {
	return j.eventAt(time.Now(), typ, step, message, data)
}

func (j *journal) eventAt(at time.Time, typ storage.EventType, step, message string, data []byte) storage.Event {
	return storage.Event{RunID: j.runID, Time: at, Type: typ, StepKey: step, Level: "INFO", Message: message, Data: data}
}

// add lets events travel with the next batch.
func (j *journal) add(events ...storage.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.sealed {
		return
	}
	if j.private() {
		for i := range events {
			j.marks = append(j.marks, mark{kind: markEvent, of: int32(len(j.pending) + i)})
		}
	}
	j.pending = append(j.pending, events...)
}

// submit sends a batch with all events that wait in front of its own. after is called once it is durable, or with why it is not. It blocks while the
// backlog is full.
func (j *journal) submit(b *storage.Batch, after func(error)) {
	if j.private() {
		j.add(b.Events...)
		after(nil)
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

// hasSent reports whether a code manifest is on its way to the store, or there.
func (j *journal) hasSent(d canon.Digest) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sent[d]
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
	if j.private() {
		j.add(b.Events...)
		return nil
	}
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
	if !j.private() {
		close(j.queue)
		<-j.ended
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// seal ends the log: nothing is added any more.
func (j *journal) seal() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sealed = true
}
