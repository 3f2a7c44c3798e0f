package versionhash

import (
	"encoding/binary"
	"go/ast"
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A keyKind says what a [key] stands for.
type keyKind uint8

const (
	keyObject  keyKind = iota + 1 // obj: a function, method, variable, type, constant of a package
	keyRuntime                    // obj: a type as a value at run time
	keyCodec                      // obj: a type as it is stored
	keyInit                       // path: an init function or blank initialiser, by its name
	keyExt                        // path: a package of another module
	keyNative                     // path: assembly, C and cgo of a local package
	keySkipped                    // path: the files of a local package that build constraints leave out
	keyTwin                       // path: one such file
	keyEmbed                      // path: a file of a package that counts by content, "package/file"
	keyDebug                      // path: the //go:debug lines of a local main package
)

// A key identifies a node while packages are summarised, before it has a number.
type key struct {
	kind keyKind
	obj  types.Object
	path string
}

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

// A problem is something in a declaration that no version can be computed from.
type problem struct {
	pos  token.Pos
	name string // an identifier that does not resolve, or
	text string // a type error
}

// A summary is one declaration, ready to become a node.
type summary struct {
	key      key
	name     string
	kind     string
	file     string // module-relative
	pos      token.Pos
	acts     bool  // runs code when the program starts
	pkg      int32 // index of the local package
	core     canon.Digest
	local    canon.Digest // the same for explanations: with the names of constants and aliases in place of what they stand for
	refs     []key        // hashed, in the order of first mention
	text     []key        // what the text names, in order: explains; constants and aliases are here alone
	states   []key        // package variables, and packages of others, whose state the code may change
	uses     []string     // import paths of packages that are not local, the standard library too
	typ      string       // of a function or variable: what is known of it where it is left out
	ignored  string       // why it is left out of every version; "" where it counts
	without  []Left       // see [Decision]
	value    string       // see [manifest.Node]
	problems []problem
	lazy     func() canon.Digest // gives core and local when they are first needed
}

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

// where classifies the package of an object.
type where uint8

const (
	universe where = iota // predeclared, or of package unsafe
	local                 // a local package: its declarations are nodes
	opaque                // the runtime package: one node that stands for its API
	standard              // the standard library: counted by name, and as a whole by the language version
	external              // another module: counted by the contents of the package
)

func (s *scanner) where(pkg *types.Package) where {
	if pkg == nil {
		return universe
	}
	return s.g.wherePath(pkg.Path())
}

// outside notes that the declaration uses a package that is not local.
func (w *writer) outside(path string) {
	switch w.s.g.wherePath(path) {
	case external, opaque:
		w.ref(key{kind: keyExt, path: path})
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
	w.out.problems = append(w.out.problems, problem{pos: n.Pos(), name: name, text: text})
}
