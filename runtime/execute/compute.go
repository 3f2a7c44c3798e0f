package execute

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/failpoint"
	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// compute calls the user's function, stores what it gives and submits the record. unlock is called when that is durable. With got the function was called already, for another step.
func (w *worker) compute(i int32, call *dag.Call, unlock func(), got *gift) verdict {
	r := w.run
	t := r.engine.tasks.At(int(i))
	s := t.step
	sc := &scope{step: s}
	sc.Info, sc.Op, sc.Job = r.stepInfo(s, t.tries), s.Op, r.target.Def()
	sc.lines = stepHandler{journal: r.log, console: r.opts.Console, step: s.Key}
	sc.Log = slog.New(&sc.lines)
	sc.AddMetadata, sc.SetDataVersion = sc.addMetadata, sc.setDataVersion
	sc.NewFile = r.newFile
	sc.note = func(output bool, k int, c *dag.TypeCheck) { sc.checked(w, output, k, c) }
	sc.Expect = func(e dag.Expectation) { r.expected(s.Key, e) }
	sc.LogAsset = func(e dag.LoggedAsset) { r.noted(s.Key, e) }
	began := time.Now()
	if r.private && t.tries == 0 {
		r.log.mark(markStart, i, began)
	} else {
		r.log.add(w.startEvents(s, began, t.tries)...)
	}
	r.show.started(s.Key)
	ctx := dag.WithScope(r.ctx, &sc.Scope)
	failed := w.called(ctx, i, sc, call, got)
	said := sc.close()
	if failed != nil {
		return w.fail(plan.Vertex(i), failed, began)
	}
	recorded := s.Recorded
	for _, key := range w.changedSources() {
		recorded = false
		r.warn(s.Key, fmt.Sprintf("the file of source %q changed while the step ran: its result is used in this run and not recorded", key))
	}
	w.out = call.Out
	clear(call.In) // the function has had them: what is large need not stay while its result is written
	if r.private {
		return w.keep(ctx, i, call.Out, said, sc.checks, recorded, began)
	}
	b := &storage.Batch{}
	outs, err := w.store(ctx, s, call.Out, said, recorded, b)
	if err == nil {
		if err = r.struck(failpoint.StepStored); err != nil {
			r.stop(err)
		}
	}
	if err != nil {
		return w.fail(plan.Vertex(i), err, began)
	}
	checkedBy(outs, sc.checks)
	ended := time.Now()
	t.outs, t.reused, t.elapsed = outs, false, ended.Sub(began)
	if err := w.judge(t); err != nil {
		return w.fail(plan.Vertex(i), err, began)
	}
	blocks := t.blocks()
	b.Events = r.endEvents(t, ended)
	if recorded {
		b.Records = []storage.Record{w.record(t, ended)}
		w.manifests(s, b)
		if t.broken != nil {
			b.Drop = []int64{t.broken.ID}
		}
	}
	life, elapsed := t.life, t.elapsed
	w.hooked(s)
	stored := w.stored
	r.log.submit(b, func(err error) {
		unlock()
		if stored != nil {
			stored <- err
		}
		r.engine.kept(i, life, err)
		switch {
		case err != nil:
		case blocks:
			r.show.failed(s.Key, t.err, elapsed, true)
		default:
			r.show.finished(s.Key, elapsed)
		}
	})
	if blocks {
		return verdictFailed
	}
	return verdictDone
}

// changedSources returns the keys of sources that the inputs came from and whose files are not what was observed.
func (w *worker) changedSources() (keys []string) {
	note := func(key string, s *sighting) {
		if s != nil && s.changed() {
			keys = append(keys, key)
		}
	}
	for k := range w.feeds {
		switch f := &w.feeds[k]; {
		case f.seen != nil:
			note(f.up.Key, f.seen)
		case f.up == nil && len(w.run.target.Sources) > 0:
			w.run.plan.Leaves(f.ref, func(s *plan.Step) bool {
				if s.Op.Kind == dag.KindSource {
					note(s.Key, w.run.seen[s.Sight()])
				}
				return true
			})
		}
	}
	return keys
}

// keep is the end of compute in a run that is kept nowhere: the outputs stay with the task.
func (w *worker) keep(ctx context.Context, i int32, values []any, said *remarks, checks []*dag.TypeCheck, recorded bool, began time.Time) verdict {
	r := w.run
	t := r.engine.tasks.At(int(i))
	outs, err := w.store(ctx, t.step, values, said, recorded, &storage.Batch{})
	if err != nil {
		return w.fail(plan.Vertex(i), err, began)
	}
	ended := time.Now()
	for k := range outs {
		outs[k].only = true
	}
	checkedBy(outs, checks)
	t.outs, t.reused, t.durable, t.elapsed = outs, false, true, ended.Sub(began)
	if err := w.judge(t); err != nil {
		return w.fail(plan.Vertex(i), err, began)
	}
	r.log.mark(markEnd, i, ended)
	if t.blocks() {
		r.show.failed(t.step.Key, t.err, t.elapsed, true)
		return verdictFailed
	}
	r.show.finished(t.step.Key, t.elapsed)
	return verdictDone
}

// store hands the outputs of a step to its IO manager and returns them as consumers will take them. Inline blobs go into the batch.
func (w *worker) store(ctx context.Context, s *plan.Step, values []any, said *remarks, recorded bool, b *storage.Batch) ([]outcome, error) {
	outs := make([]outcome, len(s.Op.Outputs))
	told := len(w.run.target.Hooks(s.Node)) > 0
	for k := range s.Op.Outputs {
		def, o := &s.Op.Outputs[k], &outs[k]
		_, elsewhere := values[k].(*stepEvent)
		share := !elsewhere && (s.Op.Share || s.IO() == "" && def.Type.Immutable)
		v := values[k]
		if !share && !told {
			values[k] = nil // so that it is gone once it is encoded, while that is written
		}
		var err error
		if s.IO() != "" {
			err = w.storeCustom(ctx, s, def, v, recorded, o)
		} else {
			err = w.storeDefault(ctx, s, def, v, o, b)
		}
		if err != nil {
			if storage.IsUnavailable(err) {
				w.run.stop(&StoreError{err})
			}
			return nil, placed(s.Key, WhereStore, "output "+def.Name, err)
		}
		o.Name, o.Asset, o.RunID = def.Name, w.run.assetOf(s, def), w.run.id
		o.Metadata = said.metadataOf(k)
		if v := said.versionOf(k); v != "" {
			o.Said, o.DataVersion = mask.Hide(string(v)), plan.NewHasher().NamedData(namedBy(s, def), def.Name, v)
		}
		o.only = !recorded
		if share && !o.held { // nobody needs the encoding
			o.value, o.held, o.data = v, true, nil
		}
	}
	return outs, nil
}

func (w *worker) storeDefault(ctx context.Context, s *plan.Step, def *dag.Output, v any, o *outcome, b *storage.Batch) error {
	// What a canceled run has computed is kept: storing it is not canceled with it.
	ctx = context.WithoutCancel(ctx)
	var staged *iomanager.Staged
	var err error
	if said, elsewhere := v.(*stepEvent); elsewhere {
		staged, err = w.stage(ctx, def, said)
	} else {
		staged, err = w.run.inst.IO().StageOutput(ctx, def, v)
	}
	if err != nil {
		return err
	}
	o.Output, o.data = staged.Output, staged.Data
	o.Version = outputVersion(s, def.Name)
	if staged.Value != nil { // a file: it stands elsewhere now
		o.value, o.held = staged.Value, true
	}
	staged.AddTo(b)
	return nil
}

func (w *worker) storeCustom(ctx context.Context, s *plan.Step, def *dag.Output, v any, recorded bool, o *outcome) error {
	r := w.run
	said, elsewhere := v.(*stepEvent)
	var m dag.IOManager
	var err error
	if !elsewhere {
		if m, err = r.res.ioManager(r.ctx, s.IO()); err != nil {
			return err
		}
	}
	// The data version is taken before the manager sees the value.
	if elsewhere {
		if o.DataVersion, err = canon.ParseDigest(said.DataVersion); err != nil {
			return err
		}
		if o.Size = said.Size; said.File != nil {
			o.File = said.File.Name
		}
	} else if f, ok := v.(dag.File); ok {
		o.DataVersion, o.File, o.Size = f.Version(), f.Name(), f.Size()
	} else {
		data, err := codec.Encode(def.Type, v)
		if err != nil {
			return err
		}
		o.DataVersion, o.Size = canon.Sum(data), int64(len(data))
	}
	o.IO, o.Step, o.RunID = s.IO(), s.Key, r.id
	if recorded && r.memo() {
		o.Version = outputVersion(s, def.Name)
	}
	o.Name = def.Name
	if elsewhere {
		return nil
	}
	c := outputContext(r.jobKey(), s, &o.Output)
	return handleCustom(ctx, m, s.IO(), c, v)
}

// handleCustom hands an output to an IO manager of the user's. What a canceled run has computed is kept.
func handleCustom(ctx context.Context, m dag.IOManager, io string, c *dag.OutputContext, v any) error {
	err, stack := guard(func() error { return m.HandleOutput(context.WithoutCancel(ctx), c, v) })
	if err != nil {
		return &userError{fmt.Errorf("IO manager %q: %w", io, err), stack}
	}
	return nil
}

func outputVersion(s *plan.Step, name string) canon.Digest {
	for k := range s.Op.Outputs {
		if s.Op.Outputs[k].Name == name {
			return s.Outputs[k]
		}
	}
	return canon.Digest{}
}

// record is what the store will know of a computed task.
func (w *worker) record(t *task, at time.Time) storage.Record {
	s := t.step
	rec := storage.Record{
		Step: s.Version, Content: t.content, Identity: s.Identity, RunID: w.run.id, StepKey: s.Key,
		Symbol: s.Op.Symbol, Code: s.Code, Time: at.UTC(), Env: s.Env(), Partition: partitionKey(s),
	}
	rec.Manifest = s.ManifestDigest()
	if s.Config != nil {
		rec.Config = s.Config.Canonical
	}
	if len(w.data) > 0 {
		rec.Inputs = make([]storage.Input, len(w.data))
		for k := range w.data {
			rec.Inputs[k] = storage.Input{Name: s.InputName(k), From: s.InputFrom(w.run.plan, k), Version: s.Versions[k], DataVersion: w.data[k], Partitions: s.InputPartitions(w.run.plan, k)}
		}
	}
	if versions := s.ResourceVersions(); len(versions) > 0 {
		rec.Resources = make(map[string]string, len(versions))
		for k, v := range versions {
			rec.Resources[s.Op.Resources[k].Name] = v.String()
		}
		for _, v := range s.Resources() {
			state := storage.ResourceState{Key: v.Resource.Key, Code: v.Code, Env: v.Env}
			state.Manifest = w.run.target.ResourceManifestDigest(v.Resource.Key)
			if v.Config != nil {
				state.Config = v.Config.Canonical
			}
			rec.Reached = append(rec.Reached, state)
		}
	}
	rec.Outputs = make([]storage.Output, len(t.outs))
	for k := range t.outs {
		rec.Outputs[k] = t.outs[k].Output
	}
	return rec
}

// manifests adds the code manifests that a record names and this run has not stored.
func (w *worker) manifests(s *plan.Step, b *storage.Batch) {
	r := w.run
	add := func(d canon.Digest, text func() []byte) {
		if d.IsZero() || r.log.hasSent(d) {
			return
		}
		if b.Manifests == nil {
			b.Manifests = make(map[canon.Digest][]byte, 1)
		}
		b.Manifests[d] = text()
	}
	add(s.ManifestDigest(), func() []byte { _, text := s.OpManifest(); return text })
	for _, v := range s.Resources() {
		add(r.target.ResourceManifestDigest(v.Resource.Key), func() []byte { _, text := r.target.ResourceManifest(v.Resource.Key); return text })
	}
}

// checkedBy notes what outputs say of themselves.
func checkedBy(outs []outcome, checks []*dag.TypeCheck) {
	for k := range checks {
		outs[k].check = checks[k]
	}
}
