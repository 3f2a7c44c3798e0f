// Package facts says what was seen on disk, so that it can be looked at again: is it still so?
//
// Stage: below load and gen, which know which facts their answers were made from. It knows files, folders and what the go command reads of a Go file; it
// imports internal/canon.
//
// Invariants: looking changes nothing and waits for nothing (a pipe is not opened). Contents are compared by their digests, never by their times: a file that was
// changed and changed back is the same, one that was changed within the tick of a clock is not. Whatever cannot be read has a value too, which differs from
// that of all that can.
package facts

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A Kind says what is looked at.
type Kind uint8

// The kinds. They are stored: append only.
const (
	File   Kind = iota + 1 // what is in a file
	Source                 // what is in a Go file, and in the part of it that the go command reads
	Names                  // the names in a folder that the go command looks at, see [Names]
	All                    // all names in a folder, with what they are
	Tree                   // Names of a folder and of all below it that a pattern with "..." leads to
	Exists                 // what stands at a path: nothing, a file, a folder
	Stats                  // names, sizes and times of the files in a folder that the go command looks at
	lastKind
)

// A Level says how much of a fact counts.
type Level uint8

// The levels. Of what a package is listed from, only the part of Go files that the go command reads counts. Of what is made of it, everything does, but tests as before.
const (
	Listing Level = iota
	Content
)

// An ID is something to look at.
type ID struct {
	Kind Kind
	Path string // absolute
}

// A Fact is what was seen.
type Fact struct {
	ID
	Sum  canon.Digest // of everything
	Head canon.Digest // of a Source: of what the go command reads; else zero
}

// Same reports whether a and b, of one ID, do not differ in what counts at a level.
func (a Fact) Same(b Fact, l Level) bool {
	if a.ID != b.ID {
		return false
	}
	if a.Kind == Source && (l == Listing || strings.HasSuffix(a.Path, "_test.go")) {
		return a.Head == b.Head
	}
	return a.Sum == b.Sum
}

// Sort orders facts by path and kind, and drops what is there twice.
func Sort(l []Fact) []Fact {
	slices.SortStableFunc(l, func(a, b Fact) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind)) })
	return slices.CompactFunc(l, func(a, b Fact) bool { return a.ID == b.ID })
}

// SortIDs is Sort for what is yet to be looked at.
func SortIDs(l []ID) []ID {
	slices.SortFunc(l, func(a, b ID) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind)) })
	return slices.Compact(l)
}

// OfSource is the fact about a Go file whose content is known.
func OfSource(path string, content []byte) Fact {
	return Fact{ID: ID{Source, path}, Sum: canon.Sum(content), Head: head(content)}
}

// OfFile is the fact about another file whose content is known.
func OfFile(path string, content []byte) Fact {
	return Fact{ID: ID{File, path}, Sum: canon.Sum(content)}
}
