package diag

import (
	"fmt"
	"slices"
	"strings"
)

// A Code documents one diagnostic. Codes are given by hand and never used for anything else later.
type Code struct {
	Code  string // "DAG0102"
	Title string // a few words, lower case
	Means string // what is wrong, in whole sentences
	Mend  string // what to do, in whole sentences
}

// A Section is the codes of one stage of the generator.
type Section struct {
	Title string
	Codes []Code
}

// Sections is the table of all codes, in order. Do not modify it.
var Sections = []Section{
	{"Directives", directiveCodes},
	{"Loading the module", loadCodes},
	{"Declarations", declarationCodes},
	{"Wiring", wiringCodes},
	{"Bodies of jobs", jobCodes},
	{"Versions", versionCodes},
	{"Generated files", outputCodes},
	{"What dagstergen vet finds", vetCodes},
}

// Lookup returns the entry of a code.
func Lookup(code string) (Code, bool) {
	for _, s := range Sections {
		if i := slices.IndexFunc(s.Codes, func(c Code) bool { return c.Code == code }); i >= 0 {
			return s.Codes[i], true
		}
	}
	return Code{}, false
}

// Markdown returns the page docs/errors.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Errors of the generator\n\n")
	b.WriteString("<!-- Written from internal/diag: `go test ./internal/diag -update` brings it up to date. -->\n\n")
	b.WriteString("Each line that `dagstergen` prints ends with a code in brackets. A code keeps its meaning for ever.\n")
	for _, s := range Sections {
		fmt.Fprintf(&b, "\n## %s\n", s.Title)
		for _, c := range s.Codes {
			fmt.Fprintf(&b, "\n### %s: %s\n\n%s\n\n**Fix.** %s\n", c.Code, c.Title, c.Means, c.Mend)
		}
	}
	return b.String()
}
