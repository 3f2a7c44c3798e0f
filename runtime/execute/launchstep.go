package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A LaunchStep has the step of a reference computed somewhere, by [ExecuteStepRunRef], and copies what that writes to events. It returns when that has ended; an error says
// that it could not be started, or how it ended. When ctx ends the step is to stop: it gets [StepRunRef.Grace] for that, and the function returns soon after that
// at the latest.
type LaunchStep func(ctx context.Context, ref *StepRunRef, events io.Writer) error

// A peer is who computes the steps of a remote: a child process, or somebody who is launched for each step.
type peer interface {
	Send(request any) error
	Receive(event any) error
	Interrupt() // it is to stop, and is listened to for a while
	Cut()       // it is to stop, and not listened to any more
	Stop()      // likewise, and it is waited for
	Kill()
}

// A launched is a peer for one step. It is told of the run, then to compute the step, all of which goes out as one reference.
type launched struct {
	launch LaunchStep
	grace  time.Duration
	run    *runRef
	ready  bool // the answer to what run says is to be received

	ctx    context.Context
	cancel context.CancelFunc
	events *io.PipeReader
	tell   *io.PipeWriter
	dec    *json.Decoder

	done chan struct{} // nil before it is launched
	err  error         // of launch; read after done
}

// newLaunched has steps launched with the values of a context, which does not end them: they are told to stop.
func newLaunched(ctx context.Context, launch LaunchStep, grace time.Duration) *launched {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &launched{launch: launch, grace: grace, ctx: ctx, cancel: cancel}
	l.events, l.tell = io.Pipe()
	l.dec = json.NewDecoder(l.events)
	return l
}

// Send takes in what a child would be told.
func (l *launched) Send(request any) error {
	switch r := request.(stepRequest); {
	case r.Run != nil:
		l.run, l.ready = r.Run, true
	case r.Step != nil:
		ref := &StepRunRef{l.run, r.Step, r.Go, l.grace}
		l.done = make(chan struct{})
		go func() {
			defer close(l.done)
			l.err = errGoexit
			defer func() { _ = l.tell.Close() }() // it returns no error
			l.err, _ = guard(func() error { return l.launch(l.ctx, ref, l.tell) })
		}()
	}
	return nil // the word to go has gone with the step
}

// Receive returns the next event.
func (l *launched) Receive(event any) error {
	if l.ready {
		l.ready = false
		*event.(*stepEvent) = stepEvent{Type: eventReady}
		return nil
	}
	return l.dec.Decode(event)
}

// Interrupt implements peer.
func (l *launched) Interrupt() {
	l.cancel()
	time.AfterFunc(l.grace+l.grace/4, l.close)
}

// Cut implements peer.
func (l *launched) Cut() {
	l.cancel()
	l.close()
}

func (l *launched) close() {
	_ = l.events.CloseWithError(errors.New("nobody listens any more")) // it returns no error
}

// Stop implements peer.
func (l *launched) Stop() { l.end(l.grace) }

// Kill implements peer.
func (l *launched) Kill() { l.end(0) }

func (l *launched) end(patience time.Duration) {
	if l.done != nil && patience > 0 { // it has told how the step ended, and is on its way out
		select {
		case <-l.done:
		case <-time.After(patience):
		}
	}
	l.Cut()
	if l.done != nil {
		select {
		case <-l.done:
		case <-time.After(l.grace):
		}
	}
}

// died says why there was no end of the step.
func (l *launched) died() error {
	l.end(l.grace)
	select {
	case <-l.done:
		if l.err != nil {
			return fmt.Errorf("it was not computed by whom it was handed to: %w", l.err)
		}
		return errors.New("it was handed on, and nobody said how it ended")
	default:
		return errors.New("it was handed on, and who it was handed to goes on after it was to stop")
	}
}
