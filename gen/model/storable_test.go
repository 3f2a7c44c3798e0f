package model

import (
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen/model/testdata/shapes"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

// What the generator lets through is what the codec of the runtime stores. It may be stricter, for types named Strict...; never laxer.
func TestStorableIsWhatTheCodecStores(t *testing.T) {
	prog, diags, err := load.Load(t.Context(), load.Config{Dir: "testdata/shapes"})
	require.NoError(t, err)
	require.Empty(t, diags)
	pkg := prog.Roots[0].Types
	b := &builder{prog: prog, storable: map[string]*storeProblem{}}
	refused := 0
	for _, name := range slices.Sorted(maps.Keys(shapes.All)) {
		obj := pkg.Scope().Lookup(name)
		require.NotNil(t, obj, name)
		problem := b.storeProblem(obj.Type(), pkg)
		err := codec.Check(shapes.All[name])
		if strings.HasPrefix(name, "Strict") {
			assert.NotNil(t, problem, name)
			assert.NoError(t, err, "%s: the codec refuses it too; it needs no exception", name)
			continue
		}
		if problem != nil {
			refused++
			assert.NotEmpty(t, problem.why, name)
			assert.NotEmpty(t, problem.path, name)
		}
		assert.Equal(t, err == nil, problem == nil, "%s: codec: %v; generator: %+v", name, err, problem)
		if Immutable(obj.Type()) {
			assert.Nil(t, problem, "%s is immutable and cannot be stored", name)
		}
	}
	assert.Greater(t, refused, 20)
}

func TestImmutable(t *testing.T) {
	prog, _, err := load.Load(t.Context(), load.Config{Dir: "testdata/shapes"})
	require.NoError(t, err)
	scope := prog.Roots[0].Types.Scope()
	for name, want := range map[string]bool{
		"Bool": true, "Address": true, "Array": true, "Duration": true, "Month": true, "Level": true, "Plain": true, "GenericInt": true, "Version": true, "Empty": true,
		"Ints": false, "Complex": false, "Time": false, "Pointers": false, "Any": false, "Hidden": false, "Blank": false, "Recursive": false, "TextPair": false, "BigInt": false,
		"Stamp": false, "Floats": false, "Func": false, "Embeds": false, "Secret": false,
	} {
		assert.Equal(t, want, Immutable(scope.Lookup(name).Type()), name)
	}
}

func TestTypeName(t *testing.T) {
	prog, _, err := load.Load(t.Context(), load.Config{Dir: "testdata/shapes"})
	require.NoError(t, err)
	scope := prog.Roots[0].Types.Scope()
	const here = "github.com/dagstergen/dagstergen/gen/model/testdata/shapes."
	seen := map[string]types.Type{}
	for _, name := range scope.Names() {
		obj, ok := scope.Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		full := TypeName(obj.Type())
		if other, taken := seen[full]; taken {
			assert.True(t, types.Identical(other, obj.Type()), "%s and %s have one name, %s", other, obj.Type(), full)
		}
		seen[full] = obj.Type()
	}
	for name, want := range map[string]string{
		"Bytes":       here + "Bytes",
		"Nested":      "map[string][]map[" + here + "Bool][2]*[]int",
		"JSON":        "encoding/json.RawMessage",
		"GenericInt":  here + "Generic[int]",
		"GenericFunc": here + "Generic[func()()]",
		"Errors":      "struct{Err error}",
		"Chan":        "<-chan(int)",
		"Any":         "interface{}",
		"Address":     "uintptr",
		"FileInside":  "struct{F github.com/dagstergen/dagstergen/runtime/dag.File}",
	} {
		assert.Equal(t, want, TypeName(scope.Lookup(name).Type()), name)
	}
	assert.Equal(t, "[]uint8", TypeName(types.NewSlice(types.Universe.Lookup("byte").Type())))
	assert.Equal(t, "[]int32", TypeName(types.NewSlice(types.Universe.Lookup("rune").Type())))
	tagged := types.NewStruct([]*types.Var{types.NewField(0, nil, "A", types.Typ[types.Int], false)}, []string{`json:"a"`})
	assert.Equal(t, `struct{A int "json:\"a\""}`, TypeName(tagged))
	assert.True(t, Invalid(types.NewMap(types.Typ[types.String], types.NewPointer(types.Typ[types.Invalid]))))
	assert.False(t, Invalid(scope.Lookup("Recursive").Type()))
}
