package execute

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// suiteFolder names the folder where the ops of the suite leave notes. That is how they speak to the test, in whatever process they are.
const suiteFolder = "DAGSTERGEN_TEST_SUITE"

// suiteObjects names the folder that an op of the suite empties.
const suiteObjects = "DAGSTERGEN_TEST_OBJECTS"

// aSuite is the package that every executor runs: each job shows one thing.
type aSuite struct{ *shop }

// note adds a line to a file of the suite.
func note(file, format string, args ...any) {
	f, err := os.OpenFile(filepath.Join(os.Getenv(suiteFolder), file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, format+"\n", args...)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		panic(err)
	}
}

// notes are the lines of a file of the suite.
func notes(t testing.TB, file string) []string {
	if t != nil {
		t.Helper()
	}
	data, err := os.ReadFile(filepath.Join(os.Getenv(suiteFolder), file))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

type suiteConfig struct {
	N     int        `json:"n"`
	Token dag.Secret `json:"token"`
}

var suiteConfigDef = &dag.Config{
	Symbol: pkg + ".Config", Decode: dag.DecodeConfig[suiteConfig], Encode: dag.EncodeConfig[suiteConfig],
	Fields: []dag.Field{{Name: "n", Kind: dag.FieldInt, Bits: 64, Required: true}, {Name: "token", Kind: dag.FieldString, Secret: true, Default: `""`}},
}

// does is an op of ints that leaves a note in "done" when it is computed.
func (s *aSuite) does(key string, inputs []string, f func(ctx context.Context, in []int) (int, error)) *dag.Op {
	op := &dag.Op{Key: key, Outputs: []dag.Output{{Name: "result", Type: intType}}}
	for _, name := range inputs {
		op.Inputs = append(op.Inputs, dag.Input{Name: name, Type: intType})
	}
	return s.add(op, func(ctx context.Context, c *dag.Call) error {
		note("done", "%s", key)
		in := make([]int, len(c.In))
		for i := range in {
			in[i] = dag.In[int](c, i)
		}
		v, err := f(ctx, in)
		c.Out[0] = v
		return err
	})
}

func sum(n int) func(context.Context, []int) (int, error) {
	return func(_ context.Context, in []int) (int, error) { return add(n)(in), nil }
}

// around makes a diamond job of a middle that shows something: first, then middle and beside, then last of both.
func (s *aSuite) around(job string, middle *dag.Op) {
	s.job(job, []dag.Node{
		{Key: "first", Op: s.shared("first", nil)},
		{Key: "middle", Op: middle, Inputs: []dag.Binding{from(0)}},
		{Key: "beside", Op: s.shared("beside", []string{"x"}), Inputs: []dag.Binding{from(0)}},
		{Key: "last", Op: s.shared("last", []string{"x", "y"}), Inputs: []dag.Binding{from(1), from(2)}},
	}, 3)
}

// shared is an op that several jobs have.
func (s *aSuite) shared(key string, inputs []string) *dag.Op {
	for _, op := range s.ops {
		if op.Key == key {
			return op
		}
	}
	return s.does(key, inputs, sum(1))
}

var bytesType = dag.TypeOf[[]byte]("[]byte")

// even is a type that says which of its values are right.
type even int

func (e even) CheckType(ctx context.Context) dag.TypeCheck {
	dag.Log(ctx).Info("checking")
	return dag.TypeCheck{Success: e%2 == 0, Description: fmt.Sprint(int(e), " of ", dag.RunID(ctx) != ""), Metadata: []dag.MetadataEntry{dag.Int("n", int64(e))}}
}

var evenType = dag.ImmutableOf[even](pkg + ".even")

func suiteShop(t testing.TB) *aSuite {
	s := &aSuite{newShop(t)}
	s.around("good", s.does("middle", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		dag.Log(ctx).With("who", "me").WithGroup("g").Info("in the middle", "n", in[0], "took", time.Second, "err", errors.New("none"), "list", []int{1})
		dag.Log(ctx).Debug("unseen")
		return in[0] * 10, dag.AddOutputMetadata(ctx, dag.Int("rows", 7), dag.Markdown("table", "|a|"))
	}))
	for _, n := range []int{4, 3} { // right, and not
		key := fmt.Sprint("makes_", n)
		makes := s.add(&dag.Op{Key: key, Outputs: []dag.Output{{Name: "result", Type: evenType}}}, func(_ context.Context, c *dag.Call) error {
			note("done", "%s", key)
			c.Out[0] = even(n)
			return nil
		})
		takes := s.add(&dag.Op{Key: fmt.Sprint("takes_", n), Inputs: []dag.Input{{Name: "x", Type: evenType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, c *dag.Call) error {
			note("done", "takes")
			c.Out[0] = int(dag.In[even](c, 0))
			return nil
		})
		s.job(fmt.Sprint("checked_", n), []dag.Node{{Key: "makes", Op: makes}, {Key: "takes", Op: takes, Inputs: []dag.Binding{from(0)}}}, 1)
	}
	asking := s.does("asks_where", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		run, inRun := dag.RunOf(ctx)
		key, inLoop := dag.MappingKeyOf(ctx)
		info, _ := dag.StepInfoFrom(ctx)
		note("where", "%t %t %t %s %s %s %v %v %s %t %q %d %s %v", inRun, run.ID == dag.RunID(ctx), run.Started.IsZero(), dag.JobName(ctx), run.Job, info.StepKey, dag.RunTags(ctx), dag.StepTags(ctx),
			key, inLoop, dag.RunConfig(ctx), dag.RetryNumber(ctx), dag.OpOf(ctx).Key, dag.JobOf(ctx).Key == run.Job)
		first := dag.Expect(ctx, dag.Expectation{Label: "positive", Success: in[0] > 0, Metadata: []dag.MetadataEntry{dag.Int("n", int64(in[0]))}})
		second := dag.Expect(ctx, dag.Expectation{Label: "even", Success: in[0]%2 == 0, Description: "it is odd"})
		note("expected", "%v, %v", first, second)
		return in[0], nil
	})
	asking.Tags, asking.Volatile = map[string]string{"size": "small"}, true
	s.around("asking_where", asking)
	s.jobs[len(s.jobs)-1].Nodes[1].Tags = map[string]string{"size": "large"}
	s.around("failing", s.does("fails", []string{"x"}, func(context.Context, []int) (int, error) { return 0, errors.New("no luck") }))
	s.around("panicking", s.does("panics", []string{"x"}, func(context.Context, []int) (int, error) { panic("at the disco") }))
	s.around("goexit", s.does("goexits", []string{"x"}, func(context.Context, []int) (int, error) {
		ended := make(chan struct{})
		go func() { close(ended) }()
		<-ended
		goexit()
		return 0, nil
	}))
	s.around("exiting", s.does("exits", []string{"x"}, func(context.Context, []int) (int, error) {
		fmt.Fprintln(os.Stderr, "out of here")
		os.Exit(3)
		return 0, nil
	}))
	s.around("killed", s.does("kills", []string{"x"}, func(context.Context, []int) (int, error) {
		return 0, errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), wait())
	}))
	s.around("faulting", s.does("faults", []string{"x"}, func(context.Context, []int) (int, error) {
		page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return 0, err
		}
		return *(*int)(unsafe.Pointer(&page[0])), nil // no panic: the runtime of Go gives up
	}))
	s.around("exhausting", s.does("exhausts", []string{"x"}, func(context.Context, []int) (int, error) {
		debug.SetGCPercent(-1)
		if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 1 << 28, Max: 1 << 28}); err != nil {
			return 0, err
		}
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<26))
			for i := 0; i < len(all[len(all)-1]); i += 4096 {
				all[len(all)-1][i] = 1
			}
		}
	}))
	s.around("dying_later", s.does("leaves", []string{"x"}, func(_ context.Context, in []int) (int, error) {
		go func() { panic("nobody is there to catch this") }()
		return in[0], wait()
	}))

	flaky := s.does("flaky", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		note("tries", "%d", dag.RetryNumber(ctx))
		if dag.RetryNumber(ctx) < 2 {
			return 0, errors.New("not yet")
		}
		return in[0], nil
	})
	flaky.Retry = &dag.RetryPolicy{MaxRetries: 3, Delay: time.Millisecond}
	s.around("retrying", flaky)
	var talk []dag.Node
	for i := range 5 {
		op := s.does(fmt.Sprintf("talk%d", i), nil, func(context.Context, []int) (int, error) {
			fmt.Printf("out %d, and \x1e no mark\n", i)
			_, _ = os.Stderr.WriteString(strings.Repeat(fmt.Sprint("err ", i, " "), 20_000))
			fmt.Print("last words")
			return i, nil
		})
		talk = append(talk, dag.Node{Key: op.Key, Op: op})
	}
	s.job("talking", talk)
	s.around("asking", s.does("asks", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		note("tries", "%d", dag.RetryNumber(ctx))
		if dag.RetryNumber(ctx) == 0 {
			return 0, fmt.Errorf("wrapped: %w", dag.RetryRequested{Err: errors.New("later"), Wait: time.Millisecond})
		}
		return in[0], nil
	}))
	forever := s.does("forever", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		note("tries", "%d", dag.RetryNumber(ctx))
		if dag.RetryNumber(ctx) == 1 {
			return 0, dag.Permanent(errors.New("never"))
		}
		return 0, errors.New("not yet")
	})
	forever.Retry = &dag.RetryPolicy{MaxRetries: 5}
	s.around("permanent", forever)
	crashing := s.does("crashes", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		note("tries", "%d", dag.RetryNumber(ctx))
		if dag.RetryNumber(ctx) == 0 {
			os.Exit(9)
		}
		return in[0], nil
	})
	crashing.Retry = &dag.RetryPolicy{MaxRetries: 1}
	s.around("crashing_once", crashing)

	s.around("waiting", s.does("waits", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		note("waiting", "yes")
		<-ctx.Done()
		note("waiting", "told")
		return 0, ctx.Err()
	}))
	slow := s.does("is_slow", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		_, limited := ctx.Deadline()
		note("tries", "%v", limited)
		<-ctx.Done()
		return 0, ctx.Err()
	})
	slow.Timeout = 30 * time.Millisecond
	s.around("timing_out", slow)
	stuck := s.does("is_stuck", []string{"x"}, func(context.Context, []int) (int, error) { time.Sleep(2 * time.Second); return 0, nil })
	stuck.Timeout = 30 * time.Millisecond
	s.around("stuck", stuck)
	filing := s.plain("files_late", []dag.Input{{Name: "x", Type: intType}}, bytesType, func(ctx context.Context, c *dag.Call) error {
		note("waiting", "yes")
		<-ctx.Done()
		time.Sleep(100 * time.Millisecond)
		c.Out[0] = bytes.Repeat([]byte("late"), 1<<15)
		return nil
	})
	s.job("filing", []dag.Node{{Key: "first", Op: s.shared("first", nil)}, {Key: "files_late", Op: filing, Inputs: []dag.Binding{from(0)}}}, 1)
	s.around("finishing", s.does("finishes", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		note("waiting", "yes")
		<-ctx.Done()
		return 5, nil
	}))
	s.around("deaf", s.does("hears_not", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		note("pids", "%d", os.Getpid())
		note("waiting", "yes")
		return 0, wait()
	}))

	s.resourceful()
	s.checked()
	s.values()
	s.ordered()
	return s
}

// wait is what a step does that listens to nobody.
func wait() error {
	time.Sleep(time.Minute)
	return errors.New("nobody came")
}

// resourceful adds jobs with resources: opened in order, closed in reverse.
func (s *aSuite) resourceful() {
	var resources []dag.ResourceUse
	for i, key := range []string{"lower", "middle_one", "upper"} {
		r := &dag.Resource{Key: key, Type: intType, Resources: slices.Clone(resources)}
		if key == "lower" {
			r.Config = suiteConfigDef
		}
		s.resource(r, func(ctx context.Context, c *dag.Call) (any, func(), error) {
			note("resources", "open %s", key)
			dag.Log(ctx).Info("opening " + key)
			n := i
			if c.Config != nil {
				cfg := c.Config.(suiteConfig)
				n = cfg.N + len(cfg.Token.Reveal())
			}
			return n, func() { note("resources", "close %s", key) }, nil
		})
		resources = []dag.ResourceUse{{Name: key, Key: key}}
	}
	s.resource(&dag.Resource{Key: "broken", Type: intType}, func(context.Context, *dag.Call) (any, func(), error) {
		return nil, nil, errors.New("no server")
	})
	use := func(job, key string, f func(ctx context.Context, lower int) (int, error)) {
		op := s.does(key, []string{"x"}, nil)
		op.Resources = []dag.ResourceUse{{Name: "upper", Key: "upper"}, {Name: "lower", Key: "lower"}}
		s.instead(op, func(ctx context.Context, c *dag.Call) error {
			v, err := f(ctx, c.Resources[1].(int))
			c.Out[0] = v
			return err
		})
		s.around(job, op)
	}
	use("resources", "uses", func(_ context.Context, lower int) (int, error) { return lower, nil })
	use("resources_failing", "uses_and_fails", func(context.Context, int) (int, error) { return 0, errors.New("no luck") })
	use("resources_waiting", "uses_and_waits", func(ctx context.Context, _ int) (int, error) {
		note("waiting", "yes")
		<-ctx.Done()
		return 0, ctx.Err()
	})
	op := s.does("needs", []string{"x"}, sum(0))
	op.Resources = []dag.ResourceUse{{Name: "broken", Key: "broken"}}
	s.around("resource_broken", op)
}

// instead gives an op another body.
func (s *aSuite) instead(op *dag.Op, f func(ctx context.Context, c *dag.Call) error) {
	key := op.Key
	op.Invoke = func(ctx context.Context, c *dag.Call) error {
		note("done", "%s", key)
		return f(ctx, c)
	}
}
