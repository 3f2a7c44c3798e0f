package manifest

import (
	"bytes"
	"go/scanner"
	"go/token"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// Tokens returns a digest of a Go file that comments and formatting do not change. What does count: every token, and the comments
// that are code: build constraints, directives of the compiler with a meaning (embed, linkname, debug, export, the C of cgo) and
// dagstergen's own. A file that has nothing but a package clause gives the same digest whatever its package is.
// Text that is not Go gives a digest too.
func Tokens(src []byte) canon.Digest {
	e := canon.New("dagstergen/tokens/v1")
	for t := range scan(src) {
		e.String(t.kind, t.text)
	}
	return e.Sum()
}

// A piece is a token, or a comment that counts.
type piece struct{ kind, text string }

// scan yields the pieces of a file in order. Semicolons that line ends insert are like written ones; the optional ones, and optional commas,
// are left out, so that a list can be written on one line or on several.
func scan(src []byte) func(yield func(piece) bool) {
	return func(yield func(piece) bool) {
		fset := token.NewFileSet()
		f := fset.AddFile("", -1, len(src))
		var s scanner.Scanner
		s.Init(f, src, func(token.Position, string) {}, scanner.ScanComments)

		cgo := importsC(src)
		var held *piece    // a semicolon or comma that counts unless a closing bracket follows
		var clause []piece // the package clause, held back until something follows it
		inClause := true   // before the end of the package clause
		emit := func(p piece) bool {
			if clause != nil && !inClause {
				for _, c := range clause {
					if !yield(c) {
						return false
					}
				}
				clause = nil
			}
			return yield(p)
		}
		for {
			_, tok, lit := s.Scan()
			switch tok {
			case token.EOF:
				return
			case token.COMMENT:
				if cgo || counts(lit) {
					// A directive in front of the package clause counts even where no code follows.
					if !emit(piece{"comment", strings.TrimRight(lit, " \t\r\n")}) {
						return
					}
				}
				continue
			case token.SEMICOLON, token.COMMA:
				if inClause {
					inClause = false
					continue
				}
				if held != nil && !emit(*held) {
					return
				}
				held = &piece{"token", tok.String()}
				continue
			}
			if inClause {
				clause = append(clause, piece{tok.String(), lit})
				continue
			}
			if held != nil {
				if tok != token.RPAREN && tok != token.RBRACE && tok != token.RBRACK {
					if !emit(*held) {
						return
					}
				}
				held = nil
			}
			p := piece{"token", tok.String()}
			if tok.IsLiteral() || tok == token.ILLEGAL {
				p = piece{tok.String(), lit}
			}
			if !emit(p) {
				return
			}
		}
	}
}

// counts reports whether a comment is code.
func counts(comment string) bool {
	text, ok := strings.CutPrefix(comment, "//")
	if !ok {
		return false
	}
	for _, prefix := range [...]string{"go:build ", "go:embed ", "go:linkname ", "go:debug ", "go:wasmimport ", "go:wasmexport ", "go:cgo_", "export ", "dag:"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	// The old form of a build constraint still counts for old language versions.
	return strings.HasPrefix(strings.TrimLeft(text, " \t"), "+build ")
}

// importsC reports whether a file may use cgo, where any comment can be C. It may say yes without need.
func importsC(src []byte) bool {
	return bytes.Contains(src, []byte(`"C"`)) || bytes.Contains(src, []byte("`C`"))
}
