package plan

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

type fixed string

func (f fixed) OpVersion(c dag.OpVersionContext) (string, error) {
	switch f {
	case "error":
		return "", errors.New("cannot say")
	case "panic":
		panic("oh no")
	case "config":
		return fmt.Sprint(c.Config), nil
	case "hash":
		return c.CodeVersion, nil
	}
	return string(f), nil
}

type fixedBoth struct{ fixed }

func (f fixedBoth) ResourceVersion(dag.ResourceVersionContext) (string, error) {
	return f.OpVersion(dag.OpVersionContext{})
}

func TestStrategies(t *testing.T) {
	job := func(s dag.VersionStrategy, ops ...*dag.Op) (dag.Definitions, *dag.JobDef) {
		d := define(t, nil, ops)
		j := &dag.JobDef{GraphDef: dag.GraphDef{Key: "j", Symbol: pkg + ".J"}, Strategy: s}
		for _, o := range ops {
			j.Nodes = append(j.Nodes, dag.Node{Key: o.Key, Op: o})
		}
		d.Jobs = []*dag.JobDef{j}
		return d, j
	}
	op := func(key string) *dag.Op { o := asset(key); o.Kind = dag.KindOp; return o }
	versionOf := func(s dag.VersionStrategy, o *dag.Op) canon.Digest {
		d, _ := job(s, o)
		return build(t, request(t, catalog(t, d), "j", ""), nil).Steps[0].Version
	}
	assert.Equal(t, versionOf(nil, op("a")), versionOf(fixed("hash"), op("a")), "the source hash is the default")
	assert.Equal(t, versionOf(nil, op("a")), versionOf(dag.SourceHashVersionStrategy{}, op("a")))
	assert.NotEqual(t, versionOf(fixed("1"), op("a")), versionOf(fixed("2"), op("a")))
	assert.NotEqual(t, versionOf(fixed("1"), op("a")), versionOf(fixed("1"), op("b")), "the same text says different things of different functions")

	explicit := op("a")
	explicit.Version = "override"
	assert.Equal(t, versionOf(fixed("1"), explicit), versionOf(fixed("2"), explicit), "V35: version= wins over the strategy")
	own := op("a")
	own.Strategy = fixed("mine")
	assert.Equal(t, versionOf(fixed("1"), own), versionOf(nil, own), "the op's own strategy wins over the job's")

	for name, want := range map[fixed]string{
		"error": `the version strategy of op "a" failed: cannot say`,
		"panic": `the version strategy of op "a" panicked: oh no`,
		"":      `the version strategy gave op "a" an empty version; return one, or give the op version=`,
	} {
		d, _ := job(name, op("a"))
		_, err := Build(t.Context(), request(t, catalog(t, d), "j", ""), nil)
		assert.EqualError(t, err, want)
	}

	t.Run("a strategy may look at config", func(t *testing.T) {
		o := op("a")
		o.Config = &dag.Config{}
		d, j := job(fixed("config"), o)
		j.Nodes = append(j.Nodes, dag.Node{Key: "a_2", Op: o})
		r := request(t, catalog(t, d), "j", "")
		r.Configs = map[string]*Config{"a": conf("1"), "a_2": conf("2")}
		p := build(t, r, nil)
		assert.Equal(t, []string{"1", "2"}, []string{p.Steps[0].Code, p.Steps[1].Code})
	})
	t.Run("a strategy may version resources", func(t *testing.T) {
		o := op("a")
		o.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
		version := func(s dag.VersionStrategy) canon.Digest {
			d := define(t, nil, []*dag.Op{o}, &dag.Resource{Key: "db", Symbol: pkg + ".OpenDB"})
			d.Jobs = []*dag.JobDef{{GraphDef: dag.GraphDef{Key: "j", Symbol: pkg + ".J", Nodes: []dag.Node{{Key: "a", Op: o}}}, Strategy: s}}
			return build(t, request(t, catalog(t, d), "j", ""), nil).Steps[0].ResourceVersions()[0]
		}
		assert.NotEqual(t, version(fixedBoth{"1"}), version(fixedBoth{"2"}))
		assert.Equal(t, version(fixed("1")), version(fixed("2")), "one that does not leaves them their source hash")
	})
}

func TestOpWithoutAVersionIsAnError(t *testing.T) { // V7, V17
	d := define(t, nil, []*dag.Op{asset("a"), asset("b", "a")})
	d.Manifest = declared{"a": "x"}.text(t, []string{pkg + ".a"})
	_, err := Build(t.Context(), request(t, catalog(t, d), "", ""), nil)
	assert.EqualError(t, err, "asset \"b\" (example.com/shop.b) has no version in the manifest of example.com/shop; run `go generate ./...` again")
}

func jobOf(ops []*dag.Op, nodes ...dag.Node) *dag.JobDef {
	return &dag.JobDef{GraphDef: dag.GraphDef{Key: "j", Symbol: pkg + ".J", Nodes: nodes, Params: []dag.JobParam{{Name: "n", Type: intType}}}}
}

func literal(v any) dag.Binding { return dag.Binding{Kind: dag.FromLiteral, Value: v} }
func from(node int) dag.Binding { return dag.Binding{Kind: dag.FromNode, Node: node} }
func param(i int) dag.Binding   { return dag.Binding{Kind: dag.FromParam, Param: i} }

func TestValuesCount(t *testing.T) { // V46, V48, V49
	op := func(key string, inputs ...*dag.Type) *dag.Op {
		o := &dag.Op{Key: key, Symbol: pkg + "." + key, Outputs: []dag.Output{{Name: "result", Type: intType}}}
		for i, typ := range inputs {
			o.Inputs = append(o.Inputs, dag.Input{Name: string(rune('x' + i)), Type: typ})
		}
		return o
	}
	last := func(params []any, nodes ...dag.Node) canon.Digest {
		var ops []*dag.Op
		for _, n := range nodes {
			ops = append(ops, n.Op)
		}
		d := define(t, nil, ops)
		d.Jobs = []*dag.JobDef{jobOf(ops, nodes...)}
		r := request(t, catalog(t, d), "j", "")
		if params != nil {
			r.Params = params
		}
		p := build(t, r, nil)
		return p.Steps[len(p.Steps)-1].Version
	}
	one := func(v any, typ *dag.Type) canon.Digest {
		return last(nil, dag.Node{Key: "f", Op: op("f", typ), Inputs: []dag.Binding{literal(v)}})
	}
	assert.NotEqual(t, one(1, intType), one(2, intType))
	assert.NotEqual(t, one(1, intType), one("1", textType), "1 is not \"1\"")
	assert.NotEqual(t, one([]int{1, 2}, listType), one([]int{2, 1}, listType), "the order of a list counts")
	assert.Equal(t, one(1, intType), one(1, intType))

	given := func(v int) canon.Digest {
		return last([]any{v}, dag.Node{Key: "f", Op: op("f", intType), Inputs: []dag.Binding{param(0)}})
	}
	assert.NotEqual(t, given(1), given(2), "the value of a job's input counts")
	assert.Equal(t, given(1), one(1, intType), "wherever a value comes from")

	f, g, h := op("f"), op("g"), op("h", intType, intType)
	swap := func(a, b int) canon.Digest {
		return last(nil, dag.Node{Key: "f", Op: f}, dag.Node{Key: "g", Op: g}, dag.Node{Key: "h", Op: h, Inputs: []dag.Binding{from(a), from(b)}})
	}
	assert.NotEqual(t, swap(0, 1), swap(1, 0), "h(f, g) is not h(g, f)")

	alias := func(key string) canon.Digest { return last(nil, dag.Node{Key: key, Op: f}) }
	assert.Equal(t, alias("f"), alias("other"), "the name of a step is not in its version")
	renamed := op("f", intType)
	renamed.Inputs[0].Name = "y"
	assert.NotEqual(t, one(1, intType), last(nil, dag.Node{Key: "f", Op: renamed, Inputs: []dag.Binding{literal(1)}}), "the name of an input is")
}

func TestBrokenJobIsAnErrorNotAPanic(t *testing.T) {
	f := &dag.Op{Key: "f", Symbol: pkg + ".f", Inputs: []dag.Input{{Name: "x", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}
	stranger := &dag.Op{Key: "g", Symbol: pkg + ".g"}
	for _, n := range []dag.Node{
		{Key: "f", Op: f}, {Key: "f", Op: f, Inputs: []dag.Binding{from(0)}}, {Key: "f", Op: f, Inputs: []dag.Binding{from(7)}},
		{Key: "f", Op: f, Inputs: []dag.Binding{param(3)}}, {Key: "g", Op: stranger},
	} {
		d := define(t, nil, []*dag.Op{f})
		d.Jobs = []*dag.JobDef{jobOf(nil, n)}
		_, err := NewCatalog(d)
		require.Error(t, err)
		assert.Contains(t, err.Error(), "run `go generate ./...` again")
	}
}

func TestTypeShapes(t *testing.T) {
	type inner struct{ A int }
	type renamed struct{ B int }
	type tagged struct {
		A int `json:"x"`
	}
	type loop struct {
		Name string
		Next *loop
	}
	type other struct {
		Name string
		Next *other
	}
	shapes := map[canon.Digest]string{}
	for name, typ := range map[string]*dag.Type{
		"int": intType, "string": textType, "[]int": listType, "[2]int": dag.TypeOf[[2]int](""), "[3]int": dag.TypeOf[[3]int](""), "*int": dag.TypeOf[*int](""),
		"map": dag.TypeOf[map[string]int](""), "map the other way": dag.TypeOf[map[int]string](""), "inner": dag.TypeOf[inner](""), "renamed": dag.TypeOf[renamed](""),
		"tagged": dag.TypeOf[tagged](""), "loop": dag.TypeOf[loop](""), "other": dag.TypeOf[other](""), "time": dag.TypeOf[time.Time](""), "any": dag.TypeOf[any](""),
	} {
		d := typeShape(typ)
		if twin, same := shapes[d]; same {
			t.Errorf("%s and %s have one shape", name, twin)
		}
		shapes[d] = name
		assert.Equal(t, d, typeShape(typ))
	}
}

// The formulas of versions must not change by accident: everything that is stored would be computed again. A changed formula gets a new
// domain, and new digests here.
func TestVersionsAreStable(t *testing.T) {
	a := asset("a", "s")
	a.Config = &dag.Config{}
	a.Resources = []dag.ResourceUse{{Name: "conn", Key: "db"}}
	a.Deps = []string{"s"}
	a.Inputs = append(a.Inputs, dag.Input{Name: "s2", Asset: "s", Type: intType})
	c := catalog(t, define(t, declared{"a": "return 1", "OpenDB": "open"}, []*dag.Op{source("s"), a}, &dag.Resource{Key: "db", Symbol: pkg + ".OpenDB", Config: &dag.Config{}}))
	r := request(t, c, "", "")
	r.Configs, r.Resources = map[string]*Config{"a": conf("1")}, map[string]*Config{"db": conf("2")}
	p := build(t, r, nil)
	s := p.Steps[1]
	h := NewHasher()
	_, value, data, err := h.value(intType, 7, func(*dag.Type, any) ([]byte, error) { return []byte("7"), nil })
	require.NoError(t, err)
	for what, got := range map[string]struct {
		digest canon.Digest
		want   string
	}{
		"resource": {s.ResourceVersions()[0], "c54fbdbeb843c0953e8e6ab9ee489f7c3bf1da3163a90cd632f670720ccb591d"},
		"step":     {s.Version, "e690d0e9badd21109df6ac626a52d855efc6c1926171035cbc5c0e89a54d5582"},
		"output":   {s.Outputs[0], "feb3daf8d962c564812052ff62c3d59656199ed1d7171d5825ad32c12527df71"},
		"content":  {h.Content(s, s.Data), "bd0608e98fc5cc79ba8d87e29fcd1d2fb8ed1600cc7fd33a46fe2ec1e4bc8750"},
		"value":    {value, "4ee6c47198b6f384ef96b1c1985aac8728e57775b01d186e640640255ea6d8e7"},
		"data":     {data, canon.Sum([]byte("7")).Hex()},
		"named":    {h.NamedData("asset:s", "result", "2024-01-01"), "3d9af9c707b9cd3928e374e843977e8190f6b0f09f8c8e237408d8acfcf23a32"},
		"nothing":  {h.Nothing(canon.Sum(nil)), "5824f1cf9cdeb49df843e3238bf41274a1532a537eda459c61742a751facdb21"},
	} {
		assert.Equal(t, got.want, got.digest.Hex(), what)
	}
}
