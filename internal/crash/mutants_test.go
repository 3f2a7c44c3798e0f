//go:build crashmutant

package crash

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/mutant"
)

// TestMutants takes minutes and is compiled with the bugs alone (make crash). It runs the campaigns against binaries with a bug seeded on purpose. Each bug must be caught by the campaign that is
// there for it; the binary of the same build without a bug must pass.
func TestMutants(t *testing.T) {
	binary := build(t, "-tags", "crashmutant")
	random := func() *rand.Rand { return rand.New(rand.NewPCG(*seed, 3)) }
	kill := func(dir string, bug mutant.Bug) error {
		n := 60
		if bug != "" {
			n = 300 // a campaign ends with the first violation
		}
		return (&campaign{binary: binary, mutant: string(bug), dir: dir, random: random()}).run(n)
	}
	faults := func(dir string, bug mutant.Bug) error { return damageAll(dir, binary, string(bug), random()) }
	crowds := func(dir string, bug mutant.Bug) error { return crowd(dir, binary, string(bug), random(), 6) }

	// The same build without a bug passes: what is caught below is the bug.
	require.NoError(t, kill(t.TempDir(), ""), "seed %d", *seed)
	require.NoError(t, faults(t.TempDir(), ""), "seed %d", *seed)
	require.NoError(t, crowds(t.TempDir(), ""), "seed %d", *seed)

	for _, c := range []struct {
		bug      mutant.Bug
		campaign func(string, mutant.Bug) error
	}{
		{mutant.InPlace, kill},
		{mutant.RecordFirst, kill},
		{mutant.EarlyAck, kill},
		{mutant.NoVerify, faults},
		{mutant.NoLock, crowds},
	} {
		t.Run(string(c.bug), func(t *testing.T) {
			err := c.campaign(t.TempDir(), c.bug)
			require.Error(t, err, "seed %d: the campaign does not see this bug", *seed)
			t.Log("caught:", err)
		})
	}
}
