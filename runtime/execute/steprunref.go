package execute

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A StepRunRef is a step of a run that is ready to be computed, with all that another process needs for it (Dagster's StepRunRef): its JSON goes to that process, which
// gives it to [ExecuteStepRunRef]. That process is one of the same program, and sees the folder of the instance under the same path. The JSON may hold secrets of the
// run config.
type StepRunRef struct {
	run   *runRef
	step  *stepRef
	goes  *goRef
	grace time.Duration
}

// refFormat is the version of the JSON: other releases refuse it.
const refFormat = 1

type stepRunRefJSON struct {
	Format int           `json:"format"`
	Run    *runRef       `json:"run"`
	Step   *stepRef      `json:"step"`
	Go     *goRef        `json:"go"`
	Grace  time.Duration `json:"grace"`
}

// RunID is the id of the run.
func (r *StepRunRef) RunID() string { return r.run.RunID }

// Job is the key of the job; empty for assets.
func (r *StepRunRef) Job() string { return r.run.Job }

// StepKey is the key of the step, "outer.fit[seattle]".
func (r *StepRunRef) StepKey() string { return r.step.Key }

// RetryNumber is 0 for the first try.
func (r *StepRunRef) RetryNumber() int { return r.goes.Info.RetryNumber }

// Grace is how long the step may go on after it was asked to stop.
func (r *StepRunRef) Grace() time.Duration { return r.grace }

// MarshalJSON writes all of it.
func (r *StepRunRef) MarshalJSON() ([]byte, error) {
	return json.Marshal(stepRunRefJSON{refFormat, r.run, r.step, r.goes, r.grace})
}

// UnmarshalJSON reads what MarshalJSON wrote, of the same release.
func (r *StepRunRef) UnmarshalJSON(data []byte) error {
	var j stepRunRefJSON
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&j); err != nil {
		return fmt.Errorf("it is no reference to a step: %w", err)
	}
	if j.Format != refFormat || j.Run == nil || j.Step == nil || j.Go == nil {
		return fmt.Errorf("it is no reference to a step, or one of another release: its format is %d, and this program reads %d", j.Format, refFormat)
	}
	*r = StepRunRef{j.Run, j.Step, j.Go, j.Grace}
	return nil
}

// ExecuteStepRunRef computes the step of a reference in this process: with the definitions that the program runs, which must be those of the process that made the reference. What happens is
// written to events, one JSON document a line, for a [LaunchStep] to hand on as it is; how the step ended comes last, when the resources that were made for it are cleaned up. The error is of
// what keeps it from telling that; a step that fails has told. When ctx ends, the step sees it.
func ExecuteStepRunRef(ctx context.Context, ref *StepRunRef, events io.Writer, defs ...dag.Definitions) error {
	if ref == nil || ref.run == nil {
		return errors.New("the reference to a step is empty")
	}
	t := &teller{enc: json.NewEncoder(events)}
	s := &stepServer{defs: defs, parent: os.Getppid(), say: t.say}
	for _, r := range []stepRequest{{Run: ref.run}, {Step: ref.step, Go: ref.goes}} {
		if t.last == nil {
			s.do(ctx, &r)
		}
	}
	s.close()
	return t.end()
}

// A teller writes what a step server says. How the step ended is kept until the end.
type teller struct {
	mu   sync.Mutex
	enc  *json.Encoder
	last *stepEvent
	err  error // the first one
}

func (t *teller) say(e stepEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case eventReady: // nobody waits for that
	case storage.EventStepSuccess, storage.EventStepFailure:
		t.last = &e
	default:
		t.write(&e)
	}
}

func (t *teller) write(e *stepEvent) {
	if err := t.enc.Encode(e); t.err == nil {
		t.err = err
	}
}

func (t *teller) end() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last != nil {
		t.write(t.last)
	}
	if t.err != nil {
		return fmt.Errorf("tell how the step ended: %w", t.err)
	}
	return nil
}
