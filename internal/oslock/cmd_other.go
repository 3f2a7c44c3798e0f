//go:build !linux && !darwin

package oslock

// A pipeline runs on Linux and macOS: other systems have no lock that belongs to an open file and ends with its holder in the way
// that runs and versions need.
var _ = dagstergen_supports_linux_and_darwin_only
