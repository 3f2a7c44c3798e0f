package versionhash

import (
	"encoding/binary"
	"go/ast"
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// Marks of the encoding. They are in every version ever stored: append only.
const (
	mNil byte = iota + 1
	mEnd
	mFunc
	mVar
	mTypeDecl
	mRuntime
	mCodec
	mInit
	mAlias
	mRef
	mExternal
	mLocal
	mName
	mGenerated
	mUniverse
	mConst
	mType
	mInstance
	mField
	mMethod
	mInterfaceMethod
	mCall
	mConversion
	mBuiltin
	mLiteral
	mKeyed
	mFuncLit
	mIndex
	mSlice
	mAssert
	mStar
	mUnary
	mBinary
	mDefine
	mAssign
	mBlank
	mSend
	mGo
	mDefer
	mReturn
	mBranch
	mBlock
	mIf
	mCase
	mSwitch
	mTypeSwitch
	mComm
	mSelect
	mFor
	mRange
	mLabeled
	mExprStmt
	mLocalType
	mBasic
	mPointer
	mSliceType
	mArray
	mMap
	mChan
	mSignature
	mStruct
	mInterface
	mTuple
	mTypeParam
	mUnion
	mNamed
	mInvalid
	mSyntax
	mBad
	mLanguage
	mFile
)

// A writer encodes one declaration at a time.
type writer struct {
	s   *scanner
	pkg *types.Package

	core, expl []byte // what is hashed, and what tells whether the text itself changed
	locals     map[types.Object]uint64
	tparams    map[*types.TypeParam]uint64
	refs       map[key]uint64
	out        *summary
	text       map[key]uint64
	spelt      map[types.Object]uint64 // local types and such, as the explanation numbers them
	states     map[key]bool
	uses       map[string]bool
	runtime    map[types.Type]bool // already walked by runtimeType
	results    []*types.Tuple      // of the functions around the current statement
	usesC      bool
	pos        token.Pos // of the name
}

func (s *scanner) newWriter(out *summary) *writer {
	return &writer{
		s: s, pkg: s.pkg, out: out,
		locals: map[types.Object]uint64{}, tparams: map[*types.TypeParam]uint64{}, refs: map[key]uint64{}, text: map[key]uint64{}, spelt: map[types.Object]uint64{},
		states: map[key]bool{}, uses: map[string]bool{}, runtime: map[types.Type]bool{},
	}
}

// finish turns what was written into digests.
func (w *writer) finish() {
	e := canon.New("dagstergen/code/local/v1")
	e.Bytes("code", w.core)
	w.out.core = e.Sum()
	e.Reset("dagstergen/code/text/v1")
	e.Bytes("code", w.expl)
	w.out.local = e.Sum()
	for p := range w.uses {
		w.out.uses = append(w.out.uses, p)
	}
	if w.usesC {
		w.problemsOfC()
	}
}

// problemsOfC drops what cannot be resolved in a declaration that uses cgo: the types of C are not known here, and the package counts
// as a whole.
func (w *writer) problemsOfC() { w.out.problems = nil }

func (w *writer) mark(m byte) {
	w.core = append(w.core, m)
	w.expl = append(w.expl, m)
}

func (w *writer) num(n uint64) {
	w.core = binary.AppendUvarint(w.core, n)
	w.expl = binary.AppendUvarint(w.expl, n)
}

func (w *writer) int(n int) { w.num(uint64(n)) }

func (w *writer) bool(b bool) {
	if b {
		w.num(1)
	} else {
		w.num(0)
	}
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func (w *writer) str(s string) {
	w.core = appendString(w.core, s)
	w.expl = appendString(w.expl, s)
}

// ref adds a hashed reference and returns its number in the list.
func (w *writer) ref(k key) uint64 {
	if n, ok := w.refs[k]; ok {
		return n
	}
	n := uint64(len(w.refs))
	w.refs[k] = n
	w.out.refs = append(w.out.refs, k)
	return n
}

// name adds a declaration that the text names and returns its number among these.
func (w *writer) name(k key) uint64 {
	if n, ok := w.text[k]; ok {
		return n
	}
	n := uint64(len(w.text))
	w.text[k] = n
	w.out.text = append(w.out.text, k)
	return n
}

// both writes a reference that the text names, by its number in each of the two lists: what is called does not matter by its name.
func (w *writer) both(k key) {
	w.mark(mRef)
	w.core = binary.AppendUvarint(w.core, w.ref(k))
	w.expl = binary.AppendUvarint(w.expl, w.name(k))
}

// change notes that the code may change the state behind k.
func (w *writer) change(k key) {
	if !w.states[k] {
		w.states[k] = true
		w.out.states = append(w.out.states, k)
	}
}

// local numbers an object of the declaration by its first appearance.
func (w *writer) local(o types.Object) uint64 {
	n, ok := w.locals[o]
	if !ok {
		n = uint64(len(w.locals))
		w.locals[o] = n
	}
	return n
}

func (s *scanner) where(pkg *types.Package) where {
	if pkg == nil {
		return universe
	}
	return s.env.wherePath(pkg.Path())
}

// outside notes that the declaration uses a package that is not local.
func (w *writer) outside(path string) {
	switch w.s.env.wherePath(path) {
	case external, opaque:
		w.ref(key{kind: keyExt, pkg: path})
		w.uses[path] = true
	case standard:
		w.uses[path] = true
	}
}

// isPackageLevel reports whether an object is declared at package level, or is a method or a field of something that is.
func isPackageLevel(o types.Object) bool {
	return o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

func (w *writer) bad(n ast.Node, name, text string) {
	w.out.problems = append(w.out.problems, problem{pos: w.s.env.prog.Position(n.Pos()), name: name, text: text})
}
