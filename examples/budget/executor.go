package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// memoryTag is the tag that says how much memory a step needs, in GB. A step without it needs 1.
const memoryTag = "memory"

// settings are what run config says: execution: {config: {budget: {memory_gb: 64}}}.
type settings struct {
	MemoryGB int `json:"memory_gb"`
}

// budgetExecutor lets steps run side by side as long as there is memory for all of them.
var budgetExecutor = execute.ExecutorDefinition{
	Name:   "budget",
	Config: runconfig.ConfigOf(settings{MemoryGB: 16}),
	New: func(c execute.InitExecutorContext) (execute.Executor, error) {
		s := c.Config.(settings)
		if s.MemoryGB < 1 {
			return nil, fmt.Errorf("memory_gb is %d, and no step does with less than 1", s.MemoryGB)
		}
		b := &budget{total: s.MemoryGB, retries: c.Retries}
		b.more.L = &b.mu
		return b, nil
	},
}

// A budget is the executor of one run.
type budget struct {
	total   int
	retries execute.RetryMode

	mu   sync.Mutex
	more sync.Cond // some memory is free again
	used int
	most int // that was ever used
	idle []*execute.Worker
}

// Retries leaves it to the run to try steps again.
func (b *budget) Retries() execute.RetryMode { return b.retries }

// Execute takes one step after the other, waits until there is memory for it, and lets it run.
func (b *budget) Execute(_ context.Context, steps *execute.Steps) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		step, ok := steps.Next()
		if !ok {
			return nil
		}
		need, err := b.need(step)
		if err != nil {
			return err
		}
		w := b.take(steps, need)
		running.Go(func() {
			w.Run(step)
			b.give(w, need)
		})
	}
}

// need is how much memory a step takes. One that needs more than there is has all of it for itself.
func (b *budget) need(step *execute.Step) (int, error) {
	text, ok := step.Tags()[memoryTag]
	if !ok {
		return 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("step %s has the tag %s:%s, which is no number of GB", step.Key(), memoryTag, text)
	}
	return min(n, b.total), nil
}

// take waits for memory, and returns a worker for it.
func (b *budget) take(steps *execute.Steps, need int) *execute.Worker {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.used+need > b.total {
		b.more.Wait()
	}
	b.used += need
	b.most = max(b.most, b.used)
	if n := len(b.idle); n > 0 {
		w := b.idle[n-1]
		b.idle = b.idle[:n-1]
		return w
	}
	return steps.Worker()
}

func (b *budget) give(w *execute.Worker, need int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= need
	b.idle = append(b.idle, w)
	b.more.Broadcast()
}
