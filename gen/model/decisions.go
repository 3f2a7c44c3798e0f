package model

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// A Decision is what //dag:ignore and //dag:depends say of one declaration.
type Decision struct {
	Pkg     *load.Package
	Name    string    // Go name of the declaration
	Ignored string    // the reason for which it counts in no version; "" where it counts
	Without []Left    // what its own version leaves out
	Needs   []Need    // declarations that count with it
	Files   []Pattern // files that count with it
	Env     []string  // environment variables that count with it, sorted
	Pos     token.Position
}

// A Left is something that one version leaves out.
type Left struct {
	Symbol   string // "import/path.Name", "import/path.(*T).Method", or an import path
	Reason   string
	Spelling string // as the directive has it
	Pos, End token.Position
}

// A Need is a declaration that counts without being named in code.
type Need struct {
	Obj  types.Object
	Path string // of its package
}

// A Pattern is a go:embed pattern of files that count, with its place.
type Pattern struct {
	Glob     string
	Pos, End token.Position
}

// decisions reads the //dag:ignore and //dag:depends lines of a file. They are resolved at once: the types are known, and nothing else is needed.
func (b *builder) decisions(p *Package, file *ast.File, anns []annotations.Annotation) {
	kinds := map[ast.Node]annotations.Kind{}
	for _, a := range anns {
		if row, _ := annotations.Lookup(a.Kind); !row.Beside {
			kinds[a.Decl] = a.Kind
		}
	}
	for _, a := range anns {
		kind, annotated := kinds[a.Decl]
		d := &decider{b: b, p: p, file: file, a: a, kind: kind}
		switch {
		case !annotated && brokenKind(a.Decl): // what it is was said, and not understood
		case a.Kind == annotations.Ignore && (annotated || len(a.All("symbol")) > 0):
			d.without(annotated)
		case a.Kind == annotations.Ignore:
			for _, id := range names(a.Decl) {
				d.of(id).Ignored = a.Value("reason")
			}
		case a.Kind == annotations.Depends:
			d.depends()
		}
	}
}

// brokenKind reports whether a declaration that is not annotated has a directive that says what it is, which must have errors then.
func brokenKind(n ast.Node) bool {
	var doc *ast.CommentGroup
	switch n := n.(type) {
	case *ast.FuncDecl:
		doc = n.Doc
	case *ast.TypeSpec:
		doc = n.Doc
	}
	if doc == nil {
		return false
	}
	return slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//dag:") && !standsBeside(c.Text)
	})
}

// names are the identifiers that a declaration declares.
func names(n ast.Node) []*ast.Ident {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return []*ast.Ident{n.Name}
	case *ast.TypeSpec:
		return []*ast.Ident{n.Name}
	case *ast.ValueSpec:
		return n.Names
	}
	return nil
}

// A decider reads one directive.
type decider struct {
	b    *builder
	p    *Package
	file *ast.File
	a    annotations.Annotation
	kind annotations.Kind // what the declaration is; "" for one that is not annotated
}

func (d *decider) of(id *ast.Ident) *Decision {
	all := d.b.m.Decisions
	if all[id.Pos()] == nil {
		all[id.Pos()] = &Decision{Pkg: d.p.Package, Name: id.Name, Pos: d.b.at(id.Pos())}
	}
	return all[id.Pos()]
}

func (d *decider) fail(code string, pos, end token.Position, hint, format string, args ...any) {
	d.p.Diagnostics.Add(diag.Diagnostic{Code: code, Pos: pos, End: end, Hint: hint, Message: fmt.Sprintf("%s: //dag:%s: ", d.a.Name, d.a.Kind) + fmt.Sprintf(format, args...)})
}

// without reads what the version of an op leaves out.
func (d *decider) without(annotated bool) {
	symbols := d.a.All("symbol")
	switch d.kind {
	case annotations.Op, annotations.Asset, annotations.Check, annotations.Resource:
		if len(symbols) == 0 {
			d.fail(CodeDecisionPlace, d.a.Pos, d.a.End, `name what it leaves out: //dag:ignore SYMBOL... "REASON"`, "%s cannot be left out of its own version", article(string(d.kind)))
			return
		}
	case "":
		if !annotated {
			d.fail(CodeDecisionPlace, symbols[0].Pos, symbols[len(symbols)-1].End, `put them above ops, or write //dag:ignore "REASON" above each of what they name`, "symbols are left out by ops, assets and resources, and this is none")
		}
		return
	default: // a source, a job or a config
		d.fail(CodeDecisionPlace, d.a.Pos, d.a.End, "put it above the op that it is meant for", "%s has no code version to leave something out of", article(string(d.kind)))
		return
	}
	if v, ok := d.version(); ok {
		d.fail(CodeDecisionPlace, symbols[0].Pos, symbols[len(symbols)-1].End, "remove one of them", "version=%s stands for all code, so that nothing can be left out", v)
		return
	}
	id := names(d.a.Decl)[0]
	for _, s := range symbols {
		obj, path, ok := d.resolve(s)
		if !ok {
			continue
		}
		lp := d.b.prog.Packages[path]
		left := Left{Symbol: path, Reason: d.a.Value("reason"), Spelling: s.Value, Pos: s.Pos, End: s.End}
		if obj != nil {
			left.Symbol = SymbolOf(obj)
		}
		switch {
		case lp.Module == nil:
			d.fail(CodeDecisionKind, s.Pos, s.End, "remove it", "the standard library counts by the names that are used and by the language version, so that there is nothing to leave out")
		case path == load.RuntimePath:
			d.fail(CodeDecisionKind, s.Pos, s.End, "remove it", "package dag counts by a number that moves when its results do, so that there is nothing to leave out")
		case lp == d.p.Package && obj == nil:
			d.fail(CodeDecisionKind, s.Pos, s.End, "name declarations of it", "%s is its own package", s.Value)
		case obj != nil && obj.Pos() == id.Pos():
			d.fail(CodeDecisionKind, s.Pos, s.End, "name something that it calls", "%s cannot leave out itself", d.a.Name)
		case obj != nil && !lp.Local && !lp.Deep:
			d.fail(CodeDecisionKind, s.Pos, s.End, "leave out the package: "+path, "packages of other modules count as a whole")
		case folded(obj):
			d.fail(CodeDecisionKind, s.Pos, s.End, "leave out the code that uses it, where that does not matter", "%s is written into the code that uses it", s.Value)
		default:
			dec := d.of(id)
			dec.Without = append(dec.Without, left)
		}
	}
}

// version is the version= of the declaration.
func (d *decider) version() (string, bool) {
	if f, ok := d.a.Decl.(*ast.FuncDecl); ok {
		obj, _ := d.p.Info.Defs[f.Name].(*types.Func)
		if fn := d.b.funcs[obj]; fn != nil {
			return fn.Version, fn.Version != ""
		}
	}
	return "", false
}

// folded reports whether code does not refer to a declaration but holds what it stands for.
func folded(obj types.Object) bool {
	switch obj := obj.(type) {
	case *types.Const:
		return true
	case *types.TypeName:
		return obj.IsAlias()
	}
	return false
}

// depends reads what counts beside the code.
func (d *decider) depends() {
	switch d.kind {
	case annotations.Source, annotations.Job, annotations.Graph:
		d.fail(CodeDecisionPlace, d.a.Pos, d.a.End, "put it above the op that it is meant for", "%s has no code version that something could count in", article(string(d.kind)))
		return
	}
	ids := names(d.a.Decl)
	if v, ok := d.version(); ok {
		for _, arg := range d.a.Args {
			if arg.Key != "env" {
				d.fail(CodeDecisionPlace, arg.Pos, arg.End, "remove one of them", "version=%s stands for all code, so that %s does not count", v, arg.Value)
				return
			}
		}
	}
	dec := d.of(ids[0])
	for _, arg := range d.a.Args {
		switch arg.Key {
		case "env":
			dec.Env = append(dec.Env, arg.Value)
			slices.Sort(dec.Env)
			dec.Env = slices.Compact(dec.Env)
		case "file":
			dec.Files = append(dec.Files, Pattern{Glob: arg.Value, Pos: arg.Pos, End: arg.End})
		case "symbol":
			obj, path, ok := d.resolve(arg)
			if !ok {
				continue
			}
			switch lp := d.b.prog.Packages[path]; {
			case lp == nil: // not there: the import says so
			case lp.Module == nil || path == load.RuntimePath:
				d.fail(CodeDecisionKind, arg.Pos, arg.End, "remove it", "package %s counts by the names that are used, and does not change by itself", path)
			case obj == nil:
				d.fail(CodeDecisionKind, arg.Pos, arg.End, "name a declaration: "+arg.Value+".Name", "%s is a package", arg.Value)
			case obj.Pos() == ids[0].Pos():
				d.fail(CodeDecisionKind, arg.Pos, arg.End, "remove it", "%s counts anyway", d.a.Name)
			default:
				dec.Needs = append(dec.Needs, Need{obj, path})
			}
		}
	}
}
