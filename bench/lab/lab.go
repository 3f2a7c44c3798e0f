// Package lab is what the pipelines that package bench/peers measures share: each is a program that does one piece of work and reports how long it took.
//
// Stage: for benchmarks alone. It uses what any program of a user may use: packages dag, execute and instance.
//
// Invariants: what is measured is one run, with an instance on disk and all promises kept; opening the instance and reading the answer are not in it.
package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
)

// A Report is what a program prints, as one line of JSON.
type Report struct {
	Seconds float64 `json:"seconds"` // that the work took
	Answer  string  `json:"answer"`  // what came out
	Ran     int     `json:"ran"`     // how many functions were called; -1 where that is not known
}

// A Work runs something once with the options that it is given; answer reads what came out.
type Work func(ctx context.Context, options ...execute.Option) (res *execute.Result, answer func() (string, error), err error)

// Main does a work once and reports: PROGRAM SIZE FOLDER EXECUTOR, the folder being that of the instance. It does not return.
func Main(defs dag.Definitions, work func(size int) Work) {
	serve(defs, "PROGRAM SIZE FOLDER EXECUTOR", func(ctx context.Context, text, executor string, inst *instance.Instance) (r Report, err error) {
		size, err := strconv.Atoi(text)
		if err != nil {
			return r, err
		}
		begun := time.Now()
		res, answer, err := work(size)(ctx, execute.WithInstance(inst), execute.WithExecutor(executor))
		r.Seconds = time.Since(begun).Seconds()
		if err != nil {
			return r, err
		}
		r.Ran = res.Run.Ran
		r.Answer, err = answer()
		return r, err
	})
}

// serve is a program with three arguments: what f is told, the folder of the instance, and the executor. It does not return.
func serve(defs dag.Definitions, usage string, f func(ctx context.Context, what, executor string, inst *instance.Instance) (Report, error)) {
	execute.Serve(defs)
	if err := report(os.Args[1:], usage, f); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func report(args []string, usage string, f func(context.Context, string, string, *instance.Instance) (Report, error)) (err error) {
	if len(args) != 3 {
		return errors.New("usage: " + usage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	inst, err := instance.Open(ctx, args[1], instance.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Close()) }()
	r, err := f(ctx, args[0], args[2], inst)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// Last materializes all assets; the answer is the number that the last of s00000, s00001, ... has.
func Last(defs dag.Definitions) func(size int) Work {
	return numbers(defs, func(size int) int { return size - 1 })
}

// Sum materializes all assets; the answer is the sum of s00000, s00001, ...
func Sum(defs dag.Definitions) func(size int) Work {
	return numbers(defs, func(int) int { return 0 })
}

// numbers adds up what assets have, from one on.
func numbers(defs dag.Definitions, from func(size int) int) func(size int) Work {
	return func(size int) Work {
		return func(ctx context.Context, options ...execute.Option) (*execute.Result, func() (string, error), error) {
			res, err := execute.Materialize(ctx, defs, options...)
			return res, func() (string, error) {
				sum := 0
				for i := from(size); i < size; i++ {
					n, err := execute.Value(res, dag.AssetRef[int]{Key: fmt.Sprintf("s%05d", i)})
					if err != nil {
						return "", err
					}
					sum += n
				}
				return strconv.Itoa(sum), nil
			}, err
		}
	}
}

// Parts materializes all assets; the answer is the digest of the digests of last_0, last_1, ...
func Parts(defs dag.Definitions) func(size int) Work {
	return func(size int) Work {
		return func(ctx context.Context, options ...execute.Option) (*execute.Result, func() (string, error), error) {
			res, err := execute.Materialize(ctx, defs, options...)
			return res, func() (string, error) {
				all := sha256.New()
				for i := range size {
					part, err := execute.Value(res, dag.AssetRef[[]byte]{Key: fmt.Sprintf("part%05d", i)})
					if err != nil {
						return "", err
					}
					sum := sha256.Sum256(part)
					all.Write(sum[:])
				}
				return hex.EncodeToString(all.Sum(nil)), nil
			}, err
		}
	}
}

// Job runs a job that takes the size; out reads its only output.
func Job[In, Out any](job dag.Job[In, Out], in func(size int) In, out func(Out) int) func(size int) Work {
	return func(size int) Work {
		return func(ctx context.Context, options ...execute.Option) (*execute.Result, func() (string, error), error) {
			res, err := execute.InProcess(ctx, job, in(size), options...)
			if err != nil {
				return nil, nil, err
			}
			return res.Result, func() (string, error) { return strconv.Itoa(out(res.Output())), nil }, nil
		}
	}
}
