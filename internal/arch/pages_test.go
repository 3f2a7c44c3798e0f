package arch

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// A link of a page leads to a file that is there.
func TestLinks(t *testing.T) {
	pages := files(t, ".md")
	require.Contains(t, pages, filepath.Join("..", "..", "README.md"))
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			u, err := url.Parse(m[1])
			if !assert.NoError(t, err, page) || u.Scheme != "" || u.Path == "" {
				continue
			}
			_, err = os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(u.Path)))
			assert.NoError(t, err, "%s links to %s", page, m[1])
		}
	}
}

// One concept a file: what is longer than a sitting's reading has two.
func TestFilesAreShort(t *testing.T) {
	const most = 500
	for _, file := range files(t, ".go") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if bytes.HasPrefix(text, []byte("// Code generated ")) {
			continue
		}
		assert.LessOrEqual(t, bytes.Count(text, []byte("\n")), most, "lines of %s", file)
	}
}

// Every package says in its package comment what it is for; what is not a program or a test says its stage, too.
func TestPackagesSayTheirStage(t *testing.T) {
	comments := map[string]string{}
	for _, file := range files(t, ".go") {
		dir := filepath.Dir(file)
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		comments[dir] += string(text)
	}
	for dir, text := range comments {
		program := strings.Contains(text, "\npackage main\n") || strings.HasPrefix(text, "package main\n")
		if program {
			assert.True(t, strings.Contains("\n"+text, "\n// Command "), "%s has no comment that begins with Command", dir)
			continue
		}
		assert.True(t, strings.Contains("\n"+text, "\n// Package "), "%s has no package comment", dir)
		assert.True(t, strings.Contains(text, "\n// Stage: "), "the package comment of %s has no line that begins with Stage:", dir)
	}
}

// files lists the files of the project with an extension, what tests feed on left out.
func files(t *testing.T, ext string) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || name != ".." && strings.HasPrefix(name, ".")):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ext):
			found = append(found, path)
		}
		return nil
	}))
	require.NotEmpty(t, found)
	return found
}

// Each name of Dagster's documentation stands on the left of a row of docs/from-dagster.md, which says what it is here, or why it is not.
func TestNamesOfDagsterHaveRows(t *testing.T) {
	page, err := os.ReadFile("../../docs/from-dagster.md")
	require.NoError(t, err)
	list, err := os.ReadFile("testdata/dagster-names.txt")
	require.NoError(t, err)
	code, word := regexp.MustCompile("`[^`]*`"), regexp.MustCompile(`\w+`)
	rows := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		left, _, ok := strings.Cut(strings.TrimPrefix(strings.ReplaceAll(line, `\|`, "/"), "| "), " |")
		if !ok || !strings.HasPrefix(line, "| ") {
			continue
		}
		for _, span := range code.FindAllString(left, -1) {
			for _, name := range word.FindAllString(span, -1) {
				rows[name] = true
			}
		}
	}
	names := strings.Fields(string(list))
	require.Greater(t, len(names), 250)
	assert.True(t, slices.IsSorted(names))
	for _, name := range names {
		assert.True(t, rows[name], "%s has no row in docs/from-dagster.md", name)
	}
	assert.False(t, rows["NoSuchName"])
}
