//go:build crashmutant

package mutant

import "os"

var chosen = Bug(os.Getenv("CRASHMUTANT"))

// Is reports whether this process has the bug b.
func Is(b Bug) bool { return b == chosen }
