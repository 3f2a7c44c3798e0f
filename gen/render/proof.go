package render

import (
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/internal/load"
)

// Proof returns the text of dag_proof_gen.go: it embeds the sources that versions were computed from, so that a binary can show what it was
// built from. own is the package it stands in; patterns are go:embed patterns for what counts beyond the Go files.
func Proof(own *types.Package, patterns []string) ([]byte, error) {
	n := newNames(own, nil, map[string]string{load.RuntimePath: "dag", "embed": "embed"})
	f := jen.NewFilePathName(own.Path(), own.Name())
	f.HeaderComment(load.Header)
	f.HeaderComment("")
	f.HeaderComment(constraint)
	words := []string{"[^._]*.go"}
	for _, p := range slices.Sorted(slices.Values(patterns)) {
		if strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == '"' || r == '`' || r == '\'' }) {
			p = strconv.Quote(p)
		}
		words = append(words, p)
	}
	f.Comment("// The sources that versions were computed from. They show that a binary was not built from others.")
	f.Comment("//")
	f.Comment("//go:embed " + strings.Join(words, " "))
	f.Var().Id("_dagSources").Add(n.qual("embed", "FS"))
	f.Line()
	f.Var().Id("_").Op("=").Add(n.dag("RegisterSources")).Call(jen.Lit(own.Path()), jen.Id("_dagSources"))
	n.apply(f)
	draft, err := newDraft(f)
	if err != nil {
		return nil, err
	}
	return draft.Layout()
}
