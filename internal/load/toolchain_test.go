package load

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/diag"
)

func TestNewerGo(t *testing.T) {
	for _, c := range []struct {
		release, tool, module string
		want                  string
		severity              diag.Severity
	}{
		{"go1.26.8", "go1.26.1", "1.26", "", 0},
		{"go1.25", "go1.26.1", "1.24.0", "", 0},
		{"", "go1.26.1", "", "", 0},
		{"go1.99", "devel go1.27-abc", "1.99", "", 0},
		{"go1.27rc1", "go1.26.1", "1.26", "the go command is go1.27rc1, and this dagstergen was built with go1.26.1", diag.Warning},
		{"go1.27.0", "go1.26.1", "1.27.0", "module m is written in go1.27, and this dagstergen was built with go1.26.1", diag.Error},
	} {
		d, ok := newerGo(c.release, c.tool, Module{Path: "m", GoVersion: c.module})
		assert.Equal(t, c.want != "", ok, "%+v", c)
		if ok {
			assert.Equal(t, c.want, d.Message)
			assert.Equal(t, c.severity, d.Severity)
			assert.Equal(t, "DAG0210", d.Code)
		}
	}
}

func TestGoRelease(t *testing.T) {
	p, diags, err := Load(t.Context(), Config{Dir: "../canon"})
	require.NoError(t, err)
	require.Empty(t, diags)
	assert.True(t, strings.HasPrefix(runtime.Version(), p.goRelease()), "%s %s", runtime.Version(), p.goRelease())
}
