package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/rules"
)

// setDefault validates a default tag against the kind of its field and keeps it as JSON.
func (s *schema) setDefault(f *Field, v *types.Var, text, path string) {
	if f.Secret {
		s.fail(CodeConfigDefault, v.Pos(), "give it in run config, with env:", "%s: a secret has no default, which everyone could read", path)
		return
	}
	j, err := defaultJSON(f, text)
	if err != nil {
		s.fail(CodeConfigDefault, v.Pos(), "write a "+describeKind(f), "%s: default %q: %s", path, text, err)
		return
	}
	f.Default = j
}

// describeKind names what a field holds, for hints.
func describeKind(f *Field) string {
	if f.Enum != nil {
		return kindNames[f.Kind] + " that is one of " + strings.Join(f.Enum, ", ")
	}
	return plainKind(f) + rule(f).Words()
}

func plainKind(f *Field) string {
	switch f.Kind {
	case "int", "uint", "float":
		return fmt.Sprintf("%s of %d bits", map[string]string{"int": "whole number", "uint": "whole number, zero or more,", "float": "number"}[f.Kind], f.Bits)
	case "duration":
		return `duration such as "1m30s"`
	case "time":
		return "time such as 2006-01-02T15:04:05Z"
	case "bool":
		return "bool: true or false"
	case "list":
		return `list as JSON: ["a"]`
	case "map", "struct":
		return f.Kind + ` as JSON: {"key": ...}`
	}
	return "string"
}

// defaultJSON returns the text of a default tag as JSON of the field's kind. Scalars stand as they are, lists, maps and structs as JSON.
func defaultJSON(f *Field, text string) (string, error) {
	switch f.Kind {
	case "string", "text", "duration", "time":
		_, err := checkScalar(f, text)
		return quoteJSON(text), err
	case "int", "uint":
		return checkScalar(f, strings.TrimSpace(text))
	}
	if f.Kind == "bool" && text != "true" && text != "false" {
		return "", errors.New("not a bool")
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return "", errors.New("not readable as JSON")
	}
	if dec.More() {
		return "", errors.New("something follows the value")
	}
	if err := checkJSON(f, value); err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		return "", err
	}
	return out.String(), nil
}

// checkScalar validates the text of a scalar against a field, and returns a number as JSON writes it.
func checkScalar(f *Field, text string) (string, error) {
	text, err := rules.Scalar(f.Kind, f.Bits, text)
	if err == nil {
		err = broken(rule(f).Check(text))
	}
	return text, err
}

// checkJSON validates a decoded JSON value against a field.
func checkJSON(f *Field, value any) error {
	if value == nil {
		if f.Nullable {
			return nil
		}
		return errors.New("null is no value of it")
	}
	switch f.Kind {
	case "string", "text", "duration", "time":
		text, ok := value.(string)
		if !ok {
			return errors.New("not a string")
		}
		_, err := checkScalar(f, text)
		return err
	case "bool":
		if _, ok := value.(bool); !ok {
			return errors.New("not a bool")
		}
	case "int", "uint", "float":
		n, ok := value.(json.Number)
		if !ok {
			return errors.New("not a number")
		}
		_, err := checkScalar(f, n.String())
		return err
	case "list":
		list, ok := value.([]any)
		if !ok {
			return errors.New("not a list")
		}
		if err := broken(rule(f).CheckLen(len(list))); err != nil {
			return err
		}
		for i, e := range list {
			if err := checkJSON(f.Elem, e); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
	case "map":
		m, ok := value.(map[string]any)
		if !ok {
			return errors.New("not a map")
		}
		if err := broken(rule(f).CheckLen(len(m))); err != nil {
			return err
		}
		for _, k := range sortedKeys(m) {
			if err := checkJSON(f.Elem, m[k]); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
	case "struct":
		m, ok := value.(map[string]any)
		if !ok {
			return errors.New("not a struct")
		}
		for _, k := range sortedKeys(m) {
			i := slices.IndexFunc(f.Fields, func(g *Field) bool { return g.Name == k })
			if i < 0 {
				return fmt.Errorf("there is no field %s", k)
			}
			if err := checkJSON(f.Fields[i], m[k]); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		for _, g := range f.Fields {
			if _, ok := m[g.Name]; g.Required && !ok {
				return fmt.Errorf("the field %s is missing", g.Name)
			}
		}
	}
	return nil
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
