package execute

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

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
	saying := s.does("says", []string{"x"}, func(ctx context.Context, _ []int) (int, error) {
		all := notes(nil, "state") // "VALUE VERSION"
		var value int
		var version string
		if _, err := fmt.Sscan(all[len(all)-1], &value, &version); err != nil {
			return 0, err
		}
		return value, dag.SetDataVersion(ctx, "", dag.DataVersion(version))
	})
	saying.Volatile = true
	s.around("saying", saying)
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
	for _, job := range []string{"pooled", "pooled_too", "pooled_three"} {
		nodes = nil
		for i := range 6 {
			op := s.does(fmt.Sprintf("%s_%d", job, i), nil, func(context.Context, []int) (int, error) {
				note("limits", "+")
				time.Sleep(10 * time.Millisecond)
				note("limits", "-")
				return 1, nil
			})
			op.Pool = "db"
			nodes = append(nodes, dag.Node{Key: op.Key, Op: op})
		}
		if job == "pooled_three" {
			nodes = append(nodes, dag.Node{Key: "free", Op: s.does("free", nil, func(context.Context, []int) (int, error) { note("others", "free"); return 1, nil })})
		}
		s.job(job, nodes)
	}
}
