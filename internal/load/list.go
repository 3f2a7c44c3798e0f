package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// listedPackage holds the fields that are asked of go list; its cost grows with them.
type listedPackage struct {
	ImportPath, Name, Dir string
	Standard              bool
	Match                 []string
	Module                *listedModule

	GoFiles, CgoFiles, IgnoredGoFiles, InvalidGoFiles     []string
	CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles      []string
	SwigFiles, SwigCXXFiles, SysoFiles, IgnoredOtherFiles []string
	EmbedFiles, EmbedPatterns                             []string

	Imports   []string
	ImportMap map[string]string
	Error     *listedError
}

const listFields = "ImportPath,Name,Dir,Standard,Match,Module," +
	"GoFiles,CgoFiles,IgnoredGoFiles,InvalidGoFiles,CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles," +
	"SwigFiles,SwigCXXFiles,SysoFiles,IgnoredOtherFiles,EmbedFiles,EmbedPatterns,Imports,ImportMap,Error"

type listedModule struct {
	Path, Version, Dir, GoVersion string
	Sum                           string // of its contents, as in go.sum
	Main                          bool
	Direct                        bool // a main module requires it without `// indirect`; filled in where that was asked for
	Replace                       *listedModule
}

type listedError struct {
	ImportStack []string
	Pos, Err    string
}

// ownModule is never local in a module that uses it, not even where it is replaced by a checkout: what it does is no part of
// a user's code, and nothing is generated into it.
const ownModule = "github.com/dagstergen/dagstergen"

// framework reports whether p is what pipelines run on, in our own module, where the examples are the user's code: it is no more
// part of a version there than it is elsewhere.
func framework(p *Package) bool {
	below, ok := strings.CutPrefix(p.Path, ownModule+"/")
	return ok && p.Name != "main" && (strings.HasPrefix(below, "runtime/") || strings.HasPrefix(below, "internal/") || ours(p.Path))
}

// module says what the program keeps of m. A module replaced by a folder is local whether its files are read there or
// in a vendor folder, so that vendoring changes no version.
func (m *listedModule) module() *Module {
	if m == nil {
		return nil
	}
	out := &Module{Path: m.Path, Version: m.Version, Dir: m.Dir, GoVersion: m.GoVersion, Local: m.Main}
	if r := m.Replace; r != nil && r.Version == "" {
		out.Local = out.Local || !ours(m.Path)
		out.Dir = orElse(out.Dir, r.Dir)
		out.GoVersion = orElse(out.GoVersion, r.GoVersion)
	}
	return out
}

// list runs go list once, and with deep asks which modules are required directly. A nil result without an error means that the diagnostics say why there
// is nothing to load.
func list(ctx context.Context, dir string, patterns []string, t Target, env []string, deep bool) ([]*listedPackage, diag.List, error) {
	args := []string{
		"list", "-e", "-deps", "-json=" + listFields,
		// What GOFLAGS may ask for and the loader does not want: each would cost time or add files that the target does not have.
		"-compiled=false", "-export=false", "-test=false", "-find=false", "-race=false", "-msan=false", "-asan=false",
		"-buildvcs=false", "-pgo=off",
		"-tags", strings.Join(append([]string{GeneratedTag}, t.Tags...), ","),
		"--",
	}
	args = append(append(args, patterns...), generatedImports...)

	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		d := problem(CodeNoMatch, "", fmt.Sprintf("there is no folder %s", dir), "name an existing folder")
		return nil, diag.List{d}, nil
	}
	if env == nil {
		env = os.Environ()
	}
	goTool, err := lookGo(env)
	if err != nil {
		return nil, diag.List{problem(CodeNoGo, "", "cannot find the go command", "install Go from https://go.dev/dl and put its bin folder on PATH")}, nil
	}
	cmd := exec.CommandContext(ctx, goTool, args...)
	cmd.Dir = dir
	cgo := "0"
	if t.Cgo {
		cgo = "1"
	}
	// Dup entries: the last one counts. The GO<arch> variables choose build tags too, so the host's are replaced.
	cmd.Env = append(withoutHostSettings(env), "GOOS="+t.GOOS, "GOARCH="+t.GOARCH, "CGO_ENABLED="+cgo, "PWD="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run()
	if err := ctx.Err(); err != nil {
		return nil, nil, fmt.Errorf("load: go list: %w", err)
	}
	if runErr != nil {
		var exit *exec.ExitError
		if !errors.As(runErr, &exit) {
			return nil, nil, fmt.Errorf("load: go list: %w", runErr)
		}
		return nil, listFailure(dir, stderr.String()), nil
	}

	var direct map[string]bool
	if deep {
		if direct, err = directModules(ctx, goTool, dir, cmd.Env); err != nil {
			return nil, nil, err
		}
	}
	listed := []*listedPackage{}
	for dec := json.NewDecoder(&stdout); ; {
		p := new(listedPackage)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, fmt.Errorf("load: reading what go list printed: %w", err)
		}
		if p.Module != nil {
			p.Module.Direct = direct[p.Module.Path]
		}
		listed = append(listed, p)
	}
	return listed, listWarnings(stderr.String()), nil
}

// lookGo finds the go command on the PATH of env, which may differ from that of this process.
func lookGo(env []string) (string, error) {
	path := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	return lookPath("go", path)
}

// hostSettings are the variables by which a machine, and not the declared target, would choose files.
var hostSettings = []string{"GOEXPERIMENT=", "GO386=", "GOAMD64=", "GOARM=", "GOARM64=", "GOMIPS=", "GOMIPS64=", "GOPPC64=", "GORISCV64=", "GOWASM="}

func withoutHostSettings(env []string) []string {
	out := make([]string, 0, len(env)+4)
next:
	for _, kv := range env {
		for _, s := range hostSettings {
			if strings.HasPrefix(kv, s) {
				continue next
			}
		}
		out = append(out, kv)
	}
	return out
}
