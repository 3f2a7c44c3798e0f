package plan

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWildcard(t *testing.T) {
	tests := []struct {
		pattern, key string
		want         bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a/b", "a/b", true}, {"", "", true}, {"", "a", false},
		{"*", "a/b", true}, {"a/*", "a/b/c", true}, {"a/*", "a", false}, {"*/c", "a/b/c", true}, {"*/c", "c", false},
		{"a*c", "abc", true}, {"a*c", "ac", true}, {"a*a", "a", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"*a*", "bab", true}, {"**", "x", true},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, wildcard(tt.pattern, tt.key), "%q of %q", tt.pattern, tt.key)
	}
}

func FuzzWildcard(f *testing.F) {
	f.Add("a*b", "axb")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, pattern, key string) {
		if strings.ContainsAny(pattern, `?[]\`) || strings.Contains(key, "/") || !strings.Contains(pattern, "*") {
			return
		}
		if want, err := path.Match(pattern, key); err == nil { // without slashes the standard library has the same opinion
			assert.Equal(t, want, wildcard(pattern, key), "%q of %q", pattern, key)
		}
	})
}
