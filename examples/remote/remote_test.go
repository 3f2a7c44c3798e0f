package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "step" { // the command that the executor starts is this test
		main()
		os.Exit(0)
	}
	execute.RegisterExecutor(commandExecutor)
	goleak.VerifyTestMain(m)
}

func open(t *testing.T) *instance.Instance {
	inst, err := instance.Open(t.Context(), t.TempDir(), instance.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close()) })
	return inst
}

func TestStepsAreComputedElsewhere(t *testing.T) {
	inst := open(t)
	const below = 3*part + 10
	want, err := Primes(t.Context(), below)
	require.NoError(t, err)
	for _, ran := range []int{6, 0} {
		res, err := execute.InProcess(t.Context(), PrimesJob, PrimesInputs{Below: below}, execute.WithInstance(inst), execute.WithExecutor("command"))
		require.NoError(t, err)
		assert.Equal(t, want, res.Output().Result, "the plain call gives the same")
		assert.Equal(t, ran, res.Run.Ran)
	}
}

// Any command will do that hands stdin and stdout on to this program.
func TestCommandLine(t *testing.T) {
	sh, err := exec.LookPath("sh")
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	log := filepath.Join(t.TempDir(), "log")
	run := func(script string) (*execute.JobResult[PrimesOutputs], error) {
		d, err := runconfig.FromValue(map[string]any{"execution": map[string]any{"config": map[string]any{"command": map[string]any{"line": []any{sh, "-c", script, self, log}, "max_concurrent": 1}}}})
		require.NoError(t, err)
		return execute.InProcess(t.Context(), PrimesJob, PrimesInputs{Below: 100}, execute.WithInstance(open(t)), execute.WithConfig(d))
	}
	res, err := run(`echo begun >> "$1"; exec "$0" step`)
	require.NoError(t, err)
	assert.Equal(t, 25, res.Output().Result)
	data, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Equal(t, "begun\nbegun\nbegun\n", string(data))
	_, err = run(`exit 7`)
	assert.ErrorContains(t, err, "step spans: it was not computed by whom it was handed to: exit status 7")
	_, err = run(`kill -9 $$`)
	assert.ErrorContains(t, err, "signal: killed")
}

func TestCommandThatIsNone(t *testing.T) {
	d, err := runconfig.Parse("run.yaml", []byte("execution: {config: {command: {max_concurrent: 0}}}"))
	require.NoError(t, err)
	_, err = execute.InProcess(t.Context(), PrimesJob, PrimesInputs{Below: 10}, execute.WithInstance(open(t)), execute.WithConfig(d))
	assert.ErrorContains(t, err, "max_concurrent is 0")
	_, err = execute.InProcess(context.Background(), PrimesJob, PrimesInputs{Below: 10}, execute.WithExecutor("command"))
	assert.ErrorContains(t, err, "executor command needs an instance on disk")
}
