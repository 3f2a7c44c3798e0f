package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/internal/manifest"
)

func TestCauseText(t *testing.T) {
	const p = "example.com/m/shop."
	path := []string{p + "B", p + "log"}
	for _, c := range []struct {
		cause manifest.Cause
		want  string
	}{
		{manifest.Cause{Change: "changed", Kind: "func", Name: p + "log", File: "shop/log.go", Path: path}, "func shop.log (shop/log.go), reached through shop.B → shop.log, changed"},
		{manifest.Cause{Change: "changed", Kind: "ignored", OldKind: "func", Name: p + "log", File: "shop/log.go", Path: path, Is: "it only logs"},
			"func shop.log (shop/log.go), reached through shop.B → shop.log, is ignored now (it only logs)"},
		{manifest.Cause{Change: "changed", Kind: "func", OldKind: "ignored", Name: p + "log", File: "shop/log.go", Path: path, Was: "it only logs"},
			"func shop.log (shop/log.go), reached through shop.B → shop.log, is not ignored any more"},
		{manifest.Cause{Change: "changed", Kind: "ignored", OldKind: "ignored", Name: p + "log", Path: path}, "ignored shop.log, reached through shop.B → shop.log, has another type"},
		{manifest.Cause{Change: "added", Kind: "ignored", Name: p + "log", Path: path}, "ignored shop.log, reached through shop.B → shop.log, added"},
		{manifest.Cause{Change: "changed", Kind: "embed", Name: "example.com/m/shop/data/a.csv", File: "shop/data/a.csv"}, "file shop/data/a.csv changed"},
		{manifest.Cause{Change: "added", Kind: "skipped", Name: "example.com/m/shop/a_windows.go", File: "shop/a_windows.go"}, "file shop/a_windows.go added"},
		{manifest.Cause{Change: "added", Kind: "skipped", Name: "skipped:example.com/m/shop"}, "a file of example.com/m/shop added"},
		{manifest.Cause{Change: "changed", Kind: "native", Name: "native:example.com/m/shop"}, "assembly and C of package example.com/m/shop changed"},
		{manifest.Cause{Change: "changed", Kind: "ext", Name: "example.com/dep/sub"}, "package example.com/dep/sub changed"},
		{manifest.Cause{Change: "changed", Kind: "rt", Name: "rt:example.com/m/shop.T"}, "method set of shop.T changed"},
		{manifest.Cause{Change: "changed", Kind: "codec", Name: "codec:example.com/m/shop.T"}, "encoding of shop.T changed"},
		{manifest.Cause{Change: "changed", Kind: "env", Name: "language:example.com/m", Was: "go1.25", Is: "go1.26"}, "the language version of example.com/m went from go1.25 to go1.26"},
		{manifest.Cause{Change: "changed", Kind: "env", Name: "target", Was: "linux/amd64", Is: "linux/amd64,tag"}, "the target went from linux/amd64 to linux/amd64,tag"},
		{manifest.Cause{Change: "changed", Kind: "env", Name: "toolchain", Was: "go1.26.1", Is: "go1.26.2"}, "the release of Go went from go1.26.1 to go1.26.2"},
		{manifest.Cause{Change: "added", Kind: "env", Name: "toolchain", Is: "go1.26"}, "the release of Go is go1.26 now"},
		{manifest.Cause{Change: "removed", Kind: "env", Name: "godebug", Was: "panicnil=1"}, "the GODEBUG of the module is not panicnil=1 any more"},
		{manifest.Cause{Change: "changed", Kind: "env", Name: "godebug:example.com/m/cmd", Was: "a=1", Is: "a=0"}, "the GODEBUG of program example.com/m/cmd went from a=1 to a=0"},
		{manifest.Cause{Change: "changed", Kind: "env", Name: "algorithm"}, "the way in which dagstergen computes versions changed"},
		{manifest.Cause{Change: "changed", Kind: "env", Name: "language:example.com/m"}, "the language version of example.com/m changed"},
	} {
		assert.Equal(t, c.want, (&builder{}).causeText(c.cause))
	}
}
