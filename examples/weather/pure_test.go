package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func TestMain(m *testing.M) {
	execute.Serve(Definitions) // child processes of this test compute steps
	os.Exit(m.Run())
}

// Nothing here depends on the time zone, the number of processors, the order of a map or anything else that a version does not see.
func TestPipelineIsPure(t *testing.T) {
	inst, err := instance.LocalTemp(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, inst.Close()) }()
	_, err = execute.Materialize(t.Context(), Definitions, execute.WithInstance(inst))
	require.NoError(t, err)

	cat, err := plan.NewCatalog(Definitions)
	require.NoError(t, err)
	res, err := execute.Verify(t.Context(), cat, "", execute.VerifyOptions{Instance: inst})
	require.NoError(t, err)
	require.NoError(t, res.Err())
	same, _, _, skipped := res.Counts()
	assert.Equal(t, 9, same, "all but the source")
	assert.Equal(t, 1, skipped)
}
