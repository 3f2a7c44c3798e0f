package oracle

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A site is a place in a project where an edit changes the meaning.
type site struct {
	kind       string
	pkg, file  string // import path and base name
	start, end int    // what is replaced
	text       string // by what

	decls    []types.Object // what is edited
	constant bool           // the edit lies in a constant expression: what it changes is what has other constants afterwards
	whole    bool           // the edit counts for every declaration of the package
	becomes  types.Type     // the edit counts where such a value, or a pointer to one, becomes an interface value
}

// The kinds of edits, with how often each is tried.
var kinds = []struct {
	name   string
	weight int
}{
	{"operator", 20}, {"number", 14}, {"string", 12}, {"bool", 5}, {"negated condition", 12}, {"deleted statement", 20}, {"break and continue", 4},
	{"constant", 8}, {"initialiser of a variable", 8}, {"struct tag", 4}, {"added field", 8}, {"added method", 6}, {"method of an interface", 2},
	{"type constraint", 3}, {"embedded file", 2}, {"file that is left out", 2},
}

var swaps = map[token.Token]token.Token{
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
	token.AND: token.OR, token.OR: token.AND, token.XOR: token.OR, token.SHL: token.SHR, token.SHR: token.SHL, token.AND_NOT: token.AND,
	token.LAND: token.LOR, token.LOR: token.LAND, token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.MUL_ASSIGN: token.ADD_ASSIGN, token.QUO_ASSIGN: token.MUL_ASSIGN,
	token.OR_ASSIGN: token.AND_ASSIGN, token.AND_ASSIGN: token.OR_ASSIGN, token.SHL_ASSIGN: token.SHR_ASSIGN, token.SHR_ASSIGN: token.SHL_ASSIGN,
	token.INC: token.DEC, token.DEC: token.INC,
}

// sites lists all places of a program, by kind.
func sites(p *load.Program) map[string][]site {
	out := map[string][]site{}
	for _, lp := range p.Locals() {
		for _, f := range lp.Syntax {
			tf := p.Fset.File(f.FileStart)
			c := &collector{p: p, lp: lp, file: f, name: filepath.Base(tf.Name()), base: tf.Base(), out: out}
			for _, d := range f.Decls {
				c.decl(d)
			}
		}
		for _, name := range lp.IgnoredFiles {
			if constrained(lp.Source[name]) {
				n := len(lp.Source[name])
				out["file that is left out"] = append(out["file that is left out"], site{kind: "file that is left out", pkg: lp.Path, file: name, start: n, end: n,
					text: "\nvar dagAdded = 1\n", whole: true})
			}
		}
	}
	return out
}

// constrained holds for files that some platform builds; one that says ignore is no part of any program.
func constrained(src []byte) bool {
	for line := range strings.Lines(string(src)) {
		if strings.HasPrefix(line, "package ") {
			return true
		}
		if rest, ok := strings.CutPrefix(line, "//go:build "); ok {
			return !strings.Contains(rest, "ignore") && !strings.Contains(rest, "generate") && !strings.Contains(rest, "tools")
		}
	}
	return false
}

type collector struct {
	p     *load.Program
	lp    *load.Package
	file  *ast.File
	name  string
	base  int
	out   map[string][]site
	decls []types.Object
}

func (c *collector) add(kind string, from, to token.Pos, text string, constant bool) {
	c.out[kind] = append(c.out[kind], site{
		kind: kind, pkg: c.lp.Path, file: c.name, start: int(from) - c.base, end: int(to) - c.base, text: text, decls: c.decls, constant: constant,
	})
}

func (c *collector) source(from, to token.Pos) string {
	return string(c.lp.Source[c.name][int(from)-c.base : int(to)-c.base])
}

// declared are the objects that a part of a declaration defines.
func declared(info *types.Info, names ...*ast.Ident) []types.Object {
	var out []types.Object
	for _, id := range names {
		if o := info.Defs[id]; o != nil && id.Name != "_" {
			out = append(out, o)
		}
	}
	return out
}

func (c *collector) decl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		c.decls = declared(c.lp.Info, d.Name)
		if len(c.decls) == 0 {
			return
		}
		c.constraints(d.Type.TypeParams)
		if d.Body != nil {
			c.code(d.Body, "")
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				c.values(d, spec)
			case *ast.TypeSpec:
				c.typeSpec(spec)
			}
		}
	}
}

func (c *collector) values(d *ast.GenDecl, spec *ast.ValueSpec) {
	if d.Tok == token.CONST {
		c.decls = nil
		for _, v := range spec.Values {
			c.code(v, "constant")
		}
		return
	}
	for i, v := range spec.Values {
		c.decls = declared(c.lp.Info, spec.Names...)
		if len(spec.Values) == len(spec.Names) {
			c.decls = declared(c.lp.Info, spec.Names[i])
		}
		if len(c.decls) > 0 {
			c.code(v, "initialiser of a variable")
		}
	}
	doc := spec.Doc
	if doc == nil {
		doc = d.Doc
	}
	c.decls = declared(c.lp.Info, spec.Names...)
	for _, pattern := range embedded(doc) {
		for _, name := range c.lp.EmbedFiles {
			if ok, _ := path.Match(pattern, name); ok || strings.HasPrefix(name, pattern+"/") {
				c.out["embedded file"] = append(c.out["embedded file"], site{kind: "embedded file", pkg: c.lp.Path, file: name, text: "x", decls: c.decls})
			}
		}
	}
}

func embedded(doc *ast.CommentGroup) []string {
	var out []string
	if doc != nil {
		for _, line := range doc.List {
			if rest, ok := strings.CutPrefix(line.Text, "//go:embed "); ok {
				out = append(out, strings.Fields(rest)...)
			}
		}
	}
	return out
}

func (c *collector) typeSpec(spec *ast.TypeSpec) {
	c.decls = declared(c.lp.Info, spec.Name)
	if len(c.decls) == 0 || spec.Assign.IsValid() {
		return
	}
	c.constraints(spec.TypeParams)
	switch t := spec.Type.(type) {
	case *ast.StructType:
		for _, f := range t.Fields.List {
			if f.Tag == nil {
				c.add("struct tag", f.End(), f.End(), " `dag:\"added\"`", false)
				continue
			}
			s, err := strconv.Unquote(f.Tag.Value)
			if err == nil {
				c.add("struct tag", f.Tag.Pos(), f.Tag.End(), strconv.Quote(s+` dag:"added"`), false)
			}
		}
		c.add("added field", t.Fields.Opening+1, t.Fields.Opening+1, "\nDagAdded int\n", false)
	case *ast.InterfaceType:
		c.constraints(t.Methods)
		c.add("method of an interface", t.Methods.Opening+1, t.Methods.Opening+1, "\nDagAdded()\n", false)
	}
	if _, iface := spec.Type.(*ast.InterfaceType); spec.TypeParams == nil && !iface {
		t := c.decls[0].Type()
		text := "\n\nfunc (" + spec.Name.Name + ") String() string { return \"\" }\n"
		if o, _, _ := types.LookupFieldOrMethod(t, true, c.lp.Types, "String"); o != nil {
			text = "\n\nfunc (" + spec.Name.Name + ") DagAdded() {}\n"
		}
		end := c.file.FileEnd
		c.out["added method"] = append(c.out["added method"], site{
			kind: "added method", pkg: c.lp.Path, file: c.name, start: int(end) - c.base, end: int(end) - c.base, text: text, becomes: t,
		})
	}
	c.code(spec.Type, "")
}

func (c *collector) constraints(l *ast.FieldList) {
	if l == nil {
		return
	}
	for _, f := range l.List {
		switch t := f.Type.(type) {
		case *ast.Ident:
			if t.Name == "any" && len(f.Names) > 0 {
				c.add("type constraint", t.Pos(), t.End(), "comparable", false)
			}
		case *ast.BinaryExpr:
			c.add("type constraint", t.End(), t.End(), " | ~complex64", false)
		}
	}
}

// code adds the sites below n; all are of the given kind, if one is given.
func (c *collector) code(n ast.Node, kind string) {
	orElse := func(own string) string {
		if kind != "" {
			return kind
		}
		return own
	}
	var visit func(n ast.Node, constant bool)
	visit = func(n ast.Node, folded bool) {
		if e, ok := n.(ast.Expr); ok {
			folded = folded || c.lp.Info.Types[e].Value != nil
		}
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if op, ok := swaps[n.Op]; ok {
				c.add(orElse("operator"), n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), op.String(), folded)
			}
		case *ast.AssignStmt:
			if op, ok := swaps[n.Tok]; ok {
				c.add(orElse("operator"), n.TokPos, n.TokPos+token.Pos(len(n.Tok.String())), op.String(), false)
			}
		case *ast.IncDecStmt:
			c.add(orElse("operator"), n.TokPos, n.TokPos+2, swaps[n.Tok].String(), false)
		case *ast.BasicLit:
			switch n.Kind {
			case token.INT, token.FLOAT:
				c.add(orElse("number"), n.Pos(), n.End(), "("+n.Value+"+1)", folded)
			case token.STRING:
				if s, err := strconv.Unquote(n.Value); err == nil {
					c.add(orElse("string"), n.Pos(), n.End(), strconv.Quote(s+"x"), folded)
				}
			}
		case *ast.Ident:
			if v := c.lp.Info.Types[n].Value; v != nil && v.Kind() == constant.Bool && c.lp.Info.Uses[n] != nil && c.lp.Info.Uses[n].Parent() == types.Universe {
				c.add(orElse("bool"), n.Pos(), n.End(), strconv.FormatBool(n.Name != "true"), true)
			}
		case *ast.IfStmt:
			c.add(orElse("negated condition"), n.Cond.Pos(), n.Cond.End(), "!("+c.source(n.Cond.Pos(), n.Cond.End())+")", c.lp.Info.Types[n.Cond].Value != nil)
		case *ast.ForStmt:
			if n.Cond != nil {
				c.add(orElse("negated condition"), n.Cond.Pos(), n.Cond.End(), "!("+c.source(n.Cond.Pos(), n.Cond.End())+")", c.lp.Info.Types[n.Cond].Value != nil)
			}
		case *ast.BranchStmt:
			switch n.Tok {
			case token.BREAK:
				c.add(orElse("break and continue"), n.TokPos, n.TokPos+5, "continue", false)
			case token.CONTINUE:
				c.add(orElse("break and continue"), n.TokPos, n.TokPos+8, "break", false)
			}
		case *ast.BlockStmt:
			c.statements(n.List, orElse("deleted statement"))
		case *ast.CaseClause:
			c.statements(n.Body, orElse("deleted statement"))
		case *ast.CommClause:
			c.statements(n.Body, orElse("deleted statement"))
		case *ast.Field:
			if n.Tag != nil { // is no expression; the tags of named types are edited as such
				visit(n.Type, false)
				return
			}
		}
		for child := range children(n) {
			visit(child, folded)
		}
	}
	visit(n, false)
}

func (c *collector) statements(list []ast.Stmt, kind string) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt,
			*ast.ReturnStmt, *ast.BranchStmt:
			c.add(kind, s.Pos(), s.End(), "", false)
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				c.add(kind, s.Pos(), s.End(), "", false)
			}
		}
	}
}

// children are the direct children of a node.
func children(n ast.Node) func(func(ast.Node) bool) {
	return func(yield func(ast.Node) bool) {
		more := true
		ast.Inspect(n, func(m ast.Node) bool {
			if m == nil || !more {
				return false
			}
			if m == n {
				return true
			}
			more = yield(m)
			return false
		})
	}
}

// apply returns the edited content.
func (s *site) apply(src []byte) []byte {
	return slices.Concat(src[:s.start], []byte(s.text), src[s.end:])
}
