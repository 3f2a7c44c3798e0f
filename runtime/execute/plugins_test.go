package execute

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plugin"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// noted is a launcher of a user's package, with a config of its own.
type noted struct {
	Where string `yaml:"where"`
	runs  *[]string
}

func (n noted) LaunchRun(_ context.Context, r *SubmittedRun) error {
	*n.runs = append(*n.runs, n.Where+" "+r.Job)
	return nil
}

var launchedRuns []string

func init() {
	plugin.Register(RunLaunchers, "test_cluster", func(_ plugin.Context, c noted) (RunLauncher, error) {
		c.runs = &launchedRuns
		return c, nil
	})
}

// configured is an instance whose dagstergen.yaml says something.
func configured(t *testing.T, yaml string) *instance.Instance {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, instance.ConfigFile), []byte(yaml), 0o600))
	inst, err := instance.Open(t.Context(), dir, instance.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close()) })
	return inst
}

func TestLauncherOfTheInstance(t *testing.T) {
	launchedRuns = nil
	w := newWorld(t)
	w.asset("a", nil, func([]int) int { return 1 })
	o := Options{Instance: configured(t, "run_launcher:\n  test_cluster: {where: oslo}\nrun_coordinator: at_once\n")}
	_, err := Submit(t.Context(), w.catalog(), "", o, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"oslo "}, launchedRuns)

	var wrong *instance.ConfigError
	o.Instance = configured(t, "run_launcher: cloud\n")
	_, err = Submit(t.Context(), w.catalog(), "", o, nil)
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, `dagstergen.yaml: line 1: run_launcher: "cloud" is not registered; there is detached, test_cluster`)
	o.Instance = configured(t, "run_coordinator: {queue: {}}\n")
	_, err = Submit(t.Context(), w.catalog(), "", o, nil)
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, `run_coordinator: "queue" is not registered; there is at_once`)
	o.Instance = configured(t, "run_launcher: {test_cluster: {wher: x}}\n")
	_, err = Submit(t.Context(), w.catalog(), "", o, nil)
	require.ErrorContains(t, err, "field wher not found")
}

func TestExecutorOfTheInstance(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, func([]int) int { return 1 })
	executor := func(yaml string, change func(*Options)) (string, int) {
		t.Helper()
		o := Options{Instance: configured(t, yaml)}
		if change != nil {
			change(&o)
		}
		r, err := prepare(t.Context(), w.catalog(), "", &o)
		require.NoError(t, err)
		r.res.close()
		return r.asked.executor, r.asked.concurrent
	}
	name, n := executor("executor: {multi: {max_concurrent: 3}}", nil)
	assert.Equal(t, MultiExecutor, name)
	assert.Equal(t, 3, n)
	name, _ = executor("executor: in_process", nil)
	assert.Equal(t, InProcessExecutor, name)
	name, _ = executor("executor: in_process", func(o *Options) { o.Executor = MultiExecutor })
	assert.Equal(t, MultiExecutor, name, "an option wins")
	name, _ = executor("executor: in_process", func(o *Options) {
		var err error
		o.Config, err = runconfig.Parse("x", []byte("execution: {config: {multi: {}}}"))
		require.NoError(t, err)
	})
	assert.Equal(t, MultiExecutor, name, "run config wins")
	name, _ = executor("", nil)
	assert.Equal(t, MultiExecutor, name)
	o := Options{Instance: configured(t, "\nexecutor: k8s")}
	_, err := prepare(t.Context(), w.catalog(), "", &o)
	var wrong *instance.ConfigError
	require.ErrorAs(t, err, &wrong)
	require.ErrorContains(t, err, `dagstergen.yaml: line 2: executor: "k8s" is not registered; there is in_process, multi, multiprocess`)
}
