package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

const pkg = "example.com/shop"

var (
	intType  = dag.ImmutableOf[int]("int")
	textType = dag.ImmutableOf[string]("string")
	listType = dag.TypeOf[[]int]("[]int")
)

// declared is the code of a test package: the body of each function, and what it calls.
type declared map[string]string // "mean": "sum(xs) / n -> sum"; what is called behind an interface has a "~"

// text makes the manifest of a package: one node a function, and an entry for each symbol that is asked for.
func (d declared) text(t testing.TB, symbols []string) string {
	t.Helper()
	m := &manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26"}
	m.Nodes = append(m.Nodes, manifest.Node{Name: manifest.EnvNode, Kind: manifest.KindEnv, Local: canon.Sum([]byte("env")), Hash: canon.Sum([]byte("env"))})
	var hash func(name string) canon.Digest
	hash = func(name string) canon.Digest {
		body, calls, _ := strings.Cut(d[name], "->")
		sum := body
		for _, c := range strings.Fields(calls) {
			sum += hash(strings.TrimPrefix(c, "~")).Hex()
		}
		return canon.Sum([]byte(sum))
	}
	for name, code := range d {
		body, calls, _ := strings.Cut(code, "->")
		n := manifest.Node{Name: pkg + "." + name, Kind: manifest.KindFunc, File: "shop.go", Local: canon.Sum([]byte(body)), Hash: hash(name)}
		for _, c := range strings.Fields(calls) {
			if method, ok := strings.CutPrefix(c, "~"); ok {
				n.Implied = append(n.Implied, pkg+"."+method)
			} else {
				n.Refs = append(n.Refs, pkg+"."+c)
			}
		}
		m.Nodes = append(m.Nodes, n)
	}
	for _, s := range symbols {
		name := strings.TrimPrefix(s, pkg+".")
		if _, ok := d[name]; ok {
			m.Entries = append(m.Entries, manifest.Entry{Symbol: s, Version: hash(name), Node: s})
		}
	}
	return m.Text()
}

// asset is an asset of ints that is fed by others.
func asset(key string, from ...string) *dag.Op {
	op := &dag.Op{Kind: dag.KindAsset, Key: key, Symbol: pkg + "." + key, Outputs: []dag.Output{{Name: "result", Asset: key, Type: intType}}}
	for _, f := range from {
		op.Inputs = append(op.Inputs, dag.Input{Name: f, Asset: f, Type: intType})
	}
	return op
}

func source(key string) *dag.Op {
	op := asset(key)
	op.Kind = dag.KindSource
	return op
}

// define makes the definitions of a package. Functions without a body in code get one that says their name.
func define(t testing.TB, code declared, ops []*dag.Op, resources ...*dag.Resource) dag.Definitions {
	t.Helper()
	all := declared{}
	for k, v := range code {
		all[k] = v
	}
	var symbols []string
	add := func(symbol string) {
		name := strings.TrimPrefix(symbol, pkg+".")
		if _, ok := all[name]; !ok {
			all[name] = "body of " + name
		}
		if !slices.Contains(symbols, symbol) {
			symbols = append(symbols, symbol)
		}
	}
	for _, o := range ops {
		add(o.Symbol)
	}
	for _, r := range resources {
		add(r.Symbol)
	}
	return dag.Definitions{Module: pkg, Package: pkg, Manifest: all.text(t, symbols), Proof: dag.ProofNone, Ops: ops, Resources: resources}
}

func catalog(t testing.TB, defs ...dag.Definitions) *Catalog {
	t.Helper()
	c, err := NewCatalog(defs...)
	require.NoError(t, err)
	return c
}

// shelf is what is stored, as values: a plan is a function of it.
type shelf struct {
	records   []*storage.Record
	manifests map[canon.Digest][]byte
	damaged   map[string]string // step key: problem
	io        map[string]bool   // memoizable or not
	values    map[canon.Digest]any
	asked     []string
}

func newShelf() *shelf {
	return &shelf{manifests: map[canon.Digest][]byte{}, damaged: map[string]string{}, io: map[string]bool{}}
}

func (s *shelf) find(match func(*storage.Record) bool) *storage.Record {
	for _, r := range slices.Backward(s.records) {
		if match(r) {
			return r
		}
	}
	return nil
}

func (s *shelf) RecordsByStep(_ context.Context, ds []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	s.asked = append(s.asked, fmt.Sprintf("step %d", len(ds)))
	m := map[canon.Digest]*storage.Record{}
	for _, d := range ds {
		if r := s.find(func(r *storage.Record) bool { return r.Step == d }); r != nil {
			m[d] = r
		}
	}
	return m, nil
}

func (s *shelf) RecordsByContent(_ context.Context, ds []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	s.asked = append(s.asked, fmt.Sprintf("content %d", len(ds)))
	m := map[canon.Digest]*storage.Record{}
	for _, d := range ds {
		if r := s.find(func(r *storage.Record) bool { return r.Content == d }); r != nil {
			m[d] = r
		}
	}
	return m, nil
}

func (s *shelf) Latest(_ context.Context, ids []string) (map[string]*storage.Record, error) {
	m := map[string]*storage.Record{}
	for _, id := range ids {
		if r := s.find(func(r *storage.Record) bool { return r.Identity == id }); r != nil {
			m[id] = r
		}
	}
	return m, nil
}

func (s *shelf) LatestOf(_ context.Context, prefix, after string, limit int) ([]storage.LatestRecord, error) {
	var out []storage.LatestRecord
	seen := map[string]bool{}
	for _, r := range s.records {
		if strings.HasPrefix(r.Identity, prefix) && r.Identity > after && !seen[r.Identity] {
			seen[r.Identity] = true
			latest := s.find(func(o *storage.Record) bool { return o.Identity == r.Identity })
			out = append(out, storage.LatestRecord{Record: *latest, Usable: true})
		}
	}
	slices.SortFunc(out, func(a, b storage.LatestRecord) int { return strings.Compare(a.Identity, b.Identity) })
	return out[:min(limit, len(out))], nil
}

func (s *shelf) BriefsOf(ctx context.Context, prefix, after string, limit int, into []storage.Brief) ([]storage.Brief, bool, error) {
	all, err := s.LatestOf(ctx, prefix, after, limit)
	if err != nil {
		return nil, false, err
	}
	return storage.Briefs(all, into)
}

func (s *shelf) Manifests(_ context.Context, ds []canon.Digest) (map[canon.Digest][]byte, error) {
	s.asked = append(s.asked, fmt.Sprintf("manifest %d", len(ds)))
	m := map[canon.Digest][]byte{}
	for _, d := range ds {
		if b, ok := s.manifests[d]; ok {
			m[d] = b
		}
	}
	return m, nil
}

func (s *shelf) Check(_ context.Context, stored []Stored) []string {
	out := make([]string, len(stored))
	for i, st := range stored {
		out[i] = s.damaged[st.Step.Key]
	}
	return out
}

func (s *shelf) Load(_ context.Context, st *Step, out *storage.Output, _ *dag.Type) (any, error) {
	s.asked = append(s.asked, "load "+st.Key)
	if v, ok := s.values[out.DataVersion]; ok {
		return v, nil
	}
	return nil, storage.ErrNotFound
}

func (s *shelf) Memoizable(_ context.Context, io string) (bool, error) { return s.io[io], nil }

// run stores what computing every step of a plan that is not reused would store; give says what data each step has.
func (s *shelf) run(p *Plan, give func(key string) string) {
	h := NewHasher()
	data := make([]canon.Digest, p.Len())
	for i := range p.Len() {
		st := p.At(i)
		switch {
		case st.Op.Kind == dag.KindSource:
			data[i] = st.Observed.Data
			s.add(&storage.Record{Step: st.Version, Content: st.Content, Identity: st.Identity})
			continue
		case st.Action == Reuse:
			data[i] = st.Record.Outputs[0].DataVersion
			continue
		}
		data[i] = canon.Sum([]byte(give(st.Key)))
		rec := &storage.Record{Step: st.Version, Identity: st.Identity, StepKey: st.Key, Symbol: st.Op.Symbol, Code: st.Code, Env: st.Env()}
		in := slices.Clone(st.Data)
		for k := range in {
			if r := st.ref(k); r.From >= 0 {
				in[k] = data[r.From]
			} else if keys, parts, ok := p.Gathered(r); ok {
				in[k], _ = p.Evaluator(ran{data}).partitions(&value{kind: valueGather, typ: p.flow.value(r.From).typ, bind: &dag.Binding{Keys: keys}, parts: parts}, true)
			}
			rec.Inputs = append(rec.Inputs, storage.Input{Name: st.InputName(k), From: st.InputFrom(p, k), Version: st.Versions[k], DataVersion: in[k], Partitions: st.InputPartitions(p, k)})
		}
		rec.Content = h.Content(st, in)
		if st.Config != nil {
			rec.Config = st.Config.Canonical
		}
		var text []byte
		rec.Manifest, text = st.OpManifest()
		s.manifests[rec.Manifest] = text
		rec.Resources = map[string]string{}
		for k, v := range st.ResourceVersions() {
			rec.Resources[st.Op.Resources[k].Name] = v.String()
		}
		for _, v := range st.Resources() {
			state := storage.ResourceState{Key: v.Resource.Key, Code: v.Code, Env: v.Env}
			state.Manifest, text = p.Target.ResourceManifest(v.Resource.Key)
			s.manifests[state.Manifest] = text
			if v.Config != nil {
				state.Config = v.Config.Canonical
			}
			rec.Reached = append(rec.Reached, state)
		}
		for k := range st.Op.Outputs {
			rec.Outputs = append(rec.Outputs, storage.Output{Name: st.Op.Outputs[k].Name, DataVersion: data[i], Version: st.Outputs[k], IO: st.Op.IO})
		}
		s.add(rec)
	}
}

// ran are the data versions that steps have, by their index.
type ran struct{ data []canon.Digest }

func (g ran) Version(s *Step, _ int32) canon.Digest { return s.Outputs[0] }
func (g ran) Data(s *Step, _ int32) canon.Digest    { return g.data[s.Index] }
func (g ran) Load(*Step, int32) (any, error)        { return nil, storage.ErrNotFound }

func (s *shelf) add(r *storage.Record) {
	for _, old := range s.records {
		if old.Identity == r.Identity {
			old.Newest = false
		}
	}
	r.ID, r.Newest = int64(len(s.records)+1), true
	s.records = append(s.records, r)
}

// request is everything a plan of the test package needs.
func request(t testing.TB, c *Catalog, job, selection string) Request {
	t.Helper()
	target, err := c.Target(job, selection)
	require.NoError(t, err)
	r := Request{Target: target, Observed: map[Sight]*Observation{}, Encode: func(_ *dag.Type, v any) ([]byte, error) { return fmt.Append(nil, v), nil }}
	for _, i := range target.Sources {
		r.Observed[Sight{Place: i}] = &Observation{Data: canon.Sum([]byte(target.Graph.Nodes[i].Key)), Text: "as it was"}
	}
	if target.Job != nil {
		r.Params = make([]any, len(target.Job.Params))
	}
	return r
}

func build(t testing.TB, r Request, look *shelf) *Plan {
	t.Helper()
	var l Lookup
	if look != nil {
		l = look
	}
	p, err := Build(t.Context(), r, l)
	require.NoError(t, err)
	return p
}

// actions is a plan in short: "a=run b=reuse".
func actions(p *Plan) string {
	var parts []string
	for _, s := range p.Steps {
		parts = append(parts, s.Key+"="+string(s.Action))
	}
	return strings.Join(parts, " ")
}

func reasons(p *Plan, key string) []string {
	var texts []string
	for _, s := range p.Steps {
		if s.Key == key {
			for _, r := range s.Reasons {
				texts = append(texts, r.Code+": "+r.Text)
			}
		}
	}
	return texts
}

func conf(json string) *Config {
	return &Config{Go: json, Canonical: []byte(json), Digest: canon.Sum([]byte(json))}
}
