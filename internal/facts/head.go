package facts

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// head is the digest of what the go command reads of a Go file when it lists packages: all up to the end of the imports, which has the constraints, the name of the
// package, //go:debug lines and what is said to the C compiler; and all lines with a //go:embed, wherever they stand. Comments up there count too: to tell those apart
// that the go command obeys is its business. Of a file whose head has an error everything counts.
func head(src []byte) canon.Digest {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ImportsOnly|parser.SkipObjectResolution)
	if err != nil || f == nil {
		return canon.Sum(src)
	}
	if slices.ContainsFunc(f.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"embed"` || s.Path.Value == "`embed`" }) && !scans(src) {
		return canon.Sum(src) // the go command reads on for //go:embed, and may stumble
	}
	end := f.Name.End()
	for _, d := range f.Decls {
		end = max(end, d.End())
	}
	at := fset.File(f.FileStart).Offset(end)
	// The rest of the line may be a comment, such as an end of /* */, and is part of the head so that nothing depends on where a declaration is said to end.
	if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
		at += i
	} else {
		at = len(src)
	}
	e := canon.New("dagstergen/facts/head/v1")
	e.Bytes("head", src[:at])
	for rest := src[at:]; ; {
		i := bytes.Index(rest, []byte("//go:embed"))
		if i < 0 {
			break
		}
		line, after, _ := bytes.Cut(rest[i:], []byte("\n"))
		e.Bytes("embed", line)
		rest = after
	}
	return e.Sum()
}

// scans reports whether a file consists of whole tokens.
func scans(src []byte) bool {
	fset := token.NewFileSet()
	var s scanner.Scanner
	s.Init(fset.AddFile("", -1, len(src)), src, func(token.Position, string) {}, 0)
	for {
		if _, tok, _ := s.Scan(); tok == token.EOF {
			return s.ErrorCount == 0
		}
	}
}
