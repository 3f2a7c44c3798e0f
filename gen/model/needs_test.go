package model_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/load"
)

// What is needed of a package decides what a run with a cache looks into: too little would lose a directive.
func TestNeeds(t *testing.T) {
	for src, want := range map[string]load.Need{
		"package p\n":                         load.NeedSummary,
		"package p\n\nvar s = \"//dag:op\"\n": load.NeedSummary,
		"package p\n\n// A dag without a colon.\nvar dag, Dag, DAG int\n":         load.NeedSummary,
		"package p\n\n// dagger\n":                                                load.NeedSummary,
		"package p\n\n//dag:op\nfunc F() {}\n":                                    load.NeedTypes,
		"package p\n\n//dag:config\ntype T struct{}\n":                            load.NeedTypes,
		"package p\n\n// dag:op\nfunc F() {}\n":                                   load.NeedTypes, // misspelt: it must be reported
		"package p\n\n//DAG:op\nfunc F() {}\n":                                    load.NeedTypes,
		"package p\n\n//dag:opp\nfunc F() {}\n":                                   load.NeedTypes,
		"package p\n\n/*\nThe dag is this: nothing.\n*/\n":                        load.NeedTypes,
		"package p\n\n//dag:ignore \"why\"\nfunc F() {}\n":                        load.NeedSyntax,
		"package p\n\n//dag:depends G\nfunc F() {}\nfunc G() {}\n":                load.NeedSyntax,
		"package p\n\n//dag:allow clock \"why\"\nfunc F() {}\n":                   load.NeedSyntax,
		"package p\n\n//dag:ignore \"why\"\nfunc F() {}\n\n//dag:op\nfunc G() {}": load.NeedTypes,
		"package p\n\nvar _dagSources int\n":                                      load.NeedTypes, // dag_proof_gen.go declares it
	} {
		assert.Equal(t, want, model.Needs([]byte(src)), "%s", src)
	}
}
