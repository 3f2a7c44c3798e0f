package model

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// Build makes the model of prog. What is wrong is in [Package.Diagnostics]; Build itself cannot fail.
func Build(prog *load.Program) *Model {
	m := &Model{Prog: prog, byPath: map[string]*Package{}, Decisions: map[token.Pos]*Decision{}}
	b := &builder{
		m: m, prog: prog, configs: map[*types.TypeName]*Config{}, funcs: map[*types.Func]*Func{}, ops: map[*types.Func]*Op{}, jobs: map[*types.Func]*Job{},
		resources: map[*types.Func]*Resource{}, brokenKeys: map[*Package]map[string]bool{}, docs: map[*load.Package]map[string]string{}, storable: map[string]*storeProblem{},
		imports: map[*ast.File]map[string]*types.Package{}, graphs: map[*types.Func]*Graph{}, instances: map[string]*Op{}, checks: map[*Op][]*Op{}, blocking: map[string][]*Op{}, statements: map[ast.Stmt][]annotations.Annotation{},
	}
	for _, lp := range prog.Locals() {
		b.collect(lp)
	}
	b.configuredKinds()
	b.sight()
	b.resourceTypes()
	b.buildConfigs()
	b.signatures()
	b.keys()
	b.partitionTypes()
	b.arguments()
	b.wire()
	b.gathers()
	b.earlierKeys()
	b.subsets()
	b.checkKeys()
	b.findGates()
	b.assetCycles()
	b.resourceCycles()
	b.buildJobs()
	b.generatedNames()
	b.definitions()
	for _, p := range m.Packages {
		p.Diagnostics = p.Diagnostics.Sorted()
	}
	return m
}

// A builder holds what the steps share.
type builder struct {
	m    *Model
	prog *load.Program

	configs   map[*types.TypeName]*Config
	resources map[*types.Func]*Resource
	ops       map[*types.Func]*Op
	jobs      map[*types.Func]*Job
	graphs    map[*types.Func]*Graph // marked //dag:graph
	instances map[string]*Op         // of generic ops, by symbol
	funcs     map[*types.Func]*Func
	checks    map[*Op][]*Op    // by what makes the asset that they check, of its package
	blocking  map[string][]*Op // checks, by the key of the asset

	brokenKeys map[*Package]map[string]bool        // keys of declarations whose directive has errors
	docs       map[*load.Package]map[string]string // doc comments of struct fields, by the position of their names
	storable   map[string]*storeProblem            // by canonical name of the type
	imports    map[*ast.File]map[string]*types.Package
	types      *runtimeTypes
	statements map[ast.Stmt][]annotations.Annotation // what stands on statements of bodies
}

func (b *builder) at(pos token.Pos) token.Position { return b.prog.Position(pos) }

// report adds an error that spans from pos to end; end may be token.NoPos.
func (b *builder) report(p *Package, code string, pos, end token.Pos, hint, format string, args ...any) *diag.Diagnostic {
	d := diag.Diagnostic{Code: code, Pos: b.at(pos), Message: fmt.Sprintf(format, args...), Hint: hint}
	if end.IsValid() {
		d.End = b.at(end)
	}
	p.Diagnostics.Add(d)
	return &p.Diagnostics[len(p.Diagnostics)-1]
}

func (b *builder) relate(d *diag.Diagnostic, pos token.Pos, format string, args ...any) {
	d.Related = append(d.Related, diag.Related{Pos: b.at(pos), Message: fmt.Sprintf(format, args...)})
}

// collect finds the annotated declarations of a package and makes their bare model.
func (b *builder) collect(lp *load.Package) {
	p := &Package{Package: lp, Generated: map[string]string{}, Expected: map[string]bool{}}
	broken := map[string]bool{}
	annotated := false
	for _, file := range lp.Syntax {
		if !mentionsDirective(file) {
			continue
		}
		anns, diags := annotations.Parse(b.prog.Fset, file)
		p.Diagnostics = append(p.Diagnostics, diags...)
		good := map[ast.Node]bool{}
		for _, a := range anns {
			if row, _ := annotations.Lookup(a.Kind); row.Beside || b.ofStatement(a) {
				continue // declares nothing
			}
			annotated = true
			good[a.Decl] = true
			b.declare(p, a)
		}
		if diags.HasErrors() {
			noteBroken(file, good, broken, p.Expected)
		}
		b.keyPrefix(p, anns)
		b.decisions(p, file, anns)
		b.presets(p, anns)
	}
	annotated = annotated || len(p.Diagnostics) > 0
	if !annotated {
		return
	}
	p.prefixKeys()
	slices.SortFunc(p.Ops, func(x, y *Op) int { return strings.Compare(x.Key, y.Key) })
	slices.SortFunc(p.Resources, func(x, y *Resource) int { return strings.Compare(x.Key, y.Key) })
	slices.SortFunc(p.Graphs, func(x, y *Graph) int { return strings.Compare(x.Key, y.Key) })
	slices.SortFunc(p.Hooks, func(x, y *Hook) int { return strings.Compare(x.Key, y.Key) })
	slices.SortFunc(p.Partitions, func(x, y *Partitions) int { return strings.Compare(x.Key, y.Key) })
	slices.SortFunc(p.Jobs, func(x, y *Job) int { return strings.Compare(x.Key, y.Key) })
	slices.SortFunc(p.Configs, func(x, y *Config) int { return strings.Compare(x.Symbol, y.Symbol) })
	b.m.Packages = append(b.m.Packages, p)
	b.m.byPath[p.Path] = p
	b.brokenKeys[p] = broken
	p.Generated["Definitions"] = "what the package offers to run"
	for name := range p.Generated {
		p.Expected[name] = true
	}
}

// mentionsDirective spares files without directives, the most by far, the work of Parse. It finds misspelt ones too.
func mentionsDirective(file *ast.File) bool {
	for _, g := range file.Comments {
		for _, c := range g.List {
			if maybeDirective(c.Text) {
				return true
			}
		}
	}
	return false
}

func maybeDirective(comment string) bool {
	i := strings.IndexByte(comment, ':')
	return i >= 0 && strings.Contains(strings.ToLower(comment[:i]), "dag")
}

// Needs is what the model needs of a package with this Go file: everything where it has a directive that makes something of a declaration, or what looks like one; the
// syntax where it has those alone that stand beside declarations. A name that generated code declares in every package counts as the former: it must be reported.
func Needs(src []byte) load.Need {
	need := load.NeedSummary
	if !mentionsDag(src) {
		return need
	}
	fset := token.NewFileSet()
	var s scanner.Scanner
	s.Init(fset.AddFile("", -1, len(src)), src, func(token.Position, string) {}, scanner.ScanComments)
	for {
		switch _, tok, text := s.Scan(); {
		case tok == token.EOF:
			return need
		case tok == token.IDENT && text == proofVariable, tok == token.COMMENT && maybeDirective(text) && !standsBeside(text):
			return load.NeedTypes
		case tok == token.COMMENT && maybeDirective(text):
			need = load.NeedSyntax
		}
	}
}

// standsBeside reports whether a comment is a directive that makes nothing of the declaration it stands on.
func standsBeside(comment string) bool {
	rest, ok := strings.CutPrefix(comment, "//dag:")
	name, _, _ := strings.Cut(rest, " ")
	row, known := annotations.Lookup(annotations.Kind(name))
	return ok && known && row.Beside
}

// proofVariable is what dag_proof_gen.go declares.
const proofVariable = "_dagSources"

// mentionsDag looks for "dag" in any case, which most files do not have.
func mentionsDag(src []byte) bool {
	for {
		i := bytes.IndexAny(src, "gG")
		if i < 0 {
			return false
		}
		if i >= 2 && src[i-1]|0x20 == 'a' && src[i-2]|0x20 == 'd' {
			return true
		}
		src = src[i+1:]
	}
}

// noteBroken remembers the keys of declarations that have a directive with errors, and what would be generated for them, so that nobody is
// told that these do not exist.
func noteBroken(file *ast.File, good map[ast.Node]bool, broken, expected map[string]bool) {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Doc == nil || good[f] {
			continue
		}
		for _, c := range f.Doc.List {
			if strings.Contains(strings.ToLower(c.Text), "dag:") {
				broken[annotations.Snake(f.Name.Name)] = true
				for _, suffix := range []string{"Asset", "Graph", "Hook", "Job", "Inputs", "Op", "Outputs", "Steps"} {
					expected[Exported(f.Name.Name)+suffix] = true
				}
				for _, name := range resultNames(f.Type) {
					broken[annotations.Snake(name)] = true
					expected[Exported(name)+"Asset"] = true
				}
			}
		}
	}
}

// declare adds the declaration of a to p, without its types.
func (b *builder) declare(p *Package, a annotations.Annotation) {
	d := Decl{Kind: a.Kind, Pkg: p, Description: a.Doc, Version: a.Value("version"), Tags: a.Map("tags"), Metadata: a.Map("metadata"), GoName: a.Name, File: filepath.Base(a.Pos.Filename), ann: a}
	if text := a.Value("description"); text != "" {
		d.Description = text
	}
	switch node := a.Decl.(type) {
	case *ast.ValueSpec:
		b.declarePartitions(p, d, node)
	case *ast.TypeSpec:
		obj, _ := p.Info.Defs[node.Name].(*types.TypeName)
		if obj == nil {
			p.lost = append(p.lost, node) // a second declaration of that name; the compiler says so
			return
		}
		d.ident, d.Pos, d.Symbol = node.Name, node.Name.Pos(), p.Path+"."+a.Name
		c := &Config{Decl: d, Obj: obj}
		p.Configs = append(p.Configs, c)
		b.configs[obj] = c
	case *ast.FuncDecl:
		obj, _ := p.Info.Defs[node.Name].(*types.Func)
		if obj == nil {
			p.lost = append(p.lost, node)
			return
		}
		d.ident, d.Pos, d.Symbol, d.GoName = node.Name, node.Name.Pos(), symbol(p.Path, obj), goName(obj)
		if strings.HasPrefix(d.GoName, ".") { // a method of a type that does not exist
			d.GoName = strings.TrimLeft(types.ExprString(node.Recv.List[0].Type), "*") + d.GoName
		}
		d.Key = a.Value("name")
		if d.Key == "" {
			d.Key = key(obj)
		}
		f := Func{Decl: d, Obj: obj, Node: node, Running: runningOf(&a)}
		switch a.Kind {
		case annotations.Configured:
			p.configured = append(p.configured, &f)
		case annotations.Resource:
			r := &Resource{Func: f}
			p.Resources = append(p.Resources, r)
			b.resources[obj], b.funcs[obj] = r, &r.Func
		case annotations.Hook:
			h := &Hook{Func: f, On: a.Value("on")}
			p.Hooks = append(p.Hooks, h)
			h.Handle = exported(obj) + "Hook"
			p.Generated[h.Handle] = "the handle of hook " + h.GoName
			b.funcs[obj] = &h.Func
		case annotations.Graph:
			g := &Graph{Func: f}
			g.names(p, "graph", exported(obj), "Graph")
			p.Graphs = append(p.Graphs, g)
			b.graphs[obj], b.funcs[obj] = g, &g.Func
			b.graphAsset(p, g, a)
		case annotations.Job:
			j := &Job{Graph: Graph{Func: f}, Executor: a.Value("executor")}
			j.names(p, "job", exported(obj), "Job")
			j.Steps = exported(obj) + "Steps"
			p.Generated[j.Steps] = "the steps of job " + j.GoName
			p.Jobs = append(p.Jobs, j)
			b.jobs[obj], b.funcs[obj] = j, &j.Func
		default:
			if isGeneric(a.Kind, node) {
				b.ops[obj] = &Op{Func: f, Volatile: a.Flag("volatile"), Share: a.Flag("share")}
				b.funcs[obj] = &b.ops[obj].Func
				p.generics = append(p.generics, b.ops[obj])
				return
			}
			op := &Op{Func: f, Volatile: a.Flag("volatile"), Subset: a.Flag("subset"), External: a.Flag("external"), Share: a.Flag("share"), Group: a.Value("group"), Owners: a.List("owners"), Kinds: a.List("kinds"), Was: a.List("was"), Fresh: a.Span("freshness")}
			switch {
			case a.Kind == annotations.Check:
				op.Check = &Check{Name: op.Key, Warn: a.Value("severity") == "warn", Blocking: a.Flag("blocking")}
			case op.Group == "" && a.Kind != annotations.Op:
				op.Group = defaultGroup(p)
			}
			p.Ops = append(p.Ops, op)
			b.ops[obj], b.funcs[obj] = op, &op.Func
			switch a.Kind {
			case annotations.Check: // nobody calls it
			case annotations.Op:
				op.Handle = exported(obj) + "Op"
				p.Generated[op.Handle] = "the handle of op " + op.GoName
			default:
				for _, ref := range assetRefs(a.Kind, obj, node.Type) {
					p.Generated[ref] = "the asset reference of " + op.GoName
				}
			}
		}
	}
}

// names gives a graph or a job the names that generated code declares for it.
func (g *Graph) names(p *Package, what, base, suffix string) {
	g.Handle, g.Inputs, g.OutType = base+suffix, base+"Inputs", base+"Outputs"
	p.Generated[g.Handle] = "the handle of " + what + " " + g.GoName
	p.Generated[g.Inputs] = "the inputs of " + what + " " + g.GoName
	p.Generated[g.OutType] = "the outputs of " + what + " " + g.GoName
}

// defaultGroup is the name of the package; that of a main package is its folder's, where that is a name.
func defaultGroup(p *Package) string {
	if base := annotations.Snake(path.Base(p.Path)); p.Name == "main" && annotations.ValidName(base) {
		return base
	}
	return p.Name
}

// symbol spells obj as versions know it: "path.Func", "path.Type.Method" or "path.(*Type).Method".
func symbol(path string, obj *types.Func) string {
	recv := obj.Signature().Recv()
	if recv == nil {
		return path + "." + obj.Name()
	}
	name, pointer := receiver(recv.Type())
	if pointer {
		return path + ".(*" + name + ")." + obj.Name()
	}
	return path + "." + name + "." + obj.Name()
}

// receiver returns the type name of a receiver, and whether it is a pointer.
func receiver(t types.Type) (name string, pointer bool) {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t, pointer = p.Elem(), true
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name(), pointer
	}
	return "", pointer
}

func goName(obj *types.Func) string {
	if recv := obj.Signature().Recv(); recv != nil {
		name, _ := receiver(recv.Type())
		return name + "." + obj.Name()
	}
	return obj.Name()
}

// key is the snake case of a function's name; that of a method begins with its receiver's type.
func key(obj *types.Func) string {
	if recv := obj.Signature().Recv(); recv != nil {
		name, _ := receiver(recv.Type())
		return annotations.Snake(name) + "_" + annotations.Snake(obj.Name())
	}
	return annotations.Snake(obj.Name())
}
