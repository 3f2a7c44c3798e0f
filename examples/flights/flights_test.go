package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
)

var files = Files{Flights: "data/flights.json", Airports: "data/airports.csv"}

func TestRunIsTheCall(t *testing.T) {
	ctx := context.Background()
	called, err := Punctuality(ctx, files, 20)
	require.NoError(t, err)
	assert.Len(t, called.Best, 3)
	assert.True(t, strings.HasSuffix(called.Best[0], "% late"), called.Best[0])

	inst, err := instance.Open(ctx, t.TempDir(), instance.Options{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, inst.Close()) }()
	in := PunctualityInputs{Files: files, Busy: 20}
	run, err := execute.InProcess(ctx, PunctualityJob, in, execute.WithInstance(inst), execute.WithExecutor("multi"))
	require.NoError(t, err)
	assert.Equal(t, called, run.Output().Result)

	again, err := execute.InProcess(ctx, PunctualityJob, in, execute.WithInstance(inst))
	require.NoError(t, err)
	assert.Equal(t, called, again.Output().Result)
	enough, err := execute.StepValue(again.Result, PunctualitySteps.Enough.At("ORD"))
	require.NoError(t, err)
	assert.True(t, enough)
	share, err := execute.StepValue(again.Result, PunctualitySteps.RateLateShare.At("ORD"))
	require.NoError(t, err)
	assert.Greater(t, share, 0.1)
	_, err = execute.StepValue(again.Result, PunctualitySteps.RateLateShare.At("STX"))
	assert.ErrorContains(t, err, "has no outputs: it ended as skipped", "an airport that is too small")
	_, err = execute.StepValue(again.Result, PunctualitySteps.Enough.At("nowhere"))
	assert.ErrorContains(t, err, "has no step")

	for _, s := range again.Steps {
		if !strings.HasPrefix(s.Key, "flight_log") && !strings.HasPrefix(s.Key, "airport_list") { // they look at the disk each time
			assert.NotEqual(t, "run", string(s.Action), s.Key)
		}
	}
}

func TestAirportsThatAreTooSmallAreListedWithoutARating(t *testing.T) {
	_, err := Punctuality(context.Background(), files, 100000)
	assert.ErrorContains(t, err, "none of 155 airports is busy enough")
}

func TestGraphThatIsBuilt(t *testing.T) {
	ctx := context.Background()
	inst, err := instance.Open(ctx, t.TempDir(), instance.Options{})
	require.NoError(t, err)
	defer func() { assert.NoError(t, inst.Close()) }()
	all, err := execute.InProcess(ctx, PunctualityJob, PunctualityInputs{Files: files, Busy: 20}, execute.WithInstance(inst))
	require.NoError(t, err)
	require.Contains(t, all.Output().Result.Best[0], "late")

	hubs, err := Hubs("ATL", "ORD")
	require.NoError(t, err)
	run, err := execute.InProcess(ctx, hubs, dag.Values{"files": files}, execute.WithInstance(inst))
	require.NoError(t, err)
	assert.Equal(t, 2, run.Output()["report"].(Report).Rated)
	rated, err := run.OutputForNode(ctx, "rate_ord", "")
	require.NoError(t, err)
	flights, err := run.OutputForNode(ctx, "leaving_ord", "")
	require.NoError(t, err)
	assert.Equal(t, Rate("ORD", flights.([]Flight)), rated, "the plain call")
	for _, step := range []string{"read_flights", "by_origin", "rate_ord.late_share", "rate_atl.typical_delay"} {
		assert.Equal(t, "reuse", run.Step(step).Action, "the other job has computed %s", step)
	}

	one, err := execute.InProcess(ctx, RateGraph, RateInputs{Airport: "ORD", Flights: flights.([]Flight)}, execute.WithInstance(inst))
	require.NoError(t, err)
	assert.Equal(t, rated, one.Output().Result, "a graph runs by itself")
	assert.Equal(t, "reuse", one.Step("late_share").Action)

	_, err = Hubs("ATL", "ATL")
	assert.ErrorContains(t, err, "two nodes are called leaving_atl")
	assert.ErrorContains(t, err, "two nodes are called rate_atl")
}
