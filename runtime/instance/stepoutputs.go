package instance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A StepOutputsError is why a step of a run has no outputs that can be read.
type StepOutputsError struct {
	RunID, Step string
	Unknown     bool // the run has no such step
	Why         string
}

// Error says which step it is, and why.
func (e *StepOutputsError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("run %s has no step %q", e.RunID, e.Step)
	}
	return fmt.Sprintf("step %s of run %s %s", e.Step, e.RunID, e.Why)
}

// StepOutputs are the outputs that a step of a run gave: those that it stored, or those that were stored before and stood for it. That a value is known here does not mean that its bytes are
// still there: garbage collection may have taken them. The error is a [*StepOutputsError] where the step has none.
func (i *Instance) StepOutputs(ctx context.Context, runID, step string) ([]storage.Output, error) {
	no := func(format string, args ...any) error {
		return &StepOutputsError{RunID: runID, Step: step, Why: fmt.Sprintf(format, args...)}
	}
	f := storage.EventFilter{RunID: runID, StepKey: step, Ascending: true, Types: []storage.EventType{
		storage.EventStepStart, storage.EventStepRestarted, storage.EventStepOutput, storage.EventHandledOutput, storage.EventStepSuccess, storage.EventStepFailure, storage.EventStepSkipped, storage.EventObservation, storage.EventEngine}}
	var said stepSaid
	for more := true; more; {
		page, err := i.store.EventRecords(ctx, f)
		if err != nil {
			return nil, err
		}
		for k := range page.Records {
			if err := said.note(&page.Records[k].Event); err != nil {
				return nil, err
			}
		}
		f.After, more = page.Cursor, page.More
	}
	if said.end == "" && said.by == nil {
		var err error
		if said.by, err = i.reusedBy(ctx, runID, step); err != nil {
			return nil, err
		}
	}
	switch {
	case said.end == storage.EventStepSuccess:
		return i.stored(ctx, runID, step, &said)
	case said.end == storage.EventStepFailure:
		return nil, no("has no outputs: it failed: %s", said.message)
	case said.end == storage.EventStepSkipped:
		return nil, no("has no outputs: it was skipped: %s", said.message)
	case said.end == storage.EventObservation:
		return nil, no("is a source: its data is kept where it comes from, and only its versions are stored")
	case said.end != "":
		return nil, no("has no outputs: it did not end")
	case said.by == nil:
		return nil, &StepOutputsError{RunID: runID, Step: step, Unknown: true}
	case said.by.step != "":
		return i.StepOutputs(ctx, runID, said.by.step)
	case said.by.record == 0:
		return nil, no("was reused, and what stood for it was not noted")
	}
	rec, err := i.store.Record(ctx, said.by.record)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, no("was reused, and what stood for it is not known any more")
	}
	if err != nil {
		return nil, err
	}
	return rec.Outputs, nil
}

// A standIn is what a step was reused by: a record by its number, or another step of the run.
type standIn struct {
	record int64
	step   string
}

// A stepSaid is what the events of a step say, the last time it was computed.
type stepSaid struct {
	end     storage.EventType // how it ended, or STEP_START; "" for a step that was not computed
	message string
	version canon.Digest // of the step
	outputs []storage.Output
	by      *standIn
}

func (s *stepSaid) output(name string) *storage.Output {
	k := slices.IndexFunc(s.outputs, func(o storage.Output) bool { return o.Name == name })
	if k < 0 {
		k = len(s.outputs)
		s.outputs = append(s.outputs, storage.Output{Name: name})
	}
	return &s.outputs[k]
}

// note takes in one event of the step.
func (s *stepSaid) note(e *storage.Event) (err error) {
	payload, err := e.Payload()
	if err != nil {
		return err
	}
	switch data := payload.(type) {
	case *storage.StepStartData:
		s.end, s.outputs = storage.EventStepStart, nil
		s.version, err = digestOf(data.Version)
	case *storage.StepOutputData:
		o := s.output(data.Output)
		o.Said = data.Said
		if o.Version, err = digestOf(data.Version); err == nil {
			o.DataVersion, err = digestOf(data.DataVersion)
		}
	case *storage.HandledOutputData:
		o := s.output(data.Output)
		o.Size, o.Codec, o.File, o.IO = data.Size, data.Codec, data.File, data.IO
		o.Blob, err = digestOf(data.Blob)
	case *storage.EngineData:
		if k := slices.Index(data.Reused, e.StepKey); k >= 0 { // also one that failed here, and that somebody else computed before it was tried again
			s.by, s.end = standInOf(data, k), ""
		}
	}
	switch e.Type {
	case storage.EventStepSuccess, storage.EventStepFailure, storage.EventStepSkipped, storage.EventObservation:
		s.end, s.message = e.Type, e.Message
	}
	return err
}

func standInOf(data *storage.EngineData, k int) *standIn {
	by := &standIn{step: data.Step}
	if k < len(data.Records) {
		by.record = data.Records[k]
	}
	return by
}

// reusedBy looks for a step among those that the plan reused; nil where it is none of them.
func (i *Instance) reusedBy(ctx context.Context, runID, step string) (*standIn, error) {
	f := storage.EventFilter{RunID: runID, Types: []storage.EventType{storage.EventEngine}}
	for {
		page, err := i.store.EventRecords(ctx, f)
		if err != nil {
			return nil, err
		}
		for k := range page.Records {
			payload, err := page.Records[k].Payload()
			if err != nil {
				return nil, err
			}
			if data, ok := payload.(*storage.EngineData); ok {
				if at := slices.Index(data.Reused, step); at >= 0 {
					return standInOf(data, at), nil
				}
			}
		}
		if !page.More {
			return nil, nil
		}
		f.Before = page.Cursor
	}
}

// stored are the outputs of a step that was computed: those of its record where that is found, which knows where they are, else as the log of the run has them.
func (i *Instance) stored(ctx context.Context, runID, step string, said *stepSaid) ([]storage.Output, error) {
	recorded := false
	if !said.version.IsZero() {
		found, err := i.store.RecordsByStep(ctx, []canon.Digest{said.version})
		if err != nil {
			return nil, err
		}
		rec := found[said.version]
		if rec != nil && rec.RunID == runID && rec.StepKey == step {
			return rec.Outputs, nil
		}
		recorded = rec != nil
	}
	for k := range said.outputs {
		o := &said.outputs[k]
		o.RunID, o.Step = runID, step
		if !recorded {
			o.Version = canon.Digest{} // it was stored under none
		}
		if o.IO == "" {
			o.Inline = i.isInline(ctx, o)
		}
	}
	return said.outputs, nil
}

// isInline reports whether the bytes of an output are in the store.
func (i *Instance) isInline(ctx context.Context, o *storage.Output) bool {
	if o.Blob.IsZero() || o.Size > storage.MaxInline {
		return false
	}
	_, err := i.store.Blob(ctx, o.Blob)
	return err == nil
}

// digestOf reads a digest that may be missing.
func digestOf(text string) (canon.Digest, error) {
	if text == "" {
		return canon.Digest{}, nil
	}
	return canon.ParseDigest(text)
}
