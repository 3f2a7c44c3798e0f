package oracle

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

// A Neutrality is what rewriting a whole project came to.
type Neutrality struct {
	Project   string
	Seed      uint64
	Packages  int
	Files     int
	Renamed   int      // locals, parameters, receivers, results, labels, type parameters
	Moved     int      // declarations that stand in another place or file
	Functions int      // functions and methods whose versions were compared
	Changed   []string // symbols whose version is another one
	Elapsed   time.Duration
}

// Neutral rewrites all files of the project in dir at once so that nothing of what it does changes (other names of locals and imports, other
// layout and comments, declarations shuffled over the files of their package) and compares the versions of all functions.
func Neutral(ctx context.Context, dir string, seed uint64, o versionhash.Options) (*Neutrality, error) {
	start := time.Now()
	whole, err := loadProject(ctx, dir)
	if err != nil {
		return nil, err
	}
	p := detached(whole)
	n := &Neutrality{Project: p.Module.Path, Seed: seed, Packages: len(p.Locals())}
	w := &rewriter{rnd: rand.New(rand.NewPCG(seed, 5)), result: n, names: map[token.Pos]string{}, embedded: map[string]bool{}}
	for _, lp := range p.Locals() {
		for _, name := range lp.EmbedFiles {
			w.embedded[filepath.Join(lp.Dir, filepath.FromSlash(name))] = true
		}
	}
	q, err := w.program(p)
	if err != nil {
		return nil, err
	}
	var symbols []string
	for _, lp := range p.Locals() {
		symbols = append(symbols, functions(lp)...)
	}
	var versions [2]map[string]canon.Digest
	for i, prog := range []*load.Program{p, q} {
		m := &mutator{o: MutateOptions{Options: o}}
		versions[i] = map[string]canon.Digest{}
		if err := m.versions(prog, symbols, versions[i]); err != nil {
			return nil, err
		}
	}
	n.Functions = len(symbols)
	for _, s := range symbols {
		if versions[0][s] != versions[1][s] {
			n.Changed = append(n.Changed, s)
		}
	}
	n.Elapsed = time.Since(start)
	return n, nil
}

// functions returns the symbols of the functions and methods that a package declares.
func functions(lp *load.Package) []string {
	var out []string
	for _, f := range lp.Syntax {
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Name.Name != "_" && (d.Name.Name != "init" || d.Recv != nil) {
				if o, ok := lp.Info.Defs[d.Name].(*types.Func); ok {
					out = append(out, symbolOf(lp.Path, o))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

type rewriter struct {
	rnd    *rand.Rand
	result *Neutrality
	names  map[token.Pos]string // of local objects, by where they are declared

	embedded map[string]bool // files whose every byte counts, by their full name
}

// program rewrites all local packages of p.
func (w *rewriter) program(p *load.Program) (*load.Program, error) {
	q := *p
	q.Packages = maps.Clone(p.Packages)
	for _, lp := range p.Locals() {
		c := *lp
		c.Imports = maps.Clone(lp.Imports)
		for name, dep := range c.Imports {
			c.Imports[name] = q.Packages[dep.Path]
		}
		q.Packages[lp.Path] = &c
		c.Source, c.Syntax = maps.Clone(lp.Source), nil
		files := w.files(p, lp)
		for _, name := range c.GoFiles {
			c.Source[name] = files[name]
			f, err := parser.ParseFile(p.Fset, p.Rel(filepath.Join(lp.Dir, name)), files[name], parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return nil, fmt.Errorf("oracle: rewriting %s: %w", lp.Path, err)
			}
			c.Syntax = append(c.Syntax, f)
		}
		if err := check(&q, &c); err != nil {
			return nil, fmt.Errorf("oracle: rewriting %s: %w", lp.Path, err)
		}
		w.result.Files += len(files)
	}
	q.Roots = nil
	for _, r := range p.Roots {
		q.Roots = append(q.Roots, q.Packages[r.Path])
	}
	return &q, nil
}

// A chunk is a declaration on its way to another place.
type chunk struct {
	text    []byte
	imports map[string]string // alias -> path
}

// files rewrites the files of a package.
func (w *rewriter) files(p *load.Program, lp *load.Package) map[string][]byte {
	out := map[string][]byte{}
	prefix := "zz"
	for _, src := range lp.Source {
		for bytes.Contains(src, []byte(prefix)) {
			prefix += "z"
		}
	}
	w.localNames(lp, prefix)
	var movable []string // files whose declarations move
	var loose []chunk
	kept := map[string][]chunk{}
	for i, f := range lp.Syntax {
		name := lp.GoFiles[i]
		src := lp.Source[name]
		tf := p.Fset.File(f.FileStart)
		if w.embedded[filepath.Join(lp.Dir, name)] {
			out[name] = src
			continue
		}
		if !plain(f) {
			out[name] = w.emit(w.edit(lp, tf, src, f, f.FileStart, f.FileEnd, prefix, nil), true)
			continue
		}
		movable = append(movable, name)
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
				continue
			}
			c := chunk{imports: map[string]string{}}
			c.text = w.emit(w.edit(lp, tf, src, d, d.Pos(), d.End(), prefix, c.imports), false)
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				kept[name] = append(kept[name], c) // the order of init functions is part of the meaning
				continue
			}
			loose = append(loose, c)
		}
	}
	w.rnd.Shuffle(len(loose), func(i, j int) { loose[i], loose[j] = loose[j], loose[i] })
	for _, c := range loose {
		name := movable[w.rnd.IntN(len(movable))]
		kept[name] = append(kept[name], c)
		w.result.Moved++
	}
	for _, name := range movable {
		imports := map[string]string{}
		for _, c := range kept[name] {
			maps.Copy(imports, c.imports)
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, "// Rewritten.\npackage %s\n\n", lp.Name)
		aliases := slices.Collect(maps.Keys(imports))
		w.rnd.Shuffle(len(aliases), func(i, j int) { aliases[i], aliases[j] = aliases[j], aliases[i] })
		for _, a := range aliases {
			fmt.Fprintf(&b, "import %s %q\n", a, imports[a])
		}
		for _, c := range kept[name] {
			fmt.Fprintf(&b, "\n// A comment that says %d.\n%s\n", w.rnd.IntN(1000), c.text)
		}
		out[name] = b.Bytes()
	}
	return out
}

// plain holds for files whose declarations can stand elsewhere: no directives, no constraints, no imports for their effects, no cgo.
func plain(f *ast.File) bool {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:") || strings.HasPrefix(c.Text, "// +build") {
				return false
			}
		}
	}
	return !slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
		return i.Path.Value == `"C"` || i.Name != nil && (i.Name.Name == "." || i.Name.Name == "_")
	})
}

// localNames gives every local object of a package another name.
func (w *rewriter) localNames(lp *load.Package, prefix string) {
	name := func(o types.Object) {
		if o == nil || o.Name() == "_" || o.Name() == "" || !o.Pos().IsValid() {
			return
		}
		switch o := o.(type) {
		case *types.Var:
			if o.IsField() || o.Parent() == lp.Types.Scope() {
				return
			}
		case *types.Const:
			if o.Parent() == lp.Types.Scope() {
				return
			}
		case *types.TypeName:
			if _, param := o.Type().(*types.TypeParam); !param {
				return
			}
		case *types.Label:
		default:
			return
		}
		if _, ok := w.names[o.Pos()]; !ok {
			w.names[o.Pos()] = fmt.Sprintf("%s%d", prefix, len(w.names))
			w.result.Renamed++
		}
	}
	for _, o := range lp.Info.Defs {
		name(o)
	}
	for _, o := range lp.Info.Implicits {
		if _, ok := o.(*types.Var); ok {
			name(o)
		}
	}
}

type replacement struct {
	from, to int
	text     string
}

// edit returns the text between two positions with all local names and names of imports replaced. Where imports is nil the file
// keeps its own import declarations.
func (w *rewriter) edit(lp *load.Package, tf *token.File, src []byte, n ast.Node, from, to token.Pos, prefix string, imports map[string]string) []byte {
	var list []replacement
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		o := lp.Info.Defs[id]
		if o == nil {
			o = lp.Info.Uses[id]
		}
		text := ""
		if p, ok := o.(*types.PkgName); ok {
			if imports != nil {
				text = prefix + "p" + alias(p.Imported().Path())
				imports[text] = p.Imported().Path()
				for written, dep := range lp.Imports {
					if dep.Path == p.Imported().Path() {
						imports[text] = written
					}
				}
			}
		} else if o != nil {
			text = w.names[o.Pos()]
			if _, field := o.(*types.Var); field && o.(*types.Var).IsField() {
				text = ""
			}
		} else {
			text = w.names[id.Pos()] // the variable of a type switch
		}
		if text != "" && (o == nil || o.Name() == id.Name) {
			list = append(list, replacement{tf.Offset(id.Pos()), tf.Offset(id.End()), text})
		}
		return true
	})
	slices.SortFunc(list, func(a, b replacement) int { return a.from - b.from })
	var out []byte
	at := tf.Offset(from)
	for _, r := range list {
		if r.from < at {
			continue
		}
		out = append(append(out, src[at:r.from]...), r.text...)
		at = r.to
	}
	return append(out, src[at:tf.Offset(to)]...)
}

func alias(path string) string {
	var b strings.Builder
	for _, r := range path {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "_%x_", r)
		}
	}
	return b.String()
}

// emit writes the tokens of src anew with random space and comments between them. With directives, comments stay, for some of them are code.
func (w *rewriter) emit(src []byte, directives bool) []byte {
	if directives {
		return append(src, "\n// Another comment.\n"...)
	}
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", -1, len(src)), src, nil, 0)
	var b bytes.Buffer
	for {
		_, tok, lit := s.Scan()
		if tok == token.EOF {
			return b.Bytes()
		}
		switch {
		case tok == token.SEMICOLON && lit == "\n":
			b.WriteByte('\n')
			continue
		case lit != "":
			b.WriteString(lit)
		default:
			b.WriteString(tok.String())
		}
		switch w.rnd.IntN(12) {
		case 0:
			fmt.Fprintf(&b, " /* %d */ ", w.rnd.IntN(100))
		case 1:
			b.WriteString("\t ")
		default:
			b.WriteByte(' ')
		}
		if (tok == token.LBRACE || tok == token.COMMA) && w.rnd.IntN(3) == 0 {
			b.WriteByte('\n')
		}
	}
}
