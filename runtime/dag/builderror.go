package dag

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/nearest"
)

// A GraphProblem is one thing that is wrong with a graph that was built in Go code.
type GraphProblem struct {
	Pos     string // the place in the program that said it: "pipeline.go:31"
	Code    string // stable: "duplicate_key", "type_mismatch", "cycle" ...
	Message string // what is wrong and the fix
}

// A GraphError lists everything that is wrong with a graph that was built in Go code.
type GraphError struct {
	Graph    string
	Problems []GraphProblem // in the order in which the graph was built
}

// Error returns one line for each problem.
func (e *GraphError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s: graph %s: %s [%s]", p.Pos, e.Graph, p.Message, p.Code)
	}
	return strings.Join(lines, "\n")
}

// ExitCode returns 2: usage or config.
func (e *GraphError) ExitCode() int { return 2 }

// Must returns v, and panics where there is an error. It is for graphs that are package variables.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// nearestName suggests one of names for what was written, or lists them where they are few.
func nearestName(wrote string, names []string) string {
	hint := nearest.Hint(wrote, names)
	switch {
	case hint != "":
		return hint
	case len(names) == 0:
		return "; it has none"
	case len(names) <= 8:
		return "; there is " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
	}
	return ""
}
