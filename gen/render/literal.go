package render

import (
	"go/constant"
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
	op := jen.Null()
	if l.Addr {
		op = jen.Op("&")
		t = types.Unalias(t).(*types.Pointer).Elem()
	}
	var parts []jen.Code
	next := int64(0)
	for _, f := range l.Fields {
		v := r.literal(f.Value)
		switch {
		case f.Name != "":
			parts = append(parts, field(f.Name, v))
		case f.Key != nil:
			parts = append(parts, r.literal(f.Key).Op(":").Add(v))
		case f.Index != next:
			parts = append(parts, jen.Op(strconv.FormatInt(f.Index, 10)).Op(":").Add(v))
			next = f.Index + 1
		default:
			parts = append(parts, v)
			next++
		}
	}
	return op.Add(r.typ(t)).Values(parts...)
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
