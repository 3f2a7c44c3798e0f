package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/oslock"
)

func (t *tool) runCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "run [flags] PACKAGE [-- args]",
		Short: "generate, build and run the pipeline of a package",
		Long: "Generates for PACKAGE and what it imports, builds it, and becomes the pipeline binary, with PACKAGE's folder as the current one.\n" +
			"A package that is no main is run as if it had func main() { cli.Main(Definitions) }.\n" +
			"What follows PACKAGE is for the pipeline: its exit code, signals and output are its own.",
		Example: "  dagstergen run ./weather -- materialize\n  dagstergen run ./weather -- plan -o json",
		Args:    wants(1, -1, "a package"),
		RunE:    func(c *cobra.Command, args []string) error { return t.runPipeline(c.Context(), args[0], args[1:]) },
	}
	c.Flags().SetInterspersed(false) // flags behind PACKAGE are the pipeline's
	t.loading(c.Flags())
	return c
}

func (t *tool) runPipeline(ctx context.Context, pattern string, args []string) error {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	type listed struct {
		p   mainPackage
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := make(chan listed, 1)
	go func() { // meanwhile; it is a matter of a moment
		p, err := t.findPackage(ctx, pattern)
		found <- listed{p, err}
	}()

	config, err := t.config([]string{pattern})
	if err != nil {
		return err
	}
	config.Deps = true
	if err := t.generateFor(ctx, config, false); err != nil {
		return err
	}
	l := <-found
	if l.err != nil {
		return l.err
	}
	program, release, err := t.build(ctx, l.p)
	if err != nil {
		return err
	}
	argv := append([]string{path.Base(l.p.ImportPath)}, args...)
	env := append(t.env, "PWD="+l.p.Dir)
	if t.become != nil {
		err := t.become(l.p.Dir, program, argv, env) // the lock goes with the process: its descriptors are closed then
		release()
		return inputf("start the pipeline: %w", err)
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Args, cmd.Dir, cmd.Env = argv, l.p.Dir, env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.stdin, t.stdout, t.stderr
	err = cmd.Run()
	release()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitError(exit.ExitCode())
	}
	return err
}

// A mainPackage is what go list tells of the package to run.
type mainPackage struct{ Dir, ImportPath, Name string }

// findPackage resolves the one package that a pattern names.
func (t *tool) findPackage(ctx context.Context, pattern string) (mainPackage, error) {
	out, _, err := t.goCommand(ctx, "list", "-e", "-find", "-json=Dir,ImportPath,Name", t.tagsFlag(), "--", pattern)
	if err != nil {
		return mainPackage{}, err
	}
	var all []mainPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p mainPackage
		if err := dec.Decode(&p); err != nil {
			return p, fmt.Errorf("go list: %w", err)
		}
		all = append(all, p)
	}
	if len(all) != 1 {
		return mainPackage{}, usagef("run: %s names %d packages; name one", pattern, len(all))
	}
	return all[0], nil
}

func (t *tool) tagsFlag() string { return "-tags=" + strings.Join(t.flags.tags, ",") }

// goCommand runs the go command in the folder of this call; a failure has its last words.
func (t *tool) goCommand(ctx context.Context, args ...string) (stdout []byte, stderr string, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = t.dir, append(t.env, "PWD="+t.dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = inputf("go %s failed (%s):\n%s", args[0], exit.ProcessState, strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), errs.String(), err
}

const shimDir = "dagstergen_main"

// build makes the program of p, or of a main that is laid over it. The program is kept in the user's cache, where the go command sees that it
// is up to date and does not link again. release must be called after the program was started: until then no other call replaces it.
func (t *tool) build(ctx context.Context, p mainPackage) (program string, release func(), err error) {
	if p.Name == "" {
		return "", nil, inputf("%s is no package that can be run", p.ImportPath)
	}
	dir, unlock, err := cacheFolder(p)
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	args := []string{"build", t.tagsFlag()}
	target := p.ImportPath
	if p.Name != "main" {
		if args, err = overlay(args, dir, p); err != nil {
			return "", nil, err
		}
		target += "/" + shimDir
	}
	program = filepath.Join(dir, "bin", path.Base(p.ImportPath)) // apart from our own files, whatever its name is
	slow := time.AfterFunc(3*time.Second, func() {
		if t.isTerminal(t.stderr) {
			fmt.Fprintf(t.stderr, "building %s; the first build takes a while\n", p.ImportPath)
		}
	})
	defer slow.Stop()
	_, _, err = t.goCommand(ctx, append(args, "-o", program, "--", target)...)
	if err != nil && (strings.Contains(err.Error(), "missing go.sum entry") || strings.Contains(err.Error(), "no required module provides package "+modulePath)) {
		err = inputf("%w\n\nThe pipeline's command line needs modules that go.mod does not list yet; run: go get %s/runtime/cli", err, modulePath)
	}
	return program, unlock, err
}

// overlay lays a main package over a folder below p that does not exist. It lies below p so that an internal package can be run.
func overlay(args []string, dir string, p mainPackage) ([]string, error) {
	if _, err := os.Stat(filepath.Join(p.Dir, render.File)); err != nil {
		return nil, inputf("package %s has no //dag: directives: there is nothing to run", p.ImportPath)
	}
	text := fmt.Sprintf("package main\n\nimport (\n\t%q\n\n\tpipeline %q\n)\n\nfunc main() { cli.Main(pipeline.Definitions) }\n", modulePath+"/runtime/cli", p.ImportPath)
	file := filepath.Join(dir, "main.go.txt")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(p.Dir, shimDir, "main.go"): file}})
	if err != nil {
		return nil, err
	}
	lay := filepath.Join(dir, "overlay.json")
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.WriteFile(lay, list, 0o600)); err != nil {
		return nil, err
	}
	return append(args, "-overlay", lay), nil
}

// cacheFolder returns the locked folder in which the program of p is kept, and throws away those that nobody ran for a month.
func cacheFolder(p mainPackage) (dir string, release func(), err error) {
	base, err := os.UserCacheDir()
	if err == nil {
		base = filepath.Join(base, "dagstergen", "run")
		err = os.MkdirAll(base, 0o700)
	}
	if err != nil { // no home: a folder of this user's in the temporary one serves as well
		base = filepath.Join(os.TempDir(), fmt.Sprintf("dagstergen-run-%d", os.Getuid()))
		if err := os.MkdirAll(base, 0o700); err != nil {
			return "", nil, err
		}
		if err := private(base); err != nil {
			return "", nil, err
		}
	}
	sweep(base)
	e := canon.New("dagstergen/run/v1")
	e.String("dir", p.Dir)
	e.String("path", p.ImportPath)
	dir = filepath.Join(base, e.Sum().Hex()[:24])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", nil, err
	}
	if err := oslock.Wait(lock, 0); err != nil {
		return "", nil, errors.Join(err, lock.Close())
	}
	now := time.Now()
	_ = os.Chtimes(dir, now, now) // only the sweep looks at it
	return dir, func() { _ = lock.Close() }, nil
}

const unused = 30 * 24 * time.Hour

func sweep(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > unused {
			_ = os.RemoveAll(filepath.Join(base, e.Name()))
		}
	}
}
