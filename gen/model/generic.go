package model

import (
	"crypto/sha256"
	"encoding/hex"
	"go/ast"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
)

// isGeneric reports whether a declaration is a generic function that can be an op: each instance that bodies call is an op then.
func isGeneric(kind annotations.Kind, node *ast.FuncDecl) bool {
	return kind == annotations.Op && node.Recv == nil && node.Type.TypeParams != nil
}

// instance returns the op that a call of a generic op stands for; nil after an error.
func (w *body) instance(call *ast.CallExpr, tmpl *Op) *Op {
	id := calleeName(call.Fun)
	inst, ok := w.info.Instances[id]
	sig, isFunc := inst.Type.(*types.Signature)
	if !ok || !isFunc || Invalid(sig) {
		w.fail() // does not compile
		return nil
	}
	var args []types.Type
	var names []string
	for t := range inst.TypeArgs.Types() {
		args = append(args, t)
		names = append(names, TypeName(t))
	}
	symbol := tmpl.Symbol + "[" + strings.ReplaceAll(strings.Join(names, ","), " ", "_") + "]" // a manifest is made of words
	if op := w.b.instances[symbol]; op != nil {
		return op
	}
	good := true
	for _, tuple := range []*types.Tuple{sig.Params(), sig.Results()} {
		for v := range tuple.Variables() {
			if t := v.Type(); !isContext(t) && !isError(t) && w.b.configOf(t) == nil && len(tmpl.Pkg.resourcesOfType(t)) == 0 {
				good = w.storableData(call, t) && good
			}
		}
	}
	if good && tmpl.Codec != "" {
		for v := range sig.Results().Variables() {
			if t := v.Type(); !isError(t) && !tmpl.storedAsItIs(t) {
				good = w.exact(call, tmpl.Codec, t) && good
			}
		}
	}
	if !good {
		return nil
	}
	op := &Op{Func: tmpl.Func, Volatile: tmpl.Volatile, Share: tmpl.Share, IO: tmpl.IO, Codec: tmpl.Codec, stepKey: tmpl.Key}
	op.Obj = types.NewFunc(tmpl.Obj.Pos(), tmpl.Obj.Pkg(), tmpl.Obj.Name(), sig)
	op.Generic, op.TypeArgs = tmpl.Obj, args
	op.Key, op.Symbol = instanceKey(tmpl, args), symbol
	w.b.instances[symbol] = op
	w.b.m.Instances = append(w.b.m.Instances, op)
	w.b.params(&op.Func)
	w.b.opResults(op)
	w.b.opInputs(op)
	return op
}

// calleeName is the identifier of a called function, behind its package and before its type arguments.
func calleeName(fun ast.Expr) *ast.Ident {
	switch f := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	case *ast.IndexExpr:
		return calleeName(f.X)
	case *ast.IndexListExpr:
		return calleeName(f.X)
	}
	return nil
}

// maxKey is the length of a key that ValidName allows.
const maxKey = 100

// instanceKey is the key of a generic op with the names of its type arguments behind it: "sum_row", "join_string_list_int".
func instanceKey(tmpl *Op, args []types.Type) string {
	key := tmpl.Key
	for _, t := range args {
		key += "_" + typeKey(t, tmpl.Pkg.Types)
	}
	if !annotations.ValidName(key) {
		var names []string
		for _, t := range args {
			names = append(names, TypeName(t))
		}
		sum := sha256.Sum256([]byte(strings.Join(names, ",")))
		key = tmpl.Key[:min(len(tmpl.Key), maxKey-9)] + "_" + hex.EncodeToString(sum[:4])
	}
	return key
}

// typeKey spells a type in snake case. Types of other packages than home have the name of their package in front.
func typeKey(t types.Type, home *types.Package) string {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		return basicName(t)
	case *types.Named:
		name := annotations.Snake(t.Obj().Name())
		if p := t.Obj().Pkg(); p != nil && p != home {
			name = annotations.Snake(p.Name()) + "_" + name
		}
		for a := range t.TypeArgs().Types() {
			name += "_" + typeKey(a, home)
		}
		return name
	case *types.Pointer:
		return "ptr_" + typeKey(t.Elem(), home)
	case *types.Slice:
		return "list_" + typeKey(t.Elem(), home)
	case *types.Array:
		return "array" + strconv.FormatInt(t.Len(), 10) + "_" + typeKey(t.Elem(), home)
	case *types.Map:
		return "map_" + typeKey(t.Key(), home) + "_" + typeKey(t.Elem(), home)
	}
	sum := sha256.Sum256([]byte(TypeName(t)))
	return hex.EncodeToString(sum[:4])
}

// Instances returns the instances of generic ops that bodies of p call, sorted by key.
func (p *Package) Instances() []*Op {
	var out []*Op
	for _, g := range p.Compositions() {
		for _, n := range g.Nodes {
			if n.Op != nil && n.Op.Generic != nil && !slices.Contains(out, n.Op) {
				out = append(out, n.Op)
			}
		}
	}
	slices.SortFunc(out, func(x, y *Op) int { return strings.Compare(x.Key+"\x00"+x.Symbol, y.Key+"\x00"+y.Symbol) })
	return out
}
