package crash

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A scenario is a command that works on a store, which prepare has made.
type scenario struct {
	name    string
	prepare func(l *lab) error
	args    func(l *lab) []string
	again   bool // what it left half done is its own to end: it is called once more before anything is checked
}

// The salts of the scenarios: what was there before, and what the command makes.
const before, now = "before", "now"

var scenarios = []scenario{
	{"the first run", func(*lab) error { return nil }, func(l *lab) []string { return l.materializing(now) }, false},
	{"another run", func(l *lab) error {
		_, _, err := l.materialize(before)
		return err
	}, func(l *lab) []string { return l.materializing(now) }, false},
	{"a run after a crash", func(l *lab) error {
		if _, _, err := l.materialize(before); err != nil {
			return err
		}
		return l.crash(now)
	}, func(l *lab) []string { return l.materializing(now) }, false},
	{"gc", func(l *lab) error {
		for _, salt := range []string{before, now} {
			if _, _, err := l.materialize(salt); err != nil {
				return err
			}
		}
		return nil
	}, func(*lab) []string { return []string{"gc", "--keep", "1", "-o", "json"} }, false},
	{"repair", func(l *lab) error {
		if _, _, err := l.materialize(now); err != nil {
			return err
		}
		files, err := l.objects()
		if err != nil {
			return err
		}
		return rewrite(files[0], func([]byte) []byte { return []byte("damaged") })
	}, func(*lab) []string { return []string{"instance", "verify", "--repair", "-o", "json"} }, true},
}

// judge checks what a struck command has said and left.
func (l *lab) judge(s *scenario, end error, killed bool, stdout, stderr string, golden *report) error {
	acked := map[string]bool{}
	for _, key := range acknowledged(stderr) {
		acked[key] = true
	}
	exit, failed := errors.AsType[*exec.ExitError](end)
	switch {
	case end != nil && !failed:
		return end
	case end == nil && strings.Contains(stdout, `"status":`) && !strings.Contains(stdout, `"status":"SUCCESS"`):
		return errors.New("I14: exit code 0 without a success")
	case failed && strings.HasPrefix(stderr, "panic: ") || strings.Contains(stderr, "\npanic: "): // a fatal error of the runtime, such as for want of memory, is as good as a kill
		return errors.New("I14: it panicked")
	}
	if s.again {
		if _, _, err := l.run(s.args(l)...); err != nil {
			return fmt.Errorf("I1: %w", err)
		}
	}
	runs, err := l.nothingRuns()
	if err != nil {
		return err
	}
	if failed && !killed && len(runs) > 0 && strings.Contains(stdout, `"status":"SUCCESS"`) {
		return fmt.Errorf("I14: exit code %d and status SUCCESS", exit.ExitCode())
	}
	if err := l.sound(now, acked); err != nil {
		return err
	}
	if err := l.converge(now, golden); err != nil {
		return err
	}
	return l.tidy()
}

// crash kills a run that has begun and not ended.
func (l *lab) crash(salt string) error {
	for wait := 20 * time.Millisecond; ; wait = wait * 3 / 2 {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		cmd := l.command(ctx, l.materializing(salt)...)
		err := cmd.Start()
		if err == nil {
			time.Sleep(wait)
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}
		cancel()
		if err != nil {
			return err
		}
		runs, err := l.nothingRuns()
		if err != nil || len(runs) > 0 && runs[0].Cause == "crashed" {
			return err
		}
		if wait > patience {
			return errors.New("no kill ever hit a run")
		}
	}
}
