package oracle

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/dagstergen/dagstergen/internal/load"
)

// part is one declaration of a file with the objects that it declares.
type part struct {
	decls []types.Object
	node  ast.Node
}

func parts(info *types.Info, f *ast.File) []part {
	var out []part
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			out = append(out, part{declared(info, d.Name), d})
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					out = append(out, part{declared(info, spec.Name), spec})
				case *ast.ValueSpec:
					if d.Tok == token.CONST {
						out = append(out, part{nil, spec}) // counts where it is used
					} else {
						out = append(out, part{declared(info, spec.Names...), spec})
					}
				}
			}
		}
	}
	return out
}

// values lists the values and types of the largest constant expressions below a node.
func values(info *types.Info, n ast.Node) []string {
	var out []string
	ast.Inspect(n, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if tv := info.Types[e]; tv.Value != nil {
			out = append(out, tv.Value.ExactString()+" "+types.TypeString(tv.Type, nil))
			return false
		}
		return true
	})
	return out
}

// otherConstants returns the declarations of p whose code has other constants in v: what an edit of a constant expression comes to.
func otherConstants(p, v *load.Program) []types.Object {
	var out []types.Object
	for _, lp := range p.Locals() {
		now := v.Packages[lp.Path]
		if now.Info == lp.Info {
			continue
		}
		for i, f := range lp.Syntax {
			before, after := parts(lp.Info, f), parts(now.Info, now.Syntax[i])
			if len(before) != len(after) {
				continue // not with an edit within an expression
			}
			for k, b := range before {
				if len(b.decls) > 0 && !slices.Equal(values(lp.Info, b.node), values(now.Info, after[k].node)) {
					out = append(out, b.decls...)
				}
			}
		}
	}
	return out
}
