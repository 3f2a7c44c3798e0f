package gen

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

func TestToolchain(t *testing.T) {
	for _, tt := range []struct{ policy, release, want, err string }{
		{"", "go1.26.8", "", ""},
		{"language", "devel go1.27-abc", "", ""},
		{"minor", "go1.26.8", "go1.26", ""},
		{"minor", "go1.27rc1", "go1.27", ""},
		{"exact", "go1.26.8", "go1.26.8", ""},
		{"minor", "devel go1.27-abc", "", `m/go.mod: the go command does not say which release it is ("devel go1.27-abc"), so that -toolchain=minor cannot count it; use a release of Go, or -toolchain=language [DAG0609]`},
		{"exact", "", "", `m/go.mod: the go command does not say which release it is (""), so that -toolchain=exact cannot count it; use a release of Go, or -toolchain=language [DAG0609]`},
	} {
		policy, err := ParseToolchain(tt.policy)
		require.NoError(t, err)
		var diags diag.List
		assert.Equal(t, tt.want, policy.release(&load.Program{Dir: "/src", Release: tt.release, Module: load.Module{Dir: "/src/m"}}, &diags))
		if tt.err == "" {
			assert.Empty(t, diags)
		} else if assert.Len(t, diags, 1) {
			assert.Equal(t, tt.err, diags[0].String())
		}
	}
	_, err := ParseToolchain("newest")
	assert.EqualError(t, err, `toolchain "newest": use language, minor or exact`)
}
