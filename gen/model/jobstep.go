package model

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// ofStatement keeps the directive of a statement for the body that has the statement.
func (b *builder) ofStatement(a annotations.Annotation) bool {
	s, ok := a.Decl.(ast.Stmt)
	if ok {
		b.statements[s] = append(b.statements[s], a)
	}
	return ok
}

// A statement is one that is being read, with its directives.
type statement struct {
	node           ast.Stmt
	as, after, key *annotations.Annotation
	with           *annotations.Annotation
	calls          []*Node // those that are no arguments of others
	all            []*Node // those that are, too
	region         *Node   // the loop or branch that it is
	follow         []*Node // what //dag:after names
	failed         bool    // something in it cannot be read
}

func (s *statement) alias() string {
	if s.as == nil {
		return ""
	}
	return s.as.Args[0].Value
}

// A laterName is a name of //dag:after that no step above has.
type laterName struct {
	item annotations.Item
}

// directives are those of a statement that is about to be read.
func (w *body) directives(node ast.Stmt) *statement {
	st := &statement{node: node}
	list := w.b.statements[node]
	for i := range list {
		switch a := &list[i]; a.Kind {
		case annotations.As:
			st.as = a
		case annotations.After:
			st.after = a
			for _, item := range a.Args[0].Items {
				if n := w.keys[item.Text]; n == nil {
					w.later = append(w.later, laterName{item})
				} else if n = w.beside(n, item); n != nil && !slices.Contains(st.follow, n) {
					st.follow = append(st.follow, n)
				}
			}
		case annotations.MapKey:
			st.key = a
		case annotations.With:
			st.with = a
		}
	}
	delete(w.b.statements, node)
	return st
}

func (w *body) wrong(code string, pos, end token.Position, hint, message string) *diag.Diagnostic {
	w.fail()
	diags := &w.g.Pkg.Diagnostics
	diags.Add(diag.Diagnostic{Code: code, Pos: pos, End: end, Hint: hint, Message: w.what() + " " + w.g.GoName + ": " + message})
	return &(*diags)[len(*diags)-1]
}

// beside returns n, or the loop or branch with n in it, so that it stands in a block that is being read; nil where n is in another arm.
func (w *body) beside(n *Node, item annotations.Item) *Node {
	for {
		if n.parent == nil {
			return n
		}
		i := slices.IndexFunc(w.regions, func(r region) bool { return r.node == n.parent })
		switch {
		case i < 0:
			n = n.parent
			continue
		case w.regions[i].arm != n.arm:
			d := w.wrong(CodeJobDirective, item.Pos, item.End, "remove it", "//dag:after: "+item.Text+" stands in another arm, and only one of them runs")
			w.b.relate(d, n.Pos, "step %s", item.Text)
			return nil
		}
		return n
	}
}

// noteRegion makes n the loop or branch of the statement that is being read.
func (w *body) noteRegion(n *Node) {
	if w.stmt != nil {
		w.stmt.region = n
	}
}

// finish applies the directives of a statement that was read.
func (w *body) finish(st *statement) {
	if a := st.as; a != nil && !st.failed {
		switch {
		case len(st.calls) == 0:
			w.wrong(CodeJobDirective, a.Pos, a.End, "put it on a statement that calls an op or a graph", "//dag:as names no step: this statement calls nothing")
		case len(st.calls) > 1:
			d := w.wrong(CodeJobDirective, a.Pos, a.End, "put each call on a statement of its own", "//dag:as could name several steps")
			for _, n := range st.calls {
				w.b.relate(d, n.Pos, "step %s", n.Key)
			}
		}
	}
	w.with(st)
	if a := st.after; a != nil {
		for _, n := range st.calls {
			n.After = append(n.After, st.follow...)
		}
		if st.region != nil {
			st.region.After = append(st.region.After, st.follow...)
		}
		if len(st.calls) == 0 && st.region == nil && !st.failed {
			w.wrong(CodeJobDirective, a.Pos, a.End, "put it on a statement that calls an op or a graph", "//dag:after orders no step: this statement calls nothing")
		}
	}
}

// aliasTaken reports that //dag:as gives a key that a step has.
func (w *body) aliasTaken(other *Node) {
	a := w.stmt.as.Args[0]
	d := w.wrong(CodeJobDirective, a.Pos, a.End, "choose another name", "//dag:as: another step is called "+a.Value)
	w.b.relate(d, other.Pos, "step %s", other.Key)
}

// lateNames reports what //dag:after names and no step above has.
func (w *body) lateNames() {
	for _, l := range w.later {
		if n := w.keys[l.item.Text]; n != nil {
			d := w.wrong(CodeJobDirective, l.item.Pos, l.item.End, "move one of them", "//dag:after: step "+l.item.Text+" does not stand above")
			w.b.relate(d, n.Pos, "step %s", n.Key)
			continue
		}
		var names []string
		for _, n := range w.g.Nodes {
			if n.Func() != nil {
				names = append(names, n.Key)
			}
		}
		hint := "the steps are " + strings.Join(names, ", ")
		if near, ok := nearest.Of(l.item.Text, names); ok {
			hint = "did you mean " + near + "?"
		}
		if !w.failed || len(names) > 0 {
			w.wrong(CodeJobDirective, l.item.Pos, l.item.End, hint, "//dag:after: no step is called "+l.item.Text)
		}
	}
}

// unread reports directives on statements of the body that were not read as statements: what returns an error.
func (w *body) unread() {
	if w.failed {
		return
	}
	var left []annotations.Annotation
	ast.Inspect(w.g.Node.Body, func(n ast.Node) bool {
		if s, ok := n.(ast.Stmt); ok {
			left = append(left, w.b.statements[s]...)
		}
		return true
	})
	for _, a := range left {
		w.wrong(CodeJobDirective, a.Pos, a.End, "remove it", "//dag:"+string(a.Kind)+" stands on a statement that is no step")
	}
}

// mappingKey reads //dag:key of a loop: an expression over its variables. The expression is no code for the compiler: it is parsed as if it stood in
// the body of the loop, at the place of the comment.
func (w *body) mappingKey(l *loop) {
	if w.stmt == nil || w.stmt.key == nil {
		return
	}
	arg := w.stmt.key.Args[0]
	file := w.b.prog.Fset.File(l.stmt.Pos())
	base := file.Pos(arg.Pos.Offset)
	fset := token.NewFileSet()
	if int(base) > 2 {
		fset.AddFile("", 1, int(base)-2) // so that what is parsed has the positions of the comment
	}
	const hint = "write an expression of the variables of the loop, such as x.Name"
	e, err := parser.ParseExprFrom(fset, "", arg.Value, 0)
	if err != nil {
		pos, message := arg.Pos, err.Error()
		if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 {
			pos.Column += list[0].Pos.Offset
			pos.Offset += list[0].Pos.Offset
			message = list[0].Msg
		}
		w.wrong(CodeJobMapKey, pos, arg.End, hint, "//dag:key: "+message)
		return
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	if err := types.CheckExpr(w.b.prog.Fset, w.own(), l.stmt.Body.Lbrace+1, e, info); err != nil {
		pos, message := arg.Pos, err.Error()
		var te types.Error
		if errors.As(err, &te) {
			pos, message = w.b.at(te.Pos), te.Msg
		}
		if strings.Contains(message, "invalid type") { // the error is where that type is
			w.fail()
			return
		}
		w.wrong(CodeJobMapKey, pos, arg.End, hint, "//dag:key: "+message)
		return
	}
	outer := w.info
	w.info = info
	k := &keyReader{condition{w: w}, l}
	x := k.read(e)
	w.info = outer
	if x == nil || info.TypeOf(e) == nil {
		w.fail()
		return
	}
	t := types.Default(info.TypeOf(e))
	if b, ok := t.Underlying().(*types.Basic); !ok || b.Info()&(types.IsString|types.IsInteger|types.IsBoolean) == 0 {
		w.report(CodeJobMapKey, e, "take a part of it that names the element", "//dag:key: a mapping key is a string, an integer or a bool, and %s is %s", source(e), Short(t, w.own()))
		return
	}
	l.node.Map.Key = &Binding{Kind: FromParts, Type: t, Name: arg.Value, Parts: k.parts, Expr: x}
	if x.Kind == ExprPart {
		l.node.Map.Key = k.parts[x.Part]
	}
}

// A keyReader reads a mapping key: parts of the loop's variables, put together with operators.
type keyReader struct {
	condition
	l *loop
}

func (k *keyReader) read(e ast.Expr) *Expr {
	w := k.w
	if t := w.info.TypeOf(e); t == nil || Invalid(t) || !w.info.Types[e].IsValue() {
		w.report(CodeJobMapKey, e, "write an expression of the variables of the loop, such as x.Name", "//dag:key: %s is no value", source(e))
		return nil
	}
	if tv := w.info.Types[e]; tv.Value != nil {
		if lit := w.literal(e, types.Default(tv.Type)); lit != nil {
			return &Expr{Kind: ExprLiteral, Lit: lit}
		}
	}
	switch x := e.(type) {
	case *ast.ParenExpr:
		return k.read(x.X)
	case *ast.Ident:
		v := w.scope.values[w.info.Uses[x]]
		if v != nil && v.from != nil && v.from.Node == k.l.node && (v.from.Kind == FromElem || v.from.Kind == FromKey) {
			return k.part(v.from)
		}
		w.report(CodeJobMapKey, x, "the key of an element is made from the variables of its loop", "//dag:key: %s is no variable of this loop", x.Name)
		return nil
	case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
		if !w.isPath(e) {
			break
		}
		root, steps := w.pathOf(e)
		out := k.read(root)
		for _, s := range steps {
			if out == nil {
				return nil
			}
			if s.at == nil {
				out, _ = w.pathExpr(out, s, k.part)
			} else if at := k.read(s.at); at != nil {
				out = &Expr{Kind: ExprIndex, Args: []*Expr{out, at}}
			} else {
				return nil
			}
		}
		return out
	case *ast.BinaryExpr:
		switch x.Op {
		case token.ADD, token.SUB, token.MUL, token.QUO, token.REM:
			return k.combine(&Expr{Kind: ExprBinary, Op: x.Op}, k.read(x.X), k.read(x.Y))
		}
	case *ast.CallExpr:
		t := w.info.TypeOf(x)
		if _, basic := t.Underlying().(*types.Basic); basic && w.conversion(x) && len(x.Args) == 1 {
			return k.combine(&Expr{Kind: ExprConvert, Type: t}, k.read(x.Args[0]))
		}
	}
	w.report(CodeJobMapKey, e, "use fields, constant indexes and +", "//dag:key: %s is more than a mapping key can be", source(e))
	return nil
}
