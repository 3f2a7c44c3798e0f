package versionhash

import (
	"go/types"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
)

const instanceShop = `
-- lib/lib.go --
package lib

type Valued interface{ Value() int }

func Total[T Valued](xs []T) int {
	n := 0
	for _, x := range xs {
		n += x.Value()
	}
	return n
}

func Zero[T any](n int) T { var t T; return t }
-- a/a.go --
package a

import "example.com/m/lib"

type Row struct{ N int }

func (r Row) Value() int { return r.N + offset }

var offset = 1

func init() { offset = 2 }

func (r Row) Other() int { return 1 }

type Same struct{ N int }

func (r Same) Value() int { return r.N }

func Use() int { return lib.Total([]Row{{1}}) + lib.Total([]Same{{2}}) + lib.Zero[int](1) + int(lib.Zero[int8](1)) }
`

// instanceVersions are the versions of the instances that Use calls.
func instanceVersions(t *testing.T, archive string) map[string]canon.Digest {
	t.Helper()
	p := loadDir(t, moduleDir(t, archive), "./...")
	lib := p.Packages["example.com/m/lib"].Types.Scope()
	a := p.Packages["example.com/m/a"].Types.Scope()
	instance := func(name string, arg types.Type) Instance {
		return Instance{Symbol: "example.com/m/lib." + name + "[" + types.TypeString(arg, nil) + "]", Func: lib.Lookup(name).(*types.Func), Args: []types.Type{arg}}
	}
	list := []Instance{instance("Total", a.Lookup("Row").Type()), instance("Total", a.Lookup("Same").Type()), instance("Zero", types.Typ[types.Int]), instance("Zero", types.Typ[types.Int8])}
	g, diags := Analyze(p, Options{Instances: list})
	require.Empty(t, diags)
	out := map[string]canon.Digest{}
	for _, in := range list {
		_, name, _ := strings.Cut(in.Symbol, "/lib.")
		out[name] = version(t, g, in.Symbol)
	}
	return out
}

func TestInstances(t *testing.T) {
	before := instanceVersions(t, instanceShop)
	seen := map[canon.Digest]string{}
	for name, v := range before {
		assert.Empty(t, seen[v], "%s has the version of %s", name, seen[v])
		seen[v] = name
	}
	const row, same, whole, short = "Total[example.com/m/a.Row]", "Total[example.com/m/a.Same]", "Zero[int]", "Zero[int8]"
	for _, c := range []struct {
		old, with string
		changes   []string
	}{
		{"n += x.Value()", "n -= x.Value()", []string{row, same}},
		{"{ var t T; return t }", "{ var u T; return u }", nil},
		{"{ var t T; return t }", "{ return *new(T) }", []string{whole, short}},
		{"return r.N + offset", "return r.N - offset", []string{row}},
		{"offset = 2 }", "offset = 3 }", []string{row}},
		{"return 1 }", "return 2 }", []string{row}}, // the function could ask for that method
		{"type Row struct{ N int }", "type Row struct{ N, M int }", []string{row}},
		{"func Use() int {", "// Use uses.\nfunc Use() int {\n", nil},
	} {
		require.Contains(t, instanceShop, c.old)
		after := instanceVersions(t, strings.ReplaceAll(instanceShop, c.old, c.with))
		var changed []string
		for _, name := range []string{row, same, whole, short} {
			if before[name] != after[name] {
				changed = append(changed, name)
			}
		}
		assert.Equal(t, c.changes, changed, c.with)
	}
}
