package oracle

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/versionhash"
)

func TestFlip(t *testing.T) {
	f, err := Flip(t.Context(), write(t, testedShop), FlipOptions{Packages: []string{"..."}, Seed: 2, Edits: 12})
	require.NoError(t, err)
	assert.Empty(t, f.Misses)
	assert.Equal(t, 3, f.Tests)
	assert.Zero(t, f.Unsteady)
	assert.Equal(t, 12, f.Edits)
	assert.GreaterOrEqual(t, f.Telling, 2, "edits that a test tells")
	assert.GreaterOrEqual(t, f.Changed, f.Flipped)
	assert.Less(t, f.Changed, f.Runs, "an edit changes the versions of those tests that depend on it")
}

// A version of the test's own body must be caught.
func TestFlipCatchesABodyHash(t *testing.T) {
	f, err := Flip(t.Context(), write(t, testedShop), FlipOptions{Packages: []string{"..."}, Seed: 2, Edits: 5, Options: versionhash.Options{Mode: versionhash.Body}})
	require.NoError(t, err)
	assert.Len(t, f.Misses, f.Flipped)
	assert.GreaterOrEqual(t, f.Flipped, 2)
}

const endingTests = `
-- go.mod --
module example.com/endings

go 1.26
-- p.go --
package p
-- p_test.go --
package p

import (
	"os"
	"testing"
)

func TestA(t *testing.T) {}

func TestExit(t *testing.T) { os.Exit(3) }

func TestFail(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Error() }) }

func TestPanic(t *testing.T) { t.Parallel(); panic(1) }

func TestSkip(t *testing.T) { t.Skip() }

func TestSleep(t *testing.T) { t.Parallel() }
-- out_test.go --
package p_test

import "testing"

func TestA(t *testing.T) { t.Fail() }
`

func TestEndings(t *testing.T) {
	dir := write(t, endingTests)
	tested, err := listTests(t.Context(), dir, []string{"..."})
	require.NoError(t, err)
	binary, err := compileTests(t.Context(), dir, tested[0], nil)
	require.NoError(t, err)
	names, err := testNames(tested[0])
	require.NoError(t, err)
	got, err := endings(t.Context(), binary, tested[0], names)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"TestA": "PASS", "TestExit": "crashed", "TestFail": "FAIL", "TestPanic": "FAIL", "TestSkip": "SKIP", "TestSleep": "PASS",
	}, got, "the other TestA stands behind the exit")
	got, err = endings(t.Context(), binary, tested[0], []string{"TestA"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"TestA": "PASS FAIL"}, got)
}
