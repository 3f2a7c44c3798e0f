package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/subprocess"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A RunCoordinator decides when a run that was submitted is launched (Dagster's RunCoordinator).
type RunCoordinator interface {
	// SubmitRun is told of a run that is stored as NOT_STARTED. When it returns, the run is launched, or will be.
	SubmitRun(ctx context.Context, r *SubmittedRun) error
}

// A RunLauncher makes somebody execute a run (Dagster's RunLauncher).
type RunLauncher interface {
	// LaunchRun makes another process execute a run that is stored as STARTING. When it returns without an error that process has the run's lock.
	LaunchRun(ctx context.Context, r *SubmittedRun) error
}

// StartAtOnce is the default RunCoordinator: it launches each run at once.
type StartAtOnce struct {
	Launcher RunLauncher // nil for that of the instance, see [LauncherOf]
}

// SubmitRun implements RunCoordinator.
func (c StartAtOnce) SubmitRun(ctx context.Context, r *SubmittedRun) error {
	l := c.Launcher
	if l == nil {
		var err error
		if l, err = LauncherOf(ctx, r.Instance); err != nil {
			return err
		}
	}
	return r.Launch(ctx, l)
}

// A DetachedProcess is the default RunLauncher: a process of the same program that outlives this one. What it prints stands in the file
// [instance.Instance.LaunchOutput] of the run. The program must call [Serve] early in main.
type DetachedProcess struct{}

// A SubmittedRun is a run that is stored and not executed yet.
type SubmittedRun struct {
	Instance *instance.Instance
	RunID    string
	Job      string // empty for assets
	Tags     map[string]string

	spec runSpec
	lock *instance.RunLock
}

// A runSpec is what another process of the same program needs to execute a run. It may hold secrets: it goes through a pipe, never to a disk.
type runSpec struct {
	Definitions string            `json:"definitions"` // digest: a process with others refuses
	Snapshot    canon.Digest      `json:"snapshot"`    // of the job: likewise
	Folder      string            `json:"folder"`      // of the instance
	RunID       string            `json:"run_id"`
	Job         string            `json:"job"`
	Selection   string            `json:"selection"`
	Again       string            `json:"again"`
	Parent      string            `json:"parent"`
	Tags        map[string]string `json:"tags"`
	Config      []byte            `json:"config"` // see runconfig.Document.MarshalBinary
	Executor    string            `json:"executor"`
	Concurrent  int               `json:"max_concurrent"`
	NoMemo      bool              `json:"no_memo"`
	NoWait      bool              `json:"no_wait"`
	Grace       time.Duration     `json:"grace"`
}

// launchService is what a child is asked to be, see subprocess.
const launchService = "run"

// Submit stores a run of a job, or of the assets where job is empty, and hands it to a coordinator, nil for that of the instance, see [CoordinatorOf]. It returns the run's id when the
// run is launched, or will be; how it ends, the instance says. Everything about the request that can be wrong is an error before anything is stored, as for [Run].
// Values that only this process has (resources, inputs, observers) cannot be part of it.
func Submit(ctx context.Context, cat *plan.Catalog, job string, o Options, c RunCoordinator) (id string, err error) {
	switch {
	case o.Instance == nil || o.Instance.Dir() == "":
		return "", badOption("a run of another process needs an instance in a folder")
	case len(o.Resources) > 0 || len(o.Inputs) > 0:
		return "", badOption("resources and inputs that are given as Go values cannot go to another process; use run config")
	}
	r, err := prepare(ctx, cat, job, &o)
	if err != nil {
		return "", err
	}
	if c == nil {
		if c, err = CoordinatorOf(ctx, o.Instance); err != nil {
			return "", err
		}
	}
	if r.id, err = runID(o.RunID); err != nil {
		return "", err
	}
	r.inst, r.store = o.Instance, o.Instance.Store()
	root, err := r.root(ctx)
	if err != nil {
		return "", err
	}
	_, looks, err := Snapshot(cat, job)
	if err != nil {
		return "", err
	}
	s := &SubmittedRun{Instance: o.Instance, RunID: r.id, Job: job, Tags: r.tags(), spec: runSpec{
		Definitions: definitionsDigest(cat), Snapshot: looks, Folder: o.Instance.Dir(), RunID: r.id, Job: job, Selection: o.Select, Again: o.Again, Parent: o.Parent, Tags: o.Tags,
		Executor: o.Executor, Concurrent: o.MaxConcurrent, NoMemo: o.NoMemo, NoWait: o.NoWait, Grace: o.Grace,
	}}
	if s.spec.Config, err = o.Config.MarshalBinary(); err != nil {
		return "", err
	}
	if s.lock, err = o.Instance.TakeRun(r.id); err != nil {
		return "", storeError(err)
	}
	row := &storage.Run{
		ID: r.id, Job: job, Selection: o.Select, Status: storage.RunNotStarted, Tags: s.Tags, Config: r.asked.text, Parent: o.Parent, Root: root, Snapshot: looks, Created: time.Now().UTC(),
	}
	if err := r.store.Submit(&storage.Batch{NewRun: row}).Wait(ctx); err != nil {
		s.lock.Release()
		return "", storeError(err)
	}
	if err := c.SubmitRun(ctx, s); err != nil {
		err = errors.Join(err, fail(context.WithoutCancel(ctx), o.Instance, r.id, err))
		s.lock.Release()
		return "", err
	}
	s.lock.HandedOver()
	return r.id, nil
}

// Launch moves the run to STARTING and gives it to a launcher.
func (s *SubmittedRun) Launch(ctx context.Context, l RunLauncher) error {
	now := time.Now().UTC()
	data, _ := json.Marshal(storage.RunStartData{Job: s.Job, Selection: s.spec.Selection}) // of texts: no error
	err := s.Instance.Store().Submit(&storage.Batch{
		Move:   &storage.Move{RunID: s.RunID, To: storage.RunStarting, Time: now},
		Events: []storage.Event{{RunID: s.RunID, Time: now, Type: storage.EventRunStarting, Level: "INFO", Data: data}},
	}).Wait(ctx)
	if err != nil {
		return storeError(err)
	}
	return l.LaunchRun(ctx, s)
}

// LaunchRun implements RunLauncher.
func (DetachedProcess) LaunchRun(_ context.Context, s *SubmittedRun) (err error) {
	if !served.Load() {
		return errors.New("this program does not call execute.Serve: it cannot execute a run in a process of its own")
	}
	output, err := s.Instance.CreateLaunchOutput(s.RunID)
	if err != nil {
		return storeError(err)
	}
	defer func() { err = errors.Join(err, output.Close()) }()
	data, err := subprocess.Detach(launchService, &s.spec, s.lock.File(), output)
	if err != nil {
		return err
	}
	var refused string
	if err := json.Unmarshal(data, &refused); err != nil {
		return err
	}
	if refused != "" {
		return fmt.Errorf("the process that was to execute run %s refused: %s", s.RunID, refused)
	}
	return nil
}

// fail records that a run ended before it began.
func fail(ctx context.Context, inst *instance.Instance, id string, cause error) error {
	row, err := inst.Store().Run(ctx, id)
	if err != nil || row.Status.Finished() {
		return err
	}
	end := *row
	end.Status, end.Cause, end.Ended = storage.RunFailure, firstLine(cause.Error()), time.Now().UTC()
	typ, level := storage.EventRunFailure, "ERROR"
	if row.Status == storage.RunCanceling {
		end.Status, typ, level = storage.RunCanceled, storage.EventRunCanceled, "WARN"
	}
	data, err := json.Marshal(storage.RunEndData{Cause: end.Cause})
	if err != nil {
		return err
	}
	err = inst.Store().Submit(&storage.Batch{
		Events: []storage.Event{{RunID: id, Time: end.Ended, Type: typ, Level: level, Message: cause.Error(), Data: data}}, Finish: &end,
	}).Wait(ctx)
	if errors.Is(err, storage.ErrFinished) { // another process was faster
		return nil
	}
	return err
}
