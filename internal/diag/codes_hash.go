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
}
