package versionhash

// The codes of this stage; internal/diag documents them.
const (
	CodeUnknown    = "DAG0601" // a symbol that does not exist
	CodeUnresolved = "DAG0602" // a name that does not resolve, in a declaration that a version covers
	CodeBroken     = "DAG0603" // another error in a declaration that a version covers
)
