package gen_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/scanner"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/load"
)

var (
	mutations    = flag.Int("mutations", 40, "number of broken packages that TestBrokenInput makes")
	mutationSeed = flag.Uint64("mutation-seed", 1, "what TestBrokenInput begins with")
)

// Whatever a user's package looks like, the generator neither panics nor takes the user's mistake for its own: packages of the goldens, with some of
// their words changed, give diagnostics or results.
func TestBrokenInput(t *testing.T) {
	root := resolved(t, t.TempDir())
	var sources [][]byte
	for _, c := range readCases(t) {
		if c.name == "err_endless" {
			continue // stops everything else
		}
		for _, f := range c.archive.Files {
			if strings.HasSuffix(f.Name, ".go") && !strings.HasPrefix(f.Name, "want/") && !strings.Contains(f.Name, "_gen.go") && bytes.Contains(f.Data, []byte("//dag:")) {
				sources = append(sources, f.Data)
			}
		}
	}
	r := rand.New(rand.NewPCG(*mutationSeed, 0))
	for i := range *mutations {
		src := mutate(r, sources[r.IntN(len(sources))])
		writeFile(t, filepath.Join(root, fmt.Sprintf("m%03d", i), "a.go"), src)
	}
	writeFile(t, filepath.Join(root, "go.mod"), []byte(goMod(t, "example.com/mutants")))
	copyFile(t, filepath.Join(repository(t), "go.sum"), filepath.Join(root, "go.work.sum"))
	writeFile(t, filepath.Join(root, "go.work"), []byte("go 1.26.0\nuse .\n"))

	results, diags, err := gen.Generate(context.Background(), gen.Config{Load: load.Config{Dir: root, Patterns: []string{"./..."}, Env: environment(root)}})
	require.NoError(t, err, "seed %d", *mutationSeed)
	assert.Greater(t, len(diags), *mutations/4)
	for _, d := range diags {
		assert.NotEmpty(t, d.Code, "%s", d)
		assert.NotEmpty(t, d.Message, "%s", d)
		if !strings.Contains("DAG0302 DAG0603 DAG0701", d.Code) { // these repeat what the compiler says
			assert.NotContains(t, d.Message, "invalid type", "%s", d)
		}
	}
	for _, res := range results {
		assert.NotContains(t, string(res.Content), "invalid type")
	}
	t.Logf("%d diagnostics, %d files", len(diags), len(results))
}

// mutate changes a few words behind the package clause: names and literals mostly for others of the file, so that most results parse. Some files have
// lines of bodies in other places instead: statements that compile where they are, and mean something else.
func mutate(r *rand.Rand, src []byte) []byte {
	if r.IntN(3) == 0 {
		return shuffle(r, src)
	}
	for range 1 + r.IntN(3) {
		words := positions(src)
		if len(words) < 10 {
			return src
		}
		a, b := words[1+r.IntN(len(words)-1)], words[1+r.IntN(len(words)-1)]
		with := string(src[b[0]:b[1]])
		switch r.IntN(12) {
		case 0:
			with = ""
		case 1:
			with = string(src[a[0]:a[1]]) + " " + with
		case 2:
			with = "*" + string(src[a[0]:a[1]])
		case 3:
			with = "[]" + string(src[a[0]:a[1]])
		}
		src = fmt.Appendf(nil, "%s%s%s", src[:a[0]], with, src[a[1]:])
	}
	return src
}

// shuffle copies or moves lines that hold a statement to before other such lines.
func shuffle(r *rand.Rand, src []byte) []byte {
	lines := bytes.Split(src, []byte("\n"))
	var inside []int
	for i, l := range lines {
		if t := bytes.TrimSpace(l); bytes.HasPrefix(l, []byte("\t")) && len(t) > 0 && !bytes.ContainsAny(t[len(t)-1:], "{(,") && t[0] != '}' && t[0] != ')' {
			inside = append(inside, i)
		}
	}
	for range 1 + r.IntN(4) {
		if len(inside) < 2 {
			return src
		}
		from, to := inside[r.IntN(len(inside))], inside[r.IntN(len(inside))]
		with := bytes.Clone(lines[from])
		if r.IntN(2) == 0 {
			lines[from] = nil
		}
		lines[to] = append(append(with, '\n'), lines[to]...)
	}
	return bytes.Join(lines, []byte("\n"))
}

// positions returns where the names, literals and comments of a file begin and end.
func positions(src []byte) [][2]int {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(src))
	s.Init(file, src, func(token.Position, string) {}, scanner.ScanComments)
	var out [][2]int
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return out
		}
		if start := file.Offset(pos); tok.IsLiteral() || tok == token.COMMENT {
			out = append(out, [2]int{start, start + len(lit)})
		}
	}
}
