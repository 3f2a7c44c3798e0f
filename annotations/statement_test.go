package annotations_test

import (
	"go/ast"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/annotations"
)

func TestStatements(t *testing.T) {
	got, diags := parse(t, `package p

//dag:job
func F() {
	//dag:as one
	//dag:after a  b
	x := G()
	y := G() //dag:as two
	//dag:key x.Name + "/"
	for _, x := range xs { //dag:after one
		G() //dag:as three
	}
	if y { //dag:as four
		switch z {
		case 1:
			//dag:as five
			G()
		}
	}
	H(
		x,
	) //dag:as six
	//dag:as seven
	if err := G(); err != nil {
		return
	}
}

//dag:graph asset group=g
func Gr() {
	G() //dag:as eight
}
`)
	require.Empty(t, diags)
	type row struct{ kind, at, value string }
	var rows []row
	for _, a := range got {
		if s, ok := a.Decl.(ast.Stmt); ok {
			r := row{string(a.Kind), a.Pos.String(), ""}
			for _, it := range a.Args[0].Items {
				r.value += it.Text + "@" + it.Pos.String() + " "
			}
			assert.NotNil(t, s)
			assert.Contains(t, []string{"F", "Gr"}, a.Name)
			rows = append(rows, r)
		}
	}
	assert.Equal(t, []row{
		{"as", "a.go:5:2", "one@a.go:5:11 "}, {"after", "a.go:6:2", "a@a.go:6:14 b@a.go:6:17 "}, {"as", "a.go:8:11", "two@a.go:8:20 "},
		{"key", "a.go:9:2", `x.Name + "/"@a.go:9:12 `}, {"after", "a.go:10:25", "one@a.go:10:37 "}, {"as", "a.go:11:7", "three@a.go:11:16 "},
		{"as", "a.go:13:9", "four@a.go:13:18 "}, {"as", "a.go:16:4", "five@a.go:16:13 "}, {"as", "a.go:22:4", "six@a.go:22:13 "},
		{"as", "a.go:23:2", "seven@a.go:23:11 "}, {"as", "a.go:31:6", "eight@a.go:31:15 "},
	}, rows)
	lines := map[int]string{}
	for _, a := range got {
		if s, ok := a.Decl.(ast.Stmt); ok {
			switch s.(type) {
			case *ast.RangeStmt:
				lines[a.Pos.Line] = "range"
			case *ast.IfStmt:
				lines[a.Pos.Line] = "if"
			}
		}
	}
	assert.Equal(t, map[int]string{9: "range", 10: "range", 13: "if", 23: "if"}, lines, "the rest stands on calls")
}

func TestStatementErrors(t *testing.T) {
	body := func(s string) string { return "package p\n\n//dag:job\nfunc F() {\n" + s + "\n}\n" }
	for _, c := range []struct{ src, want string }{
		{body("//dag:as\nG()"), "5:1: //dag:as: the name is missing; write //dag:as NAME [DAG0111]"},
		{body("//dag:as a b\nG()"), "5:12: //dag:as: a step has one name; write //dag:as NAME [DAG0111]"},
		{body("//dag:as Fetch\nG()"), "5:10: //dag:as: Fetch is not a name, which would be fetch; write //dag:as NAME [DAG0103]"},
		{body("//dag:as a // why\nG()"), "5:12: //dag:as: a directive line has no comment behind it; write //dag:as NAME [DAG0111]"},
		{body("//dag:after a b a\nG()"), "5:17: //dag:after: a is given twice; write //dag:after STEP... [DAG0103]"},
		{body("//dag:key\nfor range x {\n}"), "5:1: //dag:key: the expr is missing; write //dag:key EXPR [DAG0111]"},
		{body("//dag:key x\u200b.a\nfor range x {\n}"), "5:12: //dag:key: it has an invisible character; write //dag:key EXPR [DAG0109]"},
		{body("//dag:key x\nG()"), "5:1: //dag:key stands on a statement that is no loop; put it above a for statement [DAG0106]"},
		{body("//dag:as a\n\nG()"), "5:1: //dag:as belongs to no statement; put it right above the statement, or at the end of its line [DAG0107]"},
		{body("for range x {\n} //dag:as a\nG()"), "6:3: //dag:as belongs to no statement; put it right above the statement, or at the end of its line [DAG0107]"},
		{body("G()\n//dag:as a"), "6:1: //dag:as belongs to no statement; put it right above the statement, or at the end of its line [DAG0107]"},
		{body("H(\na, //dag:as a\n)"), "6:4: //dag:as belongs to no statement; put it right above the statement, or at the end of its line [DAG0107]"},
		{body("//dag:as a\nG() //dag:as b"), "6:5: //dag:as stands on this statement twice; keep one of them [DAG0105]"},
		{body("// dag:as fetch\nG()"), "5:1: // dag:as fetch is a comment and no directive; write it as a line that begins with //dag:as, without a space and in lower case [DAG0108]"},
		{body("//Dag:After a b\nG()"), "5:1: //Dag:After a b is a comment and no directive; write it as a line that begins with //dag:after, without a space and in lower case [DAG0108]"},
		{"package p\n\n//dag:op\nfunc F() {\n\tG() //dag:as a\n}\n", "5:6: //dag:as stands in func F, which is no job and no graph; mark F //dag:job or //dag:graph, or remove this [DAG0106]"},
		{"package p\n\n//dag:as a\nfunc F() {}\n", "3:1: //dag:as cannot stand on func F; put it above a statement of a job or graph [DAG0106]"},
		{"package p\n\n//dag:key a\n", "3:1: //dag:key belongs to no statement; put it right above the statement, or at the end of its line [DAG0107]"},
	} {
		_, diags := parse(t, c.src)
		if assert.Len(t, diags, 1, c.src) {
			d := diags[0]
			d.Related = nil
			assert.Equal(t, "a.go:"+c.want, d.String(), c.src)
		}
	}
	for _, prose := range []string{"// dag:as this is what Dagster does.\nG()", "// dag:key is for loops\nG()", "// dag:after all of them, in order\nG()"} {
		_, diags := parse(t, body(prose))
		assert.Empty(t, diags, prose)
	}
	got, _ := parse(t, body("//dag:as a\nG()"))
	require.Len(t, got, 2)
	assert.Equal(t, annotations.Statement, got[1].Target)
}
