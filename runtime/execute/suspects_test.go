package execute

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A reading is a value with a place to differ at.
type reading struct {
	City string
	Mean float64
}

var (
	readingsType = dag.TypeOf[[]reading]("[]example.com/shop.reading")
	textsType    = dag.TypeOf[[]string]("[]string")
	floatType    = dag.ImmutableOf[float64]("float64")
)

// calls counts calls of an op that keeps state between them.
var calls int

// diskManager is an IO manager of the user's: numbers in files of a folder.
type diskManager struct{ dir string }

func (d diskManager) path(c *dag.OutputContext) string {
	return filepath.Join(d.dir, strings.NewReplacer("/", "_", ":", "_").Replace(strings.Join(c.Identifier(), "-")))
}

func (d diskManager) HandleOutput(_ context.Context, c *dag.OutputContext, v any) error {
	return os.WriteFile(d.path(c), []byte(strconv.Itoa(v.(int))), 0o600)
}

func (d diskManager) LoadInput(_ context.Context, c *dag.InputContext) (any, error) {
	data, err := os.ReadFile(d.path(c.Upstream))
	if err != nil {
		return nil, err
	}
	return strconv.Atoi(string(data))
}

func (d diskManager) HasOutput(_ context.Context, c *dag.OutputContext) (bool, error) {
	_, err := os.Stat(d.path(c))
	return err == nil, nil
}

// offGrid reports whether the time zone is one of those that Verify sets.
func offGrid() bool {
	_, offset := time.Unix(0, 0).Zone()
	return offset%3600 != 0
}

// suspects is a package of assets that depend on what no version sees, and of some that do not. Each has the key of what it does.
// It is made again in child processes, which know its folder and secret from their environment.
func suspects(t testing.TB, dir string) *shop {
	s := newShop(t)
	for _, key := range strings.Fields(os.Getenv("SUSPECT_EDITED")) {
		s.code[key] = "edited"
	}
	asset := func(key string, typ *dag.Type, f func(ctx context.Context, c *dag.Call) (any, error), from ...*dag.Op) *dag.Op {
		op := &dag.Op{Kind: dag.KindAsset, Key: key, Outputs: []dag.Output{{Name: "result", Asset: key, Type: typ}}}
		for _, up := range from {
			op.Inputs = append(op.Inputs, dag.Input{Name: up.Key, Asset: up.Key, Type: up.Outputs[0].Type})
		}
		return s.add(op, func(ctx context.Context, c *dag.Call) (err error) {
			c.Out[0], err = f(ctx, c)
			return err
		})
	}
	plainText := func(f func() string) func(context.Context, *dag.Call) (any, error) {
		return func(context.Context, *dag.Call) (any, error) { return f(), nil }
	}

	s.source("days", func() (any, error) { return dag.OpenFile(filepath.Join(dir, "days.csv")) })
	pure := asset("pure", listType, func(_ context.Context, c *dag.Call) (any, error) {
		list := make([]int, 100_000) // stored as a file
		for i := range list {
			list[i] = i * i
		}
		return list, nil
	})
	asset("pure_below", intType, func(_ context.Context, c *dag.Call) (any, error) { return len(dag.In[[]int](c, 0)), nil }, pure)
	asset("map_order", textsType, func(context.Context, *dag.Call) (any, error) {
		m := map[string]bool{}
		for i := range 30 {
			m[fmt.Sprint("k", i)] = true
		}
		var keys []string
		for k := range m {
			keys = append(keys, k)
		}
		return keys, nil
	})
	asset("zone", readingsType, func(context.Context, *dag.Call) (any, error) {
		_, offset := time.Unix(0, 0).Zone()
		return []reading{{"oslo", 4}, {"rome", float64(offset % 3600)}}, nil
	})
	asset("zoned_time", dag.TypeOf[time.Time]("time.Time"), func(context.Context, *dag.Call) (any, error) { return time.Unix(0, 0), nil })
	asset("processors", floatType, func(context.Context, *dag.Call) (any, error) {
		parts := make([]float64, runtime.GOMAXPROCS(0))
		for i := range 100_000 {
			parts[i%len(parts)] += 1 / float64(i+1)
		}
		sum := 0.0
		for _, p := range parts {
			sum += p
		}
		return sum, nil
	})
	asset("says", intType, func(ctx context.Context, _ *dag.Call) (any, error) {
		return rand.Int(), dag.SetDataVersion(ctx, "", "1")
	})
	asset("says_zone", intType, func(ctx context.Context, _ *dag.Call) (any, error) {
		_, offset := time.Unix(0, 0).Zone()
		return 1, dag.SetDataVersion(ctx, "result", dag.DataVersion(fmt.Sprint("offset ", offset%3600)))
	})
	asset("random", intType, func(context.Context, *dag.Call) (any, error) { return rand.Int(), nil })
	asset("calls", intType, func(context.Context, *dag.Call) (any, error) { calls++; return calls, nil })
	stamped := asset("stamped_file", fileType, func(ctx context.Context, _ *dag.Call) (any, error) {
		return dag.WriteFile(ctx, "page.txt", func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "made\nat %v\n", time.Now().UnixNano())
			return err
		})
	})
	asset("page_size", intType, func(_ context.Context, c *dag.Call) (any, error) { return int(dag.In[dag.File](c, 0).Size()), nil }, stamped)
	asset("panics", intType, func(context.Context, *dag.Call) (any, error) {
		if offGrid() {
			panic("no such hour")
		}
		return 1, nil
	})
	asset("exits", intType, func(context.Context, *dag.Call) (any, error) {
		if os.Getenv("LC_ALL") == "C" {
			fmt.Fprintln(os.Stderr, "cannot go on")
			os.Exit(3)
		}
		return 1, nil
	})
	asset("goexits", intType, func(context.Context, *dag.Call) (any, error) {
		if offGrid() {
			runtime.Goexit()
		}
		return 1, nil
	})
	asset("refuses", intType, func(context.Context, *dag.Call) (any, error) {
		if os.Getenv("GOGC") == "10" {
			return nil, fmt.Errorf("too little memory, token %s", os.Getenv("SUSPECT_TOKEN"))
		}
		return 1, nil
	})
	asset("goroutine", intType, func(context.Context, *dag.Call) (any, error) {
		if runtime.GOMAXPROCS(0) == 61 {
			go func() { panic("in the background") }()
			time.Sleep(time.Minute)
		}
		return 1, nil
	})
	asset("slow", intType, func(ctx context.Context, _ *dag.Call) (any, error) {
		if offGrid() && os.Getenv("SUSPECT_SLOW") != "" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return 1, nil
	})
	asset("disk", textType, plainText(func() string {
		data, _ := os.ReadFile(filepath.Join(dir, "outside"))
		return string(data)
	}))
	asset("temp", textType, plainText(os.TempDir))
	asset("secret", textType, plainText(func() string { return "token=" + os.Getenv("SUSPECT_TOKEN") + " " + os.Getenv("LC_ALL") }))
	declared := asset("declared", textType, plainText(func() string { return os.Getenv("LC_ALL") + os.TempDir() }))
	declared.Env = []string{"LC_ALL", "TMPDIR"}
	s.add(&dag.Op{Kind: dag.KindAsset, Key: "two", Outputs: []dag.Output{{Name: "left", Asset: "left", Type: intType}, {Name: "right", Asset: "right", Type: textType}}},
		func(ctx context.Context, c *dag.Call) error {
			c.Out[0], c.Out[1] = 1, time.Unix(0, 0).Format("15:04")
			return dag.AddMetadataTo(ctx, "left", dag.Text("locale", os.Getenv("LC_ALL")))
		})
	asset("notes", intType, func(ctx context.Context, c *dag.Call) (any, error) {
		return 1, dag.AddOutputMetadata(ctx, dag.Text("locale", os.Getenv("LC_ALL")), dag.Int("rows", 1))
	})
	s.add(&dag.Op{Kind: dag.KindAsset, Key: "nothing"}, func(context.Context, *dag.Call) error { return nil })
	volatile := asset("volatile", intType, func(context.Context, *dag.Call) (any, error) { return 1, nil })
	volatile.Volatile = true
	asset("below_volatile", intType, func(_ context.Context, c *dag.Call) (any, error) {
		return dag.In[int](c, 0) + len(os.Getenv("LC_ALL")), nil
	}, volatile)

	disk := &dag.Resource{Key: "disk_io", Type: dag.TypeOf[diskManager]("example.com/shop.diskManager")}
	s.resource(disk, func(context.Context, *dag.Call) (any, func(), error) { return diskManager{dir}, nil, nil })
	kept := asset("kept_elsewhere", intType, func(context.Context, *dag.Call) (any, error) { return len(os.Getenv("LC_ALL")), nil })
	kept.IO = "disk_io"
	asset("from_elsewhere", intType, func(_ context.Context, c *dag.Call) (any, error) { return dag.In[int](c, 0) + 1, nil }, kept)
	labelled := asset("resource", textType, func(_ context.Context, c *dag.Call) (any, error) { return dag.ResourceOf[string](c, 0), nil })
	labelled.Resources = []dag.ResourceUse{{Name: "label", Key: "label"}}
	s.resource(&dag.Resource{Key: "label", Type: textType, Config: secretConfig}, func(_ context.Context, c *dag.Call) (any, func(), error) {
		return "label " + dag.ConfigOf[secretLabel](c).Name, nil, nil
	})

	count := asset("count", intType, func(_ context.Context, c *dag.Call) (any, error) {
		r, err := dag.In[dag.File](c, 0).Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		data, err := io.ReadAll(r)
		return strings.Count(string(data), "\n"), err
	})
	count.Inputs = []dag.Input{{Name: "days", Asset: "days", Type: fileType}}
	return s
}

type secretLabel struct {
	Name  string     `json:"name"`
	Token dag.Secret `json:"token"`
}

var secretConfig = &dag.Config{
	Symbol: pkg + ".secretLabel", Decode: dag.DecodeConfig[secretLabel], Encode: dag.EncodeConfig[secretLabel],
	Fields: []dag.Field{{Name: "name", Kind: dag.FieldString, Default: `"none"`}, {Name: "token", Kind: dag.FieldString, Secret: true, Required: true}},
}

const secretToken = "s3cr3t-t0k3n"

// suspectJob is a job with a config parameter and a data parameter.
func suspectJob(t testing.TB) *shop {
	s := newShop(t)
	sum := s.add(&dag.Op{Key: "sum", Inputs: []dag.Input{{Name: "list", Type: listType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}},
		func(_ context.Context, c *dag.Call) error {
			n := 0
			for _, v := range dag.In[[]int](c, 0) {
				n += v
			}
			c.Out[0] = n
			return nil
		})
	named := s.add(&dag.Op{Key: "named", Config: secretConfig, Inputs: []dag.Input{{Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: textType}}},
		func(_ context.Context, c *dag.Call) error {
			c.Out[0] = fmt.Sprint(dag.ConfigOf[secretLabel](c).Name, dag.In[int](c, 0))
			return nil
		})
	twice := s.op("twice", []string{"n", "m"}, func(in []int) int { return in[0] * in[1] })
	label := param(1)
	j := s.job("job", []dag.Node{
		{Key: "sum", Op: sum, Inputs: []dag.Binding{param(0)}},
		{Key: "named", Op: named, Inputs: []dag.Binding{from(0)}, Config: &label},
		{Key: "twice", Op: twice, Inputs: []dag.Binding{from(0), value(2)}},
	}, 1)
	j.Params = []dag.JobParam{{Name: "list", Type: listType}, {Name: "label", Type: dag.TypeOf[secretLabel]("example.com/shop.secretLabel"), Config: secretConfig}}
	return s
}
