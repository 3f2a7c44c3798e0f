package versionhash

import (
	goversion "go/version"

	"github.com/dagstergen/dagstergen/internal/load"
)

// loopVariables is the language version that gave each round of a loop its own variables: the last one so far that changed what code means which
// compiles before and after it.
const loopVariables = "go1.22"

// languageOf is what counts of the language version that code of a package is compiled with: of the user's own modules the version, without the number
// of a patch; of others what it means, because they raise it with every other release and nothing follows from it.
func languageOf(p *load.Package, version string) string {
	if p.Deep {
		return meaning(version)
	}
	if l := goversion.Lang(version); l != "" {
		return l
	}
	return version
}

// meaning is the first language version in which all code means what it does in the given one.
func meaning(version string) string {
	if goversion.Compare(version, loopVariables) < 0 {
		return "go1"
	}
	return loopVariables
}
