package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/subprocess"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// served is whether a child of this process would find its way to Serve.
var served atomic.Bool

// Serve makes this program able to compute steps in child processes of its own, as [Verify] does. It is called first in main, with the
// definitions that are to be run; cli.Main does so. In a child it does its work and ends the process; in any other process it returns at once. A test calls it in TestMain:
//
//	func TestMain(m *testing.M) {
//		execute.Serve(Definitions)
//		os.Exit(m.Run())
//	}
func Serve(defs ...dag.Definitions) {
	served.Store(true)
	c, ok := subprocess.Asked(stepService)
	if !ok {
		return
	}
	s := &stepServer{defs: defs, parent: os.Getppid(), say: func(e stepEvent) { _ = c.Say(e) }} // who is not there any more needs no answer
	c.Serve(s.handle, s.close)
	os.Exit(0)
}

// A stepServer computes steps for another process.
type stepServer struct {
	defs   []dag.Definitions
	parent int // the process that asks
	say    func(stepEvent)

	ref    runRef
	target *plan.Target
	ops    map[string]*plan.Config
	nodes  map[string]*plan.Node
	res    *resources
	files  int // made in the folder
}

func (s *stepServer) handle(ctx context.Context, request json.RawMessage) {
	var r stepRequest
	if err := json.Unmarshal(request, &r); err != nil {
		s.fail("", err, "", 0)
		return
	}
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
		if r.Run != nil {
			s.begin(r.Run)
		} else {
			s.step(ctx, r.Step)
		}
		last = nil
	}()
	<-done
}

func (s *stepServer) fail(where string, err error, stack string, elapsed time.Duration) {
	s.say(stepEvent{Type: storage.EventStepFailure, Where: where, Error: err.Error(), Stack: stack, Seconds: elapsed.Seconds()})
}

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
		return errors.New("a child process has other definitions: give execute.Serve those that are run")
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
	s.ops = configs(resolved.Ops)
	s.res = newResources(cat, configs(resolved.Resources), nil)
	s.res.scope = &dag.Scope{Info: dag.StepInfo{RunID: ref.RunID, JobKey: ref.Job}, Log: discard(nil)}
	s.nodes = make(map[string]*plan.Node, len(s.target.Graph.Nodes))
	for i := range s.target.Graph.Nodes {
		n := &s.target.Graph.Nodes[i]
		s.nodes[n.Key] = n
	}
	return nil
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
	s.remove()
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

// step computes a step and says what it gave.
func (s *stepServer) step(ctx context.Context, ref *stepRef) {
	n := s.nodes[ref.Node]
	if n == nil {
		s.fail("", fmt.Errorf("no step %q", ref.Key), "", 0)
		return
	}
	call, err := s.call(ctx, n, ref)
	if err != nil {
		e := asStepError(ref.Key, WhereLoad, err)
		s.fail(e.Where, e.Err, e.Stack, 0)
		return
	}
	s.say(stepEvent{Type: storage.EventStepStart})
	defer context.AfterFunc(ctx, s.abandoned)()
	sc := &scope{step: &plan.Step{Node: n, Key: ref.Key}}
	sc.Info = dag.StepInfo{RunID: s.ref.RunID, JobKey: s.ref.Job, StepKey: ref.Key}
	sc.Log = discard(nil)
	sc.AddMetadata = sc.addMetadata
	sc.NewFile = s.newFile
	began := time.Now()
	err, stack := guard(func() error { return n.Op.Invoke(dag.WithScope(ctx, &sc.Scope), call) })
	elapsed := time.Since(began)
	metadata := sc.close()
	if err != nil {
		s.fail(WhereOp, err, stack, elapsed)
		return
	}
	for k := range n.Op.Outputs {
		e, err := s.output(&n.Op.Outputs[k], call.Out[k], ref.Known[k])
		if err != nil {
			s.fail(WhereStore, fmt.Errorf("output %s: %w", n.Op.Outputs[k].Name, err), "", elapsed)
			return
		}
		if metadata != nil {
			e.Metadata = metadata[k]
		}
		s.say(e)
	}
	s.say(stepEvent{Type: storage.EventStepSuccess, Seconds: elapsed.Seconds()})
}

// call makes the call of a step.
func (s *stepServer) call(ctx context.Context, n *plan.Node, ref *stepRef) (*dag.Call, error) {
	if len(ref.Inputs) != len(n.Op.Inputs) || len(ref.Known) != len(n.Op.Outputs) {
		return nil, fmt.Errorf("step %q has %d inputs and %d outputs, and is asked for with %d and %d", n.Key, len(n.Op.Inputs), len(n.Op.Outputs), len(ref.Inputs), len(ref.Known))
	}
	c := &dag.Call{In: make([]any, len(n.Op.Inputs)), Out: make([]any, len(n.Op.Outputs))}
	if cfg := s.ops[n.Key]; cfg != nil {
		c.Config = cfg.Go
	}
	for k := range n.Op.Inputs {
		v, err := ref.Inputs[k].value(n.Op.Inputs[k].Type)
		if err != nil {
			return nil, fmt.Errorf("input %s: %w", n.Op.Inputs[k].Name, err)
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

// output describes an output, and keeps it if it is not what it is known to be.
func (s *stepServer) output(def *dag.Output, v any, known string) (stepEvent, error) {
	e := stepEvent{Type: storage.EventStepOutput, Output: def.Name}
	if f, ok := v.(dag.File); ok {
		e.DataVersion, e.Size, e.File = f.Version().String(), f.Size(), refOfFile(f)
		if e.DataVersion == known || known == "" {
			e.File.Path = "" // nobody will look at it
			if filepath.Dir(f.Path()) == s.ref.Folder {
				_ = os.Remove(f.Path()) // it may have been an output twice
			}
		}
		return e, nil
	}
	data, err := codec.Encode(def.Type, v)
	if err != nil {
		return e, err
	}
	e.DataVersion, e.Size = canon.Sum(data).String(), int64(len(data))
	if known != "" && e.DataVersion != known {
		e.Kept = s.newName("")
		err = os.WriteFile(e.Kept, data, 0o600)
	}
	return e, err
}

func (s *stepServer) newName(ext string) string {
	s.files++
	return filepath.Join(s.ref.Folder, "output-"+strconv.Itoa(s.files)+ext)
}

// newFile makes a file of a step: what dag.WriteFile does there.
func (s *stepServer) newFile(name string, write func(io.Writer) error) (dag.File, error) {
	if err := dag.CheckFileName(name); err != nil {
		return dag.File{}, err
	}
	return dag.WriteTo(s.newName(filepath.Ext(name)), name, write)
}
