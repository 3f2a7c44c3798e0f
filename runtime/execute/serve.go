package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/dagstergen/dagstergen/internal/subprocess"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// served is whether a child of this process would find its way to Serve.
var served atomic.Bool

// Serve makes this program able to compute steps in child processes of its own, as [Verify] does, and to execute whole runs in them, as [Submit] does. It is called first in main, with the
// definitions that are to be run; cli.Main does so. In a child it does its work and ends the process; in any other process it returns at once. A test calls it in TestMain:
//
//	func TestMain(m *testing.M) {
//		execute.Serve(Definitions)
//		os.Exit(m.Run())
//	}
func Serve(defs ...dag.Definitions) {
	served.Store(true)
	serveLaunched(defs)
	c, ok := subprocess.Asked(stepService)
	if !ok {
		return
	}
	volunteer()
	s := &stepServer{defs: defs, parent: os.Getppid(), say: func(e stepEvent) { _ = c.Say(e) }} // who is not there any more needs no answer
	c.Serve(s.handle, s.close)
	os.Exit(0)
}

// errDefinitions is what a process says that was asked for something of definitions it does not have.
var errDefinitions = errors.New("a child process has other definitions: give execute.Serve those that are run")

// A stepServer computes steps for another process.
type stepServer struct {
	defs   []dag.Definitions
	parent int // the process that asks
	say    func(stepEvent)

	ref    runRef
	target *plan.Target
	ops    map[string]*plan.Config
	parts  partitionConfigs
	nodes  map[string]*plan.Node
	res    *resources
	files  int // made in the folder
	at     *loadedStep
}

// A loadedStep is one that waits for the word to go.
type loadedStep struct {
	step *plan.Step // as far as user code may know it
	ref  *stepRef
	call *dag.Call
}

func (s *stepServer) handle(ctx context.Context, request json.RawMessage) {
	var r stepRequest
	if err := json.Unmarshal(request, &r); err != nil {
		s.fail("", err, "", 0)
		return
	}
	s.do(ctx, &r)
}

func (s *stepServer) do(ctx context.Context, r *stepRequest) {
	done := make(chan struct{})
	go func() { // of its own: user code may end it
		last := errGoexit
		began := time.Now()
		defer func() {
			if last != nil {
				s.fail(WhereOp, last, "", time.Since(began))
			}
			close(done)
		}()
		switch {
		case r.Run != nil:
			s.begin(r.Run)
		case r.End:
			s.end()
		case r.Step == nil || s.load(ctx, r.Step):
			if r.Go != nil {
				s.compute(ctx, r.Go)
			}
		}
		last = nil
	}()
	<-done
}

func (s *stepServer) fail(where string, err error, stack string, elapsed time.Duration) {
	said := toWire(err, stack)
	e := stepEvent{Type: storage.EventStepFailure, Where: where, Err: &said, Seconds: elapsed.Seconds()}
	var lost *lostInput
	if errors.As(err, &lost) {
		e.Lost = &lost.input
	}
	s.say(e)
}

// A lostInput says that the stored bytes of an input are not there, or not right.
type lostInput struct {
	input int
	err   error
}

func (e *lostInput) Error() string { return e.err.Error() }
func (e *lostInput) Unwrap() error { return e.err }

// begin prepares what the steps of a run share.
func (s *stepServer) begin(ref *runRef) {
	if err := s.prepare(ref); err != nil {
		s.fail("", err, "", 0)
		return
	}
	s.say(stepEvent{Type: eventReady})
}

func (s *stepServer) prepare(ref *runRef) error {
	s.ref = *ref
	if err := announceSecrets(ref); err != nil {
		return err
	}
	if ref.Zone != "" {
		if _, err := time.LoadLocation(ref.Zone); err != nil { // then TZ has had no effect
			time.Local = time.FixedZone(ref.Zone, ref.Offset)
		}
	}
	cat, err := plan.NewCatalog(s.defs...)
	if err != nil {
		return err
	}
	if definitionsDigest(cat) != ref.Definitions {
		return errDefinitions
	}
	if s.target, err = cat.Target(ref.Job, ref.Selection); err != nil {
		return err
	}
	o := &Options{Inputs: map[string]any{}}
	for name, data := range ref.Given {
		v, err := s.given(name, data)
		if err != nil {
			return err
		}
		o.Inputs[name] = v
	}
	doc := &runconfig.Document{}
	if err := doc.UnmarshalBinary(ref.Config); err != nil {
		return err
	}
	resolved, err := runconfig.Resolve(doc, schemaOf(s.target, o), func(name string) (string, bool) {
		if v := ref.Environment[name]; v != nil {
			return *v, true
		}
		return "", false
	})
	if err != nil {
		return err
	}
	s.ops, s.parts.over = configs(resolved.Ops), resolved.Overlays
	s.res = newResources(managed(s.target, ref.IO), configs(resolved.Resources), nil)
	s.res.scope = &dag.Scope{Info: dag.StepInfo{RunID: ref.RunID, JobKey: ref.Job}, Log: s.logger()}
	if ref.Listen {
		s.res.note = s.resourceEvent
	}
	s.nodes = make(map[string]*plan.Node, len(s.target.Graph.Nodes))
	for i := range s.target.Graph.Nodes {
		n := &s.target.Graph.Nodes[i]
		s.nodes[n.Key] = n
	}
	return nil
}

// logger is where user code logs to.
func (s *stepServer) logger() *slog.Logger {
	if !s.ref.Listen {
		return discard(nil)
	}
	return slog.New(&wireHandler{say: s.say, debug: s.ref.Debug})
}

// resourceEvent says what happens to a resource.
func (s *stepServer) resourceEvent(e resourceEvent) {
	said := stepEvent{Type: eventResource, Resource: e.key, Phase: e.phase, Seconds: e.elapsed.Seconds()}
	if e.err != nil {
		w := toWire(e.err, stackOf(e.err))
		said.Err = &w
	}
	s.say(said)
}

// end cleans up while somebody still listens, and says when that is done.
func (s *stepServer) end() {
	if s.res != nil {
		s.res.close()
	}
	s.say(stepEvent{Type: eventReady})
}

// jobKey is the key of the job whose steps are computed; empty for assets.
func (s *stepServer) jobKey() string {
	if s.target.Job == nil {
		return ""
	}
	return s.target.Job.Key
}

// given is the value of a config parameter; data arrives with the steps that take it.
func (s *stepServer) given(name string, data []byte) (any, error) {
	if data == nil {
		return nil, nil
	}
	i := paramIndex(s.target, name)
	if i < 0 || s.target.Job.Params[i].Config == nil {
		return nil, fmt.Errorf("job %q has no config parameter %q", s.ref.Job, name)
	}
	return s.target.Job.Params[i].Config.Decode(nil, data)
}

func (s *stepServer) close() {
	if s.res != nil {
		s.res.close()
	}
	if !s.ref.Listen { // else who listens may not have taken what is in the folder
		s.remove()
	}
}

// remove removes the folder, and where the process is gone that made the one around it, the last child removes that too.
func (s *stepServer) remove() (orphan bool) {
	orphan = os.Getppid() != s.parent
	if s.ref.Folder != "" && os.RemoveAll(s.ref.Folder) == nil && orphan {
		_ = os.Remove(filepath.Dir(s.ref.Folder))
	}
	return orphan
}

// abandoned removes the folder while a step goes on that does not listen: this process is going to be killed, and its parent too may be
// about to go.
func (s *stepServer) abandoned() {
	for !s.remove() {
		time.Sleep(50 * time.Millisecond)
	}
}

// load makes the call of a step, and says whether it could.
func (s *stepServer) load(ctx context.Context, ref *stepRef) bool {
	s.at = nil
	n := s.nodes[ref.Node]
	if n == nil {
		s.fail("", fmt.Errorf("no step %q", ref.Key), "", 0)
		return false
	}
	step, err := s.made(n, ref.Key, ref.Partition)
	var call *dag.Call
	if err == nil {
		call, err = s.call(ctx, step, ref)
	}
	if err != nil {
		e := asStepError(ref.Key, WhereLoad, err)
		s.fail(e.Where, e, e.Stack, 0)
		return false
	}
	s.at = &loadedStep{step, ref, call}
	s.say(stepEvent{Type: storage.EventStepStart})
	return true
}

// compute computes the step that is loaded, and says what it gave.
func (s *stepServer) compute(ctx context.Context, ref *goRef) {
	if s.at == nil {
		s.fail("", errors.New("no step is loaded"), "", 0)
		return
	}
	if s.ref.Mark != "" {
		printMark(s.ref.Mark, ref.Number)
		said := s.say
		defer func() { s.say = said }()
		s.say = func(e stepEvent) { // what was printed until then is the step's
			if e.Type == storage.EventStepSuccess || e.Type == storage.EventStepFailure {
				printMark(s.ref.Mark, ref.Number+1)
			}
			said(e)
		}
	}
	step, call := s.at.step, s.at.call
	n := step.Node
	known := s.at.ref.Known
	s.at = nil
	if !ref.Give {
		defer context.AfterFunc(ctx, s.abandoned)()
	}
	sc := &scope{step: step.Entire()}
	op := sc.step.Op
	sc.Info, sc.Op, sc.Job = ref.Info, op, s.target.Def()
	inZone(sc.Info.Partition)
	outs, err := s.asked(step, ref)
	if err != nil {
		s.fail("", err, "", 0)
		return
	}
	if n.Whole() != nil {
		call.Out = make([]any, len(op.Outputs))
		for _, out := range outs {
			sc.Selected = append(sc.Selected, op.Outputs[out.at].Name)
		}
	}
	sc.Log = s.logger()
	sc.AddMetadata, sc.SetDataVersion = sc.addMetadata, sc.setDataVersion
	sc.NewFile = s.newFile
	sc.Expect = func(e dag.Expectation) { s.say(stepEvent{Type: storage.EventExpectation, Expectation: &e}) }
	sc.LogAsset = func(e dag.LoggedAsset) { s.say(stepEvent{Type: eventNoted, Noted: &e}) }
	began := time.Now()
	ctx = dag.WithScope(ctx, &sc.Scope)
	if ref.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ref.Limit)
		defer cancel()
	}
	note := func(output bool, k int, c *dag.TypeCheck) {
		if ref.Give {
			s.say(stepEvent{Type: eventCheck, Of: k, Output: map[bool]string{true: "output"}[output], Check: c})
		}
	}
	err, stack := guard(func() error { return invokeOp(ctx, op, call, note) })
	elapsed := time.Since(began)
	told := sc.close()
	if ref.Limit > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &TimeoutError{ref.Limit, err}
	}
	if err != nil {
		s.fail(whereOf(err), err, stack, elapsed)
		return
	}
	for i, out := range outs {
		var e stepEvent
		switch def, v := &op.Outputs[out.at], call.Out[out.at]; {
		case !ref.Give:
			e, err = s.output(def, v, known[i])
		case s.io(op) != "":
			e, err = s.store(ctx, &out, def, v)
		default:
			e, err = s.give(def, v)
		}
		if err != nil {
			s.fail(WhereStore, fmt.Errorf("output %s: %w", op.Outputs[out.at].Name, err), stackOf(err), elapsed)
			return
		}
		e.Metadata, e.Said = told.metadataOf(out.at), string(told.versionOf(out.at))
		s.say(e)
	}
	s.say(stepEvent{Type: storage.EventStepSuccess, Seconds: elapsed.Seconds()})
}

// call makes the call of a step.
func (s *stepServer) call(ctx context.Context, step *plan.Step, ref *stepRef) (*dag.Call, error) {
	n := step.Node
	if len(ref.Inputs) != len(n.Op.Inputs) || ref.Known != nil && len(ref.Known) != len(n.Op.Outputs) {
		return nil, fmt.Errorf("step %q has %d inputs and %d outputs, and is asked for with %d and %d", n.Key, len(n.Op.Inputs), len(n.Op.Outputs), len(ref.Inputs), len(ref.Known))
	}
	c := &dag.Call{In: make([]any, len(n.Op.Inputs)), Out: make([]any, len(n.Op.Outputs))}
	if step.Config != nil {
		c.Config = step.Config.Go
	}
	for k := range n.Op.Inputs {
		v, err := s.input(ctx, ref, k, &n.Op.Inputs[k])
		if err != nil {
			if errors.Is(err, iomanager.ErrDamaged) {
				err = &lostInput{k, err}
			}
			return nil, placed(n.Key, WhereLoad, "input "+n.Op.Inputs[k].Name, err)
		}
		c.In[k] = v
	}
	for _, u := range n.Op.Resources {
		v, err := s.res.get(ctx, u.Key)
		if err != nil {
			return nil, asStepError(n.Key, WhereResource, err)
		}
		c.Resources = append(c.Resources, v)
	}
	return c, nil
}
