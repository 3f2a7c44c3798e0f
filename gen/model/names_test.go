package model

import (
	"encoding/json"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExported(t *testing.T) {
	for name, want := range map[string]string{"cities": "Cities", "Cities": "Cities", "_x": "X", "größe": "Größe", "österreich": "Österreich", "日本": "X日本", "x1": "X1", "__": "X"} {
		assert.Equal(t, want, Exported(name), name)
	}
}

func TestCanImport(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"a/b", "a/c", true},
		{"a/b", "a/internal", true},
		{"a/b", "a/internal/c", true},
		{"a", "a/internal/c", true},
		{"ab", "a/internal/c", false},
		{"b", "a/internal/c", false},
		{"a/b", "a/internal/c/internal/d", false},
		{"a/internal/c/x", "a/internal/c/internal/d", true},
		{"a/b", "a/internals/c", true},
		{"a/b", "a/xinternal/c", true},
		{"a/b", "internal/abi", false},
		{"a/b", "crypto/internal", false},
	} {
		assert.Equal(t, c.want, CanImport(c.from, types.NewPackage(c.to, "x")), "%s imports %s", c.from, c.to)
	}
	assert.False(t, CanImport("a", types.NewPackage("a/cmd", "main")))
	assert.True(t, CanImport("a/cmd", types.NewPackage("a/cmd", "main")))
}

func TestCycles(t *testing.T) {
	graph := map[string][]string{
		"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"b", "x"}, // two circles in one component: one is shown
		"e": {"e"}, "f": {"a"}, "g": {"h"}, "h": nil,
	}
	nodes := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	next := func(n string) []string { return graph[n] }
	assert.Equal(t, [][]string{{"a", "b", "c"}, {"e"}}, cycles(nodes, next))
	slices.Reverse(nodes)
	assert.Equal(t, [][]string{{"e"}, {"d", "b"}}, cycles(nodes, next))
	assert.Empty(t, cycles([]string{"a", "b"}, next), "edges that leave the nodes do not count")
}

func TestTagKeys(t *testing.T) {
	assert.Equal(t, []string{"json", "default"}, tagKeys(`json:"a,omitempty"  default:"x \"y\" z"`))
	assert.Empty(t, tagKeys(`no key`))
	assert.Equal(t, []string{"a"}, tagKeys(`a:"1" b:unquoted`))
}

// What a default becomes is JSON that the field accepts; whatever it is, nothing panics.
func FuzzDefault(f *testing.F) {
	for _, text := range []string{"", "1", "-1", "1.5", "1e400", "true", `"a"`, `["a"]`, `{"a":{"b":[1,null]}}`, "2s", "2024-01-02T03:04:05Z", "null", "\x00\xff", "{", `{"a":1}{`} {
		for kind := range 9 {
			f.Add(text, kind)
		}
	}
	kinds := []*Field{
		{Kind: "string"}, {Kind: "string", Enum: []string{"1", "a"}}, {Kind: "int", Bits: 8}, {Kind: "uint", Bits: 64}, {Kind: "float", Bits: 32}, {Kind: "bool"}, {Kind: "duration"}, {Kind: "time"},
		{Kind: "struct", Fields: []*Field{{Name: "a", Kind: "map", Elem: &Field{Kind: "list", Elem: &Field{Kind: "int", Bits: 64, Nullable: true}}}}},
	}
	f.Fuzz(func(t *testing.T, text string, kind int) {
		field := kinds[uint(kind)%uint(len(kinds))]
		j, err := defaultJSON(field, text)
		if err != nil {
			return
		}
		var value any
		dec := json.NewDecoder(strings.NewReader(j))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&value), "%q", j)
		assert.NoError(t, checkJSON(field, value), "%q", j)
	})
}
