package manifest

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// The first and the last line of every manifest. They are found nowhere else in one, because every other line starts with one of the
// words of the format or a tab, so that a manifest can be cut out of a compiled binary.
const (
	FirstLine = "# dagstergen manifest 1. DO NOT EDIT. It changes with the code: run `go generate` again."
	LastLine  = "# end of dagstergen manifest 1"
)

// Text returns the manifest as it is written to disk: sorted, one block of lines per entry, node and source file, blocks
// separated by a blank line. [Parse] gives m back, with its slices sorted. Names that appear twice would not be read back.
func (m *Manifest) Text() string {
	s := m.sorted()
	var b strings.Builder
	b.Grow(256 + 256*len(s.Entries) + 400*len(s.Nodes))
	line := func(indent, word string, values ...string) {
		b.WriteString(indent)
		b.WriteString(word)
		for _, v := range values {
			b.WriteByte(' ')
			b.WriteString(v)
		}
		b.WriteByte('\n')
	}
	digest := func(word string, d canon.Digest) { line("\t", word, d.Hex()) }

	line("", FirstLine)
	line("", "mode", quote(s.Mode))
	line("", "target", quote(s.Target))
	line("", "language", quote(s.Language))
	if s.Toolchain != "" {
		line("", "toolchain", quote(s.Toolchain))
	}
	if s.Deps != "" {
		line("", "deps", quote(s.Deps))
	}
	for _, e := range s.Entries {
		line("", "\nentry", quote(e.Symbol))
		digest("version", e.Version)
		line("\t", "node", quote(e.Node))
		for _, a := range e.Also {
			line("\t", "also", quote(a))
		}
		for _, w := range e.Without {
			line("\t", "without", quote(w.Name), quote(w.Reason))
		}
	}
	for _, n := range s.Nodes {
		line("", "\nnode", quote(n.Name))
		digest("local", n.Local)
		if n.File == "" {
			line("\t", "kind", quote(n.Kind))
		} else {
			line("\t", "kind", quote(n.Kind), quote(n.File))
		}
		digest("hash", n.Hash)
		if n.Value != "" {
			line("\t", "value", quote(n.Value))
		}
		for _, r := range n.Refs {
			line("\t", "ref", quote(r))
		}
		for _, r := range n.Implied {
			line("\t", "implied", quote(r))
		}
		for _, v := range n.Sets {
			line("\t", "sets", quote(v))
		}
	}
	for _, p := range s.Packages {
		line("", "\npackage", quote(p.Path))
		for _, pattern := range p.Patterns {
			line("\t", "embed", quote(pattern))
		}
		for _, f := range p.Files {
			line("", "\nfile", quote(f.Name))
			digest("raw", f.Raw)
			// The line between the two digests says what never changes for a file.
			switch {
			case f.Declared:
				line("\t", "is declared data")
			case f.Tokens.IsZero() && f.Ignored:
				line("\t", "is ignored data")
			case f.Tokens.IsZero():
				line("\t", "is data")
			case f.Ignored:
				line("\t", "is ignored go")
				digest("tokens", f.Tokens)
			default:
				line("\t", "is go")
				digest("tokens", f.Tokens)
			}
		}
	}
	line("", "\n"+LastLine)
	return b.String()
}

// quote returns a name as one word: itself where it is printable and has neither space nor quote nor backslash, else as a Go string.
func quote(s string) string {
	if plain(s) {
		return s
	}
	return strconv.Quote(s)
}

func plain(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return plainUnicode(s)
		}
		if c <= ' ' || c == '"' || c == '\\' || c == 0x7f {
			return false
		}
	}
	return true
}

func plainUnicode(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == ' ' || r == '"' || r == '\\' || !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}
