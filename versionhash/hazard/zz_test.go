package hazard

import (
	"context"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"testing"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

func TestZZ(t *testing.T) {
	prog, _, err := load.Load(context.Background(), load.Config{Dir: os.Getenv("ZZ"), Patterns: []string{"./..."}, Env: append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")})
	if err != nil { t.Fatal(err) }
	g, _ := versionhash.Analyze(prog, versionhash.Options{})
	var roots []Root
	for _, lp := range prog.Roots {
		for _, f := range lp.Syntax {
			for _, d := range f.Decls {
				if fd, ok := d.(*ast.FuncDecl); ok && fd.Recv == nil && fd.Name.Name != "init" && fd.Body != nil {
					r := Root{Symbol: lp.Path + "." + fd.Name.Name}
					if fn, ok := lp.Info.Defs[fd.Name].(*types.Func); ok {
						for v := range fn.Signature().Params().Variables() { r.Inputs = append(r.Inputs, v) }
					}
					roots = append(roots, r)
				}
			}
		}
	}
	rep := Find(prog, g, roots)
	n := map[Kind]int{}
	for _, f := range rep.Findings {
		n[f.Kind]++
		if k := os.Getenv("KIND"); k == "" || k == string(f.Kind) { fmt.Println(prog.Position(f.Pos), f.Kind, f.What, f.From[0].Path) }
	}
	fmt.Println(len(roots), n)
}
