package versionhash

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
)

var swapped = map[token.Token]token.Token{
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR, token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LAND: token.LOR, token.LOR: token.LAND, token.AND: token.OR, token.OR: token.AND, token.SHL: token.SHR, token.SHR: token.SHL,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.INC: token.DEC, token.DEC: token.INC,
	token.BREAK: token.CONTINUE, token.CONTINUE: token.BREAK,
}

// A mutation changes the meaning of a declaration a little, in place.
type mutation struct {
	what  string
	node  ast.Node
	apply func()
}

// mutations lists all mutations of a declaration.
func mutations(d ast.Decl) []mutation {
	var out []mutation
	ast.Inspect(d, func(n ast.Node) bool {
		add := func(what string, f func()) { out = append(out, mutation{what, n, f}) }
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if op, ok := swapped[n.Op]; ok {
				add("operator", func() { n.Op = op })
			}
			if n.Op == token.SUB || n.Op == token.LSS || n.Op == token.QUO {
				add("operands", func() { n.X, n.Y = n.Y, n.X })
			}
		case *ast.BasicLit:
			switch n.Kind {
			case token.INT:
				if v, err := strconv.Atoi(n.Value); err == nil {
					add("number", func() { n.Value = strconv.Itoa(v + 1) })
				}
			case token.STRING:
				add("string", func() {
					s, _ := strconv.Unquote(n.Value)
					n.Value = strconv.Quote(s + "x")
				})
			}
		case *ast.IfStmt:
			add("condition", func() { n.Cond = &ast.UnaryExpr{Op: token.NOT, X: &ast.ParenExpr{X: n.Cond}} })
			if n.Else != nil {
				add("else", func() { n.Else = nil })
			}
		case *ast.ForStmt:
			if n.Cond != nil {
				add("loop", func() { n.Cond = nil })
			}
		case *ast.BlockStmt:
			for i, s := range n.List {
				if !isDecl(s) {
					add("statement", func() { n.List = append(n.List[:i:i], n.List[i+1:]...) })
				}
			}
			if len(n.List) > 1 && !isDecl(n.List[0]) && !isDecl(n.List[1]) {
				add("order", func() { n.List[0], n.List[1] = n.List[1], n.List[0] })
			}
		case *ast.CaseClause:
			if len(n.List) > 1 {
				add("case", func() { n.List = n.List[1:] })
			}
		case *ast.CallExpr:
			if len(n.Args) > 1 && types.ExprString(n.Args[0]) != types.ExprString(n.Args[1]) {
				add("arguments", func() { n.Args[0], n.Args[1] = n.Args[1], n.Args[0] })
			}
		case *ast.AssignStmt:
			if op, ok := swapped[n.Tok]; ok {
				add("assignment", func() { n.Tok = op })
			}
		case *ast.IncDecStmt:
			add("step", func() { n.Tok = swapped[n.Tok] })
		case *ast.BranchStmt:
			if op, ok := swapped[n.Tok]; ok {
				add("branch", func() { n.Tok = op })
			}
		case *ast.SliceExpr:
			if n.Low != nil {
				add("bound", func() { n.Low = nil })
			}
		case *ast.CompositeLit:
			if len(n.Elts) > 0 {
				add("element", func() { n.Elts = n.Elts[1:] })
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT || n.Op == token.SUB {
				add("sign", func() { n.Op = token.ADD; n.X = &ast.ParenExpr{X: n.X} })
			}
		case *ast.Field:
			if n.Tag != nil {
				add("tag", func() { n.Tag.Value = "`x:\"y\"`" })
			}
			if id, ok := n.Type.(*ast.Ident); ok && id.Name == "int" {
				add("field type", func() { id.Name = "int64" })
			}
		}
		return true
	})
	return out
}

func isDecl(s ast.Stmt) bool {
	_, ok := s.(*ast.DeclStmt)
	return ok
}

// folded reports whether a node is part of a constant expression that it is not all of: its change may leave the value as it is.
func folded(info *types.Info, d ast.Decl, node ast.Node) bool {
	_, literal := node.(*ast.BasicLit)
	found := false
	ast.Inspect(d, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok || info.Types[e].Value == nil || e == node && literal {
			return true
		}
		ast.Inspect(e, func(m ast.Node) bool { found = found || m == node; return !found })
		return !found
	})
	return found
}

// A summarised package is the digests of its declarations by name.
type summarised struct {
	core, text map[string]canon.Digest
	info       *types.Info
}

// coresOf summarises one package with the types of its imports as they were loaded.
func coresOf(t testing.TB, p *load.Program, lp *load.Package, fset *token.FileSet, files []*ast.File) (*summarised, bool) {
	t.Helper()
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		FileVersions: map[*ast.File]string{},
	}
	conf := types.Config{
		Sizes: p.Sizes, GoVersion: "go" + lp.Module.GoVersion,
		Importer: importerFunc(func(path string) (*types.Package, error) {
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			if dep := lp.Imports[path]; dep != nil && dep.Types != nil {
				return dep.Types, nil
			}
			return nil, fmt.Errorf("no %s", path)
		}),
	}
	tp, err := conf.Check(lp.Path, fset, files, info)
	if err != nil {
		return nil, false
	}
	clone := *lp
	clone.Types, clone.Info, clone.Syntax = tp, info, files
	s := newEnv(&load.Program{Fset: fset, Packages: p.Packages, Module: p.Module}, Options{Runtime: load.RuntimePath}).scan(&clone)
	out := &summarised{core: map[string]canon.Digest{}, text: map[string]canon.Digest{}, info: info}
	for _, sum := range s.out {
		out.core[sum.name] = sum.core
		// What a text names is compared by name, as Diff does it.
		e := canon.New("test")
		e.Digest("local", sum.local)
		for _, k := range sum.text {
			e.String("names", nativeName(k))
		}
		out.text[sum.name] = e.Sum()
	}
	return out, true
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

// TestMutations changes one thing in one declaration of this repository at a time: if the result compiles, the digest of that declaration must
// differ, its text must be said to have changed, and no other declaration of a function may be touched.
func TestMutations(t *testing.T) {
	dir := t.TempDir()
	copyModule(t, "..", dir)
	mutate(t, dir, 120)
}

func mutate(t *testing.T, dir string, want int) {
	t.Helper()
	p, packages := healthy(t, dir)
	rnd := rand.New(rand.NewPCG(3, 4))
	base := map[*load.Package]*summarised{}
	done := 0
	for tries := 0; done < want && tries < want*20; tries++ {
		lp := packages[rnd.IntN(len(packages))]
		parse := func() (*token.FileSet, []*ast.File) {
			fset := token.NewFileSet()
			var files []*ast.File
			for _, name := range lp.GoFiles {
				f, err := parser.ParseFile(fset, filepath.Join(lp.Dir, name), lp.Source[name], parser.ParseComments|parser.SkipObjectResolution)
				require.NoError(t, err)
				files = append(files, f)
			}
			return fset, files
		}
		if _, ok := base[lp]; !ok {
			fset, files := parse()
			now, ok := coresOf(t, p, lp, fset, files)
			if !ok {
				continue // its imports are not all there
			}
			base[lp] = now
		}
		fset, files := parse()
		f := files[rnd.IntN(len(files))]
		if len(f.Decls) == 0 {
			continue
		}
		d := f.Decls[rnd.IntN(len(f.Decls))]
		ms := mutations(d)
		if g, ok := d.(*ast.GenDecl); len(ms) == 0 || ok && g.Tok == token.IMPORT {
			continue
		}
		if fd, ok := d.(*ast.FuncDecl); ok && fd.Name.Name == "_" {
			continue // never runs
		}
		before := source(fset, d)
		m := ms[rnd.IntN(len(ms))]
		m.apply()
		after := source(fset, d)
		if before == after {
			continue
		}
		now, ok := coresOf(t, p, lp, fset, files)
		if !ok || folded(now.info, d, m.node) {
			continue
		}
		done++
		var changed, text []string
		for name, c := range now.core {
			if base[lp].core[name] != c {
				changed = append(changed, name)
				if base[lp].text[name] != now.text[name] {
					text = append(text, name)
				}
			}
		}
		assert.NotEmpty(t, changed, "%s in %s: nothing changed\n%s\nto\n%s", m.what, lp.Path, before, after)
		assert.NotEmpty(t, text, "%s in %s: no text changed\n%s\nto\n%s", m.what, lp.Path, before, after)
		if fd, ok := d.(*ast.FuncDecl); ok && m.what != "field type" { // a parameter's type shows where it is inferred
			assert.Len(t, changed, 1, "%s in %s: %v", m.what, fd.Name.Name, changed)
		}
	}
	require.GreaterOrEqual(t, done, want, "too few of the mutations compile")
}

func source(fset *token.FileSet, d ast.Decl) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, fset, d)
	return b.String()
}
