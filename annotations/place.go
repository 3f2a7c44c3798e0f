package annotations

import (
	"go/ast"
	"go/token"
	"slices"
)

// A declaration is what a doc comment belongs to. Its target is empty where no directive may stand on it.
type declaration struct {
	node   ast.Node
	target Target
	name   string
	what   string // "func Fetch", "the type group"
}

func (d declaration) describe() string { return d.what }

// fits reports whether a directive may stand on the declaration.
func (d declaration) fits(row Directive) bool {
	return slices.Contains(row.Targets, d.target) || d.target == StructType && slices.Contains(row.Targets, AnyType)
}

// declarations maps the doc comments of a file to what they document.
func declarations(file *ast.File) map[*ast.CommentGroup]declaration {
	m := map[*ast.CommentGroup]declaration{}
	add := func(doc *ast.CommentGroup, d declaration) {
		if doc != nil {
			m[doc] = d
		}
	}
	add(file.Doc, declaration{node: file, target: Clause, name: file.Name.Name, what: "the package clause"})
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(d.Doc, function(d))
		case *ast.GenDecl:
			if !d.Lparen.IsValid() && len(d.Specs) == 1 {
				add(d.Doc, specification(d.Specs[0], d.Tok))
			} else {
				add(d.Doc, declaration{node: d, what: "a group of declarations"})
			}
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					add(s.Doc, specification(s, d.Tok))
				case *ast.ValueSpec:
					add(s.Doc, specification(s, d.Tok))
				case *ast.ImportSpec:
					add(s.Doc, specification(s, d.Tok))
				}
			}
		}
	}
	return m
}

func function(d *ast.FuncDecl) declaration {
	if d.Recv != nil {
		return declaration{node: d, target: Method, name: d.Name.Name, what: "method " + d.Name.Name}
	}
	return declaration{node: d, target: Func, name: d.Name.Name, what: "func " + d.Name.Name}
}

func specification(s ast.Spec, tok token.Token) declaration {
	switch s := s.(type) {
	case *ast.TypeSpec:
		d := declaration{node: s, name: s.Name.Name, what: "type " + s.Name.Name}
		_, isStruct := s.Type.(*ast.StructType)
		switch {
		case s.Assign.IsValid():
			d.what += ", an alias"
		case isStruct:
			d.target = StructType
		default:
			d.target = AnyType
			d.what += ", which is no struct type"
		}
		return d
	case *ast.ValueSpec:
		d := declaration{node: s, name: s.Names[0].Name, what: "the declaration of " + s.Names[0].Name}
		if tok == token.VAR {
			d.target = Var
		} else {
			d.what = "the constant " + d.name
		}
		return d
	}
	return declaration{node: s, what: "an import"}
}

// floating reports a directive that documents nothing, and says why.
func (p *parser) floating(group *ast.CommentGroup, c *ast.Comment, row Directive) {
	why, hint := "no declaration follows", "put it right above "+targetList(row.Targets)
	line := p.at(group.Pos()).Line
search:
	for _, d := range p.file.Decls {
		what := "a declaration"
		if f, ok := d.(*ast.FuncDecl); ok {
			what = function(f).describe()
		}
		switch {
		case d.End() <= c.Pos() && p.at(d.End()).Line == line:
			why = "it stands behind " + what
			break search
		case d.Pos() <= c.Pos() && c.Pos() < d.End():
			why = "it stands inside " + what
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil && f.Body.Pos() < c.Pos() {
				why = "it stands inside the body of " + what
			}
			break search
		case d.Pos() > c.Pos():
			if g, ok := d.(*ast.GenDecl); ok {
				what = "the declaration below"
				if len(g.Specs) == 1 && g.Tok != token.IMPORT {
					what = specification(g.Specs[0], g.Tok).describe()
				}
			}
			if !p.codeBetween(c.End(), d.Pos()) {
				why, hint = "a blank line or another comment separates it from "+what, "remove what is between them"
			}
			break search
		}
	}
	p.errorf(CodeFloating, c.Slash, c.End(), hint, "//dag:%s belongs to no declaration: %s", row.Kind, why)
}

// codeBetween reports whether the package clause lies between two positions, the only thing outside of declarations.
func (p *parser) codeBetween(a, b token.Pos) bool { return a <= p.file.Package && p.file.Package < b }
