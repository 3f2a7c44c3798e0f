package runconfig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecorded(t *testing.T) {
	doc, left, err := Recorded("x", `
ops:
  a:
    config:
      token: "***"
      user: {env: NAME}
      deep: {key: "***", n: 1}
      list: ["***"]
`)
	require.NoError(t, err)
	assert.Equal(t, []string{"ops.a.config.token", "ops.a.config.deep.key"}, left)
	want, err := Parse("x", []byte(`
ops:
  a:
    config:
      user: {env: NAME}
      deep: {n: 1}
      list: ["***"]
`))
	require.NoError(t, err)
	assert.Equal(t, want.root.at(Position{}), doc.root.at(Position{}))

	doc, left, err = Recorded("x", "")
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.NotNil(t, doc)
	_, _, err = Recorded("x", "a: [")
	require.Error(t, err)
}
