package oracle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/versionhash"
)

const testedShop = shop + `
-- cart/cart_test.go --
package cart

import "testing"

func TestTotal(t *testing.T) {
	if s := Total([]float64{1, 2}); s != "3.00 EUR" {
		t.Error(s)
	}
}

func TestLabel(t *testing.T) { check(t, Label("a")) }

func check(t *testing.T, n int) {
	if n != 1 {
		t.Error(n)
	}
}
-- cart/outside_test.go --
package cart_test

import (
	"testing"

	"example.com/shop/cart"
	"example.com/shop/price"
)

func TestAlone(t *testing.T) { t.Log(cart.Alone(1), price.Whole(1.5)) }
`

func TestCover(t *testing.T) {
	c, err := Cover(t.Context(), write(t, testedShop), CoverOptions{Packages: []string{"..."}})
	require.NoError(t, err)
	assert.Empty(t, c.Misses)
	assert.Equal(t, 3, c.Tests)
	assert.Equal(t, 1, c.Packages)
	// TestTotal: Total, Format, Sum, Round, cents.round, String. TestLabel: Label. TestAlone: Alone, Whole, Given, whole.round.
	assert.Equal(t, 11, c.Pairs)
}

// Closures that hold the test function alone must be found wanting.
func TestCoverCatchesABodyHash(t *testing.T) {
	c, err := Cover(t.Context(), write(t, testedShop), CoverOptions{Packages: []string{"..."}, Options: versionhash.Options{Mode: versionhash.Body}})
	require.NoError(t, err)
	assert.Len(t, c.Misses, 11)
}

// Tests of a package and tests beside it are one program: what one registers, the other runs. Some tests fail, and some things run by chance.
const mixedTests = `
-- go.mod --
module example.com/mixed

go 1.26
-- reg/reg.go --
package reg

var all []func() int

func Add(f func() int) { all = append(all, f) }

func Run() (n int) {
	for _, f := range all {
		n += f()
	}
	return n
}
-- far/far.go --
package far

func Number() int { return 7 }

func Chance() {}
-- p/p.go --
package p

func Nothing() {}
-- p/p_test.go --
package p

import (
	"testing"

	"example.com/mixed/reg"
)

func TestAll(t *testing.T) {
	if reg.Run() != 7 {
		t.Error("not registered")
	}
}

func TestFails(t *testing.T) { t.Error("no network here") }

func TestSkips(t *testing.T) { t.Skip("not today") }

func TestCrashes(t *testing.T) { panic("gone") }
-- p/outside_test.go --
package p_test

import (
	"os"
	"testing"
	"time"

	"example.com/mixed/far"
	"example.com/mixed/reg"
)

func init() { reg.Add(far.Number) }

var _ = func() int {
	for range 1 + time.Now().UnixNano()/1000%20 {
		far.Chance()
	}
	return 0
}()

func TestMain(m *testing.M) { os.Exit(m.Run()) }
`

func TestCoverTakesTheTestBinaryAsOneProgram(t *testing.T) {
	c, err := Cover(t.Context(), write(t, mixedTests), CoverOptions{Packages: []string{"..."}})
	require.NoError(t, err)
	assert.Empty(t, c.Misses, "%d were chance", c.Noise)
	assert.Equal(t, 4, c.Tests)
	assert.Equal(t, []TestEnded{
		{"example.com/mixed/p.TestCrashes", "failed", "panic: gone [recovered, repanicked]"},
		{"example.com/mixed/p.TestFails", "failed", "p_test.go:15: no network here"},
		{"example.com/mixed/p.TestSkips", "skipped", "p_test.go:17: not today"},
	}, c.Ended)
	assert.GreaterOrEqual(t, c.Pairs, 2, "TestAll runs reg.Run and far.Number")
}
