package annotations

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// A placed statement is one that a directive can belong to: by the line above its first one, or by a line of its head.
type placed struct {
	stmt        ast.Stmt
	first, last int // lines of its head: up to the brace of a block, or to its end
	fn          *ast.FuncDecl
}

// statements are those in the bodies of a file, in the order of the source.
type statements struct {
	list   []placed
	closed map[int]bool // lines on which a statement ends
}

// onStatements reports whether a directive belongs to statements.
func (d Directive) onStatements() bool {
	return slices.Contains(d.Targets, Statement) || slices.Contains(d.Targets, Loop)
}

// statements finds them once.
func (p *parser) statements() *statements {
	if p.stmts != nil {
		return p.stmts
	}
	p.stmts = &statements{closed: map[int]bool{}}
	for _, d := range p.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		add := func(list []ast.Stmt) {
			for _, s := range list {
				p.stmts.list = append(p.stmts.list, placed{s, p.at(s.Pos()).Line, p.at(headEnd(s)).Line, fn})
				p.stmts.closed[p.at(s.End()).Line] = true
			}
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.BlockStmt:
				add(n.List)
			case *ast.CaseClause:
				add(n.Body)
			case *ast.CommClause:
				add(n.Body)
			}
			return true
		})
	}
	return p.stmts
}

// headEnd is where a statement ends, or the block that it begins.
func headEnd(s ast.Stmt) token.Pos {
	switch s := s.(type) {
	case *ast.IfStmt:
		return s.Body.Lbrace
	case *ast.ForStmt:
		return s.Body.Lbrace
	case *ast.RangeStmt:
		return s.Body.Lbrace
	case *ast.SwitchStmt:
		return s.Body.Lbrace
	case *ast.TypeSwitchStmt:
		return s.Body.Lbrace
	case *ast.SelectStmt:
		return s.Body.Lbrace
	case *ast.BlockStmt:
		return s.Lbrace
	}
	return s.End()
}

// at returns the statement that a comment belongs to: the last one that begins or ends its head on the comment's line, before it, or the first one on the
// line below the comments that it stands among.
func (s *statements) at(p *parser, group *ast.CommentGroup, c *ast.Comment) (placed, bool) {
	line := p.at(c.Slash).Line
	below := p.at(group.End()).Line + 1
	var found placed
	ok := false
	for _, x := range s.list {
		if x.stmt.Pos() < c.Slash && (x.first == line || x.last == line) {
			found, ok = x, true // one that stands inside of another comes later
		}
	}
	if ok || s.closed[line] { // what stands behind a closing brace belongs to nothing
		return found, ok
	}
	for _, x := range s.list {
		if x.first == below && x.stmt.Pos() > c.Slash {
			return x, true
		}
	}
	return placed{}, false
}

// onStatement reads a directive that belongs to a statement in the body of a job or graph.
func (p *parser) onStatement(group *ast.CommentGroup, c *ast.Comment, d ast.Directive, row Directive) {
	where := "put it right above the statement, or at the end of its line"
	x, ok := p.statements().at(p, group, c)
	if !ok {
		if decl, attached := p.decls[group]; attached {
			p.errorf(CodeMisplaced, c.Slash, c.End(), "put it above "+targetList(row.Targets), "//dag:%s cannot stand on %s", row.Kind, decl.describe())
			return
		}
		p.errorf(CodeFloating, c.Slash, c.End(), where, "//dag:%s belongs to no statement", row.Kind)
		return
	}
	if !composes(x.fn) {
		p.errorf(CodeMisplaced, c.Slash, c.End(), "mark "+x.fn.Name.Name+" //dag:job or //dag:graph, or remove this", "//dag:%s stands in %s, which is no job and no graph", row.Kind, function(x.fn).describe())
		return
	}
	if _, loop := x.stmt.(*ast.RangeStmt); !loop && slices.Contains(row.Targets, Loop) {
		p.errorf(CodeMisplaced, c.Slash, c.End(), "put it above a for statement", "//dag:%s stands on a statement that is no loop", row.Kind)
		return
	}
	for _, f := range p.found {
		if f.Decl == x.stmt && f.Kind == row.Kind {
			p.diags.Add(diag.Diagnostic{Code: CodeRepeated, Pos: p.at(c.Slash), End: p.at(c.End()), Hint: "keep one of them",
				Message: "//dag:" + string(row.Kind) + " stands on this statement twice", Related: []diag.Related{{Pos: f.Pos, Message: "first here"}}})
			return
		}
	}
	before := len(p.diags)
	f := found{Annotation: Annotation{Kind: row.Kind, Target: row.Targets[0], Decl: x.stmt, Name: x.fn.Name.Name, Pos: p.at(c.Slash), End: p.at(c.End())}}
	if len(row.Positionals) > 0 {
		f.Args = p.words(row, d)
	} else if f.Args = p.arguments(row, d); len(f.Args) == 0 && len(p.diags) == before {
		p.errorf(CodeBadArgument, d.Slash, d.End(), "the arguments are "+strings.Join(spellings(row), ", "), "//dag:%s says nothing without an argument", row.Kind)
	}
	f.ok = len(p.diags) == before
	p.found = append(p.found, f)
}

// meantStatement reports whether a comment with a misspelt directive was meant as one: it stands among statements, and what follows looks like the arguments.
func (p *parser) meantStatement(c *ast.Comment, row Directive, args string) bool {
	inside := slices.ContainsFunc(p.file.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Body != nil && fn.Body.Pos() < c.Pos() && c.Pos() < fn.Body.End() && composes(fn)
	})
	words := strings.Fields(args)
	switch row.Positionals[0].Type {
	case Expr:
		return inside && len(words) == 1
	case Name:
		return inside && len(words) == 1 && ValidName(words[0])
	}
	return inside && len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !ValidName(w) })
}

// composes reports whether a function is marked as a job or a graph.
func composes(fn *ast.FuncDecl) bool {
	if fn.Doc == nil {
		return false
	}
	for _, c := range fn.Doc.List {
		if d, ok := ast.ParseDirective(c.Slash, c.Text); ok && d.Tool == "dag" && (Kind(d.Name) == Job || Kind(d.Name) == Graph) {
			return true
		}
	}
	return false
}

// words reads the arguments of a statement's directive: a name, names, or an expression up to the end of the line.
func (p *parser) words(row Directive, d ast.Directive) []Arg {
	spec := row.Positionals[0]
	at := func(offset int) token.Pos { return d.ArgsPos + token.Pos(offset) }
	fail := func(code string, start, end int, message string) []Arg {
		p.errorf(code, at(start), at(end), "write "+row.Usage(), "//dag:%s: %s", row.Kind, message)
		return nil
	}
	args := d.Args
	if strings.TrimSpace(args) == "" {
		p.errorf(CodeBadArgument, d.Slash, d.End(), "write "+row.Usage(), "//dag:%s: the %s is missing", row.Kind, spec.Name)
		return nil
	}
	start := len(args) - len(strings.TrimLeft(args, " \t"))
	end := len(strings.TrimRight(args, " \t"))
	arg := Arg{Key: spec.Name, Type: spec.Type, Value: args[start:end], Pos: p.at(at(start)), ValuePos: p.at(at(start)), End: p.at(at(end))}
	if spec.Type == Expr {
		if c, bad := hiddenIn(args); bad {
			return fail(CodeHiddenCharacter, c, c+1, "it has an invisible character")
		}
		arg.Items = []Item{{Text: arg.Value, Pos: arg.Pos, End: arg.End}}
		return []Arg{arg}
	}
	seen := map[string]bool{}
	for _, w := range split(args) {
		word := args[w.start:w.end]
		switch {
		case word == "//":
			return fail(CodeBadArgument, w.start, len(args), "a directive line has no comment behind it")
		case !ValidName(word):
			message := show(word) + " is not a name"
			if s := Snake(word); ValidName(s) && s != word {
				message += ", which would be " + s
			}
			return fail(CodeBadValue, w.start, w.end, message)
		case seen[word]:
			return fail(CodeBadValue, w.start, w.end, word+" is given twice")
		case spec.Type == Name && len(seen) > 0:
			return fail(CodeBadArgument, w.start, w.end, "a step has one name")
		}
		seen[word] = true
		arg.Items = append(arg.Items, Item{Text: word, Pos: p.at(at(w.start)), End: p.at(at(w.end))})
	}
	return []Arg{arg}
}

// hiddenIn finds the first character of an expression that a reader cannot see.
func hiddenIn(s string) (offset int, bad bool) {
	for i, r := range s {
		cells := []cell{{text: string(r), start: i}}
		if r == '\t' {
			continue
		}
		if _, bad := hidden(cells, Text); bad {
			return i, true
		}
	}
	return 0, false
}
