package runconfig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a document says is told apart from what stands below it, and no secret gets into the text.
func TestTextOf(t *testing.T) {
	s := partSchema()
	s.Ops[0].ByPartition = false
	below, err := Parse("below", []byte("{ops: {read: {config: {path: below, range: {from: 1, to: 2}, token: deep}}}}"))
	require.NoError(t, err)
	for _, c := range []struct{ said, want string }{
		{"", ""},
		{"{ops: {read: {config: {range: {to: 4}}}}}", "ops:\n  read:\n    config:\n      range:\n        to: 4\n"},
		{"{ops: {read: {config: {tags: [a, {env: B}], token: hidden}}}}", "ops:\n  read:\n    config:\n      tags:\n        - a\n        - of B\n      token: \"***\"\n"},
		{"{ops: {read: {config: {token: {env: A}}}}}", "ops:\n  read:\n    config:\n      token:\n        env: A\n"},
		{"{execution: {in_process: {}}}", "execution:\n  in_process: {}\n"},
	} {
		d, err := Parse("x", []byte(c.said))
		require.NoError(t, err)
		r, err := Resolve(below.Merge(d), s, func(name string) (string, bool) { return "of " + name, true })
		require.NoError(t, err, c.said)
		text := r.TextOf(d)
		assert.Equal(t, c.want, text, c.said)
		_, _, err = Recorded("again", text)
		require.NoError(t, err)
	}
	r, err := Resolve(below, s, nil)
	require.NoError(t, err)
	assert.Empty(t, r.TextOf(nil))
}

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
