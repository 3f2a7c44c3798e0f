package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dagstergen/dagstergen/internal/scripttest"
)

// only returns the one file that matches a pattern of a script.
func only(ts *testscript.TestScript, pattern string) string {
	files, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	if len(files) != 1 {
		ts.Fatalf("%d files match %s, want one", len(files), pattern)
	}
	return files[0]
}

func overwrite(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "overwrite GLOB")
	f, err := os.OpenFile(only(ts, args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	_, err = f.Write(bytes.Repeat([]byte("garbage "), 1024))
	ts.Check(errors.Join(err, f.Close()))
}

func copytree(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "copytree FROM TO")
	from, to := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	ts.Check(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == to, path != from && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	}))
}

// unprivileged takes the right to write to $DAGSTERGEN_HOME away while a program runs. The superuser may write to what is
// read-only unless that capability is dropped, too.
func unprivileged(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "unprivileged CODE PROGRAM ARG...")
	home := ts.Getenv("DAGSTERGEN_HOME")
	modes := map[string]fs.FileMode{}
	ts.Check(filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		modes[path] = info.Mode()
		return nil
	}))
	for path, mode := range modes {
		ts.Check(os.Chmod(path, mode&^0o222))
	}
	defer func() {
		for path, mode := range modes {
			ts.Check(os.Chmod(path, mode))
		}
	}()
	if os.Geteuid() == 0 {
		args = append([]string{args[0], "setpriv", "--bounding-set=-dac_override"}, args[1:]...)
	}
	scripttest.Exits(ts, false, args)
}
