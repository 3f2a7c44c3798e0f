package model

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// buildConfigs makes the schema of each annotated struct type. Names and decoding are those of encoding/json.
func (b *builder) buildConfigs() {
	for _, p := range b.m.Packages {
		for _, c := range p.Configs {
			b.config(c)
		}
	}
}

func (b *builder) config(c *Config) {
	named, ok := types.Unalias(c.Obj.Type()).(*types.Named)
	if !ok {
		c.Broken = true
		return
	}
	if named.TypeParams().Len() > 0 {
		b.report(c.Pkg, CodeGeneric, c.Pos, c.ident.End(), "write one struct type for each use", "%s is generic: a config needs fields of known types", c.GoName)
		c.Broken = true
		return
	}
	c.Struct, ok = named.Underlying().(*types.Struct)
	if !ok {
		c.Broken = true // type errors say why
		return
	}
	s := &schema{b: b, c: c, open: []*types.Named{named}}
	for _, how := range []string{"UnmarshalJSON", "MarshalJSON", "UnmarshalText", "MarshalText"} {
		if sel := types.NewMethodSet(types.NewPointer(named)).Lookup(c.Pkg.Types, how); sel != nil {
			d := b.report(c.Pkg, CodeConfigField, c.Pos, c.ident.End(), "remove the method: config is read by its fields", "config %s has a method %s", c.GoName, how)
			b.relate(d, sel.Obj().Pos(), "%s", how)
			c.Broken = true
		}
	}
	c.Fields = s.fields(c.Struct, c.GoName, c.Pos)
}

// A schema builds the fields of one config.
type schema struct {
	b    *builder
	c    *Config
	open []*types.Named // the struct types around the current field, for recursion
}

// fail reports an error at a field, or at the config itself where the field lies in another module.
func (s *schema) fail(code string, pos token.Pos, hint, format string, args ...any) *diag.Diagnostic {
	s.c.Broken = true
	end := token.NoPos
	if !s.b.localPos(pos) {
		pos, end = s.c.Pos, s.c.ident.End()
	}
	return s.b.report(s.c.Pkg, code, pos, end, hint, "config %s", fmt.Sprintf(format, args...))
}

// localPos reports whether pos lies in a file that is the user's.
func (b *builder) localPos(pos token.Pos) bool {
	return b.prog.Owner(pos) != nil
}

// fields returns the fields of a struct type, those of embedded structs in their places. path is for messages.
func (s *schema) fields(st *types.Struct, path string, at token.Pos) []*Field {
	var out []*Field
	seen := map[string]token.Pos{}
	for i := range st.NumFields() {
		v := st.Field(i)
		tag := reflect.StructTag(st.Tag(i))
		fieldPath := path + "." + v.Name()
		name, options := jsonTag(tag)
		switch {
		case v.Name() == "_" || name == "-" && options == nil:
			continue
		case v.Embedded() && name == "":
			for _, f := range s.embedded(v, fieldPath) {
				out = s.add(out, f, seen, v.Pos(), path)
			}
			continue
		case !v.Exported():
			s.fail(CodeConfigField, v.Pos(), `export it, or tag it json:"-" if the code sets it itself`, "%s is unexported, so nothing can set it", fieldPath)
			continue
		}
		if f := s.field(v, tag, name, options, fieldPath); f != nil {
			out = s.add(out, f, seen, v.Pos(), path)
		}
	}
	return out
}

func (s *schema) add(out []*Field, f *Field, seen map[string]token.Pos, pos token.Pos, path string) []*Field {
	folded := strings.ToLower(f.Name) // encoding/json does not mind the case
	if first, ok := seen[folded]; ok {
		d := s.fail(CodeConfigName, pos, "give one of them another json name", "%s has two fields with the JSON name %s", path, f.Name)
		if s.b.localPos(first) {
			s.b.relate(d, first, "the first one")
		}
		return out
	}
	seen[folded] = pos
	return append(out, f)
}

func (s *schema) embedded(v *types.Var, path string) []*Field {
	named, ok := types.Unalias(v.Type()).(*types.Named)
	var st *types.Struct
	if ok {
		st, _ = named.Underlying().(*types.Struct)
	}
	if st == nil || !v.Exported() || s.special(named) {
		s.fail(CodeConfigField, v.Pos(), "give it a field name", "%s: only exported plain structs can be embedded in a config", path)
		return nil
	}
	if !s.enter(named, v.Pos(), path) {
		return nil
	}
	defer s.leave()
	return s.fields(st, path, v.Pos())
}

// special reports whether a type has a form of its own in JSON.
func (s *schema) special(t *types.Named) bool {
	set := types.NewMethodSet(types.NewPointer(t))
	for _, m := range []string{"UnmarshalJSON", "MarshalJSON", "UnmarshalText", "MarshalText"} {
		if set.Lookup(nil, m) != nil {
			return true
		}
	}
	return false
}

func (s *schema) enter(t *types.Named, pos token.Pos, path string) bool {
	instances := 0
	for _, o := range s.open {
		if o.Obj() == t.Obj() {
			instances++
		}
	}
	if slices.Contains(s.open, t) || instances > maxInstances {
		s.fail(CodeConfigField, pos, "give it a depth that is known: a config has a finite schema", "%s: %s contains itself", path, t.Obj().Name())
		return false
	}
	s.open = append(s.open, t)
	return true
}

func (s *schema) leave() { s.open = s.open[:len(s.open)-1] }

// jsonTag splits a json tag; options is nil where there is none.
func jsonTag(tag reflect.StructTag) (name string, options []string) {
	value, ok := tag.Lookup("json")
	if !ok {
		return "", nil
	}
	parts := strings.Split(value, ",")
	if len(parts) > 1 {
		options = parts[1:]
	}
	return parts[0], options
}

// knownTags are the tags of a config field that mean something here.
var knownTags = []string{"json", "default", "enum", "len", "max", "min", "pattern", "version"}

func (s *schema) field(v *types.Var, tag reflect.StructTag, name string, options []string, path string) *Field {
	if name == "" {
		name = v.Name()
	}
	f := s.kind(v.Type(), path, v.Pos())
	if f == nil {
		return nil
	}
	f.Name, f.Description = name, s.b.fieldDoc(v)
	if strings.ContainsFunc(name, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r == ',' || r == '\'' || r == '`' || r > 0x7f && !isLetter(r)
	}) {
		s.fail(CodeConfigTag, v.Pos(), "use letters, digits, _, - and .", "%s: encoding/json ignores the name %q", path, name)
		return nil
	}
	optional := false
	for _, o := range options {
		switch o {
		case "omitempty", "omitzero":
			optional = true
		case "":
		default:
			s.fail(CodeConfigTag, v.Pos(), "remove it", "%s: the json option %q is not supported in configs", path, o)
		}
	}
	switch value, ok := tag.Lookup("version"); {
	case ok && value == "-":
		f.Unversioned = true
	case ok:
		s.fail(CodeConfigTag, v.Pos(), `write version:"-" for a field that no version counts`, "%s: version:%q says nothing", path, value)
	}
	s.rules(f, v, tag, path)
	f.Required = !optional && !f.Nullable
	if f.Kind == "struct" {
		f.Required = f.Required && slices.ContainsFunc(f.Fields, func(g *Field) bool { return g.Required })
	}
	if text, ok := tag.Lookup("default"); ok {
		f.Required = false
		s.setDefault(f, v, text, path)
	}
	for _, key := range tagKeys(string(tag)) {
		near, ok := nearest.Of(strings.ToLower(key), knownTags)
		if ok && !slices.Contains(knownTags, key) && (len(key) > 5 || strings.EqualFold(key, near)) { // short tags of other tools are near to anything
			s.fail(CodeConfigTag, v.Pos(), "did you mean "+near+"?", "%s: unknown tag %s", path, key)
		}
	}
	return f
}

// tagKeys returns the keys of a struct tag.
func tagKeys(tag string) []string {
	var out []string
	for {
		tag = strings.TrimLeft(tag, " ")
		key, rest, ok := strings.Cut(tag, ":")
		if !ok || key == "" || strings.ContainsAny(key, " \"") {
			return out
		}
		value, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return out
		}
		out = append(out, key)
		tag = rest[len(value):]
	}
}

func isLetter(r rune) bool { return token.IsIdentifier("a" + string(r)) }

// kind returns the shape of a type in run config, or nil after an error.
func (s *schema) kind(t types.Type, path string, pos token.Pos) *Field {
	unsupported := func(hint string) *Field {
		s.fail(CodeConfigField, pos, hint, "%s: run config cannot hold %s", path, Short(t, s.c.Pkg.Types))
		return nil
	}
	if Invalid(t) {
		s.c.Broken = true // the type checker has said it, and it is shown with the declaration
		s.reportTypeErrors(pos, path)
		return nil
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		switch {
		case isNamed(t, load.RuntimePath, "Secret"):
			return &Field{Kind: "string", Secret: true}
		case isNamed(t, "time", "Duration"):
			return &Field{Kind: "duration"}
		case isNamed(t, "time", "Time"):
			return &Field{Kind: "time"}
		case types.IsInterface(t):
		case s.special(named):
			if reads, writes := textual(named); reads && writes {
				return &Field{Kind: "text"}
			}
			return unsupported("give it both MarshalText and UnmarshalText, and no JSON methods")
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return s.basic(u, unsupported)
	case *types.Pointer:
		f := s.kind(u.Elem(), path, pos)
		if f != nil && f.Nullable {
			return unsupported("use one pointer")
		}
		if f != nil {
			f.Nullable = true
		}
		return f
	case *types.Slice:
		if e, ok := u.Elem().Underlying().(*types.Basic); ok && e.Kind() == types.Uint8 {
			return unsupported("use a string")
		}
		elem := s.kind(u.Elem(), path+"[]", pos)
		if elem == nil {
			return nil
		}
		return &Field{Kind: "list", Elem: elem}
	case *types.Map:
		if k, ok := u.Key().Underlying().(*types.Basic); !ok || k.Info()&types.IsString == 0 {
			return unsupported("use a map with string keys")
		}
		if k, ok := types.Unalias(u.Key()).(*types.Named); ok && s.special(k) {
			return unsupported("use a map with plain string keys")
		}
		elem := s.kind(u.Elem(), path+"[]", pos)
		if elem == nil {
			return nil
		}
		return &Field{Kind: "map", Elem: elem}
	case *types.Struct:
		if named, ok := types.Unalias(t).(*types.Named); ok {
			if !s.enter(named, pos, path) {
				return nil
			}
			defer s.leave()
		}
		return &Field{Kind: "struct", Fields: s.fields(u, path, pos)}
	case *types.Array:
		return unsupported("use a slice")
	case *types.Interface:
		return unsupported("use a type with fields: what is expected must be known")
	}
	return unsupported("use a string, a number, a bool, a duration, a list, a map or a struct")
}

// reportTypeErrors repeats what the type checker said about a field.
func (s *schema) reportTypeErrors(pos token.Pos, path string) {
	line := s.b.at(pos).Line
	for _, e := range s.c.Pkg.Errors {
		if p := s.b.at(e.Pos); p.Line == line && p.Filename == s.b.at(pos).Filename {
			s.b.report(s.c.Pkg, CodeInvalidType, e.Pos, token.NoPos, "", "config %s: %s", path, e.Msg)
		}
	}
}

func (s *schema) basic(u *types.Basic, unsupported func(string) *Field) *Field {
	bits := map[types.BasicKind]int{
		types.Int8: 8, types.Int16: 16, types.Int32: 32, types.Int64: 64, types.Uint8: 8, types.Uint16: 16, types.Uint32: 32, types.Uint64: 64,
		types.Float32: 32, types.Float64: 64, types.Int: int(8 * s.b.prog.Sizes.Sizeof(types.Typ[types.Int])), types.Uint: int(8 * s.b.prog.Sizes.Sizeof(types.Typ[types.Uint])),
	}[u.Kind()]
	switch {
	case u.Info()&types.IsString != 0:
		return &Field{Kind: "string"}
	case u.Info()&types.IsBoolean != 0:
		return &Field{Kind: "bool"}
	case bits == 0:
		return unsupported("use a string, a number, a bool, a duration, a list, a map or a struct")
	case u.Info()&types.IsFloat != 0:
		return &Field{Kind: "float", Bits: bits}
	case u.Info()&types.IsUnsigned != 0:
		return &Field{Kind: "uint", Bits: bits}
	}
	return &Field{Kind: "int", Bits: bits}
}

// textual reports whether t reads and writes itself as text and nothing else.
func textual(t *types.Named) (reads, writes bool) {
	set := types.NewMethodSet(types.NewPointer(t))
	if set.Lookup(nil, "UnmarshalJSON") != nil || set.Lookup(nil, "MarshalJSON") != nil {
		return false, false
	}
	reads = hasMethod(set, "UnmarshalText", []string{"[]uint8"}, []string{"error"})
	// json.Marshal is given a value, so that a method of the pointer would not be called.
	writes = hasMethod(types.NewMethodSet(t), "MarshalText", nil, []string{"[]uint8", "error"})
	return reads, writes
}

// fieldDoc returns the doc comment of a struct field of the user's, or the comment behind it.
func (b *builder) fieldDoc(v *types.Var) string {
	lp := b.prog.Packages[v.Pkg().Path()]
	if lp == nil || !lp.Local {
		return ""
	}
	docs, ok := b.docs[lp]
	if !ok {
		docs = map[string]string{}
		for _, file := range b.prog.Files(lp) {
			ast.Inspect(file, func(n ast.Node) bool {
				if f, ok := n.(*ast.Field); ok {
					text := f.Doc.Text()
					if text == "" {
						text = f.Comment.Text()
					}
					for _, name := range f.Names {
						docs[place(b.at(name.Pos()))] = strings.TrimSpace(text)
					}
				}
				return true
			})
		}
		b.docs[lp] = docs
	}
	return docs[place(b.at(v.Pos()))]
}

// place is a position without its offset, which is not known of what was read from a cache.
func place(p token.Position) string {
	p.Offset = 0
	return p.String()
}

// quoteJSON returns s as a JSON string.
func quoteJSON(s string) string {
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, []byte(fmt.Sprintf(`\u%04x`, r))...)
		default:
			b = append(b, []byte(string(r))...)
		}
	}
	return string(append(b, '"'))
}
