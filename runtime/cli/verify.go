package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/execute"
)

// verifyFlags are the flags of verify.
type verifyFlags struct {
	config    configFlags
	selection string
	partition string
	sample    int
	seed      uint64
	times     int
	timeout   time.Duration
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [JOB]",
		Short: "Compute stored steps again elsewhere, and name what differs",
		Long: "Compute the stored steps of a job, or of the assets, again from their stored inputs and compare: in processes with another time zone, another number\n" +
			"of processors, another locale and another order of maps. A step that gives something else depends on what its version cannot see.\n\n" +
			"Nothing is stored, and the instance is not written to. What a step does besides, it does again.\n\n" +
			"same     it gave what is stored\ndiffers  it gave something else: where, and what that depends on\nfails    it failed\nskip     it was not computed: volatile, a source, or not stored",
		Args:              arguments("a job"),
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.verify(cmd, first(args), &f) },
	}
	f.config.add(a, cmd)
	a.selectFlag(cmd, &f.selection)
	severalFlag(cmd, &f.partition, "partition", "p", "the partitions of partitioned assets: a `KEY`, a range FROM...TO, a list of these with commas, or * for all")
	flags := cmd.Flags()
	flags.IntVar(&f.sample, "sample", 0, "verify only `N` of the stored steps, chosen by chance")
	flags.Uint64Var(&f.seed, "seed", 0, "choose the sample that this `NUMBER` stands for; without it, another one each time")
	flags.IntVar(&f.times, "times", 3, "compute each step `N` times")
	flags.DurationVar(&f.timeout, "timeout", 0, "how long one computation of a step may take, such as 30s; 0 for as long as it likes")
	a.addInputs(cmd, &f.config)
	for _, name := range []string{"sample", "seed", "times", "timeout"} {
		complete(cmd, name)
	}
	return cmd
}

func (f *verifyFlags) check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("sample") && f.sample < 1:
		return usage(cmd, fmt.Errorf("--sample is %d, want at least 1; leave it out for all steps", f.sample))
	case f.times < 1:
		return usage(cmd, fmt.Errorf("--times is %d, want at least 1", f.times))
	case f.timeout < 0:
		return usage(cmd, fmt.Errorf("--timeout is %v, want more than nothing", f.timeout))
	case cmd.Flags().Changed("seed") && f.sample == 0:
		return usage(cmd, errors.New("--seed chooses a sample: give --sample N too"))
	}
	if !cmd.Flags().Changed("seed") {
		f.seed = rand.Uint64N(1_000_000) // short enough to be typed
	}
	return nil
}

func (a *app) verify(cmd *cobra.Command, job string, f *verifyFlags) error {
	ctx := cmd.Context()
	if err := f.check(cmd); err != nil {
		return err
	}
	cat, err := a.catalog()
	if err != nil {
		return err
	}
	doc, err := a.document(cmd, &f.config)
	if err != nil {
		return err
	}
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return err
	}
	s := a.screen(verifying)
	a.env.prints.attach(s)
	s.start()
	unwatch := context.AfterFunc(ctx, func() { s.stopping(context.Cause(ctx)) })
	res, err := execute.Verify(ctx, cat, job, execute.VerifyOptions{
		Instance: inst, Config: doc, Select: f.selection, Partition: f.partition, Getenv: a.env.Getenv,
		Sample: f.sample, Seed: f.seed, Times: f.times, Timeout: f.timeout, Observe: s.observe,
	})
	unwatch()
	s.close()
	if err = closed(err, inst); res == nil {
		return err
	}
	e := a.result(res, func(l look) []string { return verifyView(res, l, a.verbose) })
	if err == nil {
		err = e
	}
	if err == nil {
		err = found(res)
	}
	return err
}

// found is the error of a verification that found something, without what the table says.
func found(res *execute.VerifyResult) error {
	var e *execute.VerifyError
	if !errors.As(res.Err(), &e) {
		return nil
	}
	return &foundError{e}
}

type foundError struct{ *execute.VerifyError }

func (e *foundError) Error() string {
	return firstLine(e.VerifyError.Error()) + "; `dagstergen vet` names the calls that a version cannot see"
}

func (e *foundError) Unwrap() error { return e.VerifyError }

// verifyView shows what a verification found: a line for each step, more where several outputs differ, and what it comes to. What is the
// same in a long list is only counted, unless all is asked for.
func verifyView(r *execute.VerifyResult, l look, all bool) []string {
	t := &table{columns: []column{{title: "RESULT"}, {title: stepTitle(r.Job)}, {title: "TIME", right: true}, {title: "WHAT", wrap: true}}}
	left := 0
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Result == execute.VerifySame && len(r.Steps) > mostReused && !all {
			left++
			continue
		}
		what, st := s.Result, red
		switch what {
		case execute.VerifySame:
			st = green
		case execute.VerifySkipped:
			what, st = "skip", dim
		}
		elapsed := ""
		if s.Elapsed > 0 {
			elapsed = seconds(s.Elapsed)
		}
		lines := s.Lines()
		if all {
			for _, n := range s.Notes {
				lines = append(lines, "note: "+n)
			}
		}
		t.add(styled(what, st), text(s.Key), text(elapsed), texts(lines))
	}
	out := t.render(l)
	if left > 0 {
		out = append(out, l.paint("and "+plural(left, "step")+" the same", dim))
	}
	if all {
		out = append(out, "", l.paint(escape("computed "+plural(r.Times, "time")+" each, with"), dim))
		for _, e := range r.Environments {
			out = append(out, l.paint("  "+escape(strings.Join(e, " ")), dim))
		}
	}
	return append(out, "", l.paint(verifySummary(r), bold))
}

func verifySummary(r *execute.VerifyResult) string {
	same, differs, fails, skipped := r.Counts()
	parts := []string{group(int64(same)) + " the same"}
	for _, c := range []struct {
		n       int
		one, of string
	}{{differs, "differs", "differ"}, {fails, "fails", "fail"}, {skipped, "skipped", "skipped"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.one)
		case c.n > 1:
			parts = append(parts, group(int64(c.n))+" "+c.of)
		}
	}
	s := strings.Join(parts, ", ") + " in " + seconds(r.Elapsed)
	if r.Sample > 0 {
		s += fmt.Sprintf("; a sample of %s of %s, seed %d", group(int64(min(r.Sample, r.Stored))), plural(r.Stored, "stored step"), r.Seed)
	}
	return s
}
