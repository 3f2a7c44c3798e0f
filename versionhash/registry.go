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
	"expvar":       set("NewFloat", "NewInt", "NewMap", "NewString", "Publish"),
	"image":        set("RegisterFormat"),
	"log":          set("SetFlags", "SetOutput", "SetPrefix"),
	"log/slog":     set("SetDefault", "SetLogLoggerLevel"),
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

// registers records a call that may leave something behind in the package of the function: with the standard library, of a function that is known
// for it; with another module, of any function that gives nothing back but an error or a verdict, or whose results are dropped.
func (w *writer) registers(call *ast.CallExpr, dropped bool) {
	var id *ast.Ident
	fun := ast.Unparen(call.Fun)
	if x, ok := fun.(*ast.IndexExpr); ok {
		fun = ast.Unparen(x.X)
	}
	switch f := fun.(type) {
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
	path := f.Pkg().Path()
	switch w.s.env.wherePath(path) {
	case standard:
		if registries[path][f.Name()] {
			w.change(key{kind: keyExt, pkg: path})
		}
	case external:
		if dropped || onlyVerdicts(f.Signature().Results()) {
			w.change(key{kind: keyExt, pkg: path})
		}
	}
}

// onlyVerdicts reports whether results say no more than whether a call went well.
func onlyVerdicts(results *types.Tuple) bool {
	for v := range results.Variables() {
		b, ok := v.Type().Underlying().(*types.Basic)
		if !types.Identical(v.Type(), types.Universe.Lookup("error").Type()) && (!ok || b.Kind() != types.Bool) {
			return false
		}
	}
	return true
}

// drops records calls whose results nobody takes.
func (w *writer) drops(list ...ast.Expr) {
	for _, e := range list {
		if c, ok := ast.Unparen(e).(*ast.CallExpr); ok {
			w.registers(c, true)
		}
	}
}
