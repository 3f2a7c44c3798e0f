package render

import (
	"go/constant"
	"go/token"
	"go/types"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
)

// literal writes a constant so that it has exactly its type wherever it stands.
func (r *renderer) literal(l *model.Literal) *jen.Statement {
	t := l.Type
	if l.Nil {
		return jen.Parens(r.typ(t)).Parens(jen.Nil())
	}
	if l.Const != nil {
		return r.constant(l)
	}
	if l.Addr {
		t = types.Unalias(t).(*types.Pointer).Elem()
	}
	parts := make([]part, len(l.Fields))
	for i, f := range l.Fields {
		parts[i] = part{name: f.Name, index: f.Index, value: r.literal(f.Value)}
		if f.Key != nil {
			parts[i].key = r.literal(f.Key)
		}
	}
	return r.composite(l.Addr, t, parts)
}

// A part is one part of a composite literal.
type part struct {
	name  string         // of a struct field
	key   *jen.Statement // of a map entry
	index int64          // of an array or slice element
	value *jen.Statement
}

// composite writes a composite literal of type t, or its address. An element has its index where it is not the next one.
func (r *renderer) composite(addr bool, t types.Type, parts []part) *jen.Statement {
	values := make([]jen.Code, len(parts))
	next := int64(0)
	for i, p := range parts {
		switch {
		case p.name != "":
			values[i] = field(p.name, p.value)
		case p.key != nil:
			values[i] = p.key.Op(":").Add(p.value)
		case p.index != next:
			values[i] = jen.Op(strconv.FormatInt(p.index, 10)).Op(":").Add(p.value)
			next = p.index + 1
		default:
			values[i] = p.value
			next++
		}
	}
	op := jen.Null()
	if addr {
		op = jen.Op(token.AND.String())
	}
	return op.Add(r.typ(t)).Values(values...)
}

// float writes a floating-point constant in the fewest digits that are read back as the same number.
func float(v constant.Value, single bool) string {
	bits := 64
	if single {
		bits = 32
	}
	f, _ := constant.Float64Val(constant.ToFloat(v))
	return strconv.FormatFloat(f, 'g', -1, bits)
}

func (r *renderer) constant(l *model.Literal) *jen.Statement {
	b := l.Type.Underlying().(*types.Basic)
	var text *jen.Statement
	switch {
	case b.Info()&types.IsString != 0:
		text = jen.Lit(constant.StringVal(l.Const))
	case b.Info()&types.IsBoolean != 0:
		text = jen.Lit(constant.BoolVal(l.Const))
	case b.Info()&types.IsFloat != 0:
		text = jen.Op(float(l.Const, b.Kind() == types.Float32))
	case b.Info()&types.IsComplex != 0:
		single := b.Kind() == types.Complex64
		text = jen.Op(float(constant.Real(l.Const), single) + " + " + float(constant.Imag(l.Const), single) + "i")
	default:
		text = jen.Op(l.Const.ExactString())
	}
	switch types.Unalias(l.Type) {
	case types.Typ[types.String], types.Typ[types.Bool], types.Typ[types.Int]: // what such a literal is by itself
		return text
	}
	return r.typ(l.Type).Call(text)
}
