package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is generated is committed, and is what the tool would write now.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	c := exec.Command(filepath.Join(tool, "dagstergen"), "check", "./...")
	c.Dir = root
	out, err := c.CombinedOutput()
	assert.NoError(t, err, "run go generate ./...\n%s", out)
}

// The example of the README is a part of examples/quickstart, and its first command is what CI runs.
func TestReadmeShowsTheQuickstart(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	code, err := os.ReadFile(filepath.Join(root, "examples", "quickstart", "main.go"))
	require.NoError(t, err)
	_, example, ok := strings.Cut(string(readme), "```go\n")
	require.True(t, ok)
	example, _, ok = strings.Cut(example, "```")
	require.True(t, ok)
	assert.Contains(t, string(code), example)
}
