package subprocess

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// pinned calls start while this thread may only use one of its processors: a process that is started then inherits that, and counts one processor.
// It is a wish: where it cannot be fulfilled, start is called all the same.
func pinned(n int, start func() error) error {
	done := make(chan error)
	go func() {
		// The thread is locked, so no other thread is made of it; it is given back only if it is what it was.
		runtime.LockOSThread()
		var all, one unix.CPUSet
		if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 {
			runtime.UnlockOSThread()
			done <- start()
			return
		}
		n %= all.Count()
		for cpu := 0; ; cpu++ {
			if all.IsSet(cpu) {
				if n == 0 {
					one.Set(cpu)
					break
				}
				n--
			}
		}
		if unix.SchedSetaffinity(0, &one) != nil {
			runtime.UnlockOSThread()
			done <- start()
			return
		}
		err := start()
		if unix.SchedSetaffinity(0, &all) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
