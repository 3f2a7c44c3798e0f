//go:build !crashmutant

package mutant

// Is reports whether this process has the bug b: it does not.
func Is(Bug) bool { return false }
