package dag_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/dagstergen/dagstergen/runtime/dag"
)

type limits struct {
	Most int `json:"most"`
}

type other struct{}

var (
	intType  = ImmutableOf[int]("int")
	textType = ImmutableOf[string]("string")
	listType = TypeOf[[]int]("[]int")
	shop     = &Definitions{Module: "example.com", Package: "example.com/shop"}

	limitsConfig = &Config{Symbol: "example.com/shop.Limits", Decode: DecodeConfig[limits], Encode: EncodeConfig[limits]}
	otherConfig  = &Config{Symbol: "example.com/shop.Other", Decode: DecodeConfig[other], Encode: EncodeConfig[other]}

	// fetch(city string) []int, sum(xs []int) int, take(limits Limits, n int) int, odd(other Other, n int) bool, split(xs []int) (low, high []int), note(n int)
	fetch = op("fetch", nil, []Input{{Name: "city", Type: textType}}, Output{Name: "result", Type: listType})
	sum   = op("sum", nil, []Input{{Name: "xs", Type: listType}}, Output{Name: "result", Type: intType})
	take  = op("take", limitsConfig, []Input{{Name: "n", Type: intType}}, Output{Name: "result", Type: intType})
	odd   = op("odd", otherConfig, []Input{{Name: "n", Type: intType}}, Output{Name: "result", Type: ImmutableOf[bool]("bool")})
	split = op("split", nil, []Input{{Name: "xs", Type: listType}}, Output{Name: "low", Type: listType}, Output{Name: "high", Type: listType})
	note  = op("note", nil, []Input{{Name: "n", Type: intType}})
	asset = OpHandle{Op: &Op{Kind: KindAsset, Key: "prices", Outputs: []Output{{Name: "result", Type: intType}}}, Definitions: shop}
)

func op(key string, config *Config, inputs []Input, outputs ...Output) OpHandle {
	return OpHandle{Op: &Op{Key: key, Symbol: "example.com/shop." + key, Config: config, Inputs: inputs, Outputs: outputs}, Definitions: shop}
}

// weigh is fetch, then sum.
func weigh(t testing.TB) Graph[Values, Values] {
	g := NewGraph("weigh")
	city := Param[string](g, "city")
	Return(g, "weight", g.Add(sum, Args(g.Add(fetch, Args(city)))))
	built, err := g.Build()
	require.NoError(t, err)
	return built
}

func TestGraphBuilder(t *testing.T) {
	g := NewGraph("pipeline").Describe("All of it.")
	cities := Param[[]string](g, "cities")
	limit := Param[limits](g, "limit")
	late := g.Add(note, As("late"), Args(g.Ref("total", "")))
	var sums []Value[int]
	for _, city := range []string{"oslo", "rome"} {
		rows := g.Add(fetch, Wire("city", Const(city)))
		parts := g.Add(split, Args(rows))
		sums = append(sums, Typed[int](g.Add(sum, Args(parts.Out("high")))))
	}
	mapped := ForEach(g, cities, func(city Value[string]) Value[int] {
		weight := Typed[int](g.Add(weigh(t), Args(city)).Out("weight"))
		big := Typed[bool](g.Add(odd, Args(weight)))
		return If(g, big, func() Value[int] {
			return Typed[int](g.Add(take, Args(weight), WithConfig(limit)))
		}, func() Value[int] { return weight })
	}, KeyBy(strings.ToUpper))
	g.Add(sum, As("total"), Args(List(sums...)), After(mapped))
	hook := &Hook{Key: "alert"}
	g.Add(take, As("asked"), WithConfig(Const(limits{3})), WithRetry(RetryPolicy{MaxRetries: 2}), WithTimeout(time.Second), WithTags(map[string]string{"a": "b"}), WithHooks(hook))
	When(g, Typed[bool](g.Add(odd, As("decide"), Args(sums[0]))), func() { g.Add(note, Args(sums[0]), After(late)) })
	Return(g, "total", g.Ref("total", "result"))
	Return(g, "all", mapped)
	built, err := g.Build()
	require.NoError(t, err)

	def := built.Def
	assert.Equal(t, []*Definitions{shop}, built.Uses)
	assert.Equal(t, "All of it.", def.Description)
	var keys []string
	for _, n := range def.Nodes {
		keys = append(keys, n.Key)
		assert.Regexp(t, `^builder_test\.go:\d+$`, n.Pos)
	}
	assert.Equal(t, []string{"fetch", "split", "sum", "fetch_2", "split_2", "sum_2", "for each", "weigh", "odd", "if", "take", "total", "late", "asked", "decide", "if_2", "note"}, keys, "in the order of what takes from what")
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15}, def.Body)
	assert.Equal(t, []int{7, 8, 9}, def.Nodes[6].Map.Body)
	assert.Equal(t, []int{10}, def.Nodes[9].Branch.Arms[0].Body)
	assert.Equal(t, []int{6}, def.Nodes[11].After)
	assert.Equal(t, []int{12}, def.Nodes[16].After)
	assert.Equal(t, "[]int{0,1}", def.Nodes[11].Inputs[0].Name)
	assert.Equal(t, FromRunConfig, def.Nodes[13].Inputs[0].Kind)
	assert.Equal(t, limits{3}, def.Nodes[13].Config.Value)
	assert.Equal(t, 2, def.Nodes[13].Retry.MaxRetries)
	assert.Equal(t, time.Second, def.Nodes[13].Timeout)
	assert.Equal(t, map[string]string{"a": "b"}, def.Nodes[13].Tags)
	assert.Equal(t, []*Hook{hook}, def.Nodes[13].Hooks)
	assert.Same(t, limitsConfig, def.Params[1].Config)
	assert.Equal(t, "[]string", def.Params[0].Type.Name)
	assert.Equal(t, []string{"total", "all"}, []string{def.Outputs[0].Name, def.Outputs[1].Name})
	assert.Equal(t, "OSLO", def.Nodes[6].Map.Key.Func([]any{"oslo"}))
	assert.Equal(t, Values{"total": 1, "all": []int{2}}, built.Outputs([]any{1, []int{2}}))
}

// Each graph has what is wrong with it, all of it, at the line that said it.
func TestGraphBuilderProblems(t *testing.T) {
	another := NewGraph("another")
	foreign := Param[int](another, "n")
	for _, c := range []struct {
		name  string
		build func(g *GraphBuilder)
		want  string
	}{
		{"no nodes", func(g *GraphBuilder) {}, "graph g: it has no nodes; add one: FetchOp.Call(g, ...) [nothing]"},
		{"names", func(g *GraphBuilder) {
			Param[int](g, "N")
			Param[int](g, "n")
			Param[int](g, "n")
			g.Add(note, As("No"), Args(Const(1)))
			g.Add(note, As("a"), As("b"), Args(Const(1)))
			g.Add(note, As("b"), Args(Const(1)))
			Return(g, "x y", Const(1))
			Return(g, "", Const(1))
			Return(g, "result", Const(1))
		}, `"N" is no name of a parameter; use lower-case letters, digits and _, a letter first [bad_name]
two parameters "n", the first at L2; give one of them another name [duplicate_key]
"No" is no name of a node; use lower-case letters, digits and _, a letter first [bad_name]
the node is called a and b; give it one alias [duplicate_key]
"x y" is no name of an output; use lower-case letters, digits and _, a letter first [bad_name]
two outputs "result", the first at L8; give one of them another name [duplicate_key]
two nodes are called b, the first at L5; choose another alias [duplicate_key]`},
		{"wiring", func(g *GraphBuilder) {
			g.Add(sum, Wire("x", Const([]int{1})), Wire("xs", Const([]int{1})), Wire("xs", Const([]int{1})))
			g.Add(sum, Args(Const(1)))
			g.Add(sum, Args())
			g.Add(sum, Args(List(Const(1), Value[int]{})))
			g.Add(sum, Wire("xs", nil))
			g.Add(fetch, Args(g.Add(note, Args(foreign))))
			g.Add(sum, Args(g.Add(split, Args(Const([]int{1})))))
			g.Add(sum, Args(g.Add(split, Args(Const([]int{1}))).Out("mean")))
			g.Add(sum, Args(Typed[[]int](g.Add(sum, Args(Const([]int{1}))))))
			g.Add(sum, Args(g.Ref("sun", "")))
			Return(g, "out", nil)
		}, `sum has no input "x"; did you mean "xs"? [unknown_input]
input xs of sum is wired twice; a list takes several values: dag.List(a, b) [bad_wire]
sum takes 1 input and is given 0 [bad_wire]
input xs of sum is wired to nothing; leave it out where run config gives it [bad_wire]
input xs of sum_2 takes []int, and is given int; make the types agree [type_mismatch]
input xs of sum_4 has a part without a value; give it an output of a node, a parameter or a constant [bad_wire]
input n of note is a value of another graph, another; return it there, and call that graph here [bad_wire]
input city of fetch is given note, which has no output; use dag.After for the order alone [unknown_output]
input xs of sum_6 is given split, which has 2 outputs; name one of low, high [unknown_output]
split_2 has no output "mean"; there is high, low [unknown_output]
input xs of sum_9 takes []int, and is given int; make the types agree [type_mismatch]
input xs of sum_10 comes from the node "sun", which is not there; did you mean "sum"? [unknown_key]
output out has no value; give it an output of a node, or a parameter [bad_wire]`},
		{"configs", func(g *GraphBuilder) {
			p := Param[limits](g, "p")
			g.Add(sum, Args(Const([]int{1})), WithConfig(p))
			g.Add(take, Args(Const(1)), WithConfig(p), WithConfig(p))
			g.Add(odd, Args(Const(1)), WithConfig(p))
			g.Add(take, Args(Const(1)), WithConfig(Const(other{})))
			g.Add(take, Args(Const(1)), WithConfig(g.Ref("sum", "")))
		}, `sum takes no config; leave it out [bad_config]
take is given two configs; remove one [bad_config]
parameter p is the config of several ops with different config types, example.com/shop.Limits and example.com/shop.Other; add a parameter for each [bad_config]
the config of take_2 takes dag_test.limits, and is given dag_test.other; make the types agree [type_mismatch]
the config of take_3 is computed by the graph, and must be known before; give it dag.Const, or dag.Param of the graph [bad_config]`},
		{"callees", func(g *GraphBuilder) {
			g.Add(nil)
			g.Add(OpHandle{})
			g.Add(asset)
			g.Add(weigh(t))
			g.Add(note, Args(Const(1)), WithTimeout(-time.Second))
		}, `a node calls nothing; give it the handle of an op or a graph, such as FetchOp [bad_node]
a node calls nothing; give it the handle of an op or a graph, such as FetchOp [bad_node]
prices is an asset, and a graph calls ops and graphs; make its function an op [bad_node]
the timeout of note is -1s; give a time that is longer than nothing, or leave it out [bad_node]
parameter city of graph weigh is not wired; only inputs of ops come from run config [bad_wire]`},
		{"a circle", func(g *GraphBuilder) {
			g.Add(take, As("a"), Args(g.Ref("c", "")))
			g.Add(take, As("b"), Args(g.Ref("a", "")))
			g.Add(take, As("c"), Args(g.Ref("b", "")))
		}, `nodes need each other in a circle: a ← c ← b ← a; break it at one of them [cycle]`},
		{"itself", func(g *GraphBuilder) { g.Add(take, As("a"), Args(g.Ref("a", ""))) }, `nodes need each other in a circle: a ← a; break it at one of them [cycle]`},
		{"a circle through a loop", func(g *GraphBuilder) {
			a := g.Add(sum, As("a"), Args(g.Ref("b", "")))
			all := ForEach(g, Const([]int{1, 2}), func(n Value[int]) Value[int] { return Typed[int](g.Add(take, Args(n), After(a))) })
			g.Add(split, As("b"), Args(all))
		}, `input xs of a is given b, which has 2 outputs; name one of low, high [unknown_output]`},
		{"a circle through a loop again", func(g *GraphBuilder) {
			a := g.Add(sum, As("a"), Args(g.Ref("b", "low")))
			all := ForEach(g, Const([]int{1, 2}), func(n Value[int]) Value[int] { return Typed[int](g.Add(take, Args(n), After(a))) })
			g.Add(split, As("b"), Args(all))
		}, `nodes need each other in a circle: a ← b ← for each ← a; break it at one of them [cycle]`},
		{"scopes", func(g *GraphBuilder) {
			var kept Value[int]
			var inner *AddedNode
			all := ForEach(g, Const([]int{1, 2}), func(n Value[int]) Value[int] {
				kept = n
				inner = g.Add(take, Args(n))
				return Typed[int](inner)
			}, KeyBy(func(s string) string { return s }))
			g.Add(take, As("x"), Args(kept))
			g.Add(take, As("y"), Args(inner))
			g.Add(take, As("z"), After(Const(1)), Args(Const(1)))
			ForEach(g, Value[[]int]{}, func(n Value[int]) Value[int] { return Value[int]{} })
			empty := ForEach(g, all, func(n Value[int]) Value[int] { return Value[int]{} })
			g.Add(sum, Args(empty))
			branch := If(g, Value[bool]{}, func() Value[int] { return Typed[int](g.Add(take, As("arm"), Args(Const(1)))) }, func() Value[int] { return Value[int]{} })
			g.Add(take, As("w"), Args(g.Ref("arm", "")))
			g.Add(take, Args(branch))
		}, `dag.KeyBy takes string, and the elements of the loop are int; write dag.KeyBy(func(e int) string { ... }) [type_mismatch]
input n of x is the element of the loop at L3, and used outside of it; return what is made of it there, and use what the loop collects [bad_wire]
input n of y comes from take, which stands in the loop at L3; return it there, and use what the loop collects [bad_wire]
what z follows is no node, and so there is nothing to wait for; remove it [bad_wire]
the collection of a loop has no value; give it an output of a node, or a parameter [bad_wire]
input xs of sum is what the loop at L12 collects, and its body returns no value; return one there [bad_wire]
the condition of a branch has no value; give it an output of a node, or a parameter [bad_wire]
an arm of a branch returns no value; return one in both, or use dag.When [bad_wire]
input n of w comes from arm, which stands in an arm of the branch at L14; return it in both arms, and use what the branch gives [bad_wire]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := NewGraph("g")
			c.build(g)
			_, err := g.Build()
			var all *GraphError
			require.ErrorAs(t, err, &all)
			first := 0
			var lines []string
			for _, p := range all.Problems {
				var line int
				_, scanned := fmt.Sscanf(p.Pos, "builder_test.go:%d", &line)
				require.NoError(t, scanned, p.Pos)
				if first == 0 || line < first {
					first = line
				}
				lines = append(lines, p.Message+" ["+p.Code+"]")
			}
			got := strings.Join(lines, "\n")
			want := c.want
			if rest, ok := strings.CutPrefix(want, "graph g: "); ok {
				want = rest
				assert.Contains(t, err.Error(), "graph g: it has no nodes")
			}
			assert.Equal(t, normal(want), normal(got))
			assert.Equal(t, 2, all.ExitCode())
		})
	}
}

// normal leaves out the numbers of lines, which move with the test.
func normal(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		words := strings.Split(l, " ")
		for k, w := range words {
			if strings.HasPrefix(w, "builder_test.go:") || len(w) > 1 && w[0] == 'L' && w[1] >= '0' && w[1] <= '9' {
				words[k] = "HERE" + strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(w, "builder_test.go:"), "L"), "0123456789")
			}
		}
		lines[i] = strings.Join(words, " ")
	}
	return strings.Join(lines, "\n")
}

func TestBuildInsideOfALoop(t *testing.T) {
	g := NewGraph("g")
	ForEach(g, Const([]int{1}), func(n Value[int]) Value[int] {
		g.Add(note, Args(n))
		_, err := g.Build()
		assert.ErrorContains(t, err, "it is built inside of a loop or an arm")
		return n
	})
}

func TestMust(t *testing.T) {
	assert.Equal(t, 3, Must(3, nil))
	assert.PanicsWithError(t, "no", func() { Must(3, errors.New("no")) })
}
