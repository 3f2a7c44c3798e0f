package dag

import (
	"context"
	"time"
)

// What follows tells a body where it runs. None of it is in the version of a step, so it is for logs, metadata, and ops that are marked volatile:
// `dagstergen vet` reports a memoized op whose result depends on it.

// RunInfo is what is known of a run while it runs (Dagster's DagsterRun).
type RunInfo struct {
	ID        string
	Job       string            // key; empty for assets
	Selection string            // as the user gave it; empty for all
	Tags      map[string]string // of the run over those of the job
	Config    string            // resolved run config as YAML, secrets left out
	Started   time.Time
	Parent    string // id of the run that this one does again; empty for none
}

// RunOf returns the run that ctx belongs to; ok is false outside a run.
func RunOf(ctx context.Context) (run RunInfo, ok bool) {
	info, ok := StepInfoFrom(ctx)
	if info.Run == nil {
		return RunInfo{ID: info.RunID, Job: info.JobKey}, ok
	}
	return *info.Run, ok
}

// RunID returns the id of the run, a UUID; "" outside a run. (Dagster's context.run_id.)
func RunID(ctx context.Context) string {
	info, _ := StepInfoFrom(ctx)
	return info.RunID
}

// JobName returns the key of the job; "" for assets and outside a run. (Dagster's context.job_name.)
func JobName(ctx context.Context) string {
	info, _ := StepInfoFrom(ctx)
	return info.JobKey
}

// RunConfig returns the resolved run config as YAML, secrets left out; "" outside a run. (Dagster's context.run_config.)
func RunConfig(ctx context.Context) string {
	run, _ := RunOf(ctx)
	return run.Config
}

// RunTags returns the tags of the run; nil outside one. Do not modify them.
func RunTags(ctx context.Context) map[string]string {
	run, _ := RunOf(ctx)
	return run.Tags
}

// StepTags returns the tags of the step: of its op and of the calls that lead to it. Nil outside a run. Do not modify them.
func StepTags(ctx context.Context) map[string]string {
	info, _ := StepInfoFrom(ctx)
	return info.Tags
}

// MappingKeyOf returns the mapping key of the innermost loop that the step stands in; ok is false where it stands in none. (Dagster's context.get_mapping_key.)
func MappingKeyOf(ctx context.Context) (key string, ok bool) {
	info, _ := StepInfoFrom(ctx)
	if n := len(info.MappingKeys); n > 0 {
		return info.MappingKeys[n-1], true
	}
	return "", false
}

// OpOf returns the definition of the op, asset or source that runs; nil outside a run. Do not modify it. (Dagster's context.op_def.)
func OpOf(ctx context.Context) *Op {
	if s := scopeOf(ctx); s != nil {
		return s.Op
	}
	return nil
}

// JobOf returns the definition of the job that runs; nil for assets and outside a run. Do not modify it. (Dagster's context.job_def.)
func JobOf(ctx context.Context) *JobDef {
	if s := scopeOf(ctx); s != nil {
		return s.Job
	}
	return nil
}
