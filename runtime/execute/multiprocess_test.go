package execute

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestMultiprocessRefusals(t *testing.T) {
	s := suiteShop(t)
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"without an instance", Options{}, "executor multiprocess needs an instance on disk: what a process keeps in memory no other one can load; give one with WithInstance (instance.Open or instance.LocalTemp), or use multi"},
		{"on one in memory", Options{Instance: instance.Ephemeral()}, "executor multiprocess needs an instance on disk"},
		{"with replaced resources", Options{Instance: openInstance(t, t.TempDir()), Resources: map[string]any{"lower": 3}}, "executor multiprocess cannot hand values in place of resources to other processes; use multi or in_process"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Executor = MultiprocessExecutor
			_, err := Run(t.Context(), s.catalog(), "good", c.o)
			assert.ErrorContains(t, err, c.want)
			if c.o.Instance != nil {
				runs, err := c.o.Instance.Runs(t.Context(), storage.RunFilter{})
				require.NoError(t, err)
				assert.Empty(t, runs, "no run began")
			}
		})
	}
	served.Store(false)
	defer served.Store(true)
	_, err := Run(t.Context(), s.catalog(), "good", Options{Executor: MultiprocessExecutor, Instance: openInstance(t, t.TempDir())})
	assert.ErrorContains(t, err, "call execute.Serve with its Definitions first thing in main, or in TestMain")
}

func TestChildWithOtherDefinitions(t *testing.T) {
	s := newSuite(t, MultiprocessExecutor)
	s.code["last"] = "another body"
	res := s.run("good")
	assert.Equal(t, "first=failure middle=skip beside=skip last=skip", actions(res))
	assert.Equal(t, "step first: a child process has other definitions: give execute.Serve those that are run", failedStep(t, res, "first").Error())
	assert.Empty(t, notes(t, "done"))
}

// A child is kept: one for each worker, as long as it lives.
func TestChildrenAreWarm(t *testing.T) {
	s := newSuite(t, MultiprocessExecutor)
	s.opts.MaxConcurrent = 1
	res := s.ok("good")
	types := eventTypes(t, res, "")
	assert.Equal(t, 1, count(types, storage.EventStepWorkerStarting))
	assert.Equal(t, 1, count(types, storage.EventStepWorkerStarted))
	res = s.run("killed")
	types = eventTypes(t, res, "")
	assert.Equal(t, "first=reuse middle=failure beside=reuse last=skip", actions(res))
	assert.Equal(t, 1, count(types, storage.EventStepWorkerStarted))
	res = s.run("exiting")
	assert.Equal(t, 1, count(eventTypes(t, res, ""), storage.EventStepWorkerStarted))
	res = s.ok("good")
	assert.Equal(t, 0, count(eventTypes(t, res, ""), storage.EventStepWorkerStarted), "nothing ran, so nothing was started")
}

// Where memory runs out the system is to end a child and not the process that looks after the run.
func TestChildrenVolunteer(t *testing.T) {
	if runtime.GOOS == "linux" {
		s := newSuite(t, MultiprocessExecutor)
		assert.GreaterOrEqual(t, s.value(s.ok("volunteering"), "score"), 500)
	}
}

// When the process that runs a job is killed, its children and what they were doing end too.
func TestNoOrphans(t *testing.T) {
	s := newSuite(t, MultiprocessExecutor)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), second+"=suite-deaf", "INSTANCE="+s.inst.Dir())
	require.NoError(t, c.Start())
	require.Eventually(t, func() bool { return len(notes(t, "waiting")) > 0 }, 20*time.Second, time.Millisecond)
	pid, err := strconv.Atoi(notes(t, "pids")[0])
	require.NoError(t, err)
	require.NotEqual(t, c.Process.Pid, pid)
	require.NoError(t, c.Process.Kill())
	_ = c.Wait()
	require.Eventually(t, func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return syscall.Kill(pid, 0) == syscall.ESRCH || err == nil && bytes.Contains(state, []byte(") Z "))
	}, 10*time.Second, 5*time.Millisecond, "the child of a process that was killed lives")
	runs, err := s.inst.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Equal(t, instance.CauseCrashed, runs[0].Cause)
	s.ok("good")
}

// What a step logs in a child reads as if it had logged here.
func TestLogLinesOnTheWire(t *testing.T) {
	var said []stepEvent
	h := &wireHandler{say: func(e stepEvent) { said = append(said, e) }}
	assert.False(t, h.Enabled(t.Context(), slog.LevelDebug))
	assert.True(t, (&wireHandler{debug: true}).Enabled(t.Context(), slog.LevelDebug))
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	attrs := []any{
		"text", "a", "int", -3, "uint", uint64(math.MaxUint64), "float", 0.5, "nan", math.NaN(), "bool", true, "took", 3 * time.Second, "at", at,
		"err", errors.New("bad"), "nil", nil, "secret", dag.NewSecret("c4n4ry"),
		slog.Group("g", "x", 1, slog.Group("h", "y", "z")), slog.Group("", "inline", 1), slog.Group("empty"),
	}
	log := func(l *slog.Logger) {
		l.Info("plain")
		l.With("who", "me").WithGroup("").WithGroup("outer").With("n", 1).WithGroup("inner").Warn("all", attrs...)
	}
	log(slog.New(h))
	show := func(h slog.Handler) *slog.Logger { return slog.New(h) }
	var here, there bytes.Buffer
	noTime := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	log(show(slog.NewTextHandler(&here, noTime)))
	for _, e := range said {
		assert.NotContains(t, fmt.Sprintf("%+v", *e.Line), "c4n4ry")
		e = overTheWire(t, e)
		require.NoError(t, slog.NewTextHandler(&there, noTime).Handle(context.Background(), e.Line.record()))
	}
	assert.Equal(t, here.String(), there.String())
}

func TestErrorsOnTheWire(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
		is   func(err error) bool
	}{
		{errors.New("plain"), "plain", func(err error) bool { var p *PanicError; return !errors.As(err, &p) && !dag.IsPermanent(err) }},
		{fmt.Errorf("asked: %w", context.Canceled), "asked: context canceled", func(err error) bool {
			return errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
		}},
		{context.DeadlineExceeded, "context deadline exceeded", func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		{&TimeoutError{time.Second, context.DeadlineExceeded}, "timed out after 1s", func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		{&TimeoutError{Limit: time.Second}, "timed out after 1s", func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		{&TimeoutError{time.Second, errors.New("what")}, "timed out after 1s: what", func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		{&PanicError{errors.New("inside")}, "panic: inside", func(err error) bool { var p *PanicError; return errors.As(err, &p) && p.Value == "inside" }},
		{errGoexit, errGoexit.Error(), func(err error) bool { return errors.Is(err, errGoexit) }},
		{dag.Permanent(errors.New("never")), "never", dag.IsPermanent},
		{fmt.Errorf("x: %w", dag.RetryRequested{Err: errors.New("later"), MaxRetries: 4, Wait: time.Minute}), "x: later", func(err error) bool {
			r, ok := requested(err)
			return ok && r.MaxRetries == 4 && r.Wait == time.Minute
		}},
		{&StepError{Step: "s", Err: &ResourceError{Resource: "db", Err: &PanicError{"out"}, Stack: "here"}}, "resource db: panic: out", func(err error) bool {
			var r *ResourceError
			var p *PanicError
			return errors.As(err, &r) && r.Resource == "db" && errors.As(err, &p)
		}},
	} {
		e := stepEvent{Type: storage.EventStepFailure}
		w := toWire(c.err, "")
		e.Err = &w
		e = overTheWire(t, e)
		back, _ := e.Err.fromWire()
		assert.Equal(t, c.want, back.Error())
		assert.True(t, c.is(back), "%#v", back)
	}
}

func overTheWire(t *testing.T, e stepEvent) (back stepEvent) {
	t.Helper()
	data, err := json.Marshal(e)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &back))
	return back
}

// What the step events of a run say does not depend on where it ran.
func TestSameEventsEverywhere(t *testing.T) {
	logs := map[string]string{}
	for _, executor := range []string{InProcessExecutor, MultiprocessExecutor} {
		s := newSuite(t, executor)
		s.opts.MaxConcurrent = 1
		var b strings.Builder
		for _, job := range []string{"good", "failing", "panicking", "shelved", "retrying"} {
			res := s.run(job)
			events, err := res.Events(t.Context())
			require.NoError(t, err)
			for _, e := range events {
				switch {
				case e.StepKey == "", e.Type == storage.EventStepWorkerStarting, e.Type == storage.EventStepWorkerStarted:
					continue
				}
				fmt.Fprintf(&b, "%s %s %s %s %s\n", job, e.Type, e.StepKey, e.Level, e.Message)
			}
		}
		logs[executor] = b.String()
	}
	assert.Equal(t, logs[InProcessExecutor], logs[MultiprocessExecutor])
}

// compute log of a step, or "(nothing)".
func printedBy(t *testing.T, s *suiteRun, res *Result, step string, stream computelog.Stream) string {
	t.Helper()
	r, err := s.inst.ComputeLogs().Open(t.Context(), computelog.Key{RunID: res.RunID, Step: step}, stream)
	if errors.Is(err, fs.ErrNotExist) {
		return "(nothing)"
	}
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, errors.Join(err, r.Close()))
	return string(data)
}

// What a step prints is kept, and nothing of another one, though all of them ran in one process.
func TestComputeLogs(t *testing.T) {
	for _, workers := range []int{1, 3} {
		s := newSuite(t, MultiprocessExecutor)
		s.opts.MaxConcurrent = workers
		res := s.ok("talking")
		for i := range 5 {
			key := fmt.Sprintf("talk%d", i)
			assert.Equal(t, fmt.Sprintf("out %d, and \x1e no mark\nlast words", i), printedBy(t, s, res, key, computelog.Stdout))
			assert.Equal(t, strings.Repeat(fmt.Sprint("err ", i, " "), 20_000), printedBy(t, s, res, key, computelog.Stderr))
			assert.Equal(t, 1, count(eventTypes(t, res, key), storage.EventLogsCaptured))
		}
		res = s.ok("good")
		assert.Equal(t, "(nothing)", printedBy(t, s, res, "middle", computelog.Stdout))
		assert.Zero(t, count(eventTypes(t, res, ""), storage.EventLogsCaptured))
		res = s.run("exiting")
		assert.Equal(t, "out of here\n", printedBy(t, s, res, "middle", computelog.Stderr), "of a process that died, too")
		res = s.run("dying_later")
		assert.Contains(t, printedBy(t, s, res, "middle", computelog.Stderr), "panic: nobody is there to catch this")
		assert.NotContains(t, printedBy(t, s, res, "middle", computelog.Stderr), "\x1e")
		require.NoError(t, s.inst.DeleteRuns(t.Context(), res.RunID))
		assert.Equal(t, "(nothing)", printedBy(t, s, res, "middle", computelog.Stderr))
	}
}

func TestComputeLogsAreNotKept(t *testing.T) {
	s := newSuite(t, MultiprocessExecutor)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dagstergen.yaml"), []byte("compute_logs: noop\n"), 0o600))
	s.inst = openInstance(t, dir)
	res := s.ok("talking")
	assert.Equal(t, "(nothing)", printedBy(t, s, res, "talk1", computelog.Stdout))
	res = s.run("exiting")
	assert.Contains(t, failedStep(t, res, "middle").Error(), "out of here", "it is known for the message all the same")
	assert.NoDirExists(t, filepath.Join(dir, "logs"))
}

// What a child says of its secrets is understood in any pieces, and nothing of it is left in what was printed.
func TestSecretsInPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		p := newPrintout()
		secret := strings.Repeat("s"+uuid.NewString(), 1+rng.IntN(90))
		a := &announcer{mark: p.mark, aead: p.aead}
		r, w, err := os.Pipe()
		require.NoError(t, err)
		var text []byte
		read := make(chan error)
		go func() {
			text, err = io.ReadAll(r)
			read <- err
		}()
		func() {
			before, beforeErr := realStdout, realStderr
			defer func() { realStdout, realStderr = before, beforeErr }()
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			require.NoError(t, err)
			realStdout, realStderr = w, null
			a.announce(secret)
			require.NoError(t, null.Close())
		}()
		require.NoError(t, w.Close())
		require.NoError(t, <-read)
		require.NoError(t, r.Close())
		require.NotContains(t, string(text), secret[:30], "it is sealed")
		require.Equal(t, secret, mask.Hide(secret), "nobody knows it yet")
		text = append([]byte("before"), append(text, "after"...)...)
		var clean strings.Builder
		for len(text) > 0 {
			cut := 1 + rng.IntN(len(text))
			clean.Write(p.take(1, text[:cut]))
			text = text[cut:]
		}
		require.Equal(t, "beforeafter", clean.String())
		require.Equal(t, "***", mask.Hide(secret))
		other := newPrintout()
		forged := "\x1e" + p.mark + "c2VjcmV0IHRoYXQgaXMgbm9uZSBidXQgbG9uZyBlbm91Z2g\n"
		require.Equal(t, forged, string(p.take(1, []byte(forged))), "what was not sealed is no secret")
		require.NotEqual(t, other.key, p.key)
	}
}

// However the text is cut on its way, each step has its own.
func TestMarksInPieces(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	m := computelog.Local(root, "", "logs")
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := newPrintout()
		runID := uuid.NewString()
		var clean strings.Builder
		for step := range 3 {
			key := fmt.Sprint(step)
			n := p.begin(t.Context(), m, runID, key)
			mark := func(n int) string { return "\x1e" + p.mark + strconv.Itoa(n) + "\n" }
			said := strings.Repeat("a\x1eb\x1e"+p.mark[:rng.IntN(len(p.mark))]+"c", rng.IntN(4))
			text := "before" + mark(n) + said + mark(n+1) + "after"
			for len(text) > 0 {
				cut := 1 + rng.IntN(len(text))
				clean.Write(p.take(1, []byte(text[:cut])))
				text = text[cut:]
			}
			p.take(2, []byte(mark(n)+mark(n+1)))
			d, err := p.end(true)
			require.NoError(t, err)
			require.EqualValues(t, len(said), d.Stdout)
			require.Zero(t, d.Stderr)
			if said != "" {
				f, err := m.Open(t.Context(), computelog.Key{RunID: runID, Step: key}, computelog.Stdout)
				require.NoError(t, err)
				data, err := io.ReadAll(f)
				require.NoError(t, errors.Join(err, f.Close()))
				require.Equal(t, said, string(data))
			}
		}
		assert.NotContains(t, clean.String(), p.mark)
	}
	require.NoError(t, root.Close())
}
