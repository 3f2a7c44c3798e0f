package execute

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func goexit() { runtime.Goexit() }

// suiteRun is a job of the suite on an instance of its own.
type suiteRun struct {
	*world
	executor string
}

func newSuite(t *testing.T, executor string) *suiteRun {
	t.Setenv(suiteFolder, t.TempDir())
	others := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, others) }) // after the instance is closed
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dagstergen.yaml"), []byte("concurrency: {pools: {limits: {db: 2}}}\n"), 0o600))
	w := &world{shop: suiteShop(t).shop, inst: openInstance(t, dir)}
	w.opts = Options{Executor: executor, MaxConcurrent: 3}
	return &suiteRun{w, executor}
}

// forget empties the notes.
func (s *suiteRun) forget() {
	require.NoError(s.t, os.RemoveAll(os.Getenv(suiteFolder)))
	require.NoError(s.t, os.Mkdir(os.Getenv(suiteFolder), 0o700))
}

// failed is the error of a step of a run.
func failedStep(t testing.TB, res *Result, key string) *StepError {
	t.Helper()
	s := res.Step(key)
	require.NotNil(t, s)
	require.NotNil(t, s.Err, "step %s has not failed", key)
	return s.Err
}

// own is an executor of a user's, with workers of this process; own_far has some with processes, own_ref hands references on.
const everyExecutor = "in_process multi multiprocess own own_far own_ref"

// suite is what every executor does alike. A test that names executors is for those alone: nothing else survives what happens there.
var suite = []struct {
	name, executors string
	test            func(s *suiteRun)
}{
	{"checks", everyExecutor, checksAreSteps},
	{"success", everyExecutor, func(s *suiteRun) {
		res := s.ok("good")
		assert.Equal(s.t, "first=run middle=run beside=run last=run", actions(res))
		assert.Equal(s.t, 13, s.value(res, "last"))
		m := res.Step("middle")
		assert.Equal(s.t, []dag.MetadataEntry{dag.Int("rows", 7), dag.Markdown("table", "|a|")}, m.Outputs[0].Metadata)
		var lines []string
		events, err := res.Events(s.t.Context())
		require.NoError(s.t, err)
		for _, e := range events {
			if e.Type == storage.EventLog {
				lines = append(lines, e.StepKey+" "+e.Level+" "+e.Message+" "+string(e.Data))
			}
		}
		assert.Equal(s.t, []string{`middle INFO in the middle {"attrs":{"g":{"err":"none","list":[1],"n":1,"took":1000000000},"who":"me"}}`}, lines)
		s.forget()
		res = s.ok("good")
		assert.Equal(s.t, "first=reuse middle=reuse beside=reuse last=reuse", actions(res))
		assert.Empty(s.t, notes(s.t, "done"))
	}},
	{"failure in a diamond", everyExecutor, func(s *suiteRun) {
		res := s.run("failing")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		err := failedStep(s.t, res, "middle")
		assert.Equal(s.t, "step middle: no luck", err.Error())
		assert.Equal(s.t, WhereOp, err.Where)
		assert.Equal(s.t, storage.RunFailure, res.Status)
		res = s.run("failing")
		assert.Equal(s.t, "first=reuse middle=failure beside=reuse last=skip", actions(res), "a failure is not remembered")
	}},
	{"panic", everyExecutor, func(s *suiteRun) {
		res := s.run("panicking")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		err := failedStep(s.t, res, "middle")
		assert.Equal(s.t, "step middle: panic: at the disco", err.Error())
		var p *PanicError
		assert.ErrorAs(s.t, err, &p)
		assert.Contains(s.t, err.Stack, "suiteshop_test.go:")
		assert.NotContains(s.t, err.Stack, "guard.go")
	}},
	{"goexit", everyExecutor, func(s *suiteRun) {
		res := s.run("goexit")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		assert.ErrorIs(s.t, failedStep(s.t, res, "middle"), errGoexit)
	}},
	{"exit", "multiprocess own_far own_ref", func(s *suiteRun) {
		res := s.run("exiting")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		want := "the process ended: exit status 3, after it had printed: out of here"
		if s.executor == "own_ref" { // which has no more than its launcher says
			want = "it was not computed by whom it was handed to: exit status 3"
		}
		assert.EqualError(s.t, failedStep(s.t, res, "middle"), "step middle: "+want)
	}},
	{"kill -9", "multiprocess own_far own_ref", func(s *suiteRun) {
		res := s.run("killed")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		assert.Contains(s.t, failedStep(s.t, res, "middle").Error(), ": signal: killed")
	}},
	{"segmentation fault", "multiprocess own_far", func(s *suiteRun) {
		res := s.run("faulting")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		assert.Contains(s.t, failedStep(s.t, res, "middle").Error(), "the process ended: exit status 2")
	}},
	{"out of memory", "multiprocess own_far", func(s *suiteRun) {
		res := s.run("exhausting")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		// The race detector has words of its own for it.
		assert.Regexp(s.t, "out of memory|address space collisions", failedStep(s.t, res, "middle").Error())
	}},
	{"panic in a goroutine of its own", "multiprocess own_far", func(s *suiteRun) {
		res := s.run("dying_later")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		assert.Contains(s.t, failedStep(s.t, res, "middle").Error(), "panic: nobody is there to catch this")
	}},
	{"retries", everyExecutor, func(s *suiteRun) {
		res := s.ok("retrying")
		assert.Equal(s.t, []string{"0", "1", "2"}, notes(s.t, "tries"))
		assert.Equal(s.t, "first=run middle=run beside=run last=run", actions(res))
		types := eventTypes(s.t, res, "middle")
		assert.Equal(s.t, 2, count(types, storage.EventStepUpForRetry))
		assert.Equal(s.t, 2, count(types, storage.EventStepRestarted))
	}},
	{"retries disabled", everyExecutor, func(s *suiteRun) {
		s.opts.Executor = ""
		s.opts.Config = document(s.t, "execution: {config: {"+s.executor+": {retries: {disabled: {}}}}}")
		res := s.run("retrying")
		assert.Equal(s.t, []string{"0"}, notes(s.t, "tries"))
		assert.Equal(s.t, "step middle: not yet", failedStep(s.t, res, "middle").Error())
	}},
	{"what a body can ask", everyExecutor, func(s *suiteRun) {
		s.opts.Tags = map[string]string{"team": "data"}
		res := s.ok("asking_where")
		assert.Equal(s.t, []string{`true true false asking_where asking_where middle map[team:data] map[size:large]  false "" 0 asks_where true`}, notes(s.t, "where"))
		assert.Equal(s.t, []string{"<nil>, expectation even is not met: it is odd"}, notes(s.t, "expected"))
		events, err := res.Events(s.t.Context())
		require.NoError(s.t, err)
		var got []string
		for _, e := range events {
			if e.Type == storage.EventExpectation {
				got = append(got, e.StepKey+" "+e.Level+" "+e.Message+" "+string(e.Data))
			}
		}
		assert.Equal(s.t, []string{
			`middle INFO expectation positive is met {"label":"positive","success":true,"metadata":[{"label":"n","kind":"int","value":1}]}`,
			`middle WARN expectation even is not met: it is odd {"label":"even","success":false,"description":"it is odd"}`,
		}, got)
	}},
	{"type checks", everyExecutor, func(s *suiteRun) {
		checks := func(job string, good bool) (*Result, []string) {
			s.forget()
			res := s.run(job)
			assert.Equal(s.t, good, res.Success())
			events, err := res.Events(s.t.Context())
			require.NoError(s.t, err)
			var out []string
			for _, e := range events {
				var data struct {
					Check json.RawMessage `json:"type_check"`
				}
				if (e.Type == storage.EventStepInput || e.Type == storage.EventStepOutput) && json.Unmarshal(e.Data, &data) == nil && data.Check != nil {
					out = append(out, string(e.Type)+" "+e.StepKey+" "+string(data.Check))
				}
			}
			return res, out
		}
		_, got := checks("checked_4", true)
		right := `{"success":true,"description":"4 of true","metadata":[{"label":"n","kind":"int","value":4}]}`
		assert.Equal(s.t, []string{"STEP_OUTPUT makes " + right, "STEP_INPUT takes " + right}, got)
		_, got = checks("checked_4", true)
		assert.Empty(s.t, got, "a reused step is not asked again")

		res, got := checks("checked_3", false)
		assert.Equal(s.t, "makes=failure takes=skip", actions(res))
		assert.Equal(s.t, []string{`STEP_OUTPUT makes {"success":false,"description":"3 of true","metadata":[{"label":"n","kind":"int","value":3}]}`}, got)
		failed := failedStep(s.t, res, "makes")
		assert.Equal(s.t, "step makes: type check of output result: not a right example.com/shop.even: 3 of true", failed.Error())
		assert.Equal(s.t, WhereTypeCheck, failed.Where)
		assert.Equal(s.t, []string{"makes_3"}, notes(s.t, "done"))
		res, _ = checks("checked_3", false)
		assert.Equal(s.t, "makes=failure takes=skip", actions(res), "what is not right is not stored")
	}},
	{"hooks", everyExecutor, func(s *suiteRun) {
		s.opts.MaxConcurrent = 1
		var o told
		for _, j := range s.jobs {
			j.Hooks = []*dag.Hook{o.hook("one", ""), o.hook("two", dag.HookOnSuccess), o.hook("three", dag.HookOnFailure)}
		}
		s.ok("good")
		assert.Equal(s.t, "one first, two first, one middle, two middle, one beside, two beside, one last, two last", o.take())
		assert.Equal(s.t, 13, o.last["last"].Outputs["result"])
		assert.Equal(s.t, dag.Int("rows", 7), o.last["middle"].Metadata["result"][0])
		s.run("failing")
		assert.Equal(s.t, "one middle, three middle", o.take())
		assert.EqualError(s.t, o.last["middle"].Err, "step middle: no luck")
	}},
	{"a retry that the body asks for", everyExecutor, func(s *suiteRun) {
		s.ok("asking")
		assert.Equal(s.t, []string{"0", "1"}, notes(s.t, "tries"))
	}},
	{"permanent error", everyExecutor, func(s *suiteRun) {
		res := s.run("permanent")
		assert.Equal(s.t, []string{"0", "1"}, notes(s.t, "tries"))
		err := failedStep(s.t, res, "middle")
		assert.Equal(s.t, "step middle: never (tried 2 times)", err.Error())
		assert.True(s.t, dag.IsPermanent(err))
	}},
	{"retry of a crash", "multiprocess own_far own_ref", func(s *suiteRun) {
		s.ok("crashing_once")
		assert.Equal(s.t, []string{"0", "1"}, notes(s.t, "tries"))
	}},
	{"cancel", everyExecutor, func(s *suiteRun) {
		res := s.canceled("waiting")
		assert.Equal(s.t, storage.RunCanceled, res.Status)
		assert.Equal(s.t, []string{"yes", "told"}, notes(s.t, "waiting"))
		assert.ErrorIs(s.t, failedStep(s.t, res, "middle"), context.Canceled)
		assert.NotContains(s.t, notes(s.t, "done"), "last")
	}},
	{"timeout", everyExecutor, func(s *suiteRun) {
		res := s.run("timing_out")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		err := failedStep(s.t, res, "middle")
		assert.Equal(s.t, "step middle: timed out after 30ms", err.Error())
		assert.ErrorIs(s.t, err, context.DeadlineExceeded)
		assert.Equal(s.t, []string{"true"}, notes(s.t, "tries"))
	}},
	{"timeout of what does not listen", everyExecutor, func(s *suiteRun) {
		s.opts.Grace = 30 * time.Millisecond
		res := s.run("stuck")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		how := map[bool]string{false: "was left behind", true: "its process was killed"}[far(s.executor)]
		assert.Contains(s.t, failedStep(s.t, res, "middle").Error(), "timed out after 30ms: it did not stop within 30ms and "+how)
		time.Sleep(map[bool]time.Duration{false: 2 * time.Second}[far(s.executor)]) // what is left behind ends, and no goroutine is left
	}},
	{"cancel while a large output is made", everyExecutor, func(s *suiteRun) {
		res := s.canceled("filing")
		assert.Len(s.t, s.value(res, "files_late"), 4<<15, "what it gives is kept")
	}},
	{"cancel of what finishes", everyExecutor, func(s *suiteRun) {
		res := s.canceled("finishing")
		assert.Equal(s.t, storage.RunCanceled, res.Status)
		assert.Equal(s.t, 5, s.value(res, "middle"), "what it gives is kept")
		again := s.run("finishing")
		m := again.Step("middle")
		assert.Equal(s.t, ActionReuse, m.Action)
	}},
	{"cancel of what does not listen", "multiprocess own_far own_ref", func(s *suiteRun) {
		began := time.Now()
		s.opts.Grace = 50 * time.Millisecond
		res := s.canceled("deaf")
		assert.Equal(s.t, storage.RunCanceled, res.Status)
		assert.ErrorIs(s.t, failedStep(s.t, res, "middle"), context.Canceled)
		assert.Contains(s.t, failedStep(s.t, res, "middle").Error(), "it did not stop within 50ms and its process was killed")
		assert.Less(s.t, time.Since(began), 20*time.Second)
	}},
	{"resources", everyExecutor, func(s *suiteRun) {
		s.opts.Config = document(s.t, "resources: {lower: {config: {n: 20, token: {env: TOKEN}}}}")
		s.t.Setenv("TOKEN", "12345")
		res := s.ok("resources")
		assert.Equal(s.t, 25, s.value(res, "middle"))
		s.inOrder()
		types := eventTypes(s.t, res, "")
		assert.Equal(s.t, 3, count(types, storage.EventResourceInitSuccess), "opened once, where they are needed")
	}},
	{"resources after a failure", everyExecutor, func(s *suiteRun) {
		s.opts.Config = document(s.t, "resources: {lower: {config: {n: 20}}}")
		s.run("resources_failing")
		s.inOrder()
	}},
	{"resources after a cancel", everyExecutor, func(s *suiteRun) {
		s.opts.Config = document(s.t, "resources: {lower: {config: {n: 20}}}")
		s.canceled("resources_waiting")
		s.inOrder()
	}},
	{"a resource that cannot be made", everyExecutor, func(s *suiteRun) {
		res := s.run("resource_broken")
		assert.Equal(s.t, "first=run middle=failure beside=run last=skip", actions(res))
		err := failedStep(s.t, res, "middle")
		assert.Equal(s.t, "step middle: resource broken: no server", err.Error())
		assert.Equal(s.t, WhereResource, err.Where)
		var r *ResourceError
		assert.ErrorAs(s.t, err, &r)
	}},
	{"values in files", everyExecutor, func(s *suiteRun) {
		res := s.ok("big_values")
		assert.Equal(s.t, 10<<16+1<<16, s.value(res, "size"))
		assert.Len(s.t, s.value(res, "big"), 10<<16)
		s.forget()
		assert.Equal(s.t, "big=reuse noise=reuse size=reuse", actions(s.ok("big_values")))
	}},
	{"files", everyExecutor, func(s *suiteRun) {
		res := s.ok("files")
		f := s.value(res, "upper_file").(dag.File)
		data, err := os.ReadFile(f.Path())
		require.NoError(s.t, err)
		assert.Equal(s.t, "HELLO", string(data))
		assert.True(s.t, strings.HasPrefix(f.Path(), s.inst.Dir()), f.Path())
		assert.Equal(s.t, "file=reuse upper_file=reuse", actions(s.ok("files")))
	}},
	{"an IO manager of a user's", everyExecutor, func(s *suiteRun) {
		res := s.ok("shelved")
		assert.Equal(s.t, 42, s.value(res, "above"))
		assert.Equal(s.t, []string{"handle shelved kept result true", "load kept for above"}, notes(s.t, "shelf_calls"))
		assert.Equal(s.t, "kept=reuse above=reuse", actions(s.ok("shelved")))
	}},
	{"config and parameters", everyExecutor, func(s *suiteRun) {
		s.t.Setenv("TOKEN", "123456789")
		s.opts.Config = document(s.t, "ops: {configured: {config: {n: 100, token: {env: TOKEN}}}}")
		s.opts.Inputs = map[string]any{"n": 1000}
		assert.Equal(s.t, 1110, s.value(s.ok("params"), "both"))
	}},
	{"loop", everyExecutor, func(s *suiteRun) {
		res := s.ok("looping")
		assert.Equal(s.t, "names=run fit[oslo]=run fit[rome]=run fit[pau]=run total=run", actions(res))
		assert.Equal(s.t, []any{11}, returned(s.t, res))
		assert.Equal(s.t, "names=reuse fit[oslo]=reuse fit[rome]=reuse fit[pau]=reuse total=reuse", actions(s.ok("looping")))
	}},
	{"an output that is not there this time", everyExecutor, func(s *suiteRun) {
		res := s.ok("optional")
		assert.Equal(s.t, "none=run wants=skip first=run", actions(res))
	}},
	{"no outputs", everyExecutor, func(s *suiteRun) {
		assert.Equal(s.t, "quiet=run", actions(s.ok("no_outputs")))
		assert.Equal(s.t, "quiet=reuse", actions(s.ok("no_outputs")))
	}},
	{"priorities", everyExecutor, func(s *suiteRun) {
		s.opts.MaxConcurrent = 1
		s.ok("priorities")
		assert.Equal(s.t, []string{"p2", "p3", "p1", "p0"}, notes(s.t, "done"))
	}},
	{"tag limits", "multi multiprocess own own_far own_ref", func(s *suiteRun) {
		s.opts.Executor, s.opts.MaxConcurrent = "", 0
		s.opts.Config = document(s.t, "execution: {config: {"+s.executor+": {max_concurrent: 4, tag_concurrency_limits: [{key: db, limit: 2}]}}}")
		s.ok("limits")
		assert.Contains(s.t, []int{1, 2}, s.most("limits"), "processes may be slow to start; that limits are reached other tests show")
	}},
	{"a pool", "multi multiprocess own own_far own_ref", func(s *suiteRun) {
		s.opts.MaxConcurrent = 6
		s.ok("pooled")
		assert.Contains(s.t, []int{1, 2}, s.most("limits"), "processes may be slow to start; that limits are reached other tests show")
	}},
	{"a pool of two processes", everyExecutor, func(s *suiteRun) {
		var others []*exec.Cmd
		for _, job := range []string{"pooled", "pooled_too"} {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), second+"=suite-"+job, "INSTANCE="+s.inst.Dir())
			c.Stderr = os.Stderr
			require.NoError(s.t, c.Start())
			others = append(others, c)
		}
		s.opts.MaxConcurrent = 6
		res := s.ok("pooled_three")
		for _, c := range others {
			require.NoError(s.t, c.Wait())
		}
		assert.Contains(s.t, []int{1, 2}, s.most("limits"), "processes may be slow to start; that limits are reached other tests show")
		assert.Len(s.t, notes(s.t, "limits"), 2*3*6)
		assert.Len(s.t, res.Steps, 7)
		assert.Contains(s.t, []int{0, 1}, len(notes(s.t, "others"))-1, "what is in no pool waits for nobody")
	}},
	{"a version that somebody has who waits for a pool", "multi", func(s *suiteRun) {
		// One place, taken by this test: the run waits for it, and holds no version meanwhile.
		var leave []func()
		for range 2 {
			l, ok, err := s.inst.TryPool("db")
			require.NoError(s.t, err)
			require.True(s.t, ok)
			leave = append(leave, l)
		}
		began := make(chan struct{})
		s.opts.Observe = func(p Progress) {
			if p.Kind == ProgressFinished && p.Step == "free" {
				close(began)
			}
		}
		go func() {
			<-began
			p, err := Plan(context.Background(), s.catalog(), "pooled_three", Options{Instance: s.inst})
			if assert.NoError(s.t, err) {
				for _, st := range p.Steps {
					if st.Op.Pool == "" {
						continue
					}
					unlock, _, err := s.inst.LockVersion(context.Background(), st.Content, true)
					if assert.NoError(s.t, err) {
						unlock()
					}
				}
			}
			for _, l := range leave {
				l()
			}
		}()
		res := s.ok("pooled_three")
		assert.Positive(s.t, countMessages(s.t, res, "waiting for a place in the pool db"))
	}},
	{"a stored input that is lost while the run goes on", everyExecutor, func(s *suiteRun) {
		s.ok("big_values")
		s.t.Setenv(suiteObjects, filepath.Join(s.inst.Dir(), "objects"))
		s.forget()
		res := s.ok("losing")
		assert.Equal(s.t, 10<<16+1<<16+1, s.value(res, "size_again"))
		assert.ElementsMatch(s.t, []string{"loses", "big", "noise", "size_again"}, notes(s.t, "done"), "what is lost is computed again, and nothing else")
	}},
}

func count[T comparable](all []T, v T) (n int) {
	for _, x := range all {
		if x == v {
			n++
		}
	}
	return n
}

// inOrder holds resources to being closed in the reverse order of being opened, in each process.
func (s *suiteRun) inOrder() {
	s.t.Helper()
	assert.Equal(s.t, []string{"open lower", "open middle_one", "open upper", "close upper", "close middle_one", "close lower"}, notes(s.t, "resources"))
}

// canceled runs a job and cancels it when a step waits.
func (s *suiteRun) canceled(job string) *Result {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil && len(notes(s.t, "waiting")) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	res, err := Run(ctx, s.catalog(), job, s.options())
	require.NoError(s.t, err)
	return res
}

func TestEveryExecutor(t *testing.T) {
	for _, executor := range strings.Fields(everyExecutor) {
		for _, c := range suite {
			if strings.Contains(" "+c.executors+" ", " "+executor+" ") {
				t.Run(executor+"/"+c.name, func(t *testing.T) { c.test(newSuite(t, executor)) })
			}
		}
	}
}

// most is how many were in at once, of those who left a + when they came and a - when they left.
func (s *suiteRun) most(file string) int {
	now, most := 0, 0
	for _, line := range notes(s.t, file) {
		if line == "+" {
			now++
		} else {
			now--
		}
		most = max(most, now)
	}
	return most
}

func countMessages(t testing.TB, res *Result, message string) (n int) {
	t.Helper()
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	for _, e := range events {
		if e.Message == message {
			n++
		}
	}
	return n
}
