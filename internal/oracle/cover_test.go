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
