package versionhash

import (
	"go/token"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/load"
)

// An env is what scanning a package knows beside the package: how other packages are counted. It is safe for concurrent use.
type env struct {
	prog      *load.Program
	runtime   string                          // [Options.Runtime]
	generated func(pkgPath, name string) bool // [Options.Generated]
	decisions map[token.Pos]Decision          // [Options.Decisions]
	instances map[string][]Instance           // [Options.Instances], by the package of the function
	mu        sync.Mutex
	skipped   map[string]bool // import path -> whether build constraints leave out files that count
}

func newEnv(p *load.Program, o Options) *env {
	e := &env{prog: p, runtime: o.Runtime, generated: o.Generated, decisions: o.Decisions, instances: map[string][]Instance{}, skipped: map[string]bool{}}
	for _, in := range o.Instances {
		e.instances[in.Func.Pkg().Path()] = append(e.instances[in.Func.Pkg().Path()], in)
	}
	return e
}

// where classifies the package of an object.
type where uint8

const (
	universe where = iota // predeclared, or of package unsafe
	local                 // a local or deep package: its declarations are nodes
	opaque                // the runtime package: one node that stands for its API
	standard              // the standard library: counted by name, and as a whole by the language version
	external              // another module: counted by the contents of the package
)

// wherePath classifies a package by its import path.
func (e *env) wherePath(path string) where {
	if path == e.runtime {
		return opaque
	}
	p := e.prog.Packages[path]
	switch {
	case path == "" || path == "unsafe":
		return universe
	case p == nil || p.Module == nil && !p.Local:
		return standard
	case p.Local || p.Deep:
		return local
	default:
		return external
	}
}

// hasSkipped reports whether build constraints leave out files of a local package.
func (e *env) hasSkipped(path string) bool {
	if e.wherePath(path) != local {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	has, ok := e.skipped[path]
	if !ok {
		has = len(skippedFiles(e.prog.Packages[path])) > 0
		e.skipped[path] = has
	}
	return has
}

// generates reports whether dagstergen is going to declare a name.
func (e *env) generates(pkgPath, name string) bool {
	return e.generated != nil && e.generated(pkgPath, name)
}

// moduleLanguage is the language version of a module, "go1.26.0".
func moduleLanguage(m *load.Module) string {
	v := "1.16"
	if m != nil && m.GoVersion != "" {
		v = m.GoVersion
	}
	return "go" + strings.TrimPrefix(v, "go")
}
