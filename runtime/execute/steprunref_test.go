package execute

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// refChild is set in the environment of a process that reads the reference of a step from its stdin.
const refChild = "REF_CHILD"

// executeRef is what such a process does.
func executeRef(defs dag.Definitions) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	events := os.Stdout
	os.Stdout = os.Stderr // what the step prints is no event
	var ref StepRunRef
	err := json.NewDecoder(os.Stdin).Decode(&ref)
	if err == nil {
		err = ExecuteStepRunRef(ctx, &ref, events, defs)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// launchByRef runs each step in a process of its own, which knows nothing but the reference.
func launchByRef(ctx context.Context, ref *StepRunRef, events io.Writer) error {
	data, err := json.Marshal(ref)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), refChild+"=1")
	cmd.Stdin, cmd.Stdout = bytes.NewReader(data), events
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = ref.Grace()
	return cmd.Run()
}

// launching is an executor that hands one step on after the other.
func launching(t *testing.T, launch LaunchStep) *suiteRun {
	return oddly(t, RetryEnabled, func(_ context.Context, steps *Steps) error {
		w, err := steps.RemoteWorker(launch)
		if err != nil {
			return err
		}
		for {
			step, ok := steps.Next()
			if !ok {
				return nil
			}
			w.Run(step)
		}
	})
}

// What becomes of a step whose launcher fails, or what it launched.
func TestStepThatIsHandedOn(t *testing.T) {
	for name, c := range map[string]struct {
		launch LaunchStep
		want   string
	}{
		"cannot":       {func(context.Context, *StepRunRef, io.Writer) error { return errors.New("no such host") }, "step middle: it was not computed by whom it was handed to: no such host"},
		"says nothing": {func(context.Context, *StepRunRef, io.Writer) error { return nil }, "step middle: it was handed on, and nobody said how it ended"},
		"talks nonsense": {func(_ context.Context, _ *StepRunRef, w io.Writer) error {
			_, _ = io.WriteString(w, "Welcome to host!\n")
			return nil
		}, "step middle: it was handed on, and nobody said how it ended"},
		"ends in the middle": {func(ctx context.Context, ref *StepRunRef, w io.Writer) error {
			var all bytes.Buffer
			if err := launchByRef(ctx, ref, &all); err != nil {
				return err
			}
			_, err := w.Write(all.Bytes()[:all.Len()/2])
			return err
		}, "step middle: it was handed on, and nobody said how it ended"},
		"panics": {func(context.Context, *StepRunRef, io.Writer) error { panic("no") }, "step middle: it was not computed by whom it was handed to: panic: no"},
		"another release": {func(_ context.Context, ref *StepRunRef, _ io.Writer) error {
			return json.Unmarshal([]byte(`{"format": 99}`), ref)
		}, "step middle: it was not computed by whom it was handed to: it is no reference to a step, or one of another release: its format is 99, and this program reads 1"},
		"another program": {func(ctx context.Context, ref *StepRunRef, w io.Writer) error {
			other := newShop(nil)
			other.asset("x", nil, add(1))
			return ExecuteStepRunRef(ctx, ref, w, other.definitions())
		}, "step middle: a child process has other definitions: give execute.Serve those that are run"},
	} {
		t.Run(name, func(t *testing.T) {
			s := launching(t, func(ctx context.Context, ref *StepRunRef, events io.Writer) error {
				if strings.HasPrefix(ref.StepKey(), "middle") {
					return c.launch(ctx, ref, events)
				}
				return launchByRef(ctx, ref, events)
			})
			res := s.run("good")
			assert.Equal(t, "first=run middle=failure beside=run last=skip", actions(res))
			assert.EqualError(t, failedStep(t, res, "middle"), c.want)
			s.opts.Executor = InProcessExecutor
			assert.Equal(t, "first=reuse middle=run beside=reuse last=run", actions(s.ok("good")), "nothing is left of it")
		})
	}
}

func TestStepRunRef(t *testing.T) {
	tries := 0
	s := launching(t, func(ctx context.Context, ref *StepRunRef, w io.Writer) error {
		assert.Equal(t, "retrying", ref.Job())
		assert.Equal(t, DefaultGrace, ref.Grace())
		if ref.StepKey() == "middle" {
			assert.Equal(t, tries, ref.RetryNumber())
			tries++
		}
		data, err := json.Marshal(ref)
		if err != nil {
			return err
		}
		var again StepRunRef
		if err := json.Unmarshal(data, &again); err != nil {
			return err
		}
		assert.Equal(t, ref, &again)
		assert.Equal(t, ref.RunID(), again.RunID())
		return launchByRef(ctx, &again, w)
	})
	res := s.ok("retrying")
	assert.Equal(t, 3, tries)
	assert.Equal(t, 3, count(eventTypes(t, res, "middle"), storage.EventStepWorkerStarting))

	s = newSuite(t, "own_ref")
	s.opts.Resources = map[string]any{"lower": 1}
	assert.ErrorContains(t, s.run("resources").Err(), "executor own_ref: executor own_ref cannot hand values in place of resources to other processes")
	assert.EqualError(t, ExecuteStepRunRef(t.Context(), nil, io.Discard), "the reference to a step is empty")
	assert.ErrorContains(t, json.Unmarshal([]byte(`[]`), new(StepRunRef)), "it is no reference to a step")
}

// A launcher that does not return when it should holds up no run.
func TestLauncherThatDoesNotListen(t *testing.T) {
	release := make(chan struct{})
	s := launching(t, func(context.Context, *StepRunRef, io.Writer) error { <-release; return nil })
	defer close(release)
	s.opts.Grace = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	res, err := Run(ctx, s.catalog(), "good", s.options())
	require.NoError(t, err)
	assert.Equal(t, storage.RunCanceled, res.Status)
}

func TestExecuteStepRunRefThatCannotTell(t *testing.T) {
	s := newShop(t)
	s.asset("x", nil, add(1))
	cat := s.catalog()
	ref := &StepRunRef{run: &runRef{Definitions: definitionsDigest(cat), Listen: true}, step: &stepRef{Key: "x", Node: "x"}, goes: &goRef{Give: true}}
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	assert.ErrorContains(t, ExecuteStepRunRef(t.Context(), ref, w, s.definitions()), "tell how the step ended: io: read/write on closed pipe")
	var out bytes.Buffer
	require.NoError(t, ExecuteStepRunRef(t.Context(), ref, &out, s.definitions()))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	assert.Contains(t, lines[0], "STEP_START")
	assert.Contains(t, lines[len(lines)-1], "STEP_SUCCESS")
}
