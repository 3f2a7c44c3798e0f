package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// settings are what run config says: execution: {config: {command: {line: [ssh, host, remote, step]}}}.
type settings struct {
	Line          []string `json:"line"`           // the command; none for this program
	MaxConcurrent int      `json:"max_concurrent"` // how many at once
}

// commandExecutor has each step computed by a command, which gets a reference to it on stdin and writes what happens to stdout.
var commandExecutor = execute.ExecutorDefinition{
	Name:          "command",
	Config:        runconfig.ConfigOf(settings{MaxConcurrent: 4}),
	NeedsInstance: true, // what one process keeps in memory no other one can load
	New: func(c execute.InitExecutorContext) (execute.Executor, error) {
		s := c.Config.(settings)
		if s.MaxConcurrent < 1 {
			return nil, fmt.Errorf("max_concurrent is %d, and no step does with less than 1", s.MaxConcurrent)
		}
		if len(s.Line) == 0 {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			s.Line = []string{self, "step"}
		}
		return &command{settings: s, retries: c.Retries}, nil
	},
}

type command struct {
	settings
	retries execute.RetryMode
}

// Retries leaves it to the run to try steps again.
func (c *command) Retries() execute.RetryMode { return c.retries }

// Execute has so many workers, each with one step at a time.
func (c *command) Execute(_ context.Context, steps *execute.Steps) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	for range c.MaxConcurrent {
		w, err := steps.RemoteWorker(c.launch)
		if err != nil {
			return err
		}
		workers.Go(func() {
			for {
				step, ok := steps.Next()
				if !ok {
					return
				}
				w.Run(step)
			}
		})
	}
	return nil
}

// launch starts the command for a step. It is asked to end when the step is to stop, and killed when it does not.
func (c *command) launch(ctx context.Context, ref *execute.StepRunRef, events io.Writer) error {
	data, err := json.Marshal(ref)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, c.Line[0], c.Line[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), events, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = ref.Grace()
	return cmd.Run()
}

// computeStep is the other side: what the command does.
func computeStep(ctx context.Context, ref io.Reader, events io.Writer) error {
	var r execute.StepRunRef
	if err := json.NewDecoder(ref).Decode(&r); err != nil {
		return err
	}
	return execute.ExecuteStepRunRef(ctx, &r, events, Definitions)
}
