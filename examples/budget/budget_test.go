package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dagstergen/dagstergen/runtime/cli"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

func TestMain(m *testing.M) {
	execute.RegisterExecutor(watched)
	goleak.VerifyTestMain(m)
}

// watched is the executor with a look inside.
var (
	seen    sync.Mutex
	last    *budget
	watched = execute.ExecutorDefinition{Name: "watched", Config: budgetExecutor.Config, New: func(c execute.InitExecutorContext) (execute.Executor, error) {
		ex, err := budgetExecutor.New(c)
		seen.Lock()
		defer seen.Unlock()
		last, _ = ex.(*budget)
		return ex, err
	}}
)

func TestBudget(t *testing.T) {
	for _, memory := range []string{"8", "5", "100", "1"} {
		d, err := runconfig.Parse("run.yaml", []byte("execution: {config: {watched: {memory_gb: "+memory+"}}}"))
		require.NoError(t, err)
		res, err := execute.InProcess(t.Context(), RenderJob, RenderInputs{Frames: 12}, execute.WithConfig(d))
		require.NoError(t, err)
		assert.Equal(t, Render(12), res.Output().Result, "the plain call gives the same")
		assert.LessOrEqual(t, last.most, last.total)
		assert.Zero(t, last.used)
	}
}

func TestBudgetThatIsNone(t *testing.T) {
	d, err := runconfig.Parse("run.yaml", []byte("execution: {config: {budget: {memory_gb: 0}}}"))
	require.NoError(t, err)
	_, err = execute.InProcess(t.Context(), RenderJob, RenderInputs{Frames: 2}, execute.WithConfig(d))
	assert.EqualError(t, err, "executor budget: memory_gb is 0, and no step does with less than 1")
	d, err = runconfig.Parse("run.yaml", []byte("execution: {config: {budget: {memory: 3}}}"))
	require.NoError(t, err)
	_, err = execute.InProcess(t.Context(), RenderJob, RenderInputs{Frames: 2}, execute.WithConfig(d))
	assert.EqualError(t, err, `run.yaml:1:31: execution.config.budget.memory: unknown key; did you mean "memory_gb"?`)
}

func TestOnTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DAGSTERGEN_HOME", filepath.Join(dir, "home"))
	config := filepath.Join(dir, "run.yaml")
	require.NoError(t, os.WriteFile(config, []byte("execution: { config: { budget: { memory_gb: 8 } } }\n"), 0o600))
	run := func(args ...string) (stdout, stderr string, code int) {
		var out, log bytes.Buffer
		code = cli.Run(context.Background(), cli.Environment{Name: "budget", Args: args, Stdout: &out, Stderr: &log, Dir: dir, Getenv: os.LookupEnv}, Definitions)
		return out.String(), log.String(), code
	}
	out, log, code := run("run", "render", "--set", "inputs.frames=3", "-c", config)
	require.Zero(t, code, log)
	assert.Contains(t, out, "7 run, 0 reused")
	out, log, code = run("list", "-o", "json")
	require.Zero(t, code, log)
	assert.Contains(t, out, `"executor":"budget"`, "the job names it")
	out, log, code = run("run", "render", "--set", "inputs.frames=3", "--executor", "budget")
	require.Zero(t, code, log)
	assert.Contains(t, out, "0 run, 7 reused")
	_, log, code = run("run", "render", "--executor", "budgt")
	assert.Equal(t, 2, code)
	assert.Contains(t, log, "budget")
}
