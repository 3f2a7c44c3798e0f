package execute

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// check is a check of an asset of type int that says what f says of its value.
func (s *shop) check(asset, name string, f func(v int) (dag.CheckResult, error)) *dag.Op {
	op := &dag.Op{
		Kind: dag.KindCheck, Key: asset + ":" + name, Check: &dag.CheckDef{Asset: asset, Name: name, Severity: dag.CheckError},
		Inputs: []dag.Input{{Name: asset, Asset: asset, Type: intType}}, Outputs: []dag.Output{dag.CheckOutput},
	}
	return s.add(op, func(_ context.Context, c *dag.Call) error {
		r, err := f(dag.In[int](c, 0))
		return dag.GiveCheck(c, r, err)
	})
}

// checked adds assets with checks: how much is in stock is what the shelf says.
func (s *aSuite) checked() {
	s.source("shelf", func() (any, error) {
		data, err := os.ReadFile(filepath.Join(os.Getenv(suiteFolder), "shelf"))
		if err != nil { // nothing is on it
			return dag.DataVersion("0"), nil
		}
		return dag.DataVersion(data), nil
	})
	stock := &dag.Op{Kind: dag.KindAsset, Key: "stock", Outputs: []dag.Output{{Name: "result", Asset: "stock", Type: intType}}}
	stock.Inputs = []dag.Input{{Name: "shelf", Asset: "shelf", Type: dag.ImmutableOf[dag.DataVersion]("github.com/dagstergen/dagstergen/runtime/dag.DataVersion")}}
	s.add(stock, func(_ context.Context, c *dag.Call) (err error) {
		note("made", "stock")
		c.Out[0], err = strconv.Atoi(string(dag.In[dag.DataVersion](c, 0)))
		return err
	})
	s.check("stock", "enough", func(v int) (dag.CheckResult, error) {
		note("made", "enough")
		return dag.CheckResult{Passed: v >= 2, Description: "there are " + strconv.Itoa(v), Metadata: []dag.MetadataEntry{dag.Int("rows", int64(v))}}, nil
	}).Check.Blocking = true
	s.check("stock", "even", func(v int) (dag.CheckResult, error) {
		note("made", "even")
		return dag.CheckResult{Passed: v%2 == 0, Severity: dag.CheckWarn}, nil
	})
	for _, a := range [][2]string{{"sold", "stock"}, {"report", "sold"}} {
		s.asset(a[0], []string{a[1]}, func(in []int) int {
			note("made", "%s", a[0])
			return in[0] + 1
		})
	}
}

// shelve says what is on the shelf.
func (s *suiteRun) shelve(n string) {
	require.NoError(s.t, os.WriteFile(filepath.Join(os.Getenv(suiteFolder), "shelf"), []byte(n), 0o600))
}

// made is what was computed since it was last asked, sorted by nothing: one step after the other, or side by side.
func (s *suiteRun) made() []string {
	all := notes(s.t, "made")
	require.NoError(s.t, os.WriteFile(filepath.Join(os.Getenv(suiteFolder), "made"), nil, 0o600))
	if len(all) == 1 && all[0] == "" {
		return nil
	}
	return all
}

// checksAreSteps is what every executor does about checks: the blocking one stops what is made from its asset, in the run that makes it and in each one that reuses it.
func checksAreSteps(s *suiteRun) {
	t := s.t
	s.shelve("1")
	res := s.run("")
	assert.Equal(t, "shelf=run stock=run stock:enough=failure stock:even=run sold=skip report=skip", actions(res))
	assert.ElementsMatch(t, []string{"stock", "enough", "even"}, s.made())
	assert.Equal(t, storage.RunFailure, res.Status)
	assert.Equal(t, "stock:enough", res.Step("sold").Because)
	assert.Equal(t, "stock:enough", res.Step("report").Because)
	failed := failedStep(t, res, "stock:enough")
	assert.Equal(t, WhereCheck, failed.Where)
	assert.Equal(t, "step stock:enough: blocking check enough of stock did not pass: there are 1", failed.Error())
	var asked *dag.CheckFailedError
	require.ErrorAs(t, res.Err(), &asked)
	assert.Equal(t, dag.CheckEvaluation{Asset: "stock", Check: "enough", Severity: dag.CheckError, Blocking: true, Description: "there are 1", Metadata: []dag.MetadataEntry{{Label: "rows", Kind: dag.MetadataInt, Value: json.RawMessage("1")}}}, *asked.Evaluation)
	assert.Equal(t, asked.Evaluation, res.Step("stock:enough").Check)
	assert.Equal(t, "failed (warn)", res.Step("stock:even").Check.Verdict())
	types := eventTypes(t, res, "stock:enough")
	assert.Equal(t, storage.EventCheckPlanned, types[0])
	assert.Equal(t, []storage.EventType{storage.EventCheck, storage.EventStepFailure}, types[len(types)-2:])
	types = eventTypes(t, res, "stock:even")
	assert.Equal(t, []storage.EventType{storage.EventCheck, storage.EventStepSuccess}, types[len(types)-2:])
	events, err := res.EventsOf(t.Context(), "stock:enough")
	require.NoError(t, err)
	said, err := events[len(events)-2].Payload()
	require.NoError(t, err)
	assert.Equal(t, &storage.CheckData{CheckEvaluation: *asked.Evaluation, DataVersion: res.Step("stock").Outputs[0].DataVersion.String()}, said)
	assert.Equal(t, "stock", events[len(events)-2].Asset)

	p := s.plan("")
	assert.Equal(t, "shelf=reuse stock=reuse stock:enough=reuse stock:even=reuse sold=skip report=skip", planned(p))
	assert.Equal(t, "check stock:enough did not pass", because(p, "sold"))
	assert.Equal(t, "upstream sold is skipped", because(p, "report"))
	res = s.run("")
	assert.Empty(t, s.made(), "the same check of the same data is not made again")
	assert.Equal(t, "shelf=reuse stock=reuse stock:enough=failure stock:even=reuse sold=skip report=skip", actions(res), "and blocks as it did")
	assert.Equal(t, ActionReuse, res.Step("stock:enough").Action)
	assert.Equal(t, "stock:enough", res.Step("report").Because)
	assert.Equal(t, "failed (warn)", res.Step("stock:even").Check.Verdict())
	assert.NotContains(t, eventTypes(t, res, "stock:enough"), storage.EventCheck, "it was evaluated in the run before")

	s.shelve("3")
	res = s.ok("")
	assert.Equal(t, "shelf=run stock=run stock:enough=run stock:even=run sold=run report=run", actions(res))
	assert.Equal(t, "passed: there are 3", res.Step("stock:enough").Check.Verdict())
	s.made()

	s.shelve("1")
	res = s.run("")
	assert.Equal(t, "shelf=run stock=reuse stock:enough=failure stock:even=reuse sold=skip report=skip", actions(res))
	s.shelve("3")
	res = s.ok("")
	assert.Equal(t, "shelf=run stock=reuse stock:enough=reuse stock:even=reuse sold=reuse report=reuse", actions(res))
	assert.Empty(t, s.made())
}
