package gen

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reads are the functions of the generator that look at the disk, the environment or another program, and what makes a change of what they see known to a
// stamp. A new one has to be thought about: whatever it reads must be a fact of a stamp (gen/stamp.go) and, where it decides what is listed, of a
// listing (internal/load/seen.go).
var reads = map[string]string{
	"gen.statOf":                           "the files of stats: File facts",
	"gen.inputs.goFiles":                   "names in folders of packages: Names and Tree facts",
	"gen.inputs.changed":                   "sources: Source facts",
	"gen.readPreset":                       "the files of stats: File facts",
	"gen.embeddable":                       "load.Embedding",
	"gen.generation.strangers":             "go.mod of local modules: File facts",
	"gen.generation.orphans":               "manifests in folders of packages: File facts",
	"gen.generation.deserted":              "Tree facts",
	"gen.onlyOurs":                         "Tree facts, with all Go files and manifests in them",
	"gen.generation.listedOnDisk":          "readMore: no stamp",
	"gen.changedSources":                   "only of manifests that differ: no stamp",
	"gen/write.Exists":                     "go.mod below a pattern: Tree facts",
	"gen/write.current":                    "the output: File and Source facts",
	"gen/write.replace":                    "writes",
	"gen/write.removeLeftovers":            "writes",
	"gen/write.syncDir":                    "writes",
	"internal/load.list":                   "the go command: settings, and all facts of a listing",
	"internal/load.debugSettings":          "go.mod and go.work: File facts",
	"internal/load.workFile":               "the same, and GOWORK: settings",
	"internal/load.directModules":          "the go command: settings; go.mod of main modules: File facts",
	"internal/load.ToolCommand":            "go.mod up the tree: File facts",
	"internal/load.loader.externalKey":     "files of other modules: Stats facts, or in the module cache",
	"internal/load.work.parseDeep":         "files of other modules: Stats facts, or in the module cache",
	"internal/diag.Printer.excerpt":        "sources, for people to see",
	"internal/load.belowModule":            "only with an error: no stamp",
	"internal/load.work.read":              "Go files: Source facts, or in the module cache",
	"internal/load.leftovers":              "Tree facts; where there are some, no stamp",
	"internal/load.onlyOurs":               "the same",
	"internal/load.Program.goRelease":      "VERSION: File fact",
	"internal/load.lookPath":               "settings",
	"internal/load.findSettings":           "settings",
	"internal/load.settings.moduleFiles":   "facts themselves",
	"internal/load.moduleFiles.workspace":  "facts themselves",
	"internal/load.moduleFiles.mainModule": "facts themselves",
	"internal/load.seer.match":             "facts themselves",
	"internal/load.seer.everything":        "facts themselves",
	"versionhash.fileDigest":               "embedded and other files: File facts; of other modules: Stats facts, or in the module cache",
	"versionhash.readSource":               "Go files that are left out: the same, and Source facts",
	"versionhash.contents":                 "files of other modules: Stats facts, or in the module cache",
}

// looking are the functions by which something is read.
var looking = map[string][]string{
	"os":       {"ReadFile", "ReadDir", "Open", "OpenFile", "Stat", "Lstat", "Getenv", "LookupEnv", "Environ", "Getwd", "Readlink", "DirFS", "OpenRoot", "OpenInRoot", "UserHomeDir", "UserCacheDir", "UserConfigDir", "Hostname", "Executable", "CreateTemp"},
	"filepath": {"WalkDir", "Walk", "Glob", "EvalSymlinks"},
	"exec":     {"Command", "CommandContext", "LookPath"},
	"unix":     {"Open", "Stat", "Lstat", "Fstat", "Read"},
	"build":    {"Import", "ImportDir", "Default"},
	"net":      {"Dial", "Listen"},
	"http":     {"Get", "DefaultClient"},
	"user":     {"Current"},
	"time":     {"Now"},
}

func TestEveryReadIsKnown(t *testing.T) {
	found := map[string]string{}
	for _, pkg := range []string{"annotations", "gen", "gen/model", "gen/preset", "gen/render", "gen/write", "internal/load", "internal/manifest", "versionhash", "internal/canon", "internal/diag"} {
		files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(pkg), "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || pkg == "gen" && slices.Contains([]string{"stamp.go"}, filepath.Base(file)) || pkg == "internal/load" && filepath.Base(file) == "recall.go" {
				continue // they make facts, and read clocks for it
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, d := range f.Decls {
				ast.Inspect(d, func(n ast.Node) bool {
					sel, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(looking[x.Name], sel.Sel.Name) {
						found[pkg+"."+nameOfDecl(d)] = x.Name + "." + sel.Sel.Name
					}
					return true
				})
			}
		}
	}
	for name, call := range found {
		assert.NotEmpty(t, reads[name], "%s calls %s: make what it reads a fact of a stamp, then say so in reads", name, call)
	}
	for name := range reads {
		assert.NotEmpty(t, found[name], "%s reads nothing any more: remove it from reads", name)
	}
}

// nameOfDecl is the name of a function, with its receiver's; "" for other declarations.
func nameOfDecl(d ast.Decl) string {
	f, ok := d.(*ast.FuncDecl)
	if !ok {
		return ""
	}
	if f.Recv == nil {
		return f.Name.Name
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if x, ok := typ.(*ast.Ident); ok {
		return x.Name + "." + f.Name.Name
	}
	return f.Name.Name
}
