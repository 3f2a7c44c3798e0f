package compare

import (
	"bytes"
	"cmp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/manifest"
)

// FindManifests returns the manifests that are embedded in a compiled program, each once, in the order of their first entries. The program is read as bytes: none of its
// code runs.
func FindManifests(program []byte) []*manifest.Manifest {
	first, last := []byte(manifest.FirstLine+"\n"), []byte("\n"+manifest.LastLine+"\n")
	seen := map[string]bool{}
	var out []*manifest.Manifest
	for {
		start := bytes.Index(program, first)
		if start < 0 {
			break
		}
		program = program[start:]
		end := bytes.Index(program, last)
		if end < 0 {
			break
		}
		text := program[:end+len(last)]
		if next := bytes.LastIndex(text, first); next > 0 { // the line alone, as the runtime itself knows it
			text = text[next:]
		}
		program = program[end+len(last):]
		if m, err := manifest.Parse(string(text)); err == nil && !seen[string(text)] {
			seen[string(text)] = true
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(x, y *manifest.Manifest) int { return strings.Compare(firstSymbol(x), firstSymbol(y)) })
	return out
}

func firstSymbol(m *manifest.Manifest) string {
	if len(m.Entries) == 0 {
		return ""
	}
	return m.Entries[0].Symbol
}

// An Entry is a code version that a compiled program carries.
type Entry struct {
	Kind       string `json:"kind"` // "func", "method", "type", "var": of the declaration; the kind of definition is not in a manifest
	Package    string `json:"package"`
	Symbol     string `json:"symbol"`
	Version    string `json:"version"`    // of the code; a version= argument is not in a manifest
	Components int    `json:"components"` // how many declarations and packages it was computed from
	File       string `json:"file"`       // of the declaration, relative to its module
}

// Entries lists the versions of all manifests, sorted by symbol. What several manifests say alike is there once.
func Entries(all []*manifest.Manifest) []Entry {
	out := []Entry{}
	for _, m := range all {
		for _, e := range m.Entries {
			x := Entry{Package: packageOf(e.Symbol), Symbol: e.Symbol, Version: e.Version.String()}
			closure := m.Closure(e.Symbol)
			x.Components = len(closure.Nodes)
			for _, n := range closure.Nodes {
				if n.Name == e.Node {
					x.Kind, x.File = n.Kind, n.File
				}
			}
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(x, y Entry) int {
		return cmp.Or(cmp.Compare(x.Symbol, y.Symbol), cmp.Compare(x.Version, y.Version))
	})
	return slices.CompactFunc(out, func(x, y Entry) bool { return x.Symbol == y.Symbol && x.Version == y.Version })
}

// Name is the symbol as people in its package say it.
func (e Entry) Name() string { return short(e.Symbol, e.Package) }

// TakeBinary makes the snapshot of a compiled program, from its manifests and its build information (which may be nil). It has no steps: the graph
// is code, not text.
func TakeBinary(name string, all []*manifest.Manifest, info *debug.BuildInfo) Snapshot {
	s := Snapshot{Name: name, Places: map[string]string{}, Modules: map[string]string{}, Manifest: &manifest.Manifest{}}
	symbols, nodes := map[string]bool{}, map[string]bool{}
	for i, m := range all {
		if i == 0 {
			s.Manifest.Mode, s.Manifest.Target, s.Manifest.Language = m.Mode, m.Target, m.Language
		}
		for _, e := range m.Entries {
			if !symbols[e.Symbol] {
				symbols[e.Symbol] = true
				s.Manifest.Entries = append(s.Manifest.Entries, e)
			}
		}
		for _, n := range m.Nodes {
			if nodes[n.Name] {
				continue
			}
			nodes[n.Name] = true
			s.Manifest.Nodes = append(s.Manifest.Nodes, n)
			if n.Kind == manifest.KindExt {
				s.Modules[n.Name] = moduleVersion(info, n.Name)
			}
		}
	}
	slices.SortFunc(s.Manifest.Entries, func(x, y manifest.Entry) int { return strings.Compare(x.Symbol, y.Symbol) })
	slices.SortFunc(s.Manifest.Nodes, func(x, y manifest.Node) int { return strings.Compare(x.Name, y.Name) })
	seen := map[string]bool{}
	for _, e := range Entries(all) {
		if seen[e.Symbol] {
			continue
		}
		seen[e.Symbol] = true
		s.Things = append(s.Things, Thing{Kind: e.Kind, Key: e.Name(), Package: e.Package, Symbol: e.Symbol, Versioned: true})
		s.Places[e.Symbol] = e.File
	}
	return s
}

// packageOf is the import path in a symbol: up to the first dot behind the last slash of the path.
func packageOf(symbol string) string {
	head, _, _ := strings.Cut(symbol, "(")
	slash := strings.LastIndexByte(head, '/') + 1
	name, _, _ := strings.Cut(head[slash:], ".")
	return head[:slash] + name
}

// moduleVersion is the version of the module that a package belongs to; empty for the standard library.
func moduleVersion(info *debug.BuildInfo, pkg string) string {
	if info == nil {
		return ""
	}
	best := &debug.Module{}
	for _, m := range info.Deps {
		if (pkg == m.Path || strings.HasPrefix(pkg, m.Path+"/")) && len(m.Path) > len(best.Path) {
			best = m
		}
	}
	if best.Replace != nil {
		return best.Replace.Version
	}
	return best.Version
}
