package render

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A Draft is the text of a Go file token by token, not yet laid out. It declares and means what the file will: laying out changes white space and the order of
// imports alone, and takes as long as checking the types, which can be done with the draft in the meantime.
type Draft []byte

func newDraft(f *jen.File) (Draft, error) {
	var b bytes.Buffer
	f.NoFormat = true
	if err := f.Render(&b); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return b.Bytes(), nil
}

// Layout returns the file as it is written. The error is a bug of ours. The empty header line stands for the blank one that a build constraint needs around it.
func (d Draft) Layout() ([]byte, error) {
	text, err := format.Source(d)
	if err != nil {
		return nil, fmt.Errorf("render: %w in\n%s", err, []byte(d))
	}
	return groupImports(bytes.Replace(text, []byte(load.Header+"\n//\n"), []byte(load.Header+"\n\n"), 1)), nil
}

// groupImports sets the standard library apart from other imports, as people write them. jennifer sorts imports by path in one group.
func groupImports(text []byte) []byte {
	start := bytes.Index(text, []byte("\nimport (\n"))
	if start < 0 {
		return text
	}
	start += len("\nimport (\n")
	end := start + bytes.Index(text[start:], []byte("\n)\n"))
	var standard, others []string
	for line := range strings.SplitSeq(string(text[start:end]), "\n") {
		if first, _, _ := strings.Cut(strings.Split(line, `"`)[1], "/"); strings.Contains(first, ".") {
			others = append(others, line)
		} else {
			standard = append(standard, line)
		}
	}
	groups := strings.Join(standard, "\n")
	if len(standard) > 0 && len(others) > 0 {
		groups += "\n\n"
	}
	groups += strings.Join(others, "\n")
	return slices.Concat(text[:start], []byte(groups), text[end:])
}
