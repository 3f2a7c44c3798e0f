package execute

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// startEvents are STEP_START, with why the step runs, and one STEP_INPUT and LOADED_INPUT for each input. Of a step that failed before it is
// STEP_RESTARTED.
func (w *worker) startEvents(s *plan.Step, at time.Time, tries int) []storage.Event {
	j := w.run.log
	events := make([]storage.Event, 0, 1+2*len(s.Op.Inputs))
	o := newObject(make([]byte, 0, 192))
	o.digest("version", s.Version)
	if len(s.Reasons) > 0 {
		texts := make([]string, len(s.Reasons))
		for i := range s.Reasons {
			texts[i] = s.Reasons[i].Text
		}
		o.list("reasons", texts)
	}
	typ := storage.EventStepStart
	if tries > 0 {
		typ = storage.EventStepRestarted
		o.num("retry_number", int64(tries))
	}
	events = append(events, j.eventAt(at, typ, s.Key, "", o.end()))
	for k := range s.Op.Inputs {
		e := w.inputEvent(s, k, at, nil)
		if f := &w.feeds[k]; f.loaded || f.up == nil && s.Op.Inputs[k].Type.Gathers() != nil && w.loadsPart(f) {
			loaded := e
			loaded.Type = storage.EventLoadedInput
			events = append(events, loaded)
		}
		if !s.Op.Inputs[k].Type.IsChecked() { // one that is says it when it has been
			events = append(events, e)
		}
	}
	return events
}

// inputEvent is STEP_INPUT of input k. check is what its value says of itself.
func (w *worker) inputEvent(s *plan.Step, k int, at time.Time, check *dag.TypeCheck) storage.Event {
	o := newObject(make([]byte, 0, 160))
	o.str("input", s.Op.Inputs[k].Name)
	o.opt("from", s.InputFrom(w.run.plan, k))
	o.digest("data_version", w.data[k])
	o.str("type", s.Op.Inputs[k].Type.Name)
	if check != nil {
		o.value("type_check", check)
	}
	return w.run.log.eventAt(at, storage.EventStepInput, s.Key, "", o.end())
}

// numberOf is the number of a record; 0 for none.
func numberOf(rec *storage.Record) int64 {
	if rec == nil {
		return 0
	}
	return rec.ID
}

// endEvents are what a step that was computed says of its outputs, and STEP_SUCCESS; STEP_FAILURE of a check that blocks.
func (r *run) endEvents(t *task, at time.Time) []storage.Event {
	j := r.log
	s := t.step
	events := make([]storage.Event, 0, 1+3*len(t.outs))
	for k := range t.outs {
		out := &t.outs[k]
		o := newObject(make([]byte, 0, 288))
		o.str("output", out.Name)
		o.digest("version", s.Outputs[k])
		o.digest("data_version", out.DataVersion)
		o.opt("said_data_version", out.Said)
		o.str("type", s.Op.Outputs[k].Type.Name)
		if out.check != nil {
			o.value("type_check", out.check)
		}
		events = append(events, j.eventAt(at, storage.EventStepOutput, s.Key, "", o.end()))

		o = newObject(make([]byte, 0, 192))
		o.str("output", out.Name)
		o.num("size", out.Size)
		o.digest("blob", out.Blob)
		o.opt("codec", out.Codec)
		o.opt("file", out.File)
		o.opt("io", out.IO)
		events = append(events, j.eventAt(at, storage.EventHandledOutput, s.Key, "", o.end()))
		if out.Asset == "" {
			continue
		}
		o = newObject(make([]byte, 0, 256))
		o.str("asset", out.Asset)
		o.digest("version", s.Outputs[k])
		o.digest("data_version", out.DataVersion)
		o.opt("said_data_version", out.Said)
		if len(out.Metadata) > 0 {
			o.value("metadata", out.Metadata)
		}
		made := j.eventAt(at, storage.EventMaterialization, s.Key, "", o.end())
		made.Asset, made.Partition = out.Asset, partitionKey(s)
		events = append(events, made)
	}
	if t.verdict != nil {
		events = append(events, r.evaluation(t, at))
	}
	if t.blocks() {
		failed := r.failure(t)
		failed.Time = at
		return append(events, failed)
	}
	o := newObject(make([]byte, 0, 32))
	o.seconds("seconds", t.elapsed.Seconds())
	return append(events, j.eventAt(at, storage.EventStepSuccess, s.Key, "", o.end()))
}

// events returns the log of a run that is kept nowhere.
func (r *run) events() []storage.Event {
	j := r.log
	j.mu.Lock()
	marks := slices.Clone(j.marks)
	written := slices.Clone(j.pending)
	j.mu.Unlock()
	w := newWorker(r)
	var events []storage.Event
	for _, m := range marks {
		at := time.Unix(0, m.at)
		switch m.kind {
		case markEvent:
			events = append(events, written[m.of])
		case markStart:
			t := r.engine.tasks.At(int(m.of))
			_, _, _ = w.gather(m.of) // it went well when it ran
			for k := range w.feeds {
				f := &w.feeds[k]
				f.loaded = f.outcome != nil && f.outcome.IO != "" && !f.outcome.held
			}
			events = append(events, w.startEvents(t.step, at, 0)...)
		case markEnd:
			events = append(events, r.endEvents(r.engine.tasks.At(int(m.of)), at)...)
		}
	}
	for i := range events {
		events[i].Seq = int64(i + 1)
	}
	return events
}

// failure is STEP_FAILURE.
func (r *run) failure(t *task) storage.Event {
	o := newObject(nil)
	o.str("error", t.err.Err.Error())
	o.str("where", t.err.Where)
	o.opt("stack", t.err.Stack)
	details(&o, t.err.Err)
	if t.err.Retries > 0 {
		o.num("retries", int64(t.err.Retries))
	}
	o.seconds("seconds", t.elapsed.Seconds())
	e := r.log.event(storage.EventStepFailure, t.err.Step, t.err.Err.Error(), o.end())
	e.Level = "ERROR"
	return e
}

// details writes what a dag.Failure says besides its text; FailureOf has masked it.
func details(o *object, err error) {
	if f, ok := dag.FailureOf(err); ok {
		o.opt("description", f.Description)
		if len(f.Metadata) > 0 {
			o.value("metadata", f.Metadata)
		}
	}
}

// saySkipped records that tasks are skipped.
func (r *run) saySkipped(tasks []*task) {
	for _, t := range tasks {
		if t.step == nil || t.step.Hidden {
			continue // a loop or branch: the steps that it would have made are said
		}
		why := t.why
		if why == "" {
			why = fmt.Sprintf("upstream %s failed", t.skipped)
		}
		o := newObject(nil)
		o.str("because", t.skipped)
		r.log.add(r.log.event(storage.EventStepSkipped, t.step.Key, why, o.end()))
		r.show.skipped(t.step.Key, why)
	}
}

// warn tells people and the event log what is not as it should be and does not stop the run.
func (r *run) warn(step, message string) {
	r.warnEvent(step, message)
	r.show.warn(step, message)
}

func (r *run) warnEvent(step, message string) {
	e := r.log.event(storage.EventEngine, step, message, nil)
	e.Level = "WARN"
	r.log.add(e)
}

// observation is ASSET_OBSERVATION of a source.
func (r *run) observation(s *plan.Step) storage.Event {
	o := newObject(nil)
	o.str("asset", sourceAsset(s))
	o.digest("data_version", s.Observed.Data)
	o.str("text", s.Observed.Text)
	e := r.log.event(storage.EventObservation, s.Key, s.Observed.Text, o.end())
	e.Asset, e.Partition = sourceAsset(s), partitionKey(s)
	return e
}

// resourceEvent records what happens to a resource.
func (r *run) resourceEvent(e resourceEvent) {
	o := newObject(nil)
	o.str("resource", e.key)
	typ, message, level := storage.EventResourceInitStarted, "building resource "+e.key, "INFO"
	switch e.phase {
	case resourceBuilt:
		typ, message = storage.EventResourceInitSuccess, "built resource "+e.key
		o.seconds("seconds", e.elapsed.Seconds())
	case resourceFailed:
		typ, message, level = storage.EventResourceInitFailure, e.err.Error(), "ERROR"
		o.str("error", e.err.Error())
		o.opt("stack", stackOf(e.err))
	case resourceCleanupFailed:
		typ, message, level = storage.EventEngine, fmt.Sprintf("cleaning up resource %s: %v", e.key, e.err), "WARN"
		r.show.warn("", message)
	}
	ev := r.log.event(typ, "", message, o.end())
	ev.Level = level
	r.log.add(ev)
}

// discard is a logger for user code that runs where nobody listens: while planning.
func discard(console slog.Handler) *slog.Logger {
	if console == nil {
		console = slog.DiscardHandler
	}
	return slog.New(console)
}
