package runconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// schema is one JSON Schema, ready for encoding/json, which sorts its keys.
type schema = map[string]any

// durationPattern is what time.ParseDuration reads.
const durationPattern = `^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// JSONSchema returns the JSON Schema (draft 2020-12) of the run configs that s takes, for editors and other tools, with descriptions
// from doc comments. It accepts what [Resolve] accepts, but for what JSON Schema cannot say: that 1.0 is no integer, that a
// variable is set, that a Go type reads a text, and that a config parameter of a job completes the config of its ops.
func JSONSchema(title string, s Schema) ([]byte, error) {
	root := schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   title,
		"$defs": schema{"env": schema{
			"description": "The value of an environment variable.", "type": "object", "additionalProperties": false,
			"properties": schema{"env": schema{"type": "string", "minLength": 1}}, "required": []string{"env"},
		}},
	}
	inputs, err := inputsSchema(s)
	if err != nil {
		return nil, err
	}
	resources := map[string]schema{}
	requiredResources := []string{}
	for i, res := range slices.Concat(s.Resources, s.OptionalResources) {
		if _, done := resources[res.Key]; done {
			continue
		}
		needed := i < len(s.Resources)
		required := needed && res.Config != nil && requires(res.Config.Fields)
		resources[res.Key] = described(configuredSchema(res.Config, required, needed), res.Description)
		if required {
			requiredResources = append(requiredResources, res.Key)
		}
	}
	properties := map[string]schema{
		"execution": executionSchema(s.executors()),
		"inputs":    inputs,
		"loggers":   loggersSchema(&s),
		"ops":       described(opsSchema(opTree(&s)), "Config of ops, assets and sources, by key."),
		"resources": described(object(resources, requiredResources), "Config of resources, by key."),
	}
	required := []string{}
	for _, key := range []string{"inputs", "ops", "resources"} {
		if properties[key]["required"] != nil {
			required = append(required, key)
		}
	}
	for k, v := range object(properties, required) {
		root[k] = v
	}
	if len(required) == 0 {
		root["type"] = "object" // a document is a mapping, if an empty one
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// object is a mapping with fixed keys. One that needs no key may be left empty, which YAML reads as null.
func object(properties map[string]schema, required []string) schema {
	o := schema{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		slices.Sort(required)
		o["type"], o["required"] = "object", required
	}
	return o
}

func described(s schema, text string) schema {
	if text != "" {
		s["description"] = text
	}
	return s
}

// configuredSchema is what stands below ops.KEY or resources.KEY.
func configuredSchema(c *dag.Config, required, complete bool) schema {
	if c == nil {
		return object(map[string]schema{"config": {"type": "null"}}, nil)
	}
	keys := []string{}
	if required {
		keys = append(keys, "config")
	}
	return object(map[string]schema{"config": described(fieldsSchema(c.Fields, complete), c.Description)}, keys)
}

// requires reports whether a mapping of these fields cannot be left out.
func requires(fields []dag.Field) bool { return len(requiredFields(fields)) > 0 }

func requiredFields(fields []dag.Field) []string {
	var names []string
	for i := range fields {
		f := &fields[i]
		switch {
		case f.Default != "":
		case f.Kind == dag.FieldStruct && !f.Nullable:
			if requires(f.Fields) {
				names = append(names, f.Name)
			}
		case f.Required:
			names = append(names, f.Name)
		}
	}
	return names
}

// fieldsSchema is a config struct; complete says whether what has no default is required.
func fieldsSchema(fields []dag.Field, complete bool) schema {
	properties := make(map[string]schema, len(fields))
	for i := range fields {
		properties[fields[i].Name] = fieldSchema(&fields[i], complete)
	}
	var required []string
	if complete {
		required = requiredFields(fields)
	}
	return object(properties, required)
}

func fieldSchema(f *dag.Field, complete bool) schema {
	s := bareSchema(f, complete)
	if f.Default != "" {
		s["default"] = json.RawMessage(f.Default)
	}
	if f.Secret {
		s["writeOnly"] = true
		delete(s, "default")
	}
	return described(s, f.Description)
}

func bareSchema(f *dag.Field, complete bool) schema {
	typed := func(name string, s schema) schema {
		s["type"] = name
		if f.Nullable {
			s["type"] = []string{name, "null"}
		}
		return s
	}
	switch f.Kind {
	case dag.FieldList:
		return typed("array", sized(f, "Items", schema{"items": fieldSchema(f.Elem, true)}))
	case dag.FieldMap:
		return typed("object", sized(f, "Properties", schema{"additionalProperties": fieldSchema(f.Elem, true)}))
	case dag.FieldStruct:
		s := fieldsSchema(f.Fields, complete || f.Nullable) // a nullable one without a value starts anew
		return typed("object", s)
	case fieldAny:
		return schema{}
	}
	any := []schema{scalarSchema(f), {"$ref": "#/$defs/env"}}
	if f.Nullable {
		any = append(any, schema{"type": "null"})
	}
	return schema{"anyOf": any}
}

// sized adds the bounds of a length under JSON Schema's names for them.
func sized(f *dag.Field, what string, s schema) schema {
	if f.MinLen > 0 {
		s["min"+what] = f.MinLen
	}
	if f.MaxLen > 0 {
		s["max"+what] = f.MaxLen
	}
	return s
}

func scalarSchema(f *dag.Field) schema {
	bits := f.Bits
	if bits == 0 {
		bits = 64
	}
	switch f.Kind {
	case dag.FieldInt:
		limit := int64(math.MaxInt64) >> (64 - bits)
		return numeric(f, schema{"type": "integer", "minimum": -limit - 1, "maximum": limit})
	case dag.FieldUint:
		return numeric(f, schema{"type": "integer", "minimum": 0, "maximum": uint64(math.MaxUint64) >> (64 - bits)})
	case dag.FieldFloat:
		if bits == 32 {
			return numeric(f, schema{"type": "number", "minimum": -math.MaxFloat32, "maximum": math.MaxFloat32})
		}
		return numeric(f, schema{"type": "number"})
	case dag.FieldBool:
		return schema{"type": "boolean"}
	case dag.FieldDuration:
		return ordered(f, schema{"type": "string", "pattern": durationPattern})
	case dag.FieldTime:
		return ordered(f, schema{"type": "string", "format": "date-time"})
	}
	s := sized(f, "Length", schema{"type": "string"})
	if f.Pattern != "" {
		s["pattern"] = f.Pattern
	}
	if len(f.Enum) > 0 {
		s["enum"] = f.Enum
	}
	return s
}

// numeric adds the rules of a number.
func numeric(f *dag.Field, s schema) schema {
	for key, bound := range map[string]string{"minimum": f.Min, "maximum": f.Max} {
		if bound != "" {
			s[key] = json.Number(bound)
		}
	}
	if len(f.Enum) > 0 {
		values := make([]json.Number, len(f.Enum))
		for i, e := range f.Enum {
			values[i] = json.Number(e)
		}
		s["enum"] = values
	}
	return s
}

// ordered says in words what JSON Schema cannot: 60s and 1m are one duration, and one time has many zones.
func ordered(f *dag.Field, s schema) schema {
	if f.Min != "" || f.Max != "" || len(f.Enum) > 0 {
		s["description"] = "Expected " + expected(f) + "."
	}
	return s
}

func inputsSchema(s Schema) (schema, error) {
	properties := map[string]schema{}
	var required []string
	for _, p := range s.Inputs {
		given := slices.Contains(s.Given, p.Name)
		if p.Config != nil {
			whole := &dag.Field{Kind: dag.FieldStruct, Fields: p.Config.Fields}
			properties[p.Name] = described(inputSchema(whole, fieldsSchema(p.Config.Fields, false)), p.Config.Description)
			continue
		}
		f, err := fieldOf(p.Type.Go)
		switch {
		case given:
			continue
		case err != nil:
			return nil, fmt.Errorf("parameter %s: %s cannot be given in a run config: %w", p.Name, p.Type.Name, err)
		}
		properties[p.Name] = inputSchema(f, fieldSchema(f, true))
		required = append(required, p.Name)
	}
	return described(object(properties, required), "Values of the job's parameters."), nil
}
