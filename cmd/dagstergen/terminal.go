package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// isTerminal reports whether people look at w.
func (t *tool) isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored reports whether w may be coloured: a terminal that can, and nobody said NO_COLOR.
func (t *tool) colored(w io.Writer) bool {
	return t.isTerminal(w) && t.getenv("NO_COLOR") == "" && t.getenv("TERM") != "dumb"
}

// getenv looks a variable up in the environment of this call; of several the last counts.
func (t *tool) getenv(name string) string {
	value := ""
	for _, kv := range t.env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}

// printer prints diagnostics for whoever reads stderr.
func (t *tool) printer() diag.Printer {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = t.dir
	}
	return diag.Printer{Dir: t.dir, Cwd: cwd, Excerpts: t.isTerminal(t.stderr), Color: t.colored(t.stderr)}
}
