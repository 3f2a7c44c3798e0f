package execute

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
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
	t.Helper()
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

func suiteShop(t testing.TB) *aSuite {
	s := &aSuite{newShop(t)}
	s.around("good", s.does("middle", []string{"x"}, func(ctx context.Context, in []int) (int, error) {
		dag.Log(ctx).With("who", "me").WithGroup("g").Info("in the middle", "n", in[0], "took", time.Second, "err", errors.New("none"), "list", []int{1})
		dag.Log(ctx).Debug("unseen")
		return in[0] * 10, dag.AddOutputMetadata(ctx, dag.Int("rows", 7), dag.Markdown("table", "|a|"))
	}))
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

// plain is an op without inputs of ints.
func (s *aSuite) plain(key string, in []dag.Input, out *dag.Type, f func(ctx context.Context, c *dag.Call) error) *dag.Op {
	op := &dag.Op{Key: key, Inputs: in}
	if out != nil {
		op.Outputs = []dag.Output{{Name: "result", Type: out}}
	}
	s.add(op, f)
	s.instead(op, f)
	return op
}

// diskShelf is an IO manager of a user's that keeps ints in files. One more is what it has loaded.
type diskShelf struct{ calls int }

func (d *diskShelf) path(id []string) string {
	return filepath.Join(os.Getenv(suiteFolder), "shelf", strings.NewReplacer(":", "-", "/", "-").Replace(strings.Join(id, "_")))
}

func (d *diskShelf) HandleOutput(_ context.Context, out *dag.OutputContext, v any) error {
	note("shelf_calls", "handle %s %s %s %v", out.JobKey, out.StepKey, out.Name, out.Version != "")
	return os.WriteFile(d.path(out.Identifier()), []byte(strconv.Itoa(v.(int))), 0o600)
}

func (d *diskShelf) LoadInput(_ context.Context, in *dag.InputContext) (any, error) {
	note("shelf_calls", "load %s for %s", in.Upstream.StepKey, in.StepKey)
	data, err := os.ReadFile(d.path(in.Upstream.Identifier()))
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(string(data))
	return n + 1, err
}

func (d *diskShelf) HasOutput(_ context.Context, out *dag.OutputContext) (bool, error) {
	_, err := os.Stat(d.path(out.Identifier()))
	return err == nil, nil
}

// values adds jobs that show how values travel.
func (s *aSuite) values() {
	big := s.plain("big", nil, bytesType, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = bytes.Repeat([]byte("0123456789"), 1<<16)
		return nil
	})
	noise := s.plain("noise", nil, bytesType, func(_ context.Context, c *dag.Call) error { // nothing packs it
		b, x := make([]byte, 1<<16), uint64(88172645463325252)
		for i := range b {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			b[i] = byte(x)
		}
		c.Out[0] = b
		return nil
	})
	size := s.plain("size", []dag.Input{{Name: "a", Type: bytesType}, {Name: "b", Type: bytesType}}, intType, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = len(dag.In[[]byte](c, 0)) + len(dag.In[[]byte](c, 1))
		return nil
	})
	s.job("big_values", []dag.Node{{Key: "big", Op: big}, {Key: "noise", Op: noise}, {Key: "size", Op: size, Inputs: []dag.Binding{from(0), from(1)}}}, 2)

	loses := s.plain("loses", nil, intType, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = 1
		dir := os.Getenv(suiteObjects)
		return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700))
	})
	loses.Volatile = true
	again := s.plain("size_again", []dag.Input{{Name: "a", Type: bytesType}, {Name: "b", Type: bytesType}, {Name: "c", Type: intType}}, intType, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = len(dag.In[[]byte](c, 0)) + len(dag.In[[]byte](c, 1)) + dag.In[int](c, 2)
		return nil
	})
	s.job("losing", []dag.Node{{Key: "big", Op: big}, {Key: "noise", Op: noise}, {Key: "loses", Op: loses}, {Key: "size_again", Op: again, Inputs: []dag.Binding{from(0), from(1), from(2)}}}, 3)

	file := s.plain("file", nil, fileType, func(ctx context.Context, c *dag.Call) error {
		f, err := dag.WriteFile(ctx, "hello.txt", func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err })
		c.Out[0] = f
		return err
	})
	upper := s.plain("upper_file", []dag.Input{{Name: "f", Type: fileType}}, fileType, func(ctx context.Context, c *dag.Call) error {
		r, err := dag.In[dag.File](c, 0).Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		c.Out[0], err = dag.WriteFile(ctx, "upper.txt", func(w io.Writer) error { _, err := w.Write(bytes.ToUpper(data)); return err })
		return err
	})
	s.job("files", []dag.Node{{Key: "file", Op: file}, {Key: "upper_file", Op: upper, Inputs: []dag.Binding{from(0)}}}, 1)

	s.resource(&dag.Resource{Key: "shelf", Type: dag.TypeOf[*diskShelf]("*shop.diskShelf")}, func(context.Context, *dag.Call) (any, func(), error) {
		return &diskShelf{}, nil, os.MkdirAll(filepath.Join(os.Getenv(suiteFolder), "shelf"), 0o700)
	})
	kept := s.does("kept", nil, sum(40))
	kept.IO = "shelf"
	s.job("shelved", []dag.Node{{Key: "kept", Op: kept}, {Key: "above", Op: s.does("above", []string{"x"}, sum(1)), Inputs: []dag.Binding{from(0)}}}, 1)

	configured := s.plain("configured", nil, intType, func(_ context.Context, c *dag.Call) error {
		cfg := c.Config.(suiteConfig)
		c.Out[0] = cfg.N + len(cfg.Token.Reveal())
		return nil
	})
	configured.Config = suiteConfigDef
	g := dag.GraphDef{
		Params: []dag.JobParam{{Name: "n", Type: intType}},
		Nodes: []dag.Node{
			{Key: "configured", Op: configured},
			{Key: "both", Op: s.shared("last", nil), Inputs: []dag.Binding{from(0), param(0)}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(1)}},
	}
	s.jobOf("params", g)

	names := s.plain("names", nil, dag.TypeOf[[]string]("[]string"), func(_ context.Context, c *dag.Call) error {
		c.Out[0] = []string{"oslo", "rome", "pau"}
		return nil
	})
	fit := s.plain("fit", []dag.Input{{Name: "city", Type: textType}}, intType, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = len(dag.In[string](c, 0))
		return nil
	})
	total := s.plain("total", []dag.Input{{Name: "all", Type: listType}}, intType, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = add(0)(dag.In[[]int](c, 0))
		return nil
	})
	key := elem(1, textType)
	s.jobOf("looping", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "names", Op: names},
			{Key: "for city", Map: &dag.Map{Over: from(0), Key: &key, Body: []int{2}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(1, 0), from(2))}}}},
			{Key: "fit", Op: fit, Inputs: []dag.Binding{elem(1, textType)}},
			{Key: "total", Op: total, Inputs: []dag.Binding{output(1, 0)}},
		},
		Body:    []int{0, 1, 3},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(3)}},
	})

	none := s.plain("none", nil, dag.TypeOf[*int]("*int"), func(context.Context, *dag.Call) error { return nil }) // nil: there is none this time
	needs := s.does("wants", []string{"x"}, sum(0))
	needs.Inputs[0].Unwrap = true
	s.job("optional", []dag.Node{{Key: "none", Op: none}, {Key: "wants", Op: needs, Inputs: []dag.Binding{from(0)}}, {Key: "first", Op: s.shared("first", nil)}})
	s.job("volunteering", []dag.Node{{Key: "score", Op: s.does("score", nil, func(context.Context, []int) (int, error) {
		data, err := os.ReadFile("/proc/self/oom_score_adj")
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(strings.TrimSpace(string(data)))
	})}}, 0)
	quiet := s.plain("quiet", nil, nil, func(context.Context, *dag.Call) error { return nil })
	s.job("no_outputs", []dag.Node{{Key: "quiet", Op: quiet}})
}

// ordered adds jobs that show order and limits.
func (s *aSuite) ordered() {
	var nodes []dag.Node
	for i, p := range []string{"-3", "", "7", "2"} {
		op := s.does(fmt.Sprintf("p%d", i), nil, sum(0))
		if p != "" {
			op.Tags = priority(p)
		}
		nodes = append(nodes, dag.Node{Key: op.Key, Op: op})
	}
	s.job("priorities", nodes)
	nodes = nil
	for i := range 8 {
		op := s.does(fmt.Sprintf("t%d", i), nil, func(context.Context, []int) (int, error) {
			note("limits", "+")
			time.Sleep(20 * time.Millisecond)
			note("limits", "-")
			return 1, nil
		})
		op.Tags = map[string]string{"db": "x"}
		nodes = append(nodes, dag.Node{Key: op.Key, Op: op})
	}
	s.job("limits", nodes)
}
