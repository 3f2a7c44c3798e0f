package oracle

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/versionhash"
)

// write lays a txtar archive out as a module.
func write(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, f.Data, 0o644))
	}
	return dir
}

const shop = `
-- go.mod --
module example.com/shop

go 1.26
-- price/price.go --
package price

import (
	"fmt"
	"strings"
)

// Currency is a kind of money.
type Currency struct {
	Code string ` + "`json:\"code\"`" + `
}

func (c Currency) String() string { return strings.ToUpper(c.Code) }

const digits = 2

type rounder interface{ round(float64) float64 }

type cents struct{ n int }

func (c cents) round(x float64) float64 {
	if x < 0 {
		return -c.round(-x)
	}
	return float64(int(x*100+0.5)) / 100
}

type whole struct{}

func (whole) round(x float64) float64 { return float64(int(x)) }

var rounders = map[string]rounder{}

func register(name string, r rounder) { rounders[name] = r }

func init() { register("cents", cents{digits}) }

// Format goes through fmt, which calls String.
func Format(x float64, c Currency) string { return fmt.Sprintf("%.*f %v", digits, Round("cents", x), c) }

func Round(name string, x float64) float64 { return rounders[name].round(x) }

// Whole is given its rounder: that is not part of its version.
func Given(r rounder, x float64) float64 { return r.round(x) }

func Whole(x float64) float64 { return Given(whole{}, x) }

type Number interface{ ~int | ~float64 }

func Sum[T Number](xs []T) T {
	var s T
	for _, x := range xs {
		if x == 0 {
			continue
		}
		s += x
	}
	return s
}
-- price/rates.go --
package price

import _ "embed"

//go:embed rates.txt
var rates string

func Rate() string { return rates }
-- price/rates.txt --
1 2 3
-- price/price_windows.go --
package price

func windows() int { return 1 }
-- cart/cart.go --
package cart

import "example.com/shop/price"

var names = []string{"a", "b"}

var labels = func() map[string]int { return map[string]int{names[0]: 1} }()

func Total(xs []float64) string { return price.Format(price.Sum(xs), price.Currency{Code: "eur"}) }

func Label(s string) int { return labels[s] }

func Alone(n int) int { return n + 1 }
`

// usersOf names the roots that depend on a declaration.
func usersOf(t *testing.T, d *dependence, c *closure, name string) []string {
	t.Helper()
	var out []string
	found := false
	for o, n := range c.decls {
		if o.Name() != name {
			continue
		}
		found = true
		for _, r := range c.users[n] {
			out = append(out, strings.TrimPrefix(d.names[r], "example.com/shop/"))
		}
	}
	require.True(t, found, name)
	slices.Sort(out)
	return out
}

func TestWhatDependsOnWhat(t *testing.T) {
	p, err := loadProject(t.Context(), write(t, shop))
	require.NoError(t, err)
	d, err := build(detached(p))
	require.NoError(t, err)
	c := d.closures()
	assert.Equal(t, []string{"cart.Label"}, usersOf(t, d, c, "labels"))
	assert.Equal(t, []string{"cart.Label"}, usersOf(t, d, c, "names"), "a closure in an initialiser")
	assert.Equal(t, []string{"cart.Total", "price.Currency.String", "price.Format"}, usersOf(t, d, c, "String"), "fmt calls it")
	assert.Equal(t, []string{"cart.Total", "price.Sum"}, usersOf(t, d, c, "Sum"), "an instance")
	assert.Equal(t, []string{"price.Rate"}, usersOf(t, d, c, "rates"))
	registered := []string{"cart.Total", "price.Format", "price.Round", "price.cents.round"}
	for _, u := range registered {
		assert.Contains(t, usersOf(t, d, c, "cents"), u, "set by an init function through a helper")
	}
	assert.Equal(t, []string{"price.Whole", "price.whole.round"}, slices.DeleteFunc(usersOf(t, d, c, "round"), func(s string) bool {
		return slices.Contains(registered, s) || s == "price.register"
	}), "only what makes the value depends on its methods")
}

func TestMutateFindsNothingInVersions(t *testing.T) {
	m, err := Mutate(t.Context(), write(t, shop), MutateOptions{Seed: 7, Edits: 1000})
	require.NoError(t, err)
	assert.Empty(t, m.Misses)
	assert.Greater(t, m.Edits, 40, "all edits that compile, until there are no more")
	assert.Greater(t, m.Tried, m.Edits, "some do not compile")
	kinds := map[string]int{}
	for _, k := range m.Kinds {
		kinds[k.Kind] = k.Dependents
	}
	for _, k := range []string{"operator", "number", "string", "negated condition", "deleted statement", "break and continue", "constant",
		"initialiser of a variable", "struct tag", "added field", "added method", "type constraint", "embedded file", "file that is left out"} {
		assert.Positive(t, kinds[k], k)
	}
}

// A version that sees bodies alone must be caught, or the campaign proves nothing.
func TestMutateCatchesABodyHash(t *testing.T) {
	m, err := Mutate(t.Context(), write(t, shop), MutateOptions{Seed: 7, Edits: 1000, Options: versionhash.Options{Mode: versionhash.Body}})
	require.NoError(t, err)
	assert.Greater(t, len(m.Misses), m.Dependents/3)
}

func TestMutateIsRepeatable(t *testing.T) {
	dir := write(t, shop)
	var results [2]*Mutation
	for i := range results {
		var err error
		results[i], err = Mutate(t.Context(), dir, MutateOptions{Seed: 3, Edits: 15, Workers: 1 + i})
		require.NoError(t, err)
		results[i].Elapsed, results[i].Prepare = 0, 0
	}
	assert.Equal(t, results[0], results[1])
}

func TestNeutralChangesNothing(t *testing.T) {
	dir := write(t, shop)
	for seed := range uint64(5) {
		n, err := Neutral(t.Context(), dir, seed, versionhash.Options{})
		require.NoError(t, err)
		assert.Empty(t, n.Changed)
		assert.GreaterOrEqual(t, n.Renamed, 20)
		assert.Greater(t, n.Moved, 10)
		assert.Equal(t, 13, n.Functions)
	}
}
