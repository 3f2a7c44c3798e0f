package model

import (
	"errors"
	"go/types"
	"reflect"
	"strings"
	"unicode"

	"github.com/dagstergen/dagstergen/internal/rules"
)

// kindNames are the kinds of scalars in messages.
var kindNames = map[string]string{
	"string": "string", "int": "whole number", "uint": "whole number", "float": "number", "bool": "bool", "duration": "duration", "time": "time", "text": "string",
}

// rules reads the tags that allow fewer values than a field's Go type has. Of a list or a map, len counts what is in it, and the others are about each element.
func (s *schema) rules(f *Field, v *types.Var, tag reflect.StructTag, path string) {
	if f.Kind == "struct" {
		for _, key := range []string{"enum", "min", "max", "len", "pattern"} {
			if _, ok := tag.Lookup(key); ok {
				s.fail(CodeConfigTag, v.Pos(), "put it on a field of the struct", "%s: %s is not for structs", path, key)
			}
		}
		return
	}
	leaf := f
	for leaf.Elem != nil {
		leaf = leaf.Elem
	}
	s.bounds(leaf, v, tag, path)
	s.length(f, v, tag, path)
	s.pattern(leaf, v, tag, path)
	s.enum(leaf, v, tag, path)
}

func (s *schema) bounds(f *Field, v *types.Var, tag reflect.StructTag, path string) {
	for _, bound := range []struct {
		key string
		at  *string
	}{{"min", &f.Min}, {"max", &f.Max}} {
		text, ok := tag.Lookup(bound.key)
		if !ok {
			continue
		}
		switch f.Kind {
		case "int", "uint", "float", "duration", "time":
		case "string":
			s.fail(CodeConfigTag, v.Pos(), `bound how long it is with len:"1..10", or name its values with enum`, "%s: %s is for numbers, durations and times", path, bound.key)
			continue
		default:
			s.fail(CodeConfigTag, v.Pos(), "remove it", "%s: %s is for numbers, durations and times", path, bound.key)
			continue
		}
		text, err := rules.Scalar(f.Kind, f.Bits, strings.TrimSpace(text))
		if err != nil {
			s.fail(CodeConfigTag, v.Pos(), "write a "+plainKind(f), "%s: %s %q: %s", path, bound.key, tag.Get(bound.key), err)
			continue
		}
		*bound.at = text
	}
	if rule(f).Empty() {
		s.fail(CodeConfigTag, v.Pos(), "swap them", "%s: min %s is more than max %s", path, f.Min, f.Max)
	}
}

func (s *schema) length(f *Field, v *types.Var, tag reflect.StructTag, path string) {
	text, ok := tag.Lookup("len")
	if !ok {
		return
	}
	if f.Kind != "string" && f.Kind != "list" && f.Kind != "map" {
		s.fail(CodeConfigTag, v.Pos(), "remove it, or use min and max", "%s: len is for strings, lists and maps, not for %s", path, Short(v.Type(), s.c.Pkg.Types))
		return
	}
	var err error
	if f.MinLen, f.MaxLen, err = rules.ParseLen(strings.TrimSpace(text)); err != nil {
		s.fail(CodeConfigTag, v.Pos(), `write len:"1..10"`, "%s: len %q: %s", path, text, err)
	}
}

func (s *schema) pattern(f *Field, v *types.Var, tag reflect.StructTag, path string) {
	text, ok := tag.Lookup("pattern")
	if !ok {
		return
	}
	if f.Kind != "string" && f.Kind != "text" {
		s.fail(CodeConfigTag, v.Pos(), "remove it", "%s: pattern is for strings, not for %s", path, Short(v.Type(), s.c.Pkg.Types))
		return
	}
	if err := rules.CheckPattern(text); err != nil {
		s.fail(CodeConfigTag, v.Pos(), "write what Go and JSON Schema both read, such as ^[a-z]+$", "%s: pattern %q: %s", path, text, err)
		return
	}
	f.Pattern = text
}

func (s *schema) enum(f *Field, v *types.Var, tag reflect.StructTag, path string) {
	text, ok := tag.Lookup("enum")
	if !ok {
		return
	}
	if f.Kind == "bool" || f.Kind == "struct" || f.Secret {
		s.fail(CodeConfigTag, v.Pos(), "remove it", "%s: enum is for texts, numbers, durations and times, not for %s", path, Short(v.Type(), s.c.Pkg.Types))
		return
	}
	var values []string
	for value := range strings.SplitSeq(text, ",") {
		value = strings.TrimSpace(value)
		if value == "" {
			s.fail(CodeConfigTag, v.Pos(), `write enum:"a,b"`, "%s: enum has an empty value", path)
			return
		}
		form, err := checkScalar(f, value)
		switch {
		case strings.ContainsFunc(value, unicode.IsControl):
			s.fail(CodeConfigTag, v.Pos(), "remove it", "%s: enum has a value with a control character", path)
			return
		case err != nil:
			s.fail(CodeConfigTag, v.Pos(), "write a "+describeKind(f), "%s: enum %s: %s", path, value, err)
			return
		case len(values) > 0 && rules.Rule{Kind: f.Kind, Enum: values}.Check(form) == rules.Nothing: // 1m is 60s
			s.fail(CodeConfigTag, v.Pos(), "keep one of them", "%s: enum has %s twice", path, value)
			return
		}
		values = append(values, form)
	}
	f.Enum = values
}

// Rule is what the tags of the field ask of its values.
func (f *Field) Rule() rules.Rule { return rule(f) }

func rule(f *Field) rules.Rule {
	return rules.Rule{Kind: f.Kind, Enum: f.Enum, Min: f.Min, Max: f.Max, MinLen: f.MinLen, MaxLen: f.MaxLen, Pattern: f.Pattern}
}

// broken says which tag refuses a value.
func broken(b rules.Broken) error {
	switch b {
	case rules.Enum:
		return errors.New("not one of the allowed values")
	case rules.Bounds:
		return errors.New("outside of min and max")
	case rules.Length:
		return errors.New("not of the length that len asks for")
	case rules.Pattern:
		return errors.New("does not match the pattern")
	}
	return nil
}
