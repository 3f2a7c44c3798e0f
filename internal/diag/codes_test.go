package diag_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/diag"
)

var update = flag.Bool("update", false, "write docs/errors.md")

const root = "../.."

func TestErrorsPageIsUpToDate(t *testing.T) {
	file := filepath.Join(root, "docs", "errors.md")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(diag.Markdown()), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, diag.Markdown(), string(got), "run: go test ./internal/diag -update")
}

func TestCodesAreWellFormed(t *testing.T) {
	seen := map[string]bool{}
	last := ""
	for _, s := range diag.Sections {
		assert.NotEmpty(t, s.Codes, s.Title)
		for _, c := range s.Codes {
			assert.Regexp(t, `^DAG0[1-9]\d\d$`, c.Code)
			assert.False(t, seen[c.Code], "%s is given twice", c.Code)
			seen[c.Code] = true
			assert.Greater(t, c.Code, last, "codes are in order")
			last = c.Code
			assert.NotEmpty(t, c.Title, c.Code)
			for _, text := range []string{c.Means, c.Mend} {
				assert.True(t, strings.HasSuffix(text, "."), "%s: whole sentences", c.Code)
			}
			got, ok := diag.Lookup(c.Code)
			assert.True(t, ok)
			assert.Equal(t, c, got)
		}
	}
	_, ok := diag.Lookup("DAG9999")
	assert.False(t, ok)
}

var codePattern = regexp.MustCompile(`DAG0\d{3}`)

// codesIn collects the codes that files of the repository name, split into tests (with their data) and code.
func codesIn(t *testing.T) (tests, code map[string]string) {
	tests, code = map[string]string{}, map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (strings.HasPrefix(name, ".") && len(name) > 2 || name == "docs") {
			return fs.SkipDir
		}
		slashed := filepath.ToSlash(path)
		isTest := strings.HasSuffix(name, "_test.go") || strings.Contains(slashed, "/testdata/")
		isCode := strings.HasSuffix(name, ".go") && !isTest
		if d.IsDir() || !isTest && !isCode || strings.HasSuffix(slashed, "internal/diag/codes_test.go") || strings.Contains(slashed, "internal/diag/codes") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, c := range codePattern.FindAllString(string(src), -1) {
			if isTest {
				tests[c] = slashed
			} else {
				code[c] = slashed
			}
		}
		return nil
	}))
	return tests, code
}

func TestEveryCodeHasACase(t *testing.T) {
	tests, code := codesIn(t)
	for _, s := range diag.Sections {
		for _, c := range s.Codes {
			assert.NotEmpty(t, code[c.Code], "no code reports %s", c.Code)
			assert.NotEmpty(t, tests[c.Code], "no test expects %s", c.Code)
		}
	}
	for c, file := range code {
		_, ok := diag.Lookup(c)
		assert.True(t, ok, "%s reports %s, which internal/diag does not document", file, c)
	}
}
