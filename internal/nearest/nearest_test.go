package nearest

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOf(t *testing.T) {
	kinds := []string{"op", "asset", "source", "resource", "config", "job"}
	for name, want := range map[string]string{
		"aset": "asset", "assets": "asset", "Asset": "asset", "sauce": "source", "resorce": "resource", "confg": "config", "CONFGI": "config",
		"po": "op", "jbo": "job", "ops": "op", "banana": "", "": "", "x": "", "schedule": "", strings.Repeat("asset", 50): "",
	} {
		got, ok := Of(name, kinds)
		assert.Equal(t, want, got, name)
		assert.Equal(t, want != "", ok, name)
		backwards := slices.Clone(kinds)
		slices.Reverse(backwards)
		again, _ := Of(name, backwards)
		assert.Equal(t, got, again, name)
	}
	got, _ := Of("ab", []string{"xb", "aa"})
	assert.Equal(t, "aa", got, "ties go to the first in order")
	got, _ = Of("totl", []string{"Total", "total"})
	assert.Equal(t, "total", got, "case decides between names that differ in nothing else")
	long := strings.Repeat("a", 200)
	_, ok := Of(long, []string{long + "b"})
	assert.False(t, ok, "the table has a bound")
}

func TestHint(t *testing.T) {
	names := []string{"weather", "weather_daily", "report"}
	assert.Equal(t, `; did you mean "weather"?`, Hint("wether", names))
	assert.Empty(t, Hint("quite_another", names))
	assert.Empty(t, Hint("", nil))
}

// The rows are used again for the next name: what one left there says nothing about the next.
func TestEdits(t *testing.T) {
	var m measure
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"kitten", "sitting", 3}, {"ab", "ba", 1}, {"", "abc", 3}, {"abc", "", 3}, {"", "", 0}, {"ca", "abc", 3}, {"æøå", "åøæ", 2}, {"same", "same", 0},
		{"abcdef", "badcfe", 3}, {"a", "abcdefgh", 7},
	} {
		assert.Equal(t, tt.want, m.edits([]rune(tt.a), []rune(tt.b)), "%s %s", tt.a, tt.b)
		assert.Equal(t, tt.want, m.edits([]rune(tt.b), []rune(tt.a)), "%s %s", tt.b, tt.a)
	}
}
