package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

//go:embed project
var project embed.FS

func (t *tool) newCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "new DIR",
		Short: "write a small working project into a new folder",
		Long: "Writes go.mod, a pipeline of three assets over a CSV file, its test, a README and a .gitignore into DIR,\n" +
			"which must be empty or not exist, and runs go mod tidy there.",
		Args: wants(1, 1, "the name of one folder"),
		RunE: func(c *cobra.Command, args []string) error { return t.newProject(c, args[0]) },
	}
	c.Flags().StringVar(&t.flags.module, "module", "", "module `path`; example.com/DIR unless given")
	return c
}

func (t *tool) newProject(c *cobra.Command, arg string) error {
	dir := t.inDir(arg)
	name := filepath.Base(dir)
	modPath := t.flags.module
	if modPath == "" {
		modPath = "example.com/" + strings.ToLower(name)
	}
	if err := module.CheckPath(modPath); err != nil {
		return usagef("%w; give another one with --module", err)
	}
	name = path.Base(modPath)
	if strings.HasPrefix(modPath+"/", modulePath+"/") {
		return usagef("--module %s is dagstergen's own", modPath)
	}
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return inputError{err}
	case len(entries) > 0:
		return inputf("%s is not empty; name a new folder", arg)
	}

	own := requirement(thisBuild().Version, checkout())
	mod, err := own.goMod(modPath)
	if err != nil {
		return err
	}
	files := map[string]string{"go.mod": mod}
	if err := fs.WalkDir(project, "project", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := project.ReadFile(file)
		base := strings.TrimSuffix(path.Base(file), ".txt")
		if base == "gitignore" {
			base = ".gitignore" // go:embed leaves out names that begin with a dot
		}
		files[base] = strings.ReplaceAll(string(text), "NAME", name)
		return err
	}); err != nil {
		return err
	}
	if err := writeProject(dir, files); err != nil {
		return inputError{err}
	}

	fmt.Fprintf(t.stderr, "wrote %d files to %s\n", len(files), arg)
	if own.version == "" {
		fmt.Fprintf(t.stderr, "\nThis dagstergen is a development build: there is no version of it that go.mod could require.\n"+
			"Name a checkout of it first:\n\n    cd %s\n    go mod edit -require=%s@v0.0.0 -replace=%s=PATH/TO/CHECKOUT\n    go mod tidy\n", arg, modulePath, modulePath)
	} else if err := t.tidy(c, dir); err != nil {
		fmt.Fprintf(t.stderr, "\n%s\nRun this before anything else:\n\n    cd %s\n    go mod tidy\n", err, arg)
	}
	if own.replace != "" {
		fmt.Fprintf(t.stderr, "\nThis dagstergen is a development build, so go.mod replaces the module by its checkout in\n%s. Take that line away when you require a release.\n", own.replace)
	}
	fmt.Fprintf(t.stderr, "\nNow:\n\n    cd %s\n    go tool dagstergen run . -- materialize\n", arg)
	return nil
}

// A need is how a go.mod gets this module: by version, or by version and the folder that replaces it; by nothing if both are unknown.
type need struct{ version, replace string }

func requirement(version, checkout string) need {
	switch {
	case version != "devel":
		return need{version: version}
	case checkout != "":
		return need{version: "v0.0.0", replace: checkout}
	}
	return need{}
}

func (n need) goMod(modPath string) (string, error) {
	f := new(modfile.File)
	if err := errors.Join(f.AddModuleStmt(modPath), f.AddGoStmt("1.26.0"), f.AddTool(modulePath+"/cmd/dagstergen")); err != nil {
		return "", err
	}
	if n.version != "" {
		if err := f.AddRequire(modulePath, n.version); err != nil {
			return "", err
		}
	}
	if n.replace != "" {
		if err := f.AddReplace(modulePath, "", n.replace, ""); err != nil {
			return "", err
		}
	}
	f.Cleanup()
	text, err := f.Format()
	return string(text), err
}

// checkout finds the sources that a development build was made from; "" where they are gone or the build does not tell.
func checkout() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return ""
	}
	dir := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || modfile.ModulePath(mod) != modulePath {
		return ""
	}
	return dir
}

// writeProject writes all files or, where it fails, none: a new folder appears under its name when it is complete.
func writeProject(dir string, files map[string]string) error {
	if _, err := os.Stat(dir); err == nil {
		return writeFiles(dir, files) // an empty folder of the user's stays the same folder
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".dagstergen-new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := errors.Join(os.Chmod(tmp, 0o755), writeFiles(tmp, files)); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// tidy lets the go command complete go.mod and go.sum.
func (t *tool) tidy(c *cobra.Command, dir string) error {
	cmd := exec.CommandContext(c.Context(), "go", "mod", "tidy")
	cmd.Dir = dir
	cmd.Env = append(t.env, "PWD="+dir, "GOWORK=off")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go mod tidy failed: %s", strings.TrimSpace(lastLines(out.String(), 5)))
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
