package preset

import (
	"go/types"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/internal/rules"
)

// config checks what is said of a config; what is left out is no problem.
func (c *checker) config(cfg *model.Config, n *node, path string) {
	c.fields(cfg.Fields, n, path)
}

func (c *checker) fields(fields []*model.Field, n *node, path string) {
	if n.kind != mapping && n.kind != null {
		c.problem(path, n, "", "expected a mapping, found %s", n.found(slices.ContainsFunc(fields, hides)))
		return
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	for _, m := range c.members(n, path, "fields", names, "field") {
		c.value(fields[slices.Index(names, m.key)], m.value, key(path, m.key))
	}
}

// hides reports whether f or anything below it is a secret.
func hides(f *model.Field) bool {
	return f.Secret || f.Elem != nil && hides(f.Elem) || slices.ContainsFunc(f.Fields, hides)
}

// kindAny is the kind of a value that user code reads: anything may be written.
const kindAny = "any"

// value checks a written value.
func (c *checker) value(f *model.Field, n *node, path string) {
	wrong := func(hint string) {
		c.problem(path, n, hint, "expected %s, found %s", expected(f), n.found(hides(f)))
	}
	switch {
	case f.Kind == kindAny:
		return
	case n.kind == null:
		if !f.Nullable {
			wrong("leave the key out")
		}
		return
	}
	switch f.Kind {
	case "list":
		if n.kind != list {
			wrong("")
			return
		}
		c.length(f, n, len(n.items), "element", path)
		for i, item := range n.items {
			c.value(f.Elem, item, index(path, i))
		}
	case "map":
		if n.kind != mapping {
			wrong("")
			return
		}
		c.length(f, n, len(n.members), "key", path)
		for _, m := range n.members {
			c.value(f.Elem, m.value, key(path, m.key))
		}
	case "struct":
		c.fields(f.Fields, n, path)
	default:
		switch {
		case n.env():
		case n.kind == mapping && len(n.members) == 1 && n.members[0].key == "env":
			c.problem(key(path, "env"), n.members[0].value, "", "expected the name of an environment variable, found %s", n.members[0].value.found(hides(f)))
		default:
			c.scalar(f, n, path, wrong)
		}
	}
}

func (c *checker) scalar(f *model.Field, n *node, path string, wrong func(hint string)) {
	switch f.Kind {
	case "bool":
		if n.kind != boolean {
			wrong("")
		}
	case "int", "uint":
		if n.kind != integer {
			wrong(map[kind]string{octal: "a number does not start with 0", float: "write it without a fraction or an exponent"}[n.kind])
			return
		}
		t, bits := strings.TrimPrefix(n.text, "+"), cmpBits(f.Bits)
		_, err := strconv.ParseInt(t, 0, bits)
		if f.Kind == "uint" && t != "-0" {
			_, err = strconv.ParseUint(t, 0, bits)
		}
		if err != nil {
			wrong("it has " + strconv.Itoa(bits) + " bits")
			return
		}
		c.allowed(f, n, decimal(t, f.Kind == "uint"), path)
	case "float":
		v, err := strconv.ParseFloat(strings.TrimPrefix(n.text, "+"), cmpBits(f.Bits))
		prefixed := n.kind == integer && len(n.text) > 1 && (n.text[1] == 'x' || n.text[1] == 'o')
		if n.kind != integer && n.kind != float || !prefixed && (err != nil || math.IsInf(v, 0) || math.IsNaN(v)) {
			wrong("")
			return
		}
		if prefixed {
			u, _ := strconv.ParseUint(n.text, 0, 64)
			v = float64(u)
		}
		c.allowed(f, n, strconv.FormatFloat(v, 'g', -1, cmpBits(f.Bits)), path)
	default:
		c.text(f, n, path, wrong)
	}
}

func cmpBits(bits int) int {
	if bits == 0 {
		return 64
	}
	return bits
}

func (c *checker) text(f *model.Field, n *node, path string, wrong func(hint string)) {
	if n.kind != text {
		hint := ""
		if n.kind != list && n.kind != mapping && f.Kind != "duration" && f.Kind != "time" {
			hint = "quote it"
		}
		wrong(hint)
		return
	}
	var err error
	switch f.Kind {
	case "duration":
		_, err = time.ParseDuration(n.text)
	case "time":
		_, err = time.Parse(time.RFC3339, n.text)
	}
	switch {
	case err != nil:
		wrong("")
	case f.Secret:
		c.problem(path, n, "write {env: NAME}", "a secret stands in a file that is part of the binary")
	default:
		c.allowed(f, n, n.text, path)
	}
}

// allowed holds a value of the right type against the tags of its field.
func (c *checker) allowed(f *model.Field, n *node, text, path string) {
	broken := f.Rule().Check(text)
	if broken == rules.Nothing {
		return
	}
	hint := ""
	if near, ok := nearest.Of(n.text, f.Enum); ok && broken == rules.Enum {
		hint = "did you mean " + near + "?"
	}
	c.problem(path, n, hint, "expected %s, found %s", expected(f), n.found(hides(f)))
}

// length holds how many elements or keys there are against the tag len.
func (c *checker) length(f *model.Field, n *node, count int, unit, path string) {
	if f.Rule().CheckLen(count) != rules.Nothing {
		c.problem(path, n, "", "expected %s, found %s", expected(f), rules.Count(count, unit))
	}
}

// decimal is a whole number that was read before, in base 10.
func decimal(s string, unsigned bool) string {
	if unsigned {
		u, _ := strconv.ParseUint(strings.TrimPrefix(s, "-"), 0, 64) // -0
		return strconv.FormatUint(u, 10)
	}
	i, _ := strconv.ParseInt(s, 0, 64)
	return strconv.FormatInt(i, 10)
}

// unwrap returns what {value: v} says of an input, with the path to it; n itself where that is what it says.
func unwrap(f *model.Field, n *node, path string) (*node, string) {
	if n.kind != mapping || len(n.members) != 1 || n.members[0].key != "value" {
		return n, path
	}
	switch inner := n.members[0].value; f.Kind {
	case kindAny:
		return n, path
	case "map":
		if f.Elem.Kind == "map" || f.Elem.Kind == "struct" || f.Elem.Kind == kindAny || inner.kind != mapping || inner.env() {
			return n, path
		}
	case "struct":
		if slices.ContainsFunc(f.Fields, func(g *model.Field) bool { return g.Name == "value" }) {
			return n, path
		}
	}
	return n.members[0].value, key(path, "value")
}

// expected says in words what f takes.
func expected(f *model.Field) string {
	s := map[string]string{
		"string": "text", "text": "text", "int": "a whole number", "uint": "a whole number that is not negative", "float": "a number", "bool": "true or false",
		"duration": "a duration such as 1m30s", "time": "a time such as 2024-01-31T08:00:00Z", "list": "a list", "map": "a mapping", "struct": "a mapping", "file": "the path of a file",
	}[f.Kind]
	if len(f.Enum) > 0 && f.Kind == "string" {
		s = "one of " + strings.Join(f.Enum, ", ")
	} else {
		s += f.Rule().Words()
	}
	if f.Nullable {
		s += " or null"
	}
	return s
}

// fieldOf describes a data parameter as far as it can be checked without its code.
func fieldOf(t types.Type, inside []types.Type) *model.Field {
	anything := &model.Field{Kind: kindAny}
	if slices.ContainsFunc(inside, func(o types.Type) bool { return types.Identical(o, t) }) {
		return anything
	}
	inside = append(slices.Clone(inside), t)
	switch {
	case named(t, "time", "Time"):
		return &model.Field{Kind: "time"}
	case named(t, "time", "Duration"):
		return &model.Field{Kind: "duration"}
	case named(t, load.RuntimePath, "Secret"):
		return &model.Field{Kind: "string", Secret: true}
	case named(t, load.RuntimePath, "File"):
		return &model.Field{Kind: "file"}
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		f := fieldOf(p.Elem(), inside)
		f.Nullable = true
		return f
	}
	switch set := types.NewMethodSet(types.NewPointer(t)); {
	case types.IsInterface(t) || set.Lookup(nil, "UnmarshalJSON") != nil:
		return anything
	case set.Lookup(nil, "UnmarshalText") != nil:
		return &model.Field{Kind: "text"}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return basic(u)
	case *types.Slice:
		if e, ok := u.Elem().Underlying().(*types.Basic); ok && e.Kind() == types.Uint8 {
			return &model.Field{Kind: "text"}
		}
		return &model.Field{Kind: "list", Nullable: false, Elem: fieldOf(u.Elem(), inside)}
	case *types.Array:
		return &model.Field{Kind: "list", Elem: fieldOf(u.Elem(), inside)}
	case *types.Map:
		return &model.Field{Kind: "map", Elem: fieldOf(u.Elem(), inside)}
	case *types.Struct:
		return structOf(u, inside)
	}
	return anything
}

func basic(u *types.Basic) *model.Field {
	bits := map[types.BasicKind]int{types.Int8: 8, types.Int16: 16, types.Int32: 32, types.Uint8: 8, types.Uint16: 16, types.Uint32: 32, types.Float32: 32}[u.Kind()]
	switch info := u.Info(); {
	case info&types.IsString != 0:
		return &model.Field{Kind: "string"}
	case info&types.IsBoolean != 0:
		return &model.Field{Kind: "bool"}
	case info&types.IsFloat != 0:
		return &model.Field{Kind: "float", Bits: bits}
	case info&types.IsUnsigned != 0:
		return &model.Field{Kind: "uint", Bits: bits}
	case info&types.IsInteger != 0:
		return &model.Field{Kind: "int", Bits: bits}
	}
	return &model.Field{Kind: kindAny}
}

// structOf describes a struct; one that embeds others is left to the run, which knows what encoding/json makes of that.
func structOf(u *types.Struct, inside []types.Type) *model.Field {
	f := &model.Field{Kind: "struct"}
	for i := range u.NumFields() {
		v := u.Field(i)
		name, _, _ := strings.Cut(reflect.StructTag(u.Tag(i)).Get("json"), ",")
		switch {
		case v.Embedded() || !v.Exported():
			return &model.Field{Kind: kindAny}
		case name == "-":
			continue
		case name == "":
			name = v.Name()
		}
		sub := *fieldOf(v.Type(), inside)
		sub.Name = name
		f.Fields = append(f.Fields, &sub)
	}
	return f
}

func named(t types.Type, path, name string) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == path && n.Obj().Name() == name
}
