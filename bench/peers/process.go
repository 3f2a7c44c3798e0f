package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/dagstergen/dagstergen/bench"
)

// command is a process to measure.
type command struct {
	dir  string
	env  []string // added to ours
	args []string
}

// reported is what a program prints as its last line.
type reported struct {
	Seconds float64 `json:"seconds"`
	Answer  string  `json:"answer"`
	Ran     int     `json:"ran"`
}

// errLimit is returned for a process that took longer than it may.
var errLimit = errors.New("took longer than it may")

// exitError is returned for a process that failed.
type exitError struct {
	args   []string
	err    error
	stderr []byte
}

func (e *exitError) Error() string {
	return fmt.Sprintf("%s: %v: %s", strings.Join(e.args, " "), e.err, tail(e.stderr))
}

// last is the last line that the process wrote; empty for none.
func (e *exitError) last() string {
	lines := strings.Split(strings.TrimSpace(string(e.stderr)), "\n")
	return lines[len(lines)-1]
}

// run runs a process to its end. The sample has how long the whole took and its peak memory.
func (c command) run(ctx context.Context, limit time.Duration) (out []byte, s bench.Sample, err error) {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a peer starts processes, too, which must not outlive it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begun := time.Now()
	err = cmd.Run()
	s.Whole = time.Since(begun).Seconds()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.PeakKB = usage.Maxrss
	}
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return nil, s, fmt.Errorf("%w: %v", errLimit, limit)
	case err != nil:
		return nil, s, &exitError{c.args, err, stderr.Bytes()}
	}
	return stdout.Bytes(), s, nil
}

// measure runs a process that reports, and returns its sample with the seconds that it reports.
func (c command) measure(ctx context.Context, limit time.Duration) (reported, bench.Sample, error) {
	out, s, err := c.run(ctx, limit)
	if err != nil {
		return reported{}, s, err
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var r reported
	if err := json.Unmarshal(lines[len(lines)-1], &r); err != nil {
		return r, s, fmt.Errorf("%s: its last line is no report: %w: %s", strings.Join(c.args, " "), err, tail(out))
	}
	s.Seconds = r.Seconds
	return r, s, nil
}

// tail returns the last lines of an output.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}
