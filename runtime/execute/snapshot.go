package execute

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A JobSnapshot is what a job, or the assets, looked like when a run was made of it: the graph, the versions of the code, and what its run config may
// say. It is stored once for all runs that have it, by its digest, so that an old run can be shown when its code is gone.
type JobSnapshot struct {
	Job         string             `json:"job,omitempty"` // empty for the assets
	Description string             `json:"description,omitempty"`
	Executor    string             `json:"executor,omitempty"`
	Tags        map[string]string  `json:"tags,omitempty"`
	Metadata    map[string]string  `json:"metadata,omitempty"`
	Steps       []StepSnapshot     `json:"steps"` // in plan order; a loop's steps once
	Resources   []ResourceSnapshot `json:"resources,omitempty"`
	Outputs     []string           `json:"outputs,omitempty"` // of the job: "name type"
	Config      json.RawMessage    `json:"config"`            // JSON Schema of the run config, without the steps that take none
}

// A StepSnapshot is one step of a [JobSnapshot].
type StepSnapshot struct {
	Key         string            `json:"key"`
	Op          string            `json:"op"`
	Symbol      string            `json:"symbol"` // "example.com/shop.Fetch"
	Description string            `json:"description,omitempty"`
	Kind        string            `json:"kind,omitempty"` // "asset", "source" or "check"; empty for an op
	Check       *dag.CheckDef     `json:"check,omitempty"`
	Code        string            `json:"code,omitempty"` // version of its code
	From        []string          `json:"from,omitempty"` // keys of the steps it needs
	Inputs      []string          `json:"inputs,omitempty"`
	Outputs     []string          `json:"outputs,omitempty"`
	Resources   []string          `json:"resources,omitempty"`
	Group       string            `json:"group,omitempty"`
	Freshness   string            `json:"freshness,omitempty"` // how old its latest value may be: "24h0m0s"
	Tags        map[string]string `json:"tags,omitempty"`
	Volatile    bool              `json:"volatile,omitempty"`
}

// A ResourceSnapshot is a resource that steps of a [JobSnapshot] reach.
type ResourceSnapshot struct {
	Key    string `json:"key"`
	Symbol string `json:"symbol"`
	Code   string `json:"code,omitempty"`
}

// Snapshot returns what a job looks like now, or the assets where job is empty, and its digest.
func Snapshot(cat *plan.Catalog, job string) (*JobSnapshot, canon.Digest, error) {
	s, data, err := snapshot(cat, job)
	if err != nil {
		return nil, canon.Digest{}, err
	}
	return s, canon.Sum(data), nil
}

func snapshot(cat *plan.Catalog, job string) (*JobSnapshot, []byte, error) {
	t, err := cat.Target(job, "")
	if err != nil {
		return nil, nil, err
	}
	s := &JobSnapshot{Job: job, Steps: make([]StepSnapshot, len(t.Graph.Nodes))}
	title := "Run config of the assets"
	if j := t.Def(); j != nil {
		s.Description, s.Executor, s.Tags, s.Metadata = j.Description, j.Executor, j.Tags, j.Metadata
		title = "Run config of the job " + job
		for _, o := range j.Outputs {
			s.Outputs = append(s.Outputs, o.Name+" "+o.Type.Name)
		}
	}
	for i := range t.Graph.Nodes {
		s.Steps[i] = stepSnapshot(cat, t.Graph, i)
	}
	for _, r := range t.Resources() {
		code, _ := cat.Code(r.Symbol)
		s.Resources = append(s.Resources, ResourceSnapshot{Key: r.Key, Symbol: r.Symbol, Code: code})
	}
	schema := schemaOf(t, &Options{})
	// Most steps have nothing to configure; to say so of each takes longer than all else here.
	schema.Ops = slices.DeleteFunc(schema.Ops, func(o runconfig.OpSchema) bool { return o.Config == nil && len(o.Inputs) == 0 })
	if s.Config, err = runconfig.JSONSchema(title, schema); err != nil {
		return nil, nil, err
	}
	data, err := json.Marshal(s)
	return s, data, err
}

func stepSnapshot(cat *plan.Catalog, g *plan.Graph, i int) StepSnapshot {
	n := &g.Nodes[i]
	s := StepSnapshot{
		Key: n.Key, Op: n.Op.Key, Symbol: n.Op.Symbol, Description: n.Op.Description, From: g.Above(i), Group: n.Op.Group, Tags: n.Op.Tags, Volatile: n.Op.Volatile,
	}
	if f := n.Op.Freshness; f > 0 {
		s.Freshness = f.String()
	}
	switch n.Op.Kind {
	case dag.KindAsset:
		s.Kind = "asset"
	case dag.KindSource:
		s.Kind = "source"
	case dag.KindCheck:
		s.Kind, s.Check = "check", n.Op.Check
	}
	if s.Code = n.Op.Version; s.Code == "" {
		s.Code, _ = cat.Code(n.Op.Symbol)
	}
	for _, in := range n.Op.Inputs {
		s.Inputs = append(s.Inputs, in.Name+" "+in.Type.Name)
	}
	for _, o := range n.Op.Outputs {
		s.Outputs = append(s.Outputs, o.Name+" "+o.Type.Name)
	}
	for _, r := range n.Op.Resources {
		s.Resources = append(s.Resources, r.Key)
	}
	return s
}

// snapshotOf makes the snapshot of what is run beside what the caller does meanwhile: of a large job it takes as long as a plan. What it returns waits for it, and
// adds it to the first batch; of one that the store has, that the batch counts on it.
func (r *run) snapshotOf(ctx context.Context) (add func(*storage.Batch) (canon.Digest, error)) {
	if r.private {
		return func(*storage.Batch) (canon.Digest, error) { return canon.Digest{}, nil }
	}
	var data []byte
	var d canon.Digest
	var err error
	there := false
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, data, err = snapshot(r.target.Catalog, r.name()); err == nil {
			d = canon.Sum(data)
			_, missing := r.store.Snapshot(ctx, d) // or damaged: the batch heals it; an error of the store shows in what is written
			there = missing == nil
		}
	}()
	return func(b *storage.Batch) (canon.Digest, error) {
		<-done
		switch {
		case b == nil || err != nil:
		case there && b.Counts.IsZero():
			b.Counts = d
		default: // it is not there, or not any more
			b.Counts, b.Snapshots = canon.Digest{}, map[canon.Digest][]byte{d: data}
		}
		return d, err
	}
}

// SnapshotOf reads what the job of a stored run looked like. storage.ErrNotFound is for a run without a snapshot: one of an older release.
func SnapshotOf(ctx context.Context, inst *instance.Instance, run *storage.Run) (*JobSnapshot, error) {
	if run.Snapshot.IsZero() {
		return nil, fmt.Errorf("job snapshot of run %s: %w", run.ID, storage.ErrNotFound)
	}
	data, err := inst.Store().Snapshot(ctx, run.Snapshot)
	if err != nil {
		return nil, err
	}
	var s JobSnapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("job snapshot %s: %w: %w", run.Snapshot, storage.ErrCorrupt, err)
	}
	return &s, nil
}
