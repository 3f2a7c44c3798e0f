package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestOneOutput(t *testing.T) {
	one, two := []storage.Output{{Name: "result"}}, []storage.Output{{Name: "train"}, {Name: "test"}}
	for _, c := range []struct {
		outs       []storage.Output
		name, want string
		err        string
	}{
		{one, "", "result", ""},
		{one, "result", "result", ""},
		{one, "x", "", `step s has no output "x"; it has result`},
		{two, "test", "test", ""},
		{two, "", "", "step s has several outputs; say which one with --name: train, test"},
		{two, "tes", "", `step s has no output "tes"; it has train, test`},
		{nil, "", "", "step s returns nothing that is stored"},
		{nil, "x", "", "step s returns nothing that is stored"},
	} {
		out, err := oneOutput(c.outs, "s", c.name)
		if c.err != "" {
			require.EqualError(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.want, out.Name)
	}
}
