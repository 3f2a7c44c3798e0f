package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal syscall.Signal }

func (i *interrupted) Error() string { return "stopped by " + i.signal.String() }

// ExitCode returns 128 and the number of the signal, as shells do.
func (i *interrupted) ExitCode() int { return 128 + int(i.signal) }

// interruptible returns a context that the first SIGINT or SIGTERM ends, with an [*interrupted] as its cause; the second one ends the
// process at once. Writing to a pipe that nobody reads becomes an error instead of the end of the process, so that a run whose
// reader went away is finished.
func interruptible() (ctx context.Context, stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case s := <-signals:
				i := &interrupted{s.(syscall.Signal)}
				if !first {
					os.Exit(i.ExitCode())
				}
				cancel(i)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
