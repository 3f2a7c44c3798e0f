package versionhash

import (
	"bytes"
	"cmp"
	"fmt"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	goversion "go/version"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// Manifest computes the versions of symbols ("import/path.Func", "import/path.(*T).Method", a variable or a type) with all they were
// computed from, and the sources of the packages that this is read from.
//
// The version of a type is that of its values: its fields and all its methods. That of a function covers how its parameters and
// results are encoded too. Symbols that do not exist, and declarations with errors that a symbol reaches, are diagnostics; the manifest is
// complete only without errors.
func (g *Graph) Manifest(symbols []string) (*manifest.Manifest, diag.List) {
	m := &manifest.Manifest{Mode: g.opts.Mode.String(), Target: g.target(), Language: goversion.Lang(moduleLanguage(&g.prog.Module)), Toolchain: g.opts.Toolchain}
	if g.prog.Deep {
		m.Deps = declarations
	}
	var diags diag.List
	nodes := map[int32]bool{}
	sources := map[int32]bool{}
	reachedFrom := map[int32]string{}
	type entry struct {
		symbol string
		r      *reached
		start  int32
		view   *Graph
	}
	var entries []entry
	seenBy := map[*Graph]map[int32]bool{} // what the entries of a view reach
	for _, symbol := range slices.Compact(slices.Sorted(slices.Values(symbols))) {
		start, also, ok := g.entry(symbol)
		if !ok {
			diags.Add(diag.Diagnostic{
				Code: CodeUnknown, Message: "there is no declaration " + symbol + " in the packages that were loaded",
				Hint: "name a function, method, variable or type as import/path.Name",
			})
			continue
		}
		v := g.view(start)
		r := v.reach(start, also)
		entries = append(entries, entry{symbol, r, start, v})
		if seenBy[v] == nil {
			seenBy[v] = map[int32]bool{}
		}
		for _, n := range r.nodes {
			seenBy[v][n] = true
			if _, out := v.out[n]; !out && !nodes[n] {
				nodes[n] = true
				reachedFrom[n] = symbol
			}
		}
		v.sources(r, start, sources)
	}
	for v, reached := range seenBy {
		v.hash(slices.Collect(keys(reached)))
	}
	for _, e := range entries {
		m.Entries = append(m.Entries, e.view.manifestEntry(e.symbol, e.start, e.r))
	}
	m.Nodes = g.manifestNodes(seenBy, sources)
	for _, n := range slices.Sorted(keys(nodes)) {
		g.problems(n, reachedFrom[n], &diags)
	}
	for id := range sources {
		m.Packages = append(m.Packages, g.sourcePackage(id))
	}
	slices.SortFunc(m.Packages, func(a, b manifest.SourcePackage) int { return cmp.Compare(a.Path, b.Path) })
	return m, diags.Sorted()
}

// Packages returns the import paths of the local packages whose sources the versions of symbols were computed from, sorted. Symbols
// that do not exist are left out.
func (g *Graph) Packages(symbols []string) []string {
	sources := map[int32]bool{}
	for _, symbol := range symbols {
		if start, also, ok := g.entry(symbol); ok {
			v := g.view(start)
			v.sources(v.reach(start, also), start, sources)
		}
	}
	var out []string
	for id := range sources {
		out = append(out, g.locals[id].lp.Path)
	}
	slices.Sort(out)
	return out
}

// ProofPatterns returns what a binary must embed of a local package, beside its Go files, to prove that it was built from the sources that
// were hashed: patterns for //go:embed, sorted, that match what the package embeds itself, its assembly and its C.
func (g *Graph) ProofPatterns(pkgPath string) []string {
	id, ok := g.pkgID[pkgPath]
	if !ok {
		return nil
	}
	out := slices.Clone(g.locals[id].embeds)
	for _, f := range g.locals[id].lp.OtherFiles {
		out = append(out, "[^._]*"+path.Ext(f))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// proofFiles are the files that the patterns match.
func (g *Graph) proofFiles(id int32) []string {
	lp := g.locals[id].lp
	files := slices.Concat(lp.EmbedFiles, lp.OtherFiles, g.locals[id].declared)
	files = slices.DeleteFunc(files, func(f string) bool { return manifest.IsGoSource(f) || f == load.ManifestFile })
	slices.Sort(files)
	return slices.Compact(files)
}

// entry finds the node of a symbol, and what else its version covers.
func (g *Graph) entry(symbol string) (start int32, also []int32, ok bool) {
	n, ok := g.byName[symbol]
	if !ok || g.sums[n].key.kind != keyObject {
		return 0, nil, false
	}
	k := g.sums[n].key
	switch k.sort {
	case sortType:
		if rt, ok := g.index[key{kind: keyRuntime, pkg: k.pkg, name: k.name}]; ok && g.calls[rt] {
			return rt, nil, true
		}
	case sortConst:
		return 0, nil, false
	}
	for _, e := range g.sums[n].entry {
		if c, ok := g.index[e]; ok && g.calls[c] && !slices.Contains(also, c) {
			also = append(also, c)
		}
	}
	if d, ok := g.index[key{kind: keyDebug, pkg: k.pkg}]; ok && k.callable() {
		also = append(also, d)
	}
	return n, also, true
}

func (g *Graph) manifestEntry(symbol string, start int32, r *reached) manifest.Entry {
	e := canon.New("dagstergen/code/v1")
	e.String("mode", g.opts.Mode.String())
	e.Digest("env", g.environment())
	entry := manifest.Entry{Symbol: symbol, Node: g.names[start]}
	if g.opts.Mode == Body {
		e.Digest("node", g.bodyHash(start))
		for _, n := range r.also {
			entry.Also = append(entry.Also, g.names[n])
		}
		slices.Sort(entry.Also)
		for _, name := range entry.Also {
			e.Digest("also", g.bodyHash(g.byName[name]))
		}
		entry.Version = e.Sum()
		return entry
	}
	e.Digest("node", g.hashes[start])
	// By hash and not by name: that a setter moves to another file changes nothing. Two that look alike are two.
	var also []canon.Digest
	for _, n := range r.also {
		also = append(also, g.hashes[n])
		entry.Also = append(entry.Also, g.names[n])
	}
	for n, reason := range g.out {
		if r.in[n] {
			entry.Without = append(entry.Without, manifest.Without{Name: g.names[n], Reason: reason})
		}
	}
	slices.SortFunc(entry.Without, func(a, b manifest.Without) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(also, func(a, b canon.Digest) int { return bytes.Compare(a[:], b[:]) })
	e.List("also", len(also))
	for _, d := range also {
		e.Digest("", d)
	}
	if order := g.startOrder(r); len(order) > 0 {
		e.List("order", len(order))
		for _, d := range order {
			e.Digest("", d)
		}
	}
	entry.Version = e.Sum()
	return entry
}

// bodyHash is the hash of a declaration as its text has it: with the names, and not the content, of what it refers to.
func (g *Graph) bodyHash(n int32) canon.Digest {
	g.core(n)
	e := canon.New("dagstergen/code/body/v1")
	e.Digest("text", g.sums[n].local)
	e.List("refs", len(g.text[n]))
	for _, r := range g.text[n] {
		e.String("", g.names[r])
	}
	return e.Sum()
}

// manifestNodes lists the nodes with what explains them, what stands for those that an entry leaves out, and the environment.
func (g *Graph) manifestNodes(seenBy map[*Graph]map[int32]bool, sources map[int32]bool) []manifest.Node {
	all := map[int32]bool{}
	standIns := map[int32]*summary{}
	for v, reached := range seenBy {
		for n := range v.mentioned(reached) {
			if _, out := v.out[n]; out {
				standIns[n] = v.sums[n]
			} else {
				all[n] = true
			}
		}
	}
	g.hash(slices.Collect(keys(all)))
	var out []manifest.Node
	for n := range all {
		s := g.sums[n]
		g.core(n)
		node := manifest.Node{Name: g.names[n], Kind: s.kind, Local: s.local, Hash: g.hashes[n], File: s.file, Value: cmp.Or(s.ignored, s.value)}
		if g.opts.Mode == Body {
			node.Hash = g.bodyHash(n)
		} else {
			node.Refs, node.Implied = g.refNames(n)
			node.Sets = g.setNames(n, all)
		}
		out = append(out, node)
	}
	for n, s := range standIns {
		out = append(out, manifest.Node{Name: manifest.LeftOut(g.names[n]), Kind: s.kind, Local: s.local, Hash: s.core, File: s.file})
	}
	code := maps.Clone(sources)
	for n := range all {
		if id := g.sums[n].pkg; id >= 0 {
			code[id] = true
		}
	}
	out = append(out, g.environmentNodes(code)...)
	slices.SortFunc(out, func(a, b manifest.Node) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// mentioned adds to the nodes that are reached the constants and aliases that their text mentions: they are there to be blamed.
func (g *Graph) mentioned(reached map[int32]bool) map[int32]bool {
	all := map[int32]bool{}
	var queue []int32
	push := func(n int32) {
		if !all[n] {
			all[n] = true
			queue = append(queue, n)
		}
	}
	for n := range reached {
		push(n)
	}
	if g.opts.Mode == Body {
		return all
	}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, r := range g.text[n] {
			push(r)
		}
		for _, r := range g.refs[n] {
			push(r)
		}
	}
	return all
}

// refNames are the names of what a node refers to: in its text, and beyond that.
func (g *Graph) refNames(n int32) (text, implied []string) {
	seen := map[int32]bool{}
	for _, r := range g.text[n] {
		seen[r] = true
		text = append(text, g.names[r])
	}
	for _, r := range g.refs[n] {
		if !seen[r] {
			seen[r] = true
			implied = append(implied, g.names[r])
		}
	}
	return text, implied
}

// setNames are the variables of the manifest that an initialiser sets.
func (g *Graph) setNames(n int32, all map[int32]bool) []string {
	if k := g.sums[n].kind; k != manifest.KindInit && k != manifest.KindVar {
		return nil
	}
	var out []string
	for _, st := range g.sets[g.comp[n]] {
		if v := g.states[st].node; v >= 0 && v != n && all[v] {
			out = append(out, g.names[v])
		}
	}
	slices.Sort(out)
	return out
}

// sources adds the packages that the version of an entry was computed from: those of what it reaches, and those that it imports and
// that could set, in an edited form, a state that it reads.
func (g *Graph) sources(r *reached, start int32, out map[int32]bool) {
	var keepers []string
	scope := g.scope(start)
	note := func(n int32) {
		s := g.sums[n]
		if s.pkg >= 0 {
			if g.locals[s.pkg].lp.Local {
				out[s.pkg] = true
			}
			if s.kind == manifest.KindVar {
				keepers = append(keepers, g.locals[s.pkg].lp.Path)
			}
		}
	}
	seen := make([]bool, len(g.sums))
	queue := slices.Clone(r.nodes)
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		note(n)
		if g.opts.Mode == Transitive {
			queue = append(queue, g.text[n]...)
			if !r.in[n] {
				queue = append(queue, g.refs[n]...)
			}
		}
	}
	if g.opts.Mode == Body {
		return
	}
	for u := range r.uses {
		if _, keeps := registries[u]; keeps {
			keepers = append(keepers, u)
		}
	}
	slices.Sort(keepers)
	for _, k := range slices.Compact(keepers) {
		for id := range g.locals {
			if scope[id] && !out[int32(id)] && g.locals[id].lp.Local && g.importsPackage(int32(id), k) {
				out[int32(id)] = true
			}
		}
	}
}

// importsPackage reports whether a local package imports the package at path, at any depth.
func (g *Graph) importsPackage(id int32, path string) bool {
	if k, ok := g.pkgID[path]; ok {
		return g.imported(id)[k]
	}
	seen := map[string]bool{}
	queue := []string{g.locals[id].lp.Path}
	for len(queue) > 0 {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if p == path {
			return true
		}
		lp := g.prog.Packages[p]
		if lp == nil || seen[p] || g.env.wherePath(p) == standard || g.env.wherePath(p) == opaque {
			continue
		}
		seen[p] = true
		for _, q := range lp.Imports {
			queue = append(queue, q.Path)
		}
	}
	return false
}

func (g *Graph) sourcePackage(id int32) manifest.SourcePackage {
	lp := g.locals[id].lp
	p := manifest.SourcePackage{Path: lp.Path, Patterns: g.ProofPatterns(lp.Path)}
	if p.Files = slices.Clone(g.locals[id].files); p.Files == nil {
		p.Files = sourceFiles(lp.Source, lp.GoFiles, g.locals[id].skipped)
	}
	for _, name := range g.proofFiles(id) {
		if d, err := fileDigest(lp, name); err == nil {
			p.Files = append(p.Files, manifest.SourceFile{Name: name, Raw: d, Declared: slices.Contains(g.locals[id].declared, name)})
		}
	}
	slices.SortFunc(p.Files, func(a, b manifest.SourceFile) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

// problems reports what is wrong in a declaration that an entry reaches.
func (g *Graph) problems(n int32, symbol string, diags *diag.List) {
	s := g.sums[n]
	for _, p := range s.problems {
		if strings.HasPrefix(p.text, "\t") {
			continue // the second half of an error elsewhere
		}
		d := diag.Diagnostic{Code: CodeBroken}
		if p.pos.IsValid() {
			d.Pos = p.pos
		} else if s.pkg >= 0 {
			d.Pos = token.Position{Filename: g.prog.Rel(filepath.Join(g.locals[s.pkg].lp.Dir, filepath.Base(s.file)))}
		}
		via := ""
		if g.names[n] != symbol {
			via = fmt.Sprintf(", in %s, which the version of %s covers", g.names[n], symbol)
		}
		switch {
		case p.name != "":
			d.Code = CodeUnresolved
			d.Message = "undefined: " + p.name + via
			d.Hint = "declare it, or correct the name"
		case p.text != "":
			d.Message = strings.Join(strings.Fields(p.text), " ") + via // the type checker may use several lines
		default:
			d.Message = "cannot understand this code" + via
		}
		diags.Add(d)
	}
}
