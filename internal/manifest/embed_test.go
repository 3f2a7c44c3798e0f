package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEmbedMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, file string
		want          bool
	}{
		{"a.txt", "a.txt", true},
		{"a.txt", "b.txt", false},
		{"*.txt", "a.txt", true},
		{"*.txt", "d/a.txt", false},
		{"d/*.txt", "d/a.txt", true},
		{"d", "d/e/a.txt", true},
		{"d", "d2/a.txt", false},
		{"*", "d/e/a.txt", true},
		{"d", "d/.a", false},
		{"d", "d/_e/a", false},
		{"all:d", "d/_e/.a", true},
		{"d/*", "d/.a", true}, // a name that the pattern itself matches is taken in though it is hidden
		{"d/*", "d/e/.a", false},
		{".", "d/a.txt", true},
		{"[^._]*.s", "x.s", true},
		{"[^._]*.s", "_x.s", false},
		{"[", "[", false},
	} {
		assert.Equal(t, c.want, EmbedMatches(c.pattern, c.file), "%s %s", c.pattern, c.file)
	}
}

func TestEver(t *testing.T) {
	for src, want := range map[string]bool{
		"package a":                                    true,
		"//go:build windows\n\npackage a":              true,
		"//go:build ignore\n\npackage a":               false,
		"// Copyright\n\n//go:build ignore\npackage a": false,
		"// +build ignore\n\npackage a":                false,
		"//go:build !ignore\n\npackage a":              true,
		"//go:build ignore && linux\n\npackage a":      false,
		"//go:build ignore || linux\n\npackage a":      true,
		"//go:build !(ignore && x)\n\npackage a":       true,
		"//go:build !(!ignore || x)\n\npackage a":      false,
		"//go:build (\n\npackage a":                    true,
		"package a\n//go:build ignore\nvar x int":      true,
	} {
		assert.Equal(t, want, Ever([]byte(src)), "%q", src)
	}
}
