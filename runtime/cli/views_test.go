package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func digest(s string) canon.Digest { return canon.Sum([]byte(s)) }

func samplePlan() *plan.Plan {
	step := func(key string, a plan.Action, reasons ...plan.Reason) *plan.Step {
		return &plan.Step{Key: key, Version: digest(key), Action: a, Reasons: reasons}
	}
	p := &plan.Plan{Steps: []*plan.Step{
		step("observations", plan.Reuse),
		step("monthly_means", plan.Run, plan.Reason{Code: plan.ReasonCode, Text: "func round (helpers.go:14), reached through MonthlyMeans → mean → round, changed"},
			plan.Reason{Code: plan.ReasonConfig, Text: "config.limit: 1 → 2"}),
		step("chart", plan.Maybe, plan.Reason{Code: plan.ReasonUpstream, Text: `upstream "monthly_means" runs`}),
		step("broken", plan.Run, plan.Reason{Code: plan.ReasonSource, Text: "it could not be observed: open x\x1b[2J: no such file"}),
	}}
	p.Steps[3].Version = canon.Digest{}
	return p
}

func TestPlanView(t *testing.T) {
	golden(t, "plan", planView(samplePlan(), look{}, false))
	golden(t, "plan-70", planView(samplePlan(), look{width: 70}, false))
	golden(t, "plan-color", planView(samplePlan(), look{color: true}, false))
	nothing := &plan.Plan{Job: "nightly", Steps: samplePlan().Steps[:1]}
	golden(t, "plan-nothing", planView(nothing, look{}, false))
	long := &plan.Plan{}
	for range 50 {
		long.Steps = append(long.Steps, samplePlan().Steps[0])
	}
	long.Steps = append(long.Steps, samplePlan().Steps[1])
	golden(t, "plan-long", planView(long, look{}, false))
	assert.Len(t, planView(long, look{}, true), 1+50+2+2, "with -v every step")
}

func sampleResult() *execute.Result {
	return &execute.Result{RunID: "0193-run", Status: storage.RunFailure, Steps: []execute.StepResult{
		{Key: "observations", Version: digest("a"), Action: "reuse", Status: "success",
			Outputs: []execute.OutputResult{{Name: "result", Asset: "observations", Metadata: []dag.MetadataEntry{dag.Int("rows", 1461)}}}},
		{Key: "records", Version: digest("b"), Action: "run", Status: "success", Elapsed: 12 * time.Millisecond, Outputs: []execute.OutputResult{
			{Name: "hottest", Asset: "hottest_day", Metadata: []dag.MetadataEntry{dag.Text("day", "2009-07-29"), dag.Float("high", 39.4)}},
			{Name: "wettest", Asset: "wettest_day", Metadata: []dag.MetadataEntry{dag.Bool("surprising", false)}}}},
		{Key: "chart", Version: digest("c"), Action: "run", Status: "success", Elapsed: 1500 * time.Millisecond,
			Outputs: []execute.OutputResult{{Name: "result", Asset: "chart", File: "/home/me/p/.dagstergen/objects/ab/abc.png"}}},
		{Key: "compare", Version: digest("d"), Action: "run", Status: "failure", Elapsed: time.Millisecond, Err: &execute.StepError{Step: "compare", Err: errors.New("give two different years\nor else")}},
		{Key: "report", Action: "skip", Status: "skipped", Because: "compare"},
	}}
}

func TestRunView(t *testing.T) {
	show := func(p string) string { return strings.TrimPrefix(p, "/home/me/p/") }
	r := &runResult{Result: sampleResult(), elapsed: 1700 * time.Millisecond, show: show}
	golden(t, "run", r.view(look{}))
	golden(t, "run-50", r.view(look{width: 50}))
	r.Result.Job = "nightly"
	golden(t, "run-color", r.view(look{color: true}))

	long := &execute.Result{}
	for range 100 {
		long.Steps = append(long.Steps, execute.StepResult{Key: "same", Version: digest("s"), Action: "reuse", Status: "success"})
	}
	long.Steps[50].Action, long.Steps[50].Key = "run", "other"
	golden(t, "run-long", (&runResult{Result: long, elapsed: time.Second, show: show}).view(look{}))
	assert.Len(t, (&runResult{Result: long, all: true, show: show}).view(look{}), 103, "with -v every step")
}

func sampleRuns() []storage.Run {
	runs := []storage.Run{
		{ID: "0193b5c0-0000-7000-8000-000000000003", Status: storage.RunStarted, Started: at(60), Steps: 5},
		{ID: "0193b5c0-0000-7000-8000-000000000002", Job: "nightly", Selection: "*chart", Status: storage.RunFailure, Cause: "crashed", Started: at(30), Steps: 5, Ran: 2,
			Tags: map[string]string{"team": "data", "a": "b"}, Config: "ops:\n  fetch:\n    config:\n      token: \"***\"\n"},
		{ID: "0193b5c0-0000-7000-8000-000000000001", Status: storage.RunSuccess, Started: at(0), Ended: at(1.5), Steps: 5, Ran: 2, Reused: 1234},
	}
	for i := range runs {
		runs[i].Inserted()
	}
	return runs
}

func TestRunListView(t *testing.T) {
	utc(t)
	l := &runList{now: at(90)}
	golden(t, "runs-none", l.view(look{}))
	for _, r := range sampleRuns() {
		l.Runs = append(l.Runs, showRun(&r))
	}
	golden(t, "runs", l.view(look{}))
	l.full = true
	golden(t, "runs-80", l.view(look{width: 80}))
	b, err := json.MarshalIndent(l, "", "  ")
	require.NoError(t, err)
	golden(t, "runs.json", strings.Split(string(b), "\n"))
}

func sampleEvents() []storage.Event {
	event := func(s float64, typ storage.EventType, step, level, message, data string) storage.Event {
		e := storage.Event{Time: at(s), Type: typ, StepKey: step, Level: level, Message: message, Seq: int64(s*10) + 1}
		if data != "" {
			e.Data = []byte(data)
		}
		return e
	}
	return []storage.Event{
		event(0, storage.EventRunStart, "", "INFO", "run started", ""),
		event(0.05, storage.EventObservation, "raw", "INFO", "days.csv (12 bytes)", ""),
		event(0.1, storage.EventEngine, "", "INFO", "reused 2 of 7 steps", `{"reused":["one","two"]}`),
		event(0.15, storage.EventEngine, "fetch", "WARN", "its stored output was damaged", ""),
		event(0.2, storage.EventStepStart, "fetch", "INFO", "", ""),
		event(0.3, storage.EventLog, "fetch", "INFO", "got 3 rows\x1b[2J", `{"attrs":{"n":3}}`),
		event(0.4, storage.EventStepSuccess, "fetch", "INFO", "", ""),
		event(0.5, storage.EventStepStart, "compare", "INFO", "", ""),
		event(0.7, storage.EventStepFailure, "compare", "ERROR", "give two different years\nsecond line", "not json"),
		event(0.8, storage.EventStepSkipped, "report", "INFO", "compare failed", ""),
		event(0.9, storage.EventStepStart, "hanging", "INFO", "", ""),
	}
}

func TestRunDetailView(t *testing.T) {
	utc(t)
	d := newRunDetail(&sampleRuns()[1], at(90), false)
	for _, e := range sampleEvents() {
		d.note(lineOf(&e))
		d.Events = append(d.Events, lineOf(&e))
	}
	golden(t, "run-detail", d.view(look{}))
	golden(t, "run-detail-60", d.view(look{width: 60}))
	d.all = true
	golden(t, "run-detail-all", d.view(look{}))
	b, err := json.MarshalIndent(d, "", "  ")
	require.NoError(t, err)
	golden(t, "run-detail.json", strings.Split(string(b), "\n"))
}

// A run is shown with the newest of its log and with all of its steps, in the memory that these take.
func TestRunDetailOfALongRun(t *testing.T) {
	utc(t)
	inst := instance.Ephemeral()
	defer func() { require.NoError(t, inst.Close()) }()
	const steps, lines = 600, 5000
	run := &storage.Run{ID: "r", Status: storage.RunStarted, Created: at(0), Started: at(0)}
	b := &storage.Batch{NewRun: run}
	say := func(typ storage.EventType, step, level, message string) {
		b.Events = append(b.Events, storage.Event{RunID: "r", Time: at(1), Type: typ, StepKey: step, Level: level, Message: message})
	}
	for i := range steps {
		say(storage.EventStepStart, fmt.Sprint("s", i), "INFO", "")
		say(storage.EventStepSuccess, fmt.Sprint("s", i), "INFO", "")
	}
	say(storage.EventStepStart, "talks", "INFO", "")
	for i := range lines {
		say(storage.EventLog, "talks", map[bool]string{true: "WARN", false: "INFO"}[i%1000 == 999], fmt.Sprint("line ", i))
	}
	say(storage.EventStepFailure, "talks", "ERROR", "boom")
	require.NoError(t, inst.Store().Submit(b).Wait(t.Context()))
	for _, brief := range []bool{true, false} {
		d, err := readRunDetail(t.Context(), inst, run, at(90), !brief, brief)
		require.NoError(t, err)
		require.Len(t, d.Steps, steps+1)
		assert.Equal(t, "success", d.Steps[steps-1].Status)
		assert.Equal(t, "failure", d.Steps[steps].Status)
		require.Len(t, d.Events, mostLines)
		assert.True(t, d.Cut)
		assert.Equal(t, "boom", d.Events[mostLines-1].Message)
		assert.Equal(t, fmt.Sprint("line ", lines-mostLines+1), d.Events[0].Message)
		view := d.view(look{})
		assert.Equal(t, "the newest 1000 lines; runs logs has all", view[len(view)-1])
	}
	require.NoError(t, inst.Store().Submit(&storage.Batch{NewRun: &storage.Run{ID: "s", Status: storage.RunStarted}, Events: []storage.Event{{RunID: "s", Type: storage.EventRunStart}}}).Wait(t.Context()))
	d, err := readRunDetail(t.Context(), inst, &storage.Run{ID: "s"}, at(90), true, false)
	require.NoError(t, err)
	assert.False(t, d.Cut)
	assert.Len(t, d.Events, 1)
}

func TestAssetViews(t *testing.T) {
	utc(t)
	record := &storage.Record{
		RunID: "0193-run", Step: digest("step"), Code: digest("code").String(), Config: []byte(`{"limit":10}`), Time: at(0),
		Inputs: []storage.Input{{Name: "observations", From: "observations", DataVersion: digest("o")}, {Name: "years", From: "", DataVersion: digest("y")}},
		Outputs: []storage.Output{{Name: "result", Asset: "monthly_means", Version: digest("v"), DataVersion: digest("d"), Size: 2048, Metadata: []dag.MetadataEntry{
			dag.Int("rows", 12), dag.Markdown("preview", "| month | high |\n|---|---:|\n| January | 8.1 |\n"), dag.JSON("raw", map[string]int{"a": 1}),
			dag.Timestamp("when", at(3)), dag.Text("poem", "two\nlines")}}},
	}
	m, out := materializationOf(record, "monthly_means")
	require.NotNil(t, out)
	m.File = "/p/x.png"
	older := *m
	older.Time, older.Version = at(-3600), digest("older").String()
	d := &assetDetail{Defined: true, Latest: m, History: []materialization{*m, older}, show: func(s string) string { return s[1:] }, listedAsset: listedAsset{
		Key: "monthly_means", Kind: "asset", Group: "climate", From: []string{"observations"}, Description: "MonthlyMeans averages each month.\n\nJanuary first.",
		Type: "[]example.com/weather.MonthlyMean", Tags: map[string]string{"tier": "gold"}, Owners: []string{"team:data"},
	}}
	golden(t, "asset", d.view(look{}))
	golden(t, "asset-40", d.view(look{width: 40}))
	d.Latest.Said = "2024-01-01"
	assert.Contains(t, strings.Join(d.view(look{}), "\n"), `, said to be "2024-01-01"`)
	d.Latest.Said = ""
	b, err := json.MarshalIndent(d, "", "  ")
	require.NoError(t, err)
	golden(t, "asset.json", strings.Split(string(b), "\n"))
	never := &assetDetail{Defined: true, listedAsset: d.listedAsset, History: []materialization{}}
	golden(t, "asset-never", never.view(look{}))

	l := &assetList{Assets: []assetState{
		{Key: "observations", Kind: "source", defined: true}, {Key: "monthly_means", Kind: "asset", Group: "climate", Latest: m, defined: true}, {Key: "old", Latest: m}}}
	golden(t, "assets", l.view(look{}))
	assert.Equal(t, []string{"no assets"}, (&assetList{}).view(look{}))
}

func TestVersionView(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Path: "example.com/shop", Version: "v1.2.3"},
		Deps:     []*debug.Module{{Path: runtimeModule, Version: "v0.1.0"}},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	v := versionsOf("shop", info)
	v.Go, v.Platform = "go1.26", "linux/amd64"
	golden(t, "version", v.view(look{}))
	assert.Equal(t, "(unknown)", versionsOf("shop", nil).Version)
	info.Deps[0].Replace = &debug.Module{Path: "../dagstergen"}
	assert.Equal(t, "(local)", versionsOf("shop", info).Dagstergen)
	info.Main.Path = runtimeModule
	info.Deps = nil
	assert.Equal(t, "v1.2.3", versionsOf("shop", info).Dagstergen)
}
