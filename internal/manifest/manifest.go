// Package manifest is the text format of dag_gen.manifest: code versions, the components they were computed from,
// and the sources those components were read from.
//
// Stage: below the generator, which writes manifests (versionhash fills them, gen puts them on disk), and below the runtime,
// which reads the embedded ones (plan asks for versions and causes, cli checks the sources). It imports internal/canon and
// the standard library, and nothing that knows types or the disk.
//
// Invariants: one manifest has one text and one text one manifest (both round trips are exact). Nothing in it depends on a host, a
// folder or a time; there are no line numbers, because an edit far away would move them; whatever a user's source contains
// cannot break the format. Blocks are separated by lines that never change, so that two branches that change
// two functions merge without a conflict.
package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A Manifest says which version each annotated symbol has and what made it so. The slices of a parsed manifest are sorted:
// entries by symbol, nodes by name, packages by path and their files by name.
type Manifest struct {
	Mode     string // "transitive" or "body": what a version sees
	Target   string // "linux/amd64", with build tags after it: the platform constants were folded for
	Language string // "go1.26": the language version of the main module

	// Toolchain is the release of Go that versions hold for, "go1.26" or "go1.26.8", where it was asked to count; else it is empty.
	Toolchain string

	// Deps is "declarations" where modules that go.mod requires directly count declaration by declaration, and empty where they count by their contents like
	// all others.
	Deps string

	Entries  []Entry
	Nodes    []Node
	Packages []SourcePackage
}

// An Entry is the code version of one annotated op, resource, config, strategy or job function.
type Entry struct {
	Symbol  string       // "example.com/m/weather.MonthlyMeans", "example.com/m/weather.(*Client).Fetch"
	Version canon.Digest // what memoization compares
	Node    string       // the name of the node it starts at
	Also    []string     // names of further nodes it depends on, sorted: what sets the package state it reads, how its values are encoded
	Without []Without    // nodes that this entry leaves out, sorted by name
}

// A Without is a node that one entry leaves out: where its name is referred to, the node [LeftOut] stands for it.
type Without struct {
	Name   string // of the node that other entries see
	Reason string // the user's; not empty
}

// LeftOut returns the name of the node, of the kind [KindIgnored], that stands for another in entries that leave that one out.
func LeftOut(name string) string { return "ignored:" + name }

// The kinds of a [Node], from the most to the least specific.
const (
	KindFunc    = "func"
	KindMethod  = "method"
	KindConst   = "const" // named so that a changed constant can be blamed; its value counts where it is used
	KindVar     = "var"
	KindInit    = "init"    // an init function, or a blank variable's initialiser
	KindEmbed   = "embed"   // a file that //go:embed takes in, or that was declared to count
	KindType    = "type"    // a named type: fields, order, tags
	KindRuntime = "rt"      // a type as a value at run time: the methods that an interface or reflection can call
	KindNative  = "native"  // assembly, C and cgo of one package
	KindSkipped = "skipped" // a Go file that build constraints leave out
	KindExt     = "ext"     // a package of another module
	KindCodec   = "codec"   // a type as it is stored: the methods that encode and decode it
	KindIgnored = "ignored" // something that was declared not to count: its name and type do, and nothing behind it
	KindEnv     = "env"     // target, language version and the like; reached from every entry
)

// EnvNode is the name of the node that every entry depends on beside its own. It refers to those of the rules by which versions were
// computed: where one of these differs, everything may.
const (
	EnvNode   = "env"
	Algorithm = "algorithm"
	Mode      = "mode"
	Target    = "target"
	Toolchain = "toolchain"
	Deps      = "deps"      // there where modules required directly count declaration by declaration
	Debug     = "godebug"   // of go.mod or go.work; "godebug:" and an import path for that of a main package
	Language  = "language:" // and the path of a module
)

// A Node is one component of a version: a declaration, or something that counts like one.
type Node struct {
	Name  string       // unique in a manifest
	Kind  string       // one of the Kind constants
	Local canon.Digest // what the declaration itself says
	Hash  canon.Digest // Local with the hashes of all that it refers to, at any depth
	Refs  []string     // names of the nodes that its text names, in the order of first use; each is a node of the manifest
	Sets  []string     // names of the variables whose value it sets when a program starts, sorted; see Entry.Also

	// Implied are the names of nodes that count without being named in the text: types of values, methods behind an interface,
	// packages of other modules.
	Implied []string
	File    string // the module-relative, slash-separated file it stands in; empty where there is none
	Value   string // what a node says in words: "go1.26" of a language version, the reason of what is ignored; mostly empty
}

// A SourcePackage lists the files of one package of the user's modules that versions were computed from.
type SourcePackage struct {
	Path     string   // import path
	Patterns []string // of //go:embed, sorted: files that are not Go files of the package itself and that count too
	Files    []SourceFile
}

// A SourceFile is what one file was when its package was hashed.
type SourceFile struct {
	Name    string       // base name, or the slash-separated path below the package for an embedded file
	Raw     canon.Digest // of its bytes
	Tokens  canon.Digest // of its tokens, see [Tokens]; zero for a file that is not Go: then Raw decides
	Ignored bool         // left out by build constraints

	// Declared is set for a file that code may read from the disk, because a directive lets it count: [Manifest.CheckDeclared] looks for it there.
	// It is never a Go file of the package.
	Declared bool
}

// Version returns the code version of a symbol; ok is false for a symbol the manifest does not know.
func (m *Manifest) Version(symbol string) (v canon.Digest, ok bool) {
	if e := m.entry(symbol); e != nil {
		return e.Version, true
	}
	return canon.Digest{}, false
}

func (m *Manifest) entry(symbol string) *Entry {
	if i, ok := slices.BinarySearchFunc(m.Entries, symbol, func(e Entry, s string) int { return strings.Compare(e.Symbol, s) }); ok {
		return &m.Entries[i]
	}
	// A manifest made by hand need not be sorted yet.
	if i := slices.IndexFunc(m.Entries, func(e Entry) bool { return e.Symbol == symbol }); i >= 0 {
		return &m.Entries[i]
	}
	return nil
}

// sorted returns m with every slice in the order of its text; m itself is not changed.
func (m *Manifest) sorted() *Manifest {
	s := *m
	s.Entries = slices.Clone(m.Entries)
	slices.SortStableFunc(s.Entries, func(a, b Entry) int { return cmp.Compare(a.Symbol, b.Symbol) })
	s.Nodes = slices.Clone(m.Nodes)
	slices.SortStableFunc(s.Nodes, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	s.Packages = slices.Clone(m.Packages)
	slices.SortStableFunc(s.Packages, func(a, b SourcePackage) int { return cmp.Compare(a.Path, b.Path) })
	for i := range s.Packages {
		f := slices.Clone(s.Packages[i].Files)
		slices.SortStableFunc(f, func(a, b SourceFile) int { return cmp.Compare(a.Name, b.Name) })
		s.Packages[i].Files = f
	}
	return &s
}
