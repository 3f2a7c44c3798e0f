package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
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
	l.pause = "10ms" // between what a run finds and what it wants of that
	if _, _, err := l.materialize("0"); err != nil {
		return err
	}
	began := time.Now()
	if _, _, err := l.run("gc"); err != nil {
		return err
	}
	usual := time.Since(began)
	limits := [][]string{{"gc"}, {"gc", "--keep", "1"}, {"gc", "--max-size", "1MiB"}, {"gc", "--older-than", "1ns"}}
	for e := range epochs {
		l.executor = executors[e%len(executors)]
		if err := l.unharmed("0"); err != nil {
			return fmt.Errorf("epoch %d: %w", e, err)
		}
		if err := l.cleanUpOnce(golden[:], limits, usual, random); err != nil {
			return fmt.Errorf("epoch %d: %w", e, err)
		}
	}
	if err := l.tidy(); err != nil {
		return err
	}
	return l.small("0", golden[0])
}

// unharmed lets a clean-up remove all it can between the moment when a run finds a stored output and the one when it wants it.
func (l *lab) unharmed(salt string) error {
	if _, _, err := l.materialize(salt); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// page is computed again, and takes its time; report, after it, takes an output that is stored.
	slow := *l
	slow.pause = "400ms"
	cmd := slow.command(ctx, append(slow.materializing(salt), "--select", "+report", "--no-memo")...)
	var printed lines
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		return err
	}
	for !strings.Contains(printed.text(), "start   page") && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	_, _, swept := l.run("gc", "--max-size", "1")
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("I16: a run beside gc: %w\n%s", err, printed.text())
	}
	if robbed(printed.text()) {
		return fmt.Errorf("I16: gc has removed what a run had found:\n%s", printed.text())
	}
	return swept
}

// cleanUpOnce runs every salt with clean-ups beside them, some of which are killed.
func (l *lab) cleanUpOnce(golden []*report, limits [][]string, usual time.Duration, random *rand.Rand) error {
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
			time.AfterFunc(time.Duration(random.Int64N(int64(300*time.Millisecond))), func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		}
		wg.Go(func() {
			if err := cmd.Wait(); err != nil && !(kill && killed(err)) {
				ends[i] = fmt.Errorf("a run beside gc: %w\n%s", err, printed.text())
			} else if robbed(printed.text()) {
				ends[i] = fmt.Errorf("I16: gc has removed what a run had found:\n%s", printed.text())
			}
		})
	}
	swept := make(chan error, 1)
	var moments []time.Duration
	for range 100 {
		moments = append(moments, time.Duration(1+random.Int64N(int64(usual)*6/5)))
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
	if err := l.noOrphans(); err != nil {
		l.reapOrphans()
		return err
	}
	// Nobody is left who could want anything: gc has the most to do, and is killed at it.
	for n := range 3 {
		if err := l.clean(ctx, limits[1+(n+random.IntN(2))%2], time.Duration(1+random.Int64N(int64(usual)*6/5))); err != nil {
			return err
		}
		if err := l.whole(); err != nil {
			return err
		}
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
		kill := time.Duration(0)
		if n%2 == 1 {
			kill = moments[n%len(moments)]
		}
		if err := l.clean(ctx, limits[n%len(limits)], kill); err != nil {
			return err
		}
	}
}

// clean calls gc and kills it after some time; 0 is never.
func (l *lab) clean(ctx context.Context, args []string, kill time.Duration) error {
	cmd := l.command(ctx, args...)
	var printed lines
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		return err
	}
	if kill > 0 {
		time.AfterFunc(kill, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	}
	if err := cmd.Wait(); err != nil && !(kill > 0 && killed(err)) {
		return fmt.Errorf("gc beside runs: %w\n%s", err, printed.text())
	}
	return nil
}

// robbed reports whether a run says that something stored was not there when it wanted it.
func robbed(printed string) bool { return strings.Contains(printed, "damaged") }

// killed reports whether a process ended by a signal of ours.
func killed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.Sys().(syscall.WaitStatus).Signaled()
}
