package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// output is stdout. It remembers the first error and writes nothing after it; that a reader went away (| head) is none.
type output struct {
	w    io.Writer
	gone bool
	err  error
}

// Write writes p, or pretends to after an error.
func (o *output) Write(p []byte) (int, error) {
	if o.gone || o.err != nil {
		return len(p), nil
	}
	if _, err := o.w.Write(p); err != nil {
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
			o.gone = true
		} else {
			o.err = &outputError{err}
		}
	}
	return len(p), nil
}

// outputError is a result that could not be written, such as to a full disk.
type outputError struct{ err error }

func (e *outputError) Error() string { return "cannot write the result: " + e.err.Error() }
func (e *outputError) Unwrap() error { return e.err }

// The values of --output.
const (
	formatTable = "table"
	formatJSON  = "json"
)

// result writes what a command found: as JSON, or as the lines of its view.
func (a *app) result(v any, view func(look) []string) error {
	if a.format != formatJSON {
		a.lines(view(a.look))
		return nil
	}
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot write the result as JSON: %w", err)
	}
	return nil
}

func (a *app) lines(lines []string) {
	if len(lines) > 0 {
		_, _ = io.WriteString(a.out, strings.Join(lines, "\n")+"\n")
	}
}
