package load

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestToolCommand(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "a", "b")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for text, want := range map[string]string{
		"module m\n\ngo 1.26\n": "dagstergen",
		"module m\n\ngo 1.26\n\ntool github.com/dagstergen/dagstergen/cmd/dagstergen\n":                                "go tool dagstergen",
		"module m\n\ngo 1.26\n\ntool (\n\texample.com/x\n\tgithub.com/dagstergen/dagstergen/cmd/dagstergen // it\n)\n": "go tool dagstergen",
		"module m\n\ngo 1.26\n\ntool example.com/cmd/dagstergen\n":                                                     "dagstergen",
		"module m\n\n((": "dagstergen",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte(text), 0o644))
		assert.Equal(t, want, ToolCommand(dir), text)
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "a", "go.mod"), []byte("module n\n\ngo 1.26\n"), 0o644))
	assert.Equal(t, "dagstergen", ToolCommand(dir), "the module of the folder decides")
}
