package versionhash

import (
	"go/ast"
	"go/types"
)

// registries are the packages of the standard library that keep what a program registers with them, by the functions that
// register. Who calls one of them when the program starts changes what every user of the package gets.
var registries = map[string]map[string]bool{
	"archive/zip":  set("RegisterCompressor", "RegisterDecompressor"),
	"crypto":       set("RegisterHash"),
	"database/sql": set("Register"),
	"encoding/gob": set("Register", "RegisterName"),
	"expvar":       set("Publish"),
	"image":        set("RegisterFormat"),
	"math/rand":    set("Seed"),
	"mime":         set("AddExtensionType"),
	"net/http":     set("Handle", "HandleFunc"),
	"os":           set("Chdir", "Clearenv", "Setenv", "Unsetenv"),
	"time":         nil, // the time zone database of time/tzdata
}

// fills are the packages of the standard library that others are imported for by a blank name, to register with them.
var fills = set("archive/zip", "crypto", "database/sql", "encoding/gob", "expvar", "image", "mime", "net/http")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// registers records the call of a function that registers something with its package.
func (w *writer) registers(fun ast.Expr) {
	var id *ast.Ident
	switch f := ast.Unparen(fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return
	}
	f, ok := w.s.info.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
		return
	}
	if registries[f.Pkg().Path()][f.Name()] {
		w.change(key{kind: keyExt, path: f.Pkg().Path()})
	}
}
