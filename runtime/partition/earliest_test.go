package partition

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEarliest(t *testing.T) {
	keys, old, young := Static("a", "b"), Daily("2024-01-01"), Daily("2024-02-01")
	for _, c := range []struct{ a, b, want *Definition }{
		{old, young, old}, {young, old, old}, {old, old, old},
		{Static("a", "b"), keys, nil},
		{Multi(Dim("day", young), Dim("to", keys)), Multi(Dim("to", keys), Dim("day", old)), Multi(Dim("day", old), Dim("to", keys))},
		{Multi(Dim("day", old), Dim("due", young)), Multi(Dim("day", young), Dim("due", old)), nil},
	} {
		assert.True(t, Alike(c.a, c.b))
		if c.want == nil {
			assert.Same(t, c.a, Earliest(c.a, c.b))
			continue
		}
		assert.Equal(t, c.want.String(), Earliest(c.a, c.b).String())
	}
}
