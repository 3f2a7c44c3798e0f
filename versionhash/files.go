package versionhash

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// A linkname is a //go:linkname directive.
type linkname struct{ local, target string }

func linknames(f *ast.File) []linkname {
	var l []linkname
	for _, g := range f.Comments {
		for _, c := range g.List {
			if rest, ok := strings.CutPrefix(c.Text, "//go:linkname "); ok {
				if w := strings.Fields(rest); len(w) == 2 {
					l = append(l, linkname{w[0], w[1]})
				} else if len(w) == 1 {
					l = append(l, linkname{local: w[0]})
				}
			}
		}
	}
	return l
}

// embeds adds the files that a //go:embed directive above a variable takes in.
func (w *writer) embeds(doc *ast.CommentGroup) {
	if doc == nil {
		return
	}
	var matched []string
	for _, c := range doc.List {
		rest, ok := strings.CutPrefix(c.Text, "//go:embed ")
		if !ok {
			continue
		}
		for _, pattern := range embedPatterns(rest) {
			w.s.embeds = append(w.s.embeds, pattern)
			for _, file := range w.s.lp.EmbedFiles {
				if manifest.EmbedMatches(pattern, file) {
					matched = append(matched, file)
				}
			}
		}
	}
	slices.Sort(matched)
	for _, file := range slices.Compact(matched) {
		w.mark(mFile)
		w.str(file)
		w.num(w.ref(key{kind: keyEmbed, pkg: w.s.lp.Path, name: file}))
	}
}

// embedPatterns splits the words of a //go:embed directive, which may be quoted like Go strings.
func embedPatterns(s string) []string {
	var out []string
	for {
		s = strings.TrimSpace(s)
		if s == "" {
			return out
		}
		if s[0] == '"' || s[0] == '`' {
			q, err := strconv.QuotedPrefix(s)
			if err != nil {
				return out
			}
			p, _ := strconv.Unquote(q)
			out, s = append(out, p), s[len(q):]
			continue
		}
		i := strings.IndexAny(s, " \t")
		if i < 0 {
			i = len(s)
		}
		out, s = append(out, s[:i]), s[i:]
	}
}

// fileDigest is the digest of a file of a package: of the bytes that were parsed where they are known, else of those on disk.
func fileDigest(p *load.Package, name string) (canon.Digest, error) {
	if src, ok := p.Source[name]; ok {
		return canon.Sum(src), nil
	}
	data, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
	if err != nil {
		return canon.Digest{}, err
	}
	return canon.Sum(data), nil
}

// readSource gives the text of a Go file of any package.
func readSource(p *load.Package, name string) ([]byte, error) {
	if src, ok := p.Source[name]; ok {
		return src, nil
	}
	return os.ReadFile(filepath.Join(p.Dir, name))
}

// skippedFiles are the Go files of a package that build constraints leave out on the declared target and not on every other.
func skippedFiles(p *load.Package) []string {
	var out []string
	for _, name := range p.IgnoredFiles {
		src, err := readSource(p, name)
		if err == nil && !load.IsGenerated(src) && manifest.Ever(src) {
			out = append(out, name)
		}
	}
	return out
}

// special makes the nodes that stand for files rather than declarations.
func (g *Graph) special(k key) *summary {
	s := &summary{key: k, pkg: -1}
	e := canon.New("dagstergen/code/file/v1")
	switch k.kind {
	case keyExt:
		s.kind, s.name = manifest.KindExt, k.pkg
		p := g.prog.Packages[k.pkg]
		e.String("package", k.pkg)
		switch g.env.wherePath(k.pkg) {
		case opaque:
			e.Int("api", runtimeAPI)
		case external, local: // a deep package that a package of a further module imports
			s.lazy = p
			g.imports(s, p)
		}
	case keyNative:
		s.kind, s.name, s.pkg = manifest.KindNative, "native:"+k.pkg, g.pkgID[k.pkg]
		e.String("package", k.pkg)
		g.nativeFiles(e, s, g.locals[s.pkg])
	case keySkipped:
		s.kind, s.name, s.pkg = manifest.KindSkipped, "skipped:"+k.pkg, g.pkgID[k.pkg]
		for _, f := range g.locals[s.pkg].skipped {
			s.refs = append(s.refs, key{kind: keyTwin, pkg: k.pkg, name: f})
		}
	case keyTwin:
		p := g.prog.Packages[k.pkg]
		s.kind, s.name, s.file, s.pkg = manifest.KindSkipped, k.pkg+"/"+k.name, moduleFile(p, k.name), g.pkgID[k.pkg]
		// The name counts: it may hold a constraint (_windows.go).
		e.String("file", k.name)
		src, _ := readSource(p, k.name)
		e.Digest("tokens", manifest.Tokens(src))
	case keyEmbed:
		p := g.prog.Packages[k.pkg]
		s.kind, s.name, s.file, s.pkg = manifest.KindEmbed, k.pkg+"/"+k.name, moduleFile(p, k.name), g.pkgID[k.pkg]
		d, err := fileDigest(p, k.name)
		if err != nil {
			s.problems = append(s.problems, problem{text: fmt.Sprintf("cannot read the embedded file %s: %v", s.file, unwrapPath(err))})
		}
		e.Digest("content", d)
	case keyDebug:
		s.pkg = g.pkgID[k.pkg]
		s.kind, s.name, s.value = manifest.KindEnv, manifest.Debug+":"+k.pkg, debugText(g.locals[s.pkg].debug)
		e.String("package", k.pkg)
		e.String("settings", s.value)
	case keyObject:
		if c := g.consts[k]; c != nil {
			return c
		}
		s.kind, s.name = manifest.KindType, k.name // of a declaration that could not be read
	}
	s.core = e.Sum()
	s.local = s.core
	return s
}

// moduleFile is the name of a file from the root of its module, with slashes; one of a deep package is named by the import path.
func moduleFile(p *load.Package, name string) string {
	if p.Deep {
		return path.Join(p.Path, name)
	}
	if p.Module == nil {
		return name
	}
	return path.Join(strings.TrimPrefix(strings.TrimPrefix(p.Path, p.Module.Path), "/"), name)
}

func unwrapPath(err error) error {
	if p, ok := err.(*os.PathError); ok { //nolint:errorlint // the error of os.ReadFile itself
		return p.Err
	}
	return err
}

// constSummary is the node of a constant. Nothing is hashed through it: its value is folded where it is used.
func (s *scanner) constSummary(c *types.Const, k key, file string) *summary {
	e := canon.New("dagstergen/code/const/v1")
	e.String("type", types.TypeString(c.Type(), nil))
	e.Bytes("value", appendConstant(nil, c.Val(), c.Type()))
	sum := &summary{key: k, kind: manifest.KindConst, name: symbol(c.Pkg().Path(), c.Name()), file: file, pos: s.place(c.Pos()), pkg: -1}
	sum.core = e.Sum()
	sum.local = sum.core
	return sum
}

// foreignConst keeps a constant of another module that a declaration names.
func (s *scanner) foreignConst(c *types.Const) {
	if k := s.key(c); s.where(c.Pkg()) != local && s.consts[k] == nil {
		s.consts[k] = s.constSummary(c, k, "")
	}
}

// nativeFiles makes a package with assembly, C or cgo count as a whole: its other files, what its Go files say to the C compiler, and
// all its declarations, because any of them may be called from there.
func (g *Graph) nativeFiles(e *canon.Encoder, s *summary, l *localPackage) {
	p := l.lp
	for _, name := range p.OtherFiles {
		d, err := fileDigest(p, name)
		if err != nil {
			s.problems = append(s.problems, problem{text: fmt.Sprintf("cannot read %s: %v", moduleFile(p, name), unwrapPath(err))})
		}
		e.String("file", name)
		e.Digest("content", d)
	}
	for _, c := range l.preambles {
		e.String("c", c)
	}
	for _, o := range l.out {
		if k := o.key; k.kind == keyObject && o.kind != manifest.KindConst || k.kind == keyInit {
			s.refs = append(s.refs, k)
		}
	}
	slices.SortFunc(s.refs, func(a, b key) int { return cmp.Compare(nativeName(a), nativeName(b)) })
}

// nativeName is by what the declarations of a native package are sorted; the order is hashed.
func nativeName(k key) string {
	if k.kind == keyInit || k.sort == sortMethod {
		return k.symbol()
	}
	return k.name
}

// preamble keeps what a file says to the C compiler.
func (s *scanner) preamble(f *ast.File) {
	for _, d := range f.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			im, ok := spec.(*ast.ImportSpec)
			if !ok || strings.Trim(im.Path.Value, "\"`") != "C" {
				continue
			}
			for _, doc := range []*ast.CommentGroup{gen.Doc, im.Doc} {
				if doc != nil {
					s.preambles = append(s.preambles, commentText(doc))
				}
			}
		}
	}
}

func commentText(g *ast.CommentGroup) string {
	var b strings.Builder
	for _, c := range g.List {
		b.WriteString(c.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

// imports makes an external package depend on the packages it imports.
func (g *Graph) imports(s *summary, p *load.Package) {
	paths := map[string]bool{}
	for _, q := range p.Imports {
		paths[q.Path] = true
	}
	for _, q := range slices.Sorted(keys(paths)) {
		s.uses = append(s.uses, q)
		switch g.env.wherePath(q) {
		case external, opaque:
			s.refs = append(s.refs, key{kind: keyExt, pkg: q})
		case local:
			if g.prog.Packages[q].Deep {
				s.refs = append(s.refs, key{kind: keyExt, pkg: q})
				continue
			}
			// A module that imports one which is replaced by a folder: all of that package counts.
			for _, o := range g.locals[g.pkgID[q]].out {
				if o.kind != manifest.KindConst && o.key.kind != keyCodec {
					s.refs = append(s.refs, o.key)
				}
			}
		}
	}
}

func keys[K cmp.Ordered, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
