// Command remote shows an executor that has each step computed by a command: this program on another machine that has the same disk, in a container, under a queue ...
//
//	go run ./cmd/dagstergen run ./examples/remote -- run primes --executor command --set inputs.below=2000000 -c remote.yaml
//
// where remote.yaml says
//
//	execution: { config: { command: { line: [ssh, big-machine, /shared/remote, step], max_concurrent: 8 } } }
//
// Without a line the command is this program: a new process for each step.
package main

//go:generate go run github.com/dagstergen/dagstergen/cmd/dagstergen

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/dagstergen/dagstergen/runtime/cli"
	"github.com/dagstergen/dagstergen/runtime/execute"
)

// part is how many numbers one step looks at.
const part = 250_000

// Span is a range of numbers.
type Span struct{ From, To int }

// Spans cuts the numbers below a bound into parts.
//
//dag:op
func Spans(below int) (spans []Span) {
	for from := 0; from < below; from += part {
		spans = append(spans, Span{from, min(from+part, below)})
	}
	return spans
}

// Count counts the primes of a span.
//
//dag:op
func Count(ctx context.Context, s Span) (n int, err error) {
	for i := s.From; i < s.To; i++ {
		if i%1000 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if prime(i) {
			n++
		}
	}
	return n, nil
}

func prime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}

// Sum adds up.
//
//dag:op
func Sum(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// Primes counts the primes below a bound.
//
//dag:job
func Primes(ctx context.Context, below int) (int, error) {
	var counts []int
	for _, span := range Spans(below) {
		n, err := Count(ctx, span)
		if err != nil {
			return 0, err
		}
		counts = append(counts, n)
	}
	return Sum(counts), nil
}

func main() {
	execute.RegisterExecutor(commandExecutor) // here too: the run config of a step names it
	if len(os.Args) == 2 && os.Args[1] == "step" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		events := os.Stdout
		os.Stdout = os.Stderr // what a step prints is no event
		if err := computeStep(ctx, os.Stdin, events); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	cli.Main(Definitions)
}
