package model

import (
	"go/ast"
	"go/types"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/annotations"
)

// Exported returns the exported form of a Go name: its first letter in upper case, with an X in front where it has no case.
func Exported(name string) string {
	name = strings.TrimLeft(name, "_")
	r, n := utf8.DecodeRuneInString(name)
	if up := unicode.ToUpper(r); unicode.IsUpper(up) {
		return string(up) + name[n:]
	}
	return "X" + name
}

// exported is the exported name that generated names for obj begin with; that of a method begins with its receiver's type.
func exported(obj *types.Func) string {
	if recv := obj.Signature().Recv(); recv != nil {
		name, _ := receiver(recv.Type())
		return Exported(name) + Exported(obj.Name())
	}
	return Exported(obj.Name())
}

// assetRefs returns the names of the asset references that are generated for an asset or source, from its syntax alone, so that they are known
// for broken ones too: one for a single value, one per named result for several, none where it returns nothing.
func assetRefs(kind annotations.Kind, obj *types.Func, ft *ast.FuncType) []string {
	values := 0
	if ft.Results != nil {
		values = ft.Results.NumFields()
		if list := ft.Results.List; len(list) > 0 {
			if id, ok := list[len(list)-1].Type.(*ast.Ident); ok && id.Name == "error" {
				values--
			}
		}
	}
	switch {
	case values == 0:
		return nil
	case values == 1 || kind == annotations.Source:
		return []string{exported(obj) + "Asset"}
	}
	var out []string
	for i, name := range resultNames(ft) {
		if i < values {
			out = append(out, Exported(name)+"Asset")
		}
	}
	return out
}

// resultNames returns the names of results, in order; nil where they have none.
func resultNames(ft *ast.FuncType) []string {
	if ft.Results == nil {
		return nil
	}
	var out []string
	for _, f := range ft.Results.List {
		for _, n := range f.Names {
			out = append(out, n.Name)
		}
	}
	return out
}

// visibleName reports whether generated code of package from can write name of package in.
func visibleName(obj types.Object, from *types.Package) bool {
	return obj.Pkg() == nil || obj.Pkg() == from || obj.Exported()
}

// CanImport reports whether a package may import another one, by the rule of internal folders: the importer must lie below the folder
// that "internal" stands in. Packages called main can never be imported.
func CanImport(from string, to *types.Package) bool {
	if to.Name() == "main" && to.Path() != from {
		return false
	}
	path := to.Path()
	for i := len(path); i > 0; {
		i = strings.LastIndex(path[:i], "internal")
		if i < 0 {
			return true
		}
		if (i == 0 || path[i-1] == '/') && (i+len("internal") == len(path) || path[i+len("internal")] == '/') {
			parent := strings.TrimSuffix(path[:i], "/")
			return parent != "" && (from == parent || strings.HasPrefix(from, parent+"/"))
		}
	}
	return true
}
