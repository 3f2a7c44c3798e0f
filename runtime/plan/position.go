package plan

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Positions finds declarations in the sources that a binary carries. It parses a package on the first question about it, so that only a plan
// with a reason to print pays for it. It is safe for concurrent use.
type Positions struct {
	mu       sync.Mutex
	packages map[string]map[string]string // import path to declaration ("mean", "(*Client).Fetch") to "stats.go:12"
}

// Of returns where a symbol such as "example.com/m/stats.mean" is declared, as "stats.go:12", or "" where it is not found.
func (p *Positions) Of(symbol string) string {
	dot := strings.IndexByte(symbol[strings.LastIndexByte(symbol, '/')+1:], '.')
	if dot < 0 {
		return ""
	}
	dot += strings.LastIndexByte(symbol, '/') + 1
	p.mu.Lock()
	defer p.mu.Unlock()
	pkg := symbol[:dot]
	declared, ok := p.packages[pkg]
	if !ok {
		declared = declarations(pkg)
		if p.packages == nil {
			p.packages = map[string]map[string]string{}
		}
		p.packages[pkg] = declared
	}
	return declared[symbol[dot+1:]]
}

func declarations(pkg string) map[string]string {
	declared := map[string]string{}
	files, ok := dag.Sources(pkg)
	if !ok {
		return declared
	}
	fset := token.NewFileSet()
	names, _ := fs.Glob(files, "*.go")
	for _, name := range names {
		src, err := fs.ReadFile(files, name)
		if err != nil || strings.HasSuffix(name, "_test.go") {
			continue
		}
		// A file with errors still has the declarations before the first one.
		file, _ := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if file == nil {
			continue
		}
		note := func(n string, pos token.Pos) {
			at := fset.Position(pos)
			declared[n] = fmt.Sprintf("%s:%d", path.Base(at.Filename), at.Line)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				note(receiver(d)+d.Name.Name, d.Name.Pos())
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						note(s.Name.Name, s.Name.Pos())
					case *ast.ValueSpec:
						for _, n := range s.Names {
							note(n.Name, n.Pos())
						}
					}
				}
			}
		}
	}
	return declared
}

// receiver writes the receiver of a method as symbols have it: "(*Client)." or "Client.".
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) != 1 {
		return ""
	}
	pointer := false
	for t := d.Recv.List[0].Type; ; {
		switch x := t.(type) {
		case *ast.StarExpr:
			pointer, t = true, x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			if pointer {
				return "(*" + x.Name + ")."
			}
			return x.Name + "."
		default:
			return ""
		}
	}
}
