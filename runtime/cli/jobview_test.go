package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A job with a graph, a loop with a branch in it, and a switch is drawn as its body stands.
func TestJobView(t *testing.T) {
	rows, text := dag.TypeOf[[]int]("[]example.com/m/low.Row"), dag.ImmutableOf[string]("string")
	op := func(key string, outputs ...string) *dag.Op {
		o := &dag.Op{Key: key}
		for _, name := range outputs {
			o.Outputs = append(o.Outputs, dag.Output{Name: name, Type: rows})
		}
		return o
	}
	param := func(i int) dag.Binding { return dag.Binding{Kind: dag.FromParam, Param: i} }
	node := func(i, k int) dag.Binding { return dag.Binding{Kind: dag.FromNode, Node: i, Output: k} }
	inner := &dag.GraphDef{Key: "weigh", Params: []dag.JobParam{{Name: "city", Type: text}}, Nodes: []dag.Node{
		{Key: "load", Op: op("load", "result"), Inputs: []dag.Binding{param(0)}},
		{Key: "split", Op: op("split", "low", "high"), Inputs: []dag.Binding{node(0, 0)}},
	}, Outputs: []dag.JobOutput{{Name: "result", Type: rows, From: node(1, 1)}}}
	isWarm := dag.Binding{Kind: dag.FromParts, Name: "warm && city != nil", Parts: []dag.Binding{node(2, 0), {Kind: dag.FromElem, Node: 0}}}
	def := &dag.GraphDef{Key: "nightly", Params: []dag.JobParam{{Name: "cities", Type: text}, {Name: "mode", Type: text}}, Nodes: []dag.Node{
		{Key: "for city", Map: &dag.Map{Over: param(0), Body: []int{1, 2, 3}, Carried: []dag.Carried{{Name: "all", Type: rows, Init: param(0), Next: node(3, 0)}}}},
		{Key: "weigh", Graph: inner, Inputs: []dag.Binding{{Kind: dag.FromElem, Node: 0}}},
		{Key: "warm", Op: op("warm", "result"), Inputs: []dag.Binding{node(1, 0)}},
		{Key: "if warm", Branch: &dag.Branch{Arms: []dag.Arm{{When: &isWarm, Body: []int{4}}, {}}, Outputs: []dag.BranchOutput{{Name: "all", Type: rows}}}},
		{Key: "add", Op: op("add", "result"), Inputs: []dag.Binding{{Kind: dag.FromAppend, Parts: []dag.Binding{{Kind: dag.FromCarried, Node: 0}, node(2, 0)}}}},
		{Key: "switch mode", Branch: &dag.Branch{Arms: []dag.Arm{{When: &dag.Binding{Kind: dag.FromParts, Name: `case "quick"`, Parts: []dag.Binding{param(1)}}}, {Body: []int{6}}}}},
		{Key: "report", Op: op("report"), Inputs: []dag.Binding{node(0, 0), {Kind: dag.FromLiteral, Value: 1}}},
	}, Body: []int{0, 5}}
	j := listedJob{Key: "nightly", Description: "Nightly weighs.", Inputs: []listedValue{{"max_rows", "int"}}, Outputs: []listedValue{}, Body: listNodes(def, def.Body, true)}
	j.Steps = patterns(j.Body, "", "")
	assert.Equal(t, []string{"weigh[*].load", "weigh[*].split", "warm[*]", "add[*]", "report"}, j.Steps)
	assert.Equal(t, strings.TrimPrefix(`
nightly
Nightly weighs.

INPUTS
  --max-rows  int

STEPS
  ┌ for city ← cities
  │ ┌ weigh ← for city
  │ │ load   []low.Row ← city
  │ │ split   ← load
  │ └
  │ warm     []low.Row ← weigh
  │ ┌ if warm ← warm, for city
  │ │ add    []low.Row ← for city, warm
  │ └
  └
  ┌ switch mode ← mode
  ├ case "quick"
  ├ else
  │ report    ← all
  └
`, "\n"), strings.Join(j.view(look{}), "\n")+"\n")
	data, err := json.Marshal(j.Body[1])
	require.NoError(t, err)
	assert.JSONEq(t, `{"key": "switch mode", "kind": "branch", "from": ["mode"], "arms": [
		{"when": "case \"quick\"", "nodes": []}, {"when": "else", "nodes": [{"key": "report", "kind": "op", "op": "report", "from": ["all"]}]}]}`, string(data))
}
