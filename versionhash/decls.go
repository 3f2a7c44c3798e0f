package versionhash

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A scanner summarises the declarations of one local package.
type scanner struct {
	env   *env
	lp    *load.Package
	pkg   *types.Package
	info  *types.Info
	named map[string]int          // how often a name was given
	again map[types.Object]string // second declarations of a name, in code that does not compile, by a name of their own
	packageSummary
}

// scan summarises a package from its syntax and types.
func (e *env) scan(lp *load.Package) *packageSummary {
	s := &scanner{env: e, lp: lp, pkg: lp.Types, info: lp.Info}
	s.scan()
	return &s.packageSummary
}

func (s *scanner) scan() {
	s.named, s.again, s.consts = map[string]int{}, map[types.Object]string{}, map[key]*summary{}
	for i, f := range s.lp.Syntax {
		name := s.lp.GoFiles[min(i, len(s.lp.GoFiles)-1)]
		if p := s.env.prog.Fset.File(f.FileStart); p != nil {
			name = path.Base(strings.ReplaceAll(p.Name(), `\`, "/"))
		}
		s.file(f, name)
	}
	for _, in := range s.env.instances[s.lp.Path] {
		s.instance(in)
	}
	for i, sum := range s.out {
		slices.Sort(sum.uses)
		if sum.ignored != "" {
			s.out[i] = standIn(sum, sum.name, sum.ignored)
		}
	}
	slices.Sort(s.preambles)
	s.skipped = skippedFiles(s.lp)
}

func (s *scanner) file(f *ast.File, base string) {
	lang := s.language(f)
	file := moduleFile(s.lp, base)
	for _, im := range f.Imports {
		if im.Name != nil && im.Name.Name == "_" {
			s.blanks = append(s.blanks, strings.Trim(im.Path.Value, "\"`"))
		}
	}
	if f.Name.Name == "main" {
		s.debug = append(s.debug, debugSettings(f)...)
	}
	s.preamble(f)
	links := linknames(f)
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.function(d, file, base, lang, links)
		case *ast.GenDecl:
			for i, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					s.typeDecl(spec, file)
				case *ast.ValueSpec:
					if d.Tok == token.CONST {
						s.constants(spec, file)
					} else {
						s.variables(spec, firstDoc(d, spec, i), file, base, lang)
					}
				}
			}
		}
	}
}

// firstDoc returns the comment that can hold directives of a variable: its own, or that of the declaration if it has but one.
func firstDoc(d *ast.GenDecl, spec *ast.ValueSpec, i int) *ast.CommentGroup {
	if spec.Doc == nil && i == 0 && !d.Lparen.IsValid() {
		return d.Doc
	}
	return spec.Doc
}

// language is the language version that a file is compiled with, as far as it counts.
func (s *scanner) language(f *ast.File) string {
	v := s.info.FileVersions[f]
	if v == "" {
		v = moduleLanguage(s.lp.Module)
	}
	return languageOf(s.lp, v)
}

// begin makes the writer of a declaration.
func (s *scanner) begin(k key, kind, name, file string, pos token.Pos) *writer {
	sum := &summary{key: k, kind: kind, name: name, file: file, pos: s.place(pos), pkg: -1}
	s.out = append(s.out, sum)
	s.decided(sum, pos)
	w := s.newWriter(sum)
	w.pos = pos
	return w
}

// code starts what runs: its language version counts. For the explanation, only one that differs from the module's is its own doing.
func (w *writer) code(m byte, lang string) {
	w.mark(m)
	w.core = appendString(w.core, lang)
	if lang != languageOf(w.s.lp, moduleLanguage(w.s.lp.Module)) {
		w.expl = appendString(append(w.expl, mLanguage), lang)
	}
	w.skipped(w.pkg)
}

// receiverName is the declared type of a receiver, or nil.
func receiverName(t types.Type) types.Object {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj()
	}
	return nil
}

func (s *scanner) function(d *ast.FuncDecl, file, base, lang string, links []linkname) {
	f, ok := s.info.Defs[d.Name].(*types.Func)
	if !ok || f.Name() == "_" {
		return
	}
	sig := f.Signature()
	var w *writer
	switch {
	case sig.Recv() != nil:
		w = s.begin(s.declare(f), "method", symbol(s.lp.Path, methodName(f)), file, d.Name.Pos())
	case f.Name() == "init":
		k := s.initKey(base)
		w = s.begin(k, "init", k.symbol(), file, d.Name.Pos())
		w.out.acts, w.out.turn = true, len(s.out)
	default:
		w = s.begin(s.declare(f), "func", symbol(s.lp.Path, f.Name()), file, d.Name.Pos())
	}
	w.out.typ = types.TypeString(sig, nil)
	// The generated code that calls it hands its parameters and results to the codecs.
	s.asEntry(w.out, keyCodec, sig.Params(), sig.Results())
	w.code(mFunc, lang)
	if recv := sig.Recv(); recv != nil {
		s.decided(w.out, w.pos, receiverName(recv.Type()))
		for p := range sig.RecvTypeParams().TypeParams() {
			w.appendType(nil, p) // numbered first
		}
		w.typ(recv.Type())
		w.local(recv)
	} else {
		w.mark(mNil)
	}
	w.params(d.Type, sig)
	if d.Type.TypeParams != nil {
		w.syntaxOfFields(d.Type.TypeParams)
	}
	w.body(d.Body, sig)
	w.needs()
	if d.Body == nil {
		w.withoutBody(f, links)
	} else if sig.Recv() == nil && w.out.ignored == "" {
		for _, l := range links {
			if l.local == f.Name() && l.target != "" {
				s.pushes = append(s.pushes, push{w.out.key, l.target})
			}
		}
	}
	s.end(w, d.Pos(), d.End())
}

// withoutBody adds what stands behind a function that Go code does not define.
func (w *writer) withoutBody(f *types.Func, links []linkname) {
	w.ref(key{kind: keyNative, pkg: w.s.lp.Path})
	for _, l := range links {
		if l.local != f.Name() || l.target == "" {
			continue
		}
		w.mark(mExternal)
		w.str(l.target)
		if pkgPath, name, ok := cutSymbol(l.target); ok {
			w.ref(key{kind: keyLink, pkg: pkgPath, name: name}) // its package need not be imported
		}
	}
}

// cutSymbol splits "import/path.name".
func cutSymbol(s string) (pkgPath, name string, ok bool) {
	slash := strings.LastIndexByte(s, '/')
	dot := strings.IndexByte(s[slash+1:], '.')
	if dot < 0 {
		return "", "", false
	}
	return s[:slash+1+dot], s[slash+1+dot+1:], true
}

// end closes a declaration: type errors that lie in it are its problems.
func (s *scanner) end(w *writer, from, to token.Pos) {
	for _, e := range s.lp.Errors {
		if e.Pos >= from && e.Pos < to && !s.expected(e, w) {
			w.out.problems = append(w.out.problems, problem{pos: s.env.prog.Position(e.Pos), text: e.Msg})
		}
	}
	w.finish()
}

// expected reports whether a type error only says that a symbol is missing that dagstergen is going to write, or what is reported by
// the name that does not resolve.
func (s *scanner) expected(e types.Error, w *writer) bool {
	for _, name := range undefinedName(e.Msg) {
		for _, p := range append([]string{s.lp.Path}, s.importPaths()...) {
			if s.env.generates(p, name) {
				return true
			}
		}
	}
	at := s.env.prog.Position(e.Pos)
	return slices.ContainsFunc(w.out.problems, func(p problem) bool { return p.pos == at && p.text == "" })
}

func (s *scanner) importPaths() []string {
	var l []string
	for _, p := range s.lp.Imports {
		l = append(l, p.Path)
	}
	return l
}

// undefinedName gives the name that the type checker says is undefined, if that is what it says.
func undefinedName(msg string) []string {
	rest, ok := strings.CutPrefix(msg, "undefined: ")
	if !ok {
		return nil
	}
	if i := strings.LastIndexByte(rest, '.'); i >= 0 {
		rest = rest[i+1:]
	}
	return []string{rest}
}

func (s *scanner) typeDecl(spec *ast.TypeSpec, file string) {
	o, ok := s.info.Defs[spec.Name].(*types.TypeName)
	if !ok || o.Name() == "_" {
		return
	}
	w := s.begin(s.declare(o), "type", symbol(s.lp.Path, o.Name()), file, spec.Name.Pos())
	named, isNamed := o.Type().(*types.Named)
	if o.IsAlias() || !isNamed {
		w.mark(mAlias)
		w.typeExpr(spec.Type, w.typeOf(spec.Type))
		s.end(w, spec.Pos(), spec.End())
		return
	}
	w.mark(mTypeDecl)
	w.str(s.lp.Path)
	w.str(o.Name())
	w.skipped(w.pkg)
	w.int(named.TypeParams().Len())
	for p := range named.TypeParams().TypeParams() {
		w.typ(p)
		w.typ(p.Constraint())
	}
	if spec.TypeParams != nil {
		w.syntaxOfFields(spec.TypeParams)
	}
	// The type as written: `type A b.B` is also what is said of b.B.
	w.typeExpr(spec.Type, w.typeOf(spec.Type))
	s.end(w, spec.Pos(), spec.End())
	s.asValue(o, named, file, spec)
}

// asValue adds what a type is at run time and as data.
func (s *scanner) asValue(o *types.TypeName, named *types.Named, file string, spec *ast.TypeSpec) {
	name := symbol(s.lp.Path, o.Name())
	rt := s.begin(s.asValueKey(keyRuntime, named), "rt", "rt:"+name, file, spec.Name.Pos())
	codec := s.begin(s.asValueKey(keyCodec, named), "codec", "codec:"+name, file, spec.Name.Pos())
	rt.mark(mRuntime)
	codec.mark(mCodec)
	methods := slices.SortedFunc(named.Methods(), func(a, b *types.Func) int { return strings.Compare(a.Id(), b.Id()) })
	for _, w := range []*writer{rt, codec} {
		w.num(w.ref(s.key(o)))
		for _, m := range methods {
			m = m.Origin()
			if w == codec && !codecMethods[m.Name()] {
				continue
			}
			w.str(m.Name())
			w.bool(isPointerMethod(m))
			w.num(w.ref(s.key(m)))
		}
		w.mark(mEnd)
	}
	seen := map[types.Type]bool{named: true}
	s.eachNamed(named.Underlying(), seen, func(n *types.Named) {
		rt.ref(s.asValueKey(keyRuntime, n))
		codec.ref(s.asValueKey(keyCodec, n))
	})
	// Templates and reflection go on with what methods return.
	for _, m := range methods {
		if m.Exported() {
			rt.runtimeType(m.Signature().Results())
		}
	}
	rt.finish()
	codec.finish()
}

// codecMethods are the methods that the engine calls on a value: by which it says how it is stored and read back, and whether it is right.
var codecMethods = set("MarshalBinary", "UnmarshalBinary", "AppendBinary", "MarshalText", "UnmarshalText", "AppendText", "MarshalJSON", "UnmarshalJSON",
	"MarshalCBOR", "UnmarshalCBOR", "GobEncode", "GobDecode", "CheckType")

func isPointerMethod(m *types.Func) bool {
	_, ok := types.Unalias(m.Signature().Recv().Type()).(*types.Pointer)
	return ok
}

func (s *scanner) constants(spec *ast.ValueSpec, file string) {
	for _, id := range spec.Names {
		if o, ok := s.info.Defs[id].(*types.Const); ok && o.Name() != "_" {
			s.out = append(s.out, s.constSummary(o, s.declare(o), file))
		}
	}
}

// variables adds the variables of a declaration, and a blank one that does something as an initialiser.
func (s *scanner) variables(spec *ast.ValueSpec, doc *ast.CommentGroup, file, base, lang string) {
	for i, id := range spec.Names {
		var w *writer
		o, ok := s.info.Defs[id].(*types.Var)
		switch {
		case id.Name == "_":
			// `var _ I = T{}` is an assertion for the compiler. One initialiser for several names belongs to the first that has one.
			if len(spec.Values) == len(spec.Names) && !s.acts(spec.Values[i]) ||
				len(spec.Values) != len(spec.Names) && (len(spec.Values) != 1 || i > 0 || !allBlank(spec.Names)) {
				continue
			}
			k := s.initKey(base)
			w = s.begin(k, "init", k.symbol(), file, id.Pos())
			w.code(mInit, lang)
			w.out.acts = true
			w.drops(spec.Values...)
		case !ok:
			continue
		default:
			w = s.begin(s.declare(o), "var", symbol(s.lp.Path, id.Name), file, id.Pos())
			w.out.typ = types.TypeString(o.Type(), nil)
			s.asEntry(w.out, keyRuntime, o.Type())
			w.code(mVar, lang)
			w.str(s.lp.Path)
			w.str(id.Name)
			w.typ(o.Type())
			if spec.Type != nil {
				w.syntax(spec.Type)
			}
			w.embeds(doc)
			w.out.acts = slices.ContainsFunc(spec.Values, s.acts)
		}
		switch {
		case len(spec.Values) == len(spec.Names):
			w.expr(spec.Values[i], useValue)
			if o != nil {
				w.convertExpr(o.Type(), spec.Values[i])
			}
		case len(spec.Values) == 1:
			w.mark(mTuple)
			w.int(i)
			w.expr(spec.Values[0], useValue)
			if t, isTuple := w.typeOf(spec.Values[0]).(*types.Tuple); isTuple && o != nil && i < t.Len() {
				w.convert(o.Type(), t.At(i).Type())
			}
		default:
			w.mark(mNil)
		}
		s.end(w, spec.Pos(), spec.End())
	}
}

func allBlank(names []*ast.Ident) bool {
	return !slices.ContainsFunc(names, func(id *ast.Ident) bool { return id.Name != "_" })
}

// acts reports whether an initialiser does more than make a value.
func (s *scanner) acts(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			tv := s.info.Types[ast.Unparen(n.Fun)]
			found = found || !tv.IsType() && !tv.IsBuiltin()
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		}
		return !found
	})
	return found
}
