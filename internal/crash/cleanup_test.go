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

// TestCleanUp lets gc work beside runs of several salts, and kills both at random: no run ever misses what it has found, and no record ever
// speaks of what was removed.
func TestCleanUp(t *testing.T) {
	require.NoError(t, cleanUp(t.TempDir(), build(t), "", rand.New(rand.NewPCG(*seed, 5)), max(4, *kills/10)), "seed %d", *seed)
}

func cleanUp(dir, binary, mutant string, random *rand.Rand, epochs int) error {
	l, err := fresh(dir, binary, mutant)
	if err != nil {
		return err
	}
	const salts = 3
	var golden [salts]*report
	for i := range salts {
		if golden[i], _, err = undisturbed(dir, binary, strconv.Itoa(i)); err != nil {
			return err
		}
	}
	limits := [][]string{{"gc"}, {"gc", "--keep", "1"}, {"gc", "--max-size", "1MiB"}, {"gc", "--older-than", "1ns"}}
	for e := range epochs {
		if err := l.cleanUpOnce(golden[:], limits, random); err != nil {
			return fmt.Errorf("epoch %d: %w", e, err)
		}
	}
	if err := l.tidy(); err != nil {
		return err
	}
	return l.small("0", golden[0])
}

// cleanUpOnce runs every salt with clean-ups beside them, some of which are killed.
func (l *lab) cleanUpOnce(golden []*report, limits [][]string, random *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var wg sync.WaitGroup
	ends := make([]error, len(golden))
	stop := make(chan struct{})
	for i := range golden {
		cmd := l.command(ctx, l.materializing(strconv.Itoa(i))...)
		var printed lines
		cmd.Stdout, cmd.Stderr = &printed, &printed
		if err := cmd.Start(); err != nil {
			return err
		}
		kill := random.IntN(3) == 0
		if kill {
			time.AfterFunc(time.Duration(random.Int64N(int64(80*time.Millisecond))), func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		}
		wg.Go(func() {
			if err := cmd.Wait(); err != nil && !(kill && killed(err)) {
				ends[i] = fmt.Errorf("a run beside gc: %w\n%s", err, printed.text())
			}
		})
	}
	swept := make(chan error, 1)
	var moments []time.Duration
	for range 100 {
		moments = append(moments, time.Duration(random.Int64N(int64(60*time.Millisecond))))
	}
	go func() { swept <- l.keepCleaning(ctx, stop, limits, moments) }()
	wg.Wait()
	close(stop)
	if err := <-swept; err != nil {
		return err
	}
	if err := errors.Join(ends...); err != nil {
		return err
	}
	if _, err := l.nothingRuns(); err != nil {
		return err
	}
	if err := l.whole(); err != nil {
		return err
	}
	for i := range golden {
		if err := l.converge(strconv.Itoa(i), golden[i]); err != nil {
			return err
		}
	}
	return nil
}

// keepCleaning calls gc again and again; every second one is killed.
func (l *lab) keepCleaning(ctx context.Context, stop <-chan struct{}, limits [][]string, moments []time.Duration) error {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		cmd := l.command(ctx, limits[n%len(limits)]...)
		var printed lines
		cmd.Stdout, cmd.Stderr = &printed, &printed
		if err := cmd.Start(); err != nil {
			return err
		}
		if n%2 == 1 {
			time.AfterFunc(moments[n%len(moments)], func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		}
		if err := cmd.Wait(); err != nil && !(n%2 == 1 && killed(err)) {
			return fmt.Errorf("gc beside runs: %w\n%s", err, printed.text())
		}
	}
}

// killed reports whether a process ended by a signal of ours.
func killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.Sys().(syscall.WaitStatus).Signaled()
}
