// Command dagstergen reads //dag: directives and writes the wiring of data pipelines.
//
// Stage: the outermost. It parses flags, calls gen and prints; what it prints is decided here, what is true is decided there. It imports annotations, gen,
// versionhash and internal packages, and no runtime package.
//
// Invariants: results go to stdout, everything else to stderr. Exit codes are 0 done, 1 the user's input is wrong (diagnostics on stderr), 2 usage, 3 internal.
// A mistake of the user's never prints a stack.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dagstergen/dagstergen/internal/cache"
)

func main() {
	if os.Getenv("GOGC") == "" {
		collectLate()
	}
	t := &tool{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Environ(), become: become}
	os.Exit(t.run(os.Args[1:]))
}

// become replaces this process by another program in dir; it returns only when it fails.
func become(dir, program string, argv, env []string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	return unix.Exec(program, argv, env)
}

// A tool is one call of the command line.
type tool struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            []string

	// become replaces the process by a pipeline binary, so that signals, the terminal and the exit code are the binary's own.
	become func(dir, program string, argv, env []string) error

	dir   string // the folder that relative names are meant in
	flags flags

	cache       *cache.Store // see openCache
	cacheOpened bool
}

// The exit codes.
const (
	exitDone      = 0
	exitInput     = 1
	exitUsage     = 2
	exitInternal  = 3
	exitInterrupt = 130
	exitTerminate = 143
)

// run does what args say and returns the exit code.
func (t *tool) run(args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(t.stderr, "internal error: %v\n\nThis is a bug in dagstergen. Please report it, with what stands below, at https://github.com/dagstergen/dagstergen/issues\n\n%s\n%s",
				p, versionText(), debug.Stack())
			code = exitInternal
		}
	}()
	t.env = slices.Clip(t.env) // several goroutines append to it
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		select {
		case s := <-signals:
			stop(signalError{s})
		case <-ctx.Done():
		}
	}()

	if ok, err := t.vetTool(ctx, args); ok {
		if err != nil {
			err = ranError{err}
		}
		return t.exitCode(ctx, err)
	}
	root := t.command()
	root.SetArgs(longFlags(root, args))
	err := root.ExecuteContext(ctx)
	if wrong := t.closeCache(); err == nil && wrong != nil {
		err = ranError{wrong}
	}
	return t.exitCode(ctx, err)
}

// A signalError is the cause of a cancelled context.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return e.Signal.String() }
