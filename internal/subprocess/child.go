//go:build linux || darwin

package subprocess

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dagstergen/dagstergen/internal/mutant"
)

// The descriptors of a child's pipes.
const (
	requestsFD = 3
	messagesFD = 4
	fileFD     = 5 // of a detached child
)

// ErrParentGone is the cause of the context of a request whose parent is gone, or does not want the answer any more.
var ErrParentGone = errors.New("the process that asked is gone")

// A Conn is the child's side.
type Conn struct {
	requests *os.File
	messages *os.File
	parent   int // its process id
	grace    time.Duration

	mu  sync.Mutex // of enc
	enc *json.Encoder
}

// Asked reports whether this process was started by [Start] for a service. It is called once, early in main: what user code
// starts after it knows nothing of the pipes.
func Asked(service string) (*Conn, bool) {
	asked, patience, _ := strings.Cut(os.Getenv(variable), " ")
	if asked != service {
		return nil, false
	}
	_ = os.Unsetenv(variable)
	syscall.CloseOnExec(requestsFD)
	syscall.CloseOnExec(messagesFD)
	c := &Conn{requests: os.NewFile(requestsFD, "requests"), messages: os.NewFile(messagesFD, "messages"), parent: os.Getppid(), grace: grace}
	if d, err := time.ParseDuration(patience); err == nil {
		c.grace = d
	}
	c.enc = json.NewEncoder(c.messages)
	return c, true
}

// Say sends a message. Nobody is left to hear of an error: the parent is gone then, and so is this process soon.
func (c *Conn) Say(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enc.Encode(v)
}

// Serve calls handle for one request after the other, then tidy, and returns; the process has to end then. When the parent is gone, or says that it wants no more, the context of the request at
// hand ends; where that or tidy takes long, the process and what it has started are killed.
func (c *Conn) Serve(handle func(ctx context.Context, request json.RawMessage), tidy func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	requests := make(chan json.RawMessage)
	go func() {
		defer close(requests)
		dec := json.NewDecoder(c.requests)
		for {
			var r json.RawMessage
			if err := dec.Decode(&r); err != nil {
				if mutant.Is(mutant.Orphan) {
					select {}
				}
				time.AfterFunc(c.patience(), die)
				cancel(ErrParentGone)
				return
			}
			requests <- r
		}
	}()
	for r := range requests {
		if ctx.Err() == nil {
			handle(ctx, r)
		}
	}
	tidy()
}

// patience is how long what is going on may take to end. Nobody wants the result where the parent is gone; that may be seen a moment later than the end of requests.
func (c *Conn) patience() time.Duration {
	for range 20 {
		if os.Getppid() != c.parent {
			return min(grace, c.grace)
		}
		time.Sleep(time.Millisecond)
	}
	return c.grace
}

// die kills this process and what it has started. A process that is not the first of its group has not been started by Start.
func die() {
	if syscall.Getpgrp() == os.Getpid() {
		_ = syscall.Kill(0, syscall.SIGKILL)
	}
	os.Exit(1)
}
