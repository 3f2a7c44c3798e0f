package diag

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNearest(t *testing.T) {
	kinds := []string{"op", "asset", "source", "resource", "config", "job"}
	for name, want := range map[string]string{
		"aset": "asset", "assets": "asset", "Asset": "asset", "sauce": "source", "resorce": "resource", "confg": "config",
		"po": "op", "jbo": "job", "ops": "op", "banana": "", "": "", "x": "", "schedule": "", strings.Repeat("asset", 50): "",
	} {
		got, ok := Nearest(name, kinds)
		assert.Equal(t, want, got, name)
		assert.Equal(t, want != "", ok, name)
	}
	got, _ := Nearest("ab", []string{"xb", "aa"})
	assert.Equal(t, "aa", got, "ties go to the first in order")
}
