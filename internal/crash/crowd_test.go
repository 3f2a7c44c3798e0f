package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCrowd starts several processes on one store at once: each step is computed once, nobody fails, and readers never wait long.
func TestCrowd(t *testing.T) {
	epochs := max(3, *kills/10)
	require.NoError(t, crowd(t.TempDir(), build(t), "", rand.New(rand.NewPCG(*seed, 2)), epochs), "seed %d", *seed)
}

const crowdSize = 4

// crowd runs epochs; in every second one half of the processes are killed.
func crowd(dir, binary, mutant string, random *rand.Rand, epochs int) error {
	l, err := fresh(dir, binary, mutant)
	if err != nil {
		return err
	}
	for e := range epochs {
		l.executor = executors[e/2%len(executors)]
		if err := l.crowdOnce(strconv.Itoa(e), random, e%2 == 1); err != nil {
			return fmt.Errorf("epoch %d: %w", e, err)
		}
	}
	return verify(l)
}

func (l *lab) crowdOnce(salt string, random *rand.Rand, kill bool) error {
	if err := l.emptyLedger(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	read := make(chan error, 1)
	go func() { read <- l.keepReading(reading) }()

	var wg sync.WaitGroup
	ends := make([]error, crowdSize)
	for i := range crowdSize {
		c := l.command(ctx, l.materializing(salt)...)
		var printed lines
		c.Stdout, c.Stderr = &printed, &printed
		if err := c.Start(); err != nil {
			return err
		}
		if wait := time.Duration(random.Int64N(int64(60 * time.Millisecond))); kill && i%2 == 0 {
			time.AfterFunc(wait, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
		}
		wg.Go(func() {
			if err := c.Wait(); err != nil {
				ends[i] = fmt.Errorf("process %d: %w\n%s", i, err, printed.text())
			}
		})
	}
	wg.Wait()
	stop()
	if err := <-read; err != nil {
		return err
	}
	killed := 0
	for i, err := range ends {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if ok && kill && i%2 == 0 && exit.Sys().(syscall.WaitStatus).Signaled() {
			killed++
			continue
		}
		if err != nil {
			return err
		}
	}
	entered, err := l.entered()
	if err != nil {
		return err
	}
	for step, n := range entered {
		// A kill inside a body, or before its output is on disk, lets another process compute it again.
		if n > 1+killed {
			return fmt.Errorf("I12: %s was computed %d times by %d processes, %d of them killed", step, n, crowdSize, killed)
		}
	}
	final, _, err := l.materialize(salt)
	if err != nil {
		return err
	}
	for _, s := range final.Steps {
		if s.Action != "reuse" {
			return fmt.Errorf("I7: after all have ended, %s is %s", s.Key, s.Action)
		}
	}
	if _, err := l.nothingRuns(); err != nil {
		return err
	}
	return l.whole()
}

// keepReading lists runs until ctx ends. A reader that fails, or waits for writers, is an error.
func (l *lab) keepReading(ctx context.Context) error {
	for ctx.Err() == nil {
		begin := time.Now()
		if _, _, err := l.run("runs", "list", "-o", "json"); err != nil {
			return fmt.Errorf("I15: a reader beside writers: %w", err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			return fmt.Errorf("I15: a reader beside writers took %s", took)
		}
	}
	return nil
}
