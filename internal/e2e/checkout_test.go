package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is generated is committed, and is what the tool would write now.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	c := exec.Command(filepath.Join(tool, "dagstergen"), "check", "./...")
	c.Dir = root
	out, err := c.CombinedOutput()
	assert.NoError(t, err, "run go generate ./...\n%s", out)
}
