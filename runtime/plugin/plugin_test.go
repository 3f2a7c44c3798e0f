package plugin

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

type shelfConfig struct {
	Boards int    `yaml:"boards"`
	Key    string `yaml:"key"`
	Deep   struct {
		Paint []string `yaml:"paint"`
	} `yaml:"deep"`
}

func newShelves() *Kind[string] {
	k := NewKind[string]("shelf")
	Register(k, "wood", func(ctx Context, c shelfConfig) (string, error) {
		if c.Boards < 0 {
			return "", errors.New("no shelf has less than no boards")
		}
		return ctx.Folder + "/wood" + strings.Repeat("=", c.Boards) + c.Key + strings.Join(c.Deep.Paint, "+"), nil
	})
	Register(k, "air", func(Context, struct{}) (string, error) { return "air", nil })
	return k
}

func TestMake(t *testing.T) {
	k := newShelves()
	t.Setenv("SHELF_KEY", "geheim: [1")
	for text, want := range map[string]string{
		"shelf:":                     "air",
		"shelf: {}":                  "air",
		"{}":                         "air",
		"shelf: wood":                "/x/wood",
		"shelf: {wood: }":            "/x/wood",
		"shelf: {wood: {boards: 3}}": "/x/wood===",
		"shelf: {wood: {key: {env: SHELF_KEY}, deep: {paint: [red, {env: SHELF_KEY}]}}}": "/x/woodgeheim: [1red+geheim: [1",
	} {
		var doc struct{ Shelf Choice }
		require.NoError(t, yaml.Unmarshal([]byte(text), &doc), text)
		got, err := k.Make(Context{Context: t.Context(), Folder: "/x"}, doc.Shelf, "air")
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"shelf: glass":                                  `line 1: shelf: "glass" is not registered; there is air, wood`,
		"\n\nshelf:\n  glass: {}":                       `line 4: shelf: "glass" is not registered; there is air, wood`,
		"shelf: [wood]":                                 "line 1: want the name of a plug-in, or one name with its config below it",
		"shelf: {wood: {}, air: {}}":                    "want the name of a plug-in",
		"shelf: 3":                                      "want the name of a plug-in",
		"shelf: {wood: {bords: 3}}":                     "shelf.wood: below line 1: line 1: field bords not found",
		"shelf: {wood: {boards: many}}":                 "shelf.wood: below line 1: line 1: cannot unmarshal",
		"shelf: {wood: {boards: -1}}":                   "less than no boards",
		"shelf: {wood: {key: {env: NO_SUCH_VARIABLE}}}": `the environment variable "NO_SUCH_VARIABLE" is not set`,
		"a: &a 3\nshelf: {wood: {boards: *a}}":          "aliases are not allowed here",
		"shelf: {wood: " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "}": "nested more than 50 deep",
	} {
		var doc struct {
			Shelf Choice
			A     any
		}
		err := yaml.Unmarshal([]byte(text), &doc)
		if err == nil {
			_, err = k.Make(Context{Context: t.Context()}, doc.Shelf, "air")
		}
		require.ErrorContains(t, err, want, text)
	}
	_, err := NewKind[int]("thing").Make(Context{}, Choice{}, "")
	require.EqualError(t, err, "no thing is registered")
}

func TestRegister(t *testing.T) {
	k := newShelves()
	assert.Equal(t, []string{"air", "wood"}, k.Names())
	nothing := func(Context, struct{}) (string, error) { return "", nil }
	assert.PanicsWithValue(t, `plugin: two packages register the shelf "air"`, func() { Register(k, "air", nothing) })
	assert.PanicsWithValue(t, `plugin: "" is no name for a shelf`, func() { Register(k, "", nothing) })
	assert.Panics(t, func() { Register(k, "a b", nothing) })
}

// A choice goes to another process as it is written.
func TestChoiceAsText(t *testing.T) {
	t.Setenv("SHELF_KEY", "mine")
	for _, text := range []string{"shelf: {wood: {boards: 3, key: {env: SHELF_KEY}}}", "shelf: wood", "shelf: air", "shelf:"} {
		var doc struct{ Shelf Choice }
		require.NoError(t, yaml.Unmarshal([]byte(text), &doc))
		data, err := json.Marshal(doc.Shelf)
		require.NoError(t, err)
		assert.NotContains(t, string(data), "mine")
		var again Choice
		require.NoError(t, json.Unmarshal(data, &again))
		want, err := newShelves().Make(Context{Context: t.Context()}, doc.Shelf, "air")
		require.NoError(t, err)
		got, err := newShelves().Make(Context{Context: t.Context()}, again, "air")
		require.NoError(t, err)
		assert.Equal(t, want, got, text)
		assert.Equal(t, doc.Shelf.Name, again.Name)
	}
}

func TestValue(t *testing.T) {
	var doc struct{ Shelf Choice }
	require.NoError(t, yaml.Unmarshal([]byte("shelf: {wood: {boards: 3, deep: {paint: [red]}}}"), &doc))
	v, err := doc.Shelf.Value()
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"boards": 3, "deep": map[string]any{"paint": []any{"red"}}}, v)
	v, err = Choice{}.Value()
	require.NoError(t, err)
	assert.Nil(t, v)
}
