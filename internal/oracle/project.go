package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A Project is a module that a campaign works on.
type Project struct {
	Module, Version string
	Cover           []string // packages whose tests run under coverage, by their path below the module; none where it is not used for that
}

// String returns module@version.
func (p Project) String() string { return p.Module + "@" + p.Version }

// Large are real projects of more than 50 packages each.
var Large = []Project{
	{Module: "github.com/blevesearch/bleve/v2", Version: "v2.5.7", Cover: []string{"..."}},
	{Module: "github.com/go-git/go-git/v5", Version: "v5.16.4", Cover: []string{"..."}},
	{Module: "github.com/google/go-containerregistry", Version: "v0.22.1", Cover: []string{"..."}},
	{Module: "golang.org/x/tools", Version: "v0.52.0"},
}

// Small is a project with few packages and no dependencies, for the short forms.
var Small = Project{Module: "github.com/go-chi/chi/v5", Version: "v5.5.0", Cover: []string{"..."}}

// Named returns the known projects whose module path contains one of the words; all large ones without words.
func Named(words []string) ([]Project, error) {
	if len(words) == 0 {
		return Large, nil
	}
	var out []Project
	for _, w := range words {
		found := false
		for _, p := range append([]Project{Small}, Large...) {
			if strings.Contains(p.Module, w) {
				out, found = append(out, p), true
			}
		}
		if module, version, ok := strings.Cut(w, "@"); ok && !found {
			out, found = append(out, Project{Module: module, Version: version, Cover: []string{"..."}}), true
		}
		if !found {
			return nil, fmt.Errorf("oracle: no project is called %q; name a module as path@version", w)
		}
	}
	return out, nil
}

// env is the environment of the go command in campaigns: the project is the main module, its go.mod may be completed in the copy.
func env(more ...string) []string {
	return append(append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0"), more...)
}

// Fetch takes a project from the module proxy (or the module cache) and copies it, writable, below dir. It returns the copy's folder.
func Fetch(ctx context.Context, dir string, p Project) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", p.String())
	cmd.Dir, cmd.Env = dir, env()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var got struct{ Dir, GoMod, Error string }
	if jsonErr := json.Unmarshal(stdout.Bytes(), &got); jsonErr != nil || got.Error != "" || err != nil {
		return "", fmt.Errorf("oracle: cannot get %s: %s", p, strings.TrimSpace(got.Error+" "+stderr.String()))
	}
	to := filepath.Join(dir, strings.NewReplacer("/", "_", "@", "_").Replace(p.String()))
	if err := copyTree(got.Dir, to); err != nil {
		return "", fmt.Errorf("oracle: copying %s: %w", p, err)
	}
	if _, err := os.Stat(filepath.Join(to, "go.mod")); errors.Is(err, fs.ErrNotExist) { // older than modules
		data, err := os.ReadFile(got.GoMod)
		if err != nil {
			return "", fmt.Errorf("oracle: %w", err)
		}
		if err := os.WriteFile(filepath.Join(to, "go.mod"), data, 0o644); err != nil {
			return "", fmt.Errorf("oracle: %w", err)
		}
	}
	return to, nil
}

// copyTree copies regular files and folders, writable.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(dst, 0o755)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(dst, data, 0o644)
	})
}

// loadProject loads all packages of a copied project. Packages that do not compile are an error: what their functions depend on is not defined.
func loadProject(ctx context.Context, dir string) (*load.Program, error) {
	p, diags, err := load.Load(ctx, load.Config{Dir: dir, Patterns: []string{"./..."}, Env: env()})
	if err != nil {
		return nil, err
	}
	if p == nil || diags.HasErrors() {
		return nil, fmt.Errorf("oracle: cannot load %s: %v", filepath.Base(dir), diags)
	}
	for _, lp := range p.Locals() {
		if len(lp.Errors) > 0 {
			return nil, fmt.Errorf("oracle: %s does not compile: %v", lp.Path, lp.Errors[0])
		}
	}
	return p, nil
}
