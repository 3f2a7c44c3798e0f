package diag

// versionCodes are those of package versionhash.
var versionCodes = []Code{
	{"DAG0601", "no such declaration",
		"A code version was asked for of something that is not declared in the packages that were loaded.",
		"Name the package that declares it as well."},
	{"DAG0602", "name that does not resolve",
		"A declaration that a version covers uses a name that is declared nowhere, so that what it stands for cannot be part of the version.",
		"Declare it, or correct the name. Names that dagstergen generates may be used before they exist."},
	{"DAG0603", "code that does not compile",
		"A declaration that a version covers has a type error. Errors in code that no version reaches do not stop the generator.",
		"Mend it; the message is that of the Go compiler."},
	{"DAG0604", "symbol that is not there",
		"A `//dag:ignore` or `//dag:depends` names a symbol that code in its place could not name: it is declared nowhere, not exported, or in a package that is not imported, directly or not.",
		"Write it as code would (`Name`, `Type.Method`, `pkg.Name`), or with the whole import path: `example.com/m/plugins.Register`."},
	{"DAG0605", "symbol that does not work here",
		"A `//dag:ignore` names something that cannot be left out: a constant or an alias, which is written into the code that uses it, the standard library, a part of another module's package, or the op itself. Or a `//dag:depends` names something that cannot count by itself.",
		"Name what the message says, or remove the word."},
	{"DAG0606", "decision in the wrong place",
		"A `//dag:ignore` or `//dag:depends` stands on something it says nothing about: a source or a job has no code version; an op cannot be left out of its own; under `version=` the code does not count, so that nothing of it can be left out or added.",
		"Symbols are left out by ops, assets and resources: `//dag:ignore SYMBOL... \"REASON\"`. Above any other declaration, `//dag:ignore \"REASON\"` leaves out that declaration in every version."},
	{"DAG0607", "files that cannot count",
		"The pattern of a `//dag:depends file:` matches nothing, or something that Go does not embed: a link, a folder with a go.mod, a name with odd characters. A binary embeds the files that count, to prove what it was built from.",
		"Correct the pattern, move the file below the folder of the package, or observe it with a `//dag:source`."},
	{"DAG0608", "ignore that leaves nothing out",
		"A `//dag:ignore` names a symbol that the op does not reach, so that the version is the same without it. It is a warning.",
		"Remove the symbol."},
}
