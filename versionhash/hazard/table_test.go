package hazard

import (
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
)

// TestTableNamesWhatThereIs looks up each entry for the standard library: a name that is misspelt would find nothing.
func TestTableNamesWhatThereIs(t *testing.T) {
	std := map[string]bool{}
	note := func(path string) {
		if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
			std[path] = true
		}
	}
	for _, pkgs := range functions {
		for path := range pkgs {
			note(path)
		}
	}
	for _, all := range methods {
		for typ := range all {
			note(typ[:strings.LastIndexByte(typ, '.')])
		}
	}
	dir := t.TempDir()
	src := "package p\n\nimport (\n"
	for path := range std {
		src += fmt.Sprintf("\t_ %q\n", path)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/p\n\ngo 1.26.0\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "p.go"), []byte(src+")\n"), 0o644))
	prog, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOTOOLCHAIN=local")})
	require.NoError(t, err)
	require.Empty(t, diags)
	scope := func(path string) *types.Scope {
		p := prog.Packages[path]
		if !assert.NotNil(t, p, path) || !assert.NotNil(t, p.Types, path) {
			return types.NewScope(nil, 0, 0, "")
		}
		return p.Types.Scope()
	}
	for kind, pkgs := range functions {
		for path, names := range pkgs {
			if !std[path] {
				continue
			}
			for name := range strings.FieldsSeq(names) {
				o := scope(path).Lookup(name)
				if assert.NotNil(t, o, "%s.%s", path, name) {
					got, ok := lookup(o)
					assert.True(t, ok)
					assert.Equal(t, kind, got, "%s.%s is of two kinds", path, name)
				}
			}
		}
	}
	for kind, all := range methods {
		for typ, names := range all {
			dot := strings.LastIndexByte(typ, '.')
			path := typ[:dot]
			if !std[path] {
				continue
			}
			o := scope(path).Lookup(typ[dot+1:])
			if !assert.NotNil(t, o, typ) {
				continue
			}
			for name := range strings.FieldsSeq(names) {
				m, _, _ := types.LookupFieldOrMethod(types.NewPointer(o.Type()), true, nil, name)
				if assert.NotNil(t, m, "%s.%s", typ, name) {
					got, ok := lookup(m)
					assert.True(t, ok)
					assert.Equal(t, kind, got)
				}
			}
		}
	}
}
