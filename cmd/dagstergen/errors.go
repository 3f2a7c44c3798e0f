package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// A ranError comes from a command that was understood. What cobra returns without it is a command line that was not.
type ranError struct{ error }

func (e ranError) Unwrap() error { return e.error }

// A usageError is a command line that is not understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// An inputError is something wrong with the user's files or settings that has no position in a source.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

func inputf(format string, args ...any) error { return inputError{fmt.Errorf(format, args...)} }

// An exitError ends the program with a code; all there is to say has been said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exitCode reports err and says what the program ends with.
func (t *tool) exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	if s, ok := errors.AsType[signalError](context.Cause(ctx)); ok {
		fmt.Fprintf(t.stderr, "stopped: %s\n", s)
		if s.Signal == syscall.SIGTERM {
			return exitTerminate
		}
		return exitInterrupt
	}
	if e, ok := errors.AsType[exitError](err); ok {
		return int(e)
	}
	say := func() { fmt.Fprintf(t.stderr, "dagstergen: %s\n", clean(err.Error())) }
	_, ran := errors.AsType[ranError](err)
	if _, ok := errors.AsType[usageError](err); ok || !ran {
		say()
		fmt.Fprintf(t.stderr, "run `%s --help` for what there is\n", load.ToolCommand(t.dir))
		return exitUsage
	}
	if environmental(err) {
		say()
		return exitInput
	}
	fmt.Fprintf(t.stderr, "internal error: %s\nThis is a bug in dagstergen. Please report it at https://github.com/dagstergen/dagstergen/issues (%s)\n", clean(err.Error()), versionText())
	return exitInternal
}

// environmental reports whether err is no bug of ours: the user's input, the file system, a program that is not there.
func environmental(err error) bool {
	if _, ok := errors.AsType[inputError](err); ok {
		return true
	}
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	var start *exec.Error
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &call) || errors.As(err, &start)
}

// clean makes a message harmless for a terminal, line by line.
func clean(message string) string {
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		lines[i] = diag.Clean(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
