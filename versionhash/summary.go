package versionhash

import (
	"go/token"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// A packageSummary is all that connecting needs of a local package: a function of its files and of what it can see of the packages that it imports.
type packageSummary struct {
	out       []*summary
	consts    map[key]*summary // constants of other modules that are named
	blanks    []string         // import paths of blank imports
	pushes    []push
	embeds    []string              // the patterns of all //go:embed directives, and of files that were declared to count
	declared  []string              // these files
	debug     []string              // the settings of //go:debug lines
	preambles []string              // what the Go files say to the C compiler, sorted
	skipped   []string              // Go files that build constraints leave out, and that count
	files     []manifest.SourceFile // the digests of GoFiles and skipped; nil where they were not asked for
}

// Summarize returns the summary of a local package that was checked without errors, as bytes that [Restore] understands, so that the next time neither its
// syntax nor its types are needed. It does so as the zero [Options] have it, which say nothing of a package without directives. The result is nil where a summary cannot
// do: in a package with problems.
func Summarize(p *load.Program, lp *load.Package) []byte {
	s := newEnv(p, Options{Runtime: load.RuntimePath}).scan(lp)
	if lp.Local {
		s.files = sourceFiles(lp.Source, lp.GoFiles, s.skipped)
	}
	data, ok := s.encode()
	if !ok {
		return nil
	}
	return data
}

// Restore makes the value of [load.Package.Summary] from what Summarize returned.
func Restore(data []byte) (any, error) {
	s, err := decodeSummary(data)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// clone returns a copy that can be connected: its declarations get numbers then.
func (p *packageSummary) clone() *packageSummary {
	out := *p
	copies := make([]summary, len(p.out))
	out.out = make([]*summary, len(p.out))
	for i, s := range p.out {
		copies[i] = *s
		out.out[i] = &copies[i]
	}
	return &out
}

// A push is a //go:linkname that gives a body to a function of another package.
type push struct {
	from   key
	target string // "import/path.name"
}

// A problem is something in a declaration that no version can be computed from.
type problem struct {
	pos  token.Position
	name string // an identifier that does not resolve, or
	text string // a type error
}

// A summary is one declaration, ready to become a node.
type summary struct {
	key      key
	name     string
	kind     string
	file     string // module-relative
	pos      place
	acts     bool  // runs code when the program starts
	turn     int   // of an init function: its place among those of its package; 0 for all else
	pkg      int32 // index of the local package, set when packages are connected; -1 for none
	core     canon.Digest
	local    canon.Digest // the same for explanations: with the names of constants and aliases in place of what they stand for
	refs     []key        // hashed, in the order of first mention
	text     []key        // what the text names, in order: explains; constants and aliases are here alone
	states   []key        // package variables, and packages of others, whose state the code may change
	uses     []string     // import paths of packages that are not local, the standard library too
	typ      string       // of a function or variable: what is known of it where it is left out
	ignored  string       // why it is left out of every version; "" where it counts
	without  []Left       // see [Decision]
	needs    []key        // those of refs that count by decision
	value    string       // see [manifest.Node]
	with     []string     // of an instance: import paths of packages that its types come from
	entry    []key        // types as values, or as they are stored, that count where the declaration itself is asked for
	problems []problem
	lazy     *load.Package // of another module: its contents are core and local, when they are first needed
}
