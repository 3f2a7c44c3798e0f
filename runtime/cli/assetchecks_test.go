package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func sampleChecks() []checkState {
	said := func(passed, current bool, severity dag.CheckSeverity, text string, facts ...dag.MetadataEntry) *checkedValue {
		e := dag.CheckEvaluation{Asset: "orders", Passed: passed, Severity: severity, Description: text, Metadata: facts}
		return &checkedValue{CheckEvaluation: e, Time: at(0), RunID: "0193-run", DataVersion: digest("d").String(), Current: current}
	}
	check := func(name string, severity dag.CheckSeverity, blocking bool, latest *checkedValue) checkState {
		return checkState{listedCheck{"orders", name, severity, blocking, ""}, latest}
	}
	return []checkState{
		check("positive", dag.CheckError, true, said(false, true, dag.CheckError, "-4 is negative\nand so on", dag.Int("rows", 1234))),
		check("few", dag.CheckWarn, false, said(false, true, dag.CheckWarn, "")),
		check("known", dag.CheckError, false, said(true, true, dag.CheckError, "")),
		check("old", dag.CheckError, false, said(true, false, dag.CheckError, "all is well")),
		check("new", dag.CheckError, false, nil),
	}
}

func TestCheckViews(t *testing.T) {
	utc(t)
	golden(t, "checks", checkTable(sampleChecks(), look{}))
	golden(t, "checks-color", checkTable(sampleChecks(), look{color: true}))
	assert.Nil(t, checkTable(nil, look{}))
	assert.Equal(t, "1 failed, 1 warned, 1 passed, 2 not checked", checkMark(sampleChecks()))
	assert.Empty(t, checkMark(nil))
	l := &assetList{Assets: []assetState{{Key: "orders", Kind: "asset", defined: true, Checks: sampleChecks()[2:3]}, {Key: "total", Kind: "asset", defined: true}}}
	golden(t, "assets-checks", l.view(look{}))
}

func TestChecksInRunsAndPlans(t *testing.T) {
	failed, warned := &sampleChecks()[0].Latest.CheckEvaluation, &sampleChecks()[1].Latest.CheckEvaluation
	failed.Blocking = true
	r := &runResult{elapsed: time.Second, Result: &execute.Result{Status: storage.RunFailure, Steps: []execute.StepResult{
		{Key: "orders", Version: digest("a"), Action: "run", Status: "success"},
		{Key: "orders:few", Version: digest("b"), Action: "run", Status: "success", Check: warned},
		{Key: "orders:positive", Version: digest("c"), Action: "reuse", Status: "failure", Check: failed, Err: &execute.StepError{Err: &dag.CheckFailedError{Evaluation: failed}}},
		{Key: "orders:sound", Version: digest("d"), Action: "run", Status: "failure", Err: &execute.StepError{Err: errors.New("no luck")}},
		{Key: "total", Action: "skip", Status: "skipped", Because: "orders:positive"},
	}}}
	golden(t, "run-checks", r.view(look{}))
	p := &plan.Plan{Steps: []*plan.Step{
		{Key: "orders:few", Version: digest("b"), Action: plan.Reuse, Verdict: warned},
		{Key: "orders:known", Version: digest("e"), Action: plan.Reuse, Verdict: &sampleChecks()[2].Latest.CheckEvaluation},
	}}
	golden(t, "plan-checks", planView(p, look{}, false))
}
