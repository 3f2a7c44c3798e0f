package execute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/dagstergen/dagstergen/internal/subprocess"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// serveLaunched executes a run and ends the process, where another process of this program asked for that; otherwise it returns at once. What it prints goes to a
// file of the run.
func serveLaunched(defs []dag.Definitions) {
	c, ok := subprocess.Asked(launchService)
	if !ok {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	res, err := serveRun(ctx, c, defs)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(ExitCode(res, err))
}

// serveRun answers whoever asked when the run is in the hands of this process, and executes it.
func serveRun(ctx context.Context, c *subprocess.Conn, defs []dag.Definitions) (*Result, error) {
	refuse := func(err error) (*Result, error) {
		_ = c.Say(err.Error()) // if nobody listens, the run is found dead
		return nil, err
	}
	var spec runSpec
	if err := c.Request(&spec); err != nil {
		return refuse(err)
	}
	cat, err := plan.NewCatalog(defs...)
	if err != nil {
		return refuse(err)
	}
	if definitionsDigest(cat) != spec.Definitions {
		return refuse(errDefinitions)
	}
	if _, looks, err := Snapshot(cat, spec.Job); err != nil || looks != spec.Snapshot {
		return refuse(errors.Join(errDefinitions, err))
	}
	doc := &runconfig.Document{}
	if err := doc.UnmarshalBinary(spec.Config); err != nil {
		return refuse(err)
	}
	inst, err := instance.Open(ctx, spec.Folder, instance.Options{})
	if err != nil {
		return refuse(err)
	}
	defer func() { _ = inst.Close() }() // everything that counts has been waited for
	lock, err := inst.TakeOverRun(spec.RunID, c.File())
	if err != nil {
		return refuse(err)
	}
	defer lock.Release()
	if err := c.Say(""); err != nil {
		return nil, err
	}
	if err := c.Close(); err != nil {
		return nil, err
	}
	res, err := Run(ctx, cat, spec.Job, Options{
		Instance: inst, RunID: spec.RunID, Config: doc, Select: spec.Selection, Again: spec.Again, Parent: spec.Parent, Tags: spec.Tags,
		Executor: spec.Executor, MaxConcurrent: spec.Concurrent, NoMemo: spec.NoMemo, NoWait: spec.NoWait, Grace: spec.Grace, launched: true,
	})
	if err == nil {
		return res, res.Err()
	}
	if e := fail(context.WithoutCancel(ctx), inst, spec.RunID, err); e != nil {
		_, _ = fmt.Fprintln(os.Stderr, e)
	}
	return res, err
}
