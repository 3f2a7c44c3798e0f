package plan

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func TestPositions(t *testing.T) {
	dag.RegisterSources("example.com/m/v1.2/weather", fstest.MapFS{
		"a.go":      {Data: []byte("package weather\n\nconst (\n\tA = 1\n\tB, C = 2, 3\n)\n\ntype T[K any] struct{}\n\nfunc (t *T[K]) M() {}\n\nfunc (t T[K]) N() {}\nfunc f() {}\n")},
		"broken.go": {Data: []byte("package weather\n\nvar V int\n\nfunc g( {\n")},
		"a_test.go": {Data: []byte("package weather\n\nfunc inTest() {}\n")},
	})
	var p Positions
	for symbol, want := range map[string]string{
		"example.com/m/v1.2/weather.A":      "a.go:4",
		"example.com/m/v1.2/weather.C":      "a.go:5",
		"example.com/m/v1.2/weather.T":      "a.go:8",
		"example.com/m/v1.2/weather.(*T).M": "a.go:10",
		"example.com/m/v1.2/weather.T.N":    "a.go:12",
		"example.com/m/v1.2/weather.f":      "a.go:13",
		"example.com/m/v1.2/weather.V":      "broken.go:3",
		"example.com/m/v1.2/weather.inTest": "",
		"example.com/m/v1.2/weather.none":   "",
		"example.com/unknown.f":             "",
		"env":                               "",
		"":                                  "",
	} {
		assert.Equal(t, want, p.Of(symbol), symbol)
	}
}

func TestCausesHavePositions(t *testing.T) {
	dag.RegisterSources(pkg, fstest.MapFS{"shop.go": {Data: []byte("package shop\n\nfunc b() {}\n\nfunc mean() {}\n")}})
	code := declared{"b": "b -> mean", "mean": "m"}
	ops := []*dag.Op{asset("a"), asset("b", "a")}
	shelf := newShelf()
	shelf.run(build(t, request(t, catalog(t, define(t, code, ops)), "", ""), shelf), same)
	code["mean"] = "edited"
	r := request(t, catalog(t, define(t, code, ops)), "", "")
	var p Positions
	r.Position = p.Of
	assert.Equal(t, []string{"code: func shop.mean (shop.go:5), reached through shop.b → shop.mean, changed"}, reasons(build(t, r, shelf), "b"))
}
