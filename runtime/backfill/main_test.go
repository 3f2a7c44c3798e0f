package backfill

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func TestMain(m *testing.M) {
	// The coders are made where they are first used, and stay.
	packed, coding := squeeze.Pack(make([]byte, 2*squeeze.Threshold))
	if _, err := squeeze.Unpack(packed, coding, -1); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

const pkg = "example.com/shop"

// A shop is a package as the generator would write it: base, and readings and means of base, with partitions.
type shop struct {
	days *partition.Definition
	code string // of readings
	inst *instance.Instance

	mu      sync.Mutex
	calls   []string                                    // of readings, by partition, in their order
	reading func(ctx context.Context, key string) error // what readings does; nil for nothing
}

func newShop(t *testing.T, days *partition.Definition) *shop {
	inst, err := instance.LocalTemp(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close()) })
	return &shop{days: days, inst: inst}
}

func (s *shop) catalog(t *testing.T) *plan.Catalog { return s.definitions(t, nil) }

var (
	intType = dag.ImmutableOf[int]("int")
	mapType = dag.PartitionMapOf[int]("map[github.com/dagstergen/dagstergen/runtime/dag.PartitionKey]int", intType)
)

// asset is an asset that takes others, of which those that begin with * are several partitions.
func asset(key string, of *partition.Definition, body func(context.Context, string) error, from ...string) *dag.Op {
	o := &dag.Op{Kind: dag.KindAsset, Key: key, Symbol: pkg + "." + key, Partitions: of, Outputs: []dag.Output{{Name: "result", Asset: key, Type: intType}}}
	for _, up := range from {
		in := dag.Input{Name: up, Asset: up, Type: intType}
		if name, several := strings.CutPrefix(up, "*"); several {
			in = dag.Input{Name: name, Asset: name, Type: mapType}
		}
		o.Inputs = append(o.Inputs, in)
	}
	o.Invoke = func(ctx context.Context, c *dag.Call) error {
		p, _ := dag.PartitionOf(ctx)
		c.Out[0] = len(p.Key)
		return body(ctx, string(p.Key))
	}
	return o
}

// read notes that it was called with a key, and does what readings does.
func (s *shop) read(ctx context.Context, key string) error {
	s.mu.Lock()
	s.calls = append(s.calls, key)
	body := s.reading
	s.mu.Unlock()
	if body == nil {
		return nil
	}
	return body(ctx, key)
}

// definitions is the catalog with more ops and jobs.
func (s *shop) definitions(t *testing.T, more []*dag.Op, jobs ...*dag.JobDef) *plan.Catalog {
	nothing := func(context.Context, string) error { return nil }
	ops := []*dag.Op{asset("base", nil, nothing), asset("means", s.days, nothing, "readings"), asset("readings", s.days, s.read, "base")}
	d := dag.Definitions{Module: pkg, Package: pkg, Proof: dag.ProofNone, Ops: append(ops, more...), Jobs: jobs}
	m := &manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26"}
	env := canon.Sum([]byte("env"))
	m.Nodes = append(m.Nodes, manifest.Node{Name: manifest.EnvNode, Kind: manifest.KindEnv, Local: env, Hash: env})
	for _, o := range d.Ops {
		sum := canon.Sum([]byte(o.Key))
		if o.Key == "readings" {
			sum = canon.Sum([]byte(o.Key + s.code))
		}
		m.Nodes = append(m.Nodes, manifest.Node{Name: o.Symbol, Kind: manifest.KindFunc, File: "shop.go", Local: sum, Hash: sum})
		m.Entries = append(m.Entries, manifest.Entry{Symbol: o.Symbol, Version: sum, Node: o.Symbol})
	}
	d.Manifest = m.Text()
	cat, err := plan.NewCatalog(d)
	require.NoError(t, err)
	return cat
}

func (s *shop) options() execute.Options { return execute.Options{Instance: s.inst} }

// take returns the partitions that readings was called for since the last time.
func (s *shop) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := strings.Join(s.calls, " ")
	s.calls = nil
	return out
}

// sorted is take in the order of the keys.
func (s *shop) sorted() string {
	list := strings.Fields(s.take())
	slices.Sort(list)
	return strings.Join(list, " ")
}

func (s *shop) does(f func(ctx context.Context, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = f
}

var errBroken = errors.New("it is broken")

// failing lets readings fail for keys.
func failing(keys ...string) func(context.Context, string) error {
	return func(_ context.Context, key string) error {
		if slices.Contains(keys, key) {
			return errBroken
		}
		return nil
	}
}

// days are the first n days of 2024.
func days(n int) *partition.Definition {
	return partition.Daily("2024-01-01", partition.Until(time.Date(2024, 1, 1+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)))
}
