package manifest

import (
	"go/build/constraint"
	"path"
	"slices"
	"strings"
)

// EmbedMatches reports whether a pattern takes in a file: by its name, or as part of a folder, where hidden files are left out unless
// the pattern starts with all:.
func EmbedMatches(pattern, file string) bool {
	glob, all := strings.CutPrefix(pattern, "all:")
	for i := 0; i <= len(file); i++ {
		if i < len(file) && file[i] != '/' {
			continue
		}
		if ok, err := path.Match(path.Clean(glob), file[:i]); err != nil || !ok {
			if path.Clean(glob) != "." || i == 0 {
				continue
			}
		}
		if i == len(file) || all {
			return true
		}
		hidden := slices.ContainsFunc(strings.Split(file[i+1:], "/"), func(e string) bool { return e[:1] == "." || e[:1] == "_" })
		if !hidden {
			return true
		}
	}
	return false
}

// Ever reports whether a file that build constraints leave out is part of the package for some platform and tags. A file that
// asks for the tag "ignore" is a program beside the package, which go mod vendor leaves behind too.
func Ever(src []byte) bool {
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") {
			break
		}
		if !constraint.IsGoBuild(line) && !constraint.IsPlusBuild(line) {
			continue
		}
		if e, err := constraint.Parse(line); err == nil && !possible(e, true) {
			return false
		}
	}
	return true
}

// possible reports whether an expression can have the value want when every tag but "ignore" may be set or not.
func possible(e constraint.Expr, want bool) bool {
	switch e := e.(type) {
	case *constraint.NotExpr:
		return possible(e.X, !want)
	case *constraint.AndExpr:
		if want {
			return possible(e.X, true) && possible(e.Y, true)
		}
		return possible(e.X, false) || possible(e.Y, false)
	case *constraint.OrExpr:
		if want {
			return possible(e.X, true) || possible(e.Y, true)
		}
		return possible(e.X, false) && possible(e.Y, false)
	case *constraint.TagExpr:
		return e.Tag != "ignore" || !want
	}
	return true
}
