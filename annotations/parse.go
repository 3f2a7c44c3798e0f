package annotations

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// The codes of this stage; internal/diag documents them.
const (
	CodeUnknownDirective = "DAG0101"
	CodeUnknownArgument  = "DAG0102"
	CodeBadValue         = "DAG0103"
	CodeRepeatedArgument = "DAG0104"
	CodeRepeated         = "DAG0105"
	CodeMisplaced        = "DAG0106"
	CodeFloating         = "DAG0107"
	CodeSpelling         = "DAG0108"
	CodeHiddenCharacter  = "DAG0109"
	CodeConflict         = "DAG0110"
	CodeBadArgument      = "DAG0111"
	CodeNeedsName        = "DAG0112"
	CodeNeedsArgument    = "DAG0113"
)

// An Annotation is a directive on a declaration, with all its arguments valid in form. What they name is not looked up here.
type Annotation struct {
	Kind     Kind
	Target   Target
	Decl     ast.Node       // *ast.FuncDecl, *ast.TypeSpec, *ast.ValueSpec for variables, or the ast.Stmt
	Name     string         // the Go name of the declaration; of a method without its receiver
	Pos, End token.Position // of the directive comment
	Args     []Arg          // in the order of the source
	Doc      string         // the doc comment without directives; empty when there is none
}

// An Arg is one argument of a directive.
type Arg struct {
	Key      string         // as written: "group", "in.city"
	Param    string         // for a family: "city"
	Type     Type           // that of the registry
	Value    string         // unquoted; empty for a flag
	Items    []Item         // the elements of a list, or the single value; nil for a flag
	Pos, End token.Position // from the key to the end of the value
	ValuePos token.Position // where the value begins; that of End for a flag
}

// An Item is one element of an argument's value.
type Item struct {
	Key      string // of a pair
	Text     string
	Pos, End token.Position
}

// Arg returns the argument with the given key.
func (a *Annotation) Arg(key string) (Arg, bool) {
	i := slices.IndexFunc(a.Args, func(x Arg) bool { return x.Key == key })
	if i < 0 {
		return Arg{}, false
	}
	return a.Args[i], true
}

// Value returns the value of the argument with the given key, or "" when it is not there.
func (a *Annotation) Value(key string) string {
	x, _ := a.Arg(key)
	return x.Value
}

// All returns the arguments with the given key, in order: the operands of one form.
func (a *Annotation) All(key string) []Arg {
	var out []Arg
	for _, x := range a.Args {
		if x.Key == key {
			out = append(out, x)
		}
	}
	return out
}

// Flag reports whether the flag with the given key is there.
func (a *Annotation) Flag(key string) bool {
	_, ok := a.Arg(key)
	return ok
}

// Count returns the number of the argument with the given key, or 0 when it is not there.
func (a *Annotation) Count(key string) int {
	n, _ := strconv.Atoi(a.Value(key))
	return n
}

// Span returns the duration of the argument with the given key, or 0 when it is not there.
func (a *Annotation) Span(key string) time.Duration {
	d, _ := time.ParseDuration(a.Value(key))
	return d
}

// List returns the elements of the list with the given key, in order; nil when it is not there.
func (a *Annotation) List(key string) []string {
	x, _ := a.Arg(key)
	var out []string
	for _, it := range x.Items {
		out = append(out, it.Text)
	}
	return out
}

// Map returns the pairs of the argument with the given key; nil when it is not there.
func (a *Annotation) Map(key string) map[string]string {
	x, ok := a.Arg(key)
	if !ok {
		return nil
	}
	out := make(map[string]string, len(x.Items))
	for _, it := range x.Items {
		out[it.Key] = it.Text
	}
	return out
}

// Parse reads the directives of file, which was parsed with comments. Annotations that have errors are left out. Positions
// are as fset has them, line directives not applied.
func Parse(fset *token.FileSet, file *ast.File) ([]Annotation, diag.List) {
	p := &parser{fset: fset, file: file, decls: declarations(file)}
	for _, group := range file.Comments {
		p.group(group)
	}
	p.conflicts()
	var out []Annotation
	for _, f := range p.found {
		if f.ok {
			out = append(out, f.Annotation)
		}
	}
	return out, p.diags.Sorted()
}

type parser struct {
	fset  *token.FileSet
	file  *ast.File
	decls map[*ast.CommentGroup]declaration
	stmts *statements
	found []found
	diags diag.List
}

// found is a directive with a known kind on an allowed declaration; ok is false when its arguments have errors.
type found struct {
	Annotation
	ok bool
}

func (p *parser) at(pos token.Pos) token.Position { return p.fset.PositionFor(pos, false) }

func (p *parser) errorf(code string, pos, end token.Pos, hint, format string, args ...any) {
	p.diags.Add(diag.Diagnostic{Code: code, Pos: p.at(pos), End: p.at(end), Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (p *parser) group(group *ast.CommentGroup) {
	for _, c := range group.List {
		d, ok := ast.ParseDirective(c.Slash, c.Text)
		if !ok || d.Tool != "dag" {
			p.nearMiss(c)
			continue
		}
		p.directive(group, c, d)
	}
}

func (p *parser) directive(group *ast.CommentGroup, c *ast.Comment, d ast.Directive) {
	row, known := Lookup(Kind(d.Name))
	if !known {
		hint := "the directives are " + strings.Join(kindNames(), ", ")
		if near, ok := nearest.Of(d.Name, kindNames()); ok {
			hint = "did you mean //dag:" + near + "?"
		}
		p.errorf(CodeUnknownDirective, c.Slash, c.Slash+token.Pos(len("//dag:"+d.Name)), hint, "unknown directive //dag:%s", d.Name)
		return
	}
	if row.onStatements() {
		p.onStatement(group, c, d, row)
		return
	}
	decl, attached := p.decls[group]
	if !attached {
		p.floating(group, c, row)
		return
	}
	if !decl.fits(row) {
		p.errorf(CodeMisplaced, c.Slash, c.End(), "put it above "+targetList(row.Targets), "//dag:%s cannot stand on %s", row.Kind, decl.describe())
		return
	}
	if !row.Beside && (decl.name == "_" || decl.target == Func && (decl.name == "init" || decl.name == "main" && p.file.Name.Name == "main")) {
		p.errorf(CodeMisplaced, c.Slash, c.End(), "give it a name that can be called", "//dag:%s cannot stand on %s, which no code can name", row.Kind, decl.describe())
		return
	}
	before := len(p.diags)
	f := found{Annotation: Annotation{
		Kind: row.Kind, Target: decl.target, Decl: decl.node, Name: decl.name, Pos: p.at(c.Slash), End: p.at(c.End()),
		Doc: strings.TrimSpace(group.Text()),
	}}
	f.Args = p.arguments(row, d)
	if _, named := f.Arg("name"); !named && row.Kind != Config && !row.Beside && !ValidName(Snake(decl.name)) {
		p.errorf(CodeNeedsName, c.Slash, c.End(), "add name= with lower-case ASCII letters, digits and underscores",
			"//dag:%s on %s: its name has no key in snake case", row.Kind, decl.describe())
	}
	f.ok = len(p.diags) == before
	p.found = append(p.found, f)
}

// conflicts reports declarations that carry more than one directive that says what they are.
func (p *parser) conflicts() {
	first := map[ast.Node]*found{}
	for i := range p.found {
		f := &p.found[i]
		if row, _ := Lookup(f.Kind); row.Beside || row.onStatements() {
			continue
		}
		g, ok := first[f.Decl]
		if !ok {
			first[f.Decl] = f
			continue
		}
		d := diag.Diagnostic{Code: CodeConflict, Pos: f.Pos, End: f.End, Hint: "keep one of them",
			Message: fmt.Sprintf("%s cannot be both //dag:%s and //dag:%s", f.Name, g.Kind, f.Kind),
			Related: []diag.Related{{Pos: g.Pos, Message: fmt.Sprintf("//dag:%s is here", g.Kind)}}}
		if f.Kind == g.Kind {
			d.Code, d.Message = CodeRepeated, fmt.Sprintf("//dag:%s stands on %s twice", f.Kind, f.Name)
			d.Hint = "put all arguments on one line"
		}
		p.diags.Add(d)
		f.ok = false
	}
}

// nearMiss reports comments that were clearly meant as a directive and are none for Go: a space, an upper-case letter, a block comment. Prose
// that only begins with such words is left alone: all that follows must look like arguments.
func (p *parser) nearMiss(c *ast.Comment) {
	block := strings.HasPrefix(c.Text, "/*")
	body := strings.TrimPrefix(c.Text, "//")
	if block {
		body = strings.TrimSuffix(strings.TrimPrefix(c.Text, "/*"), "*/")
	}
	rest := strings.TrimLeft(body, " ")
	if len(body)-len(rest) > 3 || strings.Contains(rest, "\n") { // an indented line is code in a doc comment
		return
	}
	if len(rest) < 4 || !strings.EqualFold(rest[:3], "dag") {
		return
	}
	rest = strings.TrimLeft(rest[3:], " ")
	rest, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return
	}
	name, args, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kind := strings.ToLower(name)
	row, known := Lookup(Kind(kind))
	if !known {
		near, ok := nearest.Of(kind, kindNames())
		if !ok || len(kind) < 4 { // two-letter words are all near to "op"
			return
		}
		row, _ = Lookup(Kind(near))
	}
	if row.onStatements() && len(row.Positionals) > 0 {
		if p.meantStatement(c, row, args) {
			p.misspelt(c, row)
		}
		return
	}
	if len(row.Operands) > 0 {
		if meant(row, args) {
			p.misspelt(c, row)
		}
		return
	}
	if len(row.Positionals) > 0 { // the first word decides: the rest is text
		word, rest, _ := strings.Cut(args, " ")
		if first := row.Positionals[0]; first.Type == Enum && !slices.Contains(first.Choices, word) {
			return
		}
		if last := row.Positionals[len(row.Positionals)-1]; last.Type == Path && (strings.Contains(rest, " ") || !strings.ContainsAny(rest, "./")) {
			return
		}
		args = ""
	}
	for word := range strings.FieldsSeq(args) {
		key, _, valued := strings.Cut(word, "=")
		if a, ok := row.Argument(key); !valued && (!ok || a.Type != Flag) {
			return
		}
	}
	p.misspelt(c, row)
}

func (p *parser) misspelt(c *ast.Comment, row Directive) {
	p.errorf(CodeSpelling, c.Slash, c.End(), "write it as a line that begins with //dag:"+string(row.Kind)+", without a space and in lower case",
		"%s is a comment and no directive", firstWords(c.Text))
}

// firstWords returns enough of a comment to recognise it.
func firstWords(text string) string {
	const most = 40
	if i := strings.IndexFunc(text, unicode.IsControl); i >= 0 {
		text = text[:i]
	}
	if rs := []rune(text); len(rs) > most {
		return string(rs[:most]) + "..."
	}
	return text
}

func targetList(targets []Target) string {
	var out []string
	for _, t := range targets {
		out = append(out, "a "+string(t))
	}
	if n := len(out) - 1; n > 0 {
		return strings.Join(out[:n], ", ") + " or " + out[n]
	}
	return strings.Join(out, "")
}
