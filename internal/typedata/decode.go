package typedata

import (
	"go/constant"
	"go/token"
	"go/types"
	"math/big"
)

// maxDepth is how deep types may be nested in data that is believed.
const maxDepth = 10_000

// A decoder reads one declaration, or the rest of one.
type decoder struct {
	r       *Reader
	p       *pkg
	data    reader
	pos     reader
	line    int
	tparams []*types.TypeParam
}

func (d *decoder) str() string {
	n := d.data.num()
	if n >= uint64(len(d.p.data.strings)) {
		fail("there is no string %d", n)
	}
	return d.p.data.strings[n]
}

// at reads where something is.
func (d *decoder) at() token.Pos {
	n := d.pos.num()
	if n == 0 {
		return token.NoPos
	}
	if n > uint64(len(d.p.data.files)) {
		fail("there is no file %d", n)
	}
	line := int64(d.line) + d.pos.signed()
	f := d.r.openFile(d.p, int(n-1))
	column := d.pos.small(f.width - 1)
	if line < 1 || line > int64(f.lines) || column < 1 {
		fail("line %d is not in its file", line)
	}
	d.line = int(line)
	return f.token.Pos((d.line-1)*f.width + column - 1)
}

func (d *decoder) declaration(c decl) types.Object {
	r, pkg := d.r, d.p.types
	pos := d.at()
	switch c.sort {
	case declConst:
		t := d.typ()
		o := types.NewConst(pos, pkg, c.name, t, d.value())
		r.declare(d.p, o)
		return o
	case declVar:
		o := types.NewVar(pos, pkg, c.name, d.typ())
		r.declare(d.p, o)
		return o
	case declFunc:
		tparams := d.params()
		d.constraints(tparams)
		o := types.NewFunc(pos, pkg, c.name, d.signature(nil, nil, tparams))
		r.declare(d.p, o)
		return o
	case declAlias:
		return d.alias(pos, c.name)
	}
	o := types.NewTypeName(pos, pkg, c.name, nil)
	named := types.NewNamed(o, nil, nil)
	r.declare(d.p, o)
	tparams := d.params()
	named.SetTypeParams(tparams)
	r.bodies = append(r.bodies, func() {
		d.constraints(tparams)
		named.SetUnderlying(d.typ().Underlying())
		for range d.data.count() {
			d.method(named)
		}
		d.data.end()
		d.pos.end()
	})
	return o
}

func (d *decoder) alias(pos token.Pos, name string) types.Object {
	if !d.data.bool() {
		o := types.NewTypeName(pos, d.p.types, name, d.typ())
		d.r.declare(d.p, o)
		return o
	}
	tparams := d.params()
	d.constraints(tparams)
	o := types.NewTypeName(pos, d.p.types, name, nil)
	a := types.NewAlias(o, d.typ())
	if len(tparams) > 0 {
		a.SetTypeParams(tparams)
	}
	if old := d.p.objs[name]; old != nil {
		fail("%s is an alias of itself", name)
	}
	d.r.declare(d.p, o)
	return o
}

// params reads the names of type parameters; [decoder.constraints] has the rest of them.
func (d *decoder) params() []*types.TypeParam {
	var out []*types.TypeParam
	for range d.data.count() {
		pos := d.at()
		out = append(out, types.NewTypeParam(types.NewTypeName(pos, d.p.types, d.str(), nil), nil))
	}
	d.tparams = out
	return out
}

func (d *decoder) constraints(tparams []*types.TypeParam) {
	for _, p := range tparams {
		t := d.some()
		d.r.bounds = append(d.r.bounds, func() { p.SetConstraint(t) })
	}
}

func (d *decoder) method(named *types.Named) {
	pos, name, pointer := d.at(), d.str(), d.data.bool()
	tparams := d.params()
	if len(tparams) != named.TypeParams().Len() {
		fail("method %s has %d type parameters", name, len(tparams))
	}
	d.constraints(tparams)
	var t types.Type = named
	if len(tparams) > 0 {
		args := make([]types.Type, len(tparams))
		for i, p := range tparams {
			args[i] = p
		}
		t = instance(named, args)
	}
	if pointer {
		t = types.NewPointer(t)
	}
	recv := types.NewVar(d.at(), d.p.types, d.str(), t)
	named.AddMethod(types.NewFunc(pos, d.p.types, name, d.signature(recv, tparams, nil)))
}

func instance(t types.Type, args []types.Type) types.Type {
	out, err := types.Instantiate(nil, t, args, false)
	if err != nil {
		fail("%v", err)
	}
	return out
}

func (d *decoder) signature(recv *types.Var, recvParams, params []*types.TypeParam) *types.Signature {
	in, out := d.tuple(), d.tuple()
	return types.NewSignatureType(recv, recvParams, params, in, out, d.data.bool())
}

func (d *decoder) tuple() *types.Tuple {
	n := d.data.count()
	if n == 0 {
		return nil
	}
	vars := make([]*types.Var, n)
	for i := range vars {
		pos, name := d.at(), d.str()
		vars[i] = types.NewParam(pos, d.p.types, name, d.typ())
	}
	return types.NewTuple(vars...)
}

// typeName reads the package and the name of a declared type.
func (d *decoder) typeName() *types.TypeName {
	n := d.data.num()
	if n >= uint64(len(d.p.data.packages)) {
		fail("there is no package %d", n)
	}
	name := d.str()
	if n == 0 {
		return d.r.typeName(d.p.path, name)
	}
	return d.r.typeName(d.p.data.packages[n], name)
}

func (d *decoder) typeArgs() []types.Type {
	var out []types.Type
	for range d.data.count() {
		out = append(out, d.typ())
	}
	return out
}

func (d *decoder) typ() types.Type {
	if d.r.depth++; d.r.depth > maxDepth {
		fail("types are nested too deep")
	}
	defer func() { d.r.depth-- }()
	switch form := d.data.byte(); form {
	case 0:
		return nil
	case formBasic:
		return basic(d.data.byte())
	case formUniverse:
		t, ok := types.Universe.Lookup(d.str()).(*types.TypeName)
		if !ok {
			fail("no predeclared type")
		}
		return t.Type()
	case formNamed, formAlias:
		t := d.typeName().Type()
		if args := d.typeArgs(); len(args) > 0 {
			return d.instance(t, args)
		}
		return t
	case formParam:
		n := d.data.num()
		if n >= uint64(len(d.tparams)) {
			fail("there is no type parameter %d", n)
		}
		return d.tparams[n]
	case formPointer:
		return types.NewPointer(d.some())
	case formSlice:
		return types.NewSlice(d.some())
	case formArray:
		n := d.data.signed()
		return types.NewArray(d.some(), n)
	case formMap:
		k := d.some()
		return types.NewMap(k, d.some())
	case formChan:
		dir := d.data.byte()
		if dir > byte(types.RecvOnly) {
			fail("a channel of no direction")
		}
		return types.NewChan(types.ChanDir(dir), d.some())
	case formStruct:
		return d.structure()
	case formInterface:
		return d.iface()
	case formSignature:
		return d.signature(nil, nil, nil)
	case formTuple:
		return d.tuple()
	case formUnion:
		terms := make([]*types.Term, d.data.count())
		for i := range terms {
			tilde := d.data.bool()
			terms[i] = types.NewTerm(tilde, d.some())
		}
		return types.NewUnion(terms)
	default:
		fail("type of an unknown form %d", form)
		return nil
	}
}

// some reads a type that must be there.
func (d *decoder) some() types.Type {
	t := d.typ()
	if t == nil {
		fail("a type is missing")
	}
	return t
}

// instance makes an instance of a generic type, which go/types wants to have as many type parameters.
func (d *decoder) instance(t types.Type, args []types.Type) types.Type {
	var n int
	switch t := t.(type) {
	case *types.Named:
		n = t.TypeParams().Len()
	case *types.Alias:
		n = t.TypeParams().Len()
	}
	if n != len(args) {
		fail("%s has %d type parameters, not %d", t, n, len(args))
	}
	return instance(t, args)
}

func basic(code byte) types.Type {
	switch code {
	case codeByte:
		return types.Universe.Lookup("byte").Type()
	case codeRune:
		return types.Universe.Lookup("rune").Type()
	}
	if int(code) >= len(types.Typ) {
		fail("there is no basic type %d", code)
	}
	return types.Typ[code]
}

// owner reads the package of a field or method.
func (d *decoder) owner() *types.Package {
	n := d.data.num()
	switch {
	case n == 0:
		return nil
	case n == 1:
		return d.p.types
	case n > uint64(len(d.p.data.packages)):
		fail("there is no package %d", n-1)
	}
	return d.r.pkg(d.p.data.packages[n-1]).types
}

func (d *decoder) structure() types.Type {
	n := d.data.count()
	fields, tags := make([]*types.Var, n), make([]string, n)
	for i := range n {
		pos, owner, name, embedded := d.at(), d.owner(), d.str(), d.data.bool()
		fields[i] = types.NewField(pos, owner, name, d.some(), embedded)
		tags[i] = d.str()
	}
	return types.NewStruct(fields, tags)
}

func (d *decoder) iface() types.Type {
	implicit := d.data.bool()
	methods := make([]*types.Func, d.data.count())
	for i := range methods {
		pos, owner, name := d.at(), d.owner(), d.str()
		var recv *types.Var
		if t := d.typ(); t != nil {
			recv = types.NewVar(pos, owner, "", t)
		}
		methods[i] = types.NewFunc(pos, owner, name, d.signature(recv, nil, nil))
	}
	var embedded []types.Type
	for range d.data.count() {
		embedded = append(embedded, d.some())
	}
	t := types.NewInterfaceType(methods, embedded)
	if implicit {
		t.MarkImplicit()
	}
	d.r.ifaces = append(d.r.ifaces, t)
	return t
}

func (d *decoder) value() constant.Value {
	switch kind := constant.Kind(d.data.byte()); kind {
	case constant.Unknown:
		return constant.MakeUnknown()
	case constant.Bool:
		return constant.MakeBool(d.data.bool())
	case constant.String:
		return constant.MakeString(string(d.data.bytes()))
	case constant.Complex:
		if d.r.depth++; d.r.depth > maxDepth {
			fail("constants are nested too deep")
		}
		re := d.value()
		im := d.value()
		return constant.BinaryOp(constant.ToComplex(re), token.ADD, constant.MakeImag(im))
	}
	var x any
	var err error
	switch form := d.data.byte(); form {
	case 'i':
		return constant.MakeInt64(d.data.signed())
	case 'I':
		v := new(big.Int)
		x, err = v, v.GobDecode(d.data.bytes())
	case 'R':
		v := new(big.Rat)
		x, err = v, v.GobDecode(d.data.bytes())
	case 'F':
		v := new(big.Float)
		x, err = v, v.GobDecode(d.data.bytes())
	default:
		fail("constant of an unknown form %d", form)
	}
	if err != nil {
		fail("constant: %v", err)
	}
	return constant.Make(x)
}
