package subprocess

// pinned calls start: there is no way to ask for one processor here.
func pinned(_ int, start func() error) error { return start() }
