package annotations_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

func parse(t testing.TB, src string) ([]annotations.Annotation, diag.List) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "a.go", src, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	return annotations.Parse(fset, f)
}

func TestParse(t *testing.T) {
	got, diags := parse(t, `package p

// MonthlyMeans averages each month.
//
//dag:asset group=weather owners=a@b.example,team:data tags="stage:daily, hot" metadata=note:"a, b",unit:kg in.obs=observations description="two\nlines" volatile
func MonthlyMeans(obs []int) []int { return obs }

//dag:config
type Station struct{}

type (
	// Other is one of a group.
	//
	//dag:config
	Other struct{}
)

// Fetch fetches.
//dag:op name=get `+"version=`v 1`"+`
func (c *Client) Fetch() {}
`)
	require.Empty(t, diags)
	require.Len(t, got, 4)

	a := got[0]
	assert.Equal(t, annotations.Asset, a.Kind)
	assert.Equal(t, "MonthlyMeans", a.Name)
	assert.Equal(t, "MonthlyMeans averages each month.", a.Doc)
	assert.IsType(t, &ast.FuncDecl{}, a.Decl)
	assert.Equal(t, "weather", a.Value("group"))
	assert.Equal(t, []string{"a@b.example", "team:data"}, a.List("owners"))
	assert.Equal(t, map[string]string{"stage": "daily", "hot": ""}, a.Map("tags"))
	assert.Equal(t, map[string]string{"note": "a, b", "unit": "kg"}, a.Map("metadata"))
	assert.Equal(t, "two\nlines", a.Value("description"))
	assert.True(t, a.Flag("volatile"))
	assert.False(t, a.Flag("share"))
	assert.Nil(t, a.Map("nothing"))
	in, ok := a.Arg("in.obs")
	require.True(t, ok)
	assert.Equal(t, "obs", in.Param)
	assert.Equal(t, "observations", in.Value)

	assert.Equal(t, annotations.Config, got[1].Kind)
	assert.Equal(t, "Station", got[1].Name)
	assert.IsType(t, &ast.TypeSpec{}, got[1].Decl)
	assert.Equal(t, "Other is one of a group.", got[2].Doc)
	assert.Equal(t, annotations.Method, got[3].Target)
	assert.Equal(t, "v 1", got[3].Value("version"))
}

func TestPositions(t *testing.T) {
	got, diags := parse(t, "package p\n\n//dag:asset  tags=\"a:1, b:\\t2x\"\tvolatile\nfunc F() int { return 1 }\n")
	// the tab is refused, so look at its position first
	require.Len(t, diags, 1)
	assert.Equal(t, "a.go:3:27", diags[0].Pos.String())
	assert.Equal(t, "a.go:3:29", diags[0].End.String())
	assert.Empty(t, got)

	got, diags = parse(t, "package p\n\n//dag:asset  tags=\"a:1, b\\x3a2\"\tvolatile\nfunc F() int { return 1 }\n")
	require.Empty(t, diags)
	a := got[0]
	assert.Equal(t, "a.go:3:1", a.Pos.String())
	assert.Equal(t, "a.go:3:14", a.Args[0].Pos.String())
	assert.Equal(t, "a.go:3:19", a.Args[0].ValuePos.String())
	assert.Equal(t, "a.go:3:32", a.Args[0].End.String())
	assert.Equal(t, annotations.Item{Key: "b", Text: "2", Pos: token.Position{Filename: "a.go", Offset: 35, Line: 3, Column: 25},
		End: token.Position{Filename: "a.go", Offset: 41, Line: 3, Column: 31}}, a.Args[0].Items[1])
	assert.Equal(t, "a.go:3:33", a.Args[1].Pos.String())
	assert.Equal(t, "a.go:3:41", a.End.String())
}

func TestLineDirectivesDoNotMovePositions(t *testing.T) {
	_, diags := parse(t, "package p\n\n//line /etc/passwd:1\n\n//dag:opp\nfunc F() {}\n")
	require.Len(t, diags, 1)
	assert.Equal(t, "a.go:5:1", diags[0].Pos.String())
}

func TestErrors(t *testing.T) {
	const f = "\nfunc F() {}\n"
	for _, c := range []struct{ src, want string }{
		// unknown directives
		{"//dag:aset" + f, "3:1: unknown directive //dag:aset; did you mean //dag:asset? [DAG0101]"},
		{"//dag:banana x=1" + f, "3:1: unknown directive //dag:banana; the directives are op, asset, source, check, resource, hook, partitions, package, config, graph, job, configured, preset, as, after, key, with, allow, ignore, depends [DAG0101]"},
		{"//dag:op-x" + f, "3:1: unknown directive //dag:op-x; the directives are op, asset, source, check, resource, hook, partitions, package, config, graph, job, configured, preset, as, after, key, with, allow, ignore, depends [DAG0101]"},
		// arguments
		{"//dag:asset gruop=x" + f, "3:13: //dag:asset: unknown argument gruop; did you mean group? [DAG0102]"},
		{"//dag:op group=x" + f, "3:10: //dag:op: unknown argument group; it is an argument of //dag:asset [DAG0102]"},
		{"//dag:op quota=db" + f, "3:10: //dag:op: unknown argument quota; the arguments are name, description, version, volatile, share, io, codec, retries, retry_delay, retry_cap, backoff, jitter, hooks, pool, timeout, tags, metadata [DAG0102]"},
		{"//dag:op retries=-1" + f, "3:18: //dag:op: retries: -1 is not a whole number from 0; write retries=N [DAG0103]"},
		{"//dag:op retries=03" + f, "3:18: //dag:op: retries: 03 is not a whole number from 0; write retries=N [DAG0103]"},
		{"//dag:op retries=9999999999" + f, "3:18: //dag:op: retries: 9999999999 is not a whole number from 0; write retries=N [DAG0103]"},
		{"//dag:op retries=1 retry_delay=2" + f, "3:32: //dag:op: retry_delay: 2 is not a positive duration; write it as Go does: 500ms, 2s, 1m30s [DAG0103]"},
		{"//dag:op retries=1 retry_delay=-1s" + f, "3:32: //dag:op: retry_delay: -1s is not a positive duration; write it as Go does: 500ms, 2s, 1m30s [DAG0103]"},
		{"//dag:op retry_delay=1s" + f, "3:10: //dag:op: retry_delay says nothing without retries; add retries=N, or remove it [DAG0113]"},
		{"//dag:op retries=0 retry_delay=1s" + f, "3:20: //dag:op: retry_delay says nothing where retries is 0; remove it [DAG0113]"},
		{"//dag:asset in_x=y" + f, "3:13: //dag:asset: unknown argument in_x; write in.PARAM=KEY [DAG0102]"},
		{"//dag:config name=x\ntype T struct{}\n", "3:14: //dag:config: unknown argument name; it is an argument of //dag:op [DAG0102]"},
		{"//dag:op Name=x" + f, "3:10: //dag:op: unknown argument Name; did you mean name? [DAG0102]"},
		{"//dag:op name=HTTPLogs" + f, "3:15: //dag:op: name: HTTPLogs is not a name; write http_logs [DAG0103]"},
		{"//dag:op name=a/b" + f, "3:15: //dag:op: name: a/b is not a name; use lower-case ASCII letters, digits and underscores, a letter first [DAG0103]"},
		{"//dag:asset io=a.b" + f, "3:16: //dag:asset: io: a.b is not a Go identifier; name a declaration of this package [DAG0103]"},
		{"//dag:job executor=so-so" + f, "3:20: //dag:job: executor: so-so is not a Go identifier; name a declaration of this package [DAG0103]"},
		{"//dag:job retries=1 retry_delay=1s backoff=many" + f, "3:44: //dag:job: backoff cannot be many; use linear or exponential [DAG0103]"},
		{"//dag:asset deps=a,,b" + f, "3:18: //dag:asset: deps has an empty element; write deps=KEY,..., or leave it out [DAG0103]"},
		{"//dag:asset deps=aa,b,aa" + f, "3:23: //dag:asset: deps has aa twice; keep one of them [DAG0103]"},
		{"//dag:op tags=dagster/priority:high" + f, "3:15: //dag:op: tags: a dagster/priority is a whole number, not high; the higher, the sooner: write one such as 5 or -1 [DAG0103]"},
		{"//dag:op tags=a:b,dagster/priority" + f, "3:19: //dag:op: tags: a dagster/priority is a whole number, not empty; the higher, the sooner: write one such as 5 or -1 [DAG0103]"},
		{"//dag:asset tags=a:1,a:2" + f, "3:22: //dag:asset: tags has a twice; keep one of them [DAG0103]"},
		{"//dag:op description=\"\"" + f, "3:22: //dag:op: description has an empty value; write description=TEXT, or leave it out [DAG0103]"},
		{"//dag:op version=" + f, "3:18: //dag:op: version has an empty value; write version=TEXT, or leave it out [DAG0103]"},
		{"//dag:asset in.1x=y" + f, "3:13: //dag:asset: in.1x names no parameter; write in.PARAM=KEY with the Go name of a parameter [DAG0103]"},
		{"//dag:op name=a name=b" + f, "3:17: //dag:op: name is given twice; keep one of them [DAG0104]\n\ta.go:3:10: first given here"},
		{"//dag:op volatile volatile" + f, "3:19: //dag:op: volatile is given twice; keep one of them [DAG0104]\n\ta.go:3:10: first given here"},
		{"//dag:op volatile=true" + f, "3:10: //dag:op: volatile is a flag and takes no value; write volatile alone, or leave it out [DAG0111]"},
		{"//dag:op name" + f, "3:10: //dag:op: name needs a value; write name=NAME, without spaces around = [DAG0111]"},
		{"//dag:op version=\"abc" + f, "3:18: //dag:op: version: the closing \" is missing; quote values as in Go [DAG0111]"},
		{"//dag:op version=\"a\\qc\"" + f, "3:18: //dag:op: version: bad escape in \"...\"; quote values as in Go [DAG0111]"},
		{"//dag:op name\"x\"" + f, "3:14: //dag:op: there is no = between name and its value; write name=NAME [DAG0111]"},
		{"//dag:op \"name=x\"" + f, "3:10: //dag:op: an argument cannot begin with a quote; write key=\"value\" [DAG0111]"},
		{"//dag:op =x" + f, "3:10: //dag:op: an argument needs a key before its value; write key=value, without spaces around = [DAG0111]"},
		{"//dag:op volatile // always" + f, "3:19: //dag:op: a directive line has no comment behind it; put the comment on a line of its own [DAG0111]"},
		// hidden characters
		{"//dag:op version=a\u202eb" + f, "3:19: //dag:op: version has the invisible character \"\\u202e\"; remove it [DAG0109]"},
		{"//dag:op version=\"a\\x00\"" + f, "3:20: //dag:op: version has the invisible character \"\\x00\"; remove it [DAG0109]"},
		{"//dag:op version=\"\\xff\"" + f, "3:19: //dag:op: version has the invisible character \"\\xff\"; remove it [DAG0109]"},
		{"//dag:op description=\"a\\u200bb\"" + f, "3:24: //dag:op: description has the invisible character \"\\u200b\"; remove it [DAG0109]"},
		// repeated and conflicting
		{"//dag:op\n//dag:op name=x" + f, "4:1: //dag:op stands on F twice; put all arguments on one line [DAG0105]\n\ta.go:3:1: //dag:op is here"},
		{"//dag:op\n//dag:asset" + f, "4:1: F cannot be both //dag:op and //dag:asset; keep one of them [DAG0110]\n\ta.go:3:1: //dag:op is here"},
		// misplaced
		{"//dag:op\nvar x int\n", "3:1: //dag:op cannot stand on the declaration of x; put it above a func or a method [DAG0106]"},
		{"//dag:config" + f, "3:1: //dag:config cannot stand on func F; put it above a struct type [DAG0106]"},
		{"//dag:asset\nfunc (t T) M() {}\n", "3:1: //dag:asset cannot stand on method M; put it above a func [DAG0106]"},
		{"//dag:config\ntype T int\n", "3:1: //dag:config cannot stand on type T, which is no struct type; put it above a struct type [DAG0106]"},
		{"//dag:config\ntype T = struct{}\n", "3:1: //dag:config cannot stand on type T, an alias; put it above a struct type [DAG0106]"},
		{"//dag:config\ntype (\n\tT struct{}\n)\n", "3:1: //dag:config cannot stand on a group of declarations; put it above a struct type [DAG0106]"},
		{"//dag:op\nfunc init() {}\n", "3:1: //dag:op cannot stand on func init, which no code can name; give it a name that can be called [DAG0106]"},
		{"//dag:op\nfunc _() {}\n", "3:1: //dag:op cannot stand on func _, which no code can name; give it a name that can be called [DAG0106]"},
		{"//dag:op\nimport _ \"embed\"\n", "3:1: //dag:op cannot stand on an import; put it above a func or a method [DAG0106]"},
		// floating
		{"//dag:op\n\nfunc F() {}\n", "3:1: //dag:op belongs to no declaration: a blank line or another comment separates it from func F; remove what is between them [DAG0107]"},
		{"//dag:config\n\ntype T struct{}\n", "3:1: //dag:config belongs to no declaration: a blank line or another comment separates it from type T; remove what is between them [DAG0107]"},
		{"func F() {\n\t//dag:op\n}\n", "4:2: //dag:op belongs to no declaration: it stands inside the body of func F; put it right above a func or a method [DAG0107]"},
		{"func F() {} //dag:op\n", "3:13: //dag:op belongs to no declaration: it stands behind func F; put it right above a func or a method [DAG0107]"},
		{"type T struct {\n\t//dag:config\n\tx int\n}\n", "4:2: //dag:config belongs to no declaration: it stands inside a declaration; put it right above a struct type [DAG0107]"},
		{"func F() {}\n\n//dag:op\n", "5:1: //dag:op belongs to no declaration: no declaration follows; put it right above a func or a method [DAG0107]"},
		// spelling
		{"// dag:op" + f, "3:1: // dag:op is a comment and no directive; write it as a line that begins with //dag:op, without a space and in lower case [DAG0108]"},
		{"//Dag:op name=x" + f, "3:1: //Dag:op name=x is a comment and no directive; write it as a line that begins with //dag:op, without a space and in lower case [DAG0108]"},
		{"//dag:Op" + f, "3:1: //dag:Op is a comment and no directive; write it as a line that begins with //dag:op, without a space and in lower case [DAG0108]"},
		{"//dag: op" + f, "3:1: //dag: op is a comment and no directive; write it as a line that begins with //dag:op, without a space and in lower case [DAG0108]"},
		{"/*dag:op*/" + f, "3:1: /*dag:op*/ is a comment and no directive; write it as a line that begins with //dag:op, without a space and in lower case [DAG0108]"},
		{"// dag:aset group=x" + f, "3:1: // dag:aset group=x is a comment and no directive; write it as a line that begins with //dag:asset, without a space and in lower case [DAG0108]"},
		// names
		{"//dag:op\nfunc Météo() {}\n", "3:1: //dag:op on func Météo: its name has no key in snake case; add name= with lower-case ASCII letters, digits and underscores [DAG0112]"},
	} {
		got, diags := parse(t, "package p\n\n"+c.src)
		require.Len(t, diags, 1, c.src)
		assert.Equal(t, "a.go:"+c.want, diags[0].String(), c.src)
		for _, a := range got {
			assert.NotEqual(t, diags[0].Pos, a.Pos, "an annotation with an error is left out: %s", c.src)
		}
	}
}

func TestProseIsNoDirective(t *testing.T) {
	for _, doc := range []string{
		"// dag:op functions are steps.", "// dag:asset declares data, see dag:op", "//\t// dag:op", "//\tdag:op", "// the dag:op", "// dag op", "// dagger:op", "// DAG: a graph",
		"//go:embed x", "// dag:", "//nolint:dag", "// Dagster:op",
	} {
		_, diags := parse(t, "package p\n\n"+doc+"\nfunc F() {}\n")
		assert.Empty(t, diags, doc)
	}
}

func TestCarriageReturns(t *testing.T) {
	got, diags := parse(t, "package p\r\n\r\n// A is one.\r\n//\r\n//dag:asset group=x owners=\"team:a, team:b\"\r\nfunc A() int { return 1 }\r\n")
	require.Empty(t, diags)
	require.Len(t, got, 1)
	assert.Equal(t, "A is one.", got[0].Doc)
	assert.Equal(t, "x", got[0].Value("group"))
	assert.Equal(t, []string{"team:a", "team:b"}, got[0].List("owners"))
	_, diags = parse(t, "package p\r\n\r\n//dag:asset gruop=x\r\nfunc A() int { return 1 }\r\n")
	require.Len(t, diags, 1)
	assert.Equal(t, "a.go:3:13", diags[0].Pos.String())
}

func TestAllErrorsInOnePass(t *testing.T) {
	got, diags := parse(t, `package p

//dag:op nmae=x volatile=1
func A() {}

//dag:job executor=x-y name=Y
func B() {}

//dag:op name=fine
func C() {}
`)
	assert.Len(t, diags, 4)
	require.Len(t, got, 1)
	assert.Equal(t, "C", got[0].Name)
	assert.True(t, strings.Contains(diags[0].Message, "nmae"))
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"asset group=x", `op name="a b" x`, "op `", "op \"\\", "job executor==", "config", "asset in.=x", "asset tags=a:b:c,\"d,e\":f", "op\tname=x\t", "op a\"b\"c=d", "op version=\xff", `ignore a.B "x"`, `ignore "x" y`, "depends file:a/*.csv env:A b.C", `depends file:"a b`, "depends a=b", "allow clock \"x\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(s, "\n\r") {
			return
		}
		src := "package p\n\n//dag:" + s + "\nfunc F() {}\n"
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "a.go", src, parser.ParseComments)
		if err != nil {
			return // not Go: a NUL byte or invalid UTF-8
		}
		got, diags := annotations.Parse(fset, file)
		if len(got) == 0 && len(diags) == 0 {
			if _, directive := ast.ParseDirective(1, "//dag:"+s); directive {
				t.Fatalf("%q is ignored silently", s)
			}
		}
		line := strings.Split(src, "\n")[2]
		for _, a := range got {
			for _, arg := range a.Args {
				if arg.ValuePos != arg.Pos { // a word without a key has none to show
					assert.Equal(t, arg.Key, line[arg.Pos.Column-1:][:len(arg.Key)])
				}
				assert.LessOrEqual(t, arg.End.Column-1, len(line))
			}
		}
		for _, d := range diags {
			assert.Equal(t, 3, d.Pos.Line)
			assert.NotEmpty(t, d.Code)
			assert.LessOrEqual(t, d.End.Column-1, len(line))
		}
	})
}
