package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
)

const (
	mostPreview = 120      // characters of a value in the table of a run
	mostValue   = 64 << 10 // bytes of a value in JSON; a larger one is null there
)

// returnedLines shows what a job returned, "total = 7" a line each: what its caller in Go would have got.
func (r *runResult) returnedLines(l look) []string {
	var lines []string
	for _, v := range r.returned {
		lines = append(lines, l.paint(escape(v.Name), bold)+" = "+escape(preview(r.valueText(v))))
	}
	return lines
}

func preview(s string) string {
	if runes := []rune(s); len(runes) > mostPreview {
		return string(runes[:mostPreview]) + "…"
	}
	return s
}

// valueText is a value for people: JSON where there is one, a path for a file.
func (r *runResult) valueText(v execute.Returned) string {
	if f, ok := v.Value.(dag.File); ok {
		return r.show(f.Path())
	}
	data, err := json.Marshal(v.Value)
	if err != nil { // NaN, a map with struct keys: not JSON, but not a secret either
		return strings.Join(strings.Fields(fmt.Sprintf("%+v", v.Value)), " ")
	}
	return string(data)
}

// MarshalJSON writes the run as execute does, with what the job returned under "outputs": an object with a member for each
// result in the order of the function; null for a value that JSON cannot hold or that is larger than 64 KiB, a path for a file.
func (r *runResult) MarshalJSON() ([]byte, error) {
	data, err := r.Result.MarshalJSON()
	if err != nil || r.Job == "" {
		return data, err
	}
	var b strings.Builder
	b.Write(data[:len(data)-1]) // the document is an object: what follows is one more member of it
	b.WriteString(`,"outputs":{`)
	for i, v := range r.returned {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(v.Name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(valueJSON(v.Value))
	}
	b.WriteString("}}")
	return []byte(b.String()), nil
}

func valueJSON(v any) []byte {
	if f, ok := v.(dag.File); ok {
		v = f.Path()
	}
	data, err := json.Marshal(v)
	if err != nil || len(data) > mostValue {
		return []byte("null")
	}
	return data
}
