package model

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// subsets holds subset, and what bodies ask dag.Selected, to the outputs that there are. A body that asks through a helper of its own, or by a name that it computes, is not looked at.
func (b *builder) subsets() {
	for _, p := range b.m.Packages {
		for _, op := range p.Ops {
			if op.Broken {
				continue
			}
			if arg, ok := op.ann.Arg("subset"); ok && len(op.Outputs) < 2 {
				op.Broken = true
				p.Diagnostics.Add(diag.Diagnostic{Code: CodeSubset, Pos: arg.Pos, End: arg.End, Message: op.GoName + ": subset is for a function with several assets", Hint: "drop it"})
				continue
			}
			if op.Node != nil && op.Node.Body != nil {
				b.asked(p, op)
			}
		}
	}
}

// asked reports calls of dag.Selected that cannot mean what they say.
func (b *builder) asked(p *Package, op *Op) {
	ast.Inspect(op.Node.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 || !b.isSelected(p, call.Fun) {
			return true
		}
		if !op.Subset {
			hint := "drop the question"
			if op.Kind == annotations.Asset && len(op.Outputs) > 1 {
				hint = "write //dag:asset subset"
			}
			b.report(p, CodeSubset, call.Pos(), call.End(), hint, "%s: dag.Selected is always true here, because all of its outputs are computed", op.GoName)
			op.Broken = true
			return true
		}
		v := p.Info.Types[call.Args[1]].Value
		if v == nil || v.Kind() != constant.String {
			return true
		}
		var names []string
		for _, out := range op.Outputs {
			if out.Name == constant.StringVal(v) {
				return true
			}
			names = append(names, out.Name)
		}
		b.report(p, CodeSubset, call.Args[1].Pos(), call.Args[1].End(), "name one of "+strings.Join(names, ", "),
			"%s: dag.Selected: no output %q", op.GoName, constant.StringVal(v))
		op.Broken = true
		return true
	})
}

// isSelected reports whether an expression is the function dag.Selected.
func (b *builder) isSelected(p *Package, fun ast.Expr) bool {
	var id *ast.Ident
	switch fun := ast.Unparen(fun).(type) {
	case *ast.SelectorExpr:
		id = fun.Sel
	case *ast.Ident: // imported with a dot
		id = fun
	default:
		return false
	}
	f, ok := p.Info.Uses[id].(*types.Func)
	return ok && f.Pkg() != nil && f.Pkg().Path() == load.RuntimePath && f.Name() == "Selected"
}
