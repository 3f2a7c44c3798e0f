package runconfig

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// FlagValue writes what a flag of a command line says of a job's parameter as a value for [Document.SetFrom]. texts are what was given, several where the
// flag was repeated. Text stays text, whatever it looks like. A list is its elements: separated by commas, one for each time, or as one YAML or JSON
// list. Everything else is YAML or JSON.
func FlagValue(p dag.JobParam, texts ...string) (string, error) {
	if p.Config != nil {
		return once(texts)
	}
	f, err := fieldOf(p.Type.Go)
	if err != nil {
		return "", fmt.Errorf("%s cannot be given on a command line: %w", p.Type.Name, err)
	}
	if f.Kind != dag.FieldList {
		text, err := once(texts)
		if err != nil {
			return "", err
		}
		return flagText(f, text), nil
	}
	if len(texts) == 1 && strings.HasPrefix(strings.TrimSpace(texts[0]), "[") {
		return texts[0], nil
	}
	var items []string
	for _, t := range texts {
		if t == "" {
			continue
		}
		for item := range strings.SplitSeq(t, ",") {
			items = append(items, flagText(f.Elem, item))
		}
	}
	return "[" + strings.Join(items, ", ") + "]", nil
}

func once(texts []string) (string, error) {
	if len(texts) != 1 {
		return "", fmt.Errorf("it is given %d times", len(texts))
	}
	return texts[0], nil
}

// flagText quotes what is text in any case, so that YAML does not make a number or a bool of it.
func flagText(f *dag.Field, text string) string {
	switch f.Kind {
	case dag.FieldString, dag.FieldDuration, dag.FieldTime, dag.FieldText, fieldFile:
		if f.Nullable && text == "null" {
			return text
		}
		if utf8.ValidString(text) { // else it is refused
			return strconv.QuoteToASCII(text) // YAML has all of Go's escapes
		}
	}
	return text
}

// FlagKind names what a flag for a parameter takes, in a word for help: "text", "list", "bool", "number" or "yaml"; "" where no flag can give it.
func FlagKind(p dag.JobParam) string {
	if p.Config != nil {
		return "yaml"
	}
	f, err := fieldOf(p.Type.Go)
	if err != nil {
		return ""
	}
	switch f.Kind {
	case dag.FieldString, dag.FieldText:
		return "text"
	case dag.FieldDuration, dag.FieldTime, fieldFile:
		return string(f.Kind)
	case dag.FieldList:
		return "list"
	case dag.FieldBool:
		return "bool"
	case dag.FieldInt, dag.FieldUint, dag.FieldFloat:
		return "number"
	}
	return "yaml"
}
