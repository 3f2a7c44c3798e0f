package execute

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// ownExecutor is an executor as a user writes one: so many workers, of this process or with one each.
type ownExecutor struct {
	c      InitExecutorContext
	far    bool
	launch LaunchStep // nil for none
}

func (o *ownExecutor) Retries() RetryMode { return o.c.Retries }

func (o *ownExecutor) Execute(_ context.Context, steps *Steps) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range max(1, o.c.MaxConcurrent) {
		w := steps.Worker()
		var err error
		switch {
		case o.far:
			w, err = steps.ProcessWorker()
		case o.launch != nil:
			w, err = steps.RemoteWorker(o.launch)
		}
		if err != nil {
			return err
		}
		wg.Go(func() {
			for {
				step, ok := steps.Next()
				if !ok {
					return
				}
				w.Run(step)
			}
		})
	}
	return nil
}

// far says that an executor computes steps in other processes.
func far(executor string) bool {
	return executor == MultiprocessExecutor || executor == "own_far" || executor == "own_ref"
}

func init() {
	RegisterExecutor(ExecutorDefinition{Name: "own", New: func(c InitExecutorContext) (Executor, error) { return &ownExecutor{c: c}, nil }})
	RegisterExecutor(ExecutorDefinition{Name: "own_far", NeedsInstance: true, New: func(c InitExecutorContext) (Executor, error) { return &ownExecutor{c: c, far: true}, nil }})
	RegisterExecutor(ExecutorDefinition{Name: "own_ref", NeedsInstance: true, New: func(c InitExecutorContext) (Executor, error) {
		return &ownExecutor{c: c, launch: launchByRef}, nil
	}})
	RegisterExecutor(ExecutorDefinition{Name: "odd", New: func(c InitExecutorContext) (Executor, error) { return oddOne(c) }})
}

// oddOne makes the executor "odd": each test has another.
var oddOne func(c InitExecutorContext) (Executor, error)

// An odd executor does what a test says.
type odd struct {
	mode    RetryMode
	execute func(ctx context.Context, steps *Steps) error
}

func (o *odd) Retries() RetryMode                              { return o.mode }
func (o *odd) Execute(ctx context.Context, steps *Steps) error { return o.execute(ctx, steps) }

func oddly(t *testing.T, mode RetryMode, f func(ctx context.Context, steps *Steps) error) *suiteRun {
	t.Helper()
	oddOne = func(InitExecutorContext) (Executor, error) { return &odd{mode, f}, nil }
	return newSuite(t, "odd")
}

func TestExecutorThatTriesAgainItself(t *testing.T) {
	var waits []time.Duration
	s := oddly(t, RetryDeferred, func(_ context.Context, steps *Steps) error {
		w := steps.Worker()
		for {
			step, ok := steps.Next()
			if !ok {
				return nil
			}
			for o := w.Run(step); o.Retry; o = w.Run(step) {
				waits = append(waits, o.Wait)
			}
		}
	})
	res := s.ok("retrying")
	assert.Equal(t, []string{"0", "1", "2"}, notes(t, "tries"))
	assert.Equal(t, []time.Duration{time.Millisecond, time.Millisecond}, waits)
	assert.Equal(t, 2, count(eventTypes(t, res, "middle"), storage.EventStepUpForRetry))
	s.forget()
	res = s.run("permanent")
	assert.Equal(t, "first=reuse middle=failure beside=reuse last=skip", actions(res))
}

func TestExecutorSeesSteps(t *testing.T) {
	var seen []string
	s := oddly(t, RetryEnabled, func(_ context.Context, steps *Steps) error {
		w := steps.Worker()
		defer w.Close()
		for {
			step, ok := steps.Next()
			if !ok {
				return nil
			}
			op := "-"
			if step.Op() != nil {
				op = step.Op().Key
			}
			seen = append(seen, step.Key()+":"+op+":"+step.Tags()[PriorityTag])
			w.Run(step)
		}
	})
	s.ok("looping")
	assert.Equal(t, "names:names: for city:-: fit[oslo]:fit: fit[rome]:fit: fit[pau]:fit: total:total:", strings.Join(seen, " "))
	seen = nil
	s.ok("priorities")
	assert.Equal(t, "p2:p2:7 p3:p3:2 p1:p1: p0:p0:-3", strings.Join(seen, " "))
}

// Whatever an executor does, its run ends, and as a failure.
func TestExecutorsThatMisbehave(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(ctx context.Context, steps *Steps) error
		want string
	}{
		{"returns at once", func(context.Context, *Steps) error { return nil }, "executor odd: it returned before all steps were finished: take steps until Next hands out none, and run each of them to its end"},
		{"takes and leaves", func(_ context.Context, s *Steps) error { s.Next(); return nil }, "executor odd: it returned before all steps were finished"},
		{"fails", func(_ context.Context, s *Steps) error {
			step, _ := s.Next()
			s.Worker().Run(step)
			return errors.New("no machines")
		}, "executor odd: no machines"},
		{"panics", func(_ context.Context, s *Steps) error {
			step, _ := s.Next()
			w := s.Worker()
			w.Run(step)
			w.Run(step)
			return nil
		}, "executor odd: panic: step first is given to a worker that is not to be computed now"},
		{"leaves one running", func(_ context.Context, s *Steps) error {
			step, _ := s.Next()
			w := s.Worker()
			go w.Run(step)
			for len(notesOf("done")) == 0 {
				time.Sleep(time.Millisecond)
			}
			return errors.New("gone")
		}, "executor odd: gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := oddly(t, RetryEnabled, c.f)
			res := s.run("good")
			assert.Equal(t, storage.RunFailure, res.Status)
			assert.ErrorContains(t, res.Err(), c.want)
			var e *ExecutorError
			assert.ErrorAs(t, res.Err(), &e)
			last := res.Step("last")
			assert.Equal(t, ActionSkip, last.Action)
			run, err := s.inst.Run(t.Context(), res.RunID)
			require.NoError(t, err)
			assert.Equal(t, storage.RunFailure, run.Status)
		})
	}
}

func notesOf(file string) []string { return notes(nil, file) }

func TestExecutorsThatCannotBeMade(t *testing.T) {
	s := newSuite(t, "odd")
	for want, f := range map[string]func(InitExecutorContext) (Executor, error){
		"executor odd: no quota":          func(InitExecutorContext) (Executor, error) { return nil, errors.New("no quota") },
		"executor odd: New returned none": func(InitExecutorContext) (Executor, error) { return nil, nil },
		"executor odd: panic: oh":         func(InitExecutorContext) (Executor, error) { panic("oh") },
	} {
		oddOne = f
		_, err := Run(t.Context(), s.catalog(), "good", s.options())
		assert.EqualError(t, err, want)
	}
	runs, err := s.inst.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs, "no run began")

	_, err = Run(t.Context(), s.catalog(), "good", Options{Executor: "own_far"})
	assert.ErrorContains(t, err, "executor own_far needs an instance on disk")
	j, err := s.catalog().Job("good")
	require.NoError(t, err)
	j.Executor = "celery"
	_, err = Run(t.Context(), s.catalog(), "good", Options{})
	assert.ErrorContains(t, err, `job "good" has the executor "celery"; there is in_process, multi, multiprocess, odd, own, own_far, own_ref`)
}

func TestRegisterWhatIsNone(t *testing.T) {
	f := func(InitExecutorContext) (Executor, error) { return nil, nil }
	for _, c := range []struct {
		d    ExecutorDefinition
		want string
	}{
		{ExecutorDefinition{Name: "Odd", New: f}, `an executor cannot be named "Odd": write a name in snake case`},
		{ExecutorDefinition{Name: "config", New: f}, `an executor cannot be named "config": write a name in snake case`},
		{ExecutorDefinition{Name: "multi", New: f}, `there are two executors "multi"`},
		{ExecutorDefinition{Name: "odd", New: f}, `there are two executors "odd"`},
		{ExecutorDefinition{Name: "odder"}, `the executor "odder" has no New`},
	} {
		assert.PanicsWithValue(t, c.want, func() { RegisterExecutor(c.d) })
	}
	before := Executors()
	own := *definitionOf("own")
	assert.Equal(t, "own", own.Registered(), "a job names what is registered already")
	RegisterExecutor(own)
	assert.Equal(t, before, Executors())
}
