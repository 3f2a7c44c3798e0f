package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// Main is the whole command line of a pipeline binary: it runs the command that the arguments of the process name and exits
// with its code. The first interrupt lets running steps end, a second one stops at once.
//
// While it runs, what user code prints to os.Stdout goes to stderr: it does not mix with results.
func Main(defs ...dag.Definitions) {
	execute.Serve(defs...) // this may be a process that computes a step for another one
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout = stderr
	ctx, stop := interruptible()
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	e := Environment{
		Name: filepath.Base(os.Args[0]), Args: os.Args[1:],
		Stdin: os.Stdin, Stdout: stdout, Stderr: stderr,
		Dir: dir, Getenv: os.LookupEnv,
	}
	if p, err := capturePrints(stderr, !term.IsTerminal(int(stderr.Fd()))); err == nil { // else prints only look less tidy, and are not kept
		e.prints = p
	}
	code := Run(ctx, e, defs...)
	stop()
	if e.prints != nil {
		e.prints.close()
	}
	os.Exit(code)
}

// An Environment is what a command line needs of the world around it.
type Environment struct {
	Name           string   // of the program, for messages
	Args           []string // without the name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Dir            string // where the instance's folder is looked for from, and files are named from
	Getenv         func(string) (string, bool)

	prints *prints // of user code; nil where they are not captured
}

// Run runs one command and returns its exit code: 0 success, 1 a step failed, 2 usage or config, 3 busy, 4 the store is too new,
// 5 stale generated code, 74 the store or the output cannot be read or written, 130 or 143 canceled. It is [Main] for tests and for
// programs that are more than a pipeline.
func Run(ctx context.Context, e Environment, defs ...dag.Definitions) int {
	a := newApp(e, defs)
	root := a.command()
	root.SetArgs(e.Args)
	cmd, err := root.ExecuteContextC(ctx)
	var said *usageError
	if err != nil && !a.began && !errors.As(err, &said) { // cobra's own complaints, such as about completion
		err = usage(cmd, err)
	}
	if err == nil {
		err = a.out.err
	}
	code := exitCode(ctx, err)
	if err != nil {
		a.report(err)
	}
	return code
}

// An app is one command line on its way: what was asked for, and where it goes.
type app struct {
	env  Environment
	defs []dag.Definitions
	out  *output // stdout
	now  func() time.Time

	look    look // of stdout
	errLook look // of stderr
	live    bool // whether stderr can be redrawn in place

	format  string // "table" or "json"
	quiet   bool
	verbose bool

	began bool          // the command line made sense, and its command was called
	cat   *plan.Catalog // see catalog
}

func newApp(e Environment, defs []dag.Definitions) *app {
	if e.Args == nil {
		e.Args = []string{} // cobra takes nil for the arguments of the process
	}
	a := &app{env: e, defs: defs, out: &output{w: e.Stdout}, now: time.Now, format: formatTable}
	a.look, _ = a.lookOf(e.Stdout)
	a.errLook, a.live = a.lookOf(e.Stderr)
	return a
}

// lookOf finds out what can be shown on w: colours and a width only on a terminal that has them.
func (a *app) lookOf(w io.Writer) (l look, terminal bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return look{}, false
	}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		l.width = width
	}
	name, _ := a.env.Getenv("TERM")
	noColor, _ := a.env.Getenv("NO_COLOR")
	l.color = name != "dumb" && noColor == ""
	return l, name != "dumb"
}

// catalog merges the definitions, on first need.
func (a *app) catalog() (*plan.Catalog, error) {
	if a.cat == nil {
		cat, err := plan.NewCatalog(a.defs...)
		if err != nil {
			return nil, err
		}
		a.cat = cat
	}
	return a.cat, nil
}

func (a *app) verbosity() verbosity {
	switch {
	case a.quiet:
		return quiet
	case a.verbose:
		return verbose
	case a.format == formatJSON && !a.live:
		return quiet // a program reads: what it wants to know is in the result
	}
	return normal
}

// report writes an error for people, each line escaped, then where a panic of user code was, and where help is.
func (a *app) report(err error) {
	const most = 50
	lines := escapeLines(mask.Hide(err.Error()))
	if len(lines) > most {
		lines = append(lines[:most], "and "+plural(len(lines)-most, "more line"))
	}
	lines[0] = a.errLook.paint(escape(a.env.Name)+":", red) + " " + lines[0]
	lines = append(lines, a.details(err)...)
	lines = append(lines, a.advice(err)...)
	lines = append(lines, a.stacks(err)...)
	var usage *usageError
	if errors.As(err, &usage) {
		lines = append(lines, fmt.Sprintf("run %q for usage", usage.help+" --help"))
	}
	_, _ = io.WriteString(a.env.Stderr, strings.Join(lines, "\n")+"\n") // if stderr is gone there is nobody to tell
}

// details shows what a dag.Failure says besides its text.
func (a *app) details(err error) []string {
	var run *execute.RunError
	if !errors.As(err, &run) {
		return nil
	}
	const most = 10
	var out []string
	for _, s := range run.Steps {
		f, ok := dag.FailureOf(s)
		if len(out) >= most || !ok || len(f.Metadata) == 0 {
			continue
		}
		out = append(out, "step "+escape(s.Step)+" says")
		for _, line := range metadataView(f.Metadata, a.errLook) {
			out = append(out, "    "+line)
		}
	}
	return out
}

// stacks shows where user code panicked, if that is part of an error: a line for each of its frames.
func (a *app) stacks(err error) []string {
	const most = 3 // the first ones are the ones to mend
	var out []string
	shown := 0
	each := func(step, stack string) {
		if stack == "" || shown == most {
			return
		}
		shown++
		out = append(out, "step "+escape(step)+" panicked at")
		frames := strings.Split(strings.TrimSpace(stack), "\n")
		for i := 0; i+1 < len(frames); i += 2 {
			out = append(out, "    "+escape(a.relative(strings.TrimSpace(frames[i+1])))+"  "+a.errLook.paint(escape(frames[i]), dim))
		}
	}
	var run *execute.RunError
	if errors.As(err, &run) {
		for _, s := range run.Steps {
			each(s.Step, s.Stack)
		}
	}
	var verify *execute.VerifyError
	if errors.As(err, &verify) {
		for _, s := range verify.Steps {
			each(s.Key, s.Stack)
		}
	}
	return out
}

// relative writes a path as a person in the working folder would.
func (a *app) relative(path string) string {
	if rel, err := filepath.Rel(a.env.Dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// usageError is a command line that makes no sense.
type usageError struct {
	err  error
	help string // the command whose help to read
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(cmd *cobra.Command, err error) error { return &usageError{err, cmd.CommandPath()} }
